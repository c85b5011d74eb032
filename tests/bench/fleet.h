/* fleet.h: the series of the load: they look like node_exporter's, 8 labels with the name. */
#ifndef AX_BENCH_FLEET_H
#define AX_BENCH_FLEET_H

#include "prom/labels.h"

#include <stdio.h>

#define FLEET_DEVICES 64 /* series of a host */

/* Append the key of series i. */
static inline void fleet_key(uint32_t i, const char *job, const char *suffix, struct ax_buf *out)
{
    static const char *const metrics[] = {"node_network_receive_bytes_total",
                                          "node_load1",
                                          "node_network_transmit_bytes_total",
                                          "node_memory_MemAvailable_bytes",
                                          "node_cpu_seconds_total",
                                          "node_filesystem_avail_bytes",
                                          "node_disk_io_time_seconds_total",
                                          "node_hwmon_temp_celsius"};
    char device[32], instance[64], pod[64], zone[32];
    uint32_t host = i / FLEET_DEVICES, k = i % FLEET_DEVICES;
    (void)snprintf(device, sizeof device, "eth%u", k);
    (void)snprintf(instance, sizeof instance, "host-%05u.prod.example.net:9100", host);
    (void)snprintf(pod, sizeof pod, "checkout-7d9c6b%04x-%05u%s", host & 0xffff, k, suffix);
    (void)snprintf(zone, sizeof zone, "eu-west-1%c", (char)('a' + host % 3));
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(metrics[k % 8])},
                                 {ax_str("availability_zone"), ax_str(zone)},
                                 {ax_str("cluster"), ax_str("prod-eu-1")},
                                 {ax_str("device"), ax_str(device)},
                                 {ax_str("instance"), ax_str(instance)},
                                 {ax_str("job"), ax_str(job)},
                                 {ax_str("pod"), ax_str(pod)},
                                 {ax_str("region"), ax_str("eu-west-1")}};
    ax_labels_key_write(&(struct ax_labels){8, v}, out);
}

/* Is series i of those that are wanted? All of a host are or none, and such hosts stand evenly among the
 * others. */
static inline bool fleet_wants(uint32_t i, uint32_t series_n, uint32_t wanted_n)
{
    const uint64_t hosts = (series_n + FLEET_DEVICES - 1) / FLEET_DEVICES, host = i / FLEET_DEVICES,
                   wanted = (wanted_n + FLEET_DEVICES - 1) / FLEET_DEVICES;
    return (host + 1) * wanted / hosts > host * wanted / hosts;
}

#endif
