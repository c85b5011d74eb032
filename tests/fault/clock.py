#!/usr/bin/python3
"""A clock that steps by an hour, forth and back, under load.

usage: clock.py AUSPEX-BINARY FOLDER

The wall clock of the process under test is libfaketime's; its monotonic clock is the real one. All limits on ages
are the defaults, below the hour.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import pair  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])


def library():
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    require(found, "libfaketime is missing: deploy/packages installs it")
    return found[0]


def steps_by_an_hour(name, *offsets):
    setting = FOLDER / f"{name}.clock"
    setting.write_text("+0")
    environment = {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": setting, "FAKETIME_CACHE_DURATION": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with pair.Pair(BINARY, FOLDER / name, environment=environment) as p:
        for offset in offsets:
            setting.write_text(offset)
            time.sleep(8)
            p.victim.check_alive()
        p.finish()
        n = p.require_equal()
        p.require_no_hole()
        p.require_nothing_refused()
        return f"{n} samples equal"


def forth():
    """a clock that steps an hour ahead and back changes nothing of what is said"""
    return steps_by_an_hour("forth", "+3600", "+0")


def back():
    """a clock that steps an hour back and ahead delays what is said, and changes nothing of it"""
    return steps_by_an_hour("back", "-3600", "+0")


if __name__ == "__main__":
    fault.main([forth, back])
