/* send.c: sends a few series to the remote_write endpoints of a config and prints the self-metrics.
 *
 * usage: e2e_emit_send CONFIG METRIC FIRST_MS SERIES SAMPLES FOLDER [PAUSE_MS]
 *
 * The queue is in FOLDER; PAUSE_MS passes between two samples of a series. Series METRIC{i="0"},
 * METRIC{i="1"}, ... each with samples a second apart from FIRST_MS, whose value is i * 1000 + the sample's
 * number; then the odd ones end with a stale marker, the even ones just stop. The series METRIC_special has
 * values that text formats and arithmetic like to spoil. */
#include "base/metrics.h"
#include "base/parse.h"
#include "config/config.h"
#include "emit/emit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FLUSH_MS 30000
#define QUEUE_BYTES ((uint64_t)1 << 30)

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "e2e_emit_send: %s\n", what);
    exit(1);
}

static int64_t number(const char *text)
{
    int64_t n;
    if (ax_parse_i64(ax_str(text), &n) != AX_OK || n < 0)
        give_up("not a number");
    return n;
}

static struct ax_out *open_series(const struct ax_sink *sink, const char *metric, const char *suffix,
                                  int64_t i)
{
    char name[200], value[32];
    (void)snprintf(name, sizeof name, "%s%s", metric, suffix);
    (void)snprintf(value, sizeof value, "%lld", (long long)i);
    struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str(name)}, {ax_str("i"), ax_str(value)}};
    struct ax_labels labels = {2, pairs};
    struct ax_out *out = sink->open(sink->ctx, &labels);
    if (!out)
        give_up("out of memory");
    return out;
}

static void commit(const struct ax_sink *sink, int64_t t_ms)
{
    struct ax_diag diag = {{0}};
    if (sink->commit(sink->ctx, ax_str("send"), t_ms, &diag) != AX_OK)
        give_up(diag.text);
}

static void send_all(const struct ax_sink *sink, const char *metric, int64_t first_ms, int64_t series,
                     int64_t samples, int64_t pause_ms)
{
    struct ax_out **outs = calloc((size_t)series, sizeof(struct ax_out *));
    if (!outs)
        give_up("out of memory");
    for (int64_t i = 0; i < series; i++)
        outs[i] = open_series(sink, metric, "", i);
    for (int64_t k = 0; k < samples; k++) {
        for (int64_t i = 0; i < series; i++)
            sink->put(sink->ctx, outs[i], first_ms + k * 1000, (double)(i * 1000 + k));
        commit(sink, first_ms + k * 1000);
        ax_sleep_ns(pause_ms * 1000000);
    }
    for (int64_t i = 0; i < series; i++)
        sink->close(sink->ctx, outs[i], i % 2 ? first_ms + samples * 1000 : INT64_MIN);
    free(outs);

    const double special[] = {0.0, INFINITY, -INFINITY, 5e-324, 1.7976931348623157e308, 0.1, -1.5};
    struct ax_out *out = open_series(sink, metric, "_special", 0);
    for (size_t k = 0; k < sizeof special / sizeof special[0]; k++)
        sink->put(sink->ctx, out, first_ms + (int64_t)k * 1000, special[k]);
    sink->close(sink->ctx, out, INT64_MIN);
    commit(sink, first_ms + samples * 1000);
}

int main(int argc, char **argv)
{
    static struct ax_problems problems;
    struct ax_config *config;
    struct ax_emit *emit;
    struct ax_diag diag = {{0}};
    if (argc != 7 && argc != 8)
        give_up("usage: e2e_emit_send CONFIG METRIC FIRST_MS SERIES SAMPLES FOLDER [PAUSE_MS]");
    if (ax_config_load(argv[1], NULL, &config, &problems) != AX_OK)
        give_up(problems.n ? problems.v[0].text : "the config is not valid");
    const struct ax_emit_options options = {.endpoints = config->remote_write,
                                            .endpoints_n = config->remote_write_n,
                                            .dir = argv[6],
                                            .max_bytes = QUEUE_BYTES,
                                            .clock = ax_clock_wall()};
    if (ax_emit_start(&options, &emit, &diag) != AX_OK)
        give_up(diag.text);
    struct ax_sink sink = ax_emit_sink(emit);
    send_all(&sink, argv[2], number(argv[3]), number(argv[4]), number(argv[5]),
             argc == 8 ? number(argv[7]) : 0);
    ax_emit_stop(emit, FLUSH_MS);
    struct ax_buf out;
    ax_buf_init(&out, (size_t)1 << 24);
    ax_metrics_write(&out);
    (void)fwrite(out.bytes, 1, out.n, stdout);
    ax_buf_done(&out);
    ax_config_free(config);
    return 0;
}
