/* buddy.h: blocks of powers of two, of which two neighbours that are free become one again.
 *
 * For what grows by doubling: what is outgrown makes room for others that grow behind it, instead of waiting
 * for someone of its size. Blocks are cut from chunks of 2 MiB (base/pages.h); a chunk that is free again
 * goes back to the kernel, but for one. Not locked. Source: Knowlton, "A Fast Storage Allocator", CACM 1965.
 */
#ifndef AX_BASE_BUDDY_H
#define AX_BASE_BUDDY_H

#include <stddef.h>
#include <stdint.h>

#define AX_BUDDY_LEAST ((size_t)64)      /* bytes of the smallest block, */
#define AX_BUDDY_ORDERS 10u              /* and how often it doubles, */
#define AX_BUDDY_MOST ((size_t)32 << 10) /* to the largest */

/* A free block; lists of them by order, each a circle. */
struct ax_buddy_block {
    struct ax_buddy_block *next, *before;
};

/* Zero-initialise for one without memory. */
struct ax_buddy {
    struct ax_buddy_block *free[AX_BUDDY_ORDERS]; /* NULL: none of this order */
    uint32_t chunks, whole_chunks;                /* of these, wholly free */
    size_t idle;                                  /* bytes of free blocks */
};

/* A block of a power of two of bytes, LEAST to MOST, aligned to its size; not zeroed. NULL when there is no
 * memory. O(orders). */
void *ax_buddy_take(struct ax_buddy *b, size_t bytes);

/* Give it back, with the size that it was taken with. */
void ax_buddy_give(struct ax_buddy *b, void *p, size_t bytes);

#endif
