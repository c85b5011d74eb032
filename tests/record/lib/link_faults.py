"""What goes wrong with a host's traffic: how each kind of fault is made and undone."""
import pathlib
import subprocess
import sys
import threading

import isolate
from hosts import STRANGER, USUAL

HERE = pathlib.Path(__file__).resolve().parent
# How bad the three severities of each kind are. Fixed before anything was recorded. Nothing here asks for netem, which not
# every kernel has: a cap delays and drops, and so does a link that comes and goes.
SEVERITIES = {
    "cap": [0.5, 0.25, 0.08],                  # of what a host sends on average, that it may send
    "link": [(0.3, 1.7), (0.5, 0.5), "down"],  # down for, up for, in s
    "flood": [0.7, 2.0, 5.0],                  # of the average, that a stranger sends to it beside
    "stall": [1, 2, 3],                        # of its 3 streams, that send nothing
}


class Flapping:
    """A link that goes down and comes back in turns."""

    def __init__(self, hosts, member, times):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(hosts, member, times))
        self.thread.start()

    def _run(self, hosts, member, times):
        while not self.ended.is_set():
            hosts.link(member, False)
            self.ended.wait(times[0])
            hosts.link(member, True)
            self.ended.wait(times[1])

    def end(self):
        self.ended.set()
        self.thread.join()


def flood(hosts, member, rate):
    process = subprocess.Popen([*hosts.network.inside(STRANGER), sys.executable, HERE / "flood.py", hosts.address[member], str(rate)],
                               preexec_fn=isolate.die_with_parent)

    def undo():
        process.kill()
        process.wait()
    return undo


def inject(hosts, fault):
    """Make a fault. Returns the function that undoes it."""
    member, how = fault.member, SEVERITIES[fault.kind][fault.severity]
    if fault.kind == "cap":
        hosts.cap(member, how * USUAL)
        return lambda: hosts.cap(member, None)
    if fault.kind == "flood":
        return flood(hosts, member, how * USUAL)
    if fault.kind == "stall":
        hosts.stall(member, how)
        return lambda: hosts.stall(member, 0)
    if how != "down":
        return Flapping(hosts, member, how).end
    hosts.link(member, False)
    return lambda: hosts.link(member, True)
