/* Jobs that were saved and loaded, into another database with another seed, go on as if nothing had been:
 * every sample that comes out is the same. Over recordings of a service with an outage, with gaps, ends, late
 * samples and short-lived series beside them. */
#include "ax_test.h"
#include "base/rng.h"
#include "damage.h"
#include "ingest/csv.h"
#include "memory_sink.h"
#include "pipeline/job.h"
#include "pipeline/pipeline.h"
#include "prom/sample.h"
#include "rig.h"
#include "saved_job.h"
#include "scratch.h"
#include "store/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP 60000
#define START 1525114560000
#define ROWS 500
#define JOBS 4
#define TAPE_MAX 20000
#define PODS 70
#define BURST 70
#define BURST_ROW 100

static const char yaml[] =
    "global: {step: 1m, evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: flow\n"
    "    expr: value\n"
    "    forecast: {output: predicted_flow, horizons: [1m, 5m, 30m], peak: true}\n"
    "    capacity: {expr: 'max_over_time(value[15m])'}\n"
    "    billing: {interval: 10m, time_zone: America/New_York}\n"
    "    anomaly: {}\n"
    "    drift: {reference: 100, current: 40, per: entity, max_entities: 3, stream: adwin}\n"
    "    window: {fine: 120, coarse: 60}\n"
    "    series_retention: 15m\n"
    "  - name: node\n"
    "    by: [instance]\n"
    "    features: {level: avg by (instance) (value), ratio: 'value / avg_over_time(value[10m])'}\n"
    "    forecast: {output: predicted_level, targets: [level], horizons: [5m]}\n"
    "    anomaly: {}\n"
    "    drift: {reference: 100, current: 40, per: entity, max_entities: 3, stream: page_hinkley}\n"
    "    window: {fine: 120, coarse: 60}\n"
    "    series_retention: 15m\n"
    "  - {name: few, expr: value, anomaly: {}, max_series: 5, max_output_series: 11}\n"
    "  - {name: slow, step: 5m, expr: 'avg_over_time(value[5m])', anomaly: {}, drift: {}}\n";

/* A sample and the row with which it arrives. */
struct arrival {
    uint32_t row, series;
    struct ax_sample sample;
};

/* All that arrives, in its order, and the keys of the series. */
struct tape {
    struct arrival v[TAPE_MAX];
    uint32_t n, series_n;
    struct ax_buf keys[2 + PODS + BURST];
};

static int by_row(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->sample.t_ms > y->sample.t_ms) - (x->sample.t_ms < y->sample.t_ms);
}

static void arrive(struct tape *tape, uint32_t row, uint32_t series, int64_t t_ms, double value)
{
    assert_true(tape->n < TAPE_MAX);
    tape->v[tape->n++] = (struct arrival){row, series, {t_ms, value}};
}

static void add_series(struct tape *tape, const struct ax_labels *labels)
{
    struct ax_buf *key = &tape->keys[tape->series_n++];
    ax_buf_init(key, 4096);
    ax_labels_key_write(labels, key);
}

/* The recordings: the first has gaps and is away for so long that it is forgotten; the second ends with a
 * stale marker, comes back, and has samples that come late. */
static void record(struct tape *tape)
{
    char path[2][512];
    const char *paths[2] = {path[0], path[1]};
    struct ax_csv *csv;
    struct ax_csv_value v;
    bool end;
    for (int i = 0; i < 2; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/data/replay/ingress-0%d.csv", AX_TEST_DIR, i ? 5 : 1);
    assert_int_equal(ax_csv_open(paths, 2, ax_str("label"), &csv, NULL), AX_OK);
    for (uint32_t i = 0; i < 2; i++)
        add_series(tape, ax_csv_labels(csv, i));
    while (ax_csv_next(csv, &v, &end, NULL) == AX_OK && !end) {
        uint32_t row = (uint32_t)((v.t_ms - START) / STEP);
        if (row >= ROWS)
            break;
        if (v.series == 0 && (row % 31 == 4 || (row > 400 && row < 430)))
            continue;
        if (v.series == 1 && row > 250 && row < 262)
            continue;
        bool late = v.series == 1 && row % 47 == 3;
        arrive(tape, row + (late ? 2 : 0), v.series, v.t_ms,
               v.series == 1 && row == 250 ? ax_stale() : v.value);
    }
    ax_csv_close(csv);
}

/* Series that live for some rows, and a crowd of them at once, more than drift samples. */
static void add_pods(struct tape *tape)
{
    for (uint32_t k = 0; k < PODS + BURST; k++) {
        char name[32];
        (void)snprintf(name, sizeof name, "pod-%u", k);
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("value")},
                                     {ax_str("instance"), ax_str(name)}};
        const struct ax_labels labels = {2, v};
        uint32_t series = tape->series_n, from = k < PODS ? 5 + 6 * k : BURST_ROW, n = k < PODS ? 25 : 8;
        add_series(tape, &labels);
        for (uint32_t i = from; i < from + n && i < ROWS; i++)
            arrive(tape, i, series, START + (int64_t)i * STEP,
                   k % 9 == 0 ? (double)NAN : 100 * k + 10 * sin(i * 0.7 + k));
    }
}

