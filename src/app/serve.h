/* serve.h: the flags of `auspex serve`. */
#ifndef AX_APP_SERVE_H
#define AX_APP_SERVE_H

#include "api/predict.h"
#include "api/read.h"
#include "app/flags.h"

/* Everything that the command line decides. */
struct ax_serve_flags {
    const char *config_file, *storage_path, *listen_address, *web_config_file, *log_level, *log_format,
        *fsync;
    int64_t max_range_ms, flush_deadline_ms, snapshot_interval_ms, replay_max_ms;
    uint64_t body_max, decoded_max, bodies_max, memory_max, queue_max, wal_segment_bytes, snapshot_rate_max;
    uint32_t threads, connections_max, connections_per_ip_max, requests_max, queries_max, labels_max,
        label_bytes_max, key_bytes_max, samples_max, symbols_max, refused_max;
    uint32_t events_max; /* of feedback in force */
    uint32_t series_max, ring_samples_max, negative_max;
    uint64_t histogram_bytes_max, histogram_bytes_all;
    uint32_t training_cpu; /* percent of a core */
    uint64_t training_bytes_max;
    uint32_t completeness, outliers; /* percent: of data that models learn from */
    int64_t read_timeout_ms, idle_timeout_ms, future_ms, out_of_order_ms;
    bool lifecycle, admin, core_dumps;
    struct ax_read_ceilings read;
    struct ax_predict_ceilings predict;
};

#define AX_SERVE_FLAGS_MAX 96

/* Fill the table of flags over *f; returns how many. */
size_t ax_serve_flag_table(struct ax_serve_flags *f, struct ax_flag out[AX_SERVE_FLAGS_MAX]);

#endif
