/* clock.h: time as an argument: the wall clock in service, a virtual one in backtests and tests.
 *
 * Unix time is int64_t milliseconds everywhere (remote-write's unit); durations of work are
 * nanoseconds of the monotonic clock. */
#ifndef AX_BASE_CLOCK_H
#define AX_BASE_CLOCK_H

#include <stdint.h>

/* A source of Unix time, and of one that is never set. Thread-safe when its functions are. */
struct ax_clock {
    int64_t (*now_ms)(const void *ctx);
    const void *ctx;
    int64_t (*mono_ms)(const void *ctx); /* NULL: now_ms is never set either */
};

/* The system's wall clock. */
struct ax_clock ax_clock_wall(void);

/* A clock that always says *now_ms; the owner moves it (from one thread). */
struct ax_clock ax_clock_virtual(const int64_t *now_ms);

/* What the clock says, in milliseconds since the epoch. */
int64_t ax_clock_now(const struct ax_clock *clock);

/* Milliseconds that only go forward, as time passes; only differences mean something. */
int64_t ax_clock_mono(const struct ax_clock *clock);

/* Monotonic nanoseconds; only differences mean something. */
int64_t ax_mono_ns(void);

/* CPU nanoseconds used by the calling thread. */
int64_t ax_thread_cpu_ns(void);

/* Sleep for ns nanoseconds, restarting after signals. */
void ax_sleep_ns(int64_t ns);

#endif
