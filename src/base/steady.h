/* steady.h: the latest that it can be, although somebody sets the clock.
 *
 * A wall clock that is set back makes everything that was just now lie in the future. What asks "is this from
 * the future?" asks this clock instead: it follows the wall clock, and when that steps back it goes on at the
 * monotonic clock's pace for AX_STEADY_MS at least and twice that at most, by when the clock is right
 * again, or was wrong before. Thread-safe. */
#ifndef AX_BASE_STEADY_H
#define AX_BASE_STEADY_H

#include "base/clock.h"

#include <pthread.h>

#define AX_STEADY_MS 7200000

/* Fields are private. */
struct ax_steady {
    struct ax_clock clock;
    pthread_mutex_t lock;
    int64_t since_ms; /* monotonic time at which this period began */
    int64_t offset_ms,
        before_ms; /* furthest that the clock was ahead of it in this period, and in the last */
};

/* Begin to follow a clock. */
void ax_steady_init(struct ax_steady *s, struct ax_clock clock);

/* End it; no clock made of it may be asked any more. */
void ax_steady_done(struct ax_steady *s);

/* What it says: at or after what the clock that it follows says. */
int64_t ax_steady_now(struct ax_steady *s);

/* The same as a clock. */
struct ax_clock ax_steady_clock(struct ax_steady *s);

#endif
