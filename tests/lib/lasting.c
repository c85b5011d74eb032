/* lasting.c: the feed from two recordings, and processes on one folder. */
#include "lasting.h"

#include "ax_test.h"
#include "base/rng.h"
#include "ingest/csv.h"
#include "rig.h"
#include "series_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ROWS 170
#define PATIENCE_ROWS 9 /* of silence: longer than anybody waits */

const char lasting_jobs[] =
    "global: {step: 10s, evaluation_delay: 10s}\n"
    "jobs:\n"
    "  - name: kbps\n"
    "    expr: rx_kbps\n"
    "    forecast: {output: predicted_kbps, horizons: [10s, 1m]}\n"
    "    anomaly: {}\n"
    "    drift: {reference: 30, current: 30, interval: 30s}\n"
    "  - name: rate\n"
    "    expr: rate(rx_bytes[1m])\n"
    "    forecast: {output: predicted_rate, horizons: [10s]}\n"
    "    anomaly: {}\n"
    "  - name: ratio\n"
    "    expr: sum by (group) (rate(tx_bytes[1m])) / sum by (group) (rx_kbps)\n"
    "    forecast: {output: predicted_ratio, horizons: [20s]}\n"
    "  - name: routers\n"
    "    by: [router]\n"
    "    features:\n"
    "      in: avg by (router) (rx_kbps)\n"
    "      out: max by (router) (rate(tx_bytes[1m]))\n"
    "    anomaly: {}\n"
    "    drift: {reference: 30, current: 30, interval: 1m}\n"
    "  - name: shared\n"
    "    expr: rx_kbps\n"
    "    by: [router]\n"
    "    features:\n"
    "      out: max by (router) (rate(tx_bytes[1m]))\n"
    "    window: {fine: 60, coarse: 60}\n"
    "    forecast:\n"
    "      horizons: [10s, 1m]\n"
    "      lstm: {preset: internet, sequence: 2, epochs: 1, max_rows: 1000, categorical: [group]}\n"
    "  - {name: slow, step: 2m, expr: avg by (router) (rx_kbps), anomaly: {}}\n"
    "  - {name: few, expr: rx_kbps, max_series: 3, max_output_series: 7, anomaly: {}}\n";

/* Which row of the feed brings a series its last sample before it is away, and its first one after; and its
 * very first. */
struct life {
    uint32_t first, away, back;
    bool ended; /* it goes with a stale marker */
};

static struct life life_of(uint32_t series)
{
    switch (series % 8) {
    case 1:
        return (struct life){37 + series, UINT32_MAX, 0, false};
    case 3:
        return (struct life){0, 60 + series, 80 + series, true};
    case 5:
        return (struct life){0, 40, 100, false}; /* longer than the outputs wait */
    case 6:
        return (struct life){20, 70, UINT32_MAX, true};
    default:
        return (struct life){0, UINT32_MAX, 0, false};
    }
}

/* The value of a series at a row, with what its life says; false when there is none. */
static bool lives(uint32_t series, uint32_t row, double *value)
{
    struct life l = life_of(series);
    if (row < l.first || isnan(*value) || (row > l.away && row < l.back))
        return false;
    if (row == l.away && l.ended)
        *value = ax_stale();
    return true;
}

