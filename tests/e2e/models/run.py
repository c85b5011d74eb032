#!/usr/bin/python3
"""The registry of models from outside: `auspex models` over HTTP behind the doors, and in the folder of a process that
has stopped.

usage: run.py TOP AUSPEX-BINARY FOLDER
"""
import base64
import crypt
import hashlib
import json
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import stack  # noqa: E402
from check import eventually  # noqa: E402

AUSPEX = str(pathlib.Path(sys.argv[2]).resolve())
FOLDER = pathlib.Path(sys.argv[3])
CONFIG = """
remote_write: []
models: { approvals: 1, keep: 5 }
jobs:
  - { name: load, expr: demand, anomaly: {} }
  - { name: net, expr: traffic, forecast: { lstm: {} } }
"""
MODEL = "load/ensemble"
HEAD = struct.pack("<Bqq", 1, 1700000000000, 1700100000000)  # what the artifact of an ensemble begins with


def require(condition, text):
    if not condition:
        raise SystemExit(f"tests/e2e/models: {text}")


def bundle(weights, wape, hidden=32):
    """A version as `auspex models export` writes it, made by hand."""
    return json.dumps({
        "format": "auspex-model-1", "artifact": base64.b64encode(weights).decode(),
        "model": {"model": MODEL, "version": "7.0.0", "sha256": hashlib.sha256(weights).hexdigest(),
                  "lineage": {"dataFromTimestampSeconds": 1.7e9, "dataToTimestampSeconds": 1.7001e9, "samples": 960,
                              "featuresHash": "f", "configHash": "c", "build": "elsewhere",
                              "seed": "18446744073709551615"},
                  "hyperParameters": {"hidden": hidden}, "scores": {"wape": wape}}})


class Process:
    """auspex serve behind basic authentication, and its command line."""

    def __init__(self, admin):
        port = stack.free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [AUSPEX, f"--config.file={FOLDER / 'auspex.yml'}", f"--storage.path={FOLDER / 'data'}",
                f"--web.config.file={FOLDER / 'web.yml'}", f"--web.listen-address=127.0.0.1:{port}"]
        self.process = subprocess.Popen(argv + ["--web.enable-admin-api"] * admin,
                                        stderr=open(FOLDER / "log", "a"))
        eventually(60, lambda: self.get("/-/ready")[0] == 200, f"it is ready; {FOLDER / 'log'} says why not")

    def get(self, path):
        key = base64.b64encode(b"ann:secret").decode()
        return stack.http(self.url + path, headers={"Authorization": "Basic " + key})

    def models(self, *words):
        return models(*words, f"--url={self.url}", "--http.user=ann", f"--http.password-file={FOLDER / 'password'}")

    def fits(self, job):
        """State and reason of the fits of the only model of a job."""
        status, body = self.get("/api/v1/status/jobs")[:2]
        require(status == 200, f"status/jobs: {status}")
        [model] = next(j for j in json.loads(body)["data"]["jobs"] if j["job"] == job)["training"]
        return model["state"], model["reason"]

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def stop(self):
        self.process.terminate()
        require(self.process.wait(60) == 0, "the process did not end well")


