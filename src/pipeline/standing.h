/* standing.h: how the jobs of a pipeline that runs no steps stand: their models that are fitted beside them,
 * and how their forecasts did. For a training that is asked for. */
#ifndef AX_PIPELINE_STANDING_H
#define AX_PIPELINE_STANDING_H

#include "forecast/scorecard.h"
#include "pipeline/learner.h"
#include "pipeline/pipeline.h"

/* Takes one; false ends the visit. t_ms is the newest step of the job. */
typedef bool ax_learner_visit(void *ctx, const struct ax_job_config *job, int64_t t_ms, struct ax_learner *l);

/* Visit the learners of all jobs, in the order of the config. Between two steps; not thread-safe. */
void ax_pipeline_each_learner(struct ax_pipeline *p, ax_learner_visit *visit, void *ctx);

/* Takes the score of one horizon of a job's expression (feature empty) or of one of its features. */
typedef void ax_score_visit(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                            int64_t horizon_ms, const struct ax_score *score);

/* Visit the scorecards of all jobs as of their newest steps. */
void ax_pipeline_each_score(struct ax_pipeline *p, ax_score_visit *visit, void *ctx);

#endif
