/* sort.h: sorting of doubles, which most of the time of the drift tests would go into.
 *
 * By digits of 11 bits, least significant first; passes in which all values have the same digit are left out.
 * Values are finite. */
#ifndef AX_DRIFT_SORT_H
#define AX_DRIFT_SORT_H

#include "base/arena.h"

#include <stdint.h>

/* Room that sorting needs for each value, in bytes. */
#define AX_DRIFT_SORT_ROOM 32

/* Sort in place, ascending, with room for n values (AX_DRIFT_SORT_ROOM each, aligned as malloc() aligns),
 * O(n); or without (NULL), at a tenth of the speed. */
void ax_drift_sort(double *v, uint32_t n, void *room);

/* Sorted copy in the arena, which gives the room too; NULL when it is too small. */
double *ax_drift_sorted(const double *v, uint32_t n, struct ax_arena *scratch);

/* The same; and each of v is replaced by its place among all: the mean of its ranks, scaled to -1 (lowest) to
 * 1 (highest). */
double *ax_drift_ranked(double *v, uint32_t n, struct ax_arena *scratch);

#endif
