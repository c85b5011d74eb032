/* native.h: arithmetic of native histograms, as PromQL 3 has it: pure, results in an arena.
 *
 * Two exponential histograms are brought to the coarser schema and to the wider zero bucket, two with custom
 * buckets to the bounds that both have; an exponential and a custom one have nothing in common. Checked
 * against a Prometheus 3 by tests/golden/promql. */
#ifndef AX_EXPR_NATIVE_H
#define AX_EXPR_NATIVE_H

#include "prom/float_histogram.h"

/* A copy, all of it in the arena, whose buckets may be changed. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_native_copy(const struct ax_float_histogram *h, struct ax_arena *arena,
                                       struct ax_float_histogram *out);

/* h += sign * other, sign being 1 or -1. AX_CONFLICT when just one has custom buckets (h is unchanged);
 * AX_NOMEM (h is lost). O(buckets). */
AX_MUST_USE enum ax_err ax_native_add(struct ax_float_histogram *h, const struct ax_float_histogram *other,
                                      double sign, struct ax_arena *arena);

/* Make h, the mean of n - 1 histograms, that of n with another one. As ax_native_add(). */
AX_MUST_USE enum ax_err ax_native_move_mean(struct ax_float_histogram *h,
                                            const struct ax_float_histogram *other, double n,
                                            struct ax_arena *arena);

/* Multiply all counts and the sum. In place. */
void ax_native_multiply(struct ax_float_histogram *h, double factor);

/* Divide them; 0 leaves no bucket. In place. */
void ax_native_divide(struct ax_float_histogram *h, double divisor);

/* Take out the buckets that are empty. In place. */
void ax_native_compact(struct ax_float_histogram *h);

/* Was the counter reset between prev and h? When h says so, or when anything of it is less than in prev. */
bool ax_native_is_reset(const struct ax_float_histogram *h, const struct ax_float_histogram *prev);

/* The q-quantile: interpolated on a logarithmic scale in an exponential bucket, linearly in the zero bucket
 * and in custom ones. NaN without observations, -Inf for q < 0, +Inf for q > 1. O(buckets), no allocation. */
double ax_native_quantile(double q, const struct ax_float_histogram *h);

/* Upper bound of a bucket, of its absolute value. */
double ax_native_bound(const struct ax_float_histogram *h, int32_t index);

#endif
