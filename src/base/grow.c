/* grow.c: doubling. */
#include "base/grow.h"

#include <stdlib.h>

void *ax_grow(void *array, uint32_t n, uint32_t *cap, uint32_t first, size_t size)
{
    if (n < *cap)
        return array;
    if (*cap > UINT32_MAX / 2)
        return NULL;
    const uint32_t more = 2 * *cap > first ? 2 * *cap : first;
    if (more > SIZE_MAX / size)
        return NULL;
    void *moved = realloc(array, more * size);
    if (moved)
        *cap = more;
    return moved;
}
