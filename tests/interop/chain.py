#!/usr/bin/python3
"""A Prometheus 3 that scrapes node_exporter, Auspex behind it, and the way back, all by remote-write 2.0.

usage: chain.py AUSPEX-BINARY PROMETHEUS-3-BINARY FOLDER SECONDS
"""
import json
import pathlib
import sys
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests" / "fault" / "lib")]
import fault  # noqa: E402
import stack  # noqa: E402
from fault import require  # noqa: E402

AUSPEX, PROMETHEUS, FOLDER, SECONDS = sys.argv[1], sys.argv[2], fault.fresh(sys.argv[3]), int(sys.argv[4])
V2 = "io.prometheus.write.v2.Request"

AUSPEX_YML = """
global: {{ step: 1s }}
remote_write:
  - {{ url: "{prometheus}/api/v1/write", protobuf_message: {v2}, queue_config: {{ batch_send_deadline: 1s }} }}
jobs:
  - name: bandwidth
    expr: rate(node_network_receive_bytes_total[10s])
    evaluation_delay: 3s
    forecast: {{ horizons: [5s, 15s] }}
    anomaly: {{}}
    drift: {{}}
  - name: latency # from native histograms
    expr: histogram_quantile(0.9, sum by (instance) (rate(prometheus_http_request_duration_seconds[10s])))
    evaluation_delay: 3s
    forecast: {{ horizons: [5s] }}
"""

PROMETHEUS_YML = """
global: {{ scrape_interval: 1s }}
scrape_configs:
  - {{ job_name: node, static_configs: [ {{ targets: ["{node}"] }} ] }}
  - {{ job_name: auspex, static_configs: [ {{ targets: ["{auspex}"] }} ] }}
  - job_name: prometheus
    scrape_native_histograms: true
    static_configs: [ {{ targets: ["{prometheus}"] }} ]
remote_write:
  - url: "http://{auspex}/api/v1/write"
    protobuf_message: {v2}
    send_native_histograms: true
    queue_config: {{ batch_send_deadline: 1s }}
"""


def metric(url, name, *parts):
    """Sum over the cells of a self-metric whose labels hold all parts; 0 when there is none."""
    status, body = stack.http(url + "/metrics")
    require(status == 200, f"{url}/metrics answered {status}")
    return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
               if line.startswith((name + "{", name + " ")) and all(part in line for part in parts))


class Chain:
    def __init__(self):
        self.node = stack.Server("node_exporter", ["prometheus-node-exporter", "--web.disable-exporter-metrics",
                                                   f"--web.listen-address={self.address('node')}"],
                                 FOLDER / "node.log", f"http://{self.node_address}/")
        url = f"http://{self.address('prometheus')}"
        self.auspex = fault.Auspex(AUSPEX, FOLDER / "auspex", AUSPEX_YML.format(prometheus=url, v2=V2))
        config = FOLDER / "prometheus.yml"
        config.write_text(PROMETHEUS_YML.format(node=self.node_address, auspex=self.auspex.address, v2=V2,
                                                prometheus=self.prometheus_address))
        self.prometheus = stack.Server(
            "prometheus", [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={FOLDER / 'prometheus'}",
                           f"--web.listen-address={self.prometheus_address}", "--web.enable-remote-write-receiver"],
            FOLDER / "prometheus.log", url + "/-/ready")
        self.prometheus.url = url
        self.servers = (self.node, self.prometheus, self.auspex)

    def address(self, name):
        setattr(self, name + "_address", f"127.0.0.1:{stack.free_port()}")
        return getattr(self, name + "_address")

    def __enter__(self):
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        return self

    def __exit__(self, *what):
        for server in reversed(self.servers):
            server.stop()

    def query(self, expression):
        status, body = stack.http(f"{self.prometheus.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        require(status == 200, f"{expression}: {status} {body[:200]}")
        return json.loads(body)["data"]["result"]


def both_ways():
    """remote-write 2.0 both ways with a current Prometheus: nothing fails, nothing is repeated, all is stored"""
    with Chain() as chain:
        time.sleep(SECONDS)
        url, target = chain.prometheus.url, f'url="{chain.prometheus.url}'
        sent = metric(url, "prometheus_remote_storage_samples_total")
        for name in ("failed", "retried", "dropped"):
            n = metric(url, f"prometheus_remote_storage_samples_{name}_total")
            require(n == 0, f"Prometheus counts {n:.0f} samples {name}")
        received = metric(chain.auspex.url, "auspex_received_samples_total", 'version="2.0"')
        require(sent > 0 and received >= 0.9 * sent, f"of {sent:.0f} samples sent {received:.0f} came by 2.0")
        require(metric(chain.auspex.url, "auspex_received_samples_total", 'version="1.0"') == 0, "some came by 1.0")
        for name in ("failed_samples", "retries", "dropped_samples"):
            n = metric(chain.auspex.url, f"auspex_remote_write_{name}_total", target)
            require(n == 0, f"Auspex counts {n:.0f} of {name}")
        back = metric(chain.auspex.url, "auspex_remote_write_sent_samples_total", target)
        stored = sum(len(row["values"]) for row in chain.query('{for!="",job!="auspex"}[1h]'))
        # The ends of series are sent and cannot be queried.
        require(0 < 0.99 * back <= stored, f"of {back:.0f} samples sent back {stored:.0f} are stored")
        rows = chain.query('predicted_bandwidth{for="bandwidth"}')
        require(rows, "no prediction came back")
        histograms = metric(chain.auspex.url, "auspex_received_histograms_total")
        refused = metric(chain.auspex.url, "auspex_rejected_series_total")
        require(histograms > 0 and refused == 0, f"{histograms:.0f} native histograms, {refused:.0f} series refused")
        latency = chain.query('predicted_latency{for="latency"}')
        require(latency and all(float(row["value"][1]) > 0 for row in latency), f"predictions of latency: {latency}")
        return f"{received:.0f} samples in, {back:.0f} out, {stored:.0f} stored a moment later, {len(rows)} predictions, " \
            f"{histograms:.0f} native histograms"


if __name__ == "__main__":
    fault.main([both_ways])
