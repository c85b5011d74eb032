#!/usr/bin/python3
"""`auspex train` on a recording, read as a person would, and then `auspex serve` on the same storage, against a real
Prometheus: what was fit to serve serves at once and forecasts what nobody has fitted it on; what was not does not; a
second training becomes the challenger of the first. Jobs that come with a reload search for the hyper-parameters of their
first fit, and say which of their entities alone has drifted.

usage: run.py TOP AUSPEX-BINARY FOLDER
"""
import json
import math
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402
from exporter import Exporter  # noqa: E402
from prometheus import Prometheus  # noqa: E402

AUSPEX = str(pathlib.Path(sys.argv[2]).resolve())
STEP = 0.2
SERIES = 4
ROWS = 2400
noise = random.Random(1)
CONFIG = """\
global: {step: 200ms, evaluation_delay: 400ms}
remote_write: [{url: PROMETHEUS/api/v1/write, queue_config: {batch_send_deadline: 100ms, max_backoff: 500ms}}]
jobs:
- name: load
  expr: load
  window: {fine: 600}
  forecast: {horizons: [200ms, 400ms], lstm: {preset: internet, epochs: 8, fit_every: 1h}}
  models: {min_samples: 10000}
  targets: {wape: 0.1}
- name: hopeless
  expr: load * 2
  window: {fine: 600}
  forecast: {output: predicted_double, horizons: [200ms], lstm: {preset: internet, epochs: 1, fit_every: 1h}}
  targets: {wape: 0.0001}
"""
# A window of the drift test is 20 s of before, and 6 s of now.
MORE = """\
- name: searched
  expr: load + 1
  window: {fine: 128}
  forecast: {output: predicted_searched, horizons: [200ms], lstm: {preset: internet, epochs: 2, fit_every: 1h}}
  models: {search_trials: 3, search_max_time: 0s}
- name: turning
  by: [host]
  features: {turn: turn}
  anomaly: {model: features}
  drift: {per: entity, reference: 100, current: 30, interval: 1s}
"""
PROMETHEUS = """\
global: {scrape_interval: 200ms}
scrape_configs: [{job_name: load, static_configs: [{targets: [EXPORTER]}]}]
remote_write:
- url: AUSPEX/api/v1/write
  write_relabel_configs: [{source_labels: [__name__], regex: load|turn, action: keep}]
  queue_config: {batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 500ms}
"""


def value(step, series):
    """A wave of 12 steps: from one to the next it moves by 10 % in the mean."""
    return 100 * (1 + 0.3 * math.sin(2 * math.pi * (step + series) / 12)) + noise.gauss(0, 1)


def record(path):
    """The last minutes, as they would have been."""
    end = int(time.time() / STEP)
    names = [f'"load{{host=""{s}""}}"' for s in range(SERIES)]
    rows = [",".join(["timestamp"] + names)]
    for step in range(end - ROWS, end):
        rows.append(",".join([f"{step * STEP:.1f}"] + [f"{value(step, s):.4f}" for s in range(SERIES)]))
    path.write_text("\n".join(rows) + "\n")


class World:
    def __init__(self, folder):
        self.folder = folder
        self.turned = False
        self.exporter = Exporter(self.exported)
        address = f"127.0.0.1:{stack.free_port()}"
        self.url = f"http://{address}"
        (folder / "data").mkdir()
        self.server = Prometheus(
            folder / "prometheus", PROMETHEUS.replace("EXPORTER", self.exporter.address).replace("AUSPEX", self.url))
        (folder / "auspex.yml").write_text(CONFIG.replace("PROMETHEUS", self.server.url))
        record(folder / "in.csv")
        self.auspex = stack.Server(
            "auspex", [AUSPEX, f"--config.file={folder}/auspex.yml", f"--storage.path={folder}/data",
                       f"--web.listen-address={address}", "--storage.remote.flush-deadline=1s"],
            folder / "auspex.log", self.url + "/-/ready")

    def exported(self):
        """The same series, as they go on, and others, of which one can turn; a scrape that comes late finds what there is by
        then."""
        step = time.time() / STEP
        return "".join(f'load{{host="{s}"}} {value(step, s)}\nturn{{host="{s}"}} '
                       f'{100 + noise.gauss(0, 1) + (20 if s == 0 and self.turned else 0)}\n' for s in range(SERIES))

    def train(self, *flags, status):
        run = subprocess.run([AUSPEX, "train", f"--config.file={self.folder}/auspex.yml", *flags], capture_output=True,
                             text=True, timeout=120)
        require(run.returncode == status, f"auspex train {flags}: {run.returncode}, not {status}: {run.stderr}{run.stdout}")
        return run.stdout, run.stderr

    def report(self, name):
        folder = self.folder / name
        return json.loads((folder / "train.json").read_text()), (folder / "train.md").read_text()

    def value(self, expression):
        """Of the first series that there is."""
        found = self.server.value(expression)
        require(found is not None, f"{expression} has no series")
        return found

    def versions(self, role):
        return {row[0]["for"]: row[0]["version"] for row in self.server.query(f'model_info{{model="lstm",role="{role}"}}')}

    def stop(self):
        self.auspex.stop()
        self.server.stop()
        self.exporter.stop()


