/* sender.h: one thread that delivers the samples of some lanes to one endpoint, one request at a time.
 *
 * It reads the outgoing log at its own pace (emit/feed.h) and notes its position after each request that was
 * accepted or finally dropped, before it sends the next. So after a kill at any moment one request at most is
 * sent again, and that is harmless: it comes with the same or other neighbours, but each of its samples is
 * still the newest that the target has of its series, however batches are cut now and however many senders
 * there are (emit/batch.h, emit/positions.h).
 *
 * A request that may succeed later is sent again with the same bytes (remade when samples of it have become
 * too old); see emit/retry.h for what an answer means. One that is refused for its content is sent in halves,
 * in order, down to the offending series, with at most AX_SPLIT_REQUESTS more requests (a sixteenth of them
 * after three batches in a row of which nothing was accepted): never the same request again. */
#ifndef AX_EMIT_SENDER_H
#define AX_EMIT_SENDER_H

#include "emit/delivery.h"

/* Requests that may be made out of a refused one; enough to find six series among 2,000. */
#define AX_SPLIT_REQUESTS 128u

struct ax_sender;

/* Make the index-th sender of a delivery, for lanes_n lanes; its thread is not running yet. AX_INVALID with a
 * text (see ax_http_client_new()), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_sender_new(struct ax_delivery *delivery, const struct ax_http_client_options *http,
                                      uint32_t index, uint32_t first_lane, uint32_t lanes_n,
                                      struct ax_sender **out, struct ax_diag *diag);

/* Start the thread, which waits for ax_sender_go(). AX_NOMEM when the system gives none. Once. */
AX_MUST_USE enum ax_err ax_sender_start(struct ax_sender *s, struct ax_diag *diag);

/* Begin to read and to send, from the positions that the delivery has by now. Once. */
void ax_sender_go(struct ax_sender *s);

/* Send what waits at once, then end. From any thread. */
void ax_sender_flush(struct ax_sender *s);

/* End after the request under way, whatever its answer; what is not accepted stays in the log. From any
 * thread. */
void ax_sender_halt(struct ax_sender *s);

/* End at once: the request under way is aborted too, and the target may still take it. From any thread. */
void ax_sender_abort(struct ax_sender *s);

/* Wait for the thread to end until a monotonic time. False when it has not. */
bool ax_sender_wait(struct ax_sender *s, int64_t until_ns);

/* Begin again where its positions are, after it has ended. AX_NOMEM when the system gives no thread: it
 * stands still until it is resumed again. */
AX_MUST_USE enum ax_err ax_sender_resume(struct ax_sender *s, struct ax_diag *diag);

/* Abort, join and free; NULL is fine. */
void ax_sender_free(struct ax_sender *s);

#endif
