/* nelder_mead.h: the least of a function of few variables without its gradient. Pure.
 *
 * Nelder and Mead, "A simplex method for function minimization", Computer Journal 7 (1965), with the usual
 * coefficients 1, 2, 1/2, 1/2, as SciPy's minimize(method="Nelder-Mead") has them. */
#ifndef AX_MATH_NELDER_MEAD_H
#define AX_MATH_NELDER_MEAD_H

#include <stdbool.h>
#include <stdint.h>

#define AX_NELDER_MEAD_MAX 8 /* variables */

/* Move x[n], n from 1 to AX_NELDER_MEAD_MAX, towards a minimum of f, from a simplex of x and x moved by
 * `size` along each axis; ends when f at its corners differs by no more than the tolerance, and they are less
 * than a tenth of `size` apart, or after about so many evaluations. f may be infinite, not NaN. Returns f(x).
 */
double ax_nelder_mead(double (*f)(void *ctx, const double *x), void *ctx, uint32_t n, double *x, double size,
                      double tolerance, uint32_t evaluations);

#endif
