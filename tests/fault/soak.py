#!/usr/bin/python3
"""Prometheus's own traffic for a long time, with Auspex killed again and again. Not part of tests/run.

usage: soak.py AUSPEX-BINARY FOLDER      MINUTES=60 SERIES=50000 WANTED=10000 KILL_EVERY_S=180 by default

A real Prometheus scrapes SERIES series every 15 s, sends them all to Auspex and takes what comes back. Every
KILL_EVERY_S Auspex gets kill -9 and is started again at once. Prometheus must not lose a sample on its way out, and no
output series may have a gap.
"""
import http.server
import os
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import stack  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])
MINUTES, SERIES, WANTED, KILL_EVERY_S = (int(os.environ.get(name, default)) for name, default in
                                         (("MINUTES", 60), ("SERIES", 50000), ("WANTED", 10000), ("KILL_EVERY_S", 180)))
STEP_S = 15

CONFIG = """
remote_write: [ {{ url: "{url}/api/v1/write" }} ]
jobs:
  - {{ name: load, expr: load, forecast: {{ output: predicted_load, horizons: [1m] }}, anomaly: {{}}, drift: {{}} }}
"""


class Exporter(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.lines = [("load" if i < WANTED else "other") + f'{{host="host{i % 997:04}",device="dev{i // 997}",zone="z{i % 3}",'
                      f'rack="r{i % 41}",model="m{i % 7}"}} ' for i in range(SERIES)]
        super().__init__(("127.0.0.1", 0), Metrics)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        n = int(time.time()) // STEP_S
        body = "".join(f"{line}{(i * 7919 + n * 104729) % 1009}\n" for i, line in enumerate(self.server.lines)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def lost(prometheus):
    """Samples that Prometheus could not deliver, by counter."""
    _, body = stack.http(prometheus.url + "/metrics", timeout=60)
    return {name: sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
                      if line.startswith(f"prometheus_remote_storage_samples_{name}_total{{"))
            for name in ("failed", "dropped")}


def cpu_s(pid):
    """User and system time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def an_hour_of_kills():
    """killed every few minutes under Prometheus's own traffic, nothing is lost on the way in and nothing misses on the way out"""
    exporter, auspex_port = Exporter(), stack.free_port()
    prometheus = fault.Prometheus(FOLDER / "prometheus")
    (FOLDER / "prometheus" / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {STEP_S}s}}\n"
        f"scrape_configs: [{{job_name: load, static_configs: [{{targets: ['{exporter.address}']}}]}}]\n"
        f"remote_write: [{{url: 'http://127.0.0.1:{auspex_port}/api/v1/write'}}]\n")
    auspex = fault.Auspex(BINARY, FOLDER / "auspex", CONFIG.format(url=prometheus.url), port=auspex_port)
    kills, slowest, dearest, written, lived_s = 0, 0, 0, 0, 0
    try:
        for server in (auspex, prometheus):
            server.start()
            server.wait_ready()
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() + KILL_EVERY_S < end:
            time.sleep(KILL_EVERY_S)
            auspex.check_alive()
            written += auspex.metric("auspex_snapshot_written_bytes_total")
            lived_s += KILL_EVERY_S
            auspex.kill()
            kills += 1
            began = time.monotonic()
            auspex.start()
            auspex.wait_ready(120)
            ready_s, ready_cpu_s = time.monotonic() - began, cpu_s(auspex.process.pid)
            slowest, dearest = max(slowest, ready_s), max(dearest, ready_cpu_s)
            print(f"    {kills} kills, ready after {ready_s:.1f} s, {ready_cpu_s:.2f} s of CPU, "
                  f"{auspex.metric('auspex_replay_steps_total'):.0f} steps taken again, lost {lost(prometheus)}", flush=True)
        time.sleep(max(0, end - time.monotonic()))
        require(not any(lost(prometheus).values()), f"Prometheus lost samples: {lost(prometheus)}")
        require(prometheus.refused_requests() == 0, f"{prometheus.refused_requests():.0f} requests were refused")
        series = 0
        for labels, values in prometheus.samples('predicted_load', f"{MINUTES + 5}m").items():
            times = sorted(values)
            gaps = [b - a for a, b in zip(times, times[1:]) if b - a != STEP_S]
            require(not gaps, f"{dict(labels)}: gaps of {gaps[:3]} s")
            series += 1
        require(series == WANTED, f"{series} output series of {WANTED}")
        return (f"{kills} kills, {SERIES} series in, {series} predicted without a gap, "
                f"slowest start to ready {slowest:.1f} s, dearest {dearest:.2f} s of CPU, {auspex.rss() >> 20} MiB, "
                f"snapshots wrote {written / max(lived_s, 1) * 86400 / (1 << 30):.1f} GiB a day")
    finally:
        for server in (auspex, prometheus):
            server.stop()


if __name__ == "__main__":
    fault.main([an_hour_of_kills])
