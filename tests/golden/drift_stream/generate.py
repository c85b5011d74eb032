#!/usr/bin/python3
"""Golden vectors of the streaming detectors, from river (pip install river): generate.py > vectors.h

Streams are made by formulas that C repeats; each detector's detections are the indices at which it fires. Also: p-values
of SciPy (exact KS, chi-square, Jensen-Shannon over NumPy's Sturges bins, tails of gamma, beta and Student's t).
"""
import random
import sys

import numpy as np
import river
import scipy
from river import drift
from scipy import special, stats
from scipy.spatial import distance

M64 = (1 << 64) - 1


def splitmix(seed):
    """Uniform doubles of SplitMix64 (Steele, Lea and Flood, 2014)."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & M64
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
        yield ((z ^ (z >> 31)) >> 11) / (1 << 53)


def stream(which):
    u = splitmix(which + 1)
    for i in range(4000):
        a, b, c = next(u), next(u), next(u)
        noise = a + b + c - 1.5
        if which == 0:  # no change
            yield noise
        elif which == 1:  # two steps of the mean
            yield noise + (0.6 if i >= 1500 else 0) - (1.2 if i >= 2800 else 0)
        elif which == 2:  # a slow ramp
            yield noise + max(0, i - 1000) / 1000
        elif which == 3:  # the variance, then shares of two values
            yield noise * (3 if i >= 2000 else 1)
        else:
            yield float(a < (0.2 if i < 2000 else 0.6))


def example():
    """The stream of river's documentation."""
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


def fires(detector, values):
    out = []
    for i, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            out.append(i)
    return out


def array(name, values, kind="uint32_t"):
    values = list(values)
    text = ", ".join(repr(float(v)) if kind == "double" else str(v) for v in values) or "0"
    print(f"static const {kind} {name}[] = {{{text}}};")
    print(f"#define {name}_n {len(values)}u")


print("/* vectors.h: what other implementations say; made by generate.py, do not edit.")
print(f" * river {river.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}, "
      f"Python {sys.version.split()[0]}. */")
print("#ifndef AX_GOLDEN_DRIFT_STREAM_H\n#define AX_GOLDEN_DRIFT_STREAM_H\n\n#include <stdint.h>\n")
array("example_values", example(), "double")
for name, values in [("example", example())] + [(f"stream{w}", list(stream(w))) for w in range(5)]:
    array(f"{name}_adwin", fires(drift.ADWIN(), values))
    array(f"{name}_page_hinkley", fires(drift.PageHinkley(), values))
    array(f"{name}_page_hinkley_10", fires(drift.PageHinkley(threshold=10.0), values))
    array(f"{name}_kswin", fires(drift.KSWIN(seed=42), values))
array("example_kswin_strict", fires(drift.KSWIN(alpha=0.0001, seed=42), example()))
adwin = drift.ADWIN()
for x in list(stream(2))[:3000]:
    adwin.update(x)
array("adwin_state", [adwin.width, adwin.total, adwin.variance], "double")

rows = []
for n in (5, 30, 60):
    for d in range(1, n + 1, max(1, n // 12)):
        exact = stats.ks_2samp(np.arange(n), np.arange(n) + d + 0.5, method="exact")
        rows += [exact.statistic, n, exact.pvalue]
array("ks_exact", rows, "double")

rng = np.random.default_rng(7)
ramp = np.arange(1, 101) / 10
pairs = [(ramp, 1.1 * ramp + 0.5), (rng.normal(size=960), rng.normal(0.3, 1.5, size=240)),
         (rng.integers(0, 4, 300), rng.integers(0, 5, 80)), (rng.exponential(size=50), rng.exponential(2, size=25)),
         (np.array([3.0]), np.array([4.0])), (rng.integers(0, 21, 500), rng.integers(3, 40, 90))]
for i, (ref, cur) in enumerate(pairs):
    ref, cur = np.asarray(ref, float), np.asarray(cur, float)
    array(f"js{i}_ref", ref, "double")
    array(f"js{i}_cur", cur, "double")
    if len(np.unique(ref)) > 20:
        edges = np.histogram_bin_edges(np.concatenate([ref, cur]), "sturges")
        p, q = np.histogram(ref, edges)[0] / len(ref), np.histogram(cur, edges)[0] / len(cur)
    else:
        keys = np.unique(np.concatenate([ref, cur]))
        p, q = (np.array([(v == k).mean() for k in keys]) for v in (ref, cur))
    keys = np.unique(np.concatenate([ref, cur]))
    table = [[(v == k).sum() for k in keys] for v in (ref, cur)]
    chi = stats.chi2_contingency(table, correction=False)
    array(f"js{i}", [distance.jensenshannon(p, q), chi[0], chi[1], np.sqrt(chi[0] / (len(ref) + len(cur)))], "double")

rows = []
for a in (0.5, 1, 2.5, 10, 150.5):
    for x in (0, 0.01, 0.5, 1, 3, 12, 140, 400):
        rows += [a, x, special.gammaincc(a, x)]
array("gamma_q", rows, "double")
rows = []
for a in (0.5, 1, 4.5, 60):
    for b in (0.5, 2, 33):
        for x in (0, 1e-6, 0.1, 0.5, 0.9, 1):
            rows += [a, b, x, special.betainc(a, b, x)]
array("beta_i", rows, "double")
rows = []
for df in (1, 2.5, 9, 47, 1000):
    for t in (-40, -2, -0.1, 0, 0.5, 1.96, 6, 40):
        rows += [t, df, stats.t.sf(t, df)]
array("student_sf", rows, "double")
print("\n#endif")
