/* standing.c: visits of what jobs have. */
#include "pipeline/standing.h"

#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"

void ax_pipeline_each_learner(struct ax_pipeline *p, ax_learner_visit *visit, void *ctx)
{
    for (uint32_t i = 0; i < p->jobs_n; i++)
        for (struct ax_learner *l = p->jobs[i]->learners; l; l = l->after)
            if (!visit(ctx, p->jobs[i]->config, p->jobs[i]->schedule.last_ms, l))
                return;
}

static void visit_channel(const struct ax_channel *c, ax_score_visit *visit, void *ctx)
{
    for (uint32_t h = 0; c->kind.scorecard && h < c->forecast.horizons_n; h++) {
        const struct ax_score score = ax_scorecard_read(c->kind.scorecard, c->job->schedule.last_ms, h);
        visit(ctx, c->job->config, c->feature, c->job->config->forecast.horizons_ms[h], &score);
    }
}

void ax_pipeline_each_score(struct ax_pipeline *p, ax_score_visit *visit, void *ctx)
{
    for (uint32_t i = 0; i < p->jobs_n; i++)
        for (uint32_t k = 0; k < p->jobs[i]->channels_n; k++)
            visit_channel(&p->jobs[i]->channels[k], visit, ctx);
}
