/* job_reference.c: what a model learns from, and what later data are tested against. */
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

struct ax_drift_pasts *ax_job_pasts(struct ax_job *job, uint64_t bytes_max)
{
    struct ax_drift_pasts *pasts = job->config->drift.enabled ? ax_drift_pasts_new(&job->drift) : NULL;
    struct ax_drift_pool pool;
    enum ax_err err = pasts || !job->config->drift.enabled ? AX_OK : AX_NOMEM;
    for (uint32_t i = 0; pasts && i < job->channels_n && err == AX_OK; i++) {
        const struct ax_channel *c = &job->channels[i];
        err = ax_channel_pool(c, AX_DRIFT_INPUTS, &pool);
        if (err == AX_OK && pool.n)
            err = ax_drift_pasts_add(pasts, ax_str(c->drift_name[AX_DRIFT_INPUTS]), &pool, coarse_steps(c));
        if (err == AX_OK && ax_drift_pasts_bytes(pasts) > bytes_max)
            err = AX_LIMIT;
    }
    if (err == AX_OK && pasts)
        err = ax_job_labels_refer(job, pasts);
    if (err == AX_OK)
        return pasts;
    ax_job_error(job, "drift"); /* a part of them would look like all */
    ax_drift_pasts_free(pasts);
    return NULL;
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
