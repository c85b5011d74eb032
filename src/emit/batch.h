/* batch.h: one request in the making: samples taken from a queue, grouped by series, encoded.
 *
 * The bytes are made once and sent as often as it takes; when samples are taken out (too old), they are
 * made anew from what is left, never changed in place. Owned by one sender thread. */
#ifndef AX_EMIT_BATCH_H
#define AX_EMIT_BATCH_H

#include "emit/queue.h"
#include "prom/rw_encode.h"

/* A batch and the scratch to encode it; read items, n, bytes and newest_ms, change by functions only. */
struct ax_batch {
    struct ax_item *items;
    uint32_t n, cap;
    struct ax_buf bytes; /* the compressed request */
    int64_t newest_ms;   /* newest timestamp in bytes */
    struct ax_rw_encoder encoder;
    uint32_t *order;
    struct ax_sample *samples;
    struct ax_rw_run *runs;
};

/* Make an empty batch for at most cap samples. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_batch_init(struct ax_batch *b, uint32_t cap);

/* Free the memory; the batch must be empty. */
void ax_batch_done(struct ax_batch *b);

/* Fill an empty batch from the queue. Returns how many samples it has now. */
uint32_t ax_batch_take(struct ax_batch *b, struct ax_queue *q);

/* Drop samples older than before_ms for good. Returns how many; when not 0, encode again. */
uint32_t ax_batch_expire(struct ax_batch *b, struct ax_queue *q, int64_t before_ms);

/* Make the request of version 1 or 2: one TimeSeries for each set of labels, its samples in time order.
 * AX_LIMIT when it is too large for a receiver (take fewer samples), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_batch_encode(struct ax_batch *b, int version);

/* Put the newer half back into the queue. Returns how many samples were lost there (it was full). */
uint32_t ax_batch_halve(struct ax_batch *b, struct ax_queue *q);

/* The end of all its samples: accepted, or dropped. */
void ax_batch_finish(struct ax_batch *b, struct ax_queue *q);

/* Put everything back into the queue. Returns how many samples were lost there. */
uint32_t ax_batch_give_back(struct ax_batch *b, struct ax_queue *q);

#endif
