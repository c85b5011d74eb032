/* arena.h: memory by lifetime: allocate many, free all at once, never above a ceiling.
 *
 * Two uses: one for each request (its ceiling is the request's), one for each tick (reset every time).
 * Not thread-safe: one owner. A piece is never freed alone. */
#ifndef AX_BASE_ARENA_H
#define AX_BASE_ARENA_H

#include "base/str.h"

#include <stddef.h>

struct ax_arena_block;
struct ax_arena_end;

/* An arena; zero-initialise and set bytes_max, or use ax_arena_init(). */
struct ax_arena {
    struct ax_arena_block *blocks; /* newest first */
    struct ax_arena_end *ends;     /* of ax_arena_at_end(), newest first */
    size_t bytes;                  /* given out since the last reset */
    size_t bytes_max;              /* ceiling on it */
};

/* Make an arena that gives out at most bytes_max bytes between resets. Allocates nothing yet. */
void ax_arena_init(struct ax_arena *a, size_t bytes_max);

/* n bytes aligned for any type, not cleared; NULL when the ceiling or the memory is reached (the
 * arena is then unchanged). n = 0 gives a valid pointer. Amortised O(1). */
void *ax_arena_alloc(struct ax_arena *a, size_t n);

/* count elements of size bytes; NULL also when the product overflows. */
void *ax_arena_array(struct ax_arena *a, size_t count, size_t size);

/* Copy of a view, terminated with a 0 byte that is not part of it; {NULL, 0} when out of memory. */
struct ax_str ax_arena_str(struct ax_arena *a, struct ax_str s);

/* Have end(p) called when what was given out is forgotten, for what a piece owns outside of the arena; the
 * last one first. False when out of memory: it will not be called. */
bool ax_arena_at_end(struct ax_arena *a, void (*end)(void *p), void *p);

/* Forget everything given out; keeps its largest block for the next round. */
void ax_arena_reset(struct ax_arena *a);

/* Give all memory back; the arena may be used again. */
void ax_arena_done(struct ax_arena *a);

#endif
