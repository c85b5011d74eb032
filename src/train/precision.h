/* precision.h: is a detector better than another one, by what is known of their points?
 *
 * Average precision is the area under the precision-recall curve as scikit-learn has it. Two detectors that
 * scored the same points are compared by a paired permutation test: under the hypothesis that they are equal
 * each unit's scores may be exchanged between them, on a common scale, because their scores need not be on
 * one (E. S. Venkatraman and C. B. Begg, "A distribution-free procedure for comparing receiver operating
 * characteristic curves from a paired experiment", Biometrika 83, 1996; here with average precision as the
 * statistic). Where they take ranks among all points, placements among the normal ones are taken here (E. R.
 * DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the Areas under Two or More Correlated Receiver
 * Operating Characteristic Curves", Biometrics 44, 1988): the rank of a normal point depends on how many
 * anomalies a detector has found, so that with many tied scores exchanged ranks would part what neither
 * detector parts, and find too much. The interval is that of a bootstrap of units,
 * stratified by whether they are incidents (A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their
 * Application", 1997, 3.2 and 3.8). A unit is what is not independent of itself: an incident, or a stretch of
 * normal time of one entity. Pure. */
#ifndef AX_TRAIN_PRECISION_H
#define AX_TRAIN_PRECISION_H

#include "train/compare.h"

/* Units with an anomaly, and units without one, at least: so many that exchanging them can say something at
 * the usual level of a look, 2^-8 < 0.005. */
#define AX_PRECISION_INCIDENTS 8

/* Points that both have scored. */
struct ax_scored_points {
    const double *champion, *challenger; /* finite */
    const uint8_t *labels;               /* 1: an anomaly */
    const uint32_t *units;               /* number of each one's unit, below units_n */
    uint32_t n, units_n;
};

/* Average precision of scores for labels: sum of precision times gained recall over the thresholds, ties
 * taken together (sklearn.metrics.average_precision_score). NaN without an anomaly, or when the scratch is
 * too small (64 bytes a score are enough). O(n log n). */
double ax_average_precision(const double *scores, const uint8_t *labels, uint32_t n,
                            struct ax_arena *scratch);

/* Compare them, with so many permutations and as many draws of the bootstrap, seeded. AX_NOTREADY: too few
 * units with an anomaly, or without one; AX_INVALID: no draw, or a unit that is none; AX_NOMEM (200 bytes a
 * point are enough). O(n log n + draws (units + points at or above the lowest anomaly)). */
AX_MUST_USE enum ax_err ax_compare_detectors(const struct ax_scored_points *points, uint32_t draws,
                                             uint64_t seed, struct ax_arena *scratch,
                                             struct ax_comparison *out);

#endif
