/* quadratic.h: a score that is a sum of one square for each feature: |M (x - centre)|^2.
 *
 * So are the squared Mahalanobis distance, with the symmetric root of the inverse covariance as M (the square
 * of a feature's own component is its part in the distance: P. H. Garthwaite and I. Koch, "Evaluating the
 * contributions of individual variables to a quadratic form", ANZJS 58, 2016), and the error of a
 * reconstruction by principal components, with the projection on what they leave. Immutable once made; any
 * thread. */
#ifndef AX_ANOMALY_QUADRATIC_H
#define AX_ANOMALY_QUADRATIC_H

#include "base/bytes.h"

#define AX_QUADRATIC_FEATURES_MAX 256

struct ax_quadratic;

/* Make one from centre[p] and m[p x p], which are copied. NULL when out of memory. */
struct ax_quadratic *ax_quadratic_new(uint32_t p, const double *centre, const double *m);

/* Free; NULL is fine. */
void ax_quadratic_free(struct ax_quadratic *q);

/* Floats of scratch that n rows need. */
size_t ax_quadratic_scratch(const struct ax_quadratic *q, uint32_t n);

/* score[n] of x[n][p]. Behind it scratch begins with part[n][p], whose squares add up to the score. */
void ax_quadratic_score(const struct ax_quadratic *q, uint32_t n, const float *x, float *scratch,
                        double *score);

/* Append it. */
void ax_quadratic_save(const struct ax_quadratic *q, struct ax_buf *out);

/* Read one back. AX_CORRUPT for what cannot have been written, or for another p; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_quadratic_load(struct ax_bytes *in, uint32_t p, struct ax_quadratic **out);

#endif
