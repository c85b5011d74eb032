/* boost.h: the fit of gradient-boosted trees, by XGBoost's C API (boost_xgboost.c), or refused where a build
 * has none (boost_none.c).
 *
 * T. Chen and C. Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016. Objective: absolute error.
 * One thread, so that the same rows and seed give the same trees. */
#ifndef AX_TRAIN_BOOST_H
#define AX_TRAIN_BOOST_H

#include "train/forest.h"

#define AX_BOOST_RATE "0.1"
#define AX_BOOST_SUBSAMPLE "0.7" /* of the rows, for each tree */

/* Rows of a fit and how it is done. Targets are finite. */
struct ax_boost_spec {
    const float *x; /* [n][features]; NaN: missing */
    const float *y; /* [n] */
    uint32_t n, features;
    uint32_t rounds, depth;
    uint64_t seed;
    /* After each round, with what the trees so far say of the judged rows; false ends the fit there. */
    bool (*round)(void *ctx, uint32_t round, const float *said);
    void *ctx;
    const float *judged; /* [judged_n][features] */
    uint32_t judged_n;   /* 0: round() gets NULL */
};

/* Fit, and add the trees to an empty forest; NULL: they are not asked for. AX_UNSUPPORTED, AX_NUMERIC
 * (XGBoost says why), AX_NOMEM, with a text. */
AX_MUST_USE enum ax_err ax_boost(const struct ax_boost_spec *spec, struct ax_forest *out,
                                 struct ax_diag *diag);

#endif
