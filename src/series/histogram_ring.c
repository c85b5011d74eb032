/* histogram_ring.c: an array of places ordered by time, over a block of bytes that is filled from the front.
 */
#include "series/histogram_ring.h"

#include <stdlib.h>

#define PLACES_FIRST 8u
#define BYTES_FIRST 1024u

int64_t ax_histogram_ring_newest(const struct ax_histogram_ring *r)
{
    return r->n ? r->v[r->head + r->n - 1].t_ms : INT64_MIN;
}

uint32_t ax_histogram_ring_until(const struct ax_histogram_ring *r, int64_t t_ms)
{
    uint32_t lo = 0, hi = r->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->v[r->head + mid].t_ms <= t_ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct ax_str ax_histogram_ring_message(const struct ax_histogram_ring *r, uint32_t i)
{
    const struct ax_histogram_place *p = &r->v[r->head + i];
    return p->n ? (struct ax_str){(const char *)r->bytes + p->at, p->n} : (struct ax_str){NULL, 0};
}

enum ax_ring_put ax_histogram_ring_again(const struct ax_histogram_ring *r, int64_t t_ms,
                                         struct ax_str message)
{
    uint32_t n = ax_histogram_ring_until(r, t_ms);
    if (n == 0 || r->v[r->head + n - 1].t_ms != t_ms)
        return AX_RING_ADDED;
    return ax_str_eq(ax_histogram_ring_message(r, n - 1), message) ? AX_RING_DUPLICATE : AX_RING_CONFLICT;
}

static void drop_oldest(struct ax_histogram_ring *r)
{
    r->head++;
    r->n--;
}

/* Take bytes from what all rings share; false when there are none left. */
static bool take_share(const struct ax_histogram_limits *limits, uint64_t bytes)
{
    uint64_t had = atomic_fetch_add(limits->all, bytes);
    if (had + bytes <= limits->all_max)
        return true;
    atomic_fetch_sub(limits->all, bytes);
    return false;
}

/* Copy what is kept to the front of a block, in order of time. */
static void pack_into(struct ax_histogram_ring *r, uint8_t *block)
{
    uint32_t at = 0;
    for (uint32_t i = r->head; i < r->head + r->n; i++) {
        if (r->v[i].n)
            memmove(block + at, r->bytes + r->v[i].at, r->v[i].n);
        r->v[i].at = at;
        at += r->v[i].n;
    }
    r->used = at;
    r->disordered = false;
}

/* A block of another size (or the same, when bytes have to be brought into order). FULL when that is not
 * allowed. */
static enum ax_ring_put change_block(struct ax_histogram_ring *r, uint32_t cap,
                                     const struct ax_histogram_limits *limits)
{
    uint32_t more = cap - r->bytes_cap;
    if (more && !take_share(limits, more))
        return AX_RING_FULL;
    uint8_t *block = malloc(cap);
    if (!block) {
        atomic_fetch_sub(limits->all, more);
        return AX_RING_NOMEM;
    }
    pack_into(r, block);
    free(r->bytes);
    r->bytes = block;
    r->bytes_cap = cap;
    return AX_RING_ADDED;
}

static uint32_t live_bytes(const struct ax_histogram_ring *r)
{
    uint32_t n = 0;
    for (uint32_t i = r->head; i < r->head + r->n; i++)
        n += r->v[i].n;
    return n;
}

/* Twice the bytes, or more, if that is allowed: enough for `need`. */
static enum ax_ring_put grow(struct ax_histogram_ring *r, uint64_t need,
                             const struct ax_histogram_limits *limits)
{
    uint64_t cap = r->bytes_cap ? (uint64_t)r->bytes_cap * 2 : BYTES_FIRST;
    while (cap < need)
        cap *= 2;
    if (cap > limits->bytes_max)
        cap = limits->bytes_max;
    return cap >= need && cap > r->bytes_cap ? change_block(r, (uint32_t)cap, limits) : AX_RING_FULL;
}

/* Room for n more bytes: first by letting go what is expired, then by growing, at last by letting go the
 * oldest. A block is packed when a good part of it is free, so that each byte is moved a bounded number of
 * times. */
static enum ax_ring_put make_bytes(struct ax_histogram_ring *r, uint32_t n, int64_t newest_ms,
                                   const struct ax_histogram_limits *limits)
{
    if ((uint64_t)r->used + n <= r->bytes_cap)
        return AX_RING_ADDED;
    while (r->n && (uint64_t)newest_ms - (uint64_t)r->v[r->head].t_ms >= (uint64_t)limits->keep_ms)
        drop_oldest(r);
    uint64_t need = (uint64_t)live_bytes(r) + n;
    enum ax_ring_put grown = need > r->bytes_cap / 2 ? grow(r, need, limits) : AX_RING_FULL;
    if (grown != AX_RING_FULL)
        return grown;
    if (n > r->bytes_cap)
        return AX_RING_FULL;
    for (; r->n && need > r->bytes_cap - r->bytes_cap / 4; drop_oldest(r))
        need -= r->v[r->head].n;
    if (r->disordered)
        return change_block(r, r->bytes_cap, limits);
    pack_into(r, r->bytes);
    return AX_RING_ADDED;
}

/* Room for one more place behind the last; false when out of memory. */
static bool make_place(struct ax_histogram_ring *r)
{
    if (r->head + r->n < r->cap)
        return true;
    if (r->head && r->n <= r->cap / 2) {
        memmove(r->v, r->v + r->head, r->n * sizeof *r->v);
        r->head = 0;
        return true;
    }
    uint32_t cap = r->cap ? r->cap * 2 : PLACES_FIRST;
    struct ax_histogram_place *v = malloc(cap * sizeof *v);
    if (!v)
        return false;
    if (r->n)
        memcpy(v, r->v + r->head, r->n * sizeof *v);
    free(r->v);
    r->v = v;
    r->cap = cap;
    r->head = 0;
    return true;
}

enum ax_ring_put ax_histogram_ring_put(struct ax_histogram_ring *r, int64_t t_ms, struct ax_str message,
                                       const struct ax_histogram_limits *limits)
{
    int64_t newest = ax_histogram_ring_newest(r);
    bool in_order = r->n == 0 || t_ms > newest;
    if (!in_order && (uint64_t)newest - (uint64_t)t_ms >= (uint64_t)limits->keep_ms)
        return AX_RING_TOO_OLD;
    enum ax_ring_put again = in_order ? AX_RING_ADDED : ax_histogram_ring_again(r, t_ms, message);
    if (again != AX_RING_ADDED)
        return again;
    if (message.n > limits->bytes_max)
        return AX_RING_FULL;
    if (!make_place(r))
        return AX_RING_NOMEM;
    enum ax_ring_put room = make_bytes(r, (uint32_t)message.n, in_order ? t_ms : newest, limits);
    if (room != AX_RING_ADDED)
        return room;
    uint32_t i = in_order ? r->n : ax_histogram_ring_until(r, t_ms);
    struct ax_histogram_place *at = &r->v[r->head + i];
    memmove(at + 1, at, (r->n - i) * sizeof *at);
    *at = (struct ax_histogram_place){t_ms, r->used, (uint32_t)message.n};
    if (message.n)
        memcpy(r->bytes + r->used, message.p, message.n);
    r->used += (uint32_t)message.n;
    r->disordered = r->disordered || !in_order;
    r->n++;
    return AX_RING_ADDED;
}

void ax_histogram_ring_done(struct ax_histogram_ring *r, _Atomic uint64_t *all)
{
    atomic_fetch_sub(all, r->bytes_cap);
    free(r->bytes);
    free(r->v);
    *r = (struct ax_histogram_ring){0};
}