static struct tape *tape_new(void)
{
    struct tape *tape = calloc(1, sizeof *tape);
    assert_non_null(tape);
    record(tape);
    add_pods(tape);
    qsort(tape->v, tape->n, sizeof tape->v[0], by_row);
    return tape;
}

static void tape_free(struct tape *tape)
{
    for (uint32_t i = 0; i < tape->series_n; i++)
        ax_buf_done(&tape->keys[i]);
    free(tape);
}

/* A database and the jobs over it; the sink outlives both. */
struct world {
    struct ax_config *config;
    struct memory_sink *sink;
    struct ax_db *db;
    struct ax_job *jobs[JOBS];
    struct ax_buf record; /* of a step */
    uint32_t arrived;
};

static void world_open(struct world *w, uint64_t seed)
{
    w->arrived = 0;
    ax_buf_init(&w->record, 1u << 20);
    w->db = ax_db_new(&(struct ax_db_options){.seed = seed,
                                              .series_max = 1000,
                                              .ring_samples_max = 65536,
                                              .negative_max = 1024,
                                              .retention_ms = 360000});
    assert_non_null(w->db);
    assert_int_equal(w->config->jobs_n, JOBS);
    for (uint32_t i = 0; i < JOBS; i++) {
        const struct ax_job_env env = {.db = w->db,
                                       .sink = memory_sink(w->sink),
                                       .max_range_ms = 3600000,
                                       .seed = 42,
                                       .generation = seed * JOBS + i}; /* another one each time */
        assert_int_equal(ax_job_new(&env, w->config, &w->config->jobs[i], &w->jobs[i], NULL), AX_OK);
    }
}

static void world_close(struct world *w)
{
    for (uint32_t i = 0; i < JOBS; i++)
        ax_job_free(w->jobs[i], INT64_MIN);
    ax_db_free(w->db);
    ax_buf_done(&w->record);
}

/* Let everything arrive that comes with rows before `row`. */
static void receive(struct world *w, const struct tape *tape, uint32_t row)
{
    for (; w->arrived < tape->n && tape->v[w->arrived].row < row; w->arrived++) {
        const struct arrival *a = &tape->v[w->arrived];
        assert_int_equal(
            ax_db_append(w->db, ax_str(""), ax_buf_view(&tape->keys[a->series]), &a->sample, 1, NULL, NULL),
            AX_FATE_WANTED);
    }
}

/* Run the steps that are due at a row, and what is repeated. */
static void run_row(struct world *w, uint32_t row)
{
    int64_t now_ms = START + (int64_t)row * STEP, t_ms;
    const struct ax_tick tick = {now_ms, now_ms, now_ms, 0};
    uint64_t skipped;
    for (uint32_t i = 0; i < JOBS; i++) {
        while (ax_job_due(w->jobs[i], &tick, &t_ms, &skipped)) {
            assert_int_equal(ax_job_evaluate(w->jobs[i], t_ms, &w->record), AX_OK);
            assert_int_equal(ax_job_take(w->jobs[i], ax_buf_view(&w->record)), AX_OK);
        }
        (void)ax_job_repeat(w->jobs[i], now_ms);
    }
}

