#!/usr/bin/python3
"""Make native.txt: native histograms, questions about them, and what a Prometheus 3 answers.

usage: generate.py PROMETHEUS FOLDER > native.txt

PROMETHEUS is the server's binary (3.8.0 made the file that is checked in), FOLDER an empty one for its data. The
server gets the series by remote-write 2.0 with --enable-feature=created-timestamp-zero-ingestion, and is asked by its
query API. A test reads the file; nobody needs a Prometheus for it. Lines of the file:

    series NAME{LABELS}             what follows belongs to it, oldest first
    v TIME_MS BITS [START_MS]       a number (its 64 bits in hex), and when its counter began
    h MESSAGE                       a native histogram (io.prometheus.write.v2.Histogram in hex)
    at TIME_MS EXPRESSION           a question
    = LABELS VALUE                  an element of its answer, if it is a number
"""
import http.client
import json
import math
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import histograms as hs  # noqa: E402

SEED = 20260301
QUESTIONS = 700
NAMES = ["latency_seconds", "phase_seconds", "signed", "queue_size", "size_bytes", "turns", "both", "made_seconds", "made_total"]
LABELS = {"latency_seconds": ["instance", "job"], "phase_seconds": ["instance"], "signed": ["kind"], "queue_size": ["queue"], "size_bytes": ["instance"],
          "turns": ["instance"], "both": ["instance", "le"], "made_seconds": ["instance"], "made_total": ["instance"]}


