/* schedule.h: which step of a job is due (pure).
 *
 * Steps are multiples of step_ms since the epoch. Step T is evaluated once: when the newest sample, clamped
 * to now, is at least T + delay, or when AX_STEP_PATIENCE_MS have passed since T without one. A job that
 * fell far behind (sleep, a long gap in a recording) passes over the steps that nothing can be known of
 * any more, and counts them. */
#ifndef AX_PIPELINE_SCHEDULE_H
#define AX_PIPELINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define AX_STEP_PATIENCE_MS 60000
#define AX_NEVER INT64_MIN

/* Steps of one job. */
struct ax_schedule {
    int64_t step_ms, delay_ms;
    int64_t last_ms; /* newest evaluated step; AX_NEVER at first */
};

/* The next step to evaluate now. Returns false when none is due. *out_skipped: steps passed over to get
 * there. The first step of all is the newest one that is due. Does not move the schedule: the caller sets
 * last_ms when the step is done. */
bool ax_schedule_due(const struct ax_schedule *s, int64_t newest_sample_ms, int64_t now_ms, int64_t *out_t_ms,
                     uint64_t *out_skipped);

/* Largest multiple of step_ms that is not after t_ms. */
int64_t ax_schedule_floor(int64_t t_ms, int64_t step_ms);

#endif
