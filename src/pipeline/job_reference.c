/* job_reference.c: what a model learns from, and what later data are tested against. */
#include "base/log.h"
#include "pipeline/job_priv.h"

/* Steps of a point of the coarse windows; 0: there are none. */
static uint32_t coarse_steps(const struct ax_channel *c)
{
    for (const struct ax_target *t = c->first; t; t = t->next) {
        const struct ax_view coarse = ax_window_coarse(t->window);
        if (t->sampled && coarse.n)
            return (uint32_t)(coarse.step_ms / c->job->config->step_ms);
    }
    return 0;
}

/* Copy one channel; false when it has to be left out. */
static bool add_channel(const struct ax_channel *c, struct ax_drift_pasts *pasts, uint64_t bytes_max)
{
    struct ax_drift_pool pool;
    return ax_channel_pool(c, AX_DRIFT_INPUTS, &pool) == AX_OK &&
           (pool.n == 0 || ax_drift_pasts_add(pasts, ax_str(c->drift_name[AX_DRIFT_INPUTS]), &pool,
                                              coarse_steps(c), bytes_max) == AX_OK);
}

struct ax_drift_pasts *ax_job_pasts(struct ax_job *job, uint64_t bytes_max)
{
    uint32_t left_out = 0;
    if (!job->config->drift.enabled)
        return NULL;
    struct ax_drift_pasts *pasts = ax_drift_pasts_new(&job->drift);
    for (uint32_t i = 0; i < job->channels_n; i++)
        left_out += !pasts || !add_channel(&job->channels[i], pasts, bytes_max);
    left_out += pasts ? ax_job_labels_refer(job, pasts, bytes_max) : job->labels_n;
    if (left_out) {
        ax_job_error(job, "drift");
        ax_log_about(
            AX_LOG_WARN, "references_left_out", ax_str(job->name),
            "job %s: %u of %u inputs will be tested for drift against their own past, and not against "
            "what the "
            "model that is fitted now has learnt from: no room for copies (--training.max-memory)",
            job->name, left_out, job->channels_n + job->labels_n);
    }
    return pasts;
}

const struct ax_drift_reference *ax_channel_reference(const struct ax_channel *c)
{
    const struct ax_str name = ax_str(c->drift_name[AX_DRIFT_INPUTS]);
    const struct ax_drift_reference *first = NULL;
    for (const struct ax_learner *l = c->job->learners; l; l = l->after) {
        const struct ax_generation *g = ax_learner_baseline(l);
        const struct ax_drift_reference *r = g ? ax_drift_references_find(g->references, name) : NULL;
        if (r && ax_str_eq(ax_str(l->spec.feature), c->feature))
            return r;
        first = first ? first : r;
    }
    return first;
}

/* How many features have drifted from what one generation has learnt from, of those that another one knows
 * too. */
static uint32_t drifted_from(struct ax_job *job, const struct ax_generation *of,
                             const struct ax_generation *other)
{
    struct ax_drift_result results[AX_CHANNELS_MAX + AX_JOB_LABELS_MAX];
    struct ax_drift_pool pool;
    uint32_t n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_channel *c = &job->channels[i];
        const struct ax_str name = ax_str(c->drift_name[AX_DRIFT_INPUTS]);
        const struct ax_drift_reference *r = ax_drift_references_find(of->references, name);
        if (!r || !ax_drift_references_find(other->references, name))
            continue;
        ax_arena_reset(&job->scratch);
        if (ax_channel_pool(c, AX_DRIFT_INPUTS, &pool) == AX_OK &&
            ax_drift_reference_test(&job->drift, r, &pool, &job->scratch, &results[n]) == AX_OK &&
            results[n].ready)
            n++;
    }
    n += ax_job_labels_test_of(job, of, other, results + n);
    return ax_drift_verdict(&job->drift, results, n);
}

bool ax_job_explains(void *ctx, const struct ax_generation *older, const struct ax_generation *newer)
{
    struct ax_job *job = ctx;
    return drifted_from(job, newer, older) < drifted_from(job, older, newer);
}
