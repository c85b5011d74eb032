/* kmeans.h: the nearest of a few typical rows: Lloyd's algorithm from a k-means++ start (S. Lloyd, IEEE TIT
 * 28, 1982; D. Arthur and S. Vassilvitskii, SODA 2007). From the same start centres, inertia and distances
 * are those of scikit-learn's KMeans (tests/golden/anomaly). Immutable once made; any thread. */
#ifndef AX_ANOMALY_KMEANS_H
#define AX_ANOMALY_KMEANS_H

#include "base/bytes.h"

#define AX_KMEANS_K_MAX 64
#define AX_KMEANS_WIDTH_MAX 8192

struct ax_kmeans;

/* How to find centres. start (may be NULL) is [k][width]: no drawing then. */
struct ax_kmeans_spec {
    uint32_t k, rounds_max;
    uint64_t seed;
    const float *start;
};

/* Find them in x[n][width], finite, n >= k; *inertia (may be NULL) is the sum of squared distances. A centre
 * that loses all rows goes to the row that is farthest off. The same input gives the same bits. AX_INVALID
 * with bounds broken, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_kmeans_fit(const struct ax_kmeans_spec *spec, uint32_t n, uint32_t width,
                                      const float *x, struct ax_kmeans **out, double *inertia);

/* Free; NULL is fine. */
void ax_kmeans_free(struct ax_kmeans *m);

/* Squared distance of x[width] from the nearest centre; *nearest (may be NULL) is that centre. Exactly the
 * sum of squares of x - nearest. */
double ax_kmeans_distance(const struct ax_kmeans *m, const float *x, const float **nearest);

/* The centres, [k][width]. */
const float *ax_kmeans_centres(const struct ax_kmeans *m);

/* Append it. */
void ax_kmeans_save(const struct ax_kmeans *m, struct ax_buf *out);

/* Read one back. AX_CORRUPT for what cannot have been written, or for another width; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_kmeans_load(struct ax_bytes *in, uint32_t width, struct ax_kmeans **out);

#endif