static void save(struct world *w, const char *dir)
{
    struct ax_snapshot_writer *writer;
    struct ax_buf scratch;
    ax_buf_init(&scratch, 64u << 20);
    assert_int_equal(ax_snapshot_begin(dir, 1, &writer, NULL), AX_OK);
    for (uint32_t i = 0; i < JOBS; i++)
        assert_int_equal(ax_job_save(w->jobs[i], &scratch, writer), AX_OK);
    assert_int_equal(ax_snapshot_commit(writer, NULL), AX_OK);
    ax_buf_done(&scratch);
}

static void load(struct world *w, const char *dir)
{
    struct ax_snapshot *s;
    struct ax_diag diag = {{0}};
    struct ax_job *job = NULL;
    struct ax_str body;
    uint8_t type;
    assert_int_equal(ax_snapshot_open(dir, &s, NULL, &diag), AX_OK);
    while (ax_snapshot_next(s, &type, &body)) {
        struct ax_job_saved saved;
        if (type == AX_SECTION_JOB) {
            assert_int_equal(ax_job_peek(body, &saved), AX_OK);
            for (uint32_t i = 0; i < JOBS; i++)
                if (ax_str_eq(saved.name, w->config->jobs[i].name))
                    job = w->jobs[i];
        }
        assert_non_null(job);
        if (ax_job_load(job, type, body, &diag) != AX_OK)
            fail_msg("%s", diag.text);
        if (type == AX_SECTION_JOB)
            assert_true(saved.newest_ms == ax_job_newest_ms(job));
    }
    ax_snapshot_close(s);
}

/* Are the snapshots of two folders the same, byte for byte? */
static void same_files(const char *dir_a, const char *dir_b)
{
    const char *dirs[2] = {dir_a, dir_b};
    uint8_t *bytes[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        char name[SCRATCH_PATH], path[SCRATCH_PATH];
        scratch_name(name, dirs[i], ".snap", 0);
        scratch_in(path, dirs[i], name);
        bytes[i] = scratch_read(path, &n[i]);
    }
    damage_assert_same((struct ax_str){(const char *)bytes[0], n[0]},
                       (struct ax_str){(const char *)bytes[1], n[1]});
    free(bytes[0]);
    free(bytes[1]);
}

static void same_output(const struct memory_sink *a, const struct memory_sink *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct memory_series *x = &a->v[i], *y = memory_find(b, x->text);
        if (!y || x->n != y->n || x->open_n != y->open_n)
            fail_msg("%s: %u samples, and %u; open %u, and %u", x->text, x->n, y ? y->n : 0, x->open_n,
                     y ? y->open_n : 0);
        for (uint32_t k = 0; k < x->n; k++)
            if (x->v[k].t_ms != y->v[k].t_ms ||
                ax_double_bits(x->v[k].value) != ax_double_bits(y->v[k].value))
                fail_msg("%s: %.17g at %lld, and %.17g at %lld", x->text, x->v[k].value,
                         (long long)x->v[k].t_ms, y->v[k].value, (long long)y->v[k].t_ms);
    }
}

static void jobs_go_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    char dirs[2][SCRATCH_PATH];
    struct tape *tape = tape_new();
    struct memory_sink through = {0}, broken = {0};
    struct world a = {.config = rig_config(yaml), .sink = &through},
                 b = {.config = rig_config(yaml), .sink = &broken};
    struct ax_rng rng;
    uint32_t stops = 0, next = 3;
    scratch_make(dirs[0], "through");
    scratch_make(dirs[1], "broken");
    ax_rng_seed(&rng, 11);
    world_open(&a, 1);
    world_open(&b, 1);
    for (uint32_t row = 0; row < ROWS; row++) {
        if (row == next || row == BURST_ROW + 2) { /* there the sample for drift is full */
            save(&a, dirs[0]);
            save(&b, dirs[1]);
            same_files(dirs[0], dirs[1]);
            world_close(&b);
            world_open(&b, 3 + stops++);
            receive(&b, tape, row);
            load(&b, dirs[1]);
            save(&b, dirs[1]);
            same_files(dirs[0], dirs[1]);
            next = row + 1 + (uint32_t)ax_rng_below(&rng, 50);
        }
        receive(&a, tape, row + 1);
        run_row(&a, row);
        receive(&b, tape, row + 1);
        run_row(&b, row);
    }
    assert_true(stops > 10);
    assert_true(memory_count(&through, "anomaly_contribution") > 0);
    assert_true(memory_count(&through, "drift_score{feature=\"residual\"") > 0);
    assert_true(memory_count(&through, "per=\"entity\"") > 20);
    same_output(&through, &broken);
    world_close(&a);
    world_close(&b);
    ax_config_free(a.config);
    ax_config_free(b.config);
    memory_sink_done(&through);
    memory_sink_done(&broken);
    tape_free(tape);
    scratch_remove(dirs[0]);
    scratch_remove(dirs[1]);
}