def what_is_wrong_is_said_and_fits_nothing(w):
    _, err = w.train("--input=nowhere.csv", status=1)
    require("nowhere.csv" in err, f"the file that is missing is not named: {err}")
    _, err = w.train(f"--input={w.folder}/in.csv", "none", status=1)
    require("none" in err, f"the job that there is not is not named: {err}")
    require(not list((w.folder / "data").glob("models/*.model")), "something was registered all the same")


def a_recording_is_learnt_and_the_report_says_how_well(w):
    out, err = w.train(f"--input={w.folder}/in.csv", f"--storage.path={w.folder}/data", f"--report={w.folder}/first",
                       status=1)  # one of the two is not fit
    report, text = w.report("first")
    jobs = {job["job"]: job for job in report["jobs"]}
    good, bad = jobs["load"], jobs["hopeless"]
    require(good["fit_to_serve"] and not good["reasons"], f"load is not fit: {good['reasons']}")
    require(not bad["fit_to_serve"] and "wape" in bad["reasons"][0], f"hopeless: {bad['reasons']}")
    for job, stage in ((good, "production"), (bad, "development")):
        model = job["models"][0]
        require((model["version"], model["stage"]) == ("1.0.0", stage), f"{job['job']} stands as {model}")
    wape = good["scores"]["horizons"][0]["wape"]
    require(0 < wape < 0.05, f"wape of load is {wape}")
    require(f"\n1 of 2 jobs is fit to serve.\n" in text and "## load: fit to serve\n" in text
            and "## hopeless: NOT fit to serve\n" in text, text)
    section = text.split("## hopeless")[0]
    row = re.search(r"^\| wape \| 200ms \| (\S+) \| at most \| 0\.1 \| yes \| no \|$", section, re.M)
    require(row and abs(float(row.group(1)) / wape - 1) < 1e-3, f"the table does not say wape {wape}:\n{section}")
    require("registered as 1.0.0, in production" in section, section)
    require("\n- wape is " in text.split("## hopeless")[1], text)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for block in tables:  # each row has the columns of its head
        columns = {line.count("|") for line in block.splitlines()}
        require(len(columns) == 1, f"a table that does not close:\n{block}")
    require(out.strip() == text.strip() or "load" in out, f"nothing is printed: {out}")
    return report["trained_until"]


def what_was_fit_serves_from_the_first_steps_on(w, until):
    w.server.start()
    w.auspex.start()
    for server in (w.server, w.auspex):
        server.wait_ready()
    # Nothing is fitted: a fit is due once as much time has passed as it has learnt from, which is minutes.
    eventually(90, lambda: w.versions("champion") == {"load": "1.0.0"}, "1.0.0 of load serves, and nothing of hopeless")
    trained = eventually(60, lambda: w.value('model_training_timestamp_seconds{for="load"}'), "it says until when it learnt")
    require(until - 30 <= trained <= until + 0.001, f"it learnt until {trained}, not {until}")
    def error(forecast):
        return w.value(f"avg(avg_over_time((abs({forecast} offset 200ms - on (host) load) / on (host) load)[4s:200ms]))")

    def forecasts():
        model, last_value = error('predicted_load{horizon="200ms"}'), error("load")
        require(model < 0.7 * last_value, f"it is off by {model:.4f}, the last value by {last_value:.4f}")
        return True

    eventually(90, forecasts, "it forecasts what it has never seen better than the last value does")
    log = (w.folder / "auspex.log").read_text()
    require("training_started" not in log and "training_failed" not in log, f"something was fitted:\n{log[-2000:]}")
    card = subprocess.run([AUSPEX, "models", "show", "load/lstm", f"--url={w.url}"], capture_output=True, text=True,
                          timeout=60)
    require(card.returncode == 0 and "| stage | production, champion |" in card.stdout, card.stdout + card.stderr)
    held = re.search(r"^\| holdout_wape \| (\S+) \|$", card.stdout, re.M)
    require(held and 0 < float(held.group(1)) < 0.05, f"the card does not say how it did on what it had not seen:\n{card.stdout}")


