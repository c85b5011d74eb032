/* pages.h: memory for large tables, zeroed, straight from the kernel.
 *
 * A table that is read in random order misses the processor's table of pages with almost every read when
 * pages are small: from 2 MiB on it is aligned so that the kernel can use huge ones, and asked to. Memory
 * that was never touched costs nothing. */
#ifndef AX_BASE_PAGES_H
#define AX_BASE_PAGES_H

#include <stddef.h>

/* Zeroed memory, aligned to a page; NULL when there is none. */
void *ax_pages_new(size_t bytes);

/* Give back what ax_pages_new() gave for as many bytes; NULL is fine. */
void ax_pages_free(void *p, size_t bytes);

#endif
