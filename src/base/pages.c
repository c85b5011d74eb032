/* pages.c: anonymous mappings; more is mapped than is asked for, and cut at both ends, to align large ones.
 */
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

/* A leak checker looks for what is in use in memory of the allocator alone, unless it is told of more. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define TELL_LEAK_CHECKER 1
#endif
#endif

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

static void *found_by_leak_checker(void *p, size_t n)
{
#ifdef TELL_LEAK_CHECKER
    if (p)
        __lsan_register_root_region(p, n);
#else
    (void)n;
#endif
    return p;
}

void *ax_pages_new(size_t bytes)
{
    if (bytes == 0 || bytes > SIZE_MAX / 2)
        return NULL;
    size_t n = whole(bytes, SMALL);
    if (n < HUGE)
        return found_by_leak_checker(map(n), n);
    uint8_t *p = map(n + HUGE);
    if (!p)
        return NULL;
    size_t before = whole((uintptr_t)p, HUGE) - (uintptr_t)p;
    if (before)
        (void)munmap(p, before);
    (void)munmap(p + before + n, HUGE - before);
    (void)madvise(p + before, n, MADV_HUGEPAGE);
    return found_by_leak_checker(p + before, n);
}

void ax_pages_free(void *p, size_t bytes)
{
    if (!p)
        return;
#ifdef TELL_LEAK_CHECKER
    __lsan_unregister_root_region(p, whole(bytes, SMALL));
#endif
    (void)munmap(p, whole(bytes, SMALL));
}
