"""The names of series that rules and dashboards may use, and the names that a PromQL expression uses."""
import re
from pathlib import Path

# What the exporters and Prometheus itself offer, as far as it is used here.
EXPORTERS = set("""
up ALERTS prometheus_remote_storage_samples_failed_total
node_cpu_seconds_total node_load1 node_memory_MemAvailable_bytes node_memory_MemTotal_bytes
node_network_receive_bytes_total node_network_transmit_bytes_total node_network_speed_bytes
node_disk_io_time_seconds_total node_disk_read_bytes_total node_disk_written_bytes_total
node_filesystem_avail_bytes node_filesystem_size_bytes
container_cpu_usage_seconds_total container_memory_working_set_bytes
kube_pod_container_resource_requests kube_pod_container_resource_limits kube_pod_container_status_restarts_total
kube_deployment_status_replicas_unavailable kube_deployment_spec_replicas
kube_statefulset_status_replicas_ready kube_statefulset_replicas
kube_daemonset_status_number_unavailable kube_daemonset_status_desired_number_scheduled
""".split())

KEYWORDS = set("and or unless by without on ignoring group_left group_right bool offset inf nan".split())


def self_metrics(root):
    """Names on Auspex's own /metrics, from src/base/metrics.def; a histogram has its three."""
    names = set()
    text = (Path(root) / "src/base/metrics.def").read_text()
    for kind, name in re.findall(r'^AX_METRIC3?\(\w+, (\w+), "(\w+)"', text, re.M):
        names |= {name + s for s in ("_bucket", "_sum", "_count")} if kind == "HISTOGRAM" else {name}
    return names


def outputs(root):
    """Names of the series that Auspex writes back, from src/config/outputs.def; the built-in job's forecast is
    predicted_bandwidth."""
    names = re.findall(r'^AX_OUTPUT\(\w+, "([\w*]+)"', (Path(root) / "src/config/outputs.def").read_text(), re.M)
    return {n.replace("*", "predicted_bandwidth") for n in names}


def used(expr):
    """Names of the series that a PromQL expression selects."""
    expr = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "", expr)
    expr = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expr)
    expr = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expr)
    expr = re.sub(r"\boffset\s+-?\w+", " ", expr)
    names = re.findall(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])", expr)
    return {n for n in names if n.lower() not in KEYWORDS}
