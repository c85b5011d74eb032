/* autoreg.h: an autoregression, its order chosen by information.
 *
 * y_t = c + sum of phi_k y_(t-k) + e_t, fitted by conditional least squares on the same rows for every order
 * up to the largest, the order with the least AIC kept: statsmodels' ar_select_order(ic="aic") and
 * AutoReg(hold_back), whose numbers the test compares. Pure. */
#ifndef AX_FORECAST_AUTOREG_H
#define AX_FORECAST_AUTOREG_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

#define AX_AUTOREG_MAX 12

/* c and phi_1 .. phi_order. */
struct ax_autoreg {
    uint32_t order;
    double constant, phi[AX_AUTOREG_MAX];
};

/* Fit to n values without gaps. AX_NOTREADY with fewer than 4 * AX_AUTOREG_MAX rows or without spread,
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_autoreg_fit(const double *y, uint32_t n, struct ax_arena *scratch,
                                       struct ax_autoreg *out);

/* Forecast 1 .. steps ahead of n >= order values without gaps into path[steps], each held within low .. high.
 */
void ax_autoreg_forecast(const struct ax_autoreg *a, const double *y, uint32_t n, double low, double high,
                         uint32_t steps, double *path);

#endif
