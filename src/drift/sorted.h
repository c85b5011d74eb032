/* sorted.h: the tests of drift.h on arrays that are already sorted, so that one sort serves all three.
 *
 * Arrays ascend and hold finite values; n, m > 0. Pure; nothing is allocated. */
#ifndef AX_DRIFT_SORTED_H
#define AX_DRIFT_SORTED_H

#include "drift/sort.h"

/* Least scale that the Wasserstein distance is divided by (that of Evidently). */
#define AX_DRIFT_STD_FLOOR 0.001

/* Value at quantile q in [0, 1], interpolated linearly (NumPy's default, Hyndman and Fan's type 7). */
double ax_drift_quantile(const double *sorted, uint32_t n, double q);

/* How many of the values are below x. O(log n). */
uint32_t ax_drift_below(const double *sorted, uint32_t n, double x);

/* How many of the values are not above x. O(log n). */
uint32_t ax_drift_upto(const double *sorted, uint32_t n, double x);

/* Largest distance between the two empirical distribution functions. O(n + m). */
double ax_drift_ks_sorted(const double *a, uint32_t n, const double *b, uint32_t m);

/* PSI as ax_drift_psi(). O(bins log n). */
double ax_drift_psi_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t bins_n);

/* Area between the two empirical distribution functions, not normalised. O(n + m). */
double ax_drift_w1_sorted(const double *a, uint32_t n, const double *b, uint32_t m);

/* Population standard deviation (two passes). */
double ax_drift_std(const double *v, uint32_t n);

#endif
