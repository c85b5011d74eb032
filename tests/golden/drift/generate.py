#!/usr/bin/python3
"""Golden vectors of the drift tests: generate.py > vectors.txt

Distances and p-values from SciPy, PSI from its definition in NumPy (bins cut at the reference's quantiles; a value
that holds several cuts is a bin of its own; empty bins are 1e-4).
"""
import math
import platform

import numpy as np
import scipy
from scipy import stats


def psi(ref, cur, bins_n):
    cuts, repeats = np.unique(np.quantile(ref, np.arange(1, bins_n) / bins_n), return_counts=True)

    def shares(v):
        place = (v[:, None] > cuts).sum(axis=1) + (v[:, None] >= cuts[repeats > 1]).sum(axis=1)
        return np.bincount(place, minlength=len(cuts) + (repeats > 1).sum() + 1) / len(v)

    p, q = shares(ref), shares(cur)
    some = (p > 0) | (q > 0)
    p, q = np.where(p > 0, p, 1e-4)[some], np.where(q > 0, q, 1e-4)[some]
    return float(((q - p) * np.log(q / p)).sum())


def line(key, *values):
    print(key, *(repr(float(v)) for v in values))


def case(name, ref, cur):
    ref, cur = np.asarray(ref, float), np.asarray(cur, float)
    print("case", name)
    line("ref", *ref)
    line("cur", *cur)
    line("ks", stats.ks_2samp(ref, cur).statistic)
    line("w1", stats.wasserstein_distance(ref, cur) / max(ref.std(), 0.001))
    line("psi", psi(ref, cur, 10))


print(f"# SciPy {scipy.__version__}, NumPy {np.__version__}, Python {platform.python_version()}")
rng = np.random.default_rng(20240501)
case("textbook", [1.1, 2.3, 2.9, 3.7, 4.2, 5.0, 5.5, 6.1, 7.4, 8.8],
     [2.0, 3.1, 4.4, 5.2, 5.9, 6.6, 7.7, 8.1, 9.3, 10.5, 11.2, 12.0])
ramp = np.arange(1, 101) / 10
case("ramp", ramp, 1.1 * ramp + 0.5)
case("same", rng.normal(size=120), rng.normal(size=40))
case("shifted", rng.normal(size=120), rng.normal(0.8, 1, size=40))
case("wider", rng.normal(size=96), rng.normal(0, 3, size=48))
case("counts", rng.poisson(1.5, 150), rng.poisson(3, 50))
case("constant", np.full(60, 5.0), np.full(20, 4.0))
case("few_values", rng.integers(0, 2, 100), rng.integers(0, 3, 30))
case("heavy", rng.standard_t(2, 150) * 1e6, rng.standard_t(2, 70) * 1e6 + 1e6)
case("one", [3.0], [4.0])
for n, m in ((10, 12), (30.5, 7.25), (100, 25), (960, 240), (4.2, 1.05)):
    for d in (0.02, 0.1, 0.2, 0.4, 0.7, 1.0):
        root = math.sqrt(n * m / (n + m))
        line("p", d, n, m, stats.kstwobign.sf((root + 0.12 + 0.11 / root) * d))
# Exact p-values of samples without ties, for how far the limiting distribution may be off.
for n, m, shift in ((10, 12, 0.6), (20, 40, 0.8), (60, 40, 0.4), (100, 50, 0.3)):
    result = stats.ks_2samp(rng.normal(size=n), rng.normal(shift, 1, size=m), mode="exact")
    line("exact", result.statistic, n, m, result.pvalue)
