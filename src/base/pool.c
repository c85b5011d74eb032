/* pool.c: powers of two are buddies'; for the other sizes there are a free list each, and one chunk that is
 * being cut. */
#include "base/pool.h"

#include "base/buddy.h"
#include "base/pages.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BY_MALLOC 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BY_MALLOC 1
#endif

#define LINE ((size_t)64)
#define CHUNK ((size_t)2 << 20)
#define FINE_MAX ((size_t)1024)   /* sizes up to here are multiples of a line, */
#define LARGEST_MAX AX_BUDDY_MOST /* beyond it powers of two */
#define FINE_N (FINE_MAX / LINE)

/* A block that nobody has. */
struct idle {
    struct idle *next;
};

#ifndef BY_MALLOC
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct idle *idle[FINE_N];
static struct ax_buddy buddies;
static uint8_t *chunk;
static size_t chunk_left;
static size_t idle_bytes;
#endif

/* What a block of n bytes has; n is at most LARGEST_MAX. */
static size_t size_of(size_t n)
{
    size_t size = n ? (n + LINE - 1) / LINE * LINE : LINE;
    return n <= FINE_MAX ? size : (size_t)1 << (64 - __builtin_clzll(n - 1));
}

#ifdef BY_MALLOC
void *ax_pool_take(size_t n)
{
    return n <= LARGEST_MAX ? aligned_alloc(LINE, size_of(n)) : malloc(n);
}

void ax_pool_give(void *p, size_t n)
{
    (void)n;
    free(p);
}

size_t ax_pool_idle(void)
{
    return 0;
}
#else
/* Cut a block off the chunk; what is left of a chunk that is too short is lost: at most 1.5 % of it. */
static void *cut(size_t n)
{
    if (chunk_left < n) {
        uint8_t *fresh = ax_pages_new(CHUNK);
        if (!fresh)
            return NULL;
        chunk = fresh;
        chunk_left = CHUNK;
    }
    void *p = chunk;
    chunk += n;
    chunk_left -= n;
    return p;
}

static bool is_power(size_t size)
{
    return (size & (size - 1)) == 0;
}

/* A block of the fine sizes that are no powers of two. */
static void *take_fine(size_t size)
{
    struct idle **first = &idle[size / LINE - 1];
    void *p = *first;
    if (!p)
        return cut(size);
    *first = (*first)->next;
    idle_bytes -= size;
    return p;
}

void *ax_pool_take(size_t n)
{
    if (n > LARGEST_MAX)
        return malloc(n);
    size_t size = size_of(n);
    (void)pthread_mutex_lock(&lock);
    void *p = is_power(size) ? ax_buddy_take(&buddies, size) : take_fine(size);
    (void)pthread_mutex_unlock(&lock);
    return p;
}

void ax_pool_give(void *p, size_t n)
{
    if (!p)
        return;
    if (n > LARGEST_MAX) {
        free(p);
        return;
    }
    size_t size = size_of(n);
    struct idle *block = p;
    (void)pthread_mutex_lock(&lock);
    if (is_power(size)) {
        ax_buddy_give(&buddies, p, size);
    } else {
        block->next = idle[size / LINE - 1];
        idle[size / LINE - 1] = block;
        idle_bytes += size;
    }
    (void)pthread_mutex_unlock(&lock);
}

size_t ax_pool_idle(void)
{
    (void)pthread_mutex_lock(&lock);
    const size_t bytes = idle_bytes + buddies.idle;
    (void)pthread_mutex_unlock(&lock);
    return bytes;
}
#endif
