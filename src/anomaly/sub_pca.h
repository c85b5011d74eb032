/* sub_pca.h: does the last stretch of a series, as long as its period, have a shape like those before?
 *
 * Stretches of one period, AX_SUB_PCA_POINTS values a row that are evenly apart, have a few principal
 * components; the distance of the newest stretch to its reconstruction from these is the score (Sub-PCA: C.
 * C. Aggarwal, "Outlier Analysis", 2017, 3.3; the same components and distances as scikit-learn's PCA). The
 * period is the lag of the highest peak of the autocorrelation; without one a stretch is AX_SUB_PCA_PLAIN
 * steps. Values that were flagged are left out: of the period, of the rows, whole, and of the newest stretch,
 * each. Owner: one thread. */
#ifndef AX_ANOMALY_SUB_PCA_H
#define AX_ANOMALY_SUB_PCA_H

#include "anomaly/neighbours.h"
#include "base/bytes.h"

#define AX_SUB_PCA_POINTS 24
#define AX_SUB_PCA_COMPONENTS 4 /* at most; the fewest that explain 90 % */
#define AX_SUB_PCA_PLAIN 96

/* Zero-initialised: nothing was fitted. Fields are private. */
struct ax_sub_pca {
    uint32_t spacing;    /* steps from one value of a row to the next; 0: no fit yet */
    uint32_t components; /* in directions */
    uint32_t wait;       /* steps until the next fit */
    float mean[AX_SUB_PCA_POINTS];
    float directions[AX_SUB_PCA_COMPONENTS][AX_SUB_PCA_POINTS];
};

/* v[n] are the values of successive steps, the newest last, NaN for gaps; marks are theirs. The distance, by
 * what was fitted before this step; then, every 192 to 287 steps, it is fitted anew, to what is before the
 * newest value: at another step for another turn, so that series that came up together are not all fitted at
 * once. NaN before there is a fit, and without a newest value. O(AX_SUB_PCA_POINTS); a fit takes about 0.3
 * ms, O(n) for a series that does not vary. No allocation. */
double ax_sub_pca_step(struct ax_sub_pca *s, const float *v, uint32_t n, const struct ax_marks *marks,
                       uint32_t turn);

/* The lag, from AX_SUB_PCA_POINTS to n / 3, at which the autocorrelation of v[n] (at most AX_NEIGHBOURS_PAST;
 * NaN: gaps) has its first peak that none surpasses by a tenth; 0 when none is above 0.3. O(n^2). */
uint32_t ax_sub_pca_period(const float *v, uint32_t n);

/* Fit to the rows of v[n] (at most AX_NEIGHBOURS_PAST) whose values are `spacing` steps apart. False when
 * there are too few of them, or they do not vary: nothing has changed then. */
bool ax_sub_pca_fit(struct ax_sub_pca *s, const float *v, uint32_t n, const struct ax_marks *marks,
                    uint32_t spacing);

/* The distance of the newest row; NaN without a fit or a newest value. */
double ax_sub_pca_distance(const struct ax_sub_pca *s, const float *v, uint32_t n,
                           const struct ax_marks *marks);

/* Append what was fitted. */
void ax_sub_pca_save(const struct ax_sub_pca *s, struct ax_buf *out);

/* Read that back into one without a fit; what cannot be is a failure of in. */
void ax_sub_pca_load(struct ax_sub_pca *s, struct ax_bytes *in);

#endif
