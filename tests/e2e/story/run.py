#!/usr/bin/python3
"""The life of a model, against a real Prometheus, five steps a second: a network is fitted and serves; level and
pattern of its series change; drift rises, the alert fires, a fit begins by itself, its version runs in shadow, is
promoted, and does better than the old one; `auspex models rollback` returns that; a version that was spoilt and
pushed by hand is rolled back by itself. At random moments the process is killed: the registry is whole each time, and
the story goes on.

usage: run.py TOP AUSPEX-BINARY FOLDER
AUSPEX_STORY_KILLS: how often it is killed in each of two parts of the story (2); AUSPEX_STORY_SEED: when (by the clock).
"""
import base64
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import model_file

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import stack  # noqa: E402
from exporter import Exporter  # noqa: E402

AUSPEX = str(pathlib.Path(sys.argv[2]).resolve())
MODEL = "load/lstm"
STEP = 0.2  # the window is full when the first version is fitted: else the next one takes its place without a trial
SERIES = 8
KILLS = int(os.environ.get("AUSPEX_STORY_KILLS", "2"))
SEED = int(os.environ.get("AUSPEX_STORY_SEED", str(int(time.time()) % 1000)))
SHOWN = '{__name__=~"model_(info|comparison.*)|data_drift_score"} or model_phase == 1'
CONFIG = """\
global: {step: 200ms, evaluation_delay: 400ms}
remote_write: [{url: PROMETHEUS/api/v1/write, queue_config: {batch_send_deadline: 100ms, max_backoff: 500ms}}]
jobs:
- name: load
  expr: load
  window: {fine: 128}
  forecast:
    horizons: [200ms, 400ms]
    lstm: {preset: internet, epochs: 20, patience: 5}
  drift: {reference: 60, current: 30, interval: 1s}
  models: {min_samples: 20, watch_samples: 160, drift_for: 4s, cooldown: 8s}
"""
PROMETHEUS = """\
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms}
rule_files: [FOLDER/alerts.yml]
scrape_configs: [{job_name: load, static_configs: [{targets: [EXPORTER]}]}]
remote_write:
- url: AUSPEX/api/v1/write
  write_relabel_configs: [{source_labels: [__name__], regex: load, action: keep}]
  queue_config: {batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 500ms}
"""


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


class Recording:
    """Series as an exporter shows them; `changed` alters level and pattern."""

    def __init__(self):
        self.changed = False
        self.exporter = Exporter(lambda: "".join(f'load{{host="{s}"}} {self.value(s)}\n' for s in range(SERIES)))
        self.address = self.exporter.address

    def value(self, series):
        step = int(time.time() / STEP) + series
        noise = random.gauss(0, 1)
        if not self.changed:  # waves of 12 steps
            return 100 * (1 + 0.3 * math.sin(2 * math.pi * step / 12)) + noise
        return 300 * (1 + 0.4 * (-1 if step % 5 < 2 else 1)) + 2 * noise  # a square of 5


