/* entity_points.h: points of entities, which the ensemble learns from and is asked with: means of their
 * features over the larger of 5 minutes and a step, one point after the other; of latencies each step.
 *
 * Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_ENTITY_POINTS_H
#define AX_PIPELINE_ENTITY_POINTS_H

#include "pipeline/ensemble_kind.h"
#include "pipeline/job_priv.h"

#define AX_LATENCY_STEPS 20 /* that the model of latencies looks at */

/* Steps of a point. */
uint32_t ax_point_steps(const struct ax_job *job);

/* The last points of an entity that end at step t_ms, as many as the ensemble's rows have, oldest first, into
 * x[points][channels_n]. NaN where a feature has no value. */
void ax_entity_points(struct ax_job *job, const struct ax_entity *e, int64_t t_ms, float *x);

/* Had a new level of an entity settled before one of two generations learnt, and after the other one had?
 * Then what they say of it is no measure of either: one knows the entity, and the other one knows it no more.
 */
bool ax_entity_is_void(const struct ax_entity *e, const struct ax_fit_scores *one,
                       const struct ax_fit_scores *other);

/* Copy the past of all entities, as struct ax_learner_spec.copy(): ctx is the job. AX_NOTREADY while there is
 * too little of it; nothing while there is too little more than the live generation learnt from. */
AX_MUST_USE enum ax_err ax_entities_copy(void *ctx, int64_t t_ms, enum ax_fit_reason reason,
                                         uint64_t bytes_max, struct ax_past_copy *out);

#endif
