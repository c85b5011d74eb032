/* range.h: the functions over a range of samples of one series: pure, one pass. */
#ifndef AX_EXPR_RANGE_H
#define AX_EXPR_RANGE_H

#include "expr/ast.h"

/* What a range function works on. v holds n samples, n > 0, oldest first, without stale markers. */
struct ax_range {
    const struct ax_sample *v;
    uint32_t n;
    int64_t start_ms, end_ms; /* the range is (start, end] */
    double param;             /* of quantile_over_time */
    double *scratch;          /* room for n values; used by quantile_over_time */
};

/* The value of a RANGE function; false when it has none (rate of one sample). */
bool ax_range_apply(enum ax_function f, const struct ax_range *r, double *out);

#endif
