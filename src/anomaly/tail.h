/* tail.h: the upper tail of a stream of scores, in bounded memory: which level is exceeded once in a
 * million, or in a thousand, when only hundreds have been seen.
 *
 * A histogram over the logarithm (bins of 15 %) whose weights fade exponentially. The level for a rare
 * rate is extrapolated from what lies above a threshold that about 30 points exceed (at least 1 % and at
 * most 30 % of them), by a generalised Pareto tail: peaks over threshold, as in A. Siffer and others,
 * "Anomaly detection in streams with extreme value theory", KDD 2017. Its shape is the moment estimator of
 * Dekkers, Einmahl and de Haan (Annals of Statistics 17, 1989), drawn towards 0.15 as if 20
 * points more had said so, and never below 0 (an exponential tail): while little is known, and for light
 * tails, the level is cautious. Owner: one thread. */
#ifndef AX_ANOMALY_TAIL_H
#define AX_ANOMALY_TAIL_H

#include "base/bytes.h"

#define AX_TAIL_BINS 116      /* up to 2^17 */
#define AX_SHORT_TAIL_BINS 46 /* up to 2^3 */

/* What a tail knows beside its bins. Fields are private, but for n and growth. */
struct ax_tail_sums {
    float total, increment; /* sum of bins; weight of a point that is seen now */
    float growth;           /* of increment, each step */
    uint32_t n;             /* points seen, saturating */
};

/* Fields are private. */
struct ax_tail {
    float bins[AX_TAIL_BINS]; /* weights; the first holds all scores from 0 to 2^-6 */
    struct ax_tail_sums of;
};

/* One for scores that are known to be small: its last bin holds what is more. */
struct ax_short_tail {
    float bins[AX_SHORT_TAIL_BINS];
    struct ax_tail_sums of;
};

/* An empty one that remembers about memory_steps points (> 0). */
void ax_tail_init(struct ax_tail *t, uint32_t memory_steps);

/* Take in a score (>= 0, finite) with a weight in (0, 1]; time passes by one step. O(1) amortised. */
void ax_tail_add(struct ax_tail *t, double score, double weight);

/* Let all that was seen count for a share (0 to 1) of what it does. O(bins). */
void ax_tail_fade(struct ax_tail *t, float share);

/* As above, but no time passes. */
void ax_tail_put(struct ax_tail *t, double score, double weight);

/* The unit of scores has grown by so many octaves: what was seen moves down by as many, exactly but for what
 * is beyond the lowest or the highest bin then. */
void ax_tail_shift(struct ax_tail *t, int octaves);

/* The level that a share `rate` of scores exceeds; 0 when nothing was seen. Not below the bin that so many of
 * those seen reach, when that is 2 points or more: the extrapolation knows nothing of lumps of equal scores.
 * O(bins). */
double ax_tail_level(const struct ax_tail *t, double rate);

/* Median of the scores seen, to a bin; 0 when nothing was seen. O(bins). */
double ax_tail_median(const struct ax_tail *t);

/* As those of a long one. */
void ax_short_tail_init(struct ax_short_tail *t, uint32_t memory_steps);
/* As above. */
void ax_short_tail_add(struct ax_short_tail *t, double score, double weight);
/* As above. */
double ax_short_tail_level(const struct ax_short_tail *t, double rate);
/* As above. */
void ax_short_tail_save(const struct ax_short_tail *t, struct ax_buf *out);
/* As above. */
void ax_short_tail_load(struct ax_short_tail *t, struct ax_bytes *in);

/* Append all that it knows. */
void ax_tail_save(const struct ax_tail *t, struct ax_buf *out);

/* Read that back into an empty one of the same memory; what cannot be is a failure of in. */
void ax_tail_load(struct ax_tail *t, struct ax_bytes *in);

#endif
