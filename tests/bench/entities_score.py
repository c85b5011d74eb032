#!/usr/bin/python3
"""Detection over entities of several features, beside scikit-learn on the same split: for each recording and detector
PR-AUC, VUS-PR, range-based F1, precision, recall and F1 at a score of 1, false alarms a day and the delay of detection.

usage: entities_score.py BUILD-FOLDER DATA-FOLDER [--cores] [--only=NAME]

`auspex backtest` is what users get: it learns as time passes, from what is before the split too, and only what comes after
counts. With --cores the members and their combination are asked as well, learnt once from the part before the split
(tests/bench/entities_walk.c). scikit-learn's
detectors learn from the same part, with their defaults (IsolationForest, EllipticEnvelope, LocalOutlierFactor with
novelty=True); their threshold is the 0.999 quantile of their own training scores. The incidents of nezha are in the first
third of a day: what comes after them is put before, and learnt from, by all.

Range-based F1: recall is the share of labelled incidents with an alarm in them, precision that of alarmed ranges that
touch one (N. Tatbul and others, NeurIPS 2018, with existence alone). VUS-PR: J. Paparrizos and others, VLDB 2022
(tests/bench/detect_score.py). No point is adjusted. Delay: steps from an incident's
begin to the first alarm in it, median over those that were found.

"clean" is the share of steps above 1, in per cent, among those that nobody labelled, an hour around what somebody did left out;
"before" the same of the product in the stretch before the split, which has no labels, from its first score on: what is configured
is 0.1. "alerts/w" are alerts of the shipped rules a week, more than an hour from any label, "before/w" those of that stretch. A
row is printed as soon as it is known; the lines that begin with # say what goes on.
"""
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import LocalOutlierFactor

from detect_score import alerts_of, vus_pr

RATE, DAY = 0.001, 1440
SEVERITIES = (1, 1.5, 2.5, 4)  # a score above the first of them is low, then medium, high and critical
TUNED_ON = {"machine-1-6", "machine-2-1"}


def ranges(flags):
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0]))
    return list(zip(edges[::2], edges[1::2]))


def near(label, steps=60):
    return np.convolve(label, np.ones(2 * steps + 1))[steps:steps + len(label)] > 0


def alerts_a_week(label, score):
    """Alerts that the shipped rules would have fired outside of labels, a week of steps of a minute."""
    severity = np.sum([score > s for s in SEVERITIES], axis=0)
    return sum(alerts_of(60 * np.arange(len(score)), severity, label).values()) / (len(score) / DAY / 7)


def measures(label, score):
    label, alarm = label.astype(bool), score > 1
    true = (label & alarm).sum()
    precision, recall = true / max(alarm.sum(), 1), true / max(label.sum(), 1)
    incidents, alarms = ranges(label), ranges(alarm)
    delays = [np.argmax(alarm[a:b]) for a, b in incidents if alarm[a:b].any()]
    found = len(delays) / max(len(incidents), 1)
    right = sum(label[a:b].any() for a, b in alarms) / max(len(alarms), 1)
    return {
        "PR-AUC": average_precision_score(label, score) if label.any() else np.nan,
        "VUS-PR": vus_pr(label, score) if label.any() else np.nan,
        "range F1": 2 * found * right / (found + right) if found + right else 0.0,
        "precision": precision, "recall": recall,
        "F1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "false/day": sum(not label[a:b].any() for a, b in alarms) / (len(label) / DAY),
        "delay": np.median(delays) if delays else np.nan,
        "clean %": 100 * alarm[~near(label)].mean() if not near(label).all() else np.nan,
        "alerts/w": alerts_a_week(near(label), score),
    }


def read(path):
    with open(path, newline="") as f:
        names = next(csv.reader(f))
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    label = table[:, names.index("label")] > 0
    columns = [i for i, n in enumerate(names) if n not in ("timestamp", "split", "label")]
    train = int((table[:, names.index("split")] == 0).sum())
    return [names[i] for i in columns], table[:, 0], table[:, columns], label, train


