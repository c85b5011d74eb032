/* group.c: set up and torn down once for all tests of a program. */
#include "group.h"

#include "math/blas.h"

struct ax_arena group_arena = {.bytes_max = 16u << 20};

int group_with_blas(void **state)
{
    (void)state;
    return ax_blas_setup(NULL) != AX_OK;
}

int group_end_arena(void **state)
{
    (void)state;
    ax_arena_done(&group_arena);
    return 0;
}
