"""Measures of scored series: NAB's own score, precision and recall by points and by ranges, VUS-PR, alarms.

A series is a dict: name, t (seconds, ascending), label (0 or 1 a row), score (a row). Rows before `start`, the
probationary part, count for nobody.
"""
import numpy as np

PROBATION = 0.15
PROFILES = {"standard": (1.0, 0.11, 1.0), "low FP": (1.0, 0.22, 1.0), "low FN": (1.0, 0.11, 2.0)}


def start_of(n):
    """Rows of the probationary part: NAB's, 15 % of the series and of 5,000 rows at most."""
    return int(PROBATION * min(n, 5000))


def windows_of(label):
    """The runs of labelled rows, as (first, last)."""
    edge = np.diff(np.concatenate(([0], (label > 0).astype(int), [0])))
    return list(zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1) - 1))


def sigmoid(x):
    """NAB's scaled sigmoid: 1 far before the end of a window, 0 at its end, -1 from three widths behind it."""
    x = np.asarray(x, float)
    return np.where(x > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(x, 3))) - 1)


def record_high(score, reach):
    """The gate of the NAB adapter: a score counts when it is above all of the `reach` rows before it."""
    out = np.zeros_like(score)
    for i in range(len(score)):
        past = score[max(0, i - reach):i]
        out[i] = score[i] if len(past) == 0 or score[i] > past.max() else 0
    return out


def nab_parts(series, score):
    """For the rows of a series that count: score, what an alarm there earns outside of windows (negative), or
    earns in a window, and the number of the window (-1: none). And how many windows there are."""
    windows = [w for w in windows_of(series["label"]) if w[1] >= start_of(len(score))]
    n = len(score)
    number, gain = np.full(n, -1), np.full(n, -1.0)
    for first, last in windows:
        behind = np.arange(last + 1, n)
        gain[last + 1:] = sigmoid((behind - last) / max(last - first, 1))
    top = float(sigmoid(-1.0))
    for k, (first, last) in enumerate(windows):
        at = np.arange(first, last + 1)
        gain[first:last + 1] = sigmoid(-(last - at + 1) / (last - first + 1)) / top
        number[first:last + 1] = k
    keep = np.arange(n) >= start_of(n)
    return score[keep], gain[keep], number[keep], len(windows)


def nab_sweep(all_series, scores, profile):
    """Sweep one threshold over all series: thresholds (falling) and the normalised score at each."""
    a_tp, a_fp, a_fn = PROFILES[profile]
    s, g, k, total = [], [], [], 0
    for series, score in zip(all_series, scores):
        a, b, c, n = nab_parts(series, score)
        s.append(a), g.append(b), k.append(np.where(c >= 0, c + total, -1))
        total += n
    s, g, k = np.concatenate(s), np.concatenate(g), np.concatenate(k)
    order = np.argsort(-s, kind="stable")
    s, g, k = s[order], g[order], k[order]
    best = np.full(total, np.nan)
    raw, value = np.empty(len(s)), -a_fn * total
    for i in range(len(s)):
        if k[i] < 0:
            value += a_fp * g[i]
        elif np.isnan(best[k[i]]):
            value += a_fn + a_tp * g[i]
            best[k[i]] = g[i]
        elif g[i] > best[k[i]]:
            value += a_tp * (g[i] - best[k[i]])
            best[k[i]] = g[i]
        raw[i] = value
    last = np.append(s[1:] < s[:-1], True)
    null, perfect = -a_fn * total, a_tp * total
    return s[last], 100 * (raw[last] - null) / (perfect - null)


def nab_at(sweep, threshold):
    """The score at a threshold: rows at or above it are alarms."""
    s, value = sweep
    i = np.flatnonzero(s >= threshold)
    return float(value[i[-1]]) if len(i) else 0.0


def nab_best(sweep):
    """The best threshold and its score; no alarm at all is worth 0."""
    s, value = sweep
    i = int(np.argmax(value))
    return (float(s[i]), float(value[i])) if value[i] > 0 else (float("inf"), 0.0)


def average_precision(label, score):
    """Area under the precision-recall curve as a sum of steps, ties being one threshold."""
    order = np.argsort(-score, kind="stable")
    y, s = label[order] > 0, score[order]
    last = np.append(s[1:] < s[:-1], True)
    hits, seen = np.cumsum(y)[last], np.flatnonzero(last) + 1
    if not y.any():
        return float("nan")
    recall = hits / y.sum()
    return float(np.sum(np.diff(np.concatenate(([0], recall))) * hits / seen))


