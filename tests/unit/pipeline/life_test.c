/* Everything at once: samples come in, steps are run, snapshots taken, configs loaded, and lessons taught,
 * each by a thread of its own, until a stop; and a start goes on from there. */
#include "ax_test.h"
#include "base/clock.h"
#include "lasting.h"
#include "pipeline/erase.h"
#include "pipeline/lesson.h"
#include "pipeline/schedule.h"
#include "rig.h"
#include "scratch.h"
#include "series_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define SERIES 12
#define THREADS 4
#define SNAPSHOTS 6
#define LOADS 40
#define LESSONS 20
#define STEPS 60
#define BEHIND_MS (AX_STEP_BEHIND_MS / 2)

static const char *const configs[] = {
    "global: {step: 1s, evaluation_delay: 0s}\n"
    "jobs: [{name: stays, expr: m, anomaly: {}}, {name: changes, expr: sum by (g) (m), anomaly: {}}]\n",
    "global: {step: 1s, evaluation_delay: 0s}\n"
    "jobs: [{name: stays, expr: m, anomaly: {}}, {name: changes, expr: max by (g) (m), anomaly: {}}]\n",
    "global: {step: 1s, evaluation_delay: 0s}\n"
    "jobs: [{name: stays, expr: m, anomaly: {}}]\n"};

struct life {
    char folder[SCRATCH_PATH];
    _Atomic int64_t now_ms;
    struct memory_sink sink;
    struct ax_durable *d;
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    atomic_bool stop;
    _Atomic uint32_t loads, lessons, refused;
};

static int64_t now_of(const void *ctx)
{
    return atomic_load((const _Atomic int64_t *)ctx);
}

static enum ax_err nothing_to_sync(void *ctx, struct ax_diag *diag)
{
    (void)ctx;
    (void)diag;
    return AX_OK;
}

static void begin(struct life *l, uint64_t seed)
{
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_durable_open(&(struct ax_durable_options){.path = l->folder}, &l->d, &diag), AX_OK);
    l->db = ax_db_new(&(struct ax_db_options){.seed = seed, .series_max = 1000, .negative_max = 1024});
    assert_non_null(l->db);
    l->pipeline =
        ax_pipeline_new(&(struct ax_pipeline_options){.db = l->db,
                                                      .sink = memory_sink(&l->sink),
                                                      .clock = {.now_ms = now_of, .ctx = &l->now_ms},
                                                      .max_range_ms = 3600000,
                                                      .seed = 42,
                                                      .log = ax_durable_log(l->d),
                                                      .snapshots = ax_durable_snapshots(l->d),
                                                      .snapshot_interval_ms = 5000,
                                                      .sync = nothing_to_sync});
    assert_non_null(l->pipeline);
    assert_int_equal(ax_pipeline_load(l->pipeline, rig_config(configs[0]), &diag), AX_OK);
    assert_int_equal(ax_durable_recover(l->d, l->db, l->pipeline, &diag), AX_OK);
    assert_int_equal(ax_durable_keep(l->d, nothing_to_sync, NULL, &diag), AX_OK);
    assert_int_equal(ax_pipeline_start(l->pipeline), AX_OK);
}

static void end(struct life *l)
{
    ax_pipeline_stop(l->pipeline);
    ax_pipeline_free(l->pipeline);
    ax_db_free(l->db);
    ax_durable_close(l->d);
}

/* Is the job that stays near? One that falls far behind passes over steps, and on a busy machine a thread may
 * stand still for minutes of this clock. */
static bool keeps_up(struct life *l)
{
    struct ax_job_status status;
    char name[128];
    return !ax_pipeline_job_status(l->pipeline, 0, name, sizeof name, &status) ||
           status.last_step_ms == AX_NEVER || atomic_load(&l->now_ms) - status.last_step_ms <= BEHIND_MS;
}

/* A request each second of the clock, which it moves. */
static void *send(void *ctx)
{
    struct life *l = ctx;
    struct ax_journal journal;
    struct ax_diag diag = {{0}};
    ax_journal_init(&journal);
    while (!atomic_load(&l->stop)) {
        if (!keeps_up(l)) {
            ax_sleep_ns(2000000);
            continue;
        }
        int64_t now_ms = atomic_fetch_add(&l->now_ms, 1000) + 1000;
        ax_journal_reset(&journal);
        for (int i = 0; i < SERIES; i++) {
            char text[64];
            struct ax_buf key;
            const struct ax_sample sample = {now_ms, (double)((now_ms / 1000 + i) % 17)};
            (void)snprintf(text, sizeof text, "m{i=\"%d\",g=\"%d\"}", i, i % 3);
            struct ax_append a = {.key = series_world_key(&key, text), .samples = &sample, .n = 1};
            ax_db_append_one(l->db, ax_str(""), &a, &journal, &diag);
            ax_buf_done(&key);
        }
        if (ax_journal_append(&journal, l->db, ax_durable_log(l->d), &diag) != AX_OK)
            break;
        ax_sleep_ns(2000000);
    }
    ax_journal_done(&journal);
    return NULL;
}

