/* logistic.h: logistic regression of two classes with an L2 penalty, by Newton's method (iteratively
 * reweighted least squares; Hastie, Tibshirani and Friedman, "The elements of statistical learning", 4.4.1).
 *
 * The minimum is that of scikit-learn's LogisticRegression with penalty="l2", whose numbers it gives
 * (tests/golden/logistic). Pure; deterministic. */
#ifndef AX_MATH_LOGISTIC_H
#define AX_MATH_LOGISTIC_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define AX_LOGISTIC_MAX 16 /* columns */

/* w[p], and w[p] the intercept, which is not penalised: argmin c sum weight ln(1 + exp(-+(x w + w[p]))) +
 * |w|^2 / 2 for x[n][p]. weight[n] NULL: 1 each. AX_INVALID: p is 0 or too large, c is not positive, or not
 * both classes have a weight; AX_NUMERIC when the input is not finite; then w is undefined. O(rounds n p^2).
 */
AX_MUST_USE enum ax_err ax_logistic_fit(uint32_t n, uint32_t p, const double *x, const bool *y,
                                        const double *weight, double c, double *w);

#endif
