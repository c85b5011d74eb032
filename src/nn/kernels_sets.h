/* kernels_sets.h: the sets that there are; each in a file of its own. */
#ifndef AX_NN_KERNELS_SETS_H
#define AX_NN_KERNELS_SETS_H

#include "nn/kernels.h"

/* 4 floats, vector extensions of the compiler only. */
extern const struct ax_nn_kernels ax_nn_kernels_portable;

#if defined(__x86_64__)
/* 8 floats, AVX2 and FMA. */
extern const struct ax_nn_kernels ax_nn_kernels_avx2;

/* 16 floats, AVX-512F. */
extern const struct ax_nn_kernels ax_nn_kernels_avx512;
#endif

#endif
