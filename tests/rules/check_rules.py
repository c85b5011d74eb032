#!/usr/bin/env python3
"""Checks rules/ as a whole: usage: check_rules.py ROOT

- promtool check rules, and promtool test rules over tests/rules/*_test.yml; vmalert's own check where it is there;
- every alert has a severity, a summary, a description and a runbook link whose section exists, a test case in
  which it fires (all its annotations spelt out) and one in which it does not;
- every recording rule has a test that expects a value of it;
- every section of the runbook says what the alert means, what suffers, how to find the cause and what to do, and its queries
  parse;
- every series named exists: written by Auspex, on its /metrics, made by a recording rule, or an exporter's.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import series_names  # noqa: E402

RUNBOOK = "https://github.com/auspex-monitoring/auspex/blob/main/docs/runbook.md#"
SEVERITIES = ("info", "warning", "critical")


def load(files):
    """Every rule with the name of its file."""
    groups = [(f.name, group) for f in files for group in yaml.safe_load(f.read_text())["groups"]]
    return [(name, rule) for name, group in groups for rule in group["rules"]]


def tested(files):
    """Alerts that fire in a test, alerts that are silent in one, annotations missing, recording rules expected."""
    fires, silent, incomplete, recorded = set(), set(), [], set()
    for f in files:
        for test in yaml.safe_load(f.read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                alerts = case.get("exp_alerts") or []
                (fires if alerts else silent).add(case["alertname"])
                for a in alerts:
                    if set(a.get("exp_annotations") or {}) != {"summary", "description", "runbook_url"}:
                        incomplete.append(f"{f.name}: {case['alertname']} at {case['eval_time']}: annotations missing")
            for case in test.get("promql_expr_test", []):
                if case.get("exp_samples"):
                    recorded |= series_names.used(case["expr"])
    return fires, silent, incomplete, recorded


def check_alert(where, rule, sections, fires, silent):
    name, notes = rule["alert"], rule.get("annotations", {})
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"{where}: {name}: severity is none of {', '.join(SEVERITIES)}"
    for key in ("summary", "description"):
        if not notes.get(key, "").rstrip().endswith("."):
            yield f"{where}: {name}: {key} is missing, or does not end as a sentence"
    if notes.get("runbook_url") != RUNBOOK + name.lower():
        yield f"{where}: {name}: runbook_url should be {RUNBOOK}{name.lower()}"
    if name not in sections:
        yield f"{where}: {name}: docs/runbook.md has no section of this name"
    if name not in fires:
        yield f"{where}: {name}: no test in which it fires"
    if name not in silent:
        yield f"{where}: {name}: no test in which it is silent"


def runbook_queries(section):
    """Expressions of the promql blocks of a section, with a value for each <label>; an indented line goes on with one."""
    for block in re.findall(r"```promql\n(.*?)```", section, re.S):
        for lines in re.findall(r"^\S.*(?:\n[ \t].*)*", block, re.M):
            yield re.sub(r"<\w+>", "x", lines)


def check_runbook(text, known):
    """Parts of each section, and names in its queries; the queries as rules for promtool come last."""
    problems, rules = [], []
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        name = section.split("\n", 1)[0]
        for part in ("Meaning", "Impact", "Diagnosis", "What to do"):
            if f"**{part}.**" not in section:
                problems.append(f"docs/runbook.md: {name}: nothing under {part}")
        for query in runbook_queries(section):
            rules.append({"record": f"check:{len(rules)}", "expr": query})
            for series in sorted(series_names.used(re.sub("#.*", "", query)) - known):
                problems.append(f"docs/runbook.md: {name}: nobody writes a series named {series}")
    return problems, rules


def check(root):
    files = sorted((root / "rules").glob("*.yml"))
    tests = sorted((root / "tests/rules").glob("*_test.yml"))
    rules = load(files)
    fires, silent, problems, recorded = tested(tests)
    runbook = (root / "docs/runbook.md").read_text()
    sections = set(re.findall(r"^## (\w+)$", runbook, re.M))
    own = series_names.self_metrics(root)
    known = own | series_names.outputs(root) | series_names.EXPORTERS
    known |= {r["record"] for _, r in rules if "record" in r}
    for where, rule in rules:
        name = rule.get("alert") or rule["record"]
        if "alert" in rule:
            problems += check_alert(where, rule, sections, fires, silent)
        elif name not in recorded:
            problems.append(f"{where}: {name}: no test expects a value of it")
        for series in sorted(series_names.used(rule["expr"]) - known):
            problems.append(f"{where}: {name}: nobody writes a series named {series}")
    for section in sorted(sections - {r.get("alert") for _, r in rules}):
        problems.append(f"docs/runbook.md: no alert is named {section}")
    found, queries = check_runbook(runbook, known)
    problems += found
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "runbook.yml"
        path.write_text(json.dumps({"groups": [{"name": "runbook", "rules": queries}]}))  # JSON is YAML
        problems += run(["promtool", "check", "rules", path], root)
    for path in files + [root / "docs/runbook.md"]:  # queries in annotations and in the runbook
        for series in sorted(set(re.findall(r"\bauspex_\w+", path.read_text())) - own):
            problems.append(f"{path.name}: metrics.def has no {series}")
    return problems


def run(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    if done.returncode:
        return [" ".join(map(str, command[:3])) + " failed:\n" + done.stdout + done.stderr]
    return []


def main():
    root = Path(sys.argv[1]).resolve()
    rules = sorted((root / "rules").glob("*.yml"))
    tests = sorted((root / "tests/rules").glob("*_test.yml"))
    problems = check(root)
    problems += run(["promtool", "check", "rules", *rules], root)
    problems += run(["promtool", "test", "rules", *tests], root / "tests/rules")
    if shutil.which("vmalert"):
        with tempfile.TemporaryDirectory() as scratch:
            problems += run(["vmalert", "-dryRun", *(f"-rule={f}" for f in rules)], scratch)
    for problem in problems:
        print(problem)
    print(f"{len(rules)} files of rules, {len(tests)} of tests, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
