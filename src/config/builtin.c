/* builtin.c: node_exporter's bandwidth by interface and each node as a whole. */
#include "config/builtin.h"

const char ax_config_builtin[] =
    "remote_write: [ { url: http://127.0.0.1:9090/api/v1/write } ]\n"
    "jobs:\n"
    "  - name: bandwidth\n"
    "    expr: rate(node_network_receive_bytes_total{device!~\"lo|veth.*\"}[1m])\n"
    "    forecast: { output: predicted_bandwidth, horizons: [1m, 5m, 15m, 1h] }\n"
    "    anomaly: {}\n"
    "    drift: {}\n"
    "  - name: node\n"
    "    by: [instance]\n"
    "    features:\n"
    "      cpu: 1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[1m]))\n"
    "      memory: 1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes\n"
    "      network: sum by (instance) (rate(node_network_receive_bytes_total[1m]))\n"
    "    anomaly: { model: ensemble }\n"
    "    drift: {}\n";
