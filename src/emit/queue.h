/* queue.h: samples on their way to one shard of one endpoint: bounded, oldest dropped first.
 *
 * The sender takes a batch, sends it, and says ax_queue_done(); until then the batch counts as pending
 * and can be given back. Producers never wait for the sender. This one lives in memory; a durable one
 * keeps the same contract. Thread-safe: any number of producers, one taker. */
#ifndef AX_EMIT_QUEUE_H
#define AX_EMIT_QUEUE_H

#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

/* Labels of an outgoing series as the endpoint will see them (prom/labels.h: the key); immutable, shared
 * by everybody who holds a reference. */
struct ax_out_key {
    _Atomic uint64_t refs;
    uint64_t hash;
    size_t n;
    char bytes[];
};

/* One waiting sample; holds a reference to its key. */
struct ax_item {
    struct ax_out_key *key;
    int64_t t_ms;
    double value;
};

struct ax_queue;

/* Hash of key bytes as a key keeps it. */
uint64_t ax_out_key_hash(struct ax_str bytes);

/* A copy of key bytes with one reference; NULL when out of memory. */
struct ax_out_key *ax_out_key_new(struct ax_str bytes);

/* One more reference; returns key. Lock-free. */
struct ax_out_key *ax_out_key_ref(struct ax_out_key *key);

/* Give a reference back; the last frees. NULL is fine. Lock-free. */
void ax_out_key_unref(struct ax_out_key *key);

/* An empty queue for at most capacity samples (> 0), which grows as it fills; NULL when out of memory. */
struct ax_queue *ax_queue_new(uint32_t capacity);

/* Free with everything in it. */
void ax_queue_free(struct ax_queue *q);

/* Append a sample (takes a new reference to key). When the queue is full, or may not grow for want of
 * memory, its oldest waiting sample makes room. Returns how many samples were lost: 0 or 1. Amortised
 * O(1), no waiting but for the lock. */
uint32_t ax_queue_push(struct ax_queue *q, struct ax_out_key *key, int64_t t_ms, double value);

/* Wait until enough samples wait, the monotonic time until_ns is reached (INT64_MAX: never) or
 * ax_queue_interrupt() was called. Returns how many wait. */
uint32_t ax_queue_wait(struct ax_queue *q, uint32_t enough, int64_t until_ns);

/* From now on nobody waits in ax_queue_wait(). */
void ax_queue_interrupt(struct ax_queue *q);

/* Move the oldest samples, at most n, into items, which then holds their references. Returns how many. */
uint32_t ax_queue_take(struct ax_queue *q, struct ax_item *items, uint32_t n);

/* Samples taken have met their end (accepted or dropped): forget them and drop their references. */
void ax_queue_done(struct ax_queue *q, struct ax_item *items, uint32_t n);

/* Put taken samples back at the front, oldest first. Returns how many of them, the oldest, were lost
 * because the queue has filled up meanwhile. */
uint32_t ax_queue_give_back(struct ax_queue *q, struct ax_item *items, uint32_t n);

/* Samples waiting, and taken but not done. Lock-free. */
uint64_t ax_queue_pending(const struct ax_queue *q);

#endif
