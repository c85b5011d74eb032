/* forest_kernels.c: which walks this processor runs: those of the same instructions as src/nn's. */
#include "anomaly/forest_kernels.h"

#include "nn/kernels.h"

#include <stddef.h>
#include <string.h>

const struct ax_forest_kernels *ax_forest_kernels_at(uint32_t i)
{
    static const struct ax_forest_kernels *const sets[] = {
        &ax_forest_kernels_portable,
#if defined(__x86_64__)
        &ax_forest_kernels_avx2,
        &ax_forest_kernels_avx512,
#endif
    };
    const struct ax_nn_kernels *like = ax_nn_kernels_at(i);
    for (uint32_t s = 0; like && s < sizeof sets / sizeof *sets; s++)
        if (strcmp(sets[s]->name, like->name) == 0)
            return sets[s];
    return NULL;
}

const struct ax_forest_kernels *ax_forest_kernels(void)
{
    const struct ax_forest_kernels *best = ax_forest_kernels_at(0);
    for (uint32_t i = 1; ax_forest_kernels_at(i); i++)
        best = ax_forest_kernels_at(i);
    return best;
}
