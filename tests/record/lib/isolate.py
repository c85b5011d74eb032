"""What keeps the members of a recorded cluster apart: a network, a disk and a group of processes for each.

Network namespaces are asked of the kernel and given up where it refuses; `Lab.describe()` says what was had. All of
it ends with the recorder: network and mounts live in namespaces of its own, groups are removed by `Lab.close()`.
"""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # of a CPU limit; the kernel's default
DISK_BYTES = 400 << 20


def run(*argv):
    """Run a command; its output only when it fails."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def enter_own_namespaces():
    """Start this program again in a network and a mount namespace of its own; False where that is refused."""
    if os.environ.get("AX_RECORD_INSIDE"):
        return os.environ["AX_RECORD_INSIDE"] == "yes"
    probe = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True)
    os.environ["AX_RECORD_INSIDE"] = "yes" if probe.returncode == 0 else "no"
    if probe.returncode:
        return False
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Network:
    """A bridge in the recorder's namespace and, behind it, one namespace with one address a member. Without
    namespaces of its own: addresses of loopback."""

    def __init__(self, members, own):
        self.own = own
        self.holders = {}
        if not own:
            self.address = {m: f"127.0.77.{i + 1}" for i, m in enumerate(members)}
            return
        self.address = {m: f"10.77.0.{i + 1}" for i, m in enumerate(members)}
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "address", "add", "10.77.0.254/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        for m in members:
            self._add(m)

    def _add(self, m):
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=die_with_parent)
        self.holders[m] = holder
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{holder.pid}/ns/net") == own:
            time.sleep(0.01)
        run("ip", "link", "add", f"to-{m}", "type", "veth", "peer", "name", "eth0", "netns", holder.pid)
        run("ip", "link", "set", f"to-{m}", "master", "bridge", "up")
        for words in ("link set lo up", f"address add {self.address[m]}/24 dev eth0", "link set eth0 up"):
            run(*self.inside(m), "ip", *words.split())

    def inside(self, m):
        """The words before a command that let it run in a member's namespace."""
        return ["nsenter", "-t", str(self.holders[m].pid), "-n"] if self.own else []

    def close(self):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()


class Group:
    """A group of processes whose CPU time and writes can be limited: cgroup version 2 or 1."""

    def __init__(self, name, weight=None):
        self.v2 = (CGROUPS / "cgroup.controllers").exists()
        self.paths = {c: CGROUPS / ("" if self.v2 else c) / name for c in ("cpu", "blkio")}
        if self.v2:
            (self.paths["cpu"].parent / "cgroup.subtree_control").write_text("+cpu +io")
        for path in self.paths.values():
            path.mkdir(exist_ok=True)
        if weight:
            self._write("cpu", *(("cpu.weight", weight) if self.v2 else ("cpu.shares", weight * 10)))

    def _write(self, controller, name, value):
        (self.paths[controller] / name).write_text(str(value))

    def inside(self):
        """The words before a command that let it run in the group."""
        files = sorted({str(p / "cgroup.procs") for p in self.paths.values()})
        return ["sh", "-c", "".join(f"echo $$ >{f}; " for f in files) + 'exec "$@"', "sh"]

    def limit_cpu(self, share):
        """At most that share of one CPU; None: no limit."""
        quota = int(share * PERIOD_US) if share else None
        if self.v2:
            self._write("cpu", "cpu.max", f"{quota or 'max'} {PERIOD_US}")
        else:
            self._write("cpu", "cpu.cfs_quota_us", quota or -1)

    def limit_writes(self, device, per_second):
        """At most so many writes a second to a device; None: no limit."""
        major_minor = f"{os.major(device)}:{os.minor(device)}"
        if self.v2:
            self._write("blkio", "io.max", f"{major_minor} wiops={per_second or 'max'}")
        else:
            self._write("blkio", "blkio.throttle.write_iops_device", f"{major_minor} {per_second or 0}")

    def close(self):
        for path in set(self.paths.values()):
            for _ in range(50):
                try:
                    path.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.1)


class Disk:
    """A file system of its own for one member, in a file: its journal is disturbed by nobody else."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        image = folder.with_suffix(".img")
        with open(image, "wb") as f:
            f.truncate(DISK_BYTES)
        run("mkfs.ext4", "-q", "-F", image)
        run("mount", "-o", "loop", image, folder)
        self.folder = folder
        self.device = os.stat(folder).st_dev

    def close(self):
        run("umount", self.folder)


class Nothing:
    """No group and no disk of its own: a folder beside the others'."""

    def __init__(self, folder=None):
        if folder:
            folder.mkdir(parents=True)
        self.folder = folder

    def inside(self):
        return []

    def close(self):
        pass


class Lab:
    """Network, groups and disks of the members; of those that are not `apart` the network alone."""

    def __init__(self, members, folder, own, apart=True):
        self.apart = apart
        self.network = Network(members, own)
        if not apart:
            self.parent = self.common = Nothing()
            self.groups = {m: Nothing() for m in members}
            self.disks = {m: Nothing(folder / m) for m in members}
            return
        name = f"auspex-record-{os.getpid()}"
        self.parent = Group(name, weight=1000)
        self.common = Group(f"{name}/common")  # who is no member: in version 2 only leaves hold processes
        self.groups = {m: Group(f"{name}/{m}") for m in members}
        self.disks = {m: Disk(folder / m) for m in members}

    def beside(self):
        """The words before a command that let it run beside the members."""
        return self.common.inside()

    def describe(self):
        where = "network namespaces" if self.network.own else "addresses of loopback"
        if not self.apart:
            return where
        return f"{where}, cgroup version {2 if self.parent.v2 else 1}, a loop-mounted ext4 for each member"

    def close(self):
        for part in (*self.disks.values(), *self.groups.values(), self.common, self.parent, self.network):
            try:
                part.close()
            except OSError as error:
                print(f"record: {error}", file=sys.stderr)
