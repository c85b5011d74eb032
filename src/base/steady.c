/* steady.c: how far the clock was ahead of the monotonic one, remembered for two periods. */
#include "base/steady.h"

void ax_steady_init(struct ax_steady *s, struct ax_clock clock)
{
    *s = (struct ax_steady){.clock = clock, .since_ms = ax_clock_mono(&clock)};
    (void)pthread_mutex_init(&s->lock, NULL);
    s->offset_ms = s->before_ms = ax_clock_now(&clock) - s->since_ms;
}

void ax_steady_done(struct ax_steady *s)
{
    (void)pthread_mutex_destroy(&s->lock);
}

int64_t ax_steady_now(struct ax_steady *s)
{
    (void)pthread_mutex_lock(&s->lock);
    int64_t mono_ms = ax_clock_mono(&s->clock), offset_ms = ax_clock_now(&s->clock) - mono_ms;
    if (mono_ms - s->since_ms >= AX_STEADY_MS) {
        s->before_ms = mono_ms - s->since_ms < 2 * (int64_t)AX_STEADY_MS ? s->offset_ms : offset_ms;
        s->offset_ms = offset_ms;
        s->since_ms = mono_ms;
    }
    if (offset_ms > s->offset_ms)
        s->offset_ms = offset_ms;
    int64_t now_ms = mono_ms + (s->offset_ms > s->before_ms ? s->offset_ms : s->before_ms);
    (void)pthread_mutex_unlock(&s->lock);
    return now_ms;
}

static int64_t now_of(const void *steady)
{
    return ax_steady_now((struct ax_steady *)(uintptr_t)steady); /* only its memory changes */
}

static int64_t mono_of(const void *steady)
{
    const struct ax_steady *s = steady;
    return ax_clock_mono(&s->clock);
}

struct ax_clock ax_steady_clock(struct ax_steady *s)
{
    return (struct ax_clock){.now_ms = now_of, .ctx = s, .mono_ms = mono_of};
}
