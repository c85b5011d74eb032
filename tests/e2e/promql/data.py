"""The samples of the comparison: recordings, and made series with all that goes wrong in practice."""
import csv
import math
import pathlib
import random
import struct

START_MS = 1_700_000_000_000  # all samples are in the hour after it, at multiples of 10 ms
HOUR_MS = 3_600_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


class Series:
    def __init__(self, name, **labels):
        self.labels = {"__name__": name, **labels}
        self.samples = []

    def add(self, t_ms, value):
        self.samples.append((t_ms, value))

    def text(self):
        def quoted(v):
            return '"' + v.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'
        inner = ",".join(f"{k}={quoted(v)}" for k, v in sorted(self.labels.items()) if k != "__name__")
        return self.labels["__name__"] + ("{" + inner + "}" if inner else "")


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def is_stale(value):
    return bits(value) == bits(STALE)


def times(rng, step_ms, jitter_ms=0, begin_ms=0, end_ms=HOUR_MS):
    phase = rng.randrange(0, step_ms, 10)
    t = START_MS + begin_ms + phase
    while t < START_MS + end_ms:
        yield t + (rng.randrange(0, jitter_ms, 10) if jitter_ms else 0)
        t += step_ms


def in_any(t, spans):
    return any(START_MS + a <= t < START_MS + b for a, b in spans)


def counters(rng):
    """Requests of eight instances: restarts, gaps, one that ends and comes back, one that comes late."""
    minute = 60_000
    for i in range(8):
        for code in ("200", "500"):
            s = Series("requests_total", instance=f"i{i}", job="api" if i % 2 else "web", code=code)
            value = float(rng.randrange(0, 3) if i in (1, 6) else rng.randrange(500, 5000))
            gaps = [(10 * minute, 13 * minute), (40 * minute, 47 * minute)] if i == 2 else []
            ended = [(20 * minute, 35 * minute)] if i == 3 else []
            dead = False
            for t in times(rng, 15_000, 200 if i % 3 else 0, begin_ms=30 * minute if i == 6 else 0):
                if in_any(t, gaps):
                    continue
                if in_any(t, ended):
                    if not dead:
                        s.add(t, STALE)
                    dead = True
                    continue
                dead = False
                if rng.random() < (0.02 if i in (1, 5) else 0):
                    value = float(rng.randrange(0, 20))
                value += rng.randrange(0, 40 if code == "200" else 3)
                s.add(t, value)
            yield s


def gauges(rng):
    """Temperatures with NaN, one with infinities; a signal at irregular times; limits; up with ends."""
    for i in range(6):
        s = Series("temperature_celsius", instance=f"i{i}", room="attic" if i < 3 else "cellar")
        for t in times(rng, 10_000, 100):
            value = 20 + 5 * math.sin(t / 3e5 + i) + rng.gauss(0, 1) - (25 if i == 4 else 0)
            if rng.random() < 0.03:
                value = math.nan
            if i == 5 and rng.random() < 0.02:
                value = rng.choice([math.inf, -math.inf])
            s.add(t, round(value, 3))
        yield s
    for i in range(3):
        s = Series("irregular", instance=f"i{i}", shape="odd")
        t = START_MS + 1000
        while t < START_MS + HOUR_MS:
            s.add(t, rng.choice([1.5, -2.25, 1e6, 3e-7, 0.0]) * rng.randrange(1, 9))
            t += rng.randrange(10, 240_000, 10)
        yield s
    for i in range(6):
        s = Series("limit_bytes", instance=f"i{i}")
        for t in times(rng, 60_000):
            s.add(t, float((i + 1) * 2 ** 30))
        yield s
    for i in range(6):
        s = Series("up", instance=f"i{i}", job="api" if i % 2 else "web")
        for t in times(rng, 15_000):
            r = rng.random()
            if r < 0.97:
                s.add(t, float(r < 0.9))
            elif r < 0.985:
                s.add(t, STALE)
        yield s


def histograms(rng):
    """Classic buckets of four instances: one silent, one without +Inf, one whose counts are not monotonic."""
    bounds = ["0.005", "0.05", "0.1", "0.5", "1", "2.5", "+Inf"]
    for i in range(4):
        rows = [Series("latency_seconds_bucket", instance=f"i{i}", le=le) for le in bounds]
        counts = [0.0] * len(bounds)
        for t in times(rng, 15_000):
            for _ in range(0 if i == 1 else rng.randrange(0, 12)):
                v = rng.expovariate(4)
                for k, le in enumerate(bounds):
                    counts[k] += v <= float(le)
            for k, s in enumerate(rows):
                s.add(t, counts[k] - (2 if i == 3 and k == 4 and counts[k] > 9 else 0))
        yield from (rows[:-1] if i == 2 else rows)


def recordings(folder):
    """Real counters and gauges, moved to START_MS; the column's name becomes labels."""
    for path in sorted(pathlib.Path(folder).glob("*.csv")):
        with open(path, newline="") as f:
            header, *rows = list(csv.reader(f))
        first = float(rows[0][0])
        for k, column in enumerate(header[1:], 1):
            if "|" in column:
                interface, kind = column.split("|")
                name = {"counter_rx_bytes": "if_rx_bytes_total", "counter_tx_bytes": "if_tx_bytes_total",
                        "rx_kbps": "if_rx_kbps"}[kind]
                s = Series(name, device=path.stem.split("-")[1], interface=interface)
            else:
                word = "".join(c if c.isalnum() else "_" for c in column).strip("_").lower()
                s = Series("pod_" + word, pod=path.stem.split("-")[1])
            for row in rows:
                if row[k]:
                    s.add(START_MS + 10 + 10 * round(100 * (float(row[0]) - first)), float(row[k]))
            if s.samples:
                yield s


def everything(seed, folder):
    rng = random.Random(seed)
    return [*counters(rng), *gauges(rng), *histograms(rng), *recordings(folder)]
