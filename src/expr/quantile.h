/* quantile.h: quantiles as Prometheus computes them: of values, and of the buckets of a classic histogram. */
#ifndef AX_EXPR_QUANTILE_H
#define AX_EXPR_QUANTILE_H

#include <stdint.h>

/* The q-quantile of n values, interpolated between neighbours; v is put in disorder. NaN counts as the
 * smallest value. NaN for n = 0 or q NaN; -Inf for q < 0, +Inf for q > 1. O(n log n), no allocation. */
double ax_promql_quantile(double q, double *v, uint32_t n);

/* One cumulative bucket: how many observations were at most upper. */
struct ax_bucket {
    double upper, count;
};

/* The q-quantile of a histogram, linear within a bucket; v is sorted and made monotonic. n > 0. NaN without
 * a bucket +Inf, with fewer than two buckets or no observation. O(n log n), no allocation. */
double ax_bucket_quantile(double q, struct ax_bucket *v, uint32_t n);

#endif
