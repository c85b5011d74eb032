#!/usr/bin/python3
"""One Auspex by itself: what it does with a configuration that cannot be taken, how it logs, and what it does when memory
reaches its ceiling.

usage: run.py TOP AUSPEX-BINARY FOLDER
"""
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import time

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

MIB = 1 << 20
GOOD = """\
global: {step: 1s, evaluation_delay: 1s}
remote_write: [{url: http://127.0.0.1:9/api/v1/write}]
jobs:
- {name: kept, expr: 'load', forecast: {output: predicted_load, horizons: [2s]}, max_series: 100}
"""
LOGFMT = re.compile(r'ts=\S+Z level=(debug|info|warn|error) id=[a-z_0-9]+ msg="(?:[^"\\]|\\.)*"(?: suppressed=\d+)?')


class Auspex:
    """The process, started anew with these flags."""

    def __init__(self, folder, name, *flags):
        self.folder = folder / name
        self.folder.mkdir()
        self.config = self.folder / "auspex.yml"
        self.config.write_text(GOOD)
        self.web = self.folder / "web.yml"
        self.web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
        port = stack.free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.argv[2], f"--config.file={self.config}", f"--web.config.file={self.web}",
                f"--storage.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{port}",
                "--storage.remote.flush-deadline=1s", *flags]
        self.server = stack.Server(name, argv, self.folder / "log", self.url + "/-/ready")
        self.server.start()
        self.server.wait_ready()

    def get(self, path, **how):
        return stack.http(self.url + path, **how)

    def metric(self, name, **labels):
        rows = [line for line in self.get("/metrics")[1].decode().splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(r.rsplit(" ", 1)[1]) for r in rows if all(f'{k}="{v}"' in r for k, v in labels.items()))

    def write(self, series):
        """Send series ({labels}, value) of now: status and text."""
        now = int(time.time() * 1000)
        body = rw.request_1(*(rw.series_1(sorted(labels.items()), [(value, now)]) for labels, value in series))
        return stack.http(self.url + "/api/v1/write", rw.snappy(body), rw.HEADERS_1)

    def log(self):
        return (self.folder / "log").read_text()

    def shown_config(self):
        return self.get("/api/v1/status/config")[1]


