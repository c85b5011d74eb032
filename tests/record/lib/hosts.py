"""Hosts that send each other traffic, each in a network namespace with a real node_exporter, and a Prometheus."""
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent.parent / "deploy" / "lib")]
import isolate  # noqa: E402
from recording import SCRAPE_S  # noqa: E402
from stack import Server, StackError, http  # noqa: E402

MEMBERS = ("host1", "host2", "host3")
STRANGER = "stranger"  # a host beside them that nobody looks at
PROMETHEUS = "127.0.0.1:19190"
NODE, METRICS = 9100, 9200  # ports of node_exporter and of traffic.py
USUAL = 1_200_000  # bytes a second that traffic.py sends on average: its STREAMS times its RATE
FLOWS = 0.3        # of that: less is a host that does not send yet
RECOVERY_MAX_S = 90
COLLECTORS = ("netdev", "netstat", "sockstat")


class Hosts:
    """Each sends to the next one, and the last one to the first."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.network = isolate.Network((*MEMBERS, STRANGER), True)
        self.address = self.network.address
        self.exporters = [self._exporter(m) for m in MEMBERS]
        self.traffic = {m: self._traffic(m, seed + i) for i, m in enumerate(MEMBERS)}
        self.prometheus = self._prometheus()

    def _exporter(self, m):
        listen = f"{self.address[m]}:{NODE}"
        argv = ["prometheus-node-exporter", f"--web.listen-address={listen}", "--collector.disable-defaults",
                *(f"--collector.{c}" for c in COLLECTORS), "--web.disable-exporter-metrics"]
        return Server(f"node_exporter of {m}", [*self.network.inside(m), *argv], self.folder / f"{m}.log", f"http://{listen}/metrics")

    def _traffic(self, m, seed):
        peer = MEMBERS[(MEMBERS.index(m) + 1) % len(MEMBERS)]
        return subprocess.Popen([*self.network.inside(m), sys.executable, HERE / "traffic.py", self.address[m], self.address[peer], str(seed)],
                                stdin=subprocess.PIPE, text=True, preexec_fn=isolate.die_with_parent)

    def _prometheus(self):
        def targets(port):
            return ", ".join(f"{{ targets: ['{self.address[m]}:{port}'], labels: {{ instance: {m} }} }}" for m in MEMBERS)
        (self.folder / "prometheus.yml").write_text(f"""
global: {{ scrape_interval: {SCRAPE_S}s, scrape_timeout: {SCRAPE_S * 900}ms }}
scrape_configs:
  - job_name: node
    static_configs: [ {targets(NODE)} ]
  - job_name: traffic
    static_configs: [ {targets(METRICS)} ]
""")
        # What was not scraped is a missing sample: an answer looks no further back than one scrape and a half.
        return Server("prometheus", ["prometheus", f"--config.file={self.folder / 'prometheus.yml'}",
                                     f"--storage.tsdb.path={self.folder / 'prometheus'}", f"--web.listen-address={PROMETHEUS}",
                                     "--log.level=warn", f"--query.lookback-delta={SCRAPE_S * 1500}ms"],
                      self.folder / "prometheus.log", f"http://{PROMETHEUS}/-/ready")

    def start(self):
        for server in (*self.exporters, self.prometheus):
            server.start()
        for server in (*self.exporters, self.prometheus):
            server.wait_ready()
        self.wait_whole()

    def stop(self):
        for server in (self.prometheus, *self.exporters):
            if server.process:
                server.process.kill()
            server.stop()
        for process in self.traffic.values():
            process.kill()
            process.wait()
        self.network.close()

    def stall(self, m, streams):
        """So many of its streams send nothing."""
        self.traffic[m].stdin.write(f"{streams}\n")
        self.traffic[m].stdin.flush()

    def link(self, m, up):
        """Its link to all others, at the far end."""
        isolate.run("ip", "link", "set", f"to-{m}", "up" if up else "down")

    def cap(self, m, bytes_a_second):
        """What it may send at most; None: what it likes."""
        how = ["del", "dev", "eth0", "root"] if bytes_a_second is None else \
            ["replace", "dev", "eth0", "root", "tbf", "rate", f"{int(bytes_a_second * 8)}bit", "burst", "16kb", "latency", "100ms"]
        isolate.run(*self.network.inside(m), "tc", "qdisc", *how)

    def about(self, _fault):
        return {}

    def _received(self, m):
        """Bytes that have come to a host's sink; None: it does not answer."""
        try:
            text = http(f"http://{self.address[m]}:{METRICS}/metrics", timeout=1)[1].decode()
        except OSError:
            return None
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("traffic_received_bytes_total "))

    def wait_whole(self):
        """Until traffic has come to every host in two looks, a second apart."""
        deadline, before, good = time.time() + RECOVERY_MAX_S, {}, 0
        while good < 2:
            if time.time() > deadline:
                raise StackError(f"traffic does not flow {RECOVERY_MAX_S} s after a fault was undone")
            now = {m: self._received(m) for m in MEMBERS}
            flows = [None not in (now[m], before.get(m)) and now[m] - before[m] > FLOWS * USUAL for m in MEMBERS]
            good = good + 1 if all(flows) else 0
            before = now
            time.sleep(1)
