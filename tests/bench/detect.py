#!/usr/bin/python3
"""Anomaly scores of one series beside labels: tables for tests/bench/run detect.

usage: detect.py DETECT_WALK DATA

DATA holds nab/ and ms_cloud_monitoring/ (CSV, a column `label`). Files of a folder take turns, in the order of
their names: those of the tuning half were looked at while the detector was made, the others were not. NAB's score
is that of its standard profile, of the share of its corpus that is there, with the record-high gate of NAB's
adapter (a score counts when it is above all of the 200 rows before it) and without it; thresholds are the best one,
as NAB itself chooses, and the fixed 1. The first 15 % of a series count for nobody.

"Told elsewhere" are rows that are labelled on another recording of the same service at the same time.

How often clean points are above 1 is also measured on families that are made here (detect_families.py).

Peers: scikit-learn's IsolationForest, LocalOutlierFactor and EllipticEnvelope on the newest value and 4 lags, fitted
to the first 15 %, a score of 1 being what 0.1 % of those exceed; and the last value's |difference| in standard
deviations of the past 2,880 rows, 3.29 being 1.
"""
import io
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

import detect_families
from detect_score import (alerts_of, average_precision, mean_over_series, nab_at, nab_best, nab_sweep, pointwise, range_f1,
                          record_high, start_of, vus_pr)

GATE = 200
MEMBERS = ("forecast", "neighbours", "level", "difference", "polynomial", "sub_pca")
LAGS = 5


def walk(program, files, *flags):
    """Run the detectors over files; a series each: arrays by the columns of the output."""
    run = subprocess.run([program, *flags, *files], check=True, capture_output=True, text=True)
    out, last, rows = [], None, []
    lines = io.StringIO(run.stdout)
    head = lines.readline().strip().split(",")

    def close():
        if rows:
            columns = np.array(rows).T
            out.append({"name": last, **dict(zip(head[2:], columns))})
            out[-1]["t"] = out[-1]["timestamp"]

    for line in lines:
        name, column, *cells = line.rstrip("\n").split(",")
        if (name, column) != last:
            close()
            last, rows = (name, column), []
        rows.append([float(c) for c in cells])
    close()
    return out, run.stderr.strip()


def lags(value):
    filled = np.where(np.isfinite(value), value, np.nan)
    first = filled[np.isfinite(filled)][0]
    for i in range(len(filled)):
        if np.isnan(filled[i]):
            filled[i] = filled[i - 1] if i else first
    return np.column_stack([np.concatenate((np.full(k, filled[0]), filled[:len(filled) - k])) for k in range(LAGS)])


def peer(make):
    def scores(series):
        x = lags(series["value"])
        first = start_of(len(x))
        centre, spread = x[:first].mean(), x[:first].std() or 1.0
        x = (x - centre) / spread
        x += np.random.default_rng(1).normal(0, 1e-3, x.shape)  # constant lags have no covariance
        raw = -make().fit(x[:first]).score_samples(x)
        level, low = np.quantile(raw[:first], 0.999), np.median(raw[:first])
        return np.maximum((raw - low) / max(level - low, 1e-12), 0)
    return scores


def last_value(series):
    x = lags(series["value"])
    move = x[:, 0] - x[:, 1]
    sums, squares = np.cumsum(np.insert(move, 0, 0)), np.cumsum(np.insert(move * move, 0, 0))
    out = np.zeros(len(move))
    for i in range(30, len(move)):
        a = max(0, i - 2880)
        variance = (squares[i] - squares[a]) / (i - a) - ((sums[i] - sums[a]) / (i - a)) ** 2
        out[i] = abs(move[i]) / np.sqrt(max(variance, 1e-18)) / 3.29 if variance > 1e-18 else 0
    return out


PEERS = {
    "last value, z-score": last_value,
    "IsolationForest": peer(lambda: IsolationForest(n_estimators=100, random_state=1)),
    "LocalOutlierFactor": peer(lambda: LocalOutlierFactor(n_neighbors=20, novelty=True)),
    "EllipticEnvelope": peer(lambda: EllipticEnvelope(random_state=1, support_fraction=0.9)),
}


def nab_row(series, scores):
    gated = [record_high(s, GATE) for s in scores]
    just_above = np.nextafter(1.0, 2.0)
    cells = []
    for given in (gated, scores):
        sweep = nab_sweep(series, given, "standard")
        cells += [nab_best(sweep)[1], nab_at(sweep, just_above)]
    return cells


