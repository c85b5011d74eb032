/* schedule.h: which step of a job is due (pure).
 *
 * Steps are multiples of step_ms since the epoch. Step T is evaluated once: when the newest sample is at
 * least T + delay, or when no sample of the job has arrived for AX_STEP_PATIENCE_MS and, by the samples' own
 * time, so much has passed since T. Who waits in vain is told by arrivals and not by the clock, so that after
 * a restart or a sender's outage the samples that are sent again are waited for, however old they are. They
 * come from several connections, one ahead of the other: a step that is late already waits until none of its
 * time or before (and after the last step) has come for the delay. A job that fell far behind (sleep, a long
 * gap in a recording, a machine too slow) passes over steps, and counts them.
 *
 * When the clock steps, samples decide:
 * - forward: a sample's time is what it was, so steps go on as before. Should the samples end just then, the
 * steps without any go on from the newest sample, as much as has really passed, and not from the new time;
 * only what is older than AX_STEP_LAG_MS is taken to have been left behind, and the clock believed.
 * - back: samples would all be from the future. They are compared with latest_ms, the clock of before going
 * on (base/steady.h), and steps go on; steps without samples wait until the clock has caught up.
 * - Samples whose own clock has stepped forward and back leave evaluated steps behind: no step is evaluated
 * again, because endpoints refuse a second value of one time, so that steps go on where the samples are new.
 */
#ifndef AX_PIPELINE_SCHEDULE_H
#define AX_PIPELINE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define AX_STEP_PATIENCE_MS 60000
#define AX_STEP_BEHIND_MS 300000    /* a job behind by more than this (and 3 steps) skips */
#define AX_STEP_CATCH_UP_MS 3600000 /* the same after an outage, when the machine can make up for it */
#define AX_STEP_LATE_MS                                                                                      \
    20000 /* so long after T + delay its samples are on their way again, or never will be */
#define AX_STEP_LAG_MS 7200000 /* a newest sample so old says nothing of what time it is */
#define AX_LOOK_MS 5000        /* what one look counts as silence at most: in a longer one nobody looked */
#define AX_NEVER INT64_MIN

/* Steps of one job. */
struct ax_schedule {
    int64_t step_ms, delay_ms;
    int64_t last_ms; /* newest evaluated step; AX_NEVER at first */
};

/* What a job knows when it asks for its next step. */
struct ax_moment {
    int64_t newest_ms;  /* of its samples; AX_NEVER: there was none */
    int64_t silent_ms;  /* for so long none has arrived */
    int64_t settled_ms; /* none up to this time has arrived for the delay; INT64_MAX: none at all has */
    int64_t now_ms;     /* the clock */
    int64_t latest_ms;  /* later than this no sample can be: now_ms, unless the clock was stepped back */
    int64_t behind_ms;  /* behind by more than this (and AX_STEP_BEHIND_MS, and 3 steps) it skips */
};

/* The next step to evaluate now. Returns false when none is due. *out_skipped: steps passed over to get
 * there. The first step of all is the newest one that is due. Does not move the schedule: the caller sets
 * last_ms when the step is done. */
bool ax_schedule_due(const struct ax_schedule *s, const struct ax_moment *m, int64_t *out_t_ms,
                     uint64_t *out_skipped);

/* Largest multiple of step_ms that is not after t_ms. */
int64_t ax_schedule_floor(int64_t t_ms, int64_t step_ms);

/* What a job sees arriving, on a clock of which a look counts at most look_max_ms: what passed while the
 * process stood still is nobody's silence. */
struct ax_arrivals {
    int64_t look_max_ms, window_ms;
    bool looked;
    int64_t newest_ms, looked_ms;
    int64_t silent_ms;    /* for so long none has arrived; a start counts as an arrival */
    int64_t oldest_ms[2]; /* of those of this window and of the one before; INT64_MAX: none */
    int64_t in_window_ms; /* passed of it */
};

/* Nothing has arrived; what is settled is so for a window at least, and for two at most. */
void ax_arrivals_init(struct ax_arrivals *a, int64_t look_max_ms, int64_t window_ms);

/* Look: newest_ms is the newest sample of all, oldest_ms the oldest that came since the last look (INT64_MAX:
 * none). */
void ax_arrivals_look(struct ax_arrivals *a, int64_t newest_ms, int64_t oldest_ms, int64_t now_ms);

/* That none have arrived is nobody's fault but ours: the silence begins anew with the next look. */
void ax_arrivals_excuse(struct ax_arrivals *a);

/* Up to which time nothing has arrived for a window; INT64_MAX when nothing has, or windows have no length.
 */
int64_t ax_arrivals_settled(const struct ax_arrivals *a);

#endif
