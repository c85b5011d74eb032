#!/usr/bin/env python3
"""Checks the dashboards of dashboards/*.json.

    check_queries.py --url http://127.0.0.1:PORT --job bandwidth [--job node] [--wait 60]
                     [--var horizon=5s] [--var 'actual=rate(node_network_receive_bytes_total[5s])']
    check_queries.py --static

With --url every query of every panel, variable and annotation is asked of that Prometheus (or VictoriaMetrics), with
variables filled in as Grafana does: `job` with the jobs named (a dashboard for one job takes the first of them that it
offers), other variables with the first value that their own query answers, or with --var. An error fails, and so does
an answer without a single number within the last --window seconds, unless may_be_empty.json names the panel and says
why. --wait asks failing ones again for so many seconds. Exit status: 0 when all is well, 1 when not.

--static needs no server: the committed JSON is what dashboards/generate writes; ids are unique, panels do not overlap,
each has a title, a description, a unit and legends; every series named is known (series_names.py); every query parses
(promtool check rules, from Debian's package prometheus).
"""
import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "lib"))
import series_names  # noqa: E402

# What Grafana fills in by itself, and values for the check without a server.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "1h"}
STATIC = {"datasource": "prometheus", "output": "predicted_bandwidth", "job": "bandwidth", "instance": "a:9100", "device": "eth0", "feature": "", "horizon": "5m",
          "test": "ks"}


def boards():
    """File name to dashboard."""
    return {f.name: json.loads(f.read_text()) for f in sorted((ROOT / "dashboards").glob("*.json"))}


def fill(text, values):
    """Replace $name, ${name} and ${name:raw}."""
    def value(m):
        name = m.group(1) or m.group(2)
        if name not in values:
            raise KeyError(f"no variable is named {name}")
        return values[name]
    return re.sub(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))", value, text)


def queries(board):
    """Every query of a dashboard but its variables': (place, expression, instant)."""
    for panel in board["panels"]:
        for t in panel.get("targets", []):
            yield f"{panel['title']} / {t['refId']}", t["expr"], t["instant"]
    for note in board["annotations"]["list"]:
        yield f"annotation / {note['name']}", note["expr"], False


def excuses():
    """(file, place) of queries that may answer nothing; a place without a query stands for the whole panel."""
    return {(e["dashboard"], e["panel"] + (f" / {e['query']}" if "query" in e else ""))
            for e in json.loads((HERE / "may_be_empty.json").read_text())}


def excused(excuse_set, name, place):
    return (name, place) in excuse_set or (name, place.rsplit(" / ", 1)[0]) in excuse_set


# Against a server.

class Server:
    def __init__(self, url, window, step):
        self.url, self.window, self.step = url.rstrip("/"), window, step

    def get(self, path, **params):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(params, doseq=True)}", timeout=30) as r:
            return json.load(r)["data"]

    def numbers(self, expr, instant):
        """How many numbers (not NaN) the answer has."""
        now = time.time()
        if instant:
            answer = self.get("/api/v1/query", query=expr, time=now)
        else:
            answer = self.get("/api/v1/query_range", query=expr, start=now - self.window, end=now, step=self.step)
        if answer["resultType"] == "scalar":
            return 1
        points = [p for series in answer["result"] for p in series.get("values") or [series["value"]]]
        return sum(not math.isnan(float(value)) for _, value in points)

    def label_values(self, definition, regex=""):
        """What Grafana offers: the values of a label, or what regex, "/.../", captures of those that match it."""
        m = re.fullmatch(r"label_values\((?:(.+), *)?(\w+)\)", definition)
        if not m:
            raise ValueError(f"not understood: {definition}")
        now = time.time()
        params = {"start": now - self.window, "end": now}
        if m.group(1):
            params["match[]"] = m.group(1)
        values = self.get(f"/api/v1/label/{m.group(2)}/values", **params)
        return [kept.group(1) for kept in (re.search(regex.strip("/"), v) for v in values) if kept] if regex else values


def complain(error):
    """What went wrong, with the server's own text where it gives one."""
    if isinstance(error, urllib.error.HTTPError):
        body = error.read().decode(errors="replace")
        try:
            return json.loads(body)["error"]
        except (ValueError, KeyError):
            return f"HTTP {error.code}: {body[:200]}"
    return str(error)


def variables(name, board, server, options, excuse_set):
    """(values, problems) of a dashboard's variables."""
    values, problems = dict(BUILT_IN), []
    for v in board["templating"]["list"]:
        if v["type"] != "query":
            values[v["name"]] = options.var.get(v["name"], v["current"].get("value", v["query"]))
            continue
        found = server.label_values(fill(v["definition"], values), v["regex"])
        if not found and not excused(excuse_set, name, f"variable / {v['name']}"):
            problems.append(f"{name}: variable {v['name']}: {fill(v['definition'], values)} has no values")
        if v["name"] == "job":
            offered = [job for job in options.job if job in found]
            if not offered or (v["multi"] and len(offered) < len(options.job)):
                problems.append(f"{name}: variable job offers {found}, not {options.job}")
            values["job"] = "|".join(offered) if v["multi"] else (offered or [""])[0]
        elif v["name"] in options.var:
            values[v["name"]] = options.var[v["name"]]
        else:
            values[v["name"]] = v["allValue"] if v["multi"] else (found or [""])[0]
    return values, problems


