/* skips.h: what a job's calendars say of a step: no alerts, no learning.
 *
 * It is asked once, when a step is evaluated, and goes into the step's record, so that a replay does as was
 * done then, whatever has become of the calendars. Owner: whoever evaluates the job's steps. */
#ifndef AX_PIPELINE_SKIPS_H
#define AX_PIPELINE_SKIPS_H

#include "forecast/holidays.h"

/* Bits of what does not happen at a step. */
enum ax_skip { AX_SKIP_ALERTS = 1, AX_SKIP_LEARNING = 2, AX_SKIP_ALL = 3 };

struct ax_skips;

/* The calendars that a job names, read now. *out is NULL when it names none. Errors of ax_calendar_new(). */
AX_MUST_USE enum ax_err ax_skips_new(const struct ax_config *config, const struct ax_job_config *job,
                                     struct ax_skips **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_skips_free(struct ax_skips *s);

/* The calendars during whose events learning goes on, for the forecasts: as many as there is room for, in the
 * order in which the job names them. They are those of s, and known again. */
void ax_skips_holidays(const struct ax_skips *s, struct ax_holidays *out);

/* Which bits are set at t_ms; 0 for NULL. What a calendar cannot tell (AX_NOMEM, AX_LIMIT: *err) counts as
 * nothing. */
uint8_t ax_skips_at(struct ax_skips *s, int64_t t_ms, enum ax_err *err);

#endif
