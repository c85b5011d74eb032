/* job_models.c: the models of a job that are fitted beside it. */
#include "pipeline/fits_record.h"
#include "pipeline/job_priv.h"
#include "pipeline/swap_record.h"

#include <math.h>

/* How versions are tried, by the job's config; block and lags are the model's own affair. */
static struct ax_trial_rule rule_of(const struct ax_job *job, const struct ax_trial_rule *own)
{
    const struct ax_job_models_config *m = &job->config->models;
    struct ax_trial_rule rule = *own;
    rule.shadows = !ax_str_eq(m->promotion, ax_str("immediate"));
    rule.canary = ax_str_eq(m->promotion, ax_str("canary"));
    rule.compare = (struct ax_promotion_rule){
        .samples_min = rule.compare.samples_min ? rule.compare.samples_min : m->min_samples,
        .effect_min = m->min_effect,
        .alpha = m->significance};
    rule.canary_n = m->canary_samples;
    rule.watch_n = m->watch_samples;
    return rule;
}

static void told_of(void *ctx, struct ax_validation *out)
{
    struct ax_watch *w = &((struct ax_job *)ctx)->watch;
    ax_validation_order(out, atomic_load(&w->samples), atomic_load(&w->twice), atomic_load(&w->disorder));
}

void ax_job_learn(struct ax_job *job, struct ax_learner *l, const struct ax_learner_spec *spec)
{
    struct ax_learner_spec whole = *spec;
    struct ax_learner **end = &job->learners;
    whole.training = ax_job_rehearses(job) ? NULL : job->env.training;
    whole.artifacts = job->env.artifacts;
    whole.job = job->name;
    whole.fits.step_ms = job->config->step_ms;
    whole.seed = job->env.seed;
    whole.config = job->config->hash;
    whole.fits.cooldown_ms = job->config->models.cooldown_ms;
    whole.rule = rule_of(job, &spec->rule);
    whole.explains = ax_job_explains;
    whole.job_ctx = job;
    whole.told = told_of;
    whole.search = (struct ax_tuning_rule){.trials = job->config->models.search_trials,
                                           .time_ms = job->config->models.search_ms};
    ax_learner_init(l, &whole);
    while (*end)
        end = &(*end)->after;
    *end = l;
}

/* Has what is on trial learnt after the drift began? Another fit would learn the same, and begin the trial
 * anew. */
static bool knows_of_drift(const struct ax_job *job, const struct ax_learner *l)
{
    return l->shadow && l->roles.phase != AX_PHASE_WATCH &&
           l->shadow->scores.until_ms > job->triggers.drifted_ms;
}

void ax_job_grow_older(struct ax_job *job, int64_t t_ms)
{
    const uint32_t tested = job->drift_ready[AX_DRIFT_INPUTS];
    const double drifted = tested ? (double)job->drift_drifted[AX_DRIFT_INPUTS] / tested : (double)NAN,
                 accuracy = job->config->models.accuracy_below > 0 ? ax_job_accuracy(job, t_ms) : (double)NAN;
    const bool rings =
        job->learners && !ax_job_rehearses(job) && ax_triggers_step(&job->triggers, t_ms, drifted, accuracy);
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_age(l, job->triggers.drifted_ms != INT64_MIN, rings);
}

void ax_job_train(struct ax_job *job)
{
    const int64_t t_ms = job->schedule.last_ms;
    if (job->learners)
        ax_job_parity_flag(job);
    const enum ax_fit_reason reason = ax_triggers_reason(&job->triggers, t_ms);
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_offer(l, t_ms, reason == AX_FIT_DRIFT && knows_of_drift(job, l) ? AX_FIT_NOT : reason);
}

struct ax_learner *ax_job_trained(struct ax_job *job)
{
    for (struct ax_learner *l = job->learners; l; l = l->after)
        if (ax_learner_ready(l, job->schedule.last_ms))
            return l;
    return NULL;
}

struct ax_learner *ax_job_learners(struct ax_job *job)
{
    return job->learners;
}

static struct ax_learner_at at_of(const struct ax_job *job, const struct ax_learner *l)
{
    return (struct ax_learner_at){.job = job->config->name,
                                  .generation = job->generation,
                                  .identity = job->identity,
                                  .last_ms = job->schedule.last_ms,
                                  .kind = ax_str(l->spec.kind->name),
                                  .feature = ax_str(l->spec.feature)};
}

/* The model that a record speaks of; NULL when the record is of another job, or older than what this has. */
static struct ax_learner *find_learner(const struct ax_job *job, const struct ax_learner_at *at)
{
    if (at->generation != job->generation || at->identity != job->identity ||
        at->last_ms < job->schedule.last_ms)
        return NULL;
    for (struct ax_learner *l = job->learners; l; l = l->after)
        if (ax_str_eq(at->kind, ax_str(l->spec.kind->name)) &&
            ax_str_eq(at->feature, ax_str(l->spec.feature)))
            return l;
    return NULL;
}

struct ax_fits_record ax_job_fits_of(const struct ax_job *job, const struct ax_learner *l)
{
    return (struct ax_fits_record){.at = at_of(job, l), .fits = l->fits};
}

void ax_job_restore_fits(struct ax_job *job, const struct ax_fits_record *record)
{
    struct ax_learner *l = find_learner(job, &record->at);
    if (l)
        l->fits = record->fits;
}

struct ax_swap ax_job_swap_of(const struct ax_job *job, const struct ax_learner *l)
{
    return (struct ax_swap){.at = at_of(job, l), .roles = l->next.roles};
}

enum ax_err ax_job_swap(struct ax_job *job, const struct ax_swap *swap)
{
    struct ax_learner *l = find_learner(job, &swap->at);
    return l ? ax_learner_restore(l, &swap->roles, swap->at.last_ms) : AX_OK;
}
