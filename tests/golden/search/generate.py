"""What Optuna 4.1.0 (its TPESampler and RandomSampler at their defaults, and its MedianPruner) reaches on test
functions: the median over 51 seeds of the best of 100 trials.

usage: generate.py > optuna.csv         (pip install optuna==4.1.0)
"""
import math

import optuna

optuna.logging.set_verbosity(optuna.logging.CRITICAL)
TRIALS, SEEDS = 100, 51


def sphere(t):
    return sum(t.suggest_float(f"x{i}", -5, 5) ** 2 for i in range(5))


def branin(t):
    x, y = t.suggest_float("x", -5, 10), t.suggest_float("y", 0, 15)
    b, c = 5.1 / (4 * math.pi**2), 5 / math.pi
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def training(t):
    """A rate over decades, a size, a choice: like the loss of a network."""
    rate, units, kind = t.suggest_float("rate", 1e-5, 1, log=True), t.suggest_int("units", 1, 64), t.suggest_categorical("kind", [0, 1, 2])
    return (math.log10(rate) + 3) ** 2 + ((units - 40) / 16) ** 2 + [0.5, 0.0, 1.0][kind]


print("function,random,tpe")
for f in (sphere, branin, training):
    out = []
    for sampler in (optuna.samplers.RandomSampler, optuna.samplers.TPESampler):
        best = []
        for seed in range(SEEDS):
            study = optuna.create_study(sampler=sampler(seed=seed))
            study.optimize(f, n_trials=TRIALS)
            best.append(study.best_value)
        out.append(sorted(best)[SEEDS // 2])
    print(f"{f.__name__},{out[0]:.6g},{out[1]:.6g}", flush=True)
