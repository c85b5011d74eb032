"""Runs the servers around Auspex, and Auspex, on loopback: used by deploy/up and by the end-to-end tests.

A Stack owns one folder and one port for each server. Everything it starts it also ends, in the order in which a
sample travels, and the kernel ends it should this process be killed. Nothing but Python's standard library.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
RECORDINGS = TOP / "tests" / "data" / "replay"
RECORDING_SPEED = 120  # the recordings have one row a minute: played at two rows a second

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


class StackError(Exception):
    """What went wrong, in words for whoever started the stack."""


def http(url, data=None, headers=None, method=None, timeout=60):
    """Status and body, whatever the status; raises OSError when nothing answers."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with _direct.open(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def port_is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def scale_durations(text, factor, shortest_range=10.0):
    """Alert rules whose `for` and ranges last 1/factor of what they did: the same expressions in the time of
    a recording that is played so much faster. A range keeps at least shortest_range seconds: a rate
    needs its samples, and what comes back from Auspex is seconds old where the machine is busy."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

    def scaled(duration, least):
        seconds = sum(float(n) * units[u] for n, u in re.findall(r"(\d+)(ms|[smhdw])", duration))
        return f"{max(int(seconds / factor), int(least))}s"

    duration = r"((?:\d+(?:ms|[smhdw]))+)"
    text = re.sub(rf"^(\s*(?:for|keep_firing_for|interval):\s*){duration}\s*$",
                  lambda m: m[1] + scaled(m[2], 1 if "interval" in m[1] else 0), text, flags=re.M)
    return re.sub(rf"\[{duration}\]", lambda m: f"[{scaled(m[1], shortest_range)}]", text)


class Server:
    """One process, its log, and how to see that it is ready."""

    def __init__(self, name, argv, log, ready_url):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log = pathlib.Path(log)
        self.ready_url = ready_url
        self.process = None

    def start(self):
        def die_with_parent():
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(self.log, "ab") as log:
            try:
                # Its own session, so that Ctrl-C reaches this process alone and the order is ours.
                self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                start_new_session=True, preexec_fn=die_with_parent)
            except OSError as error:
                raise StackError(f"cannot start {self.name}: {error}; deploy/packages installs what is missing") \
                    from error

    def check_alive(self):
        if self.process is not None and self.process.poll() is not None:
            raise StackError(f"{self.name} ended by itself ({describe_exit(self.process.returncode)}). "
                             f"Its log, {self.log}, ends with:\n{self.log_tail()}")

    def log_tail(self, lines=15):
        try:
            text = self.log.read_text(errors="replace")
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join("    " + line for line in text.splitlines()[-lines:])

    def wait_ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            self.check_alive()
            try:
                if http(self.ready_url, timeout=2)[0] == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} is not ready after {seconds} s ({self.ready_url}). "
                                 f"Its log, {self.log}, ends with:\n{self.log_tail()}")
            time.sleep(0.1)

    def stop(self, seconds=15):
        """Ask it to end, insist after `seconds`. Returns its exit status (None: it was not running)."""
        process, self.process = self.process, None
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def rss(self):
        """Resident bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def describe_exit(code):
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


