/* local_time.h: what the clocks of a time zone are ahead of UTC over a span of time, known in advance, so
 * that a model can ask it of thousands of moments. */
#ifndef AX_BASE_LOCAL_TIME_H
#define AX_BASE_LOCAL_TIME_H

#include "base/zone.h"

/* Changes of clocks that are kept: the newest ones of the span. */
#define AX_LOCAL_CHANGES_MAX 24

/* Of one owner. Zero-initialised but for the zone, which outlives it; a NULL zone is UTC. */
struct ax_local_time {
    const struct ax_zone *zone;
    int64_t from_ms, until_ms; /* what is known; from >= until: nothing yet */
    uint32_t n;
    int64_t change_ms[AX_LOCAL_CHANGES_MAX];     /* ascending: when offsets change */
    int32_t offset_ms[AX_LOCAL_CHANGES_MAX + 1]; /* before the first change, and after each */
};

/* Know the offsets of [from, until). Cheap when they are known; else looks them up with a wide margin, so
 * that the next many calls are cheap. A change that is undone within 6 hours may be missed. */
void ax_local_time_cover(struct ax_local_time *l, int64_t from_ms, int64_t until_ms);

/* Milliseconds by which clocks are ahead of UTC at t_ms, which is covered; beyond, as at the nearest moment
 * that is. 0 for NULL. O(changes). */
int64_t ax_local_offset_ms(const struct ax_local_time *l, int64_t t_ms);

#endif
