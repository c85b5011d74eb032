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

static void drop_oldest(struct ax_ring *r)
{
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

static void drop_expired(struct ax_ring *r, int64_t newest_ms, int64_t keep_ms)
{
    while (r->n && behind(newest_ms, at(r, 0)->t_ms) >= (uint64_t)keep_ms)
        drop_oldest(r);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

enum ax_ring_put ax_ring_put(struct ax_ring *r, struct ax_sample s, int64_t keep_ms, uint32_t samples_max)
{
    bool in_order = r->n == 0 || s.t_ms > r->newest_ms;
    if (!in_order && behind(r->newest_ms, s.t_ms) >= (uint64_t)keep_ms)
        return AX_RING_TOO_OLD;
    if (r->n == r->cap)
        drop_expired(r, in_order ? s.t_ms : r->newest_ms, keep_ms);
    uint32_t i = in_order ? r->n : count_until(r, s.t_ms);
    if (!in_order && i && at(r, i - 1)->t_ms == s.t_ms)
        return bits_of(at(r, i - 1)->value) == bits_of(s.value) ? AX_RING_DUPLICATE : AX_RING_CONFLICT;
    if (r->n == r->cap && (r->cap == 0 || grown(r) <= samples_max)) {
        if (!grow(r))
            return AX_RING_NOMEM;
    } else if (r->n == r->cap) {
        if (i == 0)
            return AX_RING_TOO_OLD;
        drop_oldest(r);
        i--;
    }
    r->n++;
    for (uint32_t k = r->n - 1; k > i; k--)
        memcpy(at(r, k), at(r, k - 1), sizeof s);
    memcpy(at(r, i), &s, sizeof s);
    if (in_order)
        r->newest_ms = s.t_ms;
    return AX_RING_ADDED;
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
