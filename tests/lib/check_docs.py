#!/usr/bin/python3
"""What the documents name exists: functions, files, sections, self-metrics, flags with their defaults, paths over HTTP, the tests
of docs/conformance.md, and the keys in their pieces of configuration; and README.md has the six lines of
deploy/prometheus-snippet.yml and the configuration that is built in.

usage: check_docs.py TOP
"""
import fnmatch
import pathlib
import re
import sys

import yaml


PROMETHEUS = {"web.enable-remote-write-receiver"}  # a flag of its


def flags(top):
    """Name to (default, help) of every flag of `auspex serve`."""
    text = (top / "src/app/serve_flags.c").read_text()
    rows = re.findall(r'\{"([\w.-]+)",\s*AX_FLAG_\w+,\s*&?[\w>.-]+,\s*(NULL|"[^"]*"),\s*((?:"[^"]*"\s*)+)\}', text)
    return {name: (default.strip('"').replace("NULL", ""), "".join(re.findall(r'"([^"]*)"', text)))
            for name, default, text in rows}


def routes(top):
    """"METHOD /path" of all that is served."""
    texts = (p.read_text() for p in sorted((top / "src").rglob("*.c")))
    form = r'(?:\{|\.method = )"(GET|POST|DELETE)",\s*(?:\.path = )?"(/[^"]*)"'
    return {f"{method} {path}" for text in texts for method, path in re.findall(form, text)}


def documented_routes(text):
    """The same from the table of docs/http.md; a method holds for the paths behind it."""
    found = set()
    for row in re.findall(r"^\| (`(?:GET|POST).*?) \|", text, re.M):
        methods, begun = [], False
        for word in re.findall(r"[^\s`,]+", row):
            if word.startswith("/"):
                found |= {f"{method} {word}" for method in methods}
                begun = True
            else:
                methods = [word] if begun else methods + [word]
                begun = False
    return found


def anchors(path):
    """The sections of a document, as links name them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def links(top, path):
    """What a document links to and is not there."""
    for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)]*))?\)", path.read_text()):
        to = path.parent / target if target else path
        if not to.exists():
            yield f"{path.relative_to(top)}: {target} does not exist"
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            yield f"{path.relative_to(top)}: {target} has no section #{anchor}"


def keys(text, configured):
    """Keys of the configuration that a document names by their path and that docs/config.md does not have."""
    sections = "global|forecast|anomaly|drift|models|targets|billing|capacity|window|queue_config|ensemble|lstm|trees|ha_tracker"
    for key in sorted(set(re.findall(rf"`((?:{sections})(?:\.[a-z_]+)+)[`:]", text))):
        if not any(have == key or have.endswith("." + key) or key in (f"global.{have}", f"models.{have}") for have in configured):
            yield key


def documented_outputs(text):
    """Names in the first column of docs/outputs.md; `_lower` behind a name stands for that name with it, or with it in place
    of its last word."""
    found = set()
    for cell in re.findall(r"^\| (`[^|]*) \|", text, re.M):
        names = re.findall(r"`([\w*]+)`", cell)
        for name in names:
            found |= {name} if name[0] != "_" else {names[0] + name, names[0].rsplit("_", 1)[0] + name}
    return found


def yaml_blocks(text):
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)]


def problems(top):
    sources = "\n".join(p.read_text() for p in sorted((top / "src").rglob("*.[ch]")))
    metrics = (top / "src/base/metrics.def").read_text()
    documents = [top / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")] + sorted((top / "docs").glob("*.md"))
    configured = set(re.findall(r"^\| `([a-z_.]+)`", (top / "docs/config.md").read_text(), re.M))
    for path in documents:
        text, document = path.read_text(), path.relative_to(top)
        for name in sorted(set(re.findall(r"`(ax_\w+)(?:\(\))?`", text))):
            if not re.search(rf"\b{name}\b", sources):
                yield f"{document}: {name} is not in src/"
        for name in sorted(set(re.findall(r"`((?:src|tests|deploy|rules|dashboards|docs|proto|cmake)/[\w./-]*)`", text))):
            if not (top / name).exists():
                yield f"{document}: {name} does not exist"
        for name in sorted(set(re.findall(r"\bauspex_\w+\b(?!\*)", text))):
            if f'"{re.sub("_(bucket|sum|count)$", "", name)}"' not in metrics and f'"{name}"' not in metrics:
                yield f"{document}: metrics.def has no {name}"
        ours = "(?:web|remote-write|remote-read|predict|storage|training|query|debug|log)\\.[\\w.-]+\\w"
        named = set(re.findall(rf"--({ours})", text)) - PROMETHEUS
        named |= {name for line in re.findall(r"\bauspex (?:check|backtest|train|models)\b[^`\n]*", text)
                  for name in re.findall(r"--([a-z][\w.-]*\w)", line)}
        for name in sorted(named):
            if f'{{"{name}"' not in sources:
                yield f"{document}: there is no flag --{name}"
        yield from (f"{document}: docs/config.md has no key {key}" for key in keys(text, configured))
        yield from links(top, path)
    tests = "\n".join(p.read_text() for p in sorted((top / "tests").rglob("*_test.c")))
    for name in sorted(set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", (top / "docs/conformance.md").read_text()))):
        if not re.search(rf"\b{name}\(void \*\*state\)", tests):
            yield f"docs/conformance.md: there is no test {name}"
    readme = (top / "README.md").read_text()
    if (top / "deploy/prometheus-snippet.yml").read_text() not in readme:
        yield "README.md: not the lines of deploy/prometheus-snippet.yml"
    if yaml_blocks(readme)[1] != yaml_blocks((top / "docs/config.md").read_text())[0]:
        yield "README.md: the configuration is not the one that is built in (docs/config.md)"
    outputs = documented_outputs((top / "docs/outputs.md").read_text())
    for name in re.findall(r'^AX_OUTPUT\(\w+, "([\w*]+)"', (top / "src/config/outputs.def").read_text(), re.M):
        name = name.replace("*", "predicted_bandwidth")
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in outputs):
            yield f"docs/outputs.md: {name} is missing"
    served, written = routes(top), documented_routes((top / "docs/http.md").read_text())
    yield from (f"docs/http.md: {route} is missing" for route in sorted(served - written))
    yield from (f"docs/http.md: there is no {route}" for route in sorted(written - served))
    documented = dict(re.findall(r"^\| `--([\w.-]+)` \| (.*) \|$", (top / "docs/flags.md").read_text(), re.M))
    for name, (default, help_text) in flags(top).items():
        row = f"{f'`{default}`' if default else ''} | {help_text}"
        if documented.get(name) != row:
            yield f"docs/flags.md: the row of --{name} should be: | `--{name}` | {row} |"
    for name in documented.keys() - flags(top).keys():
        yield f"docs/flags.md: there is no flag --{name}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "every name exists")
    sys.exit(1 if found else 0)
