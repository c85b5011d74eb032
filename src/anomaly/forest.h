/* forest.h: isolation forest: how few random cuts it takes to be alone.
 *
 * F. T. Liu, K. M. Ting and Z.-H. Zhou, "Isolation forest", ICDM 2008; with `extended` each cut is an oblique
 * one through two features (S. Hariri and others, "Extended isolation forest", IEEE TKDE 33, 2021, at
 * extension level 1). Path lengths and scores are those of scikit-learn's IsolationForest for the same trees
 * (tests/golden/anomaly). Trees lie in heaps of 8 levels, so that a walk is eight steps without a branch,
 * done by kernels chosen at run time for many rows at once. Immutable once made; any thread. */
#ifndef AX_ANOMALY_FOREST_H
#define AX_ANOMALY_FOREST_H

#include "anomaly/forest_kernels.h"
#include "base/bytes.h"

#define AX_FOREST_FEATURES_MAX 256
#define AX_FOREST_TREES_MAX 1000
#define AX_FOREST_SAMPLE_MAX (1u << AX_FOREST_DEPTH)

/* How to grow one; zeros take the defaults. */
struct ax_forest_spec {
    uint32_t trees;  /* default 100 */
    uint32_t sample; /* rows of a tree, at most AX_FOREST_SAMPLE_MAX; default 256 */
    bool extended;
    uint64_t seed;
};

struct ax_forest;

/* Grow one on x[n][features], finite; n >= 2. The same rows, spec and seed give the same bits. AX_INVALID
 * with a text for a spec or shape out of bounds, AX_NOMEM. O(trees * sample * depth). */
AX_MUST_USE enum ax_err ax_forest_fit(const struct ax_forest_spec *spec, uint32_t features, uint32_t n,
                                      const float *x, struct ax_forest **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_forest_free(struct ax_forest *f);

/* score[i] of x[i][features] in (0, 1): 2^(-mean path / what it is for a random row). Without allocation;
 * what comes out for a row does not depend on the other rows of the call, nor on the kernels. */
void ax_forest_score(const struct ax_forest *f, const struct ax_forest_kernels *k, uint32_t n, const float *x,
                     double *score);

/* The mean path length of a row, and of it what each feature has to do with it: share[features], how much
 * shorter than usual its cuts made the path, not below 0, summing to 1 (0 when no cut did). Each cut counts
 * by the expected path that it took away or added, so that before the clipping the shares add up exactly. */
double ax_forest_explain(const struct ax_forest *f, const float *x, double *share);

/* Append it. */
void ax_forest_save(const struct ax_forest *f, struct ax_buf *out);

/* Read one back. AX_CORRUPT for what cannot have been written, or for another number of features; AX_NOMEM.
 */
AX_MUST_USE enum ax_err ax_forest_load(struct ax_bytes *in, uint32_t features, struct ax_forest **out);

#endif
