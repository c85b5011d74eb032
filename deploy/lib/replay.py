#!/usr/bin/python3
"""Plays recordings to be scraped: each CSV (timestamp, value, ...) is a rate that has been summed to a counter.

usage: replay.py --listen=127.0.0.1:19101 --metric=NAME [--speed=60] [--start=ROW] FILE.csv ...

Serves /metrics with one series for each file, NAME{recording="<file's stem>"}. One second of playing is `speed`
seconds of the recording; the counter grows by the recorded value each second of playing, so that
rate(NAME[3s]) draws the recorded curve. After its last row a recording begins again; the counter goes on.
"""
import argparse
import csv
import http.server
import pathlib
import time


class Recording:
    """Running sum of a recorded rate over the time of playing."""

    def __init__(self, path, speed, start):
        with open(path, newline="") as f:
            rows = [(float(r["timestamp"]), float(r["value"])) for r in csv.DictReader(f) if r["value"]]
        rows = rows[start:]
        if len(rows) < 2:
            raise SystemExit(f"{path}: fewer than two rows from row {start} on")
        self.name = pathlib.Path(path).stem
        interval = rows[1][0] - rows[0][0]
        self.at = [(t - rows[0][0]) / speed for t, _ in rows] + [(rows[-1][0] - rows[0][0] + interval) / speed]
        self.sum = [0.0]
        for i, (_, value) in enumerate(rows):
            self.sum.append(self.sum[-1] + max(value, 0.0) * (self.at[i + 1] - self.at[i]))

    def counter(self, elapsed):
        rounds, within = divmod(elapsed, self.at[-1])
        low, high = 0, len(self.at) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.at[middle] <= within else (low, middle)
        share = (within - self.at[low]) / (self.at[high] - self.at[low])
        return rounds * self.sum[-1] + self.sum[low] + share * (self.sum[high] - self.sum[low])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--metric", required=True)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    recordings = [Recording(path, arguments.speed, arguments.start) for path in arguments.files]
    began = time.monotonic()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            elapsed = time.monotonic() - began
            lines = [f"# HELP {arguments.metric} Running sum of a recorded rate.",
                     f"# TYPE {arguments.metric} counter"]
            lines += [f'{arguments.metric}{{recording="{r.name}"}} {r.counter(elapsed)!r}' for r in recordings]
            body = ("\n".join(lines) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """No line for each scrape."""

    host, _, port = arguments.listen.rpartition(":")
    http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
