"""Native histograms as remote-write 2.0 messages, and series of them to ask a Prometheus about."""
import math
import struct

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
START_MS = 1_700_000_000_000
MINUTES = 20


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes(out)


def zigzag(n):
    return n << 1 ^ n >> 63


def field(number, kind, payload):
    return varint(number << 3 | kind) + payload


def packed(number, payload):
    return field(number, 2, varint(len(payload)) + payload) if payload else b""


def double(number, value):
    return field(number, 1, struct.pack("<d", value))


def spans(number, indexes):
    """Spans of rising indexes; one each for neighbours."""
    out, end, k = b"", 0, 0
    while k < len(indexes):
        n = 1
        while k + n < len(indexes) and indexes[k + n] == indexes[k] + n:
            n += 1
        body = field(1, 0, varint(zigzag(indexes[k] - end))) + field(2, 0, varint(n))
        out += field(number, 2, varint(len(body)) + body)
        end = indexes[k] + n
        k += n
    return out


class Histogram:
    """Counts by bucket; a schema of None is custom buckets with the bounds."""

    def __init__(self, schema=0, zero_threshold=2.0 ** -128, bounds=(), is_float=False):
        self.schema, self.zero_threshold, self.bounds, self.is_float = schema, zero_threshold, list(bounds), is_float
        self.clear()

    def clear(self):
        self.positive, self.negative, self.zero, self.count, self.sum = {}, {}, 0, 0, 0.0

    def observe(self, value, weight=1):
        self.count += weight
        self.sum += weight * value
        if math.isnan(value):
            return
        if self.schema is None:
            at = next((i for i, b in enumerate(self.bounds) if value <= b), len(self.bounds))
            self.positive[at] = self.positive.get(at, 0) + weight
        elif abs(value) <= self.zero_threshold:
            self.zero += weight
        else:
            side = self.positive if value > 0 else self.negative
            at = math.ceil(math.log2(abs(value)) * 2.0 ** self.schema - 1e-9)
            side[at] = side.get(at, 0) + weight

    def coarsen(self, schema):
        """To a lower schema, as clients do when there are too many buckets."""
        shift = self.schema - schema
        for name in ("positive", "negative"):
            out = {}
            for i, n in getattr(self, name).items():
                k = (i - 1 >> shift) + 1
                out[k] = out.get(k, 0) + n
            setattr(self, name, out)
        self.schema = schema

    def widen(self, threshold):
        """To a wider zero bucket, given as a power of two."""
        bound = math.log2(threshold) * 2.0 ** self.schema
        for name in ("positive", "negative"):
            side = getattr(self, name)
            for i in [i for i in side if i <= bound]:
                self.zero += side.pop(i)
        self.zero_threshold = threshold

    def message(self, t_ms, start_ms=0, stale=False, hint=0):
        if stale:
            return double(3, STALE) + field(15, 0, varint(t_ms))
        out = double(2, self.count) if self.is_float else field(1, 0, varint(self.count))
        out += double(3, self.sum)
        out += field(4, 0, varint(zigzag(-53 if self.schema is None else self.schema)))
        if self.schema is not None:
            out += double(5, self.zero_threshold)
            out += double(7, self.zero) if self.is_float else field(6, 0, varint(self.zero))
        for number, side in ((8, self.negative), (11, self.positive)):
            indexes = sorted(side)
            out += spans(number, indexes)
            if self.is_float:
                out += packed(number + 2, b"".join(struct.pack("<d", side[i]) for i in indexes))
            else:
                deltas = [side[i] - (side[indexes[k - 1]] if k else 0) for k, i in enumerate(indexes)]
                out += packed(number + 1, b"".join(varint(zigzag(d)) for d in deltas))
        if hint:
            out += field(14, 0, varint(hint))
        out += field(15, 0, varint(t_ms))
        out += packed(16, b"".join(struct.pack("<d", b) for b in self.bounds))
        if start_ms:
            out += field(17, 0, varint(start_ms))
        return out


class Series:
    """points: (t_ms, value or message, start_ms); a message is bytes."""

    def __init__(self, name, **labels):
        self.labels = {"__name__": name, **labels}
        self.points = []

    def text(self):
        pairs = ",".join(f'{k}="{v}"' for k, v in sorted(self.labels.items()) if k != "__name__")
        return self.labels["__name__"] + (f"{{{pairs}}}" if pairs else "")


def times(rng):
    """Every 20 s with jitter, some missing, now and then a longer gap."""
    t = START_MS + rng.randrange(0, 20_000)
    while t < START_MS + MINUTES * 60_000:
        if rng.random() < 0.97:
            yield t + rng.randrange(-40, 40)
        t += 20_000 if rng.random() < 0.985 else 20_000 * rng.randrange(2, 30)


def exponential(rng):
    """Integer counters of several resolutions, with restarts and coarser schemas. Zero buckets end where all of them
    have a bound."""
    for i, (schema, threshold) in enumerate([(0, 2.0 ** -128), (3, 2.0 ** -128), (-2, 2.0 ** -16), (8, 0.0)]):
        s, h = Series("latency_seconds", instance=f"i{i}", job="api" if i % 2 else "web"), None
        for t in times(rng):
            if h is None or rng.random() < 0.02:
                h = Histogram(schema, threshold)
            elif rng.random() < 0.03 and h.schema > -4:
                h.coarsen(h.schema - 1)
            elif rng.random() < 0.02 and i > 1:
                h.widen(2.0 ** -16 if h.zero_threshold < 2.0 ** -16 else 1.0)
            for _ in range(rng.choice([0, 0, 1, 3, 9])):
                h.observe(rng.choice([rng.lognormvariate(-3, 1.5), rng.lognormvariate(-3, 1.5), 0.0, rng.lognormvariate(-12, 2),
                                      -rng.lognormvariate(-4, 1) if i == 1 else 0.25]))
            s.points.append((t, h.message(t, hint=rng.choice([0, 0, 0, 2])), 0))
        yield s


