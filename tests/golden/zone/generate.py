#!/usr/bin/env python3
"""vectors.txt: what Python's zoneinfo says of some files of the time zone database.

usage: tests/golden/zone/generate.py    (writes vectors.txt beside itself)

Lines: `zone NAME HEX` begins a zone, with the bytes of its file (public domain); `at T OFFSET` is the offset from
UTC at an instant; `say YEAR MONTH DAY HOUR MINUTE T` is the instant at which its clocks say so (fold=0).
Days counted from 0 (`,59`) are a day early in Python 3.11's zoneinfo: of those the C library is asked.
"""
import datetime
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zoneinfo

FOLDER = "/usr/share/zoneinfo"
FAT = ["Europe/Berlin", "Pacific/Apia", "Asia/Kathmandu"]
SLIM = ["America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "America/Nuuk", "Africa/Casablanca",
        "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Chatham", "Asia/Gaza", "Antarctica/Troll"]
RULES = {"rule/julian": "ABC3DEF,J60/1,J300", "rule/south": "AAA-10BBB-10:30,M10.1.0,M4.1.0/26"}
DAY_RULE = "<+02>-2<+03>-3,59/0:30,300/-3:15:20"


def file_of_rule(rule):
    """A TZif file without a transition: its footer counts for all times."""
    block = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    return block + block + b"\n" + rule.encode() + b"\n"


def files():
    for name in FAT:
        with open(os.path.join(FOLDER, name), "rb") as f:
            yield name, f.read()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["/usr/sbin/zic", "-b", "slim", "-d", folder, os.path.join(FOLDER, "tzdata.zi")], check=True,
                       stderr=subprocess.DEVNULL)
        for name in SLIM:
            with open(os.path.join(folder, name), "rb") as f:
                yield name, f.read()
    for name, rule in RULES.items():
        yield name, file_of_rule(rule)


def changes(zone, rng):
    """Instants about each change of the offset from 1990 to 2060, and others."""
    utc = datetime.timezone.utc
    day = 86400
    offset = lambda t: int(datetime.datetime.fromtimestamp(t, utc).astimezone(zone).utcoffset().total_seconds())
    t, last = 631152000, None
    while t < 2840140800:
        o = offset(t)
        if last is not None and o != last:
            a, b = t - day, t
            while b - a > 1:
                mid = (a + b) // 2
                a, b = (a, mid) if offset(mid) == o else (mid, b)
            yield b
        t, last = t + day, o
    for _ in range(20):
        yield rng.randrange(0, 7258118400)


def main():
    rng = random.Random(42)
    out = ["# generate.py with Python %s, tzdata %s" % (sys.version.split()[0], open(
        os.path.join(FOLDER, "tzdata.zi")).readline().split()[-1])]
    for name, data in files():
        zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key=name)
        out.append("zone %s %s" % (name, data.hex()))
        instants = list(changes(zone, rng))
        keep = instants[:4] + instants[-26:] if len(instants) > 30 else instants
        for b in keep:
            for t in (b - 1, b):
                local = datetime.datetime.fromtimestamp(t, datetime.timezone.utc).astimezone(zone)
                out.append("at %d %d" % (t, local.utcoffset().total_seconds()))
                for shift in (-30, 0, 30):
                    naive = local.replace(tzinfo=None, fold=0, second=0, microsecond=0) + datetime.timedelta(minutes=shift)
                    said = naive.replace(tzinfo=zone)
                    out.append("say %d %d %d %d %d %d" % (naive.year, naive.month, naive.day, naive.hour, naive.minute,
                                                          said.timestamp()))
    out.append("zone rule/day %s" % file_of_rule(DAY_RULE).hex())
    os.environ["TZ"] = DAY_RULE
    time.tzset()
    for _ in range(400):
        day = rng.randrange(0, 22000) * 86400
        for t in (day, day - day % (365 * 86400) + 59 * 86400 + rng.randrange(-3, 20) * 43200):
            out.append("at %d %d" % (t, time.localtime(t).tm_gmtoff))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.txt")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(out) + "\n")


main()
