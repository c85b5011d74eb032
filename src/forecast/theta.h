/* theta.h: the dynamic optimised theta model: exponential smoothing whose drift is a share of the line
 * through all values so far.
 *
 * Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler: "Models for optimising the theta method and their
 * relationship to state space models", Int. J. Forecasting 32 (2016), section 3.2. theta 1 is exponential
 * smoothing alone, theta 2 the theta method of Assimakopoulos and Nikolopoulos (2000). Checked against
 * statsmodels' ThetaModel, and the recursions against numpy (tests/golden/theta). Pure. */
#ifndef AX_FORECAST_THETA_H
#define AX_FORECAST_THETA_H

#include <stdint.h>

/* Zero-initialise. */
struct ax_theta {
    uint32_t n;   /* values taken in */
    double level; /* smoothed; the first value at first */
    double mean;  /* of all values */
    double slope; /* of the least-squares line through all of them, per step */
    double decay; /* (1 - alpha)^n */
};

/* Take in the next value; alpha in (0, 1]. O(1). */
void ax_theta_step(struct ax_theta *s, double alpha, double y);

/* How far the smoothed line drifts from its level in `lead` steps; the line is held as it is now. */
double ax_theta_drift(const struct ax_theta *s, double alpha, uint32_t lead);

/* Forecast `lead` steps ahead: the level, and 1 - 1 / theta of the drift; theta >= 1. */
double ax_theta_forecast(const struct ax_theta *s, double alpha, double theta, uint32_t lead);

#endif
