#!/usr/bin/python3
"""What a reader may count on in every C file, as far as a program can see it.

  - it begins with a comment that says what it does;
  - in a header of src/, every function, struct, union and enum has a comment directly above it; declarations
    that follow each other without an empty line share the comment of the first;
  - a function has at most 80 lines, a file at most 800;
  - functions whose use cannot be checked, or that belong to one place, are not called elsewhere;
  - no note of unfinished work.

usage: check_style.py TOP
"""
import json
import pathlib
import re
import subprocess
import sys

FUNCTION_LINES = 80
FILE_LINES = 800

# Function: why not, and where it may be (path prefixes).
BANNED = {
    **dict.fromkeys(["strcpy", "strcat", "sprintf", "vsprintf", "gets", "stpcpy"], ("knows no bound", [])),
    **dict.fromkeys(["strncpy", "strncat"], ("does not say when it cuts", [])),
    **dict.fromkeys(["strtok", "localtime", "gmtime", "ctime", "asctime"], ("keeps hidden state", [])),
    **dict.fromkeys(["atoi", "atol", "atoll", "atof", "scanf", "sscanf", "fscanf"], ("cannot report an error", ["tests/"])),
    **dict.fromkeys(["strtod", "strtof", "strtold", "strtol", "strtoll", "strtoul", "strtoull"],
                    ("accepts what we do not and depends on the locale: base/parse.h", ["src/base/parse.c", "tests/"])),
    **dict.fromkeys(["rand", "srand", "random", "srandom", "drand48"], ("is not reproducible: base/rng.h", [])),
    **dict.fromkeys(["alloca", "setjmp", "longjmp"], ("has no place here", [])),
    **dict.fromkeys(["exit", "_exit", "quick_exit"], ("only the program ends itself", ["src/app/", "tests/"])),
    **dict.fromkeys(["abort"], ("ax_assert() says why", ["src/base/assert.c", "tests/"])),
    **dict.fromkeys(["system", "popen", "tmpnam", "tempnam", "mktemp"], ("is not safe", ["tests/"])),
    **dict.fromkeys(["time", "gettimeofday"], ("the clock is handed in: base/clock.h", ["tests/"])),
}
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
NOTES_IN = {".c", ".h", ".def", ".py", ".sh", ".md", ".yml", ".txt", ".cmake", ".json", ".html", ".js", ".css", ""}


def blank(text):
    """The same text, comments and the contents of strings turned into spaces, lines kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def header_declarations(text):
    """Line numbers (from 1) at which a declaration begins, and whether a comment stands above it."""
    lines, code = text.split("\n"), blank(text).split("\n")
    depth, inside, covered = 0, False, False
    continued = False
    for i, line in enumerate(code):
        stripped = line.strip()
        if continued or stripped.startswith("#"):
            continued = line.endswith("\\")
            continue
        if depth == 0 and not inside:
            if not stripped:
                # An empty line ends what a comment covers, a comment begins it.
                covered = bool(lines[i].strip())
                continue
            if stripped in ("}", "};") or stripped.startswith('extern "C"'):
                continue
            opaque = re.fullmatch(r"(?:struct|union)\s+\w+;", stripped)
            if not opaque:
                yield i + 1, covered or "/*" in lines[i]
            covered = covered or bool(opaque and "/*" in lines[i])
        depth += line.count("{") + line.count("(") - line.count("}") - line.count(")")
        inside = depth > 0 or not stripped.endswith((";", "}")) and bool(stripped or inside)


def functions(paths):
    """(path, name, first line, last line) of every function, by ctags."""
    output = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--languages=C", "--langmap=C:.c.h.cc",
                             "--kinds-C=f", "-f", "-", "-L", "-"], input="\n".join(map(str, paths)), text=True,
                            capture_output=True, check=True).stdout
    for line in output.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["line"], tag["end"]


def problems(top):
    sources = sorted(p for folder in ("src", "tests") for p in (top / folder).rglob("*") if p.suffix in (".c", ".h", ".cc"))
    calls = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in sources:
        name = path.relative_to(top).as_posix()
        text = path.read_text()
        if not text.startswith("/*"):
            yield f"{name}:1: begins without a comment that says what the file does"
        count = text.count("\n")
        if count > FILE_LINES:
            yield f"{name}: {count} lines; at most {FILE_LINES}"
        for number, line in enumerate(blank(text).split("\n"), 1):
            for call in calls.findall(line):
                why, allowed = BANNED[call]
                if not name.startswith(tuple(allowed) or ("\0",)):
                    yield f"{name}:{number}: {call}() {why}"
        if name.startswith("src/") and path.suffix == ".h":
            for number, documented in header_declarations(text):
                if not documented:
                    yield f"{name}:{number}: declaration without a comment directly above it"
    for path, function, first, last in functions(sources):
        if last - first + 1 > FUNCTION_LINES:
            name = pathlib.Path(path).relative_to(top).as_posix()
            yield f"{name}:{first}: {function}() has {last - first + 1} lines; at most {FUNCTION_LINES}"
    for folder in ("src", "tests", "cmake", "deploy", "rules", "dashboards", "docs", "proto"):
        for path in sorted((top / folder).rglob("*")):
            if not path.is_file() or path.suffix not in NOTES_IN or "/corpus/" in path.as_posix():
                continue
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if UNFINISHED.search(line):
                    yield f"{path.relative_to(top).as_posix()}:{number}: note of unfinished work"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(found) or "nothing to complain of")
    sys.exit(1 if found else 0)
