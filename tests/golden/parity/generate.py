"""Parity of groups as Fairlearn 0.11.0 has it.

usage: generate.py        (pip install fairlearn==0.11.0 scikit-learn)

Prints, a case each: groups; per group points, alarms, abnormal, true positive, false positive; then
demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference, equalized_odds_difference.
"""
import random

from fairlearn.metrics import (
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
)

random.seed(7)
for groups in (2, 3, 5):
    truth, said, group = [], [], []
    for g in range(groups):
        for _ in range(200 + 40 * g):
            abnormal = random.random() < 0.2
            truth.append(int(abnormal))
            said.append(int(random.random() < (0.7 - 0.1 * g if abnormal else 0.05 + 0.03 * g)))
            group.append(g)
    row = []
    for g in range(groups):
        t = [(a, b) for a, b, c in zip(truth, said, group) if c == g]
        row += [len(t), sum(b for _, b in t), sum(a for a, _ in t), sum(a and b for a, b in t), sum(b and not a for a, b in t)]
    args = dict(sensitive_features=group)
    print(groups, *row, *(f"{f(truth, said, **args):.17g}" for f in (
        demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference, equalized_odds_difference)))
