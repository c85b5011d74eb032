#!/usr/bin/python3
"""A fresh Auspex beside a Prometheus with history. With days of it and `remote_read` it is ready, and knows the daily wave,
within a minute; without, it is not. Of native histograms its windows hold what the Prometheus itself makes of them.

usage: run.py AUSPEX-BINARY FOLDER
"""
import math
import pathlib
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "fault" / "lib"))
import fault  # noqa: E402
import rw  # noqa: E402
import stack  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])
SERIES, DAYS, STEP_S, HORIZON_S = 6, 3, 15, 3 * 3600

CONFIG = """
global: {{ external_labels: {{ run: {run} }} }}
remote_write: [ {{ url: "{url}/api/v1/write", queue_config: {{ batch_send_deadline: 200ms }} }} ]
{remote_read}
jobs:
  - {{ name: demand, expr: demand, evaluation_delay: 1s, forecast: {{ output: predicted_demand, horizons: [15s, 3h] }} }}
"""


def demand(i, t_s):
    """A daily wave with a little noise; each series is at another time of its day."""
    return 300 + 100 * math.sin(2 * math.pi * (t_s / 86400 + i / SERIES)) + 4 * fault.noise(i, t_s)


def write_history(folder, until_s):
    """Blocks of a Prometheus, made from a text."""
    text = FOLDER / "history.om"
    with open(text, "w") as out:
        out.write("# TYPE demand gauge\n")
        for i in range(SERIES):
            for t_s in range(until_s - DAYS * 86400, until_s, STEP_S):
                out.write(f'demand{{instance="h{i}"}} {demand(i, t_s):.3f} {t_s}\n')
        out.write("# EOF\n")
    done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder], capture_output=True,
                          text=True)
    require(done.returncode == 0, f"promtool: {done.stderr[-300:]}")
    text.unlink()


class Feed(threading.Thread):
    """A sample of each series every STEP_S, to all servers."""

    def __init__(self, urls):
        super().__init__(daemon=True)
        self.urls, self.ending = urls, False

    def run(self):
        t_s = int(time.time()) // STEP_S * STEP_S
        while not self.ending:
            body = rw.snappy(rw.request_1(*(
                rw.series_1([("__name__", "demand"), ("instance", f"h{i}")], [(demand(i, t_s), t_s * 1000)])
                for i in range(SERIES))))
            for url in self.urls:
                stack.http(url + "/api/v1/write", body, rw.HEADERS_1)
            t_s += STEP_S
            while time.time() < t_s and not self.ending:
                time.sleep(0.2)


def value(prometheus, expression):
    """{instance: value} now."""
    return {row["metric"].get("instance", ""): float(row["value"][1]) for row in prometheus.rows(expression)}


