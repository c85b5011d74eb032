/* clock.c: the system's clocks, and the virtual one. */
#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t wall_ms(const void *ctx)
{
    (void)ctx;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t mono_ms(const void *ctx)
{
    (void)ctx;
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

static int64_t virtual_ms(const void *ctx)
{
    return *(const int64_t *)ctx;
}

struct ax_clock ax_clock_wall(void)
{
    return (struct ax_clock){.now_ms = wall_ms, .mono_ms = mono_ms};
}

struct ax_clock ax_clock_virtual(const int64_t *now_ms)
{
    return (struct ax_clock){.now_ms = virtual_ms, .ctx = now_ms};
}

int64_t ax_clock_now(const struct ax_clock *clock)
{
    return clock->now_ms(clock->ctx);
}

int64_t ax_clock_mono(const struct ax_clock *clock)
{
    return clock->mono_ms ? clock->mono_ms(clock->ctx) : clock->now_ms(clock->ctx);
}

int64_t ax_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t ax_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void ax_sleep_ns(int64_t ns)
{
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}
