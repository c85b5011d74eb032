/* triggers.h: why a job's models are to be fitted again, beside the schedule: because its data have drifted
 * or its forecasts have become worse for a time, or because a cron line says so (`models` of a job).
 *
 * What has lasted for how long is counted from the steps that this process has taken: after a restart anew.
 * Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_TRIGGERS_H
#define AX_PIPELINE_TRIGGERS_H

#include "config/calendar.h"
#include "pipeline/learner.h"

/* Of one job. */
struct ax_triggers {
    const struct ax_job_models_config *config;
    struct ax_calendar *at;      /* the times of `fit_at`; NULL: none */
    int64_t drifted_ms, fell_ms; /* since when; INT64_MIN: it has not */
};

/* Length of an event of `fit_at`, within which a fit is begun, for steps of that length. */
int64_t ax_triggers_event_ms(int64_t step_ms);

/* Begin. AX_INVALID with a text (a cron line that is none), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_triggers_init(struct ax_triggers *t, const struct ax_job_models_config *config,
                                         struct ax_str time_zone, int64_t step_ms, struct ax_diag *diag);

/* Give back what it holds. */
void ax_triggers_done(struct ax_triggers *t);

/* After step t_ms: the share of the features that has drifted, and the accuracy at the shortest horizon; NaN
 * where nothing is known. Which reason there is. */
enum ax_fit_reason ax_triggers_step(struct ax_triggers *t, int64_t t_ms, double drifted, double accuracy);

#endif
