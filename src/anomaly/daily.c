/* daily.c: days as bits of times of day. */
#include "anomaly/daily.h"

#define SLOT_MS 300000
#define NEAR 3 /* slots */

static int64_t slot_of(int64_t t_ms)
{
    return t_ms >= 0 ? t_ms / SLOT_MS : -((SLOT_MS - 1 - t_ms) / SLOT_MS);
}

/* Of a slot since the epoch that of the day. */
static uint32_t of_day(int64_t slot)
{
    int64_t at = slot % AX_DAILY_SLOTS;
    return (uint32_t)(at < 0 ? at + AX_DAILY_SLOTS : at);
}

static void end_run(struct ax_daily *d)
{
    const bool counts = d->runs && (d->last - d->first) * SLOT_MS < AX_DAILY_RUN_MS;
    for (int64_t slot = d->first; counts && slot <= d->last; slot++) {
        const uint32_t at = of_day(slot);
        d->days[at] |= UINT64_C(1) << ((uint64_t)((slot - at) / AX_DAILY_SLOTS) % 64);
    }
    d->runs = false;
}

void ax_daily_note(struct ax_daily *d, int64_t t_ms, bool flagged)
{
    if (!flagged) {
        end_run(d);
        return;
    }
    d->last = slot_of(t_ms);
    if (!d->runs)
        d->first = d->last;
    d->runs = true;
}

void ax_daily_end(struct ax_daily *d)
{
    end_run(d);
}

bool ax_daily_recurs(const struct ax_daily *d, int64_t t_ms)
{
    uint64_t days = 0;
    uint32_t n = 0;
    for (int64_t k = -NEAR; k <= NEAR; k++)
        days |= d->days[of_day(slot_of(t_ms) + k)];
    for (; days; days &= days - 1)
        n++;
    return n >= AX_DAILY_DAYS;
}
