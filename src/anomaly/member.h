/* member.h: which level of a stream of scores is rare for this very series.
 *
 * The members of a detector have one each, and so has their combination. Owner: one thread. */
#ifndef AX_ANOMALY_MEMBER_H
#define AX_ANOMALY_MEMBER_H

#include "anomaly/tail.h"

/* Fields are private but for level. */
struct ax_member {
    struct ax_tail tail;
    float level; /* score that is exceeded at the rate; > 0 */

    float flagged;     /* weight of points above the level in the memory, of runs that lasted */
    float kept;        /* weight of those that do not teach yet, */
    float kept_log;    /* and the sum of the logarithms of their scores by it */
    float blips;       /* points above it that did not last, */
    float last[2];     /* and the newest two of them */
    float waiting;     /* the highest of those that may still turn out either */
    uint8_t waiting_n; /* how many these are */
    uint16_t run;      /* points above the level in succession */
};

/* One that has seen nothing. */
void ax_member_init(struct ax_member *m, uint32_t memory_steps);

/* Has it seen so many points, and enough for the level to mean something? */
bool ax_member_ready(const struct ax_member *m, uint32_t points);

/* How a member learns. */
struct ax_learning {
    double rate;       /* of points that exceed the level */
    double weight;     /* of this one, in (0, 1] */
    uint32_t points;   /* before the level means something */
    uint32_t patience; /* points above the level in succession after which they count in full */
    bool lasts;        /* an abnormality is on: a point below the level does not end the succession */
    bool late;         /* what lasts teaches late */
    uint32_t
        turn; /* of the series: others look for their level at other points, once that is rarely needed */
};

/* Learn a score (>= 0; above 1e30 it is that). From `points` on one above the level counts as if it were at
 * it, and less the longer the run of such points, so that an abnormality cannot hide the next; until it has
 * lasted for `patience`. When there have been more of them than the rate allows they count as higher by that
 * excess, so that a new normal is learnt. With `late` only as much of them as the rate allows counts at once;
 * the rest is kept apart and teaches after half of the memory on average, as no higher than its geometric
 * mean: many faults in a short time do not become what is usual. What was
 * over within three points is noise of this series rather than an abnormality: it counts in full, and its
 * excess is over what the rate allows of the points seen so far (3 at least) instead of those that the memory
 * holds; then as high as the lower of the two before it was, too. */
void ax_member_learn(struct ax_member *m, double score, const struct ax_learning *l);

/* The unit of scores has grown by so many octaves. */
void ax_member_shift(struct ax_member *m, int octaves);

/* So many points of about this score are usual now as the rate allows, and half as many again: the level is
 * above it. */
void ax_member_accept(struct ax_member *m, double score, double rate);

/* What was kept apart never teaches. */
void ax_member_drop(struct ax_member *m);

/* Append all that it knows. */
void ax_member_save(const struct ax_member *m, struct ax_buf *out);

/* Read that back into one that has seen nothing, of the same memory; what cannot be is a failure of in. */
void ax_member_load(struct ax_member *m, struct ax_bytes *in);

#endif
