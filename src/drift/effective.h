/* effective.h: how many independent points a correlated stretch is worth. */
#ifndef AX_DRIFT_EFFECTIVE_H
#define AX_DRIFT_EFFECTIVE_H

#include <stdint.h>

/* Integrated autocorrelation time tau >= 1 of v (oldest first, NaN are gaps): n correlated values say as
 * much about the mean as n / tau independent ones. tau = -1 + 2 sum of the pairs r(2k) + r(2k+1), cut at
 * the first pair that is not positive and kept from rising (the initial monotone sequence of C. J. Geyer,
 * "Practical Markov chain Monte Carlo", Statistical Science 7, 1992). Because r is taken about the mean of
 * the same stretch it comes out too low by about tau / n; that is added back once. 1 when v is constant.
 *
 * A step in the stretch (the change that is looked for, on its way out of the reference) would make noise
 * look correlated and the change vanish long before the reference is new: when the stretch is best cut into
 * two levels at a place where it jumps most of the way at once, and little correlation is left about the
 * two, then that counts.
 *
 * v is scratch: what it holds afterwards is undefined.
 * O(n tau), at most n * n / 4. */
double ax_drift_correlation_time(double *v, uint32_t n);

#endif
