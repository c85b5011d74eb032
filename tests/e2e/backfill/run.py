#!/usr/bin/python3
"""A fresh Auspex beside a Prometheus with days of history: with `remote_read` it is ready, and knows the daily wave, within
a minute; without, it is not.

usage: run.py AUSPEX-BINARY FOLDER
"""
import math
import pathlib
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


if __name__ == "__main__":
    fault.main([ready_within_a_minute])
