#!/usr/bin/python3
"""How good forecasts are, walking forward over recordings: tests/bench/run accuracy.

usage: accuracy.py BINARY [FOLDER-OR-FILE ...]

BINARY is the bench `accuracy`. Recordings are CSVs whose first column is `timestamp`, looked for below the folders
(default: $DATA, else tests/data); $COLUMNS_MAX (default 3) columns of each are taken. With SPLIT=tuning or SPLIT=report
those that accuracy_split.json names alone: constants of the program were chosen on the first, the figures in
docs/forecasting.md are of both. Series are given by their median step; horizons follow from it. Beside every member of the portfolio, the last value and predict_linear stand
statsmodels' ETS (additive, damped trend, a season where there is one) and SARIMAX (2,1,2), fitted at $ORIGINS
(default 4; 0: not at all) moments of the second half on the same past, at most 500 steps of it, for the first column of
$PEER_FILES (default 24) recordings, evenly among all; their errors are compared with those of the forecast at the same
moments. Ratios below 1 are better than the last value. $MEMBERS names a CSV to write: WAPE, MAPE, MASE, correlation, coverage and
skill of every forecaster, a line for each series and horizon. STREAM=adwin (page_hinkley, kswin): weights are refreshed when
errors have risen, as with `drift.stream` of a job.
"""
import csv
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import warnings

HORIZONS = {  # by the largest step that they are for, in seconds
    15: [1, 6, 30, 90], 60: [1, 5, 15, 60], 300: [1, 3, 12, 72], 1800: [1, 4, 16, 48], 86400: [1, 6, 24, 48]}
FIXED = ["file", "column", "horizon", "n", "wape", "mape", "mase", "correlation", "wape_last", "wape_linear",
         "coverage", "worst", "winkler", "winkler_constant", "within", "calibration", "us", "bytes",
         "between", "between_last"]
PAST_MAX = 500


def recordings(places):
    """Recordings below the places with how many of their columns are taken: of $SPLIT, those that it names alone."""
    split = os.environ.get("SPLIT")
    if split:
        chosen = json.loads((pathlib.Path(__file__).parent / "accuracy_split.json").read_text())[split]
        yield from ((pathlib.Path(places[0]) / name, columns) for name, columns in chosen.items())
        return
    for place in map(pathlib.Path, places):
        for path in sorted(place.rglob("*.csv")) if place.is_dir() else [place]:
            with open(path, newline="") as lines:
                if next(csv.reader(lines), [""])[0] == "timestamp":
                    yield path, int(os.environ.get("COLUMNS_MAX", "3"))


def step_of(path):
    with open(path, newline="") as lines:
        times = [float(row[0]) for row in list(csv.reader(lines))[1:20001]]
    gaps = [b - a for a, b in zip(times, times[1:]) if b > a]
    if len(gaps) < 150:
        return None
    step = statistics.median(gaps)
    return min((s for s in (1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 86400)), key=lambda s: abs(s - step))


MEMBERS = ["file", "column", "horizon", "forecaster", "n", "wape", "mape", "mase", "correlation", "coverage", "skill"]


def walk(binary, path, columns, step, dump):
    steps = next(h for most, h in sorted(HORIZONS.items()) if step <= most)
    table = [f"--members={os.environ['MEMBERS']}"] if os.environ.get("MEMBERS") else []
    if os.environ.get("STREAM"):
        table.append(f"--stream={os.environ['STREAM']}")
    out = subprocess.run([binary, f"--dump={dump}", *table, str(step), ",".join(str(n * step) for n in steps),
                          str(columns), str(path)], check=True, capture_output=True, text=True)
    return list(csv.DictReader(out.stdout.splitlines()))


