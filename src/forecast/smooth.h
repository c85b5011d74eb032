/* smooth.h: the filter of exponential smoothing with a damped trend, and its forecast.
 *
 * Innovations form of ETS(A,Ad,N) (Hyndman, Koehler, Ord, Snyder: "Forecasting with exponential smoothing",
 * 2008, ch. 2), checked against statsmodels' ETSModel. Errors beyond `clip` times their own smoothed size are
 * taken for that (Gelper, Fried, Croux: "Robust forecasting with exponential and Holt-Winters smoothing", J.
 * Forecast. 29, 2010), so that one spike does not move the level. Pure. */
#ifndef AX_FORECAST_SMOOTH_H
#define AX_FORECAST_SMOOTH_H

#include <stdint.h>

/* alpha moves the level, beta the trend, phi damps it. clip 0: errors are taken as they are; shift 0: bursts
 * never are a new level, however long. */
struct ax_smooth_params {
    double alpha, beta, phi, clip;
    int shift;
};

/* Zero `seen` before the first value. */
struct ax_smooth {
    uint32_t seen;
    int beyond; /* errors beyond the clip in a row, negative for those below */
    double level, trend, spread;
};

/* Take in the next value; NaN is a gap, through which the trend goes on. */
void ax_smooth_step(struct ax_smooth *s, const struct ax_smooth_params *p, double y);

/* Forecast `lead` steps ahead. */
double ax_smooth_forecast(const struct ax_smooth *s, const struct ax_smooth_params *p, uint32_t lead);

/* phi + phi^2 + .. + phi^lead: how many trends the forecast is above the level. */
double ax_smooth_trends(double phi, uint32_t lead);

#endif
