"""Nodes as node_exporter and a blackbox exporter show them, with labelled incidents, by seed.

Four nodes for four days, a row a minute. What is usual: traffic by the time of day times a noise that remembers (AR(1) of the
logarithm), retransmits and resets as Poisson counts of it, drops in a burst every other day, a backup that stalls the disk at 02:00, round
trips with a log-normal jitter. Incidents, four kinds by two severities in a random order, one at a time and half an hour to two
hours apart from 36 hours on: a crash (`up` is 0, no other sample, then another boot time and counters from 0), a bad link
(errors, drops, retransmits, round trips), a disk that stalls (with a failed unit), and an overload (retransmits, resets, round
trips). They last 5 to 30 minutes; what the preset's windows of 15 minutes, and after a crash of an hour, hold of them counts too.
"""
import csv
import math
import random

STEP, DAYS, NODES, QUIET_H = 60, 4, 4, 36
KINDS = ("crash", "link", "disk", "overload")
AFTER_S = {"crash": 3600}
AFTER_ELSE_S = 900


def poisson(rng, mean):
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    n, left, limit = 0, rng.random(), math.exp(-mean)
    while left > limit:
        left *= rng.random()
        n += 1
    return n


def incidents(rng, begin, end):
    """[(from, to, node, kind, severity)], one after the other."""
    found, t, plan = [], begin + QUIET_H * 3600, []
    while True:
        plan = plan or rng.sample([(k, s) for k in KINDS for s in (1, 3)], 2 * len(KINDS))
        t += rng.randint(30, 120) * STEP
        length = rng.randint(5, 30) * STEP
        if t + length + 3600 > end:
            return found
        found.append((t, t + length, rng.randrange(NODES), *plan.pop()))
        t += length


class Node:
    def __init__(self, rng, name):
        self.rng, self.name = rng, name
        self.base = math.exp(rng.gauss(6.5, 0.5))
        self.rtt = math.exp(rng.gauss(-7.6, 0.3))
        self.noise = 0.0
        self.boot = None
        self.reset()

    def reset(self):
        self.counters = dict.fromkeys(("rx_drop", "rx_err", "tx_drop", "tx_err", "retrans", "out", "resets", "stalled"), 0.0)

    def row(self, t, kind, severity):
        """Samples of the node at a time: {series: value}."""
        rng, c = self.rng, self.counters
        ids = f'instance="{self.name}"'
        if kind == "crash":
            self.boot = None
            return {f'up{{{ids},job="node"}}': 0}
        if self.boot is None:
            self.boot = t - 30 if c["out"] else t - 86400 * 20
            self.reset()
        self.noise = 0.95 * self.noise + rng.gauss(0, 0.06)
        day = 1 + 0.5 * math.sin(2 * math.pi * t / 86400)
        out = self.base * day * math.exp(self.noise) * STEP
        worse = 1 + severity if kind == "link" else 1 + severity / 2 if kind == "overload" else 1
        c["out"] += out
        c["retrans"] += poisson(rng, out * 0.0015 * worse)
        c["resets"] += poisson(rng, 0.2 * STEP * day * (1 + severity if kind == "overload" else 1))
        c["rx_drop"] += poisson(rng, 20) if rng.random() < 0.0003 else 0
        if kind == "link":
            c["rx_err"] += poisson(rng, 10 * severity)
            c["rx_drop"] += poisson(rng, 20 * severity)
        backup = 0.25 if t % 86400 < 7200 + 1200 and t % 86400 >= 7200 else 0
        stalled = 0.01 * math.exp(rng.gauss(0, 0.5)) + backup + (0.15 * severity if kind == "disk" else 0)
        c["stalled"] += min(stalled, 1) * STEP
        rtt = self.rtt * math.exp(rng.gauss(0, 0.1)) * (worse if kind in ("link", "overload") else 1)
        return {f'up{{{ids},job="node"}}': 1,
                f"node_boot_time_seconds{{{ids}}}": self.boot,
                f'node_systemd_unit_state{{{ids},name="db.service",state="failed"}}': int(kind == "disk"),
                f'node_systemd_unit_state{{{ids},name="web.service",state="failed"}}': 0,
                f'node_network_receive_drop_total{{{ids},device="eth0"}}': c["rx_drop"],
                f'node_network_receive_errs_total{{{ids},device="eth0"}}': c["rx_err"],
                f'node_network_transmit_drop_total{{{ids},device="eth0"}}': c["tx_drop"],
                f'node_network_transmit_errs_total{{{ids},device="eth0"}}': c["tx_err"],
                f"node_netstat_Tcp_RetransSegs{{{ids}}}": c["retrans"],
                f"node_netstat_Tcp_OutSegs{{{ids}}}": round(c["out"]),
                f"node_netstat_Tcp_EstabResets{{{ids}}}": c["resets"],
                f"node_pressure_io_stalled_seconds_total{{{ids}}}": round(c["stalled"], 3),
                f'probe_icmp_duration_seconds{{{ids},phase="rtt"}}': rtt}


def write(path, seed, begin=1_700_006_400):
    """Write the recording; returns its incidents: [(from, to, instance, kind, severity)]."""
    rng = random.Random(seed)
    end = begin + DAYS * 86400
    events = incidents(rng, begin, end)
    nodes = [Node(rng, f"node{i + 1}:9100") for i in range(NODES)]
    rows = []
    for t in range(begin, end, STEP):
        row = {}
        for i, node in enumerate(nodes):
            now = next(((k, s) for a, b, n, k, s in events if n == i and a <= t < b), ("", 0))
            row.update(node.row(t, *now))
        rows.append((t, row))
    names = sorted({n for _, row in rows for n in row})
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(["timestamp", *names])
        for t, row in rows:
            w.writerow([t, *(f"{row[n]:.9g}" if n in row and n.startswith("probe") else row.get(n, "") for n in names)])
    return [(a, b + AFTER_S.get(kind, AFTER_ELSE_S), nodes[n].name, kind, severity) for a, b, n, kind, severity in events]
