#!/usr/bin/python3
"""Expressions against a real Prometheus: both are given the same samples and asked the same questions.

usage: run.py TOP EXPR_EVAL FOLDER [SEED [PAIRS]]

Prometheus gets the samples by remote-write, our evaluator from a file. Label sets must be equal, values equal to 1e-9,
and an error must be an error on both sides. The last line says how many pairs there were, what share had a result that
is not empty, and how many differ; exit status 0 when none does.

README.md beside this file says how Debian's Prometheus 2.42 differs from Prometheus 3 and what is done about it.
"""
import http.client
import json
import math
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "tests" / "e2e" / "lib"), str(TOP / "tests" / "e2e" / "promql")]
import data  # noqa: E402
import expressions  # noqa: E402
import rw  # noqa: E402

DRIVER = sys.argv[2]
FOLDER = pathlib.Path(sys.argv[3])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 20260101
PAIRS = int(sys.argv[5]) if len(sys.argv) > 5 else 6000
TIMES_EACH = 4
SHOWN = 12


class Prometheus:
    """A server of our own on loopback."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        (folder / "prometheus.yml").write_text("global: {}\n")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver",
             "--storage.tsdb.retention.time=100y", "--log.level=warn"], stdout=self.log, stderr=self.log)
        self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait(self):
        for _ in range(300):
            if self.process.poll() is not None:
                sys.exit("prometheus ended; see " + self.log.name)
            try:
                if self.request("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                self.http.close()
            time.sleep(0.2)
        sys.exit("prometheus is not ready after 60 s; see " + self.log.name)

    def request(self, method, path, body=None, headers=None):
        self.http.request(method, path, body, headers or {})
        answer = self.http.getresponse()
        return answer.status, answer.read()

    def write(self, series):
        """All samples, a minute at a time, because the head takes none much older than its newest."""
        by_minute = {}
        for s in series:
            for t, v in s.samples:
                by_minute.setdefault(t // 60_000, {}).setdefault(id(s), (s, []))[1].append((v, t))
        for minute in sorted(by_minute):
            body = rw.request_1(*(rw.series_1(sorted(s.labels.items()), pairs)
                                  for s, pairs in by_minute[minute].values()))
            status, text = self.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS_1)
            if status // 100 != 2:
                sys.exit(f"remote write: {status} {text[:300]}")

    def query(self, text, t_ms):
        body = urllib.parse.urlencode({"query": text, "time": f"{t_ms // 1000}.{t_ms % 1000:03d}"})
        _, answer = self.request("POST", "/api/v1/query", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(answer)
        if answer["status"] != "success":
            return {"error": answer["error"]}
        result = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return {"scalar": result[1]}
        if answer["data"]["resultType"] != "vector":
            return {"error": "not an instant vector"}  # a string or a range vector: no result of a job
        return {"vector": [[row["metric"], row["value"][1]] for row in result]}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def zero_point_differs(samples, range_ms, t_ms):
    """Does Prometheus 2.42 extrapolate this counter further than 3 does? Both stop where the counter would have been
    zero; 2.42 asks for that before it limits the way to half an interval, 3 afterwards."""
    v = [(t, x) for t, x in samples if t_ms - range_ms < t <= t_ms and not data.is_stale(x)]
    if len(v) < 2:
        return False
    change = v[-1][1] - v[0][1] + sum(a[1] for a, b in zip(v, v[1:]) if b[1] < a[1])
    if not change > 0 or not v[0][1] >= 0:
        return False
    sampled = (v[-1][0] - v[0][0]) / 1000
    interval = sampled / (len(v) - 1)
    to_start, to_zero = (v[0][0] - (t_ms - range_ms)) / 1000, sampled * v[0][1] / change
    return to_start >= interval * 1.1 and interval / 2 < to_zero < min(to_start, interval * 1.1) * 1.001


def deviation_differs(server, operands, t_ms):
    """Is one of these not finite? The standard deviation of a single such element is NaN in 3 and was 0 in 2.42."""
    for operand in operands:
        answer = server.query(operand, t_ms)
        if any(not math.isfinite(float(value)) for _, value in answer.get("vector", [])):
            return True
    return False


def questions(server, series):
    rng = random.Random(SEED)
    maker = expressions.Expressions(rng)
    asked, passed_over = [], 0
    while len(asked) < PAIRS:
        text = maker.expression()
        wanted = [(s, r) for selector, r in maker.rates for s in series if expressions.matches(selector, s.labels)]
        for _ in range(TIMES_EACH):
            # Samples are at multiples of 10 ms and so are ranges: a 7 at the end keeps off all boundaries.
            t_ms = data.START_MS + 10 * rng.randrange(-12_000, 400_000) + 7
            if (any(zero_point_differs(s.samples, r, t_ms) for s, r in wanted)
                    or deviation_differs(server, maker.deviations, t_ms)):
                passed_over += 1
                continue
            asked.append((t_ms, text))
    return asked, passed_over


def ask_ours(series, asked):
    path = FOLDER / "questions"
    with open(path, "w") as f:
        for s in series:
            f.write(f"S\t{s.text()}\n")
            f.writelines(f"V\t{t}\t{data.bits(v):016x}\n" for t, v in s.samples)
        f.writelines(f"Q\t{t}\t{text}\n" for t, text in asked)
    run = subprocess.run([DRIVER, str(path)], stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"{DRIVER} ended with {run.returncode}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def close(a, b):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def difference(ours, theirs):
    """None, or what differs."""
    if set(ours) != set(theirs):
        return f"ours {ours}, theirs {theirs}"
    if "error" in ours:
        return None
    if "scalar" in ours:
        return None if close(ours["scalar"], theirs["scalar"]) else f"ours {ours}, theirs {theirs}"
    mine = {tuple(sorted(labels.items())): value for labels, value in ours["vector"]}
    other = {tuple(sorted(labels.items())): value for labels, value in theirs["vector"]}
    if len(mine) != len(ours["vector"]) or mine.keys() != other.keys():
        return f"only ours {sorted(mine.keys() - other.keys())[:3]}, only theirs {sorted(other.keys() - mine.keys())[:3]}"
    wrong = [(k, mine[k], other[k]) for k in mine if not close(mine[k], other[k])]
    return f"{len(wrong)} of {len(mine)} values: {wrong[:2]}" if wrong else None


def main():
    if not shutil.which("prometheus"):
        sys.exit("there is no prometheus on PATH; Debian's package is called prometheus")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    series = data.everything(SEED, TOP / "tests" / "data" / "promql")
    server = Prometheus(FOLDER / "prometheus")
    try:
        server.wait()
        server.write(series)
        asked, passed_over = questions(server, series)
        theirs = [server.query(text, t) for t, text in asked]
    finally:
        server.stop()
    ours = ask_ours(series, asked)
    if len(ours) != len(theirs):
        sys.exit(f"{len(ours)} answers of ours, {len(theirs)} of theirs")
    differ = [(q, d) for q, a, b in zip(asked, ours, theirs) if (d := difference(a, b))]
    for (t, text), what in differ[:SHOWN]:
        print(f"at {t}: {text}\n    {what}")
    filled = sum(1 for b in theirs if b.get("vector") or "scalar" in b)
    errors = sum(1 for b in theirs if "error" in b)
    print(f"{len(asked)} pairs over {sum(len(s.samples) for s in series)} samples of {len(series)} series: "
          f"{100 * filled / len(asked):.0f} % not empty, {errors} errors on both sides, {passed_over} passed over, "
          f"{len(differ)} differ")
    return 1 if differ or len(asked) < 1000 or filled < 0.5 * len(asked) else 0


if __name__ == "__main__":
    sys.exit(main())
