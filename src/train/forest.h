/* forest.h: gradient-boosted regression trees that serve: flat arrays, read from what XGBoost prints of them.
 *
 * What they say of a row is what XGBoost says, bit for bit: the leaves are added up as floats in the order of
 * the trees. A question is `feature < threshold`; a row without the feature (NaN) goes where the tree learnt
 * to send it. Not thread-safe while it grows; any thread afterwards. */
#ifndef AX_TRAIN_FOREST_H
#define AX_TRAIN_FOREST_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AX_FOREST_NODE 5 /* floats of a node in a file */
#define AX_FOREST_NODES_MAX 500000u

/* A node: a question, or (feature AX_FOREST_LEAF) a leaf whose value is the threshold. Children come after
 * it. */
struct ax_forest_node {
    float threshold;
    uint32_t yes, no, missing;
    uint32_t feature;
};
#define AX_FOREST_LEAF UINT32_MAX

/* Trees one after another, each with its root first; zero-initialise. */
struct ax_forest {
    struct ax_forest_node *nodes;
    uint32_t *roots;
    uint32_t nodes_n, nodes_cap, trees_n, trees_cap;
};

/* Free what it holds. */
void ax_forest_done(struct ax_forest *f);

/* Add one tree as XGBoost's text dump has it ("0:[f2<0.5] yes=1,no=2,missing=1"), with features below
 * features_n. AX_CORRUPT with a text, AX_LIMIT, AX_NOMEM: the forest is what it was. */
AX_MUST_USE enum ax_err ax_forest_add(struct ax_forest *f, struct ax_str dump, uint32_t features_n,
                                      struct ax_diag *diag);

/* What all trees say of a row. */
float ax_forest_run(const struct ax_forest *f, const float *row);

/* Write it as floats: of each node AX_FOREST_NODE of them, the threshold, how far after it its children are
 * (yes, no, missing) and its feature (-1: a leaf); and the places of the roots, [trees_n]. */
void ax_forest_write(const struct ax_forest *f, float *nodes, float *roots);

/* Read that back into an empty forest. AX_CORRUPT for what cannot have been written (among it more trees than
 * a job may ask for, or a question that leads out of its tree), AX_NOMEM: it is empty still. */
AX_MUST_USE enum ax_err ax_forest_read(struct ax_forest *f, const float *nodes, uint32_t nodes_n,
                                       const float *roots, uint32_t trees_n, uint32_t features_n);

#endif
