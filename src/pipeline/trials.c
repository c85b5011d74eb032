/* trials.c: a model is found by its name, under the pipeline's lock. */
#include "pipeline/trials.h"

#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

#include <stdio.h>

#define NAME_BYTES (AX_REGISTRY_NAME_MAX + 1)

static struct ax_learner *find_in(const struct ax_job *job, struct ax_str model)
{
    char name[NAME_BYTES];
    for (struct ax_learner *l = job->learners; l; l = l->after) {
        (void)snprintf(name, sizeof name, "%s/%s%s%s", l->spec.job, l->spec.kind->name,
                       *l->spec.feature ? ":" : "", l->spec.feature);
        if (ax_str_eq(model, ax_str(name)))
            return l;
    }
    return NULL;
}

/* Find a model and do something to it, with the lock held. */
static enum ax_err with_learner(struct ax_pipeline *p, struct ax_str model,
                                void (*use)(struct ax_learner *l, void *ctx), void *ctx, struct ax_diag *diag)
{
    struct ax_learner *l = NULL;
    (void)pthread_mutex_lock(&p->run);
    const bool current = ax_pipeline_is_current(p);
    for (uint32_t i = 0; current && i < p->jobs_n && !l; i++)
        l = find_in(p->jobs[i], model);
    if (l)
        use(l, ctx);
    (void)pthread_mutex_unlock(&p->run);
    if (!current)
        return ax_fail(diag, AX_NOTREADY, "jobs are still being restored: ask again in a moment");
    return l ? AX_OK
             : ax_fail(diag, AX_NOTFOUND,
                       "no job of the configuration has the model " AX_STR_FMT " (<job>/<kind>)",
                       AX_STR_ARG(model));
}

static void look(struct ax_learner *l, void *ctx)
{
    const struct ax_trial *t = &l->trial;
    *(struct ax_trial_view *)ctx = (struct ax_trial_view){.roles = l->roles,
                                                          .result = *ax_trial_decisive(t),
                                                          .measure = ax_trial_measure(t, &l->spec.rule),
                                                          .samples = t->n};
}

enum ax_err ax_pipeline_trial(struct ax_pipeline *p, struct ax_str model, struct ax_trial_view *out,
                              struct ax_diag *diag)
{
    return with_learner(p, model, look, out, diag);
}

static void ask(struct ax_learner *l, void *ctx)
{
    (void)ctx;
    ax_learner_ask(l);
}

enum ax_err ax_pipeline_retrain(struct ax_pipeline *p, struct ax_str model, struct ax_diag *diag)
{
    return with_learner(p, model, ask, NULL, diag);
}
