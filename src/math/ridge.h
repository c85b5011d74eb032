/* ridge.h: linear least squares with an L2 penalty, in closed form (Hoerl and Kennard 1970). Pure. */
#ifndef AX_MATH_RIDGE_H
#define AX_MATH_RIDGE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* w[p x m] = argmin |X w - y|^2 + alpha |w|^2 for x[n x p], y[n x m]; no intercept; all row-major.
 * alpha > 0. gram holds p * p doubles of scratch. AX_NUMERIC when the input is not finite or the system
 * cannot be solved; w is then undefined. O(n p (p + m) + p^3). */
AX_MUST_USE enum ax_err ax_ridge(uint32_t n, uint32_t p, uint32_t m, const double *x, const double *y,
                                 double alpha, double *w, double *gram);

/* The same with an intercept that bears no penalty, for one target (scikit-learn's Ridge): argmin
 * |X w + constant - y|^2 + alpha |w|^2. x and y are spoilt: their means are taken out. n >= 1; gram holds p *
 * p + p doubles. */
AX_MUST_USE enum ax_err ax_ridge_centred(uint32_t n, uint32_t p, double *x, double *y, double alpha,
                                         double *w, double *constant, double *gram);

#endif
