#!/usr/bin/python3
"""A bump is explained, said to be no anomaly, and is none the next time, although the process was killed in
between; a calendar that is on keeps the score of another job down. Ten samples a second, for half a minute.

usage: run.py TOP AUSPEX-BINARY FOLDER
"""
import json
import pathlib
import random
import shutil
import signal
import sys
import time
import urllib.parse

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

CONFIG = """\
global: {step: 100ms, evaluation_delay: 0s}
remote_write: [{url: http://127.0.0.1:9/api/v1/write}]
calendars:
- {name: always, ical_file: FOLDER/always.ics, skip: [alerts]}
jobs:
- {name: told, expr: load, anomaly: {}}
- {name: expected, expr: load, anomaly: {}, calendars: [always]}
"""
ALWAYS = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART:20200101T000000Z
DURATION:P1D
RRULE:FREQ=DAILY
END:VEVENT
END:VCALENDAR
"""


class Auspex:
    def __init__(self, folder):
        self.folder = folder
        (folder / "always.ics").write_text(ALWAYS)
        (folder / "auspex.yml").write_text(CONFIG.replace("FOLDER", str(folder)))
        port = stack.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.server = stack.Server("auspex", [
            sys.argv[2], "serve", f"--config.file={folder}/auspex.yml", f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--storage.remote.flush-deadline=1s"],
            folder / "log", self.url + "/-/ready")
        self.start()

    def start(self):
        self.server.start()
        self.server.wait_ready()

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.server.process = None

    def ask(self, path, status=200, **how):
        code, body = stack.http(self.url + path, **how)
        require(code == status, f"{path}: {code}, not {status}: {body[:300]}")
        return json.loads(body).get("data")

    def explain(self, selector, t):
        """What was said at t, once that step is taken."""
        def asked(**more):
            found = self.ask("/api/v1/explain?" + urllib.parse.urlencode({"series": selector, **more}))["explanations"]
            require(found, f"nothing is known of {selector}")
            return found[0]

        eventually(60, lambda: asked()["timestamp"] >= t, f"{selector} has come to {t}")
        return asked(time=f"{t:.3f}")

    def feed(self, steps, bump):
        """Samples as time passes; the times of those of the bump."""
        times = []
        for k in range(steps):
            t = int(time.time() * 10) * 100
            value = 10 + random.random() + (4 if k in bump else 0)
            if k in bump:
                times.append(t / 1000)
            body = rw.request_1(rw.series_1([("__name__", "load"), ("instance", "a")], [(value, t)]))
            stack.http(self.url + "/api/v1/write", rw.snappy(body), rw.HEADERS_1)
            time.sleep(max(0.0, (t + 100) / 1000 - time.time()))
        return times


def teach(auspex):
    times = auspex.feed(230, range(200, 206))
    told, expected = '{for="told",instance="a"}', '{for="expected",instance="a"}'

    bump = auspex.explain(told, times[2])
    require(bump["score"] > 1 and bump["actual"] > 13, f"the bump is no anomaly: {bump}")
    require("is expected" in bump["sentence"], bump["sentence"])
    # A calendar is on: not abnormal, so all that is kept of the time is how high the detector's own score was.
    require(auspex.explain(expected, times[2])["since"] is None, "an alert although a calendar is on")

    said = auspex.ask("/api/v1/feedback", method="POST", data=json.dumps({
        "verdict": "not_anomaly", "series": told, "from": times[0], "to": times[-1], "author": "jo"}).encode())
    after = [t for job in said["jobs"] for t in job["thresholds"]]
    require(len(after) == 1 and after[0]["after"] > 1, f"nothing was learnt: {said}")

    auspex.kill()
    auspex.start()
    listed = auspex.ask("/api/v1/feedback")["feedback"]
    require([row["author"] for row in listed] == ["jo"], f"it is not listed: {listed}")
    again = auspex.feed(60, range(40, 46))
    bump = auspex.explain(told, again[2])
    require(bump["since"] is None, f"the bump is an anomaly again: {bump}")
    require(bump["threshold"] == after[0]["after"], f"another threshold: {bump}")

    auspex.ask("/api/v1/feedback?id=1", method="DELETE")
    require(auspex.explain(told, again[2])["threshold"] == 1, "revoked, and still in force")
    require(auspex.server.stop(60) == 0, "it did not stop well")
    print(f"explained, taught, killed, taught still, revoked: threshold {after[0]['after']:.2f} and back")


def main():
    folder = pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    random.seed(1)
    auspex = Auspex(folder)
    try:
        teach(auspex)
    except (Failure, stack.StackError, OSError) as failure:
        sys.exit(f"FAILED: {failure}\n{auspex.server.log_tail()}")
    finally:
        auspex.server.stop()


if __name__ == "__main__":
    main()
