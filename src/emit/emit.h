/* emit.h: outgoing series to one or more remote-write endpoints, through a log that lasts.
 *
 * What the sink is given and commits becomes one record of the log (emit/outgoing.h). Every endpoint reads
 * the log at its own pace: samples of one series stay in order (a series is bound to one of the endpoint's
 * senders), requests carry up to max_samples_per_send samples, at most one of each series, or what came
 * within batch_send_deadline; a request that may succeed later is sent again with the same bytes, backoff
 * doubling from min_backoff to max_backoff with jitter, Retry-After honoured; other refusals are dropped and
 * counted. One slow endpoint never holds up another, nor the caller. After a stop or a kill each endpoint
 * goes on where it was.
 *
 * One thread uses the sink; the other functions may be called from any. */
#ifndef AX_EMIT_EMIT_H
#define AX_EMIT_EMIT_H

#include "base/clock.h"
#include "config/config.h"
#include "emit/sink.h"
#include "emit/view.h"

struct ax_emit;

/* What it starts with; endpoints are copied. */
struct ax_emit_options {
    const struct ax_remote_write *endpoints;
    uint32_t endpoints_n;
    const char
        *dir; /* of the log and of how far each endpoint has come; made (0700, one level) when absent */
    uint64_t max_bytes;    /* of the log: an endpoint that is further behind loses its oldest samples; > 0 */
    bool fsync_always;     /* fsync each commit; else ax_emit_sync() does */
    struct ax_clock clock; /* by which samples become too old */
    uint64_t seed;         /* secret */
    const atomic_bool *hurry; /* set: the stop does not wait until all is sent. NULL: it never is */
};

/* Open the log and start senders for the endpoints, which go on with what waits for them. AX_INVALID with a
 * text (a file of credentials that cannot be read, an unknown scheme); AX_IO with a text. */
AX_MUST_USE enum ax_err ax_emit_start(const struct ax_emit_options *options, struct ax_emit **out,
                                      struct ax_diag *diag);

/* The sink that feeds them; valid until ax_emit_stop(). */
struct ax_sink ax_emit_sink(struct ax_emit *e);

/* Replace the endpoints after a reload (emit/endpoints.h). On error the old ones stay. */
AX_MUST_USE enum ax_err ax_emit_reload(struct ax_emit *e, const struct ax_remote_write *endpoints,
                                       uint32_t endpoints_n, struct ax_diag *diag);

/* Bring what was committed to the disk, and how far each endpoint has come, so that it survives a power loss.
 * Nobody waits for it. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_emit_sync(struct ax_emit *e, struct ax_diag *diag);

/* Samples in the log that wait for an endpoint, summed over the endpoints. */
uint64_t ax_emit_pending(struct ax_emit *e);

/* How endpoint i stands, in the order of the config; false when there is none, or while an erasure holds them
 * for longer than a moment. */
bool ax_emit_endpoint(struct ax_emit *e, uint32_t i, struct ax_endpoint_view *out);

/* Send what waits for at most deadline_ms (and a second for what is under way then), stop and free. The rest
 * stays in the log. NULL is fine. */
void ax_emit_stop(struct ax_emit *e, int64_t deadline_ms);

#endif
