"""Three members of etcd under load, and a Prometheus that looks at them."""
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent.parent / "deploy" / "lib")]
import isolate  # noqa: E402
from recording import SCRAPE_S  # noqa: E402
from stack import Server, StackError, http  # noqa: E402

MEMBERS = ("etcd1", "etcd2", "etcd3")
RECOVERY_MAX_S = 90
APPLIED_APART = 50   # entries that members of a whole cluster may be apart while load runs
PROMETHEUS = "127.0.0.1:19190"
LOAD = "127.0.0.1:19191"


class Cluster:
    """The members, their proxies, their clients and the Prometheus that looks at them."""

    def __init__(self, folder, seed, own, prometheus_more="", prometheus_flags=(), apart=True):
        self.folder = folder
        self.lab = isolate.Lab(MEMBERS, folder / "disks", own, apart)
        self.url = {m: f"http://{a}:2379" for m, a in self.lab.network.address.items()}
        self.proxies = {m: self._proxy(m) for m in MEMBERS}
        self.servers = {m: self._member(m) for m in MEMBERS}
        self.load = Server("load", [*self.lab.beside(), sys.executable, HERE / "load.py", LOAD, seed,
                                    *(f"{m}={u}" for m, u in self.url.items())],
                           folder / "load.log", f"http://{LOAD}/metrics")
        self.prometheus = self._prometheus(prometheus_more, prometheus_flags)

    def _proxy(self, m):
        address = self.lab.network.address[m]
        return subprocess.Popen([*self.lab.network.inside(m), *self.lab.beside(), sys.executable,
                                 HERE / "proxy.py", f"{address}:2380", f"{address}:2382"],
                                stdin=subprocess.PIPE, text=True, preexec_fn=isolate.die_with_parent)

    def _member(self, m):
        address = self.lab.network.address
        argv = ["etcd", f"--name={m}", f"--data-dir={self.lab.disks[m].folder / 'data'}", "--metrics=extensive",
                f"--listen-client-urls={self.url[m]}", f"--advertise-client-urls={self.url[m]}",
                f"--listen-peer-urls=http://{address[m]}:2382",
                f"--initial-advertise-peer-urls=http://{address[m]}:2380",
                "--initial-cluster=" + ",".join(f"{n}=http://{a}:2380" for n, a in address.items()),
                "--logger=zap", "--log-level=warn"]
        inside = [*self.lab.network.inside(m), *self.lab.groups[m].inside()]
        return Server(m, [*inside, *argv], self.folder / f"{m}.log", self.url[m] + "/health")

    def _prometheus(self, more, flags):
        targets = "\n".join(
            f"      - {{ targets: ['{a}:2379'], labels: {{ instance: {m} }} }}"
            for m, a in self.lab.network.address.items())
        (self.folder / "prometheus.yml").write_text(f"""
global: {{ scrape_interval: {SCRAPE_S}s, scrape_timeout: {SCRAPE_S * 900}ms, evaluation_interval: 1s }}
scrape_configs:
  - job_name: etcd
    static_configs:
{targets}
    metric_relabel_configs:
      - {{ source_labels: [__name__], regex: '.*_bucket|etcd_debugging.*|grpc_server_handled_total', action: drop }}
  - job_name: clients
    honor_labels: true
    static_configs: [ {{ targets: ['{LOAD}'] }} ]
{more}""")
        return Server("prometheus", [*self.lab.beside(), "prometheus",
                                     f"--config.file={self.folder / 'prometheus.yml'}",
                                     f"--storage.tsdb.path={self.folder / 'prometheus'}",
                                     f"--web.listen-address={PROMETHEUS}",
                                     "--log.level=warn", *flags],
                      self.folder / "prometheus.log", f"http://{PROMETHEUS}/-/ready")

    def start(self):
        for m in MEMBERS:
            self.servers[m].start()
        for m in MEMBERS:
            self.servers[m].wait_ready(60)
        for server in (self.load, self.prometheus):
            server.start()
            server.wait_ready()

    def stop(self):
        for server in (self.load, self.prometheus, *self.servers.values()):
            if server.process:
                server.process.kill()
            server.stop()
        for proxy in self.proxies.values():
            proxy.kill()
            proxy.wait()
        self.lab.close()

    def slow_links(self, member, rule):
        """Make the links between a member and the others slow, or (None) all links as they were."""
        address = self.lab.network.address
        for m, proxy in self.proxies.items():
            rules = {} if member is None else {"*": rule} if m == member else {address[member]: rule}
            proxy.stdin.write(json.dumps(rules) + "\n")
            proxy.stdin.flush()

    def status(self, m):
        """(entries applied, is the leader) of a member, or None when it does not answer."""
        try:
            code, body = http(self.url[m] + "/v3/maintenance/status", data=b"{}", timeout=1)
        except OSError:
            return None
        if code != 200:
            return None
        answer = json.loads(body)
        leader = answer.get("leader")
        return (int(answer.get("raftAppliedIndex", 0)), leader == answer["header"]["member_id"]) if leader else None

    def about(self, fault):
        """What is told of a fault beside its kind."""
        state = self.status(fault.member)
        return {"role": "leader" if state and state[1] else "follower"}

    def is_whole(self):
        states = [self.status(m) for m in MEMBERS]
        return None not in states and max(s[0] for s in states) - min(s[0] for s in states) < APPLIED_APART

    def wait_whole(self):
        deadline = time.time() + RECOVERY_MAX_S
        while not self.is_whole():
            if time.time() > deadline:
                raise StackError(f"the cluster is not whole {RECOVERY_MAX_S} s after a fault was undone")
            time.sleep(0.2)
