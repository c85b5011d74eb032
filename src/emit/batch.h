/* batch.h: one request in the making: samples in the order of the log, at most one of each series.
 *
 * Why at most one: when the process dies between a target's acceptance and our note of it, what was in that
 * request is sent again, perhaps cut otherwise. A target that has a sample as the newest of its series takes
 * it once more, but refuses the whole request when a newer one is there already. With one sample of a series
 * in a request, and one request under way, there never is a newer one.
 *
 * A batch may be sent in parts, each a run of its samples. The bytes of a part are made once and sent as
 * often as it takes; when samples are taken out (too old), they are made anew from what is left. Owned by one
 * sender thread. */
#ifndef AX_EMIT_BATCH_H
#define AX_EMIT_BATCH_H

#include "emit/feed.h"
#include "prom/rw_encode.h"

/* One sample of a batch; its series is NULL once it was taken out. */
struct ax_item {
    struct ax_feed_series *series;
    int64_t t_ms;
    double value;
    uint64_t at, count; /* as of ax_feed_sample */
};

/* A batch and the scratch to encode it; read items, n, cap, bytes and the encoded ones, change by functions
 * only. */
struct ax_batch {
    struct ax_item *items;
    uint32_t n, cap;
    uint64_t number;     /* of this batch, by which a series knows that it is in */
    struct ax_buf bytes; /* the compressed request */
    uint32_t encoded_n;  /* samples in bytes */
    int64_t newest_ms;   /* newest timestamp in bytes */
    struct ax_rw_encoder encoder;
    struct ax_sample *samples;
    struct ax_rw_run *runs;
};

/* Make an empty batch for at most cap samples. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_batch_init(struct ax_batch *b, uint32_t cap);

/* Free the memory; zeros are fine. */
void ax_batch_done(struct ax_batch *b);

/* Empty it for the next samples. */
void ax_batch_reset(struct ax_batch *b);

/* Has it a sample of this series already? */
bool ax_batch_has(const struct ax_batch *b, const struct ax_feed_series *series);

/* Add a sample of a series that it has not; it must not be full. */
void ax_batch_add(struct ax_batch *b, const struct ax_feed_sample *sample);

/* Samples in [from, to) that were not taken out. */
uint32_t ax_batch_left(const struct ax_batch *b, uint32_t from, uint32_t to);

/* Take out the samples in [from, to) that are older than before_ms. Returns how many. */
uint32_t ax_batch_expire(struct ax_batch *b, uint32_t from, uint32_t to, int64_t before_ms);

/* Make the request of version 1 or 2 from what is left in [from, to): one TimeSeries for each sample.
 * AX_LIMIT when it is too large for a receiver (send it in parts), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_batch_encode(struct ax_batch *b, uint32_t from, uint32_t to, int version);

#endif
