/* triggers.h: why a job's models are to be fitted again, beside the schedule: because its data have drifted
 * or its forecasts have become worse for a time, or because a cron line says so (`models` of a job).
 *
 * What has lasted for how long is part of what lasts, and is counted by steps, in a replay too. Owner: the
 * pipeline's thread. */
#ifndef AX_PIPELINE_TRIGGERS_H
#define AX_PIPELINE_TRIGGERS_H

#include "config/calendar.h"
#include "pipeline/fits.h"

/* Of one job. */
struct ax_triggers {
    const struct ax_job_models_config *config;
    int64_t step_ms;
    struct ax_calendar *at;      /* the times of `fit_at`; NULL: none */
    int64_t drifted_ms, fell_ms; /* since when; INT64_MIN: it has not */
    int64_t seen_ms;             /* newest step; INT64_MIN: none */
};

/* Begin. AX_INVALID with a text (a cron line that is none), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_triggers_init(struct ax_triggers *t, const struct ax_job_models_config *config,
                                         struct ax_str time_zone, int64_t step_ms, struct ax_diag *diag);

/* Give back what it holds. */
void ax_triggers_done(struct ax_triggers *t);

/* A step t_ms is taken: the share of the features that has drifted, and the accuracy at the shortest horizon;
 * NaN where nothing is known. Has the cron line named a time since the step before it? However long ago that
 * was: what came while the process was down counts. */
bool ax_triggers_step(struct ax_triggers *t, int64_t t_ms, double drifted, double accuracy);

/* Which reason there is after step t_ms: AX_FIT_ACCURACY, AX_FIT_DRIFT or AX_FIT_NOT. */
enum ax_fit_reason ax_triggers_reason(const struct ax_triggers *t, int64_t t_ms);

/* Append what has lasted since when. */
void ax_triggers_save(const struct ax_triggers *t, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_triggers_load(struct ax_triggers *t, struct ax_bytes *in);

#endif
