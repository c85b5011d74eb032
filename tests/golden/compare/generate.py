#!/usr/bin/python3
"""Golden vectors of the comparison of models: generate.py > vectors.h

Diebold and Mariano's statistic from statsmodels (the t of a constant with a HAC variance of uniform weights), Harvey,
Leybourne and Newbold's correction in NumPy from their equation (8), tails from SciPy; average precision from
scikit-learn.
"""
import sys

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import average_precision_score
from statsmodels.stats import sandwich_covariance


def array(name, values, kind="double"):
    text = ", ".join(repr(float(v)) if kind == "double" else str(int(v)) for v in values)
    print(f"static const {kind} {name}[] = {{{text}}};\n#define {name}_n {len(values)}u")


print("/* vectors.h: what other implementations say; made by generate.py, do not edit.")
print(f" * statsmodels {statsmodels.__version__}, scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy "
      f"{np.__version__}, Python {sys.version.split()[0]}. */")
print("#ifndef AX_GOLDEN_COMPARE_H\n#define AX_GOLDEN_COMPARE_H\n\n#include <stdint.h>\n")
rng = np.random.default_rng(3)
for i, (n, lags) in enumerate(((20, 0), (60, 3), (240, 11), (41, 1))):
    noise = rng.normal(size=n + lags)
    common = np.convolve(noise, np.ones(lags + 1) / (lags + 1), "valid")
    a = np.abs(common + 0.3 * rng.normal(size=n))
    b = np.abs(0.8 * common + 0.3 * rng.normal(size=n))
    d = a - b
    fit = sm.OLS(d, np.ones(n)).fit()
    cov = sandwich_covariance.cov_hac(fit, nlags=lags, weights_func=sandwich_covariance.weights_uniform,
                                      use_correction=False)
    dm = d.mean() / np.sqrt(cov[0, 0])
    h = lags + 1
    hln = dm * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    reach = stats.t.ppf(0.975, n - 1) * d.mean() / hln
    array(f"dm{i}_a", a)
    array(f"dm{i}_b", b)
    array(f"dm{i}", [lags, d.mean() / a.mean(), stats.t.sf(hln, n - 1), (d.mean() - abs(reach)) / a.mean(),
                     (d.mean() + abs(reach)) / a.mean()])
for i, n in enumerate((12, 200)):
    labels = (rng.random(n) < 0.2).astype(int)
    labels[0] = 1
    scores = np.round(rng.normal(size=n) + labels, 1)  # with ties
    array(f"ap{i}_scores", scores)
    array(f"ap{i}_labels", labels, "uint8_t")
    array(f"ap{i}", [average_precision_score(labels, scores)])
print("\n#endif")