class Story:
    def __init__(self, folder):
        self.folder = folder
        self.recording = Recording()
        self.random = random.Random(SEED)
        self.began = time.monotonic()
        self.kills = []
        ports = [stack.free_port() for _ in range(2)]
        self.url, self.prometheus = (f"http://127.0.0.1:{port}" for port in ports)
        (folder / "auspex.yml").write_text(CONFIG.replace("PROMETHEUS", self.prometheus))
        (folder / "prometheus.yml").write_text(
            PROMETHEUS.replace("FOLDER", str(folder)).replace("EXPORTER", self.recording.address)
            .replace("AUSPEX", self.url))
        (folder / "alerts.yml").write_text(
            stack.scale_durations((TOP / "rules" / "alerts.yml").read_text(), 7200))
        self.servers = [
            stack.Server("auspex", [AUSPEX, f"--config.file={folder}/auspex.yml", f"--storage.path={folder}/data",
                                    f"--web.listen-address=127.0.0.1:{ports[0]}", "--web.enable-admin-api",
                                    "--storage.remote.flush-deadline=1s", "--training.max-cpu=100"],
                         folder / "auspex.log", self.url + "/-/ready"),
            stack.Server("prometheus", ["prometheus", f"--config.file={folder}/prometheus.yml",
                                        f"--storage.tsdb.path={folder}/tsdb", "--web.enable-remote-write-receiver",
                                        f"--web.listen-address=127.0.0.1:{ports[1]}", "--log.level=warn"],
                         folder / "prometheus.log", self.prometheus + "/-/ready")]
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()

    def stop(self):
        for server in self.servers:
            server.stop()
        self.recording.exporter.stop()

    def say(self, text):
        print(f"{time.monotonic() - self.began:5.1f} s  {text}", flush=True)

    # ---- asking ----

    def query(self, expression):
        status, body = stack.http(f"{self.prometheus}/api/v1/query",
                                  stack.urllib.parse.urlencode({"query": expression}).encode())
        require(status == 200, f"{expression}: {body[:200]}")
        return [(row["metric"], float(row["value"][1])) for row in json.loads(body)["data"]["result"]]

    def value(self, expression):
        rows = self.query(expression)
        return rows[0][1] if rows else None

    def champion(self):
        """The version that serves, as the series have it."""
        rows = self.query('model_info{model="lstm",role="champion"}')
        return rows[0][0]["version"] if len(rows) == 1 else None

    def models(self, *words):
        run = subprocess.run([AUSPEX, "models", *words, f"--url={self.url}", "--by=test"], capture_output=True,
                             text=True, timeout=30)
        require(run.returncode == 0, f"auspex models {' '.join(words)}: {run.stderr}")
        return run.stdout

    def audit(self):
        return json.loads(self.models("audit", MODEL, "--format=json"))["data"]["entries"]

    def eventually(self, seconds, condition, text):
        """Wait, and kill the process when its time has come."""
        deadline = time.monotonic() + seconds
        while True:
            for server in self.servers:
                server.check_alive()
            try:
                found = condition()
            except (OSError, ValueError, KeyError):
                found = None
            if found:
                self.say(text)
                return found
            require(time.monotonic() < deadline, f"not within {seconds} s: {text}; {self.query(SHOWN)}")
            if self.kills and time.monotonic() > self.kills[0]:
                self.kill()
            time.sleep(0.1)

    def kill(self):
        self.kills.pop(0)
        server = self.servers[0]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start()
        server.wait_ready()
        self.say("killed; " + self.models("verify").strip())

    def plan_kills(self, seconds):
        """Kill it at random moments of what comes next."""
        now = time.monotonic()
        self.kills = sorted(self.kills + [now + seconds * self.random.random() for _ in range(KILLS)])

    # ---- the story ----

    def error(self):
        """Mean error of the forecasts of one step over the last 4 seconds, as a share of the value."""
        return self.value('avg(avg_over_time((abs(predicted_load{horizon="200ms"} offset 200ms - on (host) load) '
                          '/ on (host) load)[4s:200ms]))')

    def first_model(self):
        self.eventually(60, lambda: self.champion() == "1.0.0", "the first version is fitted and serves at once")
        require("drift" not in self.reasons(), "a fit because of drift that is not there")
        time.sleep(2)
        require(self.value("data_drift_score") == 0, "there is drift before the change")
        self.usual = self.error()

    def reasons(self):
        return re.findall(r"id=training_started msg=\"[^\"]*reason: (\w+)", (self.folder / "auspex.log").read_text())

    def change(self):
        self.recording.changed = True
        self.say("level and pattern change")
        self.plan_kills(30)
        self.eventually(30, lambda: (self.value("data_drift_score") or 0) > 0.3, "the drift series has risen")
        self.eventually(20, lambda: self.query('ALERTS{alertname="AuspexDataDriftHigh",alertstate="firing"}'),
                        "the alert fires")
        self.eventually(40, lambda: "drift" in self.reasons(), "a fit has begun because of drift")
        self.eventually(40, lambda: self.value('max_over_time(model_phase{phase="shadow"}[2m])') == 1,
                        "its version runs in shadow")
        self.eventually(20, lambda: len(self.query('max_over_time(predicted_load_challenger{role="challenger",'
                                                   'horizon="200ms"}[2m])')) == SERIES,
                        "what it says of each series is there")
        self.eventually(90, lambda: self.champion() not in (None, "1.0.0"), "it is promoted")
        self.eventually(30, lambda: (self.value("model_comparison_effect_lower") or 0) > 0,
                        "under watch it goes on doing better than the one that it replaced")
        self.eventually(30, lambda: (self.error() or 1) < 2 * self.usual + 0.05,
                        f"accuracy is back (mean error was {self.usual:.3f} before the change)")
        self.say(self.models("compare", MODEL).split("on live data: ")[-1].replace("\n", "; "))

    def roll_back(self):
        """Whom the champion replaced is mostly 1.0.0; kills may have put another one between them, and what it had
        learnt from may be so little that the next version takes its place again."""
        card = json.loads(self.models("show", MODEL, "champion", "--format=json"))["data"]
        good, old = card["version"], card["replaced"]
        self.models("rollback", MODEL, "--why=the story wants it")
        self.eventually(20, lambda: self.served_since_rollback(old),
                        f"rollback returns the old version, {old}")
        self.models("promote", MODEL, good, "--why=the story wants it back")
        self.eventually(20, lambda: self.champion() == good, "promote brings the new one back")
        return good

    def served_since_rollback(self, version):
        """Has the version served after the newest rollback, as the series have it?"""
        since = max(e["timestamp"] for e in self.audit() if e["action"] == "rollback")
        served = f'model_info{{model="lstm",role="champion",version="{version}"}}'
        return (self.value(f"max(max_over_time(timestamp({served})[30s:200ms]))") or 0) > since

    def push_a_bad_one(self, good):
        bundle = json.loads(self.models("export", MODEL, good))
        spoilt = model_file.with_last_layer_times(base64.b64decode(bundle["artifact"]), -4)
        bundle["artifact"] = base64.b64encode(spoilt).decode()
        bundle["model"]["sha256"] = hashlib.sha256(spoilt).hexdigest()
        (self.folder / "bad.json").write_text(json.dumps(bundle))
        bad = self.models("import", str(self.folder / "bad.json")).split()[1]
        self.models("promote", MODEL, bad, "--why=looks fine to me")
        self.plan_kills(10)
        self.eventually(20, lambda: self.champion() == bad, f"the spoilt {bad} serves")
        self.eventually(60, lambda: self.champion() not in (None, bad), "it is rolled back by itself")
        entry = [e for e in self.audit() if e["action"] == "rollback" and e["version"] == bad]
        require(len(entry) == 1 and entry[0]["who"] == "auspex", f"the audit log does not tell of it: {entry}")
        self.say(f"audit: {entry[0]['detail']}")
        self.eventually(10, lambda: self.value("model_rolled_back_timestamp_seconds") is not None,
                        "the series tells of it")
        self.eventually(10, lambda: self.query('ALERTS{alertname="AuspexModelRolledBack",alertstate="firing"}'),
                        "the alert tells of it")

    def end(self):
        while self.kills:
            self.eventually(60, lambda n=len(self.kills): len(self.kills) < n, "it was killed for the last times")
        self.eventually(20, lambda: self.champion() in self.models("show", MODEL, "champion").split("\n")[0],
                        "registry and series name the same champion")
        self.eventually(30, lambda: self.error() is not None and self.error() < 0.15,
                        "forecasts are right again")
        self.models("verify")


def main():
    folder = pathlib.Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"seed {SEED}, {2 * KILLS} kills")
    story = Story(folder)
    try:
        story.first_model()
        story.change()
        good = story.roll_back()
        story.push_a_bad_one(good)
        story.end()
    except (Failure, stack.StackError) as failure:
        sys.exit(f"FAILED: {failure}\n{story.servers[0].log_tail(25)}")
    finally:
        story.stop()
    print("the story is told")


main()