def ready_within_a_minute():
    """with history to read a fresh process is ready and knows the daily wave within a minute; without, it is not"""
    prometheus = fault.Prometheus(FOLDER / "prometheus")
    write_history(prometheus.folder / "data", int(time.time()) // STEP_S * STEP_S)
    read = f'remote_read: [ {{ url: "{prometheus.url}/api/v1/read", backfill: {DAYS}d }} ]'
    warm, cold = (fault.Auspex(BINARY, FOLDER / run, CONFIG.format(run=run, url=prometheus.url, remote_read=block),
                               name=run) for run, block in (("warm", read), ("cold", "")))
    feed = Feed([server.url for server in (prometheus, warm, cold)])
    try:
        for server in (prometheus, warm, cold):
            server.start()
            server.wait_ready()
        began = time.monotonic()
        feed.start()
        fault.eventually(60, lambda: value(prometheus, 'model_ready{run="warm"}') == {"": 1}, "the model is ready")
        took = time.monotonic() - began
        require(value(prometheus, 'model_ready{run="cold"}') != {"": 1}, "it is ready without history too")
        forecast = 'predicted_demand{run="warm",horizon="3h"}'
        fault.eventually(60, lambda: len(value(prometheus, forecast)) == SERIES, f"{SERIES} forecasts")
        now_s = float(prometheus.rows(f"timestamp({forecast})")[0]["value"][1])
        ahead = value(prometheus, forecast)
        error = sum(abs(ahead[f"h{i}"] - demand(i, now_s + HORIZON_S)) for i in range(SERIES))
        naive = sum(abs(demand(i, now_s) - demand(i, now_s + HORIZON_S)) for i in range(SERIES))
        require(error < 0.5 * naive, f"it does not know the wave: error {error:.0f}, that of the last value {naive:.0f}")
        fault.eventually(60, lambda: warm.metric("auspex_backfill_progress_ratio") == 1, "the progress ends at 1")
        return f"ready after {took:.0f} s; error three hours ahead {error / naive:.2f} of the last value's"
    finally:
        feed.ending = True
        for server in (warm, cold, prometheus):
            server.stop()


def float_histogram(i, n, t_ms):
    """A Histogram of floats: two spans, a zero bucket."""
    counts = [n * (0.5 + i), n * 1.25, n // 3 + 0.125]
    zero = n * 0.25
    double = lambda number, value: rw.varint(number << 3 | 1) + struct.pack("<d", value)  # noqa: E731
    return (double(2, sum(counts) + zero) + double(3, 7.5 * n + i) + b"\x20\x02" + double(5, 0.001) + double(7, zero) +
            rw.message(11, b"\x08\x03\x10\x02") + rw.message(11, b"\x08\x04\x10\x01") +
            rw.message(13, struct.pack("<3d", *counts)) + b"\x78" + rw.varint(t_ms))


class Histograms(threading.Thread):
    """Native histograms, first those of a while ago to the one with history, then each STEP_S new ones to all."""
    STEP_S, BEFORE_S, JITTER_S = 5, 1500, 2
    # Those of request_seconds begin anew now and then: Prometheus 2 and 3 extrapolate that differently in a rate.
    EXPRESSIONS = {"requests": "histogram_count(request_seconds)", "seconds": "histogram_sum(request_seconds)",
                   "queued": "histogram_count(rate(queue_seconds[1m]))", "waited": "histogram_sum(rate(queue_seconds[1m]))",
                   "bytes": "histogram_count(rate(request_bytes[1m]))"}

    def __init__(self, past, urls):
        super().__init__(daemon=True)
        self.now_s = int(time.time()) // self.STEP_S * self.STEP_S
        self.start_s = self.now_s - self.BEFORE_S
        self.urls, self.ending = urls, False
        for t_s in range(self.start_s, self.now_s, self.STEP_S):
            self.send([past], t_s)

    def send(self, urls, t_s):
        n, t_ms = (t_s - self.start_s) // self.STEP_S, (t_s + self.JITTER_S) * 1000
        made = {"request_seconds": lambda i: fault.histogram_of(i, n, t_ms)[0],
                "queue_seconds": lambda i: fault.histogram_of(1000 + i, n, t_ms)[0],
                "request_bytes": lambda i: float_histogram(i, n, t_ms)}
        body = rw.snappy(rw.request_1(*(rw.series_1([("__name__", name), ("instance", f"h{i}")], []) + rw.message(4, make(i))
                                        for name, make in made.items() for i in range(3))))
        for url in urls:
            status, text = stack.http(url + "/api/v1/write", body, rw.HEADERS_1)
            require(status // 100 == 2, f"{url}: {status} {text[:200]}")

    def run(self):
        while not self.ending:
            self.send(self.urls, self.now_s)
            self.now_s += self.STEP_S
            while time.time() < self.now_s + self.JITTER_S and not self.ending:
                time.sleep(0.2)


def windows_of_native_histograms():
    """of native histograms that are read from history the windows hold what Prometheus makes of them"""
    prometheus = fault.Prometheus(FOLDER / "histograms", "global: {scrape_interval: 1h}\n", "--enable-feature=native-histograms")
    jobs = "".join(f"  - {{ name: {name}, expr: '{expr}', forecast: {{ output: predicted_{name}, horizons: [5s] }} }}\n"
                   for name, expr in Histograms.EXPRESSIONS.items())
    auspex = fault.Auspex(BINARY, FOLDER / "reading", f"""
global: {{ step: {Histograms.STEP_S}s, evaluation_delay: 1s }}
remote_write: [ {{ url: "{prometheus.url}/api/v1/write" }} ]
remote_read: [ {{ url: "{prometheus.url}/api/v1/read", backfill: 1h }} ]
jobs:
{jobs}""")
    reader = fault.Prometheus(FOLDER / "reader", "global: {scrape_interval: 1h}\n"
                              f"remote_read: [{{ url: '{auspex.url}/api/v1/read', read_recent: true }}]\n")
    feed = None
    try:
        prometheus.start()
        prometheus.wait_ready()
        feed = Histograms(prometheus.url, [prometheus.url, auspex.url])
        for server in (auspex, reader):
            server.start()
            server.wait_ready()
        feed.start()
        fault.eventually(120, lambda: auspex.metric("auspex_backfill_series_total") >= 3 * len(Histograms.EXPRESSIONS),
                         "all series have their history")
        require(auspex.metric("auspex_backfill_skipped_histograms") == 0, "histograms were passed over")
        compared = 0
        for name, expression in Histograms.EXPRESSIONS.items():
            span = feed.start_s + 120, feed.start_s + Histograms.BEFORE_S - 60, Histograms.STEP_S
            want = {labels["instance"]: values for labels, values in prometheus.range(expression, *span)}
            got = {}

            def seen():
                got.clear()
                got.update({labels["instance"]: values for labels, values in
                            reader.range(f'model_input{{window="fine",for="{name}"}}', *span)})
                return len(want) == 3 and want.keys() == got.keys()

            fault.eventually(60, seen, f"{name} has the windows of {sorted(want)}")
            for instance, values in want.items():
                for t, value in values.items():
                    other = got[instance].get(t)
                    require(other is not None and abs(other - value) <= 1e-5 * abs(value) + 1e-9,
                            f"{name} of {instance} at {t}: {value} became {other}")
                    compared += 1
        require(compared > 2000, f"only {compared} values")
        return f"{compared} values of {len(Histograms.EXPRESSIONS)} expressions are alike"
    finally:
        if feed:
            feed.ending = True
        for server in (auspex, reader, prometheus):
            server.stop()


if __name__ == "__main__":
    fault.main([ready_within_a_minute, windows_of_native_histograms])