static void *load(void *ctx)
{
    struct life *l = ctx;
    struct ax_diag diag = {{0}};
    while (!atomic_load(&l->stop)) {
        struct ax_config *config = rig_config(configs[atomic_load(&l->loads) % 3]);
        if (ax_pipeline_load(l->pipeline, config, &diag) == AX_OK)
            (void)atomic_fetch_add(&l->loads, 1);
        else
            ax_config_free(config); /* before the replay is done */
        ax_sleep_ns(5000000);
    }
    return NULL;
}

/* What pages ask for. */
static void *ask(void *ctx)
{
    struct life *l = ctx;
    struct ax_job_status status;
    char name[128];
    while (!atomic_load(&l->stop)) {
        (void)ax_pipeline_job_status(l->pipeline, 0, name, sizeof name, &status);
        (void)ax_pipeline_is_current(l->pipeline);
        ax_sleep_ns(1000000);
    }
    return NULL;
}

/* What people say, each of it until it is taken back, and the erasure of what is not there. */
static void *say(void *ctx)
{
    struct life *l = ctx;
    struct ax_diag diag = {{0}};
    struct ax_erased erased;
    struct ax_lesson lesson = {.range = {.to_ms = INT64_MAX / 2}, .selector = ax_str("{g=~\"[12]\"}")};
    while (!atomic_load(&l->stop)) {
        lesson.range.id++;
        lesson.range.verdict = AX_LESSON_NORMAL;
        if (ax_pipeline_teach(l->pipeline, ax_str("stays"), &lesson, NULL, NULL, &diag) == AX_OK) {
            lesson.range.verdict = 0;
            const enum ax_err back =
                ax_pipeline_teach(l->pipeline, ax_str("stays"), &lesson, NULL, NULL, &diag);
            const enum ax_err gone = ax_pipeline_erase(l->pipeline, ax_str("{g=~\"[3-9]\"}"), &erased, &diag);
            (void)atomic_fetch_add(back == AX_OK && gone == AX_OK ? &l->lessons : &l->refused, 1);
        }
        ax_sleep_ns(5000000);
    }
    return NULL;
}

/* Steps of the job that stays, which rise. */
static uint32_t steps(const struct life *l)
{
    const struct memory_series *s =
        memory_find(&l->sink, "model_info{for=\"stays\",role=\"champion\",version=\"" AX_VERSION "\"}");
    for (uint32_t i = 1; s && i < s->n; i++)
        assert_true(s->v[i].t_ms > s->v[i - 1].t_ms);
    return s ? s->n : 0;
}

static int64_t last_step(struct life *l, uint32_t *targets_n)
{
    struct ax_job_status status;
    char name[128];
    assert_true(ax_pipeline_job_status(l->pipeline, 0, name, sizeof name, &status));
    *targets_n = status.targets_n;
    return status.last_step_ms;
}

static void everything_can_come_at_once(void **state)
{
    (void)state;
    static struct life l;
    pthread_t threads[THREADS];
    void *(*const work[THREADS])(void *) = {send, load, ask, say};
    struct ax_cell *newest = ax_metric(AX_M_SNAPSHOT_LAST, NULL, NULL);
    double newest_s = 0;
    uint32_t snapshots = 0, targets_n;
    scratch_make(l.folder, NULL);
    atomic_store(&l.now_ms, RIG_START);
    begin(&l, 7);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &l), 0);
    const struct ax_cell *taken = ax_metric(AX_M_JOB_STEPS, "stays", NULL); /* not those passed over */
    while (snapshots < SNAPSHOTS || atomic_load(&l.loads) < LOADS || atomic_load(&l.lessons) < LESSONS ||
           ax_metric_get(taken) < STEPS) {
        snapshots += ax_metric_get(newest) > newest_s;
        newest_s = ax_metric_get(newest);
        (void)last_step(&l, &targets_n);
        ax_sleep_ns(1000000);
    }
    atomic_store(&l.stop, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&l.refused), 0);
    ax_pipeline_stop(l.pipeline); /* with a last snapshot */
    const int64_t stepped_ms = last_step(&l, &targets_n);
    assert_int_equal(targets_n, SERIES);
    uint32_t said = steps(&l);
    assert_true(said >= STEPS);
    end(&l);
    begin(&l, 8);
    while (!ax_pipeline_is_current(l.pipeline))
        ax_sleep_ns(1000000);
    assert_int_equal(last_step(&l, &targets_n), stepped_ms);
    assert_int_equal(targets_n, SERIES);
    end(&l);
    assert_int_equal(steps(&l), said); /* nothing of it was done twice */
    memory_sink_done(&l.sink);
    scratch_remove(l.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_can_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
