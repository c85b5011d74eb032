/* More new series at once than a job can take: those that it has are stepped all the same. */
#include "ax_test.h"
#include "base/metrics.h"
#include "memory_sink.h"
#include "pipeline/job_priv.h"
#include "rig.h"

#include <stdio.h>

#define CROWD 300
#define SMALL 2048 /* bytes of scratch; a crowd needs more */

struct crowd {
    struct ax_config *config;
    struct memory_sink sink;
    struct ax_db *db;
    struct ax_job *job;
    struct ax_buf record;
};

static void crowd_init(struct crowd *w, const char *yaml)
{
    *w = (struct crowd){.config = rig_config(yaml)};
    w->db = ax_db_new(&(struct ax_db_options){.seed = 7});
    assert_non_null(w->db);
    const struct ax_job_env env = {.db = w->db, .sink = memory_sink(&w->sink), .max_range_ms = 3600000};
    assert_int_equal(ax_job_new(&env, w->config, &w->config->jobs[0], &w->job, NULL), AX_OK);
    w->job->scratch.bytes_max = SMALL;
    ax_buf_init(&w->record, 1 << 20);
}

static void crowd_done(struct crowd *w)
{
    ax_job_free(w->job, INT64_MIN);
    ax_db_free(w->db);
    ax_config_free(w->config);
    memory_sink_done(&w->sink);
    ax_buf_done(&w->record);
}

/* A sample of m{e="i"} for each of them. */
static void arrive(struct crowd *w, uint32_t from, uint32_t to, int64_t t_ms)
{
    for (uint32_t i = from; i < to; i++) {
        char e[16];
        struct ax_buf key;
        (void)snprintf(e, sizeof e, "%03u", i);
        const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("m")}, {ax_str("e"), ax_str(e)}};
        const struct ax_sample sample = {t_ms, i};
        ax_buf_init(&key, 4096);
        ax_labels_key_write(&(struct ax_labels){2, v}, &key);
        assert_int_equal(ax_db_append(w->db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL),
                         AX_FATE_WANTED);
        ax_buf_done(&key);
    }
}

/* One step; returns how many results were refused in it. */
static double step(struct crowd *w, int64_t t_ms)
{
    double before = ax_metric_get(w->job->refused);
    assert_int_equal(ax_job_evaluate(w->job, t_ms, &w->record), AX_OK);
    assert_int_equal(ax_job_take(w->job, ax_buf_view(&w->record)), AX_OK);
    return ax_metric_get(w->job->refused) - before;
}

static void a_full_job_steps_its_targets_however_many_others_come(void **state)
{
    struct crowd w;
    (void)state;
    crowd_init(&w, "jobs: [{name: full, expr: m, max_series: 3, anomaly: {}}]\n");
    arrive(&w, 0, 3, RIG_START);
    assert_true(step(&w, RIG_START) == 0);
    arrive(&w, 0, CROWD, RIG_START + RIG_STEP);
    assert_true(step(&w, RIG_START + RIG_STEP) == CROWD - 3);
    uint32_t n = 0;
    for (const struct ax_target *t = w.job->channels[0].first; t; t = t->next, n++)
        assert_true(t->seen_ms == RIG_START + RIG_STEP);
    assert_int_equal(n, 3);
    crowd_done(&w);
}

static void what_there_is_no_memory_for_comes_in_the_steps_after(void **state)
{
    struct crowd w;
    uint32_t had = 1;
    (void)state;
    crowd_init(&w, "jobs: [{name: many, by: [e], features: {f: m}, anomaly: {}}]\n");
    arrive(&w, 0, 1, RIG_START);
    assert_true(step(&w, RIG_START) == 0);
    w.job->scratch.bytes_max = CROWD * 40; /* not for all of them at once */
    for (int64_t t_ms = RIG_START + RIG_STEP; had < CROWD; t_ms += RIG_STEP) {
        arrive(&w, 0, CROWD, t_ms);
        double refused = step(&w, t_ms);
        assert_true(w.job->channels[0].targets.n > had);
        had = w.job->channels[0].targets.n;
        assert_true(refused == CROWD - had);
    }
    crowd_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_job_steps_its_targets_however_many_others_come),
        cmocka_unit_test(what_there_is_no_memory_for_comes_in_the_steps_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
