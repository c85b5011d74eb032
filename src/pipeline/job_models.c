/* job_models.c: the models of a job that are fitted beside it. */
#include "pipeline/job_priv.h"
#include "pipeline/swap_record.h"

void ax_job_learn(struct ax_job *job, struct ax_learner *l, const struct ax_learner_spec *spec)
{
    struct ax_learner_spec whole = *spec;
    struct ax_learner **end = &job->learners;
    whole.training = ax_job_rehearses(job) ? NULL : job->env.training;
    whole.artifacts = job->env.artifacts;
    whole.job = job->name;
    whole.step_ms = job->config->step_ms;
    whole.seed = job->env.seed;
    ax_learner_init(l, &whole);
    while (*end)
        end = &(*end)->after;
    *end = l;
}

void ax_job_train(struct ax_job *job)
{
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_offer(l, job->schedule.last_ms);
}

struct ax_learner *ax_job_trained(struct ax_job *job)
{
    for (struct ax_learner *l = job->learners; l; l = l->after)
        if (ax_learner_ready(l))
            return l;
    return NULL;
}

struct ax_swap ax_job_swap_of(const struct ax_job *job, const struct ax_learner *l)
{
    return (struct ax_swap){.job = job->config->name,
                            .generation = job->generation,
                            .identity = job->identity,
                            .last_ms = job->schedule.last_ms,
                            .kind = ax_str(l->spec.kind->name),
                            .feature = ax_str(l->spec.feature),
                            .sha256 = ax_str(l->next->sha256)};
}

enum ax_err ax_job_swap(struct ax_job *job, const struct ax_swap *swap)
{
    if (swap->generation != job->generation || swap->identity != job->identity ||
        swap->last_ms < job->schedule.last_ms)
        return AX_OK;
    for (struct ax_learner *l = job->learners; l; l = l->after)
        if (ax_str_eq(swap->kind, ax_str(l->spec.kind->name)) &&
            ax_str_eq(swap->feature, ax_str(l->spec.feature)))
            return ax_learner_restore(l, swap->sha256);
    return AX_OK;
}
