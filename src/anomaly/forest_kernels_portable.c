/* forest_kernels_portable.c: walks in C for every processor. */
#include "anomaly/forest_kernels.h"

#define WIDTH 4
#define BLOCKS 1
#define TARGET
#define SET ax_forest_kernels_portable
#define SET_NAME "portable"

#include "nn/kernels_types.h"

/* table[index], each. */
static inline words words_at(const uint32_t *table, words index)
{
    return (words){table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
}

/* table[index], each. */
static inline vec floats_at(const float *table, words index)
{
    return (vec){table[index[0]], table[index[1]], table[index[2]], table[index[3]]};
}

/* 1 where a > b. */
static inline words right_of(vec a, vec b)
{
    return (words)(a > b) & 1;
}

/* The same, whatever the level. */
static inline words node_words(const uint32_t *table, words index, uint32_t level)
{
    (void)level;
    return words_at(table, index);
}

/* The same, whatever the level. */
static inline vec node_floats(const float *table, words index, uint32_t level)
{
    (void)level;
    return floats_at(table, index);
}

#include "anomaly/forest_kernels_template.h"
