#!/usr/bin/python3
"""The life of a model on a recording, against a real Prometheus, five steps a second: a network is fitted and serves; the
work of its machines is moved to others, on which level and pattern are not the same; drift rises, the alert fires, a fit
begins by itself, its version runs in shadow, is promoted, and does better than the old one; `auspex models rollback` returns
that; a version that was spoilt and pushed by hand is rolled back by itself. At random moments the process is killed: the
registry is whole each time, and the story goes on.

usage: run.py TOP AUSPEX-BINARY FOLDER
AUSPEX_STORY_KILLS: how often it is killed in each of two parts of the story (5); AUSPEX_STORY_SEED: when (by the clock).
"""
import base64
import csv
import hashlib
import json
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
import check  # noqa: E402
import stack  # noqa: E402
from check import require  # noqa: E402
from exporter import Exporter  # noqa: E402
from prometheus import Prometheus  # noqa: E402

AUSPEX = str(pathlib.Path(sys.argv[2]).resolve())
RECORDINGS = TOP / "tests" / "data" / "story"
MODEL = "web/lstm"
SERIES = 8
KILLS = int(os.environ.get("AUSPEX_STORY_KILLS", "5"))
SEED = int(os.environ.get("AUSPEX_STORY_SEED", str(int(time.time()) % 1000)))
WAIT = 180  # seconds for what comes sooner on any machine that is not broken
SHOWN = '{__name__=~"model_(info|comparison.*)|data_drift_score"} or model_phase == 1'
# The window is full when the first version is fitted: else the next one takes its place without a trial. A third of it is of
# after the change when the next one is.
CONFIG = """\
global: {step: 200ms, evaluation_delay: 400ms}
remote_write: [{url: PROMETHEUS/api/v1/write, queue_config: {batch_send_deadline: 100ms, max_backoff: 500ms}}]
jobs:
- name: web
  expr: cpu
  window: {fine: 128}
  forecast:
    output: predicted_cpu
    horizons: [200ms, 400ms]
    lstm: {preset: internet, epochs: 20, patience: 5}
  drift: {reference: 60, current: 30, interval: 1s}
  models: {min_samples: 20, watch_samples: 160, drift_for: 8s, cooldown: 8s}
"""
PROMETHEUS = """\
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms}
rule_files: [alerts.yml]
scrape_configs: [{job_name: web, static_configs: [{targets: [EXPORTER]}]}]
remote_write:
- url: AUSPEX/api/v1/write
  write_relabel_configs: [{source_labels: [__name__], regex: cpu, action: keep}]
  queue_config: {batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 500ms}
"""
# Mean error of the forecasts of one step over 4 seconds, as a share of the value.
ERROR = 'avg(avg_over_time((abs(predicted_cpu{horizon="200ms"} offset 200ms - on (host) cpu) / on (host) cpu)[4s:200ms]))'


class Recording:
    """What eight machines show, a row of the recording at each scrape, each as of another day."""

    def __init__(self):
        self.exporter = Exporter(self.text)
        self.address = self.exporter.address
        self.play("ec2-cpu-5f5533.csv")

    def play(self, name):
        with open(RECORDINGS / name, encoding="utf-8") as file:
            values = [row["value"] for row in csv.DictReader(file)]
        self.playing = values, iter(range(len(values) * 10))

    def text(self):
        values, rows = self.playing
        row = next(rows)
        return "".join(f'cpu{{host="{s}"}} {values[(row + s * len(values) // SERIES) % len(values)]}\n'
                       for s in range(SERIES))