def peers(past, leads, season):
    """Forecasts of statsmodels' ETS and SARIMAX at the leads; a fit that fails is the last value."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from statsmodels.tsa.statespace.sarimax import SARIMAX
    most = max(leads)
    result = {}
    seasonal = 0 < season <= 24 and len(past) >= 3 * season
    for name, make in {
            "ETS": lambda: ETSModel(past, error="add", trend="add", damped_trend=True,
                                    seasonal="add" if seasonal else None, seasonal_periods=season if seasonal else None),
            "SARIMAX": lambda: SARIMAX(past, order=(2, 1, 2),
                                       seasonal_order=(1, 0, 0, season) if seasonal else (0, 0, 0, 0))}.items():
        try:
            forecast = make().fit(disp=False, maxiter=50).forecast(most)
            result[name] = [float(forecast[n - 1]) if math.isfinite(forecast[n - 1]) else past[-1] for n in leads]
        except (ValueError, ArithmeticError, ImportError) as e:
            print(f"accuracy.py: {name} failed: {e}", file=sys.stderr)
            result[name] = [past[-1]] * len(leads)
    return result


def against_peers(path, step, dump, origins):
    """Per column and lead: sums of |error| of the forecast, of the peers and of the last value."""
    with open(path, newline="") as lines:
        table = list(csv.DictReader(lines))
    said = {}
    with open(dump, newline="") as lines:
        for t, column, lead, actual, mean, _, _, last, _ in csv.reader(lines):
            said.setdefault(column, {}).setdefault(int(t), {})[int(lead)] = (float(actual), float(mean), float(last))
    sums = {}
    for column, moments in list(said.items())[:1]:
        leads = sorted({lead for m in moments.values() for lead in m})
        whole = [t for t, m in sorted(moments.items()) if len(m) == len(leads)]
        whole = whole[len(whole) // 2:]
        chosen = whole[::max(1, len(whole) // origins)][:origins]
        for t in chosen:
            past = [float(r[column]) for r in table if r[column] and float(r["timestamp"]) <= t][-PAST_MAX:]
            if len(past) < 60:
                continue
            forecasts = peers(past, leads, 24 if step == 3600 else 48 if step == 1800 else 0)
            for i, lead in enumerate(leads):
                actual, mean, last = moments[t][lead]
                s = sums.setdefault((column, lead * step), {"auspex": 0.0, "ETS": 0.0, "SARIMAX": 0.0, "last": 0.0})
                s["auspex"] += abs(actual - mean)
                s["last"] += abs(actual - last)
                for name, f in forecasts.items():
                    s[name] += abs(actual - f[i])
    return sums


def claims(dump, bins):
    """Add what was claimed and what came of it, by tenths of confidence: [forecasts, claimed, came true]."""
    with open(dump, newline="") as lines:
        for _, _, _, actual, mean, _, _, _, confidence in csv.reader(lines):
            b = bins[min(int(float(confidence) * 10), 9)]
            b[0] += 1
            b[1] += float(confidence)
            b[2] += abs(float(actual) - float(mean)) <= 0.15 * abs(float(actual))


def ratio(a, b):
    return a / b if b > 0 else math.nan


def gmean(values):
    known = [math.log(v) for v in values if v > 0 and math.isfinite(v)]
    return math.exp(sum(known) / len(known)) if known else math.nan


def show_intervals(rows, bins):
    """Coverage over windows of 2,000 steps, the Winkler score beside a constant width, and the reliability table."""
    ranks = {}
    for r in rows:
        ranks.setdefault((r["file"], r["column"]), []).append(r)
    long = [[r for rs in ranks.values() for r in rs[i:i + 1] if float(r["n"]) >= 2000] for i in range(4)]
    print("\ncoverage of every 2,000 steps within 2 points of 90 %, by the rank of the horizon: "
          + ", ".join(f"{sum(abs(float(r['worst']) - 0.9) <= 0.02 + 1e-9 for r in rs)} of {len(rs)}" for rs in long))
    better = sum(float(r["winkler"]) < float(r["winkler_constant"]) for r in rows)
    scores = gmean([ratio(float(r["winkler"]), float(r["winkler_constant"])) for r in rows])
    print(f"Winkler score better than that of a constant width in {better} of {len(rows)} rows, {scores:.3f} of it")
    print("confidence, what came of it, forecasts: "
          + "; ".join(f"{b[1] / b[0]:.2f} {b[2] / b[0]:.2f} {b[0]}" for b in bins if b[0]))


def show_lost(rows, lively, members):
    """The rows that lose to the last value: where some member in hindsight does not, the combination could have done better."""
    first = {}
    for r in rows:
        first.setdefault((r["file"], r["column"]), r)
    lost = [r for r in lively if float(r["wape"]) > float(r["wape_last"])]
    beyond = [r for r in lively if first[r["file"], r["column"]] is not r]
    print(f"  rows where the combination is worse than the last value: {len(lost)} of {len(lively)}, beyond the first horizon "
          f"{sum(r in beyond for r in lost)} of {len(beyond)}; where no member beats it: "
          f"{sum(min(float(r[m]) for m in members) >= float(r['wape_last']) for r in lively)}")
    won = [r for r in lost if min(float(r[m]) for m in members) < float(r["wape_last"])]
    print(f"  rows where some member beats it but the combination is worse: {len(won)}, beyond the first horizon "
          f"{sum(r in beyond for r in won)}; all that are worse, with the best member in hindsight:")
    for r in lost:
        best = min(members, key=lambda m: float(r[m]))
        print(f"    {pathlib.Path(r['file']).stem[-26:]} {r['column'][-16:]} {float(r['horizon']):g} s: "
              f"{ratio(float(r['wape']), float(r['wape_last'])):.4f}, {best} {ratio(float(r[best]), float(r['wape_last'])):.4f}")


def show(rows, members, compared):
    print(f"{'series':44} {'horizon':>7} {'n':>6} {'WAPE':>7} {'MAPE':>7} {'MASE':>6} {'corr':>6} {'cover':>6} {'worst':>6}"
          f" {'calib':>6} {'Winkl':>6} {'skill':>6} {'linear':>6}  best member")
    for r in rows:
        v = {k: float(r[k]) for k in FIXED[2:]}
        best = min(members, key=lambda m: float(r[m]))
        name = f"{pathlib.Path(r['file']).stem[-26:]} {r['column'][-16:]}"
        print(f"{name:44} {v['horizon']:7g} {v['n']:6.0f} {v['wape']:7.4f} {v['mape']:7.4f} {v['mase']:6.2f}"
              f" {v['correlation']:6.3f} {v['coverage']:6.3f} {v['worst']:6.3f} {v['calibration']:6.3f}"
              f" {ratio(v['winkler'], v['winkler_constant']):6.3f} {1 - ratio(v['wape'], v['wape_last']):6.3f}"
              f" {1 - ratio(v['wape'], v['wape_linear']):6.3f}  {best} {1 - ratio(float(r[best]), v['wape_last']):.3f}")
    lively = [r for r in rows if float(r["wape_last"]) > 0]
    print("\nover all series and horizons: error as a share of the last value's, geometric mean and median")
    for name in ["wape", "wape_linear"] + members:
        ratios = [float(r[name]) / float(r["wape_last"]) for r in lively]
        label = {"wape": "the combination", "wape_linear": "predict_linear"}.get(name, name)
        print(f"  {label:18} {gmean(ratios):6.3f} {statistics.median(ratios):6.3f}")
    firsts = {(r["file"], r["column"]): r for r in reversed(rows)}.values()
    print("half-way between the last two horizons the same: "
          f"{gmean([ratio(float(r['between']), float(r['between_last'])) for r in firsts]):.3f}")
    show_lost(rows, lively, members)
    pairs = [c for c in compared if c["last"] > 0]
    if pairs:
        print("at the moments where statsmodels was fitted too, the same")
        for name in ("auspex", "ETS", "SARIMAX"):
            ratios = [c[name] / c["last"] for c in pairs]
            print(f"  {name:18} {gmean(ratios):6.3f} {statistics.median(ratios):6.3f}   ({len(pairs)} rows)")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary, places = sys.argv[1], sys.argv[2:] or [os.environ.get("DATA", "tests/data")]
    origins = int(os.environ.get("ORIGINS", "4"))
    if origins:
        try:
            import statsmodels  # noqa: F401
        except ImportError:
            print("accuracy.py: no statsmodels here: no columns of it (Debian: python3-statsmodels)", file=sys.stderr)
            origins = 0
    warnings.simplefilter("ignore")
    if os.environ.get("MEMBERS"):
        pathlib.Path(os.environ["MEMBERS"]).write_text(",".join(MEMBERS) + "\n")
    rows, compared, members, bins = [], [], [], [[0, 0.0, 0] for _ in range(10)]
    paths = list(recordings(places))
    every = math.ceil(len(paths) / int(os.environ.get("PEER_FILES", "24")))
    for i, (path, columns) in enumerate(paths):
        step = step_of(path)
        if step is None:
            continue
        with tempfile.NamedTemporaryFile(suffix=".csv") as dump:
            found = walk(binary, path, columns, step, dump.name)
            rows += found
            if found:
                members = [k for k in found[0] if k not in FIXED and not k.startswith("w_")]
            claims(dump.name, bins)
            if origins and found and i % every == 0:
                compared += against_peers(path, step, dump.name, origins).values()
    if not rows:
        sys.exit("accuracy.py: no recording found")
    show(rows, members, compared)
    show_intervals(rows, bins)


main()
