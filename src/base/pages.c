/* pages.c: anonymous mappings; more is mapped than is asked for, and cut at both ends, to align large ones.
 */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define SMALL ((size_t)4096)
#define HUGE ((size_t)2 << 20)

static size_t whole(size_t bytes, size_t page)
{
    return (bytes + page - 1) & ~(page - 1);
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *ax_pages_new(size_t bytes)
{
    if (bytes == 0 || bytes > SIZE_MAX / 2)
        return NULL;
    size_t n = whole(bytes, SMALL);
    if (n < HUGE)
        return map(n);
    uint8_t *p = map(n + HUGE);
    if (!p)
        return NULL;
    size_t before = whole((uintptr_t)p, HUGE) - (uintptr_t)p;
    if (before)
        (void)munmap(p, before);
    (void)munmap(p + before + n, HUGE - before);
    (void)madvise(p + before, n, MADV_HUGEPAGE);
    return p + before;
}

void ax_pages_free(void *p, size_t bytes)
{
    if (p)
        (void)munmap(p, whole(bytes, SMALL));
}
