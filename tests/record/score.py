#!/usr/bin/python3
"""How a backtest did on a recording of incidents: which were seen, how soon, and what was a false alarm.

usage: tests/record/score.py RECORDING.csv EMITTED.csv [JOB]

EMITTED.csv is what `auspex backtest --emit` wrote. The score of a step is the highest `anomaly_score` of any entity
of the job. Steps before the first at which every entity scores above 0 are warming up and left out. An incident is seen
when a score above 1 stands in its labelled time; false alarms are the share of unlabelled steps above 1; PR-AUC is
average precision of the step's score against the label (scikit-learn's definition); VUS-PR and range F1 are those of
tests/bench/detect_score.py; an alarm is a run of unlabelled steps above 1 that touches no labelled one. `named`: how often the entity with the highest
score summed over the incident was the faulty member, for faults of one that is no leader. `explained`, of these, where the kinds
of faults are those of lib/faults.py: how often the first feature, or one of the first three, that `anomaly_contribution` names at
that member's highest score is one in which a fault of this kind shows (SHOWS).
"""
import collections
import csv
import json
import math
import pathlib
import re
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
from detect_score import range_f1, vus_pr, windows_of  # noqa: E402


# Features of jobs.yml that a fault of a kind moves by itself, by what it does: slow peers (of whom reads ask, too), a process that stands still, writes that
# wait, and little time to run. Of the disk what only follows from it counts as wrong.
SHOWS = {
    "link": {"put_latency", "range_latency", "client_latency", "pending", "heartbeat_failures", "slow_applies"},
    "member": {"up", "client_errors", "client_latency"},
    "disk": {"fsync", "commit"},
    "cpu": {"put_latency", "range_latency", "client_latency", "slow_applies"},
}


def average_precision(points):
    points = sorted(points, reverse=True)
    positives, hits, seen, total, i = sum(label for _, label in points), 0, 0, 0.0, 0
    while i < len(points):
        j, before = i, hits
        while j < len(points) and points[j][0] == points[i][0]:
            hits += points[j][1]
            j += 1
        seen = j
        total += (hits - before) / positives * hits / seen
        i = j
    return total


def by_ranges(points):
    """VUS-PR, range F1 at 1, false alarms and the days that they are of."""
    times = sorted(points)
    score = np.array([points[t][0] for t in times])
    label = np.array([points[t][1] for t in times])
    alarms = sum(not label[max(a - 1, 0):b + 2].any() for a, b in windows_of(score > 1))
    return vus_pr(label, score), range_f1(label, score > 1), alarms, (times[-1] - times[0]) / 86400


def main():
    recording, emitted = pathlib.Path(sys.argv[1]), sys.argv[2]
    job = sys.argv[3] if len(sys.argv) > 3 else "etcd"
    events = json.loads(recording.with_suffix(".events.json").read_text())
    with open(recording) as f:
        label = {int(row[0]): int(row[-1]) for row in list(csv.reader(f))[1:]}
    scores = collections.defaultdict(dict)  # time -> entity -> score
    shares = collections.defaultdict(dict)  # time, entity -> feature -> share
    with open(emitted) as f:
        for t, series, value in csv.reader(f):
            if f'for="{job}"' not in series:
                continue
            entity = re.search(r'instance="([^"]*)"', series)
            if series.startswith("anomaly_score{"):
                scores[int(float(t))][entity[1]] = float(value)
            elif series.startswith("anomaly_contribution{") and not math.isnan(float(value)):  # a stale marker
                shares[int(float(t)), entity[1]][re.search(r'feature="([^"]*)"', series)[1]] = float(value)
    entities = {e for row in scores.values() for e in row}
    began = {e: min(t for t, row in scores.items() if row.get(e, 0) > 0) for e in entities}
    points = {t: max(row.values()) for t, row in scores.items() if t >= max(began.values()) and t in label}
    clean = [t for t in points if not label[t]]
    alarms = sum(points[t] > 1 for t in clean)
    kinds = collections.defaultdict(lambda: [0, 0, []])
    named = followers = 0
    explained = collections.defaultdict(lambda: [0, 0, 0])  # kind -> first, of the first three, all
    for e in events:
        inside = [t for t in points if e["start"] <= t <= e["end"]]
        if not inside:
            continue
        hit = [t for t in inside if points[t] > 1]
        cell = kinds[e["kind"], e["severity"]]
        cell[0] += 1
        cell[1] += bool(hit)
        if hit:
            cell[2].append(min(hit) - e["start"])
        if hit and e.get("role") != "leader":
            sums = {m: sum(scores[t].get(m, 0) for t in inside) for m in entities}
            followers += 1
            right = max(sums, key=sums.get) == e["member"]
            named += right
            if right and e["kind"] in SHOWS:
                of = shares[max(inside, key=lambda t: scores[t].get(e["member"], 0)), e["member"]]
                shown = [f in SHOWS[e["kind"]] for f in sorted(of, key=of.get, reverse=True)[:3]]
                for i, yes in enumerate((any(shown[:1]), any(shown), True)):
                    explained[e["kind"]][i] += yes
    seen, total = sum(c[1] for c in kinds.values()), sum(c[0] for c in kinds.values())
    print("kind    severity  incidents  seen  median delay")
    for (kind, severity), (n, hit, delays) in sorted(kinds.items()):
        print(f"{kind:7} {severity:9} {n:9} {hit:5}  {sorted(delays)[len(delays) // 2] if delays else float('nan'):9.1f} s")
    print(f"steps {len(points)}, labelled {sum(label[t] for t in points)}")
    print(f"recall of incidents {seen / total:.3f} ({seen} of {total})")
    print(f"false alarms {alarms / len(clean):.4f} of unlabelled steps ({alarms} of {len(clean)})")
    print(f"PR-AUC {average_precision([(points[t], label[t]) for t in points]):.3f}")
    vus, f1, apart, days = by_ranges({t: (points[t], label[t]) for t in points})
    print(f"VUS-PR {vus:.3f}, range F1 {f1:.3f}, {apart} false alarms in {24 * days:.1f} hours ({apart / days:.0f} a day)")
    print(f"named {named} of {followers} seen faults of members that lead nobody")
    if explained:
        first, three, all_of = map(sum, zip(*explained.values()))
        print(f"explained {first} of {all_of} of these by the first feature, {three} by one of three ("
              + ", ".join(f"{kind} {a} and {b} of {n}" for kind, (a, b, n) in sorted(explained.items())) + ")")


if __name__ == "__main__":
    main()