def bomb():
    """Nine levels of nine aliases each: four hundred million strings for who spells it out."""
    lines = ["a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    for level, (new, old) in enumerate(zip("bcdefghi", "abcdefgh")):
        lines.append(f"{new}: &{new} [{','.join(['*' + old] * 9)}]")
    return "\n".join(lines) + "\nglobal: {drop_labels: *i}\n" + GOOD


def a_config_that_cannot_be_taken_changes_nothing(folder):
    """A reload of what cannot be taken keeps the config in force, whatever is wrong, and says what."""
    auspex = Auspex(folder, "reload", "--web.enable-lifecycle", "--log.format=json")
    before = auspex.shown_config()

    def text(content):
        def replace():
            new = auspex.folder / "new"
            new.write_text(content)
            new.rename(auspex.config)
        return replace

    def gone():
        """Nothing is put in its place."""

    def a_folder():
        auspex.config.mkdir()

    def a_loop():
        auspex.config.symlink_to(auspex.config.name)

    def clean():
        if auspex.config.is_dir() and not auspex.config.is_symlink():
            auspex.config.rmdir()
        else:
            auspex.config.unlink(missing_ok=True)

    cases = [
        ("a file that is gone", gone, "cannot be opened"),
        ("a folder", a_folder, "cannot be read"),
        ("a link to itself", a_loop, "cannot be opened"),
        ("an unknown key", text(GOOD.replace("jobs:", "jobz:")), "did you mean"),
        ("no YAML", text(GOOD + "  : : ]\n"), "not YAML"),
        ("a bomb", text(bomb()), "auspex.yml:"),
        ("more than a file may have", text("# " + "x" * (2 * MIB)), "1 MiB"),
        ("bytes that are no text", text(GOOD + "# \x00\n"), "auspex.yml"),
        ("an endpoint that is none", text(GOOD.replace("http://127.0.0.1:9/", "127.0.0.1:9/")), "url"),
        ("a password file that is not there", text(GOOD.replace("write}]", "write, basic_auth: {username: a, "
                                                              "password_file: /nonexistent}}]")), "/nonexistent"),
        ("an expression with a fault", text(GOOD.replace("'load'", "'load['")), "auspex.yml:4:"),
        ("what needs a restart", text(GOOD.replace("{step", "{drop_labels: [other], step")), "restart"),
    ]
    for number, (what, replace, says) in enumerate(cases):
        clean()
        replace()
        if number < 3:
            auspex.server.process.send_signal(signal.SIGHUP)
            eventually(60, lambda: auspex.log().count('"id":"config_reload_failed"') == number + 1, f"{what}: a line")
            said = auspex.log()
        else:
            status, body = auspex.get("/-/reload", method="POST")
            said = body.decode()
            require(status == 500, f"{what}: {status} {said}")
        require(says in said, f"{what}: '{says}' is not in {said[-600:]}")
        require(auspex.metric("auspex_config_last_reload_successful") == 0, f"{what}: the metric says it is good")
        require(auspex.shown_config() == before, f"{what}: something has changed")
        require(auspex.get("/-/ready")[0] == 200, f"{what}: not ready any more")
    clean()
    text(GOOD.replace("kept", "other"))()
    require(auspex.get("/-/reload", method="POST")[0] == 200, "a good one is not taken any more")
    require(auspex.metric("auspex_config_last_reload_successful") == 1, "the metric does not say that it is good")
    require(b"other" in auspex.shown_config(), "the good one is not in force")
    the_doors_too(auspex)
    require(auspex.server.stop(60) == 0, "it did not end well")
    for line in auspex.log().splitlines():
        require({"ts", "level", "id", "msg"} <= json.loads(line).keys(), f"no line of the log: {line}")


def the_doors_too(auspex):
    """The same for the file of the doors, which is looked at every second."""
    for content in ("http_server_config: {headrs: {}}\n", "[", "tls_server_config: {cert_file: a, key_file: b}\n",
                    "basic_auth_users: {a: b}\n"):
        new = auspex.folder / "new-web"
        new.write_text(content)
        new.rename(auspex.web)
        eventually(60, lambda: auspex.metric("auspex_web_config_last_reload_successful") == 0, f"{content} is refused")
        new.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n")
        new.rename(auspex.web)
        eventually(60, lambda: auspex.metric("auspex_web_config_last_reload_successful") == 1, "a good one is taken")


def a_start_with_a_bad_config_says_where(folder):
    """A start with a config that cannot be taken ends with status 1 and a line of logfmt with the place."""
    home = folder / "start"
    home.mkdir()
    (home / "auspex.yml").write_text(GOOD.replace("jobs:", "jobz:"))
    server = stack.Server("start", [sys.argv[2], f"--config.file={home}/auspex.yml", f"--storage.path={home}/data",
                                    "--web.listen-address=127.0.0.1:0"], home / "log", None)
    server.start()
    require(server.process.wait(60) == 1, "its status is not 1")
    log = (home / "log").read_text()
    require("auspex.yml:3:1:" in log, log)
    for line in log.splitlines():
        require(LOGFMT.fullmatch(line), f"no line of logfmt: {line}")


class Flood:
    """Requests of 2,000 series each that were never there before, as fast as one connection takes them."""
    MARK = b"########"

    def __init__(self, auspex, metric):
        self.auspex, self.number = auspex, 0
        now = int(time.time() * 1000)
        self.body = rw.snappy(rw.request_1(*(
            rw.series_1([("__name__", metric), ("instance", f"{self.MARK.decode()}-{i}"), ("pad", "x" * 200)], [(1.0, now)])
            for i in range(2000))))  # literals alone, so that a mark can be replaced where it stands

    def send(self, times):
        """Status and text of each (0: without an answer), and the most memory that was seen meanwhile."""
        answers, most = [], 0
        for _ in range(times):
            self.number += 1
            body = self.body.replace(self.MARK, b"%08d" % self.number)
            try:
                answers.append(stack.http(self.auspex.url + "/api/v1/write", body, rw.HEADERS_1, timeout=60))
            except OSError as error:
                answers.append((0, str(error).encode()))
            most = max(most, self.auspex.server.rss())
        return answers, most


def memory_has_a_ceiling(folder):
    """Series that nobody wants leave memory where it is, however many; with a flood of wanted ones it grows to the ceiling,
    and stays there; what is known goes on."""
    auspex = Auspex(folder, "memory", "--storage.max-memory=96MiB", "--storage.negative-cache=65536")
    labels = [{"__name__": "load", "instance": f"known-{i}"} for i in range(50)]
    status, text = auspex.write([(l, 1.0) for l in labels])
    require(status == 204, f"{status} {text}")
    steps = auspex.metric("auspex_job_steps_total")
    unwanted = Flood(auspex, "unwanted")
    answers, before = unwanted.send(60)  # nearly twice what the cache of such series has room for
    more, after = unwanted.send(160)
    odd = [answer for answer in answers + more if answer[0] != 204]
    require(not odd, f"series that nobody wants are refused: {odd[:3]}")
    require(after - before < 8 * MIB, f"{(after - before) / MIB:.1f} MiB more for 320,000 series that nobody wants")

    wanted = Flood(auspex, "load")
    refused, most = [], 0
    for _ in range(40):
        answers, most = wanted.send(10)
        refused += [text for status, text in answers if status in (400, 503) and b"--storage.max-memory" in text]
        if len(refused) > 50:
            break
    require(len(refused) > 50, "the ceiling is not reached by 800,000 series")
    _, after = wanted.send(80)
    require(after - most < 8 * MIB, f"{(after - most) / MIB:.1f} MiB more for 160,000 series above the ceiling")
    most = max(most, after)
    # 15 % for blocks of series that are gone, and pages of files: the program and its libraries.
    require(most < (96 * 1.15 + 14) * MIB, f"memory has grown to {most / MIB:.0f} MiB")
    rejected = auspex.metric("auspex_rejected_series_total", reason="memory")
    require(rejected + auspex.metric("auspex_http_rejected_total", reason="memory") > 0, "nothing is counted")
    status = 503

    def taken():
        nonlocal status
        status, text = auspex.write([(l, 2.0) for l in labels])
        require(status in (204, 503), f"{status} {text}")
        return status == 204

    eventually(60, taken, "known series are taken")
    eventually(60, lambda: auspex.metric("auspex_job_steps_total") > steps, "steps go on")
    require("level=warn id=memory" in auspex.log(), "the log does not say so")
    require(auspex.server.stop(60) == 0, "it did not end well")


CHECKS = [a_config_that_cannot_be_taken_changes_nothing, a_start_with_a_bad_config_says_where, memory_has_a_ceiling]


def main():
    folder = pathlib.Path(sys.argv[3]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    failed = 0
    for check in CHECKS:
        began = time.monotonic()
        try:
            check(folder)
            result = "ok"
        except (Failure, stack.StackError, OSError) as error:
            result = f"FAILED: {error}"
            failed += 1
        print(f"[took {time.monotonic() - began:5.1f} s] {check.__doc__.strip()} {result}", flush=True)
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
