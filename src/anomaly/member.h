/* member.h: one view of what is surprising: how far a value is outside of an interval that is expected,
 * in units of the series' own scale, and which level of that is rare for this very series.
 *
 * Two members share it: the residual against the forecast interval, and the difference to the step
 * before. Owner: one thread. */
#ifndef AX_ANOMALY_MEMBER_H
#define AX_ANOMALY_MEMBER_H

#include "anomaly/tail.h"

/* What a member expects of a step: values from low to high do not surprise it; outside, distance is
 * measured in unit_low below and unit_high above (> 0). */
struct ax_frame {
    bool present;
    double low, high, unit_low, unit_high;
};

#define AX_MEMBER_FIRST 8

/* Fields are private but for level, near and typical. */
struct ax_member {
    struct ax_tail tail;
    float level;                  /* score that is exceeded at the rate; > 0 */
    float typical;                /* mean distance over the whole memory: the least unit follows it */
    float near;                   /* mean distance over the last 64 steps or so */
    float first[AX_MEMBER_FIRST]; /* the first distances; they only set the two means */
    uint32_t seen;                /* points, saturating */

    float flagged; /* weight of points above the level in the memory */
    uint16_t run;  /* how many of them in succession */
};

/* One that has seen nothing. */
void ax_member_init(struct ax_member *m, uint32_t memory_steps);

/* Is there enough past for the level to mean something? */
bool ax_member_ready(const struct ax_member *m, uint32_t warmup_steps);

/* Distance of a value outside of the frame; 0 within. */
double ax_frame_distance(const struct ax_frame *f, double value);

/* The same in units, not normalised by the level. */
double ax_frame_score(const struct ax_frame *f, double value);

/* Learn a step. A point above the level counts as if it were at it, and less the longer the run of such
 * points, so that an abnormality cannot hide the next. When there have been more of them than the
 * rate allows they count as higher by that excess, so that a new normal is learnt. */
void ax_member_learn(struct ax_member *m, const struct ax_frame *f, double value, double rate,
                     uint32_t warmup_steps);

/* Append all that it knows. */
void ax_member_save(const struct ax_member *m, struct ax_buf *out);

/* Read that back into one that has seen nothing, of the same memory; what cannot be is a failure of in. */
void ax_member_load(struct ax_member *m, struct ax_bytes *in);

#endif
