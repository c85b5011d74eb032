/* saved_job.c: train a job for some steps, and save it through a snapshot. */
#include "saved_job.h"

#include "ax_test.h"
#include "pipeline/job_priv.h"
#include "rig.h"
#include "store/records.h"

static const char yaml[] =
    "jobs: [{name: j, by: [i], features: {v: m}, anomaly: {}, "
    "drift: {reference: 30, current: 30}, series_retention: 1h, "
    "window: {fine: 60, coarse: 60}, forecast: {targets: [v], horizons: [15s]}, targets: {parity: i}}]";

struct ax_job *saved_job_fresh(const struct saved_job *s)
{
    struct ax_job *job;
    assert_int_equal(ax_job_new(&s->env, s->config, &s->config->jobs[0], &job, NULL), AX_OK);
    return job;
}

void saved_job_step(struct ax_job *job, uint32_t i)
{
    struct ax_buf record;
    ax_buf_init(&record, 1u << 20);
    assert_int_equal(ax_job_evaluate(job, RIG_START + (int64_t)i * RIG_STEP, &record), AX_OK);
    enum ax_err err = ax_job_take(job, ax_buf_view(&record));
    assert_true(err == AX_OK || err == AX_CORRUPT);
    ax_buf_done(&record);
}

static void save(struct saved_job *s, struct ax_job *job)
{
    struct ax_snapshot_writer *writer;
    struct ax_buf scratch;
    const struct ax_lesson_range range = {1, AX_LESSON_EXCLUDED, RIG_START, RIG_START + RIG_STEP};
    struct ax_exclusion *e;
    assert_int_equal(ax_exclusion_new(&range, ax_str("m{i=\"a\"}"), &e, NULL), AX_OK);
    (void)ax_exclusions_add(&job->exclusions, e, INT64_MIN);
    ax_buf_init(&scratch, 1u << 20);
    scratch_make(s->dir, "state");
    assert_int_equal(ax_snapshot_begin(s->dir, 1, &writer, NULL), AX_OK);
    assert_int_equal(ax_job_save(job, &scratch, writer), AX_OK);
    assert_int_equal(ax_snapshot_commit(writer, NULL), AX_OK);
    ax_buf_done(&scratch);
}

void saved_job_init(struct saved_job *s)
{
    *s = (struct saved_job){.config = rig_config(yaml)};
    s->env = (struct ax_job_env){.db = ax_db_new(&(struct ax_db_options){.seed = 7,
                                                                         .series_max = 10,
                                                                         .ring_samples_max = 4096,
                                                                         .negative_max = 16,
                                                                         .retention_ms = 360000}),
                                 .sink = memory_sink(&s->sink),
                                 .max_range_ms = 3600000,
                                 .seed = 42};
    assert_non_null(s->env.db);
    struct rig rig = {.db = s->env.db};
    struct ax_job *job = saved_job_fresh(s);
    for (uint32_t i = 0; i < SAVED_JOB_STEPS; i++) {
        (void)rig_append(&rig, "m{i=\"a\"}", RIG_START + (int64_t)i * RIG_STEP,
                         i == 80 ? 90 : 10 + i * 7 % 5);
        saved_job_step(job, i);
    }
    save(s, job);
    ax_job_free(job, INT64_MIN);
    assert_int_equal(ax_snapshot_open(s->dir, &s->snapshot, NULL, NULL), AX_OK);
    for (unsigned i = 0; i < SAVED_JOB_SECTIONS; i++) {
        assert_true(ax_snapshot_next(s->snapshot, &s->types[i], &s->sections[i]));
        assert_int_equal(s->types[i], AX_SECTION_JOB + i);
    }
}

void saved_job_done(struct saved_job *s)
{
    ax_snapshot_close(s->snapshot);
    ax_db_free(s->env.db);
    ax_config_free(s->config);
    memory_sink_done(&s->sink);
    scratch_remove(s->dir);
}
