/* job_drift.c: have the inputs of a job, or the errors of its forecasts, moved?
 *
 * Inputs are its expression and features; errors are the residuals of one-step forecasts. Both are pooled
 * over a stable sample of the targets (drift/pool.h). */
#include "pipeline/job_priv.h"

#include <math.h>

enum { INPUTS, RESIDUALS };

/* Test one feature (inputs) or its residuals over the channel's targets. The sample must not depend on the
 * secret seed of ids, so that a replay gives the same values. */
static enum ax_err test_channel(struct ax_channel *c, int what, struct ax_drift_result *out)
{
    struct ax_drift_pool pool = {.n = 0};
    for (struct ax_target *t = c->first; t; t = t->next) {
        if (what == INPUTS ? !t->sampled : !t->residuals)
            continue;
        struct ax_view view = ax_window_fine(what == INPUTS ? t->window : t->residuals);
        const struct ax_drift_member member = {ax_labels_hash(t->labels, 0), view.v, view.n};
        ax_drift_pool_offer(&pool, &member);
    }
    *out = (struct ax_drift_result){.ready = false};
    return ax_drift_pool_test(&c->job->drift, &pool, &c->job->scratch, out);
}

/* What the score of a test is called. */
static struct ax_outlet_name score_name(const struct ax_channel *c, int what, enum ax_drift_test test)
{
    return (struct ax_outlet_name){.id = AX_OUTPUT_DRIFT_SCORE,
                                   .added = {{ax_str("feature"), ax_str(c->drift_name[what])},
                                             {ax_str("test"), ax_str(ax_drift_test_name(test))}},
                                   .added_n = 2};
}

/* What the verdict on a kind of drift is called. */
static struct ax_outlet_name detected_name(int what)
{
    static const char *const kinds[] = {"data", "concept"};
    return (struct ax_outlet_name){
        .id = AX_OUTPUT_DRIFT_DETECTED, .added = {{ax_str("kind"), ax_str(kinds[what])}}, .added_n = 1};
}

static const struct ax_outlet_name features_name = {.id = AX_OUTPUT_DRIFTED_FEATURES};
static const struct ax_outlet_name share_name = {.id = AX_OUTPUT_DATA_DRIFT_SCORE};

void ax_job_drift_outlets(struct ax_job *job, const struct ax_outlet_deed *deed)
{
    for (int what = INPUTS; what <= RESIDUALS; what++) {
        const struct ax_outlet_name name = detected_name(what);
        ax_outlet_do(&job->outlets, &job->drift_detected[what], &name, deed);
    }
    ax_outlet_do(&job->outlets, &job->drifted_features, &features_name, deed);
    ax_outlet_do(&job->outlets, &job->data_drift_score, &share_name, deed);
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (int what = INPUTS; what <= RESIDUALS; what++)
            for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++) {
                const struct ax_outlet_name name = score_name(&job->channels[i], what, test);
                ax_outlet_do(&job->outlets, &job->channels[i].drift[what][test], &name, deed);
            }
}

static void emit_scores(struct ax_channel *c, int what, int64_t t_ms, const struct ax_drift_result *r)
{
    struct ax_job *job = c->job;
    const struct ax_observer *o = job->env.observer;
    for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++) {
        const struct ax_outlet_name name = score_name(c, what, test);
        ax_outlet_put(&job->outlets, &c->drift[what][test], &name, t_ms, r->score[test]);
        if (o && o->drift)
            o->drift(o->ctx, job->config, c->drift_name[what], ax_drift_test_name(test), t_ms, r->score[test],
                     r->drifted);
    }
}

/* Test all channels for one kind of drift and decide over them together. */
static void run_kind(struct ax_job *job, int what)
{
    struct ax_drift_result results[AX_CHANNELS_MAX];
    struct ax_channel *channels[AX_CHANNELS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        c->drift_result[what].ready = false;
        ax_arena_reset(&job->scratch);
        if (test_channel(c, what, &results[n]) != AX_OK) {
            ax_metric_count(AX_M_JOB_ERRORS, job->name, "drift");
            continue;
        }
        if (results[n].ready)
            channels[n++] = c;
    }
    job->drift_drifted[what] = ax_drift_verdict(&job->drift, results, n);
    job->drift_ready[what] = n;
    for (uint32_t i = 0; i < n; i++)
        channels[i]->drift_result[what] = results[i];
}

/* The newest results; they hold until the next tests, so that the series have no gaps. */
static void emit_kind(struct ax_job *job, int what, int64_t t_ms)
{
    uint32_t n = job->drift_ready[what], drifted = job->drift_drifted[what];
    if (n == 0)
        return;
    for (uint32_t i = 0; i < job->channels_n; i++)
        if (job->channels[i].drift_result[what].ready)
            emit_scores(&job->channels[i], what, t_ms, &job->channels[i].drift_result[what]);
    const struct ax_outlet_name name = detected_name(what);
    ax_outlet_put(&job->outlets, &job->drift_detected[what], &name, t_ms, drifted > 0);
    if (what == RESIDUALS)
        return;
    ax_outlet_put(&job->outlets, &job->drifted_features, &features_name, t_ms, drifted);
    ax_outlet_put(&job->outlets, &job->data_drift_score, &share_name, t_ms, (double)drifted / n);
}

void ax_job_drift(struct ax_job *job, int64_t t_ms)
{
    if (!job->config->drift.enabled)
        return;
    if (t_ms >= job->drift_due_ms) {
        run_kind(job, INPUTS);
        run_kind(job, RESIDUALS);
        if (job->drift_ready[INPUTS]) /* until there is something to say, ask at every step */
            job->drift_due_ms = t_ms + job->config->drift.interval_ms;
    }
    emit_kind(job, INPUTS, t_ms);
    emit_kind(job, RESIDUALS, t_ms);
}
