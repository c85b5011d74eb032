#!/usr/bin/python3
"""Records how a real Prometheus answers a remote-read, in both forms: record.py PROMETHEUS

Writes request.bin (the protobuf message, not compressed), streamed.frames (the streamed answer as it came) and
samples.bin (the other form, decompressed) beside itself. 2.42 and 3.8 give the same bytes. There is no negative
zero among the values: Prometheus loses its sign in samples.bin. histograms.frames is a streamed answer with native histograms
(`duration` of integers, `size` of floats) of 2.42, which leaves them out of the other form: one query, of all times."""
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import snappy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "e2e" / "lib"))
import rw  # noqa: E402

PORT = 19717
START = 1_700_000_000_000
EQ, NEQ, RE, NRE = range(4)


def stale():
    return struct.unpack("<d", struct.pack("<Q", rw.STALE_BITS))[0]


def series():
    rng = random.Random(7)
    walk = [100.0]

    def step():
        walk.append(walk[-1] + rng.gauss(0, 1))
        return walk[-1]

    yield {"__name__": "walk", "job": "a"}, [(START + i * 15000, step()) for i in range(300)]
    yield {"__name__": "jitter", "job": "a"}, [(START + i * 15000 + rng.randrange(-900, 900), i * 1e3)
                                               for i in range(150)]
    yield {"__name__": "constant", "job": "b"}, [(START + i * 15000, 1) for i in range(121)]
    odd = [1, math.nan, math.inf, stale(), 0.1, 5e-324, -1.7e308]
    yield {"__name__": "odd", "job": "b", "size": "µ\n\"x"}, [(START + i * 61000, odd[i % 7]) for i in range(30)]


def histogram(i, t):
    """An integer histogram of two spans, which begins anew at the 150th; the last ends the series."""
    n = i % 150 + 1
    counts = [3 * n, n, n // 7, 2 * n]
    deltas = [b - a for a, b in zip([0] + counts, counts)]
    zigzag = b"".join(rw.varint(d << 1 if d >= 0 else (-d << 1) - 1) for d in deltas)
    total = stale() if i == 199 else 0.3 * n
    return (b"\x08" + rw.varint(sum(counts) + 2 * n) + b"\x19" + struct.pack("<d", total) + b"\x20\x04\x29" +
            struct.pack("<d", 0.001) + b"\x30" + rw.varint(n) + rw.message(8, b"\x08\x03\x10\x01") +
            rw.message(9, rw.varint(n << 1)) + rw.message(11, b"\x08\x01\x10\x03") +
            rw.message(11, b"\x08\x0a\x10\x01") + rw.message(12, zigzag) + b"\x78" + rw.varint(t))


def float_histogram(i, t):
    """The same of floats; 2.42 takes one without observations to be of integers."""
    i += 1
    counts = [0.375 * i, 0.25 * i]
    return (b"\x11" + struct.pack("<d", sum(counts) + 0.5 * i) + b"\x19" + struct.pack("<d", -1.1 * i) + b"\x20\x01\x29" +
            struct.pack("<d", 2.0 ** -128) + rw.message(8, b"\x08\x03\x10\x01") + rw.message(10, struct.pack("<d", 0.5 * i)) +
            rw.message(11, b"\x08\x04\x10\x02") + rw.message(13, struct.pack("<2d", *counts)) + b"\x78" + rw.varint(t))


def write_histograms():
    for i in range(200):
        t = START + i * 15000 + i % 3
        body = b"".join(rw.message(1, rw.series_1([("__name__", name), ("job", "h")], []) + rw.message(4, make(i, t)))
                        for name, make in (("duration", histogram), ("size", float_histogram)))
        post("/api/v1/write", rw.snappy(body), rw.HEADERS_1)


def histogram_request():
    return rw.message(1, query(START, START + 9000000, matcher(EQ, "job", "h"))) + rw.message(2, bytes([1]))


def matcher(kind, name, value):
    return (rw.varint(8) + rw.varint(kind) if kind else b"") + rw.text(2, name) + rw.text(3, value)


def query(start, end, *matchers):
    body = rw.varint(8) + rw.varint(start) + rw.varint(16) + rw.varint(end)
    return body + b"".join(rw.message(3, m) for m in matchers)


def request(*forms):
    queries = [query(START + 60000, START + 3600000, matcher(RE, "job", "a|c"), matcher(NEQ, "none", "x")),
               query(START, START + 9000000, matcher(EQ, "job", "b")),
               query(START, START + 9000000, matcher(EQ, "job", "nobody"))]
    return b"".join(rw.message(1, q) for q in queries) + rw.message(2, bytes(forms))


def post(path, body, headers):
    req = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers)
    with urllib.request.urlopen(req, timeout=10) as answer:
        return answer.read()


def wait_ready():
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/-/ready", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("Prometheus does not become ready")


def write_all():
    """In the order of time: a head takes nothing that is an hour older than its newest sample."""
    whole, step = [(sorted(labels.items()), samples) for labels, samples in series()], 600_000
    for at in range(START - step, START + 9000000, step):
        part = [(k, [(v, t) for t, v in samples if at <= t < at + step]) for k, samples in whole]
        body = rw.request_1(*(rw.series_1(k, samples) for k, samples in part if samples))
        post("/api/v1/write", rw.snappy(body), rw.HEADERS_1)


def main():
    prometheus = sys.argv[1]
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
               "X-Prometheus-Remote-Read-Version": "0.1.0"}
    with tempfile.TemporaryDirectory() as tmp:
        config = pathlib.Path(tmp) / "p.yml"
        config.write_text("global: {external_labels: {cluster: eu}}\n")
        server = subprocess.Popen([prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp}/data",
                                   f"--web.listen-address=127.0.0.1:{PORT}",
                                   "--enable-feature=native-histograms",
                                   "--web.enable-remote-write-receiver"], stderr=subprocess.DEVNULL)
        try:
            wait_ready()
            write_histograms()
            (HERE / "histograms.frames").write_bytes(post("/api/v1/read", rw.snappy(histogram_request()), headers))
            write_all()
            (HERE / "request.bin").write_bytes(request(1, 0))
            (HERE / "streamed.frames").write_bytes(post("/api/v1/read", rw.snappy(request(1, 0)), headers))
            plain = snappy.uncompress(post("/api/v1/read", rw.snappy(request(0)), headers))
            (HERE / "samples.bin").write_bytes(plain)
        finally:
            server.terminate()
            server.wait()


main()
