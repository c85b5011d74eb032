/* sender.h: one thread that delivers the samples of one queue to one endpoint, one request at a time.
 *
 * One request in flight keeps the samples of a series in order. A request that may succeed later is sent
 * again with the same bytes (remade when samples of it have become too old); see emit/retry.h for what an
 * answer means. An endpoint may have several senders (shards), each with series of its own. */
#ifndef AX_EMIT_SENDER_H
#define AX_EMIT_SENDER_H

#include "base/clock.h"
#include "base/metrics.h"
#include "emit/queue.h"
#include "emit/retry.h"
#include "net/http_client.h"

#include <stdatomic.h>

/* What the senders of one endpoint share; outlives them. */
struct ax_target {
    char *url; /* without password; label of the metrics and in the log */
    struct ax_clock clock;
    uint32_t samples_max; /* of one request */
    int64_t deadline_ms;  /* a request that is not full leaves after this */
    int64_t age_limit_ms; /* older samples are dropped; 0: none are */
    struct ax_backoff backoff;
    bool retry_on_429;
    atomic_int version;      /* 1 or 2; turns 1 once and stays */
    atomic_bool confirmed;   /* a 2.0 request was accepted */
    struct ax_cell *waiting; /* auspex_remote_write_queue_samples */
};

struct ax_sender;

/* Make a sender with an empty queue for capacity samples; its thread is not running yet. AX_INVALID with a
 * text (see ax_http_client_new()), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_sender_new(struct ax_target *target, const struct ax_http_client_options *http,
                                      uint32_t capacity, uint64_t seed, struct ax_sender **out,
                                      struct ax_diag *diag);

/* Start the thread. AX_NOMEM when the system gives none. Once. */
AX_MUST_USE enum ax_err ax_sender_start(struct ax_sender *s, struct ax_diag *diag);

/* Queue a sample (takes a reference to key). Never blocks; a full queue drops its oldest and counts. From
 * any thread. */
void ax_sender_push(struct ax_sender *s, struct ax_out_key *key, int64_t t_ms, double value);

/* Send what waits at once, then end. From any thread. */
void ax_sender_flush(struct ax_sender *s);

/* End at once: a request in flight is aborted, what is not accepted stays queued. From any thread. */
void ax_sender_halt(struct ax_sender *s);

/* Wait for the thread to end until a monotonic time. False when it has not. */
bool ax_sender_wait(struct ax_sender *s, int64_t until_ns);

/* Samples not yet accepted nor dropped. */
uint64_t ax_sender_pending(const struct ax_sender *s);

/* Hand the oldest waiting samples, at most n, over to the caller, of a sender that has ended. Forget them
 * with ax_sender_forget(). Returns how many. */
uint32_t ax_sender_take(struct ax_sender *s, struct ax_item *items, uint32_t n);

/* Drop what ax_sender_take() gave. */
void ax_sender_forget(struct ax_sender *s, struct ax_item *items, uint32_t n);

/* Halt, join and free, with what is queued; NULL is fine. */
void ax_sender_free(struct ax_sender *s);

#endif