/* A saved job, and which of its sections try_job() is given instead. */
struct damaged_job {
    struct saved_job saved;
    unsigned section;
};

static enum ax_err try_job(void *ctx, struct ax_str bytes)
{
    const struct damaged_job *d = ctx;
    const struct saved_job *s = &d->saved;
    struct ax_diag diag = {{0}};
    struct ax_job *job = saved_job_fresh(s);
    enum ax_err err = AX_OK;
    for (unsigned i = 0; i < SAVED_JOB_SECTIONS && err == AX_OK; i++)
        err = ax_job_load(job, s->types[i], i == d->section ? bytes : s->sections[i], &diag);
    assert_true(err == AX_OK || diag.text[0]);
    for (uint32_t i = SAVED_JOB_STEPS; i < SAVED_JOB_STEPS + 3 && err == AX_OK; i++)
        saved_job_step(job, i);
    ax_job_free(job, INT64_MIN);
    return err == AX_CONFLICT ? AX_CORRUPT : err; /* another job's, if it is the identity that is wrong */
}

static void of_another_version_the_name_alone_can_be_told(void **state)
{
    (void)state;
    struct saved_job s;
    struct ax_job_saved saved;
    saved_job_init(&s);
    const size_t n = s.sections[0].n;
    char *other = malloc(n);
    assert_non_null(other);
    memcpy(other, s.sections[0].p, n);
    other[0]++;
    assert_int_equal(ax_job_peek(s.sections[0], &saved), AX_OK);
    const struct ax_str name = saved.name;
    assert_int_equal(ax_job_peek((struct ax_str){other, n}, &saved), AX_CORRUPT);
    assert_true(name.n > 0 && ax_str_eq(saved.name, name));
    assert_int_equal(ax_job_peek((struct ax_str){other, 2}, &saved), AX_CORRUPT);
    assert_int_equal(saved.name.n, 0);
    free(other);
    saved_job_done(&s);
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct damaged_job d;
    saved_job_init(&d.saved);
    for (d.section = 0; d.section < SAVED_JOB_SECTIONS; d.section++)
        damage_check(d.saved.sections[d.section], try_job, &d);
    saved_job_done(&d.saved);
}

static void what_another_job_has_learnt_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {
        "jobs: [{name: j, by: [i], features: {v: 2 * m}, anomaly: {}}]",
        "global: {external_labels: {site: x}}\n"
        "jobs: [{name: j, by: [i], features: {v: m}, anomaly: {}, drift: {reference: 30, current: 30}, "
        "series_retention: 1h, window: {fine: 60, coarse: 60}, forecast: {targets: [v], horizons: [15s]}}]"};
    struct saved_job s;
    saved_job_init(&s);
    for (unsigned i = 0; i < 2; i++) {
        struct ax_config *config = rig_config(others[i]);
        struct ax_job *job;
        assert_int_equal(ax_job_new(&s.env, config, &config->jobs[0], &job, NULL), AX_OK);
        assert_int_equal(ax_job_load(job, s.types[0], s.sections[0], NULL), AX_CONFLICT);
        assert_true(ax_job_newest_ms(job) == INT64_MIN); /* it is as it was */
        ax_job_free(job, INT64_MIN);
        ax_config_free(config);
    }
    saved_job_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_go_on_as_if_nothing_had_been),
        cmocka_unit_test(what_another_job_has_learnt_is_refused),
        cmocka_unit_test(of_another_version_the_name_alone_can_be_told),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
