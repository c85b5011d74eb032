"""The recorded etcd (tests/data/etcd) as its members' own histograms, fifteen times slower: a recorded second stands for a step
of 15 s, as the presets have them.

The recordings have sums and counts of durations. Of each second's requests the mean is known; they are taken to be log-normal
around it (sigma 0.5), and counted into the buckets that etcd has. Clients' requests become those of an HTTP server in the same way.
"""
import csv
import json
import math
import re

SLOWER, SIGMA = 15, 0.5
BOUNDS = [0.001 * 2 ** k for k in range(14)]
HISTOGRAMS = {"etcd_disk_wal_fsync_duration_seconds": "etcd_disk_wal_fsync_duration_seconds",
              "etcd_disk_backend_commit_duration_seconds": "etcd_disk_backend_commit_duration_seconds",
              "client_request_seconds": "http_request_duration_seconds"}
KEPT = ("up", "etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total", "etcd_server_proposals_pending",
        "etcd_server_slow_apply_total", "etcd_server_heartbeat_send_failures_total")


def below(bound, mean):
    """Share of a log-normal of that mean which is at most a bound."""
    return 0.5 * (1 + math.erf((math.log(bound / mean) + SIGMA ** 2 / 2) / (SIGMA * math.sqrt(2))))


class Histogram:
    def __init__(self):
        self.before, self.buckets, self.n = None, [0.0] * len(BOUNDS), 0.0

    def take(self, total, count):
        if self.before:
            n, seconds = count - self.before[1], total - self.before[0]
            if n < 0:  # the member began anew
                self.buckets, self.n, n, seconds = [0.0] * len(BOUNDS), 0.0, count, total
            if n > 0:
                mean = max(seconds / n, 1e-6)
                self.buckets = [b + n * below(le, mean) for b, le in zip(self.buckets, BOUNDS)]
                self.n += n
        self.before = (total, count)


def write(path, recording):
    """Write the slowed recording; returns its incidents: [(from, to, instance, kind, severity)]."""
    with open(recording, newline="") as f:
        head, *rows = csv.reader(f)
    column = {h: i for i, h in enumerate(head)}
    members = sorted({m[1] for h in head if (m := re.search(r'instance="([^"]*)"', h))})
    kept = [h for h in head if h.split("{")[0] in KEPT]
    histograms = {(m, name): Histogram() for m in members for name in HISTOGRAMS}
    begin = int(float(rows[0][0]))
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["timestamp", *kept, *(f'{HISTOGRAMS[name]}_bucket{{instance="{m}",job="etcd",le="{le:g}"}}'
                                          for m, name in histograms for le in [*BOUNDS, math.inf])])
        for row in rows:
            out = [begin + (int(float(row[0])) - begin) * SLOWER, *(row[column[h]] for h in kept)]
            for (m, name), h in histograms.items():
                total, count = (row[column[f'{name}_{part}{{instance="{m}"}}']] for part in ("sum", "count"))
                if not total or not count:
                    out += [""] * (len(BOUNDS) + 1)
                    continue
                h.take(float(total), float(count))
                out += [f"{b:.6g}" for b in h.buckets] + [f"{h.n:.6g}"]
            w.writerow(out)
    events = json.loads(recording.with_suffix(".events.json").read_text())
    return [(begin + (e["start"] - begin) * SLOWER, begin + (e["end"] - begin) * SLOWER + 60, e["member"], e["kind"], e["severity"])
            for e in events]
