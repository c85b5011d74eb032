"""Random expressions of the subset, with what is needed to tell where two versions of Prometheus differ."""
import re

RANGES = {"30s": 30_000, "1m": 60_000, "2m": 120_000, "5m": 300_000, "7m30s": 450_000, "20m": 1_200_000, "1h": 3_600_000}
COUNTERS = ["requests_total", "if_rx_bytes_total", "if_tx_bytes_total", "latency_seconds_bucket"]
GAUGES = ["temperature_celsius", "irregular", "limit_bytes", "up", "if_rx_kbps", "pod_memoryusage_mi", "pod_cpuusage_m",
          "pod_networkreceivebytes"]
OVER_TIME = ["avg", "min", "max", "sum", "count", "last", "stddev"]
MATH = ["abs", "ln", "log2", "log10", "exp", "sqrt"]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "stddev"]
MATCHERS = {
    "requests_total": ['code="200"', 'code!="200"', 'instance=~"i[0-3]"', 'job="api"', 'instance!~"i(1|5)"', "job=`web`"],
    "if_rx_bytes_total": ['device="leaf7"', 'interface=~".*/[01]"', 'interface!~".*0/0/0/3.*"'],
    "if_tx_bytes_total": ['device=~"dr.+"', "interface=~'Hundred.*'"],
    "if_rx_kbps": ['device="leaf7"', 'device!="leaf7"'],
    "latency_seconds_bucket": ['instance="i0"', 'instance=~"i0|i3"', 'le!="0.5"'],
    "temperature_celsius": ['room="attic"', 'room=~"c.*"', 'instance!="i5"', 'nosuch=""'],
    "up": ['job="api"', 'instance=~"i[2-4]"', 'nosuch!="x"'],
    "irregular": ['instance="i1"', 'shape="odd"'],
}
LABELS = {"requests_total": ["instance", "job", "code"], "if_rx_bytes_total": ["device", "interface"],
          "if_tx_bytes_total": ["device", "interface"], "if_rx_kbps": ["device", "interface"],
          "latency_seconds_bucket": ["instance", "le"], "temperature_celsius": ["instance", "room"],
          "up": ["instance", "job"], "irregular": ["instance", "shape"], "limit_bytes": ["instance"]}
BROKEN = ["sum(", "rate(up)", "up[5m]", "abs(1)", "sum(up[5m])", "1 +", "up{a=b}", "up{", "{}", '{job=""}', "sum by a (up)",
          "clamp(up, 1)", "histogram_quantile(up, up)", "up + on(instance)", "nosuchfunction(up)", "rate(1[5m])",
          'up{instance=~"("}', "rate(up[0s])", "-up[5m]", "1 + on(instance) 2", "up + bool up", "quantile(up)",
          "sum(up) by (a) by (b)", "up{__name__='x'}", 'up{a="b" c="d"}', "up up", ")", "1 2", "avg(1)", "'text'  + 1"]


