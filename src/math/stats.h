/* stats.h: moments, quantiles and autocorrelation of plain arrays. Pure; NaN is a gap and is skipped. */
#ifndef AX_MATH_STATS_H
#define AX_MATH_STATS_H

#include <stdint.h>

/* Online central moments (Welford 1962; third and fourth order: Pebay, SAND2008-6212). Zero-initialise. */
struct ax_moments {
    uint64_t n;
    double mean, m2, m3, m4, min, max;
};

/* Take in one value; NaN is skipped. O(1). */
void ax_moments_add(struct ax_moments *m, double x);

/* Variance with n - ddof in the denominator (numpy.var); NaN when n <= ddof. */
double ax_moments_variance(const struct ax_moments *m, uint64_t ddof);

/* Skewness, biased (scipy.stats.skew); NaN without spread. */
double ax_moments_skewness(const struct ax_moments *m);

/* Excess kurtosis, biased (scipy.stats.kurtosis); NaN without spread. */
double ax_moments_kurtosis(const struct ax_moments *m);

/* Quantile q in [0, 1] of n finite values with linear interpolation (numpy.quantile's default). Reorders v;
 * NaN when n is 0. O(n) on average. */
double ax_quantile(double *v, uint32_t n, double q);

/* ax_quantile(v, n, 0.5). */
double ax_median(double *v, uint32_t n);

#endif
