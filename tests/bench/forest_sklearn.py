#!/usr/bin/python3
"""The same as forest.c by scikit-learn's IsolationForest: 100 trees of 256 rows, in a batch and one row at a time, on one
core, in CPU time.

usage: forest_sklearn.py FEATURES SECONDS
"""
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    import numpy as np
    import sklearn
    from sklearn.ensemble import IsolationForest
except ImportError:
    sys.exit(3)


def rate(forest, rows, seconds):
    begin, scored = time.process_time(), 0
    while True:
        forest.score_samples(rows)
        scored += len(rows)
        took = time.process_time() - begin
        if took >= seconds:
            return scored / took


if __name__ == "__main__":
    features, seconds = int(sys.argv[1]), float(sys.argv[2])
    x = np.random.default_rng(1).normal(size=(20000, features)).astype(np.float32)
    begin = time.process_time()
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(x)
    print(f"forest_fit_ms {1e3 * (time.process_time() - begin):.2f}")
    print(f"forest_batch {rate(forest, x, seconds):.0f}")
    print(f"forest_one_us {1e6 / rate(forest, x[:1], seconds):.2f}")
    print("sklearn", sklearn.__version__)