class Prometheus:
    def __init__(self, binary, folder):
        (folder / "prometheus.yml").write_text("global: {}\n")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.process = subprocess.Popen(
            [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
             "--enable-feature=created-timestamp-zero-ingestion,native-histograms",
             "--storage.tsdb.retention.time=100y", "--log.level=warn"], stdout=sys.stderr, stderr=sys.stderr)
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(150):
            try:
                if self.ask("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                self.http.close()
            time.sleep(0.2)
        sys.exit("the server is not ready after 30 s")

    def ask(self, method, path, body=None, headers=None):
        self.http.request(method, path, body, headers or {})
        answer = self.http.getresponse()
        return answer.status, answer.read()

    def write(self, series):
        """All points in order of time, one request for each instant."""
        points = sorted((p[0], k) for k, s in enumerate(series) for p in s.points)
        at = [0] * len(series)
        for _, k in points:
            self.send(series[k].labels, series[k].points[at[k]])
            at[k] += 1

    def send(self, labels, point):
        t, value, start = point
        symbols = ["", *(x for pair in sorted(labels.items()) for x in pair)]
        refs = hs.packed(1, b"".join(hs.varint(i) for i in range(1, len(symbols))))
        if isinstance(value, bytes):
            body = hs.field(3, 2, hs.varint(len(value)) + value)
        else:
            sample = hs.double(1, value) + hs.field(2, 0, hs.varint(t)) + hs.field(3, 0, hs.varint(start))
            body = hs.field(2, 2, hs.varint(len(sample)) + sample)
        request = b"".join(hs.field(4, 2, hs.varint(len(s.encode())) + s.encode()) for s in symbols)
        request += hs.field(5, 2, hs.varint(len(refs + body)) + refs + body)
        status, text = self.ask("POST", "/api/v1/write", snappy(request), {
            "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "2.0.0"})
        if status // 100 != 2:
            sys.exit(f"remote write of {labels} at {t}: {status} {text[:300]}")

    def answer(self, expression, t_ms):
        """Elements that are numbers: (labels, value). histogram_count and its like are taken from the histograms of
        their argument, see README.md."""
        reduced = re.fullmatch(r"histogram_(count|sum|avg)\((.*)\)", expression)
        result = self.query(reduced[2] if reduced else expression, t_ms)
        if result is None:
            return None
        if not reduced:
            return [(e["metric"], e["value"][1]) for e in result if "value" in e]
        out = []
        for e in result:
            if "histogram" not in e:
                continue
            n, total = (float(e["histogram"][1][k]) for k in ("count", "sum"))
            value = {"count": n, "sum": total, "avg": total / n if n else math.nan}[reduced[1]]
            out.append(({k: v for k, v in e["metric"].items() if k != "__name__"}, repr(value)))
        return out

    def query(self, expression, t_ms):
        body = urllib.parse.urlencode({"query": expression, "time": f"{t_ms // 1000}.{t_ms % 1000:03d}"})
        _, text = self.ask("POST", "/api/v1/query", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(text)
        return None if answer["status"] != "success" else answer["data"]["result"]


def snappy(data):
    """The block format, literals only."""
    out = bytearray(hs.varint(len(data)))
    for start in range(0, len(data), 65536):
        piece = data[start:start + 65536]
        out += (bytes([len(piece) - 1 << 2]) if len(piece) <= 60 else b"\xf4" + struct.pack("<H", len(piece) - 1)) + piece
    return bytes(out)


def instant(rng, name):
    if name == "latency_seconds" and rng.random() < 0.3:
        return name + rng.choice(['{job="api"}', '{instance=~"i[0-2]"}', '{instance="i3"}'])
    return name


def vector(rng, name):
    """Something that may be histograms."""
    kind = rng.random()
    if kind < 0.2:
        return instant(rng, name)
    function = rng.choice(["rate", "rate", "increase", "increase", "delta", "irate", "last_over_time", "sum_over_time",
                           "avg_over_time"])
    inner = f"{function}({instant(rng, name)}[{rng.choice(['1m', '2m', '5m', '10m', '20m'])}])"
    if kind < 0.5:
        return inner
    if kind < 0.8:
        labels = rng.sample(LABELS[name], k=rng.randrange(0, len(LABELS[name]) + 1))
        return f"{rng.choice(['sum', 'sum', 'avg'])} {rng.choice(['by', 'without'])} ({', '.join(labels)}) ({inner})"
    return rng.choice([f"{inner} * 3", f"0.5 * {inner}", f"{inner} / 4", f"-{inner}", f"{inner} + {inner}",
                       f"{inner} - {instant(rng, name)}", f"{inner} + {inner} * 2", f"{inner} / 0", f"{inner} + 1",
                       f"{inner} * {inner}", f"2 - {inner}"])


def question(rng):
    name = rng.choice(NAMES)
    kind = rng.random()
    if kind < 0.45:
        q = rng.choice(["0", "0.01", "0.1", "0.25", "0.5", "0.5", "0.75", "0.9", "0.99", "1", "-1", "2"])
        inner = vector(rng, name).replace("signed", 'signed{kind!="k3"}')
        return f"histogram_quantile({q}, {inner} * 1)"
    if kind < 0.8:
        return f"histogram_{rng.choice(['count', 'sum', 'avg'])}({vector(rng, name)})"
    if kind < 0.9:
        function = rng.choice(["count_over_time", "resets", "min_over_time", "max_over_time", "stddev_over_time", "deriv", "irate",
                               "last_over_time"])
        return f"{function}({instant(rng, name)}[{rng.choice(['2m', '10m', '20m'])}])"
    if kind < 0.95:
        return f"{rng.choice(['count', 'min', 'max', 'stddev', 'sum', 'avg'])}({instant(rng, rng.choice(NAMES[5:]))})"
    return vector(rng, rng.choice(["turns", "made_total"]))


def labels_text(metric):
    pairs = ",".join(f'{k}="{v}"' for k, v in sorted(metric.items()) if k != "__name__")
    return metric.get("__name__", "") + f"{{{pairs}}}"


def main():
    rng = random.Random(SEED)
    series = hs.everything(rng)
    server = Prometheus(sys.argv[1], pathlib.Path(sys.argv[2]))
    try:
        server.write(series)
        for s in series:
            print("series", s.text())
            for t, value, start in s.points:
                if isinstance(value, bytes):
                    print("h", value.hex())
                else:
                    bits = struct.unpack("<Q", struct.pack("<d", value))[0]
                    print("v", t, f"{bits:x}", start or "")
        for _ in range(QUESTIONS):
            expression = question(rng)
            t = hs.START_MS + rng.randrange(60_000, hs.MINUTES * 60_000)
            answer = server.answer(expression, t)
            if answer is None:
                continue
            print("at", t, expression)
            for metric, value in answer:
                print("=", labels_text(metric), value)
    finally:
        server.process.terminate()
        server.process.wait()


if __name__ == "__main__":
    main()
