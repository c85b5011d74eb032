/* serve_flags.c: every limit of the server with its flag and default. */
#include "app/serve.h"

#include <string.h>

size_t ax_serve_flag_table(struct ax_serve_flags *f, struct ax_flag out[AX_SERVE_FLAGS_MAX])
{
    const struct ax_flag flags[] = {
        {"config.file", AX_FLAG_STRING, &f->config_file, "",
         "configuration; without one, jobs for a node_exporter fleet"},
        {"storage.path", AX_FLAG_STRING, &f->storage_path, "data",
         "folder of what lasts; one process at a time"},
        {"web.listen-address", AX_FLAG_STRING, &f->listen_address, "127.0.0.1:9201",
         "host:port to listen on"},
        {"web.config.file", AX_FLAG_STRING, &f->web_config_file, "",
         "TLS, passwords and tokens of the listener; without one, all come in"},
        {"web.threads", AX_FLAG_COUNT, &f->threads, "2", "threads that receive and answer"},
        {"web.max-connections", AX_FLAG_COUNT, &f->connections_max, "512",
         "connections at once; above: 503, or closed"},
        {"web.max-connections-per-ip", AX_FLAG_COUNT, &f->connections_per_ip_max, "256",
         "connections of one address (of IPv6: one /64)"},
        {"web.max-requests", AX_FLAG_COUNT, &f->requests_max, "384",
         "requests with a body at once; above: 503"},
        {"web.read-timeout", AX_FLAG_DURATION, &f->read_timeout_ms, "1m",
         "time for a request to arrive whole, however slowly; then 408"},
        {"web.idle-timeout", AX_FLAG_DURATION, &f->idle_timeout_ms, "5m",
         "a silent connection, or an answer not taken, ends after this"},
        {"web.enable-lifecycle", AX_FLAG_BOOL, &f->lifecycle, "false", "allow POST /-/reload"},
        {"remote-write.max-body-size", AX_FLAG_BYTES, &f->body_max, "32MiB",
         "compressed body of one request; above: 413"},
        {"remote-write.max-decoded-size", AX_FLAG_BYTES, &f->decoded_max, "32MiB",
         "the same, decompressed; above: 400"},
        {"remote-write.max-inflight-size", AX_FLAG_BYTES, &f->bodies_max, "256MiB",
         "all bodies in flight; above: 503"},
        {"remote-write.max-labels", AX_FLAG_COUNT, &f->labels_max, "128", "labels of one series"},
        {"remote-write.max-label-size", AX_FLAG_COUNT, &f->label_bytes_max, "4096",
         "bytes of one label name or value"},
        {"remote-write.max-labels-size", AX_FLAG_COUNT, &f->key_bytes_max, "65536",
         "bytes of all labels of one series"},
        {"remote-write.max-samples-per-series", AX_FLAG_COUNT, &f->samples_max, "100000",
         "samples of one series in one request"},
        {"remote-write.max-symbols", AX_FLAG_COUNT, &f->symbols_max, "1000000", "symbols of one 2.0 request"},
        {"remote-write.max-future", AX_FLAG_DURATION, &f->future_ms, "10m",
         "samples further ahead are refused"},
        {"storage.max-memory", AX_FLAG_MEMORY, &f->memory_max, "80%",
         "memory in use; above: 503, and near it no new series; 0: no limit"},
        {"storage.max-series", AX_FLAG_COUNT, &f->series_max, "1000000", "wanted input series in memory"},
        {"storage.max-samples-per-series", AX_FLAG_COUNT, &f->ring_samples_max, "65536",
         "raw samples of one series"},
        {"storage.out-of-order-window", AX_FLAG_DURATION, &f->out_of_order_ms, "1y",
         "samples further behind the newest of their series, or than a job looks back, are refused"},
        {"storage.negative-cache", AX_FLAG_COUNT, &f->negative_max, "2097152",
         "remembered series that no job wants"},
        {"storage.remote.flush-deadline", AX_FLAG_DURATION, &f->flush_deadline_ms, "1m",
         "time to send what waits, at stop"},
        {"query.max-range", AX_FLAG_DURATION, &f->max_range_ms, "1h", "longest range of an expression"},
        {"debug.allow-core-dumps", AX_FLAG_BOOL, &f->core_dumps, "false",
         "let a crash dump memory, with passwords and keys in it"},
        {"log.level", AX_FLAG_STRING, &f->log_level, "info", "debug, info, warn or error"},
        {"log.format", AX_FLAG_STRING, &f->log_format, "logfmt", "logfmt or json"},
    };
    memcpy(out, flags, sizeof flags);
    return sizeof flags / sizeof flags[0];
}
