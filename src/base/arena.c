/* arena.c: a list of blocks, each twice as large as the one before; the newest gives out bytes. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define ALIGN 16u
#define FIRST_BLOCK 4096u

struct ax_arena_block {
    struct ax_arena_block *next;
    size_t cap, used;
    _Alignas(ALIGN) unsigned char bytes[];
};

/* In the arena itself. */
struct ax_arena_end {
    struct ax_arena_end *next;
    void (*end)(void *p);
    void *p;
};

void ax_arena_init(struct ax_arena *a, size_t bytes_max)
{
    *a = (struct ax_arena){.bytes_max = bytes_max};
}

static struct ax_arena_block *grow(struct ax_arena *a, size_t n)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;
    while (cap < n)
        cap *= 2;
    struct ax_arena_block *b = malloc(sizeof *b + cap);
    if (!b)
        return NULL;
    *b = (struct ax_arena_block){.next = a->blocks, .cap = cap};
    a->blocks = b;
    return b;
}

void *ax_arena_alloc(struct ax_arena *a, size_t n)
{
    if (n > SIZE_MAX / 4 || a->bytes_max - a->bytes < n)
        return NULL;
    size_t need = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct ax_arena_block *b = a->blocks;
    if (!b || b->cap - b->used < need)
        b = grow(a, need);
    if (!b)
        return NULL;
    void *p = b->bytes + b->used;
    b->used += need;
    a->bytes += n;
    return p;
}

void *ax_arena_array(struct ax_arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    return ax_arena_alloc(a, n);
}

struct ax_str ax_arena_str(struct ax_arena *a, struct ax_str s)
{
    char *p = ax_arena_alloc(a, s.n + 1);
    if (!p)
        return (struct ax_str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct ax_str){p, s.n};
}

bool ax_arena_at_end(struct ax_arena *a, void (*end)(void *p), void *p)
{
    struct ax_arena_end *e = ax_arena_alloc(a, sizeof *e);
    if (!e)
        return false;
    *e = (struct ax_arena_end){a->ends, end, p};
    a->ends = e;
    return true;
}

void ax_arena_reset(struct ax_arena *a)
{
    for (struct ax_arena_end *e = a->ends; e; e = e->next)
        e->end(e->p);
    a->ends = NULL;
    a->bytes = 0;
    if (!a->blocks)
        return;
    struct ax_arena_block *keep = a->blocks; /* the newest is the largest */
    for (struct ax_arena_block *b = keep->next, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    keep->next = NULL;
    keep->used = 0;
}

void ax_arena_done(struct ax_arena *a)
{
    ax_arena_reset(a);
    free(a->blocks);
    a->blocks = NULL;
}
