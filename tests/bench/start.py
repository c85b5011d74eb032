#!/usr/bin/python3
"""What a start after kill -9 costs with 50,000 series in and 10,000 of them forecast, scored and tested for drift.

usage: start.py AUSPEX-BINARY FOLDER-OF-RWGEN-AND-FILL FOLDER [AUSPEX-FLAG...]
       SERIES=50000 WANTED=10000 WARM=200 STEPS=36 KILL_EVERY=9 PAUSE_S=0 by default

The series get two weeks of history, so that their windows are full (fill.c), or with FULL= (empty) none; then WARM steps
of 15 s, faster than time passes, with PAUSE_S seconds between them; a stop and a start follow. Then come STEPS more, one
by one, and after each KILL_EVERY of them the process gets kill -9 and is started again. A row for each start: CPU seconds
of the process when it listens and when it is ready, seconds to ready, and steps taken again; at last the bytes that
snapshots wrote for each step and for each hour of steps of 15 s.
"""
import http.server
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fault" / "lib"))
import fault  # noqa: E402
import stack  # noqa: E402

BINARY, BENCHES, FOLDER, FLAGS = sys.argv[1], pathlib.Path(sys.argv[2]), fault.fresh(sys.argv[3]), sys.argv[4:]
SERIES, WANTED, WARM, STEPS, KILL_EVERY = (int(os.environ.get(name, default)) for name, default in (
    ("SERIES", 50000), ("WANTED", 10000), ("WARM", 200), ("STEPS", 36), ("KILL_EVERY", 9)))
PAUSE_S = float(os.environ.get("PAUSE_S", 0))
STEP_S = 15
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
remote_write: [ {{ url: "http://127.0.0.1:{port}/api/v1/write" }} ]
jobs:
  - {{ name: load, expr: '{{job="node"}}', forecast: {{ output: predicted_load, horizons: [1m] }}, anomaly: {{}}, drift: {{}} }}
"""


class Taker(http.server.BaseHTTPRequestHandler):
    """Takes whatever is sent."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def cpu_s(pid):
    """User and system time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def answers(url):
    try:
        return stack.http(url, timeout=5)[0]
    except OSError:
        return 0


def start(auspex, what):
    """Start it and print a row."""
    began = time.monotonic()
    auspex.start()
    pid = auspex.process.pid
    while not answers(auspex.url + "/-/healthy"):
        auspex.check_alive()
        time.sleep(0.005)
    listens_s = cpu_s(pid)
    while answers(auspex.url + "/-/ready") != 200:
        auspex.check_alive()
        time.sleep(0.005)
    print(f"{what:28} {listens_s:10.2f} {cpu_s(pid):10.2f} {time.monotonic() - began:10.2f} "
          f"{auspex.metric('auspex_replay_steps_total'):6.0f} {auspex.metric('auspex_snapshot_bytes') / (1 << 20):8.0f}", flush=True)


def send(auspex, first_s, steps):
    """Samples of so many steps, and wait until all but the last are taken."""
    subprocess.run([BENCHES / "rwgen", f"--series={SERIES}", f"--wanted={WANTED}", "--warm=0", f"--steps={steps}", f"--start={first_s}",
                    f"{auspex.url}/api/v1/write", str(auspex.process.pid)], check=True, stdout=subprocess.DEVNULL)
    last_s = first_s + (steps - 2) * STEP_S
    while auspex.metric("auspex_job_last_step_timestamp_seconds") < last_s:
        auspex.check_alive()
        time.sleep(0.1)


def main():
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    target.daemon_threads = True
    threading.Thread(target=target.serve_forever, daemon=True).start()
    auspex = fault.Auspex(BINARY, FOLDER / "auspex", CONFIG.format(port=target.server_address[1]), *FLAGS)
    at_s = (int(time.time()) // STEP_S - WARM - STEPS) * STEP_S
    written = 0
    print(f"{'start':28} {'listens':>10} {'ready':>10} {'seconds':>10} {'steps':>6} {'MiB':>8}")
    try:
        if os.environ.get("FULL", "1"):
            (auspex.folder / "data").mkdir()
            subprocess.run([BENCHES / "fill", auspex.config, auspex.folder / "data", str(SERIES), str(WANTED), str(at_s - STEP_S)],
                           check=True)
        start(auspex, "with two weeks" if os.environ.get("FULL", "1") else "of an empty folder")
        send(auspex, at_s, WARM)
        at_s += WARM * STEP_S
        auspex.stop(120)
        start(auspex, "after a stop")
        for n in range(1, STEPS + 1):
            send(auspex, at_s, 1)
            at_s += STEP_S
            time.sleep(PAUSE_S)
            if n % KILL_EVERY == 0:
                written += auspex.metric("auspex_snapshot_written_bytes_total")
                owed_s = auspex.metric("auspex_replay_owed_seconds")
                auspex.kill()
                start(auspex, f"after a kill, owed {owed_s:.2f} s")
        print(f"snapshots: {written / STEPS / (1 << 20):.1f} MiB a step, {written / STEPS * 3600 / STEP_S / (1 << 30):.1f} GiB an hour")
    finally:
        auspex.stop(120)


if __name__ == "__main__":
    main()