def vus_pr(label, score, reach=20, thresholds=200):
    """Volume under the PR surface (Paparrizos and others, VLDB 2022): the range AUC-PR, averaged over the width of
    the buffer on both sides of each labelled range, from 0 to `reach` rows."""
    if not (label > 0).any():
        return float("nan")
    areas = []
    levels = np.unique(np.quantile(score, np.linspace(1, 0, thresholds)))[::-1]
    ranges = windows_of(label)
    n = len(label)
    for width in range(0, reach + 1, 4):
        soft = (label > 0).astype(float)
        for first, last in ranges:
            for d in range(1, width // 2 + 1):
                weight = np.sqrt(1 - d / width)
                for at in (first - d, last + d):
                    if 0 <= at < n:
                        soft[at] = max(soft[at], weight)
        positives = ((label > 0).sum() + soft.sum()) / 2
        recall, precision = [0.0], [1.0]
        wide = windows_of(soft)
        for level in levels:
            alarm = score >= level
            hits = (soft * alarm).sum()
            met = np.mean([alarm[a:b + 1].any() for a, b in wide])
            recall.append(min(hits / positives, 1) * met)
            precision.append(hits / max(alarm.sum(), 1))
        r, p = np.array(recall), np.array(precision)
        areas.append(np.sum(np.diff(r) * p[1:]))
    return float(np.mean(areas))


def range_f1(label, alarm):
    """Range-based F1 (Tatbul and others, NeurIPS 2018): no weight on mere existence, flat bias, cardinality 1/x."""
    real, said = windows_of(label), windows_of(alarm)

    def covered(ranges, others):
        total = 0.0
        for a, b in ranges:
            parts = [min(b, d) - max(a, c) + 1 for c, d in others if c <= b and d >= a]
            total += sum(parts) / (b - a + 1) / len(parts) if parts else 0.0
        return total / len(ranges) if ranges else float("nan")

    recall, precision = covered(real, said), covered(said, real)
    if not real:
        return float("nan")
    if not said or recall + precision == 0:
        return 0.0
    return 2 * recall * precision / (recall + precision)


def pointwise(all_series, scores, threshold=1.0):
    """Points above the threshold against labels, pooled over series; runs outside labels are false alarms."""
    tp = fp = fn = runs = events = met = clean = 0
    days, delays, label, score = 0.0, [], [], []
    for series, sc in zip(all_series, scores):
        first = start_of(len(sc))
        y, alarm, t = series["label"][first:] > 0, sc[first:] > threshold, series["t"][first:]
        tp += int((alarm & y).sum())
        fp += int((alarm & ~y).sum())
        fn += int((~alarm & y).sum())
        clean += int((~y).sum())
        days += (t[-1] - t[0]) / 86400
        runs += sum(1 for a, b in windows_of(alarm) if not y[a:b + 1].any())
        for a, b in windows_of(y):
            events += 1
            at = np.flatnonzero(alarm[a:b + 1])
            met += len(at) > 0
            if len(at):
                delays.append(int(at[0]))
        label.append(y), score.append(sc[first:])
    precision, recall = tp / max(tp + fp, 1), tp / max(tp + fn, 1)
    return {
        "PR-AUC": average_precision(np.concatenate(label), np.concatenate(score)),
        "precision": precision,
        "recall": recall,
        "F1": 2 * tp / max(2 * tp + fp + fn, 1),
        "events": met / max(events, 1),
        "delay": float(np.mean(delays)) if delays else float("nan"),
        "FPR": fp / max(clean, 1),
        "alarms/day": runs / days,
    }


def mean_over_series(all_series, scores, measure):
    """Mean of a measure(label, score) over the series that have labels."""
    values = []
    for series, sc in zip(all_series, scores):
        first = start_of(len(sc))
        y = series["label"][first:]
        if (y > 0).any():
            values.append(measure(y, sc[first:]))
    return float(np.mean(values)) if values else float("nan")


def alerts_of(t, severity, label):
    """Alerts of rules/alerts.yml that fire outside of labels, of times in seconds: the lowest severity of 5 minutes, held for the
    rule's `for`, each yielding to the one above it; of a series whose step is longer, every step."""
    step = float(np.median(np.diff(t)))
    width = max(int(round(300 / step)), 1)
    low = np.array([severity[max(0, i - width + 1):i + 1].min() for i in range(len(severity))])
    fired = {}
    for name, level, hold in (("critical", 4, 120), ("high", 3, 120), ("medium", 2, 600)):
        on = low >= level
        if level < 4:
            on &= low < level + 1
        edges = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(int), [0]))))
        fired[name] = sum((b - a) * step > hold and not (label[max(0, a - width):b] > 0).any()
                          for a, b in zip(edges[::2], edges[1::2]))
    return fired
