/* entity_compare.c: two ensembles beside each other: their alarms at each step, and at the looks what labels
 * say of them. */
#include "pipeline/entity_points.h"

#include <math.h>
#include <stdlib.h>

/* Entities by the hash by which their scores are kept. */
struct index {
    struct indexed {
        uint64_t hash;
        const struct ax_entity *e;
    } * v;
    uint32_t n;
};

static int by_hash(const void *pa, const void *pb)
{
    const struct indexed *a = pa, *b = pb;
    return (a->hash > b->hash) - (a->hash < b->hash);
}

static bool make_index(const struct ax_job *job, struct index *out)
{
    *out = (struct index){.v = malloc((job->entities.n + (size_t)1) * sizeof *out->v)};
    for (const struct ax_entity *e = job->first; e && out->v; e = e->next)
        out->v[out->n++] = (struct indexed){ax_labels_hash(e->labels, 0), e};
    if (out->v)
        qsort(out->v, out->n, sizeof *out->v, by_hash);
    return out->v != NULL;
}

static const struct ax_said *said_of(void *ctx, uint64_t entity, bool *known)
{
    const struct index *ix = ctx;
    const struct indexed key = {entity, NULL}, *found = bsearch(&key, ix->v, ix->n, sizeof *ix->v, by_hash);
    *known = found != NULL;
    return found ? found->e->said : NULL;
}

/* At a look: do people know which of the points were incidents? */
static void ask_labels(struct ax_job *job)
{
    struct ax_learner *l = &job->ensemble_learner;
    struct ax_comparison c = {.n = 0};
    struct index ix;
    if (!make_index(job, &ix)) {
        ax_job_error(job, "memory");
        return;
    }
    const struct ax_entity_labels labels = {.said = said_of,
                                            .ctx = &ix,
                                            .point_ms = ax_point_steps(job) * job->config->step_ms,
                                            .level = ax_promotion_level(&l->spec.rule.compare),
                                            .seed = job->env.seed};
    const enum ax_err err =
        ax_entity_trial_compare(&job->scores, &labels, l->roles.phase == AX_PHASE_WATCH, &c);
    if (err == AX_NOMEM)
        ax_job_error(job, "memory");
    if (err != AX_OK)
        c = (struct ax_comparison){.n = 0};
    ax_trial_label(&l->trial, &c);
    free(ix.v);
}

bool ax_entity_is_void(const struct ax_entity *e, const struct ax_fit_scores *one,
                       const struct ax_fit_scores *other)
{
    return (one->until_ms < e->settled_ms) != (other->until_ms < e->settled_ms);
}

/* Are they compared by what they say of that entity? */
static bool is_measure(const struct ax_learner *l, const struct ax_entity *e, double live, double shadow)
{
    return live >= 0 && shadow >= 0 && !ax_entity_is_void(e, &l->live->scores, &l->shadow->scores);
}

/* Were the features by themselves as usual for all of the row that ends at t_ms? Of alarms of a model of
 * latencies at other times the fewer are not the better: one generation may see there what the other one does
 * not. An ensemble looks at minutes, in which a feature at a new level is abnormal for hours. */
static bool is_quiet(const struct ax_job *job, const struct ax_entity *e, int64_t t_ms)
{
    const int64_t row_ms = (int64_t)job->ensemble.points * ax_point_steps(job) * job->config->step_ms;
    return !ax_entity_hears_latencies(job) || e->loud_ms == AX_NEVER || t_ms - e->loud_ms >= row_ms;
}

/* Keep what both say of a point. */
static void keep(struct ax_job *job, int64_t t_ms, const struct ax_asked *asked)
{
    const double *live = asked->live, *shadow = asked->shadow;
    const struct ax_learner *l = &job->ensemble_learner;
    const struct ax_trial_rule *r = &l->spec.rule;
    const uint32_t point = ax_point_steps(job);
    const uint64_t points = (uint64_t)ax_trial_pairs(r, l->roles.phase) * r->block / point;
    if (t_ms / job->config->step_ms % point != 0)
        return;
    if (ax_entity_trial_begin(&job->scores, l->live->sha256, l->shadow->sha256, job->entities.n,
                              (uint32_t)points) != AX_OK) {
        ax_job_error(job, "memory");
        return;
    }
    for (uint32_t i = 0; i < asked->n; i++)
        if (is_measure(l, asked->entities[i], live[i], shadow[i]) && isfinite(live[i]) && isfinite(shadow[i]))
            ax_entity_trial_add(&job->scores,
                                &(struct ax_entity_score){ax_labels_hash(asked->entities[i]->labels, 0), t_ms,
                                                          (float)live[i], (float)shadow[i]});
}

void ax_entities_compare(struct ax_job *job, int64_t t_ms, const struct ax_asked *asked)
{
    const double *live = asked->live, *shadow = asked->shadow;
    struct ax_learner *l = &job->ensemble_learner;
    struct ax_trial *t = &l->trial;
    const uint32_t pairs = t->n;
    uint32_t judged = 0, alarms[2] = {0, 0}, agreed = 0;
    for (uint32_t i = 0; i < asked->n; i++) {
        if (live[i] < 0 || shadow[i] < 0)
            continue;
        if (isfinite(live[i]) != isfinite(shadow[i]))
            ax_trial_broken(t, !isfinite(live[i]), !isfinite(shadow[i]));
        if (!is_measure(l, asked->entities[i], live[i], shadow[i]) ||
            !is_quiet(job, asked->entities[i], t_ms))
            continue;
        judged++;
        alarms[0] += live[i] > 1;
        alarms[1] += shadow[i] > 1;
        agreed += (live[i] > 1) == (shadow[i] > 1);
    }
    if ((job->skip & AX_SKIP_LEARNING) || l->roles.phase == AX_PHASE_APPROVAL)
        return;
    keep(job, t_ms, asked);
    if (judged == 0)
        return;
    t->judged += judged;
    t->agreed += agreed;
    ax_learner_compare(l, (double)alarms[0] / judged, (double)alarms[1] / judged);
    if (t->n > pairs && ax_trial_is_look(t, &l->spec.rule, l->roles.phase))
        ask_labels(job);
}
