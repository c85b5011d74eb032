/* arima.h: ARIMA of low order by state space: the exact Gaussian likelihood of an ARMA process by the Kalman
 * filter, and the choice of an order.
 *
 * Harvey's form (Harvey, "Forecasting, structural time series models and the Kalman filter", 1989, ch. 3.4;
 * Durbin and Koopman, "Time series analysis by state space methods", 2012, ch. 3.4), started from the
 * stationary distribution. Where d is 1 it is a model of the differences (statsmodels' SARIMAX with
 * simple_differencing). Parameters are partial autocorrelations on the way (Jones, Technometrics 22, 1980),
 * so that every model is stationary and invertible. The filter equals SARIMAX's at the same parameters to
 * 1e-6, ax_kpss() statsmodels' kpss (tests/golden/arima). Pure. */
#ifndef AX_FORECAST_ARIMA_H
#define AX_FORECAST_ARIMA_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define AX_ARIMA_MAX 2 /* largest p and q */

/* z_t = phi_1 z_(t-1) + .. + e_t + theta_1 e_(t-1) + .., z being the series less its mean, or its
 * differences. */
struct ax_arima {
    uint32_t p, d, q;
    double phi[AX_ARIMA_MAX], theta[AX_ARIMA_MAX];
    double variance; /* of e */
};

/* What the filter says of values. */
struct ax_arima_filtered {
    double loglik;   /* with the variance that makes it largest */
    double variance; /* that */
    uint32_t n;      /* values that were no gaps */
    double next;     /* forecast of the value after the last */
};

/* Run the filter over z[n], NaN being a gap; a->d and a->variance are not looked at. errors[n], when it is
 * not NULL, gets the one-step errors (NaN at gaps). AX_NUMERIC for a model that is not stationary, or values
 * without spread. O(n). */
AX_MUST_USE enum ax_err ax_arima_filter(const struct ax_arima *a, const double *z, uint32_t n, double *errors,
                                        struct ax_arima_filtered *out);

/* The parameters of largest likelihood of orders p, q, from the data z (Nelder and Mead 1965, at most 100
 * evaluations); errors as above. *aicc gets Akaike's corrected criterion. */
AX_MUST_USE enum ax_err ax_arima_estimate(struct ax_arima *a, const double *z, uint32_t n, double *aicc);

/* The same, looked for around the parameters that a has: a third of the evaluations where they were found in
 * much the same data. */
AX_MUST_USE enum ax_err ax_arima_follow(struct ax_arima *a, const double *z, uint32_t n, double *aicc);

/* The KPSS statistic of stationarity about a level (Kwiatkowski, Phillips, Schmidt, Shin, J. Econometrics 54,
 * 1992) with `lags` lags; above 0.463 it is refused at 5 %. 0 without spread. O(n lags). */
double ax_kpss(const double *y, uint32_t n, uint32_t lags);

/* Fit: differences where KPSS asks for them, then the order of least AICc among (1,0), (2,0), (1,1) and (2,1)
 * of values, or (0,1), (1,1), (2,1) and (1,2) of differences. `before` is a model of this series a while ago:
 * where as many differences are asked for now its order is kept, and its parameters are followed; NULL: none.
 * y[n] has no gaps; *mean gets the mean that is taken out (0 of differences). AX_NOTREADY with fewer than 40
 * values or without spread, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_arima_fit(const double *y, uint32_t n, const struct ax_arima *before,
                                     struct ax_arena *scratch, struct ax_arima *out, double *mean);

#endif
