/* steady.c: how far the clock was ahead of the monotonic one, remembered for two periods. */
#include "base/steady.h"

static struct ax_steady_span at(int64_t offset_ms)
{
    return (struct ax_steady_span){offset_ms, offset_ms};
}

/* What holds both. */
static struct ax_steady_span hull(struct ax_steady_span a, struct ax_steady_span b)
{
    return (struct ax_steady_span){a.least_ms < b.least_ms ? a.least_ms : b.least_ms,
                                   a.most_ms > b.most_ms ? a.most_ms : b.most_ms};
}

void ax_steady_init(struct ax_steady *s, struct ax_clock clock)
{
    *s = (struct ax_steady){.clock = clock, .since_ms = ax_clock_mono(&clock)};
    (void)pthread_mutex_init(&s->lock, NULL);
    s->span = s->before = at(ax_clock_now(&clock) - s->since_ms);
}

void ax_steady_done(struct ax_steady *s)
{
    (void)pthread_mutex_destroy(&s->lock);
}

/* Look at the clock. Returns the monotonic time, and how far ahead of it the clock was. */
static int64_t look(struct ax_steady *s, struct ax_steady_span *ahead)
{
    (void)pthread_mutex_lock(&s->lock);
    int64_t mono_ms = ax_clock_mono(&s->clock);
    struct ax_steady_span now = at(ax_clock_now(&s->clock) - mono_ms);
    if (mono_ms - s->since_ms >= AX_STEADY_MS) {
        s->before = mono_ms - s->since_ms < 2 * (int64_t)AX_STEADY_MS ? s->span : now;
        s->span = now;
        s->since_ms = mono_ms;
    }
    s->span = hull(s->span, now);
    *ahead = hull(s->span, s->before);
    (void)pthread_mutex_unlock(&s->lock);
    return mono_ms;
}

int64_t ax_steady_now(struct ax_steady *s)
{
    struct ax_steady_span ahead;
    int64_t mono_ms = look(s, &ahead);
    return mono_ms + ahead.most_ms;
}

int64_t ax_steady_early(struct ax_steady *s)
{
    struct ax_steady_span ahead;
    int64_t mono_ms = look(s, &ahead);
    return mono_ms + ahead.least_ms;
}

static int64_t now_of(const void *steady)
{
    return ax_steady_now((struct ax_steady *)(uintptr_t)steady); /* only its memory changes */
}

static int64_t early_of(const void *steady)
{
    return ax_steady_early((struct ax_steady *)(uintptr_t)steady);
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

struct ax_clock ax_steady_early_clock(struct ax_steady *s)
{
    return (struct ax_clock){.now_ms = early_of, .ctx = s, .mono_ms = mono_of};
}