def models(*words):
    """Status, standard output, standard error of `auspex models WORDS`."""
    done = subprocess.run([AUSPEX, "models", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def expect(answer, status, pattern):
    text = answer[1] if status == 0 else answer[2]
    require(answer[0] == status and re.search(pattern, text), f"{answer} is not {status} with '{pattern}'")


def over_http():
    process = Process(admin=True)
    first, second = FOLDER / "first.json", FOLDER / "second.json"
    first.write_text(bundle(HEAD + b"the first weights", 0.2))
    second.write_text(bundle(HEAD + b"the second weights", 0.15, hidden=64))
    expect(process.models("list"), 0, "no model is registered yet")
    expect(process.models("show", MODEL), 1, "there is no model 'load/ensemble'")
    answer = process.models("import", str(first))
    expect(answer, 0, r"load/ensemble 1\.0\.0 is in development")
    require("warning: no job of the configuration has the model load/ensemble" in answer[2], f"{answer} warns")
    expect(process.models("import", str(second)), 0, r"load/ensemble 1\.1\.0 is in development")
    text = first.read_text()
    first.write_text(text.replace('"artifact": "AQ', '"artifact": "AR'))
    expect(process.models("import", str(first)), 1, "another SHA-256")
    first.write_text(bundle(b"anything", 0.2))
    expect(process.models("import", str(first)), 1, "the artifact is no model of its kind")
    first.write_text(text.replace("load/ensemble", "load/other"))
    expect(process.models("import", str(first)), 1, "of a kind that there is not")
    expect(process.models("promote", MODEL, "1.0.0"), 1, "0 of the 1 approvals")
    expect(process.models("approve", MODEL, "1.0.0", "--by=auspex"), 0, "1.0.0")  # ann came in, whatever she says
    expect(process.models("approve", MODEL, "1.0.0", "--by=somebody"), 0, "1.0.0")
    expect(process.models("promote", MODEL, "1.0.0", "--why=it is the first"), 0, "1.0.0 is in production")
    expect(process.models("approve", MODEL, "1.1.0"), 0, "1.1.0")
    expect(process.models("promote", MODEL, "1.1.0", "--stage=staging"), 0, "1.1.0 is in staging")
    expect(process.models("compare", MODEL), 0, r"(?s)wape +0\.2 +0\.15 +-25\.00 %.*hidden +32 +64")
    expect(process.models("promote", MODEL, "challenger"), 0, "1.1.0 is in production")
    expect(process.models("show", MODEL), 0, r"(?s)# load/ensemble 1\.1\.0.*replaced \| 1\.0\.0.*approved by \| ann")
    expect(process.models("rollback", MODEL, "--why=worse at night"), 0, "1.0.0 is in production")
    expect(process.models("rollback", MODEL), 1, "nothing to roll back to")
    expect(process.models("show", "load/ensemble", "champion", "--format=json"), 0, r'"version":"1\.0\.0"')
    expect(process.models("audit"), 0, r"(?s)ann +load/ensemble +1\.0\.0 +approve.*rollback +worse at night")
    expect(process.models("verify"), 0, "sound: .* 2 versions, 2 artifacts")
    expect(process.models("export", MODEL, "1.0.0", f"--out={FOLDER / 'out.json'}"), 0, "out.json")
    out = json.loads((FOLDER / "out.json").read_text())
    require(base64.b64decode(out["artifact"]) == HEAD + b"the first weights" and
            out["model"]["lineage"]["seed"] == "18446744073709551615", "export gives what import took")
    require(stack.http(process.url + "/api/v1/models")[0] == 401, "the doors stand before the routes")
    expect(models("list", f"--storage.path={FOLDER / 'data'}"), 1, "an auspex runs on .*--url=")
    process.stop()


def a_fit_that_was_asked_for_outlives_a_kill():
    process = Process(admin=True)
    require(process.fits("net") == ("idle", ""), "nobody has asked yet")
    expect(process.models("cancel", "net/lstm"), 1, "no fit of net/lstm is asked for, waits or runs")
    expect(process.models("retrain", "net/lstm", "--why=a new line"), 0, "net/lstm is fitted")
    expect(process.models("retrain", "net/other"), 1, "no job of the configuration has the model net/other")
    process.kill()
    process = Process(admin=True)
    eventually(60, lambda: process.fits("net")[1] == "manual", "it is asked for after a kill")
    expect(process.models("cancel", "net/lstm", "--why=the wrong line"), 0, "the fit of net/lstm .*manual.* is called off")
    eventually(60, lambda: process.fits("net") == ("idle", ""), "it is called off")
    process.kill()
    process = Process(admin=True)
    require(process.fits("net") == ("idle", ""), "and does not come back")
    expect(process.models("audit", "net/lstm"), 0, "(?s)retrain +a new line.*cancel +the wrong line")
    process.stop()


def without_permission():
    process = Process(admin=False)
    expect(process.models("list"), 0, r"load/ensemble +1\.1\.0 +archived")
    expect(process.models("rollback", MODEL), 1, "--web.enable-admin-api")
    expect(process.models("export", MODEL, "1.0.0"), 1, "--web.enable-admin-api")
    process.stop()


def in_the_folder():
    storage = f"--storage.path={FOLDER / 'data'}"
    expect(models("list", "--url=http://127.0.0.1:1"), 1, "while no auspex runs: --storage.path")
    expect(models("list", "--storage.path=/nowhere"), 1, "there is no folder /nowhere")
    expect(models("show", MODEL, storage), 0, r"# load/ensemble 1\.0\.0")
    expect(models("promote", MODEL, "1.1.0", storage, "--by=bob"), 0, "1.1.0 is in production")
    expect(models("import", str(FOLDER / "out.json"), storage), 0, "1.1.1|1.2.0")
    expect(models("promote", MODEL, "latest", storage), 1, "0 of the 1 approvals")  # as the process was configured
    expect(models("promotr", storage), 2, "did you mean promote")
    expect(models("promote", MODEL, storage), 2, "MODEL VERSION")
    expect(models("promote", MODEL, "1.0.0", storage, "--by=auspex"), 1, "say who you are")
    db = sqlite3.connect(FOLDER / "data" / "models" / "models.db")
    db.execute("DROP TRIGGER audit_update")
    db.execute("UPDATE audit SET who = 'nobody' WHERE action = 'approve'")
    db.commit()
    db.close()
    expect(models("verify", storage), 1, "entry 4 was changed")


def the_whole_audit_log():
    """All of it comes as lines, however many answers that takes: more than two pages, and exactly two."""
    storage = f"--storage.path={FOLDER / 'data'}"
    before = len(models("audit", "--format=jsonl", storage)[1].splitlines())
    for total in 20000, 23456:
        db = sqlite3.connect(FOLDER / "data" / "models" / "models.db")
        db.executemany("INSERT INTO audit(at_ms, who, action, model, version, detail, previous, hash)"
                       " VALUES(1, 'w', 'a', '', '', ?, '', '')", [(str(i),) for i in range(total - before)])
        db.commit()
        db.close()
        status, out, _ = models("audit", "--format=jsonl", storage)
        numbers = [json.loads(line)["seq"] for line in out.splitlines()]
        require(status == 0 and numbers == list(range(1, total + 1)), f"{len(numbers)} lines of {total}")
        before = total
    require(len(models("audit", "--format=jsonl", "--limit=7", storage)[1].splitlines()) == 7, "a limit holds")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "auspex.yml").write_text(CONFIG)
    (FOLDER / "password").write_text("secret\n")
    hashed = crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    (FOLDER / "web.yml").write_text(f"basic_auth_users: {{ ann: '{hashed}' }}\n")
    over_http()
    a_fit_that_was_asked_for_outlives_a_kill()
    without_permission()
    in_the_folder()
    the_whole_audit_log()
    print("the registry does over HTTP and in its folder what it says")


main()
