/* kernels.c: which kernels this processor runs. */
#include "nn/kernels.h"

#include "nn/kernels_sets.h"

#include <stdbool.h>

static bool runs(const struct ax_nn_kernels *k)
{
#if defined(__x86_64__)
    if (k == &ax_nn_kernels_avx512)
        return __builtin_cpu_supports("avx512f") != 0;
    if (k == &ax_nn_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &ax_nn_kernels_portable;
}

const struct ax_nn_kernels *ax_nn_kernels_at(uint32_t i)
{
    static const struct ax_nn_kernels *const sets[] = {
        &ax_nn_kernels_portable,
#if defined(__x86_64__)
        &ax_nn_kernels_avx2,
        &ax_nn_kernels_avx512,
#endif
    };
    for (uint32_t s = 0; s < sizeof sets / sizeof *sets; s++)
        if (runs(sets[s]) && i-- == 0)
            return sets[s];
    return NULL;
}

const struct ax_nn_kernels *ax_nn_kernels(void)
{
    const struct ax_nn_kernels *best = ax_nn_kernels_at(0);
    for (uint32_t i = 1; ax_nn_kernels_at(i); i++)
        best = ax_nn_kernels_at(i);
    return best;
}
