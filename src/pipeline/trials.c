/* trials.c: a model is found by its name, under the pipeline's lock. */
#include "pipeline/trials.h"

#include "base/log.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

static struct ax_learner *find_in(const struct ax_job *job, struct ax_str model)
{
    struct ax_fit_view v;
    for (struct ax_learner *l = job->learners; l; l = l->after) {
        ax_learner_view(l, &v);
        if (ax_str_eq(model, ax_str(v.model)))
            return l;
    }
    return NULL;
}

/* Find a model and do something to it, with the lock held. */
static enum ax_err with_learner(struct ax_pipeline *p, struct ax_str model,
                                void (*use)(struct ax_learner *l, int64_t t_ms, void *ctx), void *ctx,
                                struct ax_diag *diag)
{
    struct ax_learner *l = NULL;
    uint32_t found = 0;
    (void)pthread_mutex_lock(&p->run);
    const bool current = ax_pipeline_is_current(p);
    for (uint32_t i = 0; current && i < p->jobs_n && !l; i++) {
        found = i;
        l = find_in(p->jobs[i], model);
    }
    if (l) {
        use(l, ax_job_stepped_ms(p->jobs[found]), ctx);
        ax_pipeline_record_fits(p, p->jobs[found]);
        ax_pipeline_show_job(p, found);
    }
    (void)pthread_mutex_unlock(&p->run);
    if (!current)
        return ax_fail(diag, AX_NOTREADY, "jobs are still being restored: ask again in a moment");
    return l ? AX_OK
             : ax_fail(diag, AX_NOTFOUND,
                       "no job of the configuration has the model " AX_STR_FMT " (<job>/<kind>)",
                       AX_STR_ARG(model));
}

static void look(struct ax_learner *l, int64_t t_ms, void *ctx)
{
    const struct ax_trial *t = &l->trial;
    (void)t_ms;
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

static void view(struct ax_learner *l, int64_t t_ms, void *ctx)
{
    (void)t_ms;
    (void)ax_learner_look(l); /* is one asked for? */
    ax_learner_view(l, ctx);
}

enum ax_err ax_pipeline_fit(struct ax_pipeline *p, struct ax_str model, struct ax_fit_view *out,
                            struct ax_diag *diag)
{
    return with_learner(p, model, view, out, diag);
}

bool ax_pipeline_job_fit(struct ax_pipeline *p, uint32_t job, uint32_t model, struct ax_fit_view *out)
{
    struct ax_fit_standing now;
    (void)pthread_rwlock_rdlock(&p->names);
    const bool found = job < p->shown_n && model < p->shown[job].models_n;
    if (found)
        *out = p->shown[job].models[model];
    (void)pthread_rwlock_unlock(&p->names);
    if (found && out->stage >= AX_FITS_QUEUED && ax_training_find(p->options.training, out->model, &now)) {
        out->stage = now.state == AX_FIT_WAITS ? AX_FITS_QUEUED : AX_FITS_RUNNING;
        out->place = now.place;
        out->share = now.share;
    }
    return found;
}

/* An artifact that is tried, and what comes of it. */
struct attempt {
    struct ax_str artifact;
    enum ax_err err;
    struct ax_diag *diag;
};

static void try_one(struct ax_learner *l, int64_t t_ms, void *ctx)
{
    struct attempt *a = ctx;
    struct ax_generation *g = NULL;
    (void)t_ms;
    a->err = ax_generation_new(l->spec.kind, l->spec.build, a->artifact, &g, a->diag);
    ax_generation_free(g);
}

enum ax_err ax_pipeline_try(struct ax_pipeline *p, struct ax_str model, struct ax_str artifact,
                            struct ax_diag *diag)
{
    struct attempt a = {.artifact = artifact, .diag = diag};
    const enum ax_err err = with_learner(p, model, try_one, &a, diag);
    return err == AX_OK ? a.err : err;
}

/* A fit that is to be called off, and what comes of that. */
struct calling_off {
    struct ax_fit_view *v;
    bool done, too_late;
};

static void cancel(struct ax_learner *l, int64_t t_ms, void *ctx)
{
    struct calling_off *c = ctx;
    struct ax_fit_view *v = c->v;
    ax_learner_view(l, v);
    c->done = ax_learner_cancel(l, t_ms);
    c->too_late = !c->done && l->fit;
    if (c->done)
        ax_log(AX_LOG_INFO, "training_cancelled", "the fit of model %s (%s) is called off", v->model,
               ax_fit_reason_name(v->reason));
}

enum ax_err ax_pipeline_cancel(struct ax_pipeline *p, struct ax_str model, struct ax_fit_view *out,
                               struct ax_diag *diag)
{
    struct calling_off c = {.v = out};
    const enum ax_err err = with_learner(p, model, cancel, &c, diag);
    if (err != AX_OK || c.done)
        return err;
    return ax_fail(diag, AX_CONFLICT,
                   c.too_late ? "the fit of " AX_STR_FMT " is over, and what it gave is being kept: too late"
                              : "no fit of " AX_STR_FMT " is asked for, waits or runs",
                   AX_STR_ARG(model));
}
