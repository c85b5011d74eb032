/* kernels_types.h: a vector of WIDTH floats, and as words. Included once by each set of kernels. */
#ifndef AX_NN_KERNELS_TYPES_H
#define AX_NN_KERNELS_TYPES_H

#include <stdint.h>
#include <string.h>

/* WIDTH floats. */
typedef float vec __attribute__((vector_size(WIDTH * 4)));

/* The same bits as numbers. */
typedef uint32_t words __attribute__((vector_size(WIDTH * 4)));

#define INLINE TARGET static inline __attribute__((always_inline))

#endif
