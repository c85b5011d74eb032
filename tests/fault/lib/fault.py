"""What the fault tests share: an Auspex that can be killed and started again, a Prometheus that takes what it sends,
and a feed that gives several of them the same samples, over several connections and in both versions of remote-write,
repeated until they are answered 2xx."""
import concurrent.futures
import math
import os
import pathlib
import random
import shutil
import signal
import struct
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import prometheus  # noqa: E402
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402, F401


class Prometheus(prometheus.Prometheus):
    """The target, which scrapes nothing."""

    def samples(self, selector, span="1h"):
        """Raw samples: {labels without `run`: {time: value as Prometheus spells it}}."""
        rows = self.rows(f"{selector}[{span}]")
        return {tuple(sorted((k, v) for k, v in row["metric"].items() if k != "run")):
                {float(t): v for t, v in row["values"]} for row in rows}

    def refused_requests(self):
        """Remote-write requests that it answered with anything but 2xx."""
        _, body = stack.http(self.url + "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
                   if line.startswith("prometheus_http_requests_total{") and 'handler="/api/v1/write"' in line
                   and 'code="2' not in line)


class Auspex(stack.Server):
    """One Auspex with a storage folder of its own."""

    def __init__(self, binary, folder, config, *flags, port=None, name="auspex", environment=None, wrapper=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = f"127.0.0.1:{port or stack.free_port()}"
        self.url = f"http://{self.address}"
        self.config = self.folder / "auspex.yml"
        self.config.write_text(config)
        environment = [f"{k}={v}" for k, v in (environment or {}).items()]
        super().__init__(name, [*wrapper, *(["env"] + environment if environment else []), binary, "serve",
                                f"--config.file={self.config}", f"--storage.path={self.folder / 'data'}",
                                f"--web.listen-address={self.address}", *flags],
                         self.folder / "log", self.url + "/-/ready")

    def kill(self):
        """As the kernel does it to a process that has taken too much memory."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def metric(self, name, **labels):
        """Sum over the cells that have these labels; 0 when there is none."""
        status, body = stack.http(self.url + "/metrics")
        require(status == 200, f"/metrics answered {status}")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
                   if line.startswith((name + "{", name + " ")) and all(f'{k}="{v}"' in line for k, v in labels.items()))


def noise(*key):
    """A number of [0, 1) that depends on the key alone."""
    return random.Random(repr(key)).random()


def value_of(kind, i, n):
    """Sample n of series i of a kind: a wave with noise, now and then a spike; or a counter with resets."""
    wave = 100 + 10 * (i % 7) + 20 * math.sin(n / (9 + i % 5)) + 5 * noise(kind, i, n)
    if kind == "gauge":
        return wave * (3 if noise("spike", i, n) < 0.01 else 1)
    return wave * (n % (150 + i)) + i  # begins anew now and then


class Series:
    """A series of the feed. It lives from sample `first` to before `last`, and ends with a stale marker if `last` is in
    the feed."""

    def __init__(self, kind, i, labels, first=0, last=None, late_ms=0):
        self.kind, self.i, self.first, self.last, self.late_ms = kind, i, first, last, late_ms
        self.labels = sorted(labels.items())

    def _value(self, n, t_ms):
        """Field 2 of a TimeSeries, or its histogram."""
        if self.kind == "histogram" and n != self.last:
            return histogram_of(self.i, n, t_ms)
        bits = struct.pack("<Q", rw.STALE_BITS) if n == self.last else struct.pack("<d", value_of(self.kind, self.i, n))
        return None, b"\x09" + bits + b"\x10" + rw.varint(t_ms)

    def encode(self, n, t_ms, version, prefix):
        """As a field of the request; nothing while it does not live."""
        if n < self.first or (self.last is not None and n > self.last):
            return b""
        histogram, sample = self._value(n, t_ms + self.late_ms)
        value = rw.message(2, sample) if sample else rw.message((4, 3)[version - 1], histogram)
        return rw.message((1, 5)[version - 1], prefix + value)


def histogram_of(i, n, t_ms):
    """An integer histogram of two buckets that fills as time passes, and begins anew now and then; no sample."""
    n %= 60 + i
    low, high = (2 + i) * n, (1 + n % 3) * n // 2
    zigzag = (high - low) << 1 if high >= low else ((low - high) << 1) - 1
    return (b"\x08" + rw.varint(low + high) + b"\x19" + struct.pack("<d", 1.5 * low + 3.0 * high) +
            rw.message(11, b"\x08\x02\x10\x02") + rw.message(12, rw.varint(low << 1) + rw.varint(zigzag)) +
            b"\x78" + rw.varint(t_ms)), None


class Part:
    """Some series of the feed, which go over a connection of their own in one version."""

    def __init__(self, version, series):
        self.version, self.series = version, series
        self.headers = (rw.HEADERS_1, rw.HEADERS_2)[version - 1]
        self.symbols = [""]
        numbers = {"": 0}

        def number(text):
            if text not in numbers:
                numbers[text] = len(self.symbols)
                self.symbols.append(text)
            return numbers[text]

        if version == 1:
            self.prefixes = [b"".join(rw.message(1, rw.text(1, k) + rw.text(2, v)) for k, v in s.labels) for s in series]
        else:
            self.prefixes = [rw.message(1, b"".join(rw.varint(number(text)) for pair in s.labels for text in pair))
                             for s in series]

    def body(self, n, t_ms):
        head = b"".join(rw.text(4, s) for s in self.symbols) if self.version == 2 else b""
        return rw.snappy(head + b"".join(s.encode(n, t_ms, self.version, p) for s, p in zip(self.series, self.prefixes)))


def fleet(instances, unwanted):
    """Series as a small fleet has them; some come late, some end, some are of a pair of replicas, some histograms."""
    out = []
    for i in range(instances):
        first = 0 if i % 5 else 10 + i
        last = None if i % 7 else 40 + i
        instance = f"host{i:03}:9100"
        out.append(Series("gauge", i, {"__name__": "demand", "instance": instance, "group": f"g{i % 3}"}, first, last))
        for device in ("eth0", "eth1"):
            out.append(Series("counter", i, {"__name__": "received_bytes_total", "instance": instance,
                                             "device": device, "group": f"g{i % 3}"}, first, last))
    for i in range(5):
        out.append(Series("histogram", i, {"__name__": "request_seconds", "instance": f"host{i:03}:9100"}))
    for i in range(unwanted):
        out.append(Series("gauge", i, {"__name__": "unwanted", "instance": f"host{i:05}:9100", "job": "other"}))
    return out


def replicas():
    """What both replicas of a pair send, the first of them always first: only its samples are taken."""
    return [Series("gauge", 1000 + i + 500 * k, {"__name__": "demand", "instance": f"pair{i}:9100", "group": "g0", "cluster": "c",
                                                 "__replica__": replica}, late_ms=300 * k)
            for k, replica in enumerate("ab") for i in range(3)]


def parts(instances, unwanted, connections=4):
    """The fleet over several connections, half of them in each version; the pair of replicas on one of them."""
    series = fleet(instances, unwanted)
    return [Part(1 + i % 2, series[i::connections] + (replicas() if i == 0 else [])) for i in range(connections)]


class Feed:
    """Sends the samples of each second to each receiver, in order, its parts at the same time; a part is repeated until
    it is answered 2xx, and the next second begins when all are."""

    def __init__(self, receivers, parts):
        self.receivers, self.parts = receivers, parts
        self.start_s = None
        self.bodies = []  # of each second, those of the parts
        self.ending = self.ended = self.given_up = False
        self.changed = threading.Condition()
        self.taken = {r: 0 for r in receivers}
        self.repeats = {r: 0 for r in receivers}
        self.threads = [threading.Thread(target=self._make, daemon=True)]
        self.threads += [threading.Thread(target=self._send, args=(r,), daemon=True) for r in receivers]

    def begin(self):
        self.start_s = int(time.time()) + 1
        for thread in self.threads:
            thread.start()

    def end(self):
        """No more samples; returns when every receiver has taken all there are."""
        self.ending = True
        self.threads[0].join()
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        for thread in self.threads[1:]:
            thread.join()

    def abandon(self):
        """No more samples, whoever has not got them."""
        self.ending = True
        with self.changed:
            self.ended = self.given_up = True
            self.changed.notify_all()

    def _make(self):
        while not self.ending:
            n = len(self.bodies)
            t_ms = (self.start_s + n) * 1000
            bodies = [part.body(n, t_ms) for part in self.parts]
            time.sleep(max(0, t_ms / 1000 - time.time()))
            with self.changed:
                self.bodies.append(bodies)
                self.changed.notify_all()

    def _send(self, receiver):
        with concurrent.futures.ThreadPoolExecutor(len(self.parts)) as connections:
            while not self.given_up:
                with self.changed:
                    n = self.taken[receiver]
                    while n == len(self.bodies) and not self.ended:
                        self.changed.wait()
                    if n == len(self.bodies):
                        return
                    bodies = self.bodies[n]
                list(connections.map(lambda part, body: self._send_part(receiver, part, body), self.parts, bodies))
                with self.changed:
                    self.taken[receiver] += not self.given_up

    def _send_part(self, receiver, part, body):
        """Until it is answered 2xx, or nobody wants it any more."""
        while not self.given_up:
            try:
                status, _ = stack.http(receiver.url + "/api/v1/write", body, part.headers, timeout=10)
            except OSError:
                status = 0
            if 200 <= status < 300:
                return
            with self.changed:
                self.repeats[receiver] += 1
            time.sleep(0.02)


def fresh(folder):
    """An empty folder at that path."""
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Skipped(Exception):
    """What it takes is not to be had here."""


def main(checks):
    """Run all checks; each is a function with a sentence for its docstring. Ends with 77, which ctest shows as skipped,
    when one could not be run and none failed."""
    failed = skipped = 0
    for check in checks:
        began = time.monotonic()
        sentence = check.__doc__.strip().splitlines()[0]
        try:
            told = check()
            print(f"ok      {sentence} ({time.monotonic() - began:.0f} s){': ' + told if told else ''}", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"SKIPPED {sentence}: {why}", flush=True)
        except (Failure, stack.StackError, AssertionError, OSError) as failure:
            failed += 1
            print(f"FAILED  {sentence}: {failure}", flush=True)
    sys.exit(1 if failed else 77 if skipped else 0)
