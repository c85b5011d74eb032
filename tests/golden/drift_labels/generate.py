#!/usr/bin/python3
"""Golden vectors of chi-square on labels, from SciPy: generate.py > vectors.h

Counts of each value among the series then and now, with the statistic, p-value and Cramer's V of
scipy.stats.chi2_contingency(correction=False).
"""
import numpy as np
import scipy
from scipy import stats

CASES = [
    ([50, 40, 30, 20, 10, 12], [48, 44, 29, 25, 11, 14]),
    ([400, 300, 200, 60, 40], [380, 280, 210, 70, 60]),
    ([60, 40], [20, 80]),
    ([100, 80, 60, 40, 30, 30, 20, 20, 15, 12, 10, 10], [60, 90, 70, 30, 45, 20, 30, 10, 25, 10, 12, 15]),
]
VALUES = 12

print(f"/* Made by generate.py with SciPy {scipy.__version__} and NumPy {np.__version__}. */")
print("#include <stdint.h>\n")
print(f"#define LABEL_VALUES {VALUES}\n")
print("static const struct {")
print("    uint32_t then[LABEL_VALUES], now[LABEL_VALUES];")
print("    double statistic, p_value, v;")
print("} label_cases[] = {")
for then, now in CASES:
    table = np.array([then, now], float)
    statistic, p_value, _, _ = stats.chi2_contingency(table, correction=False)
    v = np.sqrt(statistic / table.sum())
    print(f"    {{{{{', '.join(map(str, then))}}}, {{{', '.join(map(str, now))}}}, "
          f"{float(statistic)!r}, {float(p_value)!r}, {float(v)!r}}},")
print("};")