def scikit_learn(values, train):
    x = np.where(np.isnan(values), np.nanmedian(values[:train], axis=0), values)
    x = np.nan_to_num(x)
    for name, make in (("IsolationForest", lambda: IsolationForest(random_state=0)),
                       ("EllipticEnvelope", lambda: EllipticEnvelope(random_state=0)),
                       ("LocalOutlierFactor", lambda: LocalOutlierFactor(novelty=True))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make().fit(x[:train])
            score = model.mahalanobis if name == "EllipticEnvelope" else lambda rows: -model.score_samples(rows)
            yield name, score(x[train:]) / np.quantile(score(x[:train]), 1 - RATE)


def product(build, path, names, times):
    """The score that `auspex backtest` emits for the entity at each time; a step without one has the last, none has 0."""
    with tempfile.TemporaryDirectory() as folder:
        config, emitted = f"{folder}/config.yml", f"{folder}/emitted.csv"
        features = "".join(f"      f{i}: '{{__name__={json.dumps(n)}}}'\n" for i, n in enumerate(names))
        pathlib.Path(config).write_text(
            f"global: {{step: 1m}}\njobs:\n  - name: entity\n    by: [instance]\n    features:\n{features}"
            "    anomaly: {model: ensemble}\n    emit: [anomaly_score]\n")
        subprocess.run([f"{build}/auspex", "backtest", f"--config.file={config}", f"--input={path}", "--label=label",
                        f"--emit={emitted}"], check=True, capture_output=True)
        said = {}
        with open(emitted, newline="") as f:
            for row in csv.reader(f):
                if row[1].startswith("anomaly_score"):
                    said[round(float(row[0]))] = float(row[2])
    score, last = np.zeros(len(times)), 0.0
    for i, t in enumerate(times):
        score[i] = last = said.get(round(t), last)
    return score


def turned(path, folder):
    """A recording whose incidents are in its beginning, with what comes 30 rows after the last of them put before it."""
    with open(path, newline="") as f:
        head, *rows = csv.reader(f)
    label = head.index("label")
    cut = max(i for i, r in enumerate(rows) if float(r[label] or 0) > 0) + 31
    out = pathlib.Path(folder) / path.name
    with open(out, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(head[:label] + ["split"] + head[label:])
        for i, r in enumerate(rows[cut:] + rows[:cut]):
            w.writerow([60 * i] + r[1:label] + [int(i >= len(rows) - cut)] + r[label:])
    return out


def recordings(data, folder):
    yield from (("smd_interfusion", p) for p in sorted((data / "smd_interfusion").glob("*.csv")))
    yield from (("nezha", turned(p, folder)) for p in sorted((data / "nezha").glob("*.csv")))


def main(build, data, *options):
    with tempfile.TemporaryDirectory() as folder:
        run(build, pathlib.Path(data), folder, options)


def detectors(build, path, options, names, times, values, train):
    """Name and score after the split of each; of the product its share of alarms before it, too, and alerts a week."""
    begin = time.monotonic()
    whole = ThreadPoolExecutor(1).submit(product, build, path, names, times)
    for name, score in scikit_learn(values, train):
        yield name, score, {}
    if "--cores" in options:
        walked = subprocess.run([f"{build}/tests/bench/entities_walk", str(path)], capture_output=True, text=True)
        if walked.returncode:
            sys.exit(f"{path}: {walked.stderr}")
        head, *rows = walked.stdout.splitlines()
        table = np.array([[float(c) for c in r.split(",")] for r in rows])
        for i, name in enumerate(head.split(",")):
            if i and table[:, i].any():
                yield name, table[:, i], {}
    score = whole.result()
    heard = score[np.argmax(score > 0):train]
    yield "auspex backtest", score[train:], {
        "before %": 100 * (heard > 1).mean(), "before/w": alerts_a_week(np.zeros(len(heard)), heard)}
    print(f"# {path.stem}: {time.monotonic() - begin:.0f} s", flush=True)


def run(build, data, folder, options):
    results = {}
    only = [o[7:] for o in options if o.startswith("--only=")]
    for group, path in recordings(data, folder):
        if only and not any(o in f"{group}/{path.stem}" for o in only):
            continue
        names, times, values, label, train = read(path)
        if not label[train:].any():
            continue
        for name, score, before in detectors(build, path, options, names, times, values, train):
            m = measures(label[train:], score) | {"before %": np.nan, "before/w": np.nan} | before
            results.setdefault((group, name), {})[path.stem] = m
            print(f"{group:16} {path.stem:40} {name:20}", *(f"{v:9.3f}" for v in m.values()), flush=True)
    heads = next(iter(next(iter(results.values())).values()))
    print(f"\nmeans over recordings\n{'':37}", *(f"{k:>9}" for k in heads))
    for (group, name), by in results.items():
        sets = {"all": by}
        if group == "smd_interfusion":
            sets["not tuned on"] = {k: v for k, v in by.items() if k not in TUNED_ON}
        for which, some in sets.items():
            if some:
                print(f"{group:16} {name:20}",
                      *(f"{np.nanmean([m[k] for m in some.values()]):9.3f}" for k in next(iter(some.values()))),
                      f"  {which} ({len(some)})")


if __name__ == "__main__":
    main(*sys.argv[1:])
