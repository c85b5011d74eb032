/* local_time.c: the changes of clocks in a span, found by looking every few hours. */
#include "base/local_time.h"

#include <string.h>

#define LOOK_S 21600
#define MARGIN_MS (30 * 86400000LL)

static int32_t offset_at(const struct ax_local_time *l, int64_t t_s)
{
    return ax_zone_offset(l->zone, t_s) * 1000;
}

/* The second at which the offset is first what it is at `after`. */
static int64_t change_between(const struct ax_local_time *l, int64_t before_s, int64_t after_s)
{
    int32_t then = offset_at(l, after_s);
    while (after_s - before_s > 1) {
        int64_t middle = before_s + (after_s - before_s) / 2;
        if (offset_at(l, middle) == then)
            after_s = middle;
        else
            before_s = middle;
    }
    return after_s;
}

static void add_change(struct ax_local_time *l, int64_t change_s)
{
    if (l->n == AX_LOCAL_CHANGES_MAX) { /* the oldest one goes */
        memmove(l->change_ms, l->change_ms + 1, (l->n - 1) * sizeof *l->change_ms);
        memmove(l->offset_ms, l->offset_ms + 1, l->n * sizeof *l->offset_ms);
        l->n--;
    }
    l->change_ms[l->n++] = change_s * 1000;
    l->offset_ms[l->n] = offset_at(l, change_s);
}

void ax_local_time_cover(struct ax_local_time *l, int64_t from_ms, int64_t until_ms)
{
    if (l->from_ms < l->until_ms && from_ms >= l->from_ms && until_ms <= l->until_ms)
        return;
    l->from_ms = from_ms - (until_ms - from_ms) - MARGIN_MS;
    l->until_ms = until_ms + MARGIN_MS;
    l->n = 0;
    int64_t at_s = l->from_ms / 1000;
    l->offset_ms[0] = offset_at(l, at_s);
    for (; at_s * 1000 < l->until_ms; at_s += LOOK_S)
        if (offset_at(l, at_s + LOOK_S) != l->offset_ms[l->n])
            add_change(l, change_between(l, at_s, at_s + LOOK_S));
}

int64_t ax_local_offset_ms(const struct ax_local_time *l, int64_t t_ms)
{
    uint32_t i = l ? l->n : 0;
    while (i > 0 && t_ms < l->change_ms[i - 1])
        i--;
    return l ? l->offset_ms[i] : 0;
}