def check_board(name, board, server, options, excuse_set):
    """Problems of one dashboard now, and how many queries were asked."""
    try:
        values, problems = variables(name, board, server, options, excuse_set)
    except (OSError, KeyError, ValueError) as error:
        return [f"{name}: variables: {complain(error)}"], 0
    asked = 0
    for place, expr, instant in queries(board):
        asked += 1
        query = expr
        try:
            query = fill(expr, values)
            if not server.numbers(query, instant) and not excused(excuse_set, name, place):
                problems.append(f"{name}: {place}: no data: {query}")
        except (OSError, KeyError, ValueError) as error:
            problems.append(f"{name}: {place}: {complain(error)}: {query}")
    return problems, asked


def live(options):
    server, excuse_set = Server(options.url, options.window, options.step), excuses()
    problems, asked = [], 0
    for name, board in boards().items():
        deadline = time.monotonic() + options.wait
        found, n = check_board(name, board, server, options, excuse_set)
        while found and time.monotonic() < deadline:
            time.sleep(1)
            found, n = check_board(name, board, server, options, excuse_set)
        problems, asked = problems + found, asked + n
    print(*problems, f"{asked} queries, {len(problems)} problems", sep="\n")
    return 1 if problems or not asked else 0


# Without a server.

def overlaps(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def check_panels(name, board):
    panels = board["panels"]
    if len({p["id"] for p in panels}) != len(panels) or len({p["title"] for p in panels}) != len(panels):
        yield f"{name}: two panels have one id or one title"
    for i, p in enumerate(panels):
        where, place = f"{name}: {p['title']}", p["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > 24:
            yield f"{where}: outside of the 24 columns"
        for other in panels[:i]:
            if overlaps(place, other["gridPos"]):
                yield f"{where}: overlaps {other['title']}"
        if p["type"] == "row":
            continue
        if not p["title"] or not p.get("description", "").endswith("."):
            yield f"{where}: no title, or no description that ends as a sentence"
        if not p["fieldConfig"]["defaults"].get("unit") or not p["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            yield f"{where}: no unit, or no thresholds"
        if not p["targets"] or any(not t["legendFormat"] for t in p["targets"] if p["type"] not in ("table", "stat")):
            yield f"{where}: a query without a legend"
        for part in [p, *p["targets"]]:
            if part["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                yield f"{where}: does not use the variable datasource"


def check_expressions(name, board, known, scratch):
    """Names of series, and the syntax: each expression becomes a recording rule for promtool."""
    values = {**BUILT_IN, **STATIC, **{v["name"]: v["current"]["value"] for v in board["templating"]["list"] if v["type"] in ("textbox", "custom")}}
    rules, wanted = [], []
    for v in board["templating"]["list"]:
        if v["type"] == "query":
            m = re.fullmatch(r"label_values\((?:(.+), *)?(\w+)\)", v["definition"])
            if not m:
                yield f"{name}: variable {v['name']}: not label_values(series, label)"
            elif m.group(1):
                wanted.append((f"variable / {v['name']}", m.group(1)))
    wanted += [(place, expr) for place, expr, _ in queries(board)]
    for place, expr in wanted:
        try:
            query = fill(expr, values)
        except KeyError as error:
            yield f"{name}: {place}: {error}"
            continue
        for series in sorted(series_names.used(query) - known):
            yield f"{name}: {place}: nobody writes a series named {series}"
        rules.append({"record": f"check:{len(rules)}", "expr": query})
    path = Path(scratch) / name
    path.write_text(json.dumps({"groups": [{"name": name, "rules": rules}]}))  # JSON is YAML
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, timeout=60)
    if done.returncode:
        yield f"{name}: promtool: {done.stdout}{done.stderr}"


def static():
    known = series_names.self_metrics(ROOT) | series_names.outputs(ROOT) | series_names.EXPORTERS
    problems, found = [], boards()
    done = subprocess.run([sys.executable, ROOT / "dashboards/generate", "--check"], capture_output=True, text=True,
                          timeout=60)
    if done.returncode:
        problems.append(done.stdout + done.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        for name, board in found.items():
            problems += check_panels(name, board)
            problems += check_expressions(name, board, known, scratch)
    places = {(name, place) for name, board in found.items() for place, _, _ in queries(board)}
    places |= {(name, place.rsplit(" / ", 1)[0]) for name, place in places}
    places |= {(name, f"variable / {v['name']}") for name, board in found.items() for v in board["templating"]["list"]}
    problems += [f"may_be_empty.json: {name} has no {place}" for name, place in sorted(excuses() - places)]
    if len({b["uid"] for b in found.values()}) != len(found):
        problems.append("two dashboards have one uid")
    print(*problems, f"{len(found)} dashboards, {len(problems)} problems", sep="\n")
    return 1 if problems or not found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--static", action="store_true", help="check the files alone")
    parser.add_argument("--url", help="base URL of a Prometheus")
    parser.add_argument("--job", action="append", default=[], help="a job that must have data (the label `for`)")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of another variable")
    parser.add_argument("--wait", type=float, default=0, help="seconds to ask failing queries again")
    parser.add_argument("--window", type=float, default=300, help="seconds back in which data must exist")
    parser.add_argument("--step", type=float, default=5, help="step of range queries in seconds")
    options = parser.parse_args()
    if options.static:
        return static()
    if not options.url or not options.job:
        parser.error("--url and at least one --job, or --static")
    options.var = dict(v.split("=", 1) for v in options.var)
    return live(options)


if __name__ == "__main__":
    sys.exit(main())
