/* kernels_avx512.c: the kernels for processors that have AVX-512; empty elsewhere. */
#include "nn/kernels_sets.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDTH 16
#define ROWS 5
#define HOLD(v) __asm__("" : "+v"(v))
#define TARGET __attribute__((target("avx512f")))
#define SET ax_nn_kernels_avx512
#define SET_NAME "avx512"

#include "nn/kernels_types.h"

/* a * b + c, rounded once. */
TARGET static inline vec fma_of(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* The larger one; b when one is NaN. */
TARGET static inline vec max_of(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

/* The smaller one; b when one is NaN. */
TARGET static inline vec min_of(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* Square root of each. */
TARGET static inline vec root_of(vec x)
{
    return _mm512_sqrt_ps(x);
}

#include "nn/kernels_template.h"

#endif