class Stack:
    """node_exporter, the replayed recording, Prometheus, Alertmanager, Auspex, and VictoriaMetrics on request.

    folder    everything is written below it; the parts of a former run are removed
    ports     {"prometheus": 19090, ...}; what is not named gets a free one
    auspex    path of the binary
    """

    NAMES = ("node_exporter", "replay", "victoria_metrics", "alertmanager", "prometheus", "auspex")
    STOP_ORDER = ("auspex", "prometheus", "alertmanager", "victoria_metrics", "replay", "node_exporter")

    def __init__(self, folder, auspex, ports=None, recording_start=0):
        self.folder = pathlib.Path(folder)
        self.auspex = pathlib.Path(auspex)
        self.recording_start = recording_start
        self.address = {name: f"127.0.0.1:{(ports or {}).get(name) or free_port()}" for name in self.NAMES}
        self.url = {name: f"http://{address}" for name, address in self.address.items()}
        self.servers = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.folder / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError(f"another run uses {self.folder}; end that one, or choose another folder") from error
        for name in self.NAMES + ("rules", "logs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)

    def render(self, template):
        """A file of deploy/ with this stack's addresses filled in."""
        values = {name.upper(): address for name, address in self.address.items()}
        values["RULES"] = str(self.folder / "rules" / "*.yml")
        return string.Template((TOP / "deploy" / template).read_text()).substitute(values)

    def write_configs(self):
        """The configs of deploy/, and the rules of rules/ in the recording's time."""
        (self.folder / "prometheus.yml").write_text(self.render("prometheus.yml"))
        (self.folder / "alertmanager.yml").write_text(self.render("alertmanager.yml"))
        (self.folder / "auspex.yml").write_text(self.render("auspex.yml"))
        for path in sorted((TOP / "rules").glob("*.yml")):
            (self.folder / "rules" / path.name).write_text(scale_durations(path.read_text(), RECORDING_SPEED))

    def server(self, name):
        """The server of that name, not started."""
        folder, address, url = self.folder, self.address[name], self.url[name]
        argv, ready = {
            "node_exporter": (["prometheus-node-exporter", f"--web.listen-address={address}",
                               "--no-collector.systemd", "--collector.netdev.device-exclude=^$"], "/metrics"),
            "replay": ([sys.executable, HERE / "replay.py", f"--listen={address}", f"--speed={RECORDING_SPEED}",
                        f"--start={self.recording_start}", "--metric=recorded_ingress_total",
                        *sorted(RECORDINGS.glob("*.csv"))], "/metrics"),
            "victoria_metrics": (["victoria-metrics", f"-httpListenAddr={address}", "-retentionPeriod=1d",
                                  f"-storageDataPath={folder / name}", "-search.latencyOffset=0s"], "/health"),
            "alertmanager": (["prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yml'}",
                              f"--storage.path={folder / name}", f"--web.listen-address={address}",
                              "--cluster.listen-address="], "/-/ready"),
            "prometheus": (["prometheus", f"--config.file={folder / 'prometheus.yml'}",
                            f"--storage.tsdb.path={folder / name}", f"--web.listen-address={address}",
                            "--web.enable-remote-write-receiver", "--web.enable-lifecycle",
                            "--storage.tsdb.retention.time=1d", "--storage.remote.flush-deadline=1s",
                            "--log.level=warn"], "/-/ready"),
            "auspex": ([self.auspex, "serve", f"--config.file={folder / 'auspex.yml'}",
                        f"--storage.path={folder / name}", f"--web.listen-address={address}"], "/-/ready"),
        }[name]
        return Server(name, argv, folder / "logs" / f"{name}.log", url + ready)

    def start(self, *names):
        """Start servers and wait until each is ready."""
        for name in names:
            self.servers[name] = self.server(name)
            self.servers[name].start()
        for name in names:
            self.servers[name].wait_ready()

    def check_alive(self):
        for server in self.servers.values():
            server.check_alive()

    def stop(self, name=None):
        """Stop one server, or all in order. Returns the exit status of the last one stopped."""
        status = None
        for each in [name] if name else self.STOP_ORDER:
            if each in self.servers:
                status = self.servers.pop(each).stop()
        return status

    def query(self, expression, at="prometheus", time_s=None):
        """Result of an instant query: [(labels, value)]."""
        parameters = {"query": expression}
        if time_s is not None:
            parameters["time"] = f"{time_s:.3f}"
        status, body = http(f"{self.url[at]}/api/v1/query?{urllib.parse.urlencode(parameters)}")
        if status != 200:
            raise StackError(f"{at} answered {status} to {expression}: {body[:300].decode(errors='replace')}")
        data = json.loads(body)["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(row["metric"], float(row["value"][1])) for row in data["result"]]

    def value(self, expression, at="prometheus"):
        """The one value of an expression, or None when its result is empty."""
        rows = self.query(expression, at)
        return rows[0][1] if rows else None

    def alerts(self):
        """Alerts that Alertmanager holds: a list of their labels."""
        status, body = http(self.url["alertmanager"] + "/api/v2/alerts")
        if status != 200:
            raise StackError(f"Alertmanager answered {status}: {body[:300]!r}")
        return [alert["labels"] for alert in json.loads(body)]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()
        self.lock.close()


def environment_port(name, default):
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StackError(f"{name}={text} is no port number")
    return int(text)
