#!/usr/bin/python3
"""Golden vectors of the backtest's metrics, from scikit-learn and NumPy. Writes vectors.h beside itself.

Debian 12: python3-sklearn 1.2.1, python3-numpy 1.24.2 (the versions are written into the file)."""
import pathlib

import numpy as np
import sklearn
from sklearn import metrics

rng = np.random.default_rng(20240501)


def array(name, values):
    body = ", ".join(float(v).hex() if np.isfinite(v) else "NAN" for v in values)
    return f"static const double {name}[] = {{{body}}};\n"


def winkler(actual, lower, upper, alpha):
    return np.mean(upper - lower + 2 / alpha * np.maximum(lower - actual, 0) + 2 / alpha * np.maximum(actual - upper, 0))


def forecast_case(name, actual, relative=0.1):
    n = len(actual)
    mean = actual * rng.normal(1, relative, n) + rng.normal(0, 1, n)
    lower, upper = mean - rng.uniform(1, 8, n), mean + rng.uniform(1, 8, n)
    last = np.concatenate([[actual[0] + 1], actual[:-1]])
    linear = actual + rng.normal(0, 5, n)
    some = actual != 0
    error = np.abs(actual - mean)
    want = [
        metrics.mean_absolute_error(actual, mean),
        np.sqrt(metrics.mean_squared_error(actual, mean)),
        metrics.r2_score(actual, mean),
        metrics.mean_absolute_percentage_error(actual[some], mean[some]),
        error.sum() / np.abs(actual).sum(),
        np.corrcoef(actual, mean)[0, 1],
        np.mean((actual >= lower) & (actual <= upper)),
        winkler(actual, lower, upper, 0.1),
        1 - error.sum() / np.abs(last - actual).sum(),
        1 - error.sum() / np.abs(linear - actual).sum(),
    ]
    parts = {"actual": actual, "mean": mean, "lower": lower, "upper": upper, "last": last, "linear": linear, "want": want}
    return "".join(array(f"{name}_{k}", v) for k, v in parts.items())


def detection_case(name, score, truth):
    alarm = score > 1
    want = [
        metrics.precision_score(truth, alarm),
        metrics.recall_score(truth, alarm),
        metrics.f1_score(truth, alarm),
        alarm[truth == 0].mean(),
        metrics.average_precision_score(truth, score),
    ]
    return array(f"{name}_score", score) + array(f"{name}_truth", truth) + array(f"{name}_want", want)


def linear_case():
    t = np.arange(60) * 15000 + rng.integers(-50, 50, 60)
    v = 1e9 + 3 * t / 1000 + rng.normal(0, 100, 60)
    now, lead = t[-1] + 20, 300000
    x = (t - now) / 1000
    slope, intercept = np.polyfit(x, v - 1e9, 1)
    return array("linear_t", t) + array("linear_v", v) + array("linear_want", [now, lead, slope * lead / 1000 + intercept + 1e9])


out = f"/* Made by generate.py with scikit-learn {sklearn.__version__} and NumPy {np.__version__}. */\n"
walk = 100 + np.cumsum(rng.normal(0, 2, 200))
out += forecast_case("walk", walk)
gaps = np.where(rng.uniform(size=100) < 0.3, 0, rng.gamma(2, 20, 100))
out += forecast_case("gaps", gaps)
out += forecast_case("high", 1e9 + np.cumsum(rng.normal(0, 2, 50)), relative=0)
truth = (rng.uniform(size=300) < 0.1).astype(int)
out += detection_case("smooth", rng.gamma(2, 0.3, 300) + truth * rng.uniform(0, 1, 300), truth)
out += detection_case("ties", np.round(rng.gamma(2, 0.3, 300) + truth * 0.5, 1), truth)
out += linear_case()
pathlib.Path(__file__).with_name("vectors.h").write_text(out)
