/* forest_kernels_avx2.c: walks for processors that have AVX2; empty elsewhere. */
#include "anomaly/forest_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDTH 8
#define BLOCKS 4
#define TARGET __attribute__((target("avx2,fma")))
#define SET ax_forest_kernels_avx2
#define SET_NAME "avx2"

#include "nn/kernels_types.h"

/* table[index], each. */
INLINE words words_at(const uint32_t *table, words index)
{
    return (words)_mm256_i32gather_epi32((const int *)table, (__m256i)index, 4);
}

/* table[index], each. */
INLINE vec floats_at(const float *table, words index)
{
    return _mm256_i32gather_ps(table, (__m256i)index, 4);
}

/* 1 where a > b. */
INLINE words right_of(vec a, vec b)
{
    return (words)_mm256_cmp_ps(a, b, _CMP_GT_OQ) & 1;
}

/* The same, whatever the level. */
INLINE words node_words(const uint32_t *table, words index, uint32_t level)
{
    (void)level;
    return words_at(table, index);
}

/* The same, whatever the level. */
INLINE vec node_floats(const float *table, words index, uint32_t level)
{
    (void)level;
    return floats_at(table, index);
}

#include "anomaly/forest_kernels_template.h"

#endif
