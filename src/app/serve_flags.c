/* serve_flags.c: every limit of the server with its flag and default. */
#include "app/serve.h"

#include <string.h>

/* What is listened to, and limits on what comes in. */
static size_t front_flags(struct ax_serve_flags *f, struct ax_flag *out)
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
        {"web.enable-admin-api", AX_FLAG_BOOL, &f->admin, "false",
         "allow changes over HTTP: of models, by POST /api/v1/models/..., and POST /api/v1/admin/erase"},
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
        {"remote-write.max-refused-series", AX_FLAG_COUNT, &f->refused_max, "10000",
         "series refused in one request; above: 400, and the rest is not looked at"},
        {"remote-write.max-future", AX_FLAG_DURATION, &f->future_ms, "10m",
         "samples further ahead are refused"},
        {"remote-read.max-body-size", AX_FLAG_BYTES, &f->read.body_max, "1MiB",
         "one remote-read request, compressed or not; above: 413 or 400"},
        {"remote-read.max-queries", AX_FLAG_COUNT, &f->read.queries_max, "100",
         "queries of one remote-read request"},
        {"remote-read.max-matchers", AX_FLAG_COUNT, &f->read.matchers_max, "100", "matchers of one query"},
        {"remote-read.max-series", AX_FLAG_COUNT, &f->read.series_max, "100000", "series of one answer"},
        {"remote-read.max-samples", AX_FLAG_COUNT, &f->read.samples_max, "5000000", "samples of one answer"},
        {"remote-read.max-duration", AX_FLAG_DURATION, &f->read.duration_ms, "5s",
         "time to find what a request asks for; then 503"},
        {"remote-read.max-concurrent", AX_FLAG_COUNT, &f->read.concurrent_max, "10",
         "remote-read requests at once; above: 503"},
    };
    memcpy(out, flags, sizeof flags);
    return sizeof flags / sizeof flags[0];
}

/* Limits on what is asked for. */
static size_t predict_flags(struct ax_serve_flags *f, struct ax_flag *out)
{
    const struct ax_flag flags[] = {
        {"predict.max-body-size", AX_FLAG_BYTES, &f->predict.body_max, "1MiB",
         "one request for predictions; above: 413"},
        {"predict.max-selectors", AX_FLAG_COUNT, &f->predict.selectors_max, "2000",
         "selectors of one request for predictions"},
        {"predict.max-horizons", AX_FLAG_COUNT, &f->predict.horizons_max, "32",
         "horizons of one such request"},
        {"predict.max-series", AX_FLAG_COUNT, &f->predict.series_max, "10000", "series of one answer"},
        {"predict.max-duration", AX_FLAG_DURATION, &f->predict.duration_ms, "1s",
         "time to find what a request asks for; then 503"},
        {"predict.max-concurrent", AX_FLAG_COUNT, &f->predict.concurrent_max, "10",
         "requests for predictions at once; above: 503"},
        {"feedback.max-events", AX_FLAG_COUNT, &f->events_max, "4096",
         "what people have said of scores and is in force; above: 409; of what was revoked as many are kept"},
    };
    memcpy(out, flags, sizeof flags);
    return sizeof flags / sizeof flags[0];
}

/* What lasts and what is kept, and the rest. */
static size_t store_flags(struct ax_serve_flags *f, struct ax_flag *out)
{
    const struct ax_flag flags[] = {
        {"storage.fsync", AX_FLAG_STRING, &f->fsync, "interval",
         "when what lasts is brought to the disk: interval (each second) or always (before an answer)"},
        {"storage.wal-segment-size", AX_FLAG_BYTES, &f->wal_segment_bytes, "64MiB",
         "size at which a file of the log is closed and the next one begun"},
        {"storage.snapshot-interval", AX_FLAG_DURATION, &f->snapshot_interval_ms, "5m",
         "how often at least a snapshot is taken, from which a start replays the log"},
        {"storage.max-replay", AX_FLAG_DURATION, &f->replay_max_ms, "750ms",
         "processor time that a start after a kill may take for replayed steps; above, a snapshot is taken "
         "early; 0s: no limit"},
        {"storage.max-snapshot-rate", AX_FLAG_BYTES, &f->snapshot_rate_max, "2MiB",
         "bytes a second that snapshots taken early may write; 0: no limit"},
        {"storage.max-memory", AX_FLAG_MEMORY, &f->memory_max, "80%",
         "memory in use; above: 503, and near it no new series; 0: no limit"},
        {"storage.max-series", AX_FLAG_COUNT, &f->series_max, "1000000", "wanted input series in memory"},
        {"storage.max-samples-per-series", AX_FLAG_COUNT, &f->ring_samples_max, "65536",
         "raw samples of one series"},
        {"storage.max-histogram-size", AX_FLAG_BYTES, &f->histogram_bytes_max, "1MiB",
         "native histograms of one series; above: its oldest go"},
        {"storage.max-histograms-size", AX_FLAG_BYTES, &f->histogram_bytes_all, "256MiB",
         "native histograms of all series; above: 400 for new series with them"},
        {"storage.out-of-order-window", AX_FLAG_DURATION, &f->out_of_order_ms, "1y",
         "samples further behind the newest of their series, or than a job looks back, are refused"},
        {"storage.negative-cache", AX_FLAG_COUNT, &f->negative_max, "2097152",
         "remembered series that no job wants, 16 bytes each; of as many series it is known which comes "
         "after "
         "which (16 bytes more, 32 of wanted ones)"},
        {"storage.queue.max-size", AX_FLAG_BYTES, &f->queue_max, "1GiB",
         "what may wait for an endpoint; beyond, its oldest samples are dropped"},
        {"storage.remote.flush-deadline", AX_FLAG_DURATION, &f->flush_deadline_ms, "1m",
         "time to send what waits, at stop"},
        {"training.max-cpu", AX_FLAG_COUNT, &f->training_cpu, "50",
         "percent of one core that fits of models may use; they yield to all other work"},
        {"training.max-memory", AX_FLAG_BYTES, &f->training_bytes_max, "256MiB",
         "copies of the past that fits learn from; above, a fit waits"},
        {"training.min-completeness", AX_FLAG_COUNT, &f->completeness, "50",
         "percent of the steps that must have a value for a fit to learn from them"},
        {"training.max-outliers", AX_FLAG_COUNT, &f->outliers, "30",
         "percent of the values that may be outliers, likewise"},
        {"query.max-concurrency", AX_FLAG_COUNT, &f->queries_max, "20",
         "questions answered at once, beside what is received; 128 more wait; above: 503"},
        {"query.max-range", AX_FLAG_DURATION, &f->max_range_ms, "1h", "longest range of an expression"},
        {"debug.allow-core-dumps", AX_FLAG_BOOL, &f->core_dumps, "false",
         "let a crash dump memory, with passwords and keys in it"},
        {"log.level", AX_FLAG_STRING, &f->log_level, "info", "debug, info, warn or error"},
        {"log.format", AX_FLAG_STRING, &f->log_format, "logfmt", "logfmt or json"},
    };
    memcpy(out, flags, sizeof flags);
    return sizeof flags / sizeof flags[0];
}

size_t ax_serve_flag_table(struct ax_serve_flags *f, struct ax_flag out[AX_SERVE_FLAGS_MAX])
{
    size_t n = front_flags(f, out);
    n += predict_flags(f, out + n);
    return n + store_flags(f, out + n);
}
