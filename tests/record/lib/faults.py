"""The faults of a recording: which, how bad, of whom and when, by a seed alone; and how each is made and undone."""
import dataclasses
import random
import signal
import subprocess
import sys
import threading

HOGS = 4  # processes that only burn time
# How bad the three severities of each kind are. Fixed before anything was tuned on a recording.
SEVERITIES = {
    "link": [(0.025, 0.008, 0.0), (0.080, 0.025, 0.02), (0.250, 0.080, 0.10)],  # delay and jitter in s, loss
    "member": ["limping", "stopped", "killed"],
    "disk": [40, 15, 4],     # writes a second
    "cpu": [0.6, 0.3, 0.1],  # of a CPU, shared with the hogs
}
LIMP_S = (0.5, 1.0)  # stopped for, running for
DURATION_S = (7, 11)
REST_S = (38, 50)    # after the label has ended: most of the time nothing is wrong


@dataclasses.dataclass
class Fault:
    kind: str
    severity: int
    member: str
    duration_s: float
    rest_s: float


def plan(seed, count, kinds, members):
    """count faults: every kind and severity equally often, in an order of their own."""
    rng = random.Random(seed)
    cases = [(kind, severity) for kind in kinds for severity in range(3)]
    rounds = [rng.sample(cases, len(cases)) for _ in range(-(-count // len(cases)))]
    return [Fault(kind, severity, rng.choice(members), rng.uniform(*DURATION_S), rng.uniform(*REST_S))
            for kind, severity in sum(rounds, [])[:count]]


class Limp:
    """Stops and continues a process in turns."""

    def __init__(self, server):
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(server,))
        self.thread.start()

    def _run(self, server):
        while not self.ended.is_set():
            server.process.send_signal(signal.SIGSTOP)
            self.ended.wait(LIMP_S[0])
            server.process.send_signal(signal.SIGCONT)
            self.ended.wait(LIMP_S[1])

    def end(self):
        self.ended.set()
        self.thread.join()


def inject(cluster, fault):
    """Make a fault. Returns the function that undoes it."""
    how = SEVERITIES[fault.kind][fault.severity]
    group = cluster.lab.groups[fault.member]
    server = cluster.servers[fault.member]
    if fault.kind == "link":
        cluster.slow_links(fault.member, how)
        return lambda: cluster.slow_links(None, None)
    if fault.kind == "disk":
        device = cluster.lab.disks[fault.member].device
        group.limit_writes(device, how)
        return lambda: group.limit_writes(device, None)
    if fault.kind == "cpu":
        burn = [*group.inside(), sys.executable, "-c", "while True: pass"]
        hogs = [subprocess.Popen(burn) for _ in range(HOGS)]
        group.limit_cpu(how)

        def relieve():
            for hog in hogs:
                hog.kill()
            group.limit_cpu(None)
            for hog in hogs:
                hog.wait()
        return relieve
    if how == "limping":
        return Limp(server).end
    if how == "stopped":
        server.process.send_signal(signal.SIGSTOP)
        return lambda: server.process.send_signal(signal.SIGCONT)
    server.process.kill()
    server.process.wait()
    return server.start
