/* emit.h: outgoing series to one or more remote-write endpoints.
 *
 * Every endpoint has its own queue and sender thread(s): samples of one series stay in order (a series is
 * bound to one of the endpoint's shards), requests carry up to max_samples_per_send samples or what came
 * within batch_send_deadline; a request that may succeed later is sent again with the same bytes, backoff
 * doubling from min_backoff to max_backoff with jitter, Retry-After honoured; other refusals are dropped
 * and counted. One slow endpoint never holds up another, nor the caller. */
#ifndef AX_EMIT_EMIT_H
#define AX_EMIT_EMIT_H

#include "base/clock.h"
#include "config/config.h"
#include "emit/sink.h"

struct ax_emit;

/* Start senders for the endpoints (config outlives them). sample_age_limit of each from its config.
 * AX_INVALID with a text (a file of credentials that cannot be read, an unknown scheme). */
AX_MUST_USE enum ax_err ax_emit_start(const struct ax_remote_write *endpoints, uint32_t endpoints_n,
                                      struct ax_clock clock, struct ax_emit **out, struct ax_diag *diag);

/* The sink that feeds them; valid until ax_emit_stop(). Thread-safe. */
struct ax_sink ax_emit_sink(struct ax_emit *e);

/* Replace the endpoints after a reload: those whose block is unchanged keep queue and thread. On error
 * the old ones stay. */
AX_MUST_USE enum ax_err ax_emit_reload(struct ax_emit *e, const struct ax_remote_write *endpoints,
                                       uint32_t endpoints_n, struct ax_diag *diag);

/* Samples waiting in all queues. */
uint64_t ax_emit_pending(struct ax_emit *e);

/* Flush for at most deadline_ms, then stop and free. */
void ax_emit_stop(struct ax_emit *e, int64_t deadline_ms);

#endif
