/* score.h: what the tests of one feature and of a pool of series share. */
#ifndef AX_DRIFT_SCORE_H
#define AX_DRIFT_SCORE_H

#include "drift/drift.h"

#define AX_DRIFT_POINTS_MIN 30

/* The spec with its defaults filled in. */
struct ax_drift_spec ax_drift_spec_complete(const struct ax_drift_spec *spec);

/* How many of n points are the current window; the others (at most reference_n) are the reference. Both
 * shrink in proportion when n is short. */
uint32_t ax_drift_current_share(const struct ax_drift_spec *complete, uint32_t n);

/* The value's place in the sorted reference: mean rank, scaled to -1 (lowest) to 1 (highest). */
double ax_drift_place(const double *sorted, uint32_t n, double value);

/* Fill scores and p-value from sorted windows (n, m > 0) and the reference's effective size, which the
 * current window's follows in proportion, and set ready. */
void ax_drift_score_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m, double effective_n,
                           struct ax_drift_result *out);

#endif
