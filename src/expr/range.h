/* range.h: the functions over a range of samples of one series: pure, one pass. */
#ifndef AX_EXPR_RANGE_H
#define AX_EXPR_RANGE_H

#include "expr/ast.h"
#include "prom/float_histogram.h"

/* A native histogram of a range. */
struct ax_histogram_point {
    int64_t t_ms;
    struct ax_float_histogram h;
};

/* What a range function works on. v holds n samples, n > 0, oldest first, without stale markers. */
struct ax_range {
    const struct ax_sample *v;
    uint32_t n;
    int64_t start_ms, end_ms;           /* the range is (start, end] */
    double param;                       /* of quantile_over_time */
    double *scratch;                    /* room for n values; used by quantile_over_time */
    const struct ax_histogram_point *h; /* native histograms, oldest first */
    uint32_t h_n;
};

/* What a range function gives. */
enum ax_range_value { AX_RANGE_NOTHING, AX_RANGE_NUMBER, AX_RANGE_HISTOGRAM };

/* The value of a RANGE function; false when it has none (rate of one sample). */
bool ax_range_apply(enum ax_function f, const struct ax_range *r, double *out);

/* The factor by which a change between the first and the last of n points is extrapolated to the range (and,
 * per second, divided by it). share: what the first value is of the change, where a counter must not be
 * extrapolated below zero; INFINITY otherwise. */
double ax_range_factor(const struct ax_range *r, int64_t first_ms, int64_t last_ms, uint32_t n, double share,
                       bool per_second);

/* A RANGE function of a range with h_n > 0 histograms, and perhaps numbers too. *what says which of the two
 * outputs counts; the histogram is in the arena. AX_CONFLICT when PromQL leaves such a range out: numbers and
 * histograms mixed, histograms that have nothing in common. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_range_apply_native(enum ax_function f, const struct ax_range *r,
                                              struct ax_arena *arena, enum ax_range_value *what, double *out,
                                              struct ax_float_histogram *out_h);

#endif
