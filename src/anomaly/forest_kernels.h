/* forest_kernels.h: walks through many trees with many rows at once, chosen at run time as those of
 * nn/kernels.h are.
 *
 * A set walks `rows` rows in step. All sets add the same numbers in the same order: the bits are the same. */
#ifndef AX_ANOMALY_FOREST_KERNELS_H
#define AX_ANOMALY_FOREST_KERNELS_H

#include <stdint.h>

#define AX_FOREST_DEPTH 8
#define AX_FOREST_NODES (1u << AX_FOREST_DEPTH) /* inner nodes of a heap from 1; leaves follow */
#define AX_FOREST_ROWS_MAX 64

/* A tree as kernels read it. A row goes right of a node when weight * x[feature] + weight2 * x[feature2] is
 * above the threshold (not extended: x[feature]). */
struct ax_forest_tree {
    _Alignas(64) uint32_t feature[AX_FOREST_NODES];
    float threshold[AX_FOREST_NODES];
    float leaf[AX_FOREST_NODES]; /* path length, cuts that were spared included */
};

/* What oblique cuts have beside that. */
struct ax_forest_oblique {
    _Alignas(64) uint32_t feature[AX_FOREST_NODES];
    float weight[AX_FOREST_NODES], weight2[AX_FOREST_NODES];
};

/* One set. x is turned: x[feature][rows]; sum[rows] gets the sum of path lengths over all trees. oblique may
 * be NULL. */
struct ax_forest_kernels {
    const char *name;
    uint32_t rows;
    void (*walk)(const struct ax_forest_tree *trees, const struct ax_forest_oblique *oblique,
                 uint32_t trees_n, const float *x, float *sum);
};

/* The best set that this processor runs. */
const struct ax_forest_kernels *ax_forest_kernels(void);

/* The i-th of the sets that this processor runs, the portable one first; NULL behind the last. */
const struct ax_forest_kernels *ax_forest_kernels_at(uint32_t i);

/* The sets, each in a file of its own. */
extern const struct ax_forest_kernels ax_forest_kernels_portable;
#if defined(__x86_64__)
extern const struct ax_forest_kernels ax_forest_kernels_avx2, ax_forest_kernels_avx512;
#endif

#endif
