/* delivery.h: what the senders of one endpoint share, and one request to it. */
#ifndef AX_EMIT_DELIVERY_H
#define AX_EMIT_DELIVERY_H

#include "base/clock.h"
#include "emit/batch.h"
#include "emit/outgoing.h"
#include "emit/retry.h"
#include "emit/view.h"
#include "net/http_client.h"

#include <pthread.h>
#include <stdatomic.h>

/* How far one sender has come. */
struct ax_progress {
    _Atomic uint64_t at; /* every sample of its lanes before this position has met its end; UINT64_MAX: it has
                            not begun */
    _Atomic uint64_t count; /* samples in the log, of any lane, before that; UINT64_MAX: not known yet */
};

/* Shared by the senders of an endpoint; outlives them. */
struct ax_delivery {
    char *url; /* without password; label of the metrics and in the log */
    struct ax_clock clock;
    struct ax_outgoing *outgoing;
    struct ax_positions *positions;
    const struct ax_relabel *rules;
    uint32_t rules_n;
    uint64_t seed;
    uint64_t max_bytes;   /* who is further behind the end of the log drops the oldest */
    uint32_t samples_max; /* of one request */
    int64_t deadline_ms;  /* a request that is not full leaves after this */
    int64_t age_limit_ms; /* older samples are dropped; 0: none are */
    struct ax_backoff backoff;
    bool retry_on_429;
    atomic_int version;    /* 1 or 2; turns 1 once and stays */
    atomic_bool confirmed; /* a 2.0 request was accepted */
    struct ax_progress progress[AX_LANES];
    uint32_t senders_n;
    pthread_mutex_t measuring;
    char trouble[AX_TROUBLE_BYTES]; /* why the last request was not accepted; empty: it was. Under telling */
    pthread_mutex_t telling;
    _Atomic uint64_t refused; /* samples, for good */
};

/* Begin with *d zeroed: what is not the config's. */
void ax_delivery_init(struct ax_delivery *d);

/* The end of ax_delivery_init(). */
void ax_delivery_done(struct ax_delivery *d);

/* Everything in the log before this position has met its end, for all senders. Lock-free. */
uint64_t ax_delivery_at(const struct ax_delivery *d);

/* Samples in the log behind the slowest sender, before relabelling. Sets the gauges of the queue to what is
 * so now. From any thread. */
uint64_t ax_delivery_measure(struct ax_delivery *d);

/* Send what a batch has encoded in this version once; attempt counts from 0. Returns what the answer means;
 * diag says what it was, and answer keeps the beginning of its text. Blocks as ax_http_post() does. */
enum ax_verdict ax_delivery_post(struct ax_delivery *d, struct ax_http_client *client,
                                 const struct ax_batch *batch, int version, uint32_t attempt,
                                 struct ax_buf *answer, struct ax_http_reply *reply, struct ax_diag *diag);

/* What a batch has encoded, the samples from this one on, was refused for good: count it, and say why and of
 * which series. */
void ax_delivery_refused(struct ax_delivery *d, const struct ax_batch *batch, uint32_t from, int status,
                         const char *why);

/* Why it accepts nothing now, with what to look at; NULL: it does accept. For ax_delivery_trouble(). */
void ax_delivery_tell(struct ax_delivery *d, int status, const char *why);

/* What was told last, "" when it accepts. */
void ax_delivery_trouble(struct ax_delivery *d, char out[AX_TROUBLE_BYTES]);

/* The endpoint does not take 2.0: 1.0 from now on. */
void ax_delivery_fall_back(struct ax_delivery *d, const char *why);

#endif
