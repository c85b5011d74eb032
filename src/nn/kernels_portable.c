/* kernels_portable.c: the kernels in the vector extensions that gcc and clang have on every processor. */
#include "nn/kernels_sets.h"

#include <math.h>

#define WIDTH 4
#define ROWS 2
#define HOLD(v)
#define TARGET
#define SET ax_nn_kernels_portable
#define SET_NAME "portable"

#include "nn/kernels_types.h"

/* Where the mask is all ones a, else b. */
static inline vec blend(words mask, vec a, vec b)
{
    return (vec)((mask & (words)a) | (~mask & (words)b));
}

/* a * b + c, rounded twice unless the compiler may do it once. */
static inline vec fma_of(vec a, vec b, vec c)
{
    return a * b + c;
}

/* The larger one; b when one is NaN. */
static inline vec max_of(vec a, vec b)
{
    return blend((words)(a > b), a, b);
}

/* The smaller one; b when one is NaN. */
static inline vec min_of(vec a, vec b)
{
    return blend((words)(a < b), a, b);
}

/* Square root of each. */
static inline vec root_of(vec x)
{
    for (int i = 0; i < WIDTH; i++)
        x[i] = sqrtf(x[i]);
    return x;
}

#include "nn/kernels_template.h"