def thresholds(rng):
    """Zero buckets that end anywhere, at one resolution."""
    for i, threshold in enumerate([2.0 ** -10, 2.0 ** -7, 0.003]):
        s, h = Series("phase_seconds", instance=f"i{i}"), None
        for t in times(rng):
            if h is None or rng.random() < 0.02:
                h = Histogram(3, threshold)
            elif rng.random() < 0.03:
                h.widen(h.zero_threshold * 2)
            for _ in range(rng.choice([0, 0, 1, 3, 9])):
                h.observe(rng.choice([rng.lognormvariate(-4, 1.5), -rng.lognormvariate(-4, 1), 0.0]))
            s.points.append((t, h.message(t), 0))
        yield s


def signed(rng):
    """Observations of one sign and none of the other, or nothing but zero; observations of NaN."""
    for i, low in enumerate([1.0, -1.0, 0.0, float("nan")]):
        s, h = Series("signed", kind=f"k{i}"), Histogram(2, 2.0 ** -3)
        for t in times(rng):
            for _ in range(rng.randrange(0, 4)):
                h.observe(rng.choice([low * rng.random(), low * rng.random() * 8, 0.01, 0.02 * low]))
            s.points.append((t, h.message(t), 0))
        yield s


def gauges(rng):
    """Float histograms that go up and down, one of them a gauge by its hint; ends with stale markers."""
    for i in range(3):
        s = Series("queue_size", queue=f"q{i}")
        for t in times(rng):
            if i == 2 and rng.random() < 0.05:
                s.points.append((t, Histogram().message(t, stale=True), 0))
                continue
            h = Histogram(2, 0.01, is_float=True)
            for _ in range(rng.randrange(0, 6)):
                h.observe(rng.uniform(-2 if i else 0, 30), rng.choice([0.5, 1.25, 3]))
            s.points.append((t, h.message(t, hint=3 if i == 1 else 0), 0))
        yield s


def custom(rng):
    """Custom buckets; some change their bounds, one has nothing in its first."""
    layouts = [[0.1, 0.5, 1, 2.5], [0.1, 1, 2.5, 10], [-1, 0, 1], [5]]
    for i in range(5):
        s, h = Series("size_bytes", instance=f"i{i}"), Histogram(None, 0, layouts[i % 4])
        for t in times(rng):
            if rng.random() < (0.04 if i == 4 else 0.01):
                h = Histogram(None, 0, rng.choice(layouts[:2]) if i in (0, 1, 4) else layouts[i % 4])
            for _ in range(rng.randrange(0, 5)):
                h.observe(rng.choice([rng.uniform(0, 3), rng.uniform(0, 12), rng.uniform(-2, 1) if i == 2 else 1]))
            s.points.append((t, h.message(t), 0))
        yield s


def mixed(rng):
    """Numbers for a while, histograms for a while; exponential and custom buckets in turn; classic ones beside."""
    for i in range(3):
        s, h, n = Series("turns", instance=f"i{i}"), Histogram(1), 0.0
        phase = rng.randrange(3)
        for t in times(rng):
            if rng.random() < 0.06:
                phase = (phase + 1) % 3
                h = Histogram(None, 0, [1, 4]) if phase == 2 else Histogram(1)
            n += rng.randrange(0, 5)
            h.observe(rng.uniform(0, 9))
            s.points.append((t, n if phase == 0 else h.message(t), 0))
        yield s
    native, counts = Series("both", instance="i0"), [0.0] * 4
    other = Series("both", instance="i1", le="3")
    rows = [Series("both", instance="i0", le=le) for le in ("0.5", "2", "8", "+Inf")]
    h = Histogram(2)
    for t in times(rng):
        v = rng.uniform(0, 9)
        h.observe(v)
        for k, bound in enumerate((0.5, 2, 8, math.inf)):
            counts[k] += v <= bound
            if t < START_MS + 20 * 60_000:
                rows[k].points.append((t, counts[k], 0))
        if t > START_MS + 10 * 60_000:
            native.points.append((t, h.message(t), 0))
            other.points.append((t, h.message(t), 0))
    yield from [native, other, *rows]


def created(rng):
    """Counters, as numbers and as histograms, that say when they began; after a restart they rise above what they
    were before the next sample comes."""
    for i in range(4):
        number, histogram = Series("made_total", instance=f"i{i}"), Series("made_seconds", instance=f"i{i}")
        n, h, began = 0.0, Histogram(2), START_MS - 40_000
        for t in times(rng):
            if rng.random() < 0.08:
                began, n, h = t - rng.randrange(1, 9_000), 0.0, Histogram(2)
                for _ in range(rng.randrange(1, 200)):
                    h.observe(rng.lognormvariate(0, 1))
                n = float(h.count)
            for _ in range(rng.randrange(0, 4)):
                h.observe(rng.lognormvariate(0, 1))
                n += 1
            number.points.append((t, n, began))
            histogram.points.append((t, h.message(t, began), began))
        yield number
        yield histogram


def everything(rng):
    return [*exponential(rng), *thresholds(rng), *signed(rng), *gauges(rng), *custom(rng), *mixed(rng), *created(rng)]
