/* float_histogram.h: a native histogram as a value: which buckets there are, and how much is in each.
 *
 * Whatever it was sent as (integers with deltas, floats, custom buckets) it is read into one form, in which
 * PromQL computes: buckets are pairs of number and count, numbers rising, spans are gone. Bucket i of an
 * exponential schema s holds what is above base^(i-1) and at most base^i, base being 2^(2^-s); on the
 * negative side the same of the absolute value. Bucket i of custom buckets holds what is above bounds[i-1]
 * and at most bounds[i]. Source: Prometheus, "Native Histograms". */
#ifndef AX_PROM_FLOAT_HISTOGRAM_H
#define AX_PROM_FLOAT_HISTOGRAM_H

#include "base/arena.h"
#include "base/err.h"
#include "prom/histogram_walk.h"

/* One bucket. A count of zero is a bucket that was sent as such. */
struct ax_histogram_bucket {
    int32_t index;
    double count;
};

/* Buckets of one sign, index rising. */
struct ax_histogram_side {
    struct ax_histogram_bucket *v;
    uint32_t n;
};

/* The value. Its arrays belong to the arena that it was made in. */
struct ax_float_histogram {
    int32_t schema; /* AX_SCHEMA_MIN to AX_SCHEMA_MAX, or AX_SCHEMA_CUSTOM */
    bool reset;     /* the sender says that its counter was reset before it */
    double zero_threshold, zero_count, count, sum;
    struct ax_histogram_side positive, negative;
    const double *bounds; /* of custom buckets */
    uint32_t bounds_n;
};

/* Read a message that ax_histogram_read() found good. AX_INVALID when it is malformed, or has a bucket whose
 * number no observation can have; AX_NOMEM. Cost: two passes over the bytes. */
AX_MUST_USE enum ax_err ax_float_histogram_read(struct ax_str bytes, struct ax_arena *arena,
                                                struct ax_float_histogram *out);

/* The same buckets at a coarser schema, `shift` steps down: 2^shift neighbours become one. In place. */
void ax_histogram_coarsen(struct ax_histogram_side *side, unsigned shift);

/* Number of the bucket that bucket `index` falls into `shift` steps down. */
static inline int32_t ax_histogram_coarse_index(int32_t index, unsigned shift)
{
    return ((index - 1) >> shift) + 1;
}

#endif
