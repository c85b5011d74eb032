/* forest_kernels_template.h: the walk, over BLOCKS vectors of WIDTH rows in step, which hide each other's
 * waiting. Included once by each set, which defines WIDTH, BLOCKS, TARGET, SET and SET_NAME, and
 *   words_at(), floats_at()  gather from a table by index,
 *   node_words(), node_floats()  the same from the nodes of a level, whose indices are from 2^level,
 *   right_of()  1 where a > b, else 0. */
#ifndef AX_ANOMALY_FOREST_KERNELS_TEMPLATE_H
#define AX_ANOMALY_FOREST_KERNELS_TEMPLATE_H

#include "anomaly/forest_kernels.h"

#include <stddef.h>

#ifdef __clang__ /* gcc does not fuse in ISO C: all sets round alike */
#pragma STDC FP_CONTRACT OFF
#endif

#define STRIDE (BLOCKS * WIDTH)
#define EACH_BLOCK _Pragma("GCC unroll 8") for (uint32_t b = 0; b < BLOCKS; b++)

/* One level down. level is a constant where this is inlined. */
INLINE void descend(const struct ax_forest_tree *t, const struct ax_forest_oblique *o, uint32_t level,
                    const float *x, const words *lane, words *node)
{
    EACH_BLOCK
    {
        vec v = floats_at(x, node_words(t->feature, node[b], level) * STRIDE + lane[b]);
        if (o) {
            vec v2 = floats_at(x, node_words(o->feature, node[b], level) * STRIDE + lane[b]);
            v = node_floats(o->weight, node[b], level) * v + node_floats(o->weight2, node[b], level) * v2;
        }
        node[b] = node[b] + node[b] + right_of(v, node_floats(t->threshold, node[b], level));
    }
}

/* All trees. */
INLINE void walk_all(const struct ax_forest_tree *t, const struct ax_forest_oblique *o, uint32_t trees_n,
                     const float *x, float *sum)
{
    vec sums[BLOCKS];
    words lane[BLOCKS];
    EACH_BLOCK
    {
        sums[b] = (vec){0};
        for (uint32_t i = 0; i < WIDTH; i++)
            lane[b][i] = b * WIDTH + i;
    }
    for (uint32_t tree = 0; tree < trees_n; tree++, t++) {
        words node[BLOCKS];
        EACH_BLOCK node[b] = (words){0} + 1;
        _Pragma("GCC unroll 8") for (uint32_t level = 0; level < AX_FOREST_DEPTH; level++)
            descend(t, o, level, x, lane, node);
        EACH_BLOCK sums[b] += floats_at(t->leaf, node[b] - AX_FOREST_NODES);
        if (o)
            o++;
    }
    EACH_BLOCK memcpy(sum + (size_t)b * WIDTH, &sums[b], sizeof sums[b]);
}

/* As forest_kernels.h says. */
TARGET static void walk(const struct ax_forest_tree *trees, const struct ax_forest_oblique *oblique,
                        uint32_t trees_n, const float *x, float *sum)
{
    if (oblique)
        walk_all(trees, oblique, trees_n, x, sum);
    else
        walk_all(trees, NULL, trees_n, x, sum);
}

/* The set. */
const struct ax_forest_kernels SET = {.name = SET_NAME, .rows = STRIDE, .walk = walk};

#endif
