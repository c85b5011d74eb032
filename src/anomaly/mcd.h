/* mcd.h: where rows lie and how they scatter, whatever up to half of them say: the minimum covariance
 * determinant.
 *
 * P. J. Rousseeuw and K. Van Driessen, "A fast algorithm for the minimum covariance determinant estimator",
 * Technometrics 41, 1999; corrected for the half that was left out, and reweighted, as scikit-learn's
 * MinCovDet does (tests/golden/anomaly). Pure. */
#ifndef AX_ANOMALY_MCD_H
#define AX_ANOMALY_MCD_H

#include "anomaly/quadratic.h"

/* Estimates of rows of p features: raw and reweighted location[p], covariance[p x p]. Owner: the caller, by
 * ax_mcd_done(). */
struct ax_mcd {
    uint32_t p;
    double *raw_location, *location, *covariance;
};

/* Estimate from x[n][p], finite. ridge >= 0 is added to the diagonal of each covariance that is inverted;
 * with 0 features must not hang on each other. The same rows and seed give the same bits. AX_INVALID when n
 * <= p, AX_NUMERIC when the covariance of most rows is singular, AX_NOMEM. O(trials p^3 + n p^2). */
AX_MUST_USE enum ax_err ax_mcd_fit(uint32_t n, uint32_t p, const float *x, double ridge, uint64_t seed,
                                   struct ax_mcd *out);

/* Give its memory back. */
void ax_mcd_done(struct ax_mcd *m);

/* The squared Mahalanobis distance with the ridge added: AX_NOMEM, AX_NUMERIC. */
AX_MUST_USE enum ax_err ax_mcd_distance(const struct ax_mcd *m, double ridge, struct ax_quadratic **out);

#endif
