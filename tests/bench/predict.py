#!/usr/bin/python3
"""Latency of POST /api/v1/predict while the jobs run: requests at a fixed rate, whatever the answers take.

usage: predict.py URL PID       (of an Auspex that tests/bench/run has started; PREDICT_* as it says)

A request's time counts from the moment at which it was due, so one that waits behind a slow one is as slow. The
series are fed by another process: a minute of history at first, then a sample a second, so that a step of all of
them runs every second.
"""
import http.client
import json
import math
import multiprocessing
import os
import pathlib
import queue
import random
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e" / "lib"))
import rw  # noqa: E402

SERIES = int(os.environ.get("PREDICT_SERIES", "3000"))
RATE = int(os.environ.get("PREDICT_RATE", "100"))
SECONDS = int(os.environ.get("PREDICT_SECONDS", "20"))
HISTORY = 90
CONNECTIONS = 8
HORIZONS = ["5s", "15s", "22s500ms", "1m"]


def labels(i):
    return [("__name__", "bench"), ("device", f"eth{i % 4}"), ("instance", f"host-{i // 4}:9100"), ("job", "node")]


def value(i, t):
    return 1e6 * (2 + math.sin(t / 7 + i) + 0.1 * random.random())


def feed(url, began):
    """Write the samples of each second when it comes."""
    names = [labels(i) for i in range(SERIES)]
    connection = http.client.HTTPConnection(url.netloc)

    def send(times):
        for start in range(0, SERIES, 500):
            body = rw.request_1(*(rw.series_1(names[i], [(value(i, t), t * 1000) for t in times])
                                  for i in range(start, min(start + 500, SERIES))))
            connection.request("POST", "/api/v1/write", rw.snappy(body), rw.HEADERS_1)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 204), answer.status

    now = int(time.time())
    send(range(now - HISTORY, now + 1))
    began.set()
    while True:
        now += 1
        time.sleep(max(0, now - time.time()))
        send([now])


def body(rng, entities):
    chosen = rng.sample(range(SERIES), entities)
    selectors = [f'{{instance="host-{i // 4}:9100",device="eth{i % 4}"}}' for i in chosen]
    return json.dumps({"job": "bench", "selectors": selectors, "horizons": HORIZONS}).encode()


def ask(connection, data, expected):
    connection.request("POST", "/api/v1/predict", data, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {text[:300]!r}")
    found = text.count(b'"upper":')
    if found != expected * len(HORIZONS):
        raise SystemExit(f"{found} forecasts instead of {expected * len(HORIZONS)}: {text[:300]!r}")


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def steps_taken(url):
    connection = http.client.HTTPConnection(url.netloc)
    connection.request("GET", "/metrics")
    for line in connection.getresponse().read().decode().splitlines():
        if line.startswith("auspex_job_steps_total{"):
            return float(line.rsplit(" ", 1)[1])
    return 0


def idle_cpu(url, pid, seconds=10):
    """When nobody asks: CPU seconds a second of the server, and steps a second."""
    before, steps = cpu_s(pid), steps_taken(url)
    time.sleep(seconds)
    return (cpu_s(pid) - before) / seconds, (steps_taken(url) - steps) / seconds


def measure(url, pid, entities, rate, idle):
    due, took = queue.Queue(), []
    bodies = [body(random.Random(k), entities) for k in range(50)]

    def work():
        connection = http.client.HTTPConnection(url.netloc)
        ask(connection, bodies[0], entities)
        while True:
            item = due.get()
            if item is None:
                return
            at, data = item
            ask(connection, data, entities)
            took.append(time.perf_counter() - at)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    began, before = time.perf_counter(), cpu_s(pid)
    for k in range(rate * SECONDS):
        at = began + k / rate
        time.sleep(max(0, at - time.perf_counter()))
        due.put((at, bodies[k % len(bodies)]))
    for _ in threads:
        due.put(None)
    for t in threads:
        t.join()
    elapsed = time.perf_counter() - began
    mine = (cpu_s(pid) - before - idle * elapsed) / len(took) * 1000
    took.sort()
    pick = lambda q: took[min(len(took) - 1, int(q * len(took)))] * 1000
    print(f"{entities:9d} {rate:11d} {len(took):9d} {pick(0.5):8.2f} {pick(0.9):8.2f} {pick(0.99):8.2f} {took[-1] * 1000:8.2f} "
          f"{mine:12.2f}", flush=True)


def main():
    url, pid = urllib.parse.urlparse(sys.argv[1]), int(sys.argv[2])
    began = multiprocessing.Event()
    feeder = multiprocessing.Process(target=feed, args=(url, began), daemon=True)
    feeder.start()
    if not began.wait(120):
        raise SystemExit("the history was not taken")
    connection = http.client.HTTPConnection(url.netloc)
    for _ in range(120):  # until every series is forecast
        connection.request("POST", "/api/v1/predict", json.dumps({"job": "bench", "horizons": HORIZONS}))
        text = connection.getresponse().read()
        if text.count(b'"ready":true') == SERIES:
            break
        time.sleep(1)
    else:
        raise SystemExit(f"not all are ready: {text[:300]!r}")
    idle, steps = idle_cpu(url, pid)
    print(f"{SERIES} series, {steps:.1f} steps a second of all of them ({idle:.2f} s of CPU); {len(HORIZONS)} horizons")
    print(f"{'entities':>9} {'requests/s':>11} {'requests':>9} {'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'max ms':>8} "
          f"{'CPU ms/req.':>12}")
    for entities, rate in ((1, RATE), (10, RATE), (100, RATE), (1000, max(1, RATE // 10))):
        measure(url, pid, entities, rate, idle)


main()
