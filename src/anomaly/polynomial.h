/* polynomial.h: what a smooth curve through the newest values leaves of the newest one.
 *
 * A polynomial of degree 4 is fitted to the last values by least squares; the distance of the newest value to
 * it is the score (POLY of the TSB-AD benchmark; the same residual as NumPy's polyfit). Pure. */
#ifndef AX_ANOMALY_POLYNOMIAL_H
#define AX_ANOMALY_POLYNOMIAL_H

#include <stdint.h>

#define AX_POLYNOMIAL_DEGREE 4
#define AX_POLYNOMIAL_WINDOW 96

/* v[n] are the values of successive steps, the newest last; gaps (NaN) are left out. |newest - curve| over
 * the last AX_POLYNOMIAL_WINDOW steps; NaN with fewer than half of them, or without a newest value.
 * O(window).
 */
double ax_polynomial_distance(const float *v, uint32_t n);

#endif