def a_storage_in_use_is_left_alone(w):
    _, err = w.train(f"--storage.path={w.folder}/data", f"--report={w.folder}/refused", status=1)
    require("an auspex runs on" in err and "stop it first" in err, f"it is not said that a process has it: {err}")


def the_next_training_is_the_challenger_of_the_first(w):
    w.auspex.stop()
    record(w.folder / "in.csv")  # what has come meanwhile is part of it
    w.train("load", f"--input={w.folder}/in.csv", f"--storage.path={w.folder}/data", f"--report={w.folder}/second", status=0)
    report, text = w.report("second")
    model = report["jobs"][0]["models"][0]
    require(model["stage"] == "staging" and "1 of 1 jobs is fit to serve." in text, f"it stands as {model}")
    w.auspex.start()
    w.auspex.wait_ready()
    eventually(90, lambda: w.versions("champion").get("load") == "1.0.0"
               and w.versions("challenger").get("load") == model["version"], "both are there, in their roles")
    eventually(90, lambda: w.value('model_phase{for="load",phase="shadow"}') == 1, "it runs in shadow")
    eventually(90, lambda: len(w.server.query('predicted_load_challenger{horizon="200ms"}')) == SERIES, "and says so")


def jobs_that_come_later_search_and_tell_who_has_drifted(w):
    """What the one finds it tells with the version, and serves; of the other's hosts the first one turns."""
    (w.folder / "auspex.yml").write_text(CONFIG.replace("PROMETHEUS", w.server.url) + MORE)
    w.auspex.process.send_signal(signal.SIGHUP)

    def drifted():
        return {row[0]["host"]: row[1] for row in w.server.query('drift_detected{for="turning",per="entity",kind="data"}')}

    eventually(120, lambda: len(drifted()) == SERIES and drifted().get("0") == 0, "each host is tested, and the first is as it was")
    w.turned = True
    eventually(120, lambda: drifted() == {"0": 1, "1": 0, "2": 0, "3": 0}, "the first alone has drifted")
    eventually(60, lambda: w.value('max(drift_score{for="turning",per="entity",host="0",feature="turn"})') > 0, "it has a score")

    version = eventually(120, lambda: w.versions("champion").get("searched"), "what was found serves")
    card = subprocess.run([AUSPEX, "models", "show", "searched/lstm", version, "--format=json", f"--url={w.url}"],
                          capture_output=True, text=True, timeout=60)
    require(card.returncode == 0, card.stderr)
    model = json.loads(card.stdout)["data"]
    scores = model["scores"]
    require(scores["search_trials"] == 3 and scores["search_loss"] <= scores["search_usual_loss"], f"of the search: {scores}")
    require(model["hyperParameters"]["chosen"] == (scores["search_loss"] < scores["search_usual_loss"]), f"chosen: {model}")
    require("id=search_done" in (w.folder / "auspex.log").read_text(), "the log does not say what was found")


def main():
    folder = pathlib.Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    w = World(folder)
    try:
        began = time.monotonic()
        for test, *more in ((what_is_wrong_is_said_and_fits_nothing,), (a_recording_is_learnt_and_the_report_says_how_well,)):
            until = test(w, *more)
            print(f"{time.monotonic() - began:5.1f} s  {test.__name__}", flush=True)
        what_was_fit_serves_from_the_first_steps_on(w, until)
        print(f"{time.monotonic() - began:5.1f} s  what_was_fit_serves_from_the_first_steps_on", flush=True)
        for test in (a_storage_in_use_is_left_alone, the_next_training_is_the_challenger_of_the_first,
                     jobs_that_come_later_search_and_tell_who_has_drifted):
            test(w)
            print(f"{time.monotonic() - began:5.1f} s  {test.__name__}", flush=True)
    except (Failure, stack.StackError, subprocess.SubprocessError, OSError) as failure:
        sys.exit(f"FAILED: {failure}\n{w.auspex.log_tail(25)}")
    finally:
        w.stop()


main()
