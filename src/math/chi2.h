/* chi2.h: the chi-squared distribution: how far off sums of squares of normal numbers are. Pure.
 *
 * The regularised incomplete gamma function by its series and its continued fraction (Abramowitz and
 * Stegun 6.5.29 and 6.5.31); checked against SciPy. */
#ifndef AX_MATH_CHI2_H
#define AX_MATH_CHI2_H

/* The x at which that is `share`, in (0, 1). */
double ax_chi2_quantile(double df, double share);

#endif
