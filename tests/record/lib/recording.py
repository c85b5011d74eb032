"""From a plan of faults and a Prometheus to a labelled CSV: what recorders have in common.

FILE.csv has a row for each scrape: Unix time, the series in exposition syntax (an empty cell: no sample), `recorded_fault`
(0, or 1 to 3: low to high), and `label`: 1 from the injection of a fault until all is whole again and TAIL_S more, because
rates over 5 s still show it then. FILE.events.json has each fault with its times.
"""
import json
import pathlib
import sys
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent.parent / "deploy" / "lib")]
from stack import StackError, http  # noqa: E402

SCRAPE_S = 1
TAIL_S = 6           # a rate over 5 s, and a scrape
WRITE_EVERY = 10     # faults
NAMES = ("low", "medium", "high")


def samples(prometheus, selector, labels, begin, end):
    """{labels in exposition syntax: {time: text of the value}} of a selector; of its labels those given are kept."""
    query = urllib.parse.urlencode({"query": selector, "start": begin, "end": end, "step": SCRAPE_S})
    code, body = http(f"http://{prometheus}/api/v1/query_range?{query}", timeout=60)
    if code != 200:
        raise StackError(f"Prometheus answered {code} to {selector}: {body[:300]!r}")
    out = {}
    for row in json.loads(body)["data"]["result"]:
        metric = row["metric"]
        inside = ",".join(f'{k}="{metric[k]}"' for k in labels if k in metric)
        out[f"{metric['__name__']}{{{inside}}}"] = {int(t): v for t, v in row["values"]}
    return out


def now_s():
    return int(time.time()) // SCRAPE_S * SCRAPE_S


def play(lab, plan, inject, spread, save):
    """Inject the faults one after the other; save(them with their times) at times and in the end. lab.about(fault) is more
    to be told of one, lab.wait_whole() returns when it has been got over."""
    events = []
    for n, fault in enumerate(plan, 1):
        about = lab.about(fault)
        start = time.time()
        undo = inject(lab, fault)
        time.sleep(fault.duration_s)
        undo()
        end = time.time()
        lab.wait_whole()
        whole = time.time()
        events.append({"kind": fault.kind, "severity": NAMES[fault.severity], "member": fault.member, **about,
                       "start": round(start, 1), "undone": round(end, 1), "whole": round(whole, 1), "end": round(whole + TAIL_S, 1)})
        print(f"{n}/{len(plan)} {json.dumps(events[-1])}", flush=True)
        time.sleep(TAIL_S + spread * fault.rest_s)
        if n % WRITE_EVERY == 0 or n == len(plan):
            save(events)


def short(text):
    """A value with the digits that it needs: sums of seconds to a tenth of a millisecond."""
    value = float(text)
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}".rstrip("0").rstrip(".")


def write(path, columns, begin, end, events):
    names = sorted(columns)
    with open(path, "w") as f:
        quoted = ['"' + name.replace('"', '""') + '"' for name in names]
        f.write(",".join(["timestamp", *quoted, "recorded_fault", "label"]) + "\n")
        for t in range(begin, end + 1, SCRAPE_S):
            now = [e for e in events if e["start"] <= t <= e["end"]]
            cells = [short(columns[n][t]) if t in columns[n] else "" for n in names]
            fault = 1 + NAMES.index(now[0]["severity"]) if now else 0
            f.write(",".join([str(t), *cells, str(fault), str(int(bool(now)))]) + "\n")
    path.with_suffix(".events.json").write_text(
        "[\n" + ",\n".join(" " + json.dumps(e) for e in events) + "\n]\n")
