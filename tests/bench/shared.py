#!/usr/bin/python3
"""What the models that the series of a job share are worth: tests/bench/run shared.

usage: shared.py AUSPEX [FILE ...]

Each recording goes through `auspex backtest` with the portfolio alone, with boosted trees, and with the LSTM beside it,
as one job of up to $COLUMNS_MAX (default 12) columns. Printed is the error of the forecast (pooled WAPE) over that of the
portfolio alone, a horizon a column, and the seconds of processor time. Below 1 is better.
"""
import csv
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

MODELS = {"trees": "trees: {}", "lstm": "lstm: { preset: internet }"}
HORIZONS = [1, 5, 15, 60]  # steps
JOB = """global: {{ step: {step}s }}
jobs:
  - name: x
    expr: '{{__name__=~"{names}"}}'
    forecast:
      output: predicted_x
      horizons: [{horizons}]
      {model}
"""


def columns(path, most):
    with open(path, newline="") as lines:
        rows = csv.reader(lines)
        names = [name for name in next(rows)[1:] if name not in ("label", "split")][:most]
        times = [float(row[0]) for _, row in zip(range(200), rows)]
    gaps = sorted(b - a for a, b in zip(times, times[1:]))
    return names, max(1, round(gaps[len(gaps) // 2]))


def walk(auspex, path, names, step, model, folder):
    config = pathlib.Path(folder) / "job.yml"
    config.write_text(JOB.format(step=step, names="|".join(names), model=model,
                                 horizons=", ".join(f"{step * n}s" for n in HORIZONS)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([auspex, "backtest", f"--config.file={config}", f"--input={path}", "--format=json"], check=True,
                         capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    job = json.loads(out.stdout)["jobs"][0]["forecast"]
    return ([h["pooled_wape"] for h in job["horizons"]],
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(auspex, *files):
    most = int(os.environ.get("COLUMNS_MAX", "12"))
    print(f"{'recording':<44} {'model':<10}" + "".join(f"{n:>7} st" for n in HORIZONS) + f"{'CPU s':>8}")
    ratios = {model: [] for model in MODELS}
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            names, step = columns(path, most)
            alone, seconds = walk(auspex, path, names, step, "", folder)
            print(f"{pathlib.Path(path).name[:44]:<44} {'WAPE':<10}" + "".join(f"{e:10.4f}" for e in alone) + f"{seconds:8.1f}")
            for model, text in MODELS.items():
                errors, seconds = walk(auspex, path, names, step, text, folder)
                share = [e / a for e, a in zip(errors, alone)]
                ratios[model].append(share)
                print(f"{'':<44} {model:<10}" + "".join(f"{s:10.3f}" for s in share) + f"{seconds:8.1f}", flush=True)
    for model, rows in ratios.items():
        middle = [sorted(column)[len(column) // 2] for column in zip(*rows)]
        print(f"{'median':<44} {model:<10}" + "".join(f"{s:10.3f}" for s in middle))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
