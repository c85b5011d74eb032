/* pool.h: small blocks that live long and are touched in random order, close together on large pages.
 *
 * The allocator of the C library takes memory page by page where threads have heaps of their own, a system
 * call for each 4 KiB, and spreads what is hot among what is not. Blocks of the pool are cut from 2 MiB at a
 * time, on huge pages where the kernel has them (base/pages.h). What is given back serves the next block of
 * its size; of powers of two (base/buddy.h), also larger ones, and what is free in whole goes back to the
 * kernel. Process-wide; any thread. Under AddressSanitizer it is malloc(), whose checks it would hide. */
#ifndef AX_BASE_POOL_H
#define AX_BASE_POOL_H

#include <stddef.h>

/* n bytes, aligned to 64 of them when n is a multiple of that, else to 16; not zeroed. NULL when out of
 * memory. Larger blocks than 32 KiB are malloc()'s. */
void *ax_pool_take(size_t n);

/* Give back a block of n bytes; NULL is fine. */
void ax_pool_give(void *p, size_t n);

/* Bytes of blocks that were given back and that nobody has taken since. */
size_t ax_pool_idle(void);

#endif
