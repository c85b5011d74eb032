#!/usr/bin/python3
"""Golden vectors of the members of the univariate detector, and of its tail. Writes vectors.h beside itself.

Nearest neighbours over 4 lags from scikit-learn's NearestNeighbors, the residual of a polynomial of degree 4 over 96
values from NumPy's polyfit, distances to the reconstruction by the principal components of stretches from scikit-learn's
PCA, levels of a generalised Pareto tail from SciPy's genpareto.fit (location fixed at the
threshold) as in A. Siffer and others, "Anomaly detection in streams with extreme value theory", KDD 2017.
Debian 12: python3-sklearn 1.2.1, python3-numpy 1.24.2, python3-scipy 1.10.1 (the versions are written into the
file)."""
import pathlib

import numpy as np
import scipy
import scipy.stats
import sklearn
from scipy.stats import genpareto
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(20240602)
N, LAGS, K, WINDOW, DEGREE, EVERY = 1100, 4, 3, 96, 4, 50


def array(name, values, kind="double"):
    body = ", ".join(float(v).hex() + ("f" if kind == "float" else "") for v in values)
    return f"static const {kind} {name}[] = {{{body}}};\n"


t = np.arange(N)
series = (100 + 20 * np.sin(t / 17) + rng.normal(0, 2, N) + 60 * (t % 211 == 0)).astype(np.float32)
points = np.column_stack([series[LAGS - 1 - j:N - j] for j in range(LAGS)]).astype(float)  # row i: newest is i + 3
at = np.arange(99, N, EVERY)
near, curve = [], []
for i in at:
    first = max(0, i + 1 - 960)  # the points that lie within the last 960 values
    past = points[first:i - LAGS + 1]
    near.append(NearestNeighbors(n_neighbors=K).fit(past).kneighbors(points[[i - LAGS + 1]])[0][0][K - 1])
    y = series[i + 1 - WINDOW:i + 1].astype(float)
    x = np.linspace(-1, 1, WINDOW)
    curve.append(abs(y[-1] - np.polyval(np.polyfit(x, y, DEGREE), x[-1])))


# Stretches of 24 values, 4 steps apart, as the member takes them: the newest, and others evenly spread before it.
POINTS, SPACING, ROWS_MAX = 24, 4, 128
shapes_at, shapes, components = at[at >= 399], [], []
for i in shapes_at:
    past = series[max(0, i + 1 - 960):i + 1].astype(float)
    apart = -(-(len(past) - (POINTS - 1) * SPACING) // ROWS_MAX)
    ends = range(len(past) - 1, (POINTS - 1) * SPACING - 1, -apart)
    rows = np.array([past[e - (POINTS - 1) * SPACING:e + 1:SPACING] for e in ends])
    shares = np.cumsum(PCA().fit(rows).explained_variance_ratio_)
    components.append(min(4, 1 + int(np.argmax(shares >= 0.9))))
    fitted = PCA(n_components=components[-1]).fit(rows)
    shapes.append(np.linalg.norm(rows[:1] - fitted.inverse_transform(fitted.transform(rows[:1]))))

# Quantiles of a distribution stand for a long sample of it, so that no vector of 20,000 numbers is needed here.
QUANTILES = (np.arange(20000) + 0.5) / 20000
levels = []
for draw in (scipy.stats.expon.ppf(QUANTILES), scipy.stats.halfnorm.ppf(QUANTILES),
             scipy.stats.genpareto.ppf(QUANTILES, 0.25)):
    threshold = np.quantile(draw, 0.98)
    over = draw[draw > threshold] - threshold
    shape, _, scale = genpareto.fit(over, floc=0)
    share = len(over) / len(draw)
    levels += [threshold + genpareto.ppf(1 - rate / share, shape, scale=scale) for rate in (1e-3, 1e-4)]

here = pathlib.Path(__file__).parent
text = "/* Made by generate.py beside this file; what it holds: there. Do not edit. */\n"
text += f"/* scikit-learn {sklearn.__version__}, NumPy {np.__version__}, SciPy {scipy.__version__} */\n"
text += f"#define GOLDEN_AT_FIRST {at[0]}\n#define GOLDEN_AT_EVERY {EVERY}\n#define GOLDEN_AT_N {len(at)}\n"
text += array("golden_series", series, "float") + array("golden_near", near) + array("golden_curve", curve)
text += array("golden_levels", levels)
text += f"#define GOLDEN_SHAPES_FIRST {shapes_at[0]}\n#define GOLDEN_SHAPES_N {len(shapes_at)}\n#define GOLDEN_SPACING {SPACING}\n"
text += array("golden_shapes", shapes) + array("golden_components", components)
(here / "vectors.h").write_text(text)
