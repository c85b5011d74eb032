/* pool.c: a free list for each size, and one chunk that is being cut. */
#include "base/pool.h"

#include "base/pages.h"

#include <pthread.h>
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
#define FINE_MAX ((size_t)1024)        /* sizes up to here are multiples of a line, */
#define LARGEST_MAX ((size_t)32 << 10) /* beyond it powers of two, */
#define FINE_N (FINE_MAX / LINE)
#define COARSE_N 5u

/* A block that nobody has. */
struct idle {
    struct idle *next;
};

#ifndef BY_MALLOC
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct idle *idle[FINE_N + COARSE_N];
static uint8_t *chunk;
static size_t chunk_left;
static size_t idle_bytes;
#endif

static size_t class_size(unsigned c)
{
    return c < FINE_N ? (c + 1) * LINE : FINE_MAX << (c - FINE_N + 1);
}

/* The smallest class that has room for n bytes; n is at most LARGEST_MAX. */
static unsigned class_of(size_t n)
{
    unsigned c = (unsigned)FINE_N;
    if (n <= FINE_MAX)
        return n ? (unsigned)((n - 1) / LINE) : 0;
    while (class_size(c) < n)
        c++;
    return c;
}

#ifdef BY_MALLOC
void *ax_pool_take(size_t n)
{
    return n <= LARGEST_MAX ? aligned_alloc(LINE, class_size(class_of(n))) : malloc(n);
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

void *ax_pool_take(size_t n)
{
    if (n > LARGEST_MAX)
        return malloc(n);
    unsigned c = class_of(n);
    (void)pthread_mutex_lock(&lock);
    void *p = idle[c];
    if (p) {
        idle[c] = idle[c]->next;
        idle_bytes -= class_size(c);
    } else {
        p = cut(class_size(c));
    }
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
    unsigned c = class_of(n);
    struct idle *block = p;
    (void)pthread_mutex_lock(&lock);
    block->next = idle[c];
    idle[c] = block;
    idle_bytes += class_size(c);
    (void)pthread_mutex_unlock(&lock);
}

size_t ax_pool_idle(void)
{
    (void)pthread_mutex_lock(&lock);
    const size_t bytes = idle_bytes;
    (void)pthread_mutex_unlock(&lock);
    return bytes;
}
#endif
