/* pca.h: principal components of rows: directions in which they vary together, and what these leave.
 *
 * Those of scikit-learn's PCA (tests/golden/anomaly). Pure. */
#ifndef AX_ANOMALY_PCA_H
#define AX_ANOMALY_PCA_H

#include "anomaly/quadratic.h"

/* All components of rows: mean[p], variances[p] (n - 1 in the denominator), falling, and directions[p x p], a
 * row each. Owner: the caller, by ax_pca_done(). */
struct ax_pca {
    uint32_t p;
    double *mean, *variances, *directions;
};

/* Find them in x[n][p], finite; n >= 2. AX_NOMEM; AX_NUMERIC when x is not finite. O(n p^2 + p^3). */
AX_MUST_USE enum ax_err ax_pca_fit(uint32_t n, uint32_t p, const float *x, struct ax_pca *out);

/* Give its memory back. */
void ax_pca_done(struct ax_pca *a);

/* The fewest components that explain this share of the variance. */
uint32_t ax_pca_components(const struct ax_pca *a, double share);

/* The score |x - its reconstruction from the first k components|^2; NULL when out of memory. */
struct ax_quadratic *ax_pca_residual(const struct ax_pca *a, uint32_t k);

#endif
