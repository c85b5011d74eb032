/* special.h: tail probabilities that tests of hypotheses need. Pure; right to about 1e-12 relative. */
#ifndef AX_MATH_SPECIAL_H
#define AX_MATH_SPECIAL_H

/* Regularised upper incomplete gamma function Q(a, x), a > 0, x >= 0 (DLMF 8.7.3 and 8.9.2); NaN otherwise.
 * scipy.special.gammaincc. P(X > x) of a chi-square with k degrees of freedom is Q(k / 2, x / 2). */
double ax_gamma_q(double a, double x);

/* Regularised incomplete beta function I_x(a, b), a, b > 0, x in [0, 1] (DLMF 8.17.22); NaN otherwise.
 * scipy.special.betainc. */
double ax_beta_i(double a, double b, double x);

/* P(T > t) of Student's t with df > 0 degrees of freedom (scipy.stats.t.sf). */
double ax_student_sf(double t, double df);

#endif