class Story:
    def __init__(self, folder):
        self.folder = folder
        self.recording = Recording()
        self.random = random.Random(SEED)
        self.began = time.monotonic()
        self.kills = []
        address = f"127.0.0.1:{stack.free_port()}"
        self.url = f"http://{address}"
        self.prometheus = Prometheus(
            folder / "prometheus", PROMETHEUS.replace("EXPORTER", self.recording.address).replace("AUSPEX", self.url))
        (folder / "prometheus" / "alerts.yml").write_text(
            stack.scale_durations((TOP / "rules" / "alerts.yml").read_text(), 7200))
        (folder / "auspex.yml").write_text(CONFIG.replace("PROMETHEUS", self.prometheus.url))
        self.auspex = stack.Server(
            "auspex", [AUSPEX, f"--config.file={folder}/auspex.yml", f"--storage.path={folder}/data",
                       f"--web.listen-address={address}", "--web.enable-admin-api",
                       "--storage.remote.flush-deadline=1s", "--training.max-cpu=100"],
            folder / "auspex.log", self.url + "/-/ready")
        for server in (self.auspex, self.prometheus):
            server.start()
        for server in (self.auspex, self.prometheus):
            server.wait_ready(WAIT)

    def stop(self):
        self.auspex.stop()
        self.prometheus.stop()
        self.recording.exporter.stop()

    def say(self, text):
        print(f"{time.monotonic() - self.began:5.1f} s  {text}", flush=True)

    # ---- asking ----

    def value(self, expression):
        return self.prometheus.value(expression)

    def champion(self):
        """The version that serves, as the series have it."""
        rows = self.prometheus.query('model_info{model="lstm",role="champion"}')
        return rows[0][0]["version"] if len(rows) == 1 else None

    def models(self, *words):
        run = subprocess.run([AUSPEX, "models", *words, f"--url={self.url}", "--by=test"], capture_output=True,
                             text=True, timeout=WAIT)
        require(run.returncode == 0, f"auspex models {' '.join(words)}: {run.stderr}")
        return run.stdout

    def card(self, version):
        return json.loads(self.models("show", MODEL, version, "--format=json"))["data"]

    def newest(self, action, who, **what):
        """The newest entry of the audit log that tells of it, or None."""
        entries = json.loads(self.models("audit", MODEL, "--format=json"))["data"]["entries"]
        found = [e for e in entries if {"action": action, "who": who, **what}.items() <= e.items()]
        return found[-1] if found else None

    def eventually(self, condition, text):
        """Wait, and kill the process when its time has come."""
        def holds():
            self.auspex.check_alive()
            self.prometheus.check_alive()
            if self.kills and time.monotonic() > self.kills[0]:
                self.kill()
            return condition()

        found = check.eventually(WAIT, holds, text)
        self.say(text)
        return found

    def kill(self):
        self.kills.pop(0)
        self.auspex.process.send_signal(signal.SIGKILL)
        self.auspex.process.wait()
        self.auspex.start()
        self.auspex.wait_ready(WAIT)
        try:
            self.say("killed; " + self.models("verify").split("\n")[0])
        except check.Failure as failure:  # is nothing to wait for
            raise stack.StackError(str(failure)) from failure

    def plan_kills(self, seconds):
        """Kill it at random moments of what comes next."""
        now = time.monotonic()
        self.kills = sorted(self.kills + [now + seconds * self.random.random() for _ in range(KILLS)])

    # ---- the story ----

    def first_model(self):
        self.eventually(lambda: self.champion() == "1.0.0", "the first version is fitted and serves at once")
        self.eventually(lambda: self.value("max_over_time(data_drift_score[2s])") == 0, "there is no drift")
        require("drift" not in self.reasons(), "a fit because of drift that is not there")
        self.usual = self.eventually(lambda: self.value(ERROR), "there are forecasts")
        self.say(f"which are off by {self.usual:.3f} of the value in the mean")

    def reasons(self):
        return re.findall(r"id=training_started msg=\"[^\"]*reason: (\w+)", self.auspex.log.read_text())

    def change(self):
        self.recording.play("ec2-cpu-825cc2.csv")
        self.say("the work is moved to other machines")
        moved = time.monotonic()
        self.plan_kills(30)
        self.eventually(lambda: (self.value(f"max_over_time({ERROR}[{int(time.monotonic() - moved) + 1}s:200ms])") or 0)
                        > 2 * self.usual, "accuracy is lost")
        self.eventually(lambda: (self.value("data_drift_score") or 0) > 0.3, "the drift series has risen")
        self.eventually(lambda: self.prometheus.query('ALERTS{alertname="AuspexDataDriftHigh",alertstate="firing"}'),
                        "the alert fires")
        self.eventually(lambda: "drift" in self.reasons(), "a fit has begun because of drift")
        self.eventually(lambda: self.value('max_over_time(model_phase{phase="shadow"}[2m])') == 1,
                        "its version runs in shadow")
        self.eventually(lambda: len(self.prometheus.query(
            'max_over_time(predicted_cpu_challenger{role="challenger",horizon="200ms"}[2m])')) == SERIES,
                        "what it says of each series is there")
        self.eventually(lambda: self.champion() not in (None, "1.0.0"), "it is promoted")
        self.eventually(lambda: self.value('model_comparison_effect_upper > 0 and on () model_phase{phase="watch"} == 1'),
                        "under watch it does no worse than the one that it replaced")
        self.accuracy_is_back()
        self.say(self.models("compare", MODEL).split("on live data: ")[-1].strip().replace("\n", "; "))

    def accuracy_is_back(self):
        error = self.eventually(lambda: self.value(f"{ERROR} < {self.usual}"), "accuracy is back")
        self.say(f"forecasts are off by {error:.3f} of the value in the mean")

    def roll_back(self):
        """Whom the champion replaced is mostly 1.0.0; kills may have put another one between them."""
        self.models("rollback", MODEL, "--why=the story wants it")
        told = self.newest("rollback", "test")
        good, old = told["version"], self.card(told["version"])["replaced"]
        self.eventually(lambda: self.served_since(old, told), f"rollback returns the old version, {old}")
        self.models("promote", MODEL, good, "--why=the story wants it back")
        self.eventually(lambda: self.champion() == good, "promote brings the new one back")
        return good

    def served_since(self, version, entry):
        """Has the version served after that entry of the audit log, as the series have it?"""
        served = f'model_info{{model="lstm",role="champion",version="{version}"}}'
        return (self.value(f"max(max_over_time(timestamp({served})[2m:200ms]))") or 0) > entry["timestamp"]

    def push_a_bad_one(self, good):
        bundle = json.loads(self.models("export", MODEL, good))
        spoilt = model_file.with_last_layer_times(base64.b64decode(bundle["artifact"]), -4)
        bundle["artifact"] = base64.b64encode(spoilt).decode()
        bundle["model"]["sha256"] = hashlib.sha256(spoilt).hexdigest()
        (self.folder / "bad.json").write_text(json.dumps(bundle))
        bad = self.models("import", str(self.folder / "bad.json")).split()[1]
        self.models("promote", MODEL, bad, "--why=looks fine to me")
        pushed = self.newest("to production", "test", version=bad)
        self.plan_kills(15)
        self.eventually(lambda: self.served_since(bad, pushed), f"the spoilt {bad} serves")
        told = self.eventually(lambda: self.newest("rollback", "auspex", version=bad), "it is rolled back by itself")
        self.say(f"audit: {told['detail']}")
        self.eventually(lambda: self.champion() not in (None, bad), "another one serves again")
        self.eventually(lambda: self.value("model_rolled_back_timestamp_seconds"), "the series tells of it")
        self.eventually(lambda: self.prometheus.query('ALERTS{alertname="AuspexModelRolledBack",alertstate="firing"}'),
                        "the alert tells of it")

    def end(self):
        self.eventually(lambda: not self.kills, "it was killed for the last time")
        self.eventually(lambda: self.card("champion")["version"] == self.champion(),
                        "registry and series name the same champion")
        self.accuracy_is_back()
        self.models("verify")


def main():
    folder = pathlib.Path(sys.argv[3]).resolve()
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
    except (check.Failure, stack.StackError, subprocess.SubprocessError, OSError) as failure:
        sys.exit(f"FAILED: {failure}\n{story.prometheus.query(SHOWN)}\n{story.auspex.log_tail(25)}")
    finally:
        story.stop()
    print("the story is told")


main()
