#!/usr/bin/python3
"""Includes point down the list of ranks only; folders of one rank do not include each other."""
import pathlib
import re
import sys

RANKS = {
    "base": 0, "math": 1, "prom": 1, "net": 1, "store": 1, "config": 2, "series": 2, "expr": 3, "features": 3,
    "nn": 4, "model": 4, "forecast": 5, "anomaly": 5, "drift": 5, "insight": 5, "registry": 5, "train": 6, "emit": 6,
    "pipeline": 7, "ingest": 8, "api": 8, "app": 9,
}


def violations(root):
    for path in sorted(p for p in (root / "src").rglob("*") if p.suffix in (".c", ".h", ".cc")):
        folder = path.relative_to(root / "src").parts[0]
        if folder not in RANKS:
            yield f"{path}: folder '{folder}' has no rank"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
            if not include:
                if re.match(r'\s*#\s*include\s+"', line):
                    yield f"{path}:{number}: include without its folder"
                continue
            other = include[1]
            if other not in RANKS:
                yield f"{path}:{number}: includes unknown folder '{other}'"
            elif other != folder and RANKS[other] >= RANKS[folder]:
                yield f"{path}:{number}: '{folder}' (rank {RANKS[folder]}) includes '{other}' (rank {RANKS[other]})"


if __name__ == "__main__":
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every include points down")
    sys.exit(1 if found else 0)
