#!/usr/bin/python3
"""What README.md, ARCHITECTURE.md and CHANGELOG.md name exists: functions, files, flags with their defaults; so do the
tests of docs/conformance.md; and the six lines for one's own Prometheus are those of deploy/prometheus-snippet.yml.

usage: check_docs.py TOP
"""
import pathlib
import re
import sys


def flags(top):
    """Name to (default, help) of every flag of `auspex serve`."""
    text = (top / "src/app/serve_flags.c").read_text()
    rows = re.findall(r'\{"([\w.-]+)",\s*AX_FLAG_\w+,\s*&?[\w>.-]+,\s*(NULL|"[^"]*"),\s*((?:"[^"]*"\s*)+)\}', text)
    return {name: (default.strip('"').replace("NULL", ""), "".join(re.findall(r'"([^"]*)"', text)))
            for name, default, text in rows}


def problems(top):
    sources = "\n".join(p.read_text() for p in sorted((top / "src").rglob("*.[ch]")))
    for document in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        text = (top / document).read_text()
        for name in sorted(set(re.findall(r"`(ax_\w+)(?:\(\))?`", text))):
            if not re.search(rf"\b{name}\b", sources):
                yield f"{document}: {name} is not in src/"
        paths = re.findall(r"`((?:src|tests|deploy|rules|dashboards|docs|proto|cmake)/[\w./-]*)`", text)
        paths += [target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
        for path in sorted(set(paths)):
            if not (top / path).exists():
                yield f"{document}: {path} does not exist"
    tests = "\n".join(p.read_text() for p in sorted((top / "tests").rglob("*_test.c")))
    for name in sorted(set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", (top / "docs/conformance.md").read_text()))):
        if not re.search(rf"\b{name}\(void \*\*state\)", tests):
            yield f"docs/conformance.md: there is no test {name}"
    readme = (top / "README.md").read_text()
    if (top / "deploy/prometheus-snippet.yml").read_text() not in readme:
        yield "README.md: not the lines of deploy/prometheus-snippet.yml"
    documented = dict(re.findall(r"^\| `--([\w.-]+)` \| (.*) \|$", readme, re.M))
    for name, (default, help_text) in flags(top).items():
        row = f"{f'`{default}`' if default else ''} | {help_text}"
        if documented.get(name) != row:
            yield f"README.md: the row of --{name} should be: | `--{name}` | {row} |"
    for name in documented.keys() - flags(top).keys():
        yield f"README.md: there is no flag --{name}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every name exists")
    sys.exit(1 if found else 0)
