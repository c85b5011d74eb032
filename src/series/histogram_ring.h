/* histogram_ring.h: the recent native histograms of one series, in time order, as the messages they came in.
 *
 * A message is kept as bytes and read when an expression needs it. Bytes lie one behind another in one block,
 * which doubles up to a ceiling; when it is full, histograms older than the newest by keep_ms or more are let
 * go, then the oldest, and what remains is moved together. Not locked. Invariants: 1. times rise strictly. 2.
 * the bytes of different histograms do not overlap. */
#ifndef AX_SERIES_HISTOGRAM_RING_H
#define AX_SERIES_HISTOGRAM_RING_H

#include "base/str.h"
#include "series/ring.h"

#include <stdatomic.h>

/* Where a histogram is. */
struct ax_histogram_place {
    int64_t t_ms;
    uint32_t at, n; /* its bytes */
};

/* Zero-initialise for an empty ring. */
struct ax_histogram_ring {
    struct ax_histogram_place *v;
    uint32_t cap, head, n; /* oldest at v[head] */
    uint8_t *bytes;
    uint32_t bytes_cap, used;
    bool disordered; /* bytes do not lie in order of time */
};

/* How much may be kept. */
struct ax_histogram_limits {
    int64_t keep_ms;
    uint32_t bytes_max;    /* of one ring */
    uint64_t all_max;      /* of all rings together */
    _Atomic uint64_t *all; /* bytes that they have */
};

/* Insert by time; the same time twice keeps the first. AX_RING_FULL when there may be no room for it even
 * alone; after AX_RING_NOMEM old ones may have gone. Amortised O(1) in order, else O(histograms after it). */
enum ax_ring_put ax_histogram_ring_put(struct ax_histogram_ring *r, int64_t t_ms, struct ax_str message,
                                       const struct ax_histogram_limits *limits);

/* How many there are with t <= t_ms; the k-th oldest of them is at v[head + k]. O(log n). */
uint32_t ax_histogram_ring_until(const struct ax_histogram_ring *r, int64_t t_ms);

/* What a put of this time is when there is one of it already: AX_RING_DUPLICATE or AX_RING_CONFLICT; else
 * AX_RING_ADDED. O(log n). */
enum ax_ring_put ax_histogram_ring_again(const struct ax_histogram_ring *r, int64_t t_ms,
                                         struct ax_str message);

/* The message of the i-th oldest; valid until the next put. */
struct ax_str ax_histogram_ring_message(const struct ax_histogram_ring *r, uint32_t i);

/* Time of the newest; INT64_MIN when empty. */
int64_t ax_histogram_ring_newest(const struct ax_histogram_ring *r);

/* Free the memory; the ring is empty afterwards. */
void ax_histogram_ring_done(struct ax_histogram_ring *r, _Atomic uint64_t *all);

#endif
