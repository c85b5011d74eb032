#!/usr/bin/python3
"""vectors.txt: percentiles by nearest rank from numpy (method="inverted_cdf").

usage: tests/golden/billing/generate.py    (writes vectors.txt beside itself)

Each line: percentile, count n, seed s, and the percentile of the n numbers
float32(((i + s) * 2654435761 mod 2^32) / 2^32 * 1e9), i from 0.
"""
import os

import numpy


def main():
    lines = ["# generate.py with numpy " + numpy.__version__]
    for percentile in (95, 90, 99, 99.5, 100):
        for n in (1, 2, 19, 20, 21, 100, 288, 2016, 8640, 8928, 8940):
            for seed in (0, 12345):
                i = (numpy.arange(n, dtype=numpy.uint64) + numpy.uint64(seed)) * numpy.uint64(2654435761)
                v = ((i % numpy.uint64(1 << 32)).astype(float) / 2.0**32 * 1e9).astype(numpy.float32)
                p = numpy.percentile(v, percentile, method="inverted_cdf")
                lines.append("%g %d %d %.9g" % (percentile, n, seed, p))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.txt")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


main()