/* Values of a recording: [ROWS][series]. */
static double *read_recording(const char *name, struct lasting_feed *f, uint32_t *series_n)
{
    char path[512];
    const char *paths[] = {path};
    struct ax_csv *csv = NULL;
    struct ax_csv_value v;
    struct ax_diag diag = {{0}};
    bool end = false;
    (void)snprintf(path, sizeof path, "%s/data/promql/%s.csv", AX_TEST_DIR, name);
    if (ax_csv_open(paths, 1, ax_str(""), &csv, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    *series_n = ax_csv_series_n(csv);
    double *values = malloc(ROWS * sizeof *values * *series_n);
    f->keys = realloc(f->keys, (f->series_n + *series_n) * sizeof *f->keys);
    assert_true(values && f->keys);
    for (uint32_t i = 0; i < ROWS * *series_n; i++)
        values[i] = (double)NAN;
    for (uint32_t i = 0; i < *series_n; i++) {
        struct ax_str column = ax_labels_get(ax_csv_labels(csv, i), ax_str(AX_METRIC_NAME));
        const char *metric = strstr(column.p, "rx_kbps") ? "rx_kbps"
                             : strstr(column.p, "rx_b")  ? "rx_bytes"
                                                         : "tx_bytes";
        char text[128];
        (void)snprintf(text, sizeof text, "%s{port=\"%u\",router=\"%s\",group=\"%u\"}", metric, i % 4, name,
                       i % 2);
        (void)series_world_key(&f->keys[f->series_n++], text);
    }
    int64_t began_ms = INT64_MIN;
    while (ax_csv_next(csv, &v, &end, &diag) == AX_OK && !end) {
        began_ms = began_ms == INT64_MIN ? v.t_ms : began_ms;
        int64_t row = (v.t_ms - began_ms) / LASTING_STEP;
        if (row < ROWS)
            values[row * *series_n + v.series] = v.value;
    }
    ax_csv_close(csv);
    return values;
}

static void add(struct lasting_feed *f, uint32_t row, uint32_t series, int64_t t_ms, double value)
{
    struct lasting_request *r = &f->v[row];
    r->v = realloc(r->v, (r->n + 1) * sizeof *r->v);
    assert_non_null(r->v);
    r->v[r->n++] = (struct lasting_sample){series, {t_ms, value}};
}

/* Some samples come rows later; none across the silence, where it is not the feed that says what is late. */
static uint32_t comes_at(struct ax_rng *rng, uint32_t row)
{
    const uint32_t silence = ROWS / 2;
    uint32_t later = ax_rng_below(rng, 25) == 0 ? row + 2 + (uint32_t)ax_rng_below(rng, 6) : row;
    return later < ROWS && (later < silence || row >= silence + PATIENCE_ROWS) ? later : row;
}

void lasting_feed_init(struct lasting_feed *f, uint64_t seed, bool late)
{
    static const char *const names[] = {"cisco-leaf7", "cisco-dr03"};
    struct ax_rng rng;
    *f = (struct lasting_feed){.v = calloc(ROWS, sizeof *f->v), .n = ROWS};
    assert_non_null(f->v);
    ax_rng_seed(&rng, seed);
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        uint32_t n, base = f->series_n;
        double *values = read_recording(names[k], f, &n);
        for (uint32_t row = 0; row < ROWS; row++) {
            f->v[row].at_ms = LASTING_START + (int64_t)row * LASTING_STEP;
            for (uint32_t i = 0; i < n; i++) {
                double value = values[row * n + i];
                bool silent = row >= ROWS / 2 && row < ROWS / 2 + PATIENCE_ROWS;
                if (!silent && lives(base + i, row, &value))
                    add(f, late ? comes_at(&rng, row) : row, base + i, f->v[row].at_ms, value);
            }
        }
        free(values);
    }
}

void lasting_feed_done(struct lasting_feed *f)
{
    for (uint32_t i = 0; i < f->n; i++)
        free(f->v[i].v);
    for (uint32_t i = 0; i < f->series_n; i++)
        ax_buf_done(&f->keys[i]);
    free(f->keys);
    free(f->v);
}

void lasting_start(struct lasting *l, const char *jobs)
{
    struct ax_diag diag = {{0}};
    if (ax_durable_open(&(struct ax_durable_options){.path = l->folder}, &l->d, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    l->db = ax_db_new(&(struct ax_db_options){
        .seed = 1000 + ++l->starts, .series_max = 1000, .negative_max = 1024, .retention_ms = 900000});
    assert_non_null(l->db);
    (void)snprintf(l->models, sizeof l->models, "%s/models", l->folder);
    (void)mkdir(l->models, 0700);
    const struct ax_training_options training = {.artifacts = ax_artifact_files(l->models),
                                                 .cpu_share = 1,
                                                 .bytes_max = 64u << 20,
                                                 .synchronous = true};
    assert_int_equal(ax_training_start(&training, &l->training, NULL), AX_OK);
    l->pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = l->db,
                                                                .training = l->training,
                                                                .artifacts = training.artifacts,
                                                                .sink = ledger_sink(&l->ledger),
                                                                .clock = ax_clock_virtual(&l->now_ms),
                                                                .max_range_ms = 3600000,
                                                                .seed = 42,
                                                                .log = ax_durable_log(l->d),
                                                                .snapshots = ax_durable_snapshots(l->d),
                                                                .snapshot_interval_ms = 3600000});
    assert_non_null(l->pipeline);
    if (ax_pipeline_load(l->pipeline, rig_config(jobs), &diag) != AX_OK)
        fail_msg("%s", diag.text);
    if (ax_durable_recover(l->d, l->db, l->pipeline, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_journal_init(&l->journal);
}

void lasting_kill(struct lasting *l)
{
    ax_pipeline_free(l->pipeline);
    ax_training_stop(l->training);
    ax_db_free(l->db);
    ax_durable_close(l->d);
    ax_journal_done(&l->journal);
    ledger_crash(&l->ledger);
    l->d = NULL;
}

void lasting_init(struct lasting *l, const struct lasting_feed *feed)
{
    *l = (struct lasting){.feed = feed, .now_ms = LASTING_START};
    l->taken_end = calloc(feed->n, sizeof *l->taken_end);
    assert_non_null(l->taken_end);
    scratch_make(l->folder, NULL);
    lasting_start(l, lasting_jobs);
}

bool lasting_send(struct lasting *l, uint32_t i)
{
    const struct lasting_request *r = &l->feed->v[i];
    struct ax_diag diag = {{0}};
    ax_journal_reset(&l->journal);
    for (uint32_t k = 0; k < r->n; k++) {
        struct ax_append a = {
            .key = ax_buf_view(&l->feed->keys[r->v[k].series]), .samples = &r->v[k].sample, .n = 1};
        ax_db_append_one(l->db, ax_str(""), &a, &l->journal, &diag);
        assert_true(a.fate == AX_FATE_WANTED || a.fate == AX_FATE_UNWANTED);
    }
    if (ax_journal_append(&l->journal, l->db, ax_durable_log(l->d), &diag) != AX_OK)
        return false;
    l->taken_end[i] = ax_seglog_end(ax_durable_log(l->d));
    l->taken = i + 1;
    return true;
}

void lasting_pass(struct lasting *l, int64_t t_ms)
{
    (void)ax_pipeline_run_due(l->pipeline);
    while (l->now_ms < t_ms) {
        l->now_ms = l->now_ms + 1000 < t_ms ? l->now_ms + 1000 : t_ms;
        (void)ax_pipeline_run_due(l->pipeline);
    }
}

void lasting_done(struct lasting *l)
{
    if (l->d)
        lasting_kill(l);
    ledger_done(&l->ledger);
    free(l->taken_end);
    scratch_remove(l->folder);
}

void lasting_live_to(struct lasting *l, uint32_t requests)
{
    while (l->taken < requests) {
        lasting_pass(l, l->feed->v[l->taken].at_ms);
        (void)lasting_send(l, l->taken);
    }
}

static bool count_port(void *ctx, const struct ax_modelled *s)
{
    *(uint32_t *)ctx += ax_str_eq(ax_labels_get(s->labels, ax_str("port")), ax_str("1"));
    return true;
}

uint32_t lasting_modelled(struct lasting *l)
{
    uint32_t n = 0;
    assert_int_equal(ax_pipeline_all_series(l->pipeline, 1000, count_port, &n), AX_OK);
    return n;
}
