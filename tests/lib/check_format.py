#!/usr/bin/python3
"""Every C file is as clang-format 14 and .clang-format would have it; tables made by programs excepted.

usage: check_format.py TOP [--fix]
"""
import pathlib
import shutil
import subprocess
import sys


def main():
    top = pathlib.Path(sys.argv[1]).resolve()
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        sys.exit("clang-format is not installed: deploy/packages test")
    files = [str(p) for folder in ("src", "tests") for p in sorted((top / folder).rglob("*"))
             if p.suffix in (".c", ".h", ".cc") and "golden" not in p.relative_to(top).parts]
    mode = ["-i"] if "--fix" in sys.argv[2:] else ["--dry-run", "-Werror"]
    return subprocess.run([tool, *mode, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
