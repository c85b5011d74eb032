/* forest_kernels_avx512.c: walks for processors that have AVX-512; empty elsewhere. The nodes of a level are
 * in registers and picked by permutations, which take a fraction of what a gather does. */
#include "anomaly/forest_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDTH 16
#define BLOCKS 4
#define TARGET __attribute__((target("avx512f")))
#define SET ax_forest_kernels_avx512
#define SET_NAME "avx512"

#include "nn/kernels_types.h"

/* table[index], each. */
INLINE vec floats_at(const float *table, words index)
{
    return _mm512_i32gather_ps((__m512i)index, table, 4);
}

/* 1 where a > b. */
INLINE words right_of(vec a, vec b)
{
    return (words)_mm512_maskz_set1_epi32(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), 1);
}

/* Of 32 nodes from `table`, those of the index's lowest five bits. */
INLINE __m512i pick32(const uint32_t *table, __m512i index)
{
    return _mm512_permutex2var_epi32(_mm512_load_si512(table), index, _mm512_load_si512(table + 16));
}

/* Of 64, by six bits. */
INLINE __m512i pick64(const uint32_t *table, __m512i index)
{
    __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    return _mm512_mask_blend_epi32(upper, pick32(table, index), pick32(table + 32, index));
}

/* Nodes of levels 0 to 3 have the indices 1 to 15; from then on a level begins at a multiple of 16. */
INLINE words node_words(const uint32_t *table, words index, uint32_t level)
{
    __m512i at = (__m512i)index;
    if (level <= 3)
        return (words)_mm512_permutexvar_epi32(at, _mm512_load_si512(table));
    if (level == 4)
        return (words)_mm512_permutexvar_epi32(at, _mm512_load_si512(table + 16));
    if (level == 5)
        return (words)pick32(table + 32, at);
    if (level == 6)
        return (words)pick64(table + 64, at);
    __mmask16 upper = _mm512_test_epi32_mask(at, _mm512_set1_epi32(64));
    return (words)_mm512_mask_blend_epi32(upper, pick64(table + 128, at), pick64(table + 192, at));
}

/* The same of floats. */
INLINE vec node_floats(const float *table, words index, uint32_t level)
{
    return (vec)node_words((const uint32_t *)table, index, level);
}

#include "anomaly/forest_kernels_template.h"

#endif
