/* steady.h: the latest and the earliest that it can be, although somebody sets the clock.
 *
 * A wall clock that is set back makes everything that was just now lie in the future, and one that is set
 * ahead makes it old. What asks "is this from the future?" asks ax_steady_now() instead: it follows the wall
 * clock, and when that steps back it goes on at the monotonic clock's pace for AX_STEADY_MS at least and
 * twice that at most, by when the clock is right again, or was wrong before. What asks "is this too old?"
 * asks ax_steady_early(), which does the same when the clock steps ahead. Thread-safe. */
#ifndef AX_BASE_STEADY_H
#define AX_BASE_STEADY_H

#include "base/clock.h"

#include <pthread.h>

#define AX_STEADY_MS 7200000

/* How far the clock was ahead of the monotonic one: at least and at most. */
struct ax_steady_span {
    int64_t least_ms, most_ms;
};

/* Fields are private. */
struct ax_steady {
    struct ax_clock clock;
    pthread_mutex_t lock;
    int64_t since_ms;                   /* monotonic time at which this period began */
    struct ax_steady_span span, before; /* of this period, and of the last */
};

/* Begin to follow a clock. */
void ax_steady_init(struct ax_steady *s, struct ax_clock clock);

/* End it; no clock made of it may be asked any more. */
void ax_steady_done(struct ax_steady *s);

/* The latest that it can be: at or after what the clock that it follows says. */
int64_t ax_steady_now(struct ax_steady *s);

/* The earliest that it can be: at or before what the clock that it follows says. */
int64_t ax_steady_early(struct ax_steady *s);

/* ax_steady_now() as a clock. */
struct ax_clock ax_steady_clock(struct ax_steady *s);

/* ax_steady_early() as a clock. */
struct ax_clock ax_steady_early_clock(struct ax_steady *s);

#endif
