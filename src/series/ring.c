/* ring.c: a circular array of samples ordered by time. */
#include "series/ring.h"

#include "base/pool.h"

static struct ax_sample *at(const struct ax_ring *r, uint32_t i)
{
    return &r->v[(r->head + i) & (r->cap - 1)];
}

int64_t ax_ring_newest(const struct ax_ring *r)
{
    return r->n ? r->newest_ms : INT64_MIN;
}

/* How many of those that wait are at or before t_ms. */
static uint32_t late_until(const struct ax_ring_late *late, int64_t t_ms)
{
    uint32_t lo = 0, hi = late->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (late->v[mid].t_ms <= t_ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* How many samples are at or before t_ms. */
static uint32_t count_until(const struct ax_ring *r, int64_t t_ms)
{
    uint32_t lo = 0, hi = r->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (at(r, mid)->t_ms <= t_ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The oldest sample is in the ring unless one that waits is older; the newest never waits, so that a ring of
 * which some wait is not empty. */
static bool oldest_waits(const struct ax_ring *r, const struct ax_ring_late *late)
{
    return late->n && late->v[0].t_ms < at(r, 0)->t_ms;
}

static void drop_oldest(struct ax_ring *r, struct ax_ring_late *late)
{
    if (oldest_waits(r, late)) {
        late->n--;
        memmove(late->v, late->v + 1, late->n * sizeof *late->v);
        return;
    }
    r->head = (r->head + 1) & (r->cap - 1);
    r->n--;
}

/* Copy n samples from the i-th on into out, unwrapped. */
static void copy_out(const struct ax_ring *r, uint32_t i, uint32_t n, struct ax_sample *out)
{
    if (n == 0)
        return;
    uint32_t from = (r->head + i) & (r->cap - 1);
    uint32_t first = r->cap - from < n ? r->cap - from : n;
    memcpy(out, r->v + from, first * sizeof *out);
    memcpy(out + first, r->v, (n - first) * sizeof *out);
}

static uint32_t grown(const struct ax_ring *r)
{
    return r->cap ? r->cap * 2 : AX_RING_FIRST;
}

/* Twice the room; false when out of memory. */
static bool grow(struct ax_ring *r)
{
    uint32_t cap = grown(r);
    struct ax_sample *v = ax_pool_take(cap * sizeof *v);
    if (!v)
        return false;
    copy_out(r, 0, r->n, v);
    ax_pool_give(r->v, r->cap * sizeof *v);
    r->v = v;
    r->cap = cap;
    r->head = 0;
    return true;
}

/* a - b without overflow: how far a time lies behind another. */
static uint64_t behind(int64_t newest_ms, int64_t t_ms)
{
    return (uint64_t)newest_ms - (uint64_t)t_ms;
}

static void drop_expired(struct ax_ring *r, struct ax_ring_late *late, int64_t newest_ms, int64_t keep_ms)
{
    while (r->n) {
        const struct ax_sample *oldest = oldest_waits(r, late) ? &late->v[0] : at(r, 0);
        if (behind(newest_ms, oldest->t_ms) < (uint64_t)keep_ms)
            return;
        drop_oldest(r, late);
    }
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Move the samples from i to end (not included) up by as many places, which are free. */
static void shift(struct ax_ring *r, uint32_t i, uint32_t end, uint32_t by)
{
    while (end > i) {
        /* The longest piece at the end that is whole in memory, where it is and where it goes. */
        uint32_t from = (r->head + end - 1) & (r->cap - 1), to = (r->head + end - 1 + by) & (r->cap - 1);
        uint32_t n = from < to ? from + 1 : to + 1;
        n = n < end - i ? n : end - i;
        memmove(r->v + to + 1 - n, r->v + from + 1 - n, n * sizeof *r->v);
        end -= n;
    }
}

void ax_ring_merge(struct ax_ring *r, struct ax_ring_late *late)
{
    uint32_t end = r->n;
    r->n += late->n;
    for (uint32_t k = late->n; k > 0; k--) {
        const struct ax_sample s = late->v[k - 1];
        uint32_t lo = 0, hi = end;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (at(r, mid)->t_ms <= s.t_ms)
                lo = mid + 1;
            else
                hi = mid;
        }
        shift(r, lo, end, k);
        late->moved += end - lo;
        memcpy(at(r, lo + k - 1), &s, sizeof s);
        end = lo;
    }
    late->n = 0;
}

/* What is known of this time, in the ring or on its way; NULL: nothing. */
static const struct ax_sample *known(const struct ax_ring *r, const struct ax_ring_late *late, int64_t t_ms)
{
    const uint32_t waits = late_until(late, t_ms);
    return waits && late->v[waits - 1].t_ms == t_ms ? &late->v[waits - 1] : ax_ring_find(r, t_ms);
}

bool ax_ring_has(const struct ax_ring *r, const struct ax_ring_late *late, int64_t t_ms)
{
    return known(r, late, t_ms) != NULL;
}

/* Put it where it waits; there is room for it in the ring. */
static void wait_in(struct ax_ring *r, struct ax_ring_late *late, struct ax_sample s)
{
    if (late->n == AX_RING_LATE)
        ax_ring_merge(r, late);
    const uint32_t i = late_until(late, s.t_ms);
    memmove(late->v + i + 1, late->v + i, (late->n - i) * sizeof s);
    late->moved += late->n - i;
    late->v[i] = s;
    late->n++;
}

enum ax_ring_put ax_ring_put_late(struct ax_ring *r, struct ax_ring_late *late, struct ax_sample s,
                                  int64_t keep_ms, uint32_t samples_max)
{
    bool in_order = r->n == 0 || s.t_ms > r->newest_ms;
    if (!in_order && behind(r->newest_ms, s.t_ms) >= (uint64_t)keep_ms)
        return AX_RING_TOO_OLD;
    if (r->n + late->n == r->cap)
        drop_expired(r, late, in_order ? s.t_ms : r->newest_ms, keep_ms);
    const struct ax_sample *same = in_order ? NULL : known(r, late, s.t_ms);
    if (same)
        return bits_of(same->value) == bits_of(s.value) ? AX_RING_DUPLICATE : AX_RING_CONFLICT;
    const bool full = r->n + late->n == r->cap;
    if (full && (r->cap == 0 || grown(r) <= samples_max)) {
        if (!grow(r))
            return AX_RING_NOMEM;
    } else if (full) {
        if (!in_order && s.t_ms < at(r, 0)->t_ms && (late->n == 0 || s.t_ms < late->v[0].t_ms))
            return AX_RING_TOO_OLD;
        drop_oldest(r, late);
    }
    if (!in_order) {
        wait_in(r, late, s);
        return AX_RING_ADDED;
    }
    memcpy(&r->v[(r->head + r->n++) & (r->cap - 1)], &s, sizeof s);
    r->newest_ms = s.t_ms;
    return AX_RING_ADDED;
}

enum ax_ring_put ax_ring_put(struct ax_ring *r, struct ax_sample s, int64_t keep_ms, uint32_t samples_max)
{
    struct ax_ring_late late;
    late.n = 0;
    late.moved = 0;
    const enum ax_ring_put put = ax_ring_put_late(r, &late, s, keep_ms, samples_max);
    ax_ring_merge(r, &late);
    return put;
}

const struct ax_sample *ax_ring_find(const struct ax_ring *r, int64_t t_ms)
{
    uint32_t n = count_until(r, t_ms);
    return n && at(r, n - 1)->t_ms == t_ms ? at(r, n - 1) : NULL;
}

uint32_t ax_ring_read(const struct ax_ring *r, int64_t after_ms, int64_t until_ms, struct ax_sample *out,
                      uint32_t cap)
{
    if (r->n == 0 || after_ms >= until_ms)
        return 0;
    uint32_t end = count_until(r, until_ms), begin = count_until(r, after_ms);
    if (end - begin > cap)
        begin = end - cap;
    copy_out(r, begin, end - begin, out);
    return end - begin;
}

void ax_ring_done(struct ax_ring *r)
{
    ax_pool_give(r->v, r->cap * sizeof *r->v);
    *r = (struct ax_ring){0};
}