class Expressions:
    def __init__(self, rng):
        self.rng = rng
        self.rates = []  # (selector, range in ms) of each rate and increase of the last expression
        self.deviations = []  # the operand of each of its stddev aggregations

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        return self.pick("0", "1", "2", "0.5", "-1", "3.25", "1e3", "0x10", "Inf", "NaN", "(1 + 2 * 3)", "2 ^ 3 ^ 0.5", "-2 ^ 2",
                         "(7 % 4)", "100", "8")

    def selector(self, name):
        matchers = self.rng.sample(MATCHERS.get(name, []), k=min(len(MATCHERS.get(name, [])), self.pick(0, 0, 1, 1, 2)))
        if self.rng.random() < 0.15:
            return "{" + ",".join([f'__name__="{name}"', *matchers]) + self.pick("", ",") + "}"
        return name + ("{" + ", ".join(matchers) + "}" if matchers else self.pick("", "{}"))

    def ranged(self, name, function=None):
        function = function or (self.pick("rate", "rate", "rate", "irate", "increase", "resets", "delta")
                                if name in COUNTERS and self.rng.random() < 0.7 else
                                self.pick(*[f + "_over_time" for f in OVER_TIME], "quantile_over_time", "deriv", "delta", "irate",
                                          "increase"))
        selector, span = self.selector(name), self.pick(*RANGES)
        if function in ("rate", "increase"):
            self.rates.append((selector, RANGES[span]))
        if function == "quantile_over_time":
            return f"quantile_over_time({self.pick('0', '0.5', '0.9', '1', '0.123', '-1', '2', 'NaN')}, {selector}[{span}])"
        return f"{function}({selector}[{span}])"

    def grouping(self, name):
        labels = LABELS.get(name, ["pod"])
        chosen = self.rng.sample(labels, k=self.rng.randrange(0, len(labels) + 1))
        if self.rng.random() < 0.1:
            chosen.append(self.pick("nosuch", "__name__"))
        return f"{self.pick('by', 'without')} ({', '.join(chosen)})"

    def aggregate(self, name, inner):
        grouping = self.grouping(name) if self.rng.random() < 0.8 else ""
        if self.rng.random() < 0.12:
            call, args = "quantile", f"({self.pick('0', '0.25', '0.5', '0.99', '1', '1.5', '-0.1')}, {inner})"
        else:
            call, args = self.pick(*AGGREGATIONS), f"({inner})"
            if call == "stddev":
                self.deviations.append(inner)
        return f"{call} {grouping} {args}" if self.rng.random() < 0.5 else f"{call}{args} {grouping}".strip()

    def histogram(self):
        q = self.pick("0.5", "0.9", "0.99", "0.1", "0", "-1", "2")
        inner = self.pick(lambda: self.selector("latency_seconds_bucket"),
                          lambda: self.ranged("latency_seconds_bucket", "rate"),
                          lambda: f"sum by (le) ({self.ranged('latency_seconds_bucket', 'rate')})",
                          lambda: f"sum by (le, instance) ({self.ranged('latency_seconds_bucket', 'increase')})")()
        return f"histogram_quantile({q}, {inner})"

    def vector(self, name, depth):
        """An instant vector made of one metric."""
        kind = self.rng.random()
        if depth == 0 or kind < 0.15:
            return self.selector(name) if self.rng.random() < 0.4 else self.ranged(name)
        inner = self.vector(name, depth - 1)
        if kind < 0.45:
            return self.aggregate(name, inner)
        if kind < 0.6:
            return f"{self.pick(*MATH)}({inner})"
        if kind < 0.68:
            return self.pick(f"clamp({inner}, {self.number()}, {self.number()})", f"clamp_min({inner}, {self.number()})",
                             f"clamp_max({inner}, {self.number()})")
        if kind < 0.74:
            return f"-{inner}" if self.rng.random() < 0.7 else f"-({inner})"
        if kind < 0.77:
            # These jump where their operands differ by a rounding error, so they get exact ones.
            return self.pick(f"{self.selector(name)} % {self.number()}", f"ceil({self.selector(name)} / 8)",
                             f"floor(-{self.selector(name)})")
        operator = self.pick("+", "-", "*", "/", "^")
        if kind < 0.92:
            return f"({inner}) {operator} {self.number()}" if self.rng.random() < 0.5 else f"{self.number()} {operator} ({inner})"
        return self.operation(name, depth - 1)

    def operation(self, name, depth):
        """Two vectors that have a chance to match, and now and then an error."""
        operator = self.pick("+", "-", "*", "/")
        kind = self.rng.random()
        if kind < 0.5:
            return f"{self.ranged(name)} {operator} {self.ranged(name)}"
        labels = LABELS.get(name, ["pod"])
        if kind < 0.75:
            keep = self.rng.sample(labels, k=1)
            a, b = (f"{self.pick('sum', 'avg', 'max', 'count')} by ({keep[0]}) ({self.vector(name, max(0, depth - 1))})"
                    for _ in "ab")
            return f"{a} {operator} {self.pick('', f'on ({keep[0]})')} {b}"
        if kind < 0.9:
            other = self.pick("up", "limit_bytes", "temperature_celsius")
            return f"{self.selector(name)} {self.pick(operator, '%')} on (instance) {self.selector(other)}"
        return f"{self.selector(name)} {self.pick(operator, '%')} ignoring ({self.pick(*labels)}) {self.selector(name)}"

    def expression(self):
        self.rates, self.deviations = [], []
        kind = self.rng.random()
        if kind < 0.03:
            return self.pick(*BROKEN)
        if kind < 0.06:
            return f"{self.number()} {self.pick('+', '-', '*', '/', '%', '^')} {self.number()}"
        if kind < 0.09:
            function = self.pick("rate", "abs", "last_over_time")
            selector = self.pick('{instance="i0"}', '{instance=~"i0|i1", room!="attic"}', '{job="api"}', '{job="web"}')
            if function == "rate":
                self.rates.append((selector, 300_000))
            return f"{function}({selector}{self.pick('[5m]', '[5m]', '')})"
        if kind < 0.18:
            return self.histogram()
        name = self.pick(*COUNTERS) if self.rng.random() < 0.5 else self.pick(*GAUGES)
        if kind < 0.4:
            return self.operation(name, 1)
        return self.vector(name, self.pick(0, 1, 2, 2, 3))


def matches(selector, labels):
    """Does a selector written by Expressions take a series?"""
    name, _, braces = selector.partition("{")
    if name and labels["__name__"] != name:
        return False
    for label, op, value in re.findall(r'(\w+)(=~|!~|!=|=)["\'`]([^"\'`]*)["\'`]', braces):
        have = labels.get(label, "")
        if op in ("=", "!="):
            hit = have == value
        else:
            hit = re.fullmatch(value, have) is not None
        if hit == (op in ("!=", "!~")):
            return False
    return True
