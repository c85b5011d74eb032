"""Plain families of series that no detector was made for: what share of clean points is above 1?"""
import numpy as np

N, SEEDS = 21000, (1, 2, 3)


def ar(noise, phi):
    x, last = np.empty(len(noise)), 0.0
    for i, e in enumerate(noise):
        last = phi * last + e
        x[i] = last
    return x


def on(r, up, down):
    """A chain of two states: 1 while it is on."""
    x, state, draw = np.empty(N), False, r.random(N)
    for i in range(N):
        state = draw[i] >= down if state else draw[i] < up
        x[i] = state
    return x


def garch(r):
    x, variance, last = np.empty(N), 1.0, 0.0
    for i in range(N):
        variance = 0.05 + 0.15 * last * last + 0.8 * variance
        last = np.sqrt(variance) * r.normal()
        x[i] = 50 + last
    return x


def sawtooth(r):
    x, level = np.empty(N), 100.0
    for i in range(N):
        level += r.exponential(2)
        if level > 300 + 20 * r.normal():
            level = 100 + 10 * abs(r.normal())
        x[i] = level
    return x


def every_half_hour(r):
    x = 20 + 2 * r.normal(size=N)
    for k in range(0, N - 10, 30):
        at = k + r.integers(0, 3)
        x[at:at + 4] += 60 + 8 * r.normal()
    return np.abs(x)


T = np.arange(N)
FAMILIES = {
    "white noise": lambda r: 100 + 10 * r.normal(size=N),
    "AR(1), 0.9": lambda r: 100 + ar(r.normal(size=N), 0.9),
    "AR(1), 0.99": lambda r: 1000 + ar(r.normal(size=N), 0.99),
    "random walk": lambda r: 5000 + np.cumsum(r.normal(size=N)),
    "Student's t, 3": lambda r: 100 + 10 * r.standard_t(3, size=N),
    "AR(1), 0.9, of t3": lambda r: 500 + ar(r.standard_t(3, size=N), 0.9),
    "Poisson, 0.01": lambda r: r.poisson(0.01, N).astype(float),
    "Poisson, 0.05": lambda r: r.poisson(0.05, N).astype(float),
    "Poisson, 0.5": lambda r: r.poisson(0.5, N).astype(float),
    "Poisson, 3": lambda r: r.poisson(3, N).astype(float),
    "Poisson, 100": lambda r: r.poisson(100, N).astype(float),
    "daily": lambda r: (100 + 40 * np.sin(2 * np.pi * T / 1440) + 15 * np.sin(4 * np.pi * T / 1440 + 1)
                        + 5 * r.normal(size=N)),
    "daily, in ratios": lambda r: np.exp(3 + 0.8 * np.sin(2 * np.pi * T / 1440) + 0.2 * r.normal(size=N)),
    "on and off, minutes": lambda r: 10 + 90 * on(r, 0.03, 0.1) + 3 * r.normal(size=N),
    "on and off, hours": lambda r: 20 + 60 * on(r, 0.005, 0.01) + 2 * r.normal(size=N),
    "on and off, exact": lambda r: 5 * on(r, 0.02, 0.1),
    "lognormal": lambda r: np.exp(3 + r.normal(size=N)),
    "lognormal AR(1)": lambda r: np.exp(3 + ar(0.3 * r.normal(size=N), 0.95)),
    "idle, rare bursts": lambda r: on(r, 0.004, 0.2) * np.exp(4 + r.normal(size=N)),
    "idle, bursts": lambda r: on(r, 0.02, 0.3) * np.exp(4 + 0.7 * r.normal(size=N)),
    "noise, rare bursts": lambda r: (5 + r.normal(size=N) ** 2
                                     + on(r, 0.004, 0.2) * np.exp(4 + r.normal(size=N))),
    "quantised": lambda r: np.round(40 + ar(0.4 * r.normal(size=N), 0.95)),
    "quantised, few levels": lambda r: np.round(3 + ar(0.1 * r.normal(size=N), 0.98)),
    "uniform": lambda r: r.random(N),
    "percent, clipped": lambda r: np.clip(85 + ar(3 * r.normal(size=N), 0.97), 0, 100),
    "exponential": lambda r: r.exponential(10, N),
    "sawtooth": sawtooth,
    "changing variance": lambda r: 200 + 5 * np.exp(ar(0.15 * r.normal(size=N), 0.98) / 2) * r.normal(size=N),
    "GARCH(1, 1)": garch,
    "job of half an hour": every_half_hour,
    "latency": lambda r: (10 * np.exp(ar(0.2 * r.normal(size=N), 0.8))
                          * np.where(r.random(N) < 0.01, 1 + r.pareto(1.5, N), 1)),
    "state, rare moves": lambda r: 3 + on(r, 0.001, 0.3) * r.integers(1, 4, N),
}


def write(folder):
    """A CSV for each family and seed, a row a minute; {family: [file]}."""
    files = {}
    for k, (name, make) in enumerate(FAMILIES.items()):
        for seed in SEEDS:
            path = f"{folder}/{k:02d}-{seed}.csv"
            values = make(np.random.default_rng(1000 * seed + k))
            with open(path, "w") as out:
                out.write("timestamp,value\n")
                out.writelines(f"{1700006400 + 60 * i},{v:.9g}\n" for i, v in enumerate(values))
            files.setdefault(name, []).append(path)
    return files
