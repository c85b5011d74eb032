/* ring.h: the recent raw samples of one series, in time order.
 *
 * Samples are appended in order in O(1), without a look at those before; one out of order is put where it
 * belongs. Memory grows by doubling to a ceiling; samples older than the newest by keep_ms or more are let
 * go when their room is needed. Not locked.
 * Invariants: 1. times rise strictly. 2. newest_ms is the last of them. */
#ifndef AX_SERIES_RING_H
#define AX_SERIES_RING_H

#include "prom/sample.h"

/* Room that a ring starts with, whatever its ceiling. */
#define AX_RING_FIRST 8u

/* Zero-initialise for an empty ring. v has room for cap (a power of two, or 0) samples. */
struct ax_ring {
    struct ax_sample *v;
    int64_t newest_ms;     /* when n > 0 */
    uint32_t cap, head, n; /* oldest at head */
};

/* What became of a sample. DUPLICATE: there is one of that time with the same bits; CONFLICT: with others.
 * FULL: a ring of histograms (series/histogram_ring.h) may not have room for it. NOMEM: there is no memory to
 * grow, and nothing has changed; the same again may succeed. */
enum ax_ring_put {
    AX_RING_ADDED,
    AX_RING_DUPLICATE,
    AX_RING_CONFLICT,
    AX_RING_TOO_OLD,
    AX_RING_FULL,
    AX_RING_NOMEM
};

#define AX_RING_LATE 256u /* about the square root of the most samples of a ring */

/* Samples out of order on their way into a ring, sorted: so that what lies behind them is moved once for
 * many. To begin with set n and moved to 0. */
struct ax_ring_late {
    uint32_t n;
    uint64_t moved; /* samples that had to make room so far */
    struct ax_sample v[AX_RING_LATE];
};

/* Insert by time; the same time twice keeps the first. A full ring that may not grow (samples_max) lets its
 * oldest sample go, or refuses the new one as too old when that is the oldest. A sample out of order waits in
 * `late`: the ring's other readers see it after ax_ring_merge(), and everything is then as if each sample had
 * gone into its place at once. O(1) in order, else O(AX_RING_LATE + samples after it / AX_RING_LATE). */
enum ax_ring_put ax_ring_put_late(struct ax_ring *r, struct ax_ring_late *late, struct ax_sample s,
                                  int64_t keep_ms, uint32_t samples_max);

/* Is there a sample of this time, in the ring or on its way? O(log n). */
bool ax_ring_has(const struct ax_ring *r, const struct ax_ring_late *late, int64_t t_ms);

/* Bring those that wait to their places. O(samples after the first of them). */
void ax_ring_merge(struct ax_ring *r, struct ax_ring_late *late);

/* Both for one sample. O(1) in order, else O(samples after it). */
enum ax_ring_put ax_ring_put(struct ax_ring *r, struct ax_sample s, int64_t keep_ms, uint32_t samples_max);

/* ax_ring_put() where it is simplest: the sample is the newest and there is room for it. False otherwise;
 * nothing has changed then. */
static inline bool ax_ring_push(struct ax_ring *r, struct ax_sample s)
{
    if (r->n == r->cap || (r->n && s.t_ms <= r->newest_ms))
        return false;
    memcpy(&r->v[(r->head + r->n++) & (r->cap - 1)], &s, sizeof s);
    r->newest_ms = s.t_ms;
    return true;
}

/* Where the next sample goes when it is in order: an address to prefetch; NULL while there is no room. */
static inline const struct ax_sample *ax_ring_next(const struct ax_ring *r)
{
    return r->cap ? &r->v[(r->head + r->n) & (r->cap - 1)] : NULL;
}

/* The sample of this time, or NULL; valid until the ring changes. O(log n). */
const struct ax_sample *ax_ring_find(const struct ax_ring *r, int64_t t_ms);

/* Copy the samples with after_ms < t <= until_ms, oldest first; the newest cap of them when there are
 * more. Returns how many. O(log n + copied). */
uint32_t ax_ring_read(const struct ax_ring *r, int64_t after_ms, int64_t until_ms, struct ax_sample *out,
                      uint32_t cap);

/* Time of the newest sample; INT64_MIN when empty. */
int64_t ax_ring_newest(const struct ax_ring *r);

/* Free the memory; the ring is empty afterwards. */
void ax_ring_done(struct ax_ring *r);

#endif
