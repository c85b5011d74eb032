/* spread.h: how far a series wanders in k steps, relative to one: flat for noise about a level, growing
 * as the square root for a random walk, as its slope for a cycle. It tells for how long a level that was
 * normal before an onset still says what is normal now. Owner: one thread. */
#ifndef AX_ANOMALY_SPREAD_H
#define AX_ANOMALY_SPREAD_H

#include "base/bytes.h"

#define AX_SPREAD_LAGS 8 /* 1, 2, 4, ... 128 steps */
#define AX_SPREAD_RING (1u << (AX_SPREAD_LAGS - 1))

/* Fields are private. */
struct ax_spread {
    float ring[AX_SPREAD_RING]; /* the last values; NaN for gaps and abnormal ones */
    float mean[AX_SPREAD_LAGS]; /* mean squared difference over the lag, each clipped at 25 times the mean */
    uint16_t seen[AX_SPREAD_LAGS]; /* differences in it, saturating */
    uint32_t at;
};

/* One that has seen nothing. */
void ax_spread_init(struct ax_spread *s);

/* Take in the next step's value; NaN for none, or for one that must not teach. O(AX_SPREAD_LAGS). */
void ax_spread_add(struct ax_spread *s, double value);

/* Root of the mean squared difference over k steps divided by that over one step; at least 1, not falling in
 * k. Beyond what has been seen it is extrapolated with the last octave's growth (at most that of a random
 * walk). */
double ax_spread_growth(const struct ax_spread *s, uint32_t k);

/* Median of the last (at most 7) values that taught it; NaN when there is none. */
double ax_spread_median(const struct ax_spread *s);

/* Append all that it knows. */
void ax_spread_save(const struct ax_spread *s, struct ax_buf *out);

/* Read that back; what cannot be is a failure of in. */
void ax_spread_load(struct ax_spread *s, struct ax_bytes *in);

#endif
