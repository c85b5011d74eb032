/* recurrence.h: what has come before at the same time of the day: a backup, a batch job, a nightly restart.
 *
 * A few entries, one for each time of the day at which something abnormal began: when, on how many days, and
 * how far it went. The fourth time it is known: while it lasts as long as before and goes no further than a
 * half beyond what was seen, it is no anomaly. Days may be left out (a job of working days, a weekly one);
 * what has not come for 9 days is forgotten, as is the rarest when there is no room. Owner: one thread. */
#ifndef AX_ANOMALY_RECURRENCE_H
#define AX_ANOMALY_RECURRENCE_H

#include "base/bytes.h"

#define AX_RECURRENCES 8

/* One time of the day. What lasts now becomes what was seen when it begins again. */
struct ax_recurrence {
    int64_t began_ms;            /* the newest onset; INT64_MIN: a free entry */
    uint32_t longest_s, lasts_s; /* how long it lasted before, and lasts now */
    float low, high;             /* how far its values went before, */
    float now_low, now_high;     /* and go now */
    uint32_t days;               /* on which it came, saturating */
};

/* Fields are private. */
struct ax_recurrences {
    struct ax_recurrence v[AX_RECURRENCES];
    int64_t last_ms; /* newest abnormal step; INT64_MIN: none */
    uint32_t active; /* index + 1 of the entry that lasts; 0: none */
};

/* One that has seen nothing. */
void ax_recurrences_init(struct ax_recurrences *r);

/* An abnormal step at t_ms with its value and what is usual: is it known? Learns it in any case. An onset is
 * a step without an abnormal one shortly before it. O(AX_RECURRENCES). */
bool ax_recurrences_take(struct ax_recurrences *r, int64_t t_ms, int64_t step_ms, double value, double usual);

/* Append all that it knows. */
void ax_recurrences_save(const struct ax_recurrences *r, struct ax_buf *out);

/* Read that back into one that has seen nothing; what cannot be is a failure of in. */
void ax_recurrences_load(struct ax_recurrences *r, struct ax_bytes *in);

#endif
