/* depth.h: how far a series that is never negative has fallen, as a ratio: a sender that stalls, a service
 * that nobody asks any more.
 *
 * Where values vary by as much as their mean, nothing above zero is far from what was expected in the unit of
 * the input; on a logarithmic scale zero is. The depth of a value is ln((usual + least) / (value + least)):
 * usual is the geometric mean of what is normal, least a twentieth of the arithmetic one, below which all is
 * as good as nothing. Depths have a tail of their own (anomaly/tail.h), so what a series often visits is
 * not deep for it; but no level is drawn from it that zero itself would not reach, until depths of three
 * quarters of that came more than twice within the memory, and more often than the rate allows. Only a fall
 * counts: to less than half of what the last values were, and of what is usual; what wanes over hours has not
 * stalled. Owner: one thread. */
#ifndef AX_ANOMALY_DEPTH_H
#define AX_ANOMALY_DEPTH_H

#include "anomaly/tail.h"

/* Fields are private. */
struct ax_depth {
    struct ax_short_tail
        tail;       /* of depths: as a mean of logarithms is below that of the mean they stay near ln 21 */
    double log;     /* mean logarithm of a value and least */
    double mean;    /* of values */
    uint32_t since; /* values since the last negative one, saturating */
    bool negative;  /* there was one */
    uint8_t lasts;  /* abnormal values in succession, up to 4, */
    float deepest;  /* and the depth of the deepest */
    float level;    /* depth that is rare; at least ln 2 */
    float bottom;   /* visits about as deep as zero, within the memory */
};

/* One that has seen nothing. */
void ax_depth_init(struct ax_depth *d, uint32_t memory_steps);

/* Values below it are deep: less than half of `recent`, what was of late (NaN: not known), and as far below
 * what is usual as is rare; 0 when there are no such values. -INFINITY for a series that was negative within
 * its memory, and until 240 values were learnt. */
double ax_depth_edge(const struct ax_depth *d, double recent);

/* The depth of a value over that which is rare, at least 1; 0 for one that is not below the edge. */
double ax_depth_score(const struct ax_depth *d, double value, double edge);

/* Learn a value (at most 1e38), when depths are rare that `rate` of values exceed. Values count from the
 * first one above 0 on, the first 60 for less: a host that starts is idle. Abnormal ones are none that
 * others are compared with, and count as one when they are over: as deep as they were when that was within
 * three values, else no deeper than what is rare. O(bins of the tail), at every eighth value of a long past,
 * which one being the turn of the series. */
void ax_depth_learn(struct ax_depth *d, double value, bool abnormal, double rate, uint32_t turn);

/* Append all that it knows. */
void ax_depth_save(const struct ax_depth *d, struct ax_buf *out);

/* Read that back into one that has seen nothing, of the same memory; what cannot be is a failure of in. */
void ax_depth_load(struct ax_depth *d, struct ax_bytes *in);

#endif
