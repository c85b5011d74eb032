/* buddy.c: a chunk begins with a byte for each of its lines of 64 bytes, which says whether a free block
 * begins there, and of which order. The bytes that stand for these lines themselves hold the chunk's sums. */
#include "base/buddy.h"

#include "base/pages.h"

#include <stdbool.h>

#define LEAST AX_BUDDY_LEAST
#define MOST AX_BUDDY_MOST
#define CHUNK ((size_t)2 << 20)
#define LINES (CHUNK / LEAST)
#define TOP (AX_BUDDY_ORDERS - 1)

/* The first block of a chunk: 32 KiB. order[i] is 0, or 1 and the order of the free block at line i. */
union chunk {
    uint8_t order[LINES];
    size_t free; /* bytes of free blocks */
};

#define WHOLE (CHUNK - sizeof(union chunk)) /* bytes of a chunk that are blocks */

_Static_assert(sizeof(union chunk) == MOST, "a chunk's table takes its first block");

static union chunk *chunk_of(void *p)
{
    uint8_t *bytes = p;
    return (union chunk *)(void *)(bytes - ((uintptr_t)p & (CHUNK - 1)));
}

static size_t line_of(const void *p)
{
    return ((uintptr_t)p & (CHUNK - 1)) / LEAST;
}

static struct ax_buddy_block *block_at(union chunk *c, size_t line)
{
    return (struct ax_buddy_block *)(void *)((uint8_t *)c + line * LEAST);
}

static unsigned order_of(size_t bytes)
{
    return (unsigned)__builtin_ctzll(bytes / LEAST);
}

static void link_block(struct ax_buddy *b, union chunk *c, size_t line, unsigned order)
{
    struct ax_buddy_block *block = block_at(c, line), *first = b->free[order];
    c->order[line] = (uint8_t)(order + 1);
    *block = (struct ax_buddy_block){block, block};
    if (first) {
        *block = (struct ax_buddy_block){first, first->before};
        first->before->next = block;
        first->before = block;
    }
    b->free[order] = block;
}

static void unlink_block(struct ax_buddy *b, union chunk *c, size_t line, unsigned order)
{
    struct ax_buddy_block *block = block_at(c, line);
    c->order[line] = 0;
    block->before->next = block->next;
    block->next->before = block->before;
    if (b->free[order] == block)
        b->free[order] = block->next == block ? NULL : block->next;
}

static bool add_chunk(struct ax_buddy *b)
{
    union chunk *c = ax_pages_new(CHUNK);
    if (!c)
        return false;
    for (size_t line = LINES - MOST / LEAST; line > 0; line -= MOST / LEAST)
        link_block(b, c, line, TOP); /* the lowest is taken first */
    c->free = WHOLE;
    b->idle += WHOLE;
    b->chunks++;
    b->whole_chunks++;
    return true;
}

static void drop_chunk(struct ax_buddy *b, union chunk *c)
{
    for (size_t line = MOST / LEAST; line < LINES; line += MOST / LEAST)
        unlink_block(b, c, line, TOP);
    ax_pages_free(c, CHUNK);
    b->idle -= WHOLE;
    b->chunks--;
    b->whole_chunks--;
}

void *ax_buddy_take(struct ax_buddy *b, size_t bytes)
{
    unsigned order = order_of(bytes), from = order;
    while (from < AX_BUDDY_ORDERS && !b->free[from])
        from++;
    if (from == AX_BUDDY_ORDERS) {
        if (!add_chunk(b))
            return NULL;
        from = TOP;
    }
    struct ax_buddy_block *block = b->free[from];
    union chunk *c = chunk_of(block);
    size_t line = line_of(block);
    unlink_block(b, c, line, from);
    while (from > order) {
        from--;
        link_block(b, c, line + ((size_t)1 << from), from);
    }
    b->whole_chunks -= c->free == WHOLE;
    c->free -= bytes;
    b->idle -= bytes;
    return block;
}

void ax_buddy_give(struct ax_buddy *b, void *p, size_t bytes)
{
    union chunk *c = chunk_of(p);
    size_t line = line_of(p);
    unsigned order = order_of(bytes);
    for (; order < TOP && c->order[line ^ (size_t)1 << order] == order + 1; order++) {
        unlink_block(b, c, line ^ (size_t)1 << order, order);
        line &= ~((size_t)1 << order);
    }
    link_block(b, c, line, order);
    c->free += bytes;
    b->idle += bytes;
    if (c->free < WHOLE)
        return;
    b->whole_chunks++;
    if (b->whole_chunks > 1)
        drop_chunk(b, c);
}