def table(title, all_series, methods, nab):
    for series, name in ((all_series[0::2], "tuning half"), (all_series[1::2], "report half"),
                         (all_series, "the whole")):
        print(f"\n{title}, {name}: {len(series)} series, {sum(len(s['t']) for s in series)} rows")
        heads = (["NAB", "NAB at 1", "ungated", "ungated 1"] if nab else []) + [
            "PR-AUC", "mean PR", "VUS-PR", "range F1", "prec.", "recall", "F1", "events", "delay", "FPR", "alarms/d"]
        print(f"{'':24s}" + "".join(f"{h:>10s}" for h in heads))
        for method, score in methods.items():
            scores = [score(s) for s in series]
            p = pointwise(series, scores)
            cells = nab_row(series, scores) if nab else []
            cells += [p["PR-AUC"], mean_over_series(series, scores, average_precision),
                      mean_over_series(series, scores, vus_pr),
                      mean_over_series(series, scores, lambda y, s: range_f1(y, s > 1)),
                      p["precision"], p["recall"], p["F1"], p["events"], p["delay"], p["FPR"], p["alarms/day"]]
            print(f"{method:24s}" + "".join(
                f"{c:10.1f}" if abs(c) >= 10 else f"{c:10.3f}" if abs(c) >= 0.01 or c == 0 else f"{c:10.5f}"
                for c in cells))


def alerts_a_week(series):
    """Alerts of rules/alerts.yml that fire outside of labels, a week and series."""
    fired, weeks = {"critical": 0, "high": 0, "medium": 0}, 0.0
    for s in series:
        first = start_of(len(s["t"]))
        t, severity, label = s["t"][first:], s["severity"][first:], s["label"][first:]
        weeks += (t[-1] - t[0]) / 604800
        for name, n in alerts_of(t, severity, label).items():
            fired[name] += n
    return {k: v / weeks for k, v in fired.items()}, sum(fired.values()) / weeks


def told_elsewhere(all_series, half):
    """The share of rows above 1 outside of labels, of those that no other recording of the service has labelled."""
    service = lambda s: pathlib.Path(s["name"][0]).name.rsplit("-", 1)[0]
    labelled = {}
    for s in all_series:
        labelled.setdefault(service(s), set()).update(s["t"][s["label"] > 0])
    above = clean = 0
    for s in half:
        first = start_of(len(s["t"]))
        known = labelled[service(s)]
        rows = np.array([t not in known for t in s["t"]])[first:] & ~(s["label"][first:] > 0)
        above, clean = above + int((s["score"][first:] > 1)[rows].sum()), clean + int(rows.sum())
    return above / clean


def families(program):
    with tempfile.TemporaryDirectory() as folder:
        print(f"\nclean families, {len(detect_families.SEEDS)} series of {detect_families.N} rows each: % above 1, of all"
              " but the first 30, 1,000 and 2,880")
        for name, files in detect_families.write(folder).items():
            scores = [s["score"] for s in walk(program, files)[0]]
            shares = [100 * np.mean([np.mean(s[first:] > 1) for s in scores]) for first in (30, 1000, 2880)]
            print(f"{name:24s}" + "".join(f"{share:10.3f}" for share in shares))


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    for title, folder, nab in (("NAB (a part of its corpus)", "nab", True),
                               ("ms_cloud_monitoring", "ms_cloud_monitoring", False)):
        files = sorted(str(f) for f in (data / folder).glob("*.csv"))
        series, spent = walk(program, files)
        everyone, _ = walk(program, files, "--all")
        shaped, dear = walk(program, files, "--with=sub_pca")
        for one, other, third in zip(series, everyone, shaped):
            one["all members"], one["with sub_pca"] = other["score"], third["score"]
            for member in MEMBERS:
                one["member " + member] = other[member]
        methods = {"auspex": lambda s: s["score"], "  and sub_pca": lambda s: s["with sub_pca"],
                   "  all members": lambda s: s["all members"]}
        for member in MEMBERS:
            methods[f"  {member} alone"] = lambda s, m=member: s["member " + m]
        table(title, series, {**methods, **PEERS}, nab)
        print(f"\n{title}: {spent}; with sub_pca: {dear}")
        for half, name in ((0, "tuning half"), (1, "report half")):
            kinds, every = alerts_a_week(series[half::2])
            print(f"alerts outside of labels a week and series, {name}: {every:.2f}"
                  f" ({', '.join(f'{k} {v:.2f}' for k, v in kinds.items())})")
            print(f"above 1 outside of labels and of what is told elsewhere, {name}:"
                  f" {100 * told_elsewhere(series, series[half::2]):.3f} %")
    families(program)


if __name__ == "__main__":
    main()
