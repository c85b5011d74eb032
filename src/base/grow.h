/* grow.h: room for one more element of an array that grows by doubling.
 *
 * For arrays whose number somebody else bounds; bytes grow in a buffer with a ceiling (base/buf.h). */
#ifndef AX_BASE_GROW_H
#define AX_BASE_GROW_H

#include <stddef.h>
#include <stdint.h>

/* The array with room for element n of `size` bytes, of which *cap fit now: as it is, or moved by realloc()
 * to where twice as many fit, `first` at least. NULL: there is no memory; the array and *cap are as they
 * were. Amortised O(1). */
void *ax_grow(void *array, uint32_t n, uint32_t *cap, uint32_t first, size_t size);

#endif
