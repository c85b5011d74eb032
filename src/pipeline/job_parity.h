/* job_parity.h: are the groups of a job served alike, as it runs? `targets.parity` of a job; numbers and flag
 * are those of train/parity.h, over the sums of parity_card.h. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_JOB_PARITY_H
#define AX_PIPELINE_JOB_PARITY_H

#include "anomaly/taught.h"
#include "pipeline/outlet.h"
#include "pipeline/parity_card.h"

struct ax_job;

/* Measures of ax_parity, as they are sent. */
enum { AX_PARITY_MEASURES = 5 };
/* Of each group: the error of its forecasts, the share of its units that were alarms. */
enum { AX_PARITY_GROUP_OUTPUTS = 2 };

/* What a job with `targets.parity` has. */
struct ax_job_parity {
    struct ax_parity_card *card;
    struct ax_parity newest; /* as of the newest step */
    struct ax_outlet measures[AX_PARITY_MEASURES], flagged;
    struct ax_outlet (*groups)[AX_PARITY_GROUP_OUTPUTS];
};

/* Begin, where the job's config asks for it and it is no rehearsal. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_job_parity_init(struct ax_job *job);

/* Give back what it holds. */
void ax_job_parity_done(struct ax_job *job);

/* Step t_ms is taken, and the job's newest step still is the one before it: count the unit that is over, if
 * one is; compare and feed. */
void ax_job_parity_step(struct ax_job *job, int64_t t_ms);

/* People say that what scored in a range was abnormal; threshold: that in force before they said so. Counts
 * the units that are over and of which the scores are still known. */
void ax_job_parity_missed(struct ax_job *job, const struct ax_labels *labels, const struct ax_hindsight *h,
                          const struct ax_lesson_range *range, double threshold);

/* Series were erased: groups without any go too. */
void ax_job_parity_erased(struct ax_job *job);

/* Say on the cards of what serves that groups are not served alike, if that is so and was not said of them.
 * Moves the registry, so not in a replay. */
void ax_job_parity_flag(struct ax_job *job);

/* Do something to its outlets. */
void ax_job_parity_outlets(struct ax_job *job, const struct ax_outlet_deed *deed);

#endif
