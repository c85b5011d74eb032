/* snapshot_plan.c: averages and shares. */
#include "pipeline/snapshot_plan.h"

#define BUSY_MAX 16 /* the time from one to the next is at least so many times what it took */

void ax_snapshot_plan_note(struct ax_snapshot_plan *p, bool whole, uint64_t bytes, int64_t mono_ms,
                           int64_t took_ms)
{
    p->taken_ms = mono_ms;
    p->took_ms = took_ms;
    if (whole) {
        p->whole_bytes = bytes;
        p->whole_ms = mono_ms;
        p->bytes = p->n = 0;
    } else {
        p->changes_bytes = bytes;
    }
    p->bytes += bytes;
    p->n++;
}

/* Have so many bytes been earned in the time, at half of the rate? */
static bool earned(uint64_t bytes, int64_t ms, uint64_t rate_max)
{
    return rate_max == 0 || (double)ms * (double)rate_max >= 2000 * (double)bytes;
}

bool ax_snapshot_plan_whole(const struct ax_snapshot_plan *p, int64_t mono_ms, uint64_t rate_max)
{
    return p->n > 1 && (double)p->changes_bytes * p->n > (double)p->bytes &&
           earned(p->whole_bytes, mono_ms - p->whole_ms, rate_max);
}

bool ax_snapshot_plan_early(const struct ax_snapshot_plan *p, int64_t mono_ms, uint64_t rate_max, bool must)
{
    const int64_t since_ms = mono_ms - p->taken_ms;
    if (p->n == 0)
        return true;
    if (since_ms / BUSY_MAX < p->took_ms)
        return false;
    if (must)
        return earned(p->whole_bytes, mono_ms - p->whole_ms, rate_max);
    return ax_snapshot_plan_whole(p, mono_ms, rate_max) || earned(p->changes_bytes, since_ms, rate_max);
}
