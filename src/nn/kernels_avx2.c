/* kernels_avx2.c: the kernels for processors that have AVX2; empty elsewhere. */
#include "nn/kernels_sets.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDTH 8
#define ROWS 3
#define HOLD(v) __asm__("" : "+x"(v))
#define TARGET __attribute__((target("avx2,fma")))
#define SET ax_nn_kernels_avx2
#define SET_NAME "avx2"

#include "nn/kernels_types.h"

/* a * b + c, rounded once. */
TARGET static inline vec fma_of(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* The larger one; b when one is NaN. */
TARGET static inline vec max_of(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

/* The smaller one; b when one is NaN. */
TARGET static inline vec min_of(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

/* Square root of each. */
TARGET static inline vec root_of(vec x)
{
    return _mm256_sqrt_ps(x);
}

#include "nn/kernels_template.h"

#endif
