/* endpoint.h: one remote-write endpoint: its senders, and the rules by which it sees the labels.
 *
 * The lanes of its series are spread evenly over its senders, so samples of one key always go to the same.
 * Made and ended by one thread. */
#ifndef AX_EMIT_ENDPOINT_H
#define AX_EMIT_ENDPOINT_H

#include "base/clock.h"
#include "base/hash.h"
#include "config/config.h"
#include "emit/outgoing.h"
#include "emit/positions.h"
#include "emit/view.h"

struct ax_endpoint;

/* What endpoints of one process share; outgoing outlives them. */
struct ax_endpoint_env {
    struct ax_outgoing *outgoing;
    struct ax_clock clock;
    uint64_t max_bytes; /* of the log: an endpoint further behind drops the oldest */
    uint64_t seed;
};

/* Identity of a block of the config: equal when everything in it is equal. */
struct ax_hash128 ax_endpoint_fingerprint(const struct ax_remote_write *config);

/* Make an endpoint and the threads of its senders, which wait for ax_endpoint_go(). The config is copied.
 * AX_INVALID with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_endpoint_new(const struct ax_remote_write *config,
                                        const struct ax_endpoint_env *env, struct ax_endpoint **out,
                                        struct ax_diag *diag);

/* What ax_endpoint_fingerprint() said of its config. */
struct ax_hash128 ax_endpoint_identity(const struct ax_endpoint *e);

/* Whose positions are its own. Views into it. */
struct ax_positions_owner ax_endpoint_owner(const struct ax_endpoint *e);

/* The URL without its password; label `url` of the metrics. */
const char *ax_endpoint_url(const struct ax_endpoint *e);

/* Is this the position file of the endpoint that stood in the config where e stands: the same name, or, where
 * names do not tell, the same URL? 2 for the name, 1 for the URL, 0 for no. */
int ax_endpoint_succeeds(const struct ax_endpoint *e, const struct ax_positions_file *file);

/* Begin to send from these positions, which it owns from then on. Once. */
void ax_endpoint_go(struct ax_endpoint *e, struct ax_positions *positions);

/* ax_positions_unsynced() of its positions. */
int ax_endpoint_unsynced(const struct ax_endpoint *e);

/* Its positions, for its successor to own; it has ended. */
struct ax_positions *ax_endpoint_give_up(struct ax_endpoint *e);

/* The number of its position file; 0 before ax_endpoint_go(). */
uint32_t ax_endpoint_file(const struct ax_endpoint *e);

/* Count samples that never reached the log: not newer than the last one of their series, or not to be kept.
 */
void ax_endpoint_count_dropped(struct ax_endpoint *e, const char *reason, uint32_t n);

/* Everything in the log before this position has met its end. */
uint64_t ax_endpoint_at(const struct ax_endpoint *e);

/* Samples in the log behind that position, before relabelling; the metrics of the queue are set by the way.
 */
uint64_t ax_endpoint_measure(struct ax_endpoint *e);

/* How it stands now. From any thread. */
void ax_endpoint_view(struct ax_endpoint *e, struct ax_endpoint_view *out);

/* Begin to send what waits at once and then end. */
void ax_endpoint_flush(struct ax_endpoint *e);

/* Wait for that until a monotonic time. True: it has ended. */
bool ax_endpoint_wait(struct ax_endpoint *e, int64_t until_ns);

/* Begin to end after the requests under way. What is not sent stays in the log. */
void ax_endpoint_halt(struct ax_endpoint *e);

/* The same, and wait for their answers until a monotonic time; then they are aborted. */
void ax_endpoint_end(struct ax_endpoint *e, int64_t until_ns);

/* Go on after ax_endpoint_end(), from its positions. AX_NOMEM with a text: some of its senders stand still.
 */
AX_MUST_USE enum ax_err ax_endpoint_resume(struct ax_endpoint *e, struct ax_diag *diag);

/* End at once and free; its position file stays. NULL is fine. */
void ax_endpoint_free(struct ax_endpoint *e);

#endif
