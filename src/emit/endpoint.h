/* endpoint.h: one remote-write endpoint: its senders, and the rules by which it sees the labels.
 *
 * Samples of one key always go to the same sender. Made and ended by one thread; ax_endpoint_push() may
 * come from any. */
#ifndef AX_EMIT_ENDPOINT_H
#define AX_EMIT_ENDPOINT_H

#include "base/clock.h"
#include "base/hash.h"
#include "config/config.h"
#include "emit/queue.h"

struct ax_endpoint;

/* Identity of a block of the config: equal when everything in it is equal. */
struct ax_hash128 ax_endpoint_fingerprint(const struct ax_remote_write *config);

/* Make an endpoint and start its senders. The config is copied, but for its relabelling rules, which must
 * live until the endpoint or ax_endpoint_set_rules() ends their use. AX_INVALID with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_endpoint_new(const struct ax_remote_write *config, struct ax_clock clock,
                                        struct ax_endpoint **out, struct ax_diag *diag);

/* What ax_endpoint_fingerprint() said of its config. */
struct ax_hash128 ax_endpoint_identity(const struct ax_endpoint *e);

/* The same rules at another place (a config that was loaded again). */
void ax_endpoint_set_rules(struct ax_endpoint *e, const struct ax_remote_write *config);

/* The URL without its password; label `url` of the metrics. */
const char *ax_endpoint_url(const struct ax_endpoint *e);

/* Does e stand in the config where old stood: the same name, or, without names, the same URL? */
bool ax_endpoint_succeeds(const struct ax_endpoint *e, const struct ax_endpoint *old);

/* The key of a series as this endpoint sees it, one reference for the caller: *out is key itself without
 * rules, NULL when a rule drops the series. AX_NOMEM; AX_LIMIT when a rule's expression took too long.
 * Not thread-safe with ax_endpoint_set_rules(). */
AX_MUST_USE enum ax_err ax_endpoint_key(const struct ax_endpoint *e, struct ax_out_key *key,
                                        struct ax_arena *arena, struct ax_out_key **out);

/* Queue a sample. Never blocks; a full queue drops its oldest and counts. */
void ax_endpoint_push(struct ax_endpoint *e, struct ax_out_key *key, int64_t t_ms, double value);

/* Count a sample that never reached a queue: of a series that the rules drop, or not newer than the last
 * one of its series. Lock-free. */
void ax_endpoint_count_relabelled(struct ax_endpoint *e);

/* Count a sample that was not newer than its series; as above. */
void ax_endpoint_count_out_of_order(struct ax_endpoint *e);

/* Samples not yet accepted nor dropped. */
uint64_t ax_endpoint_pending(const struct ax_endpoint *e);

/* Begin to send what waits at once and then end. */
void ax_endpoint_flush(struct ax_endpoint *e);

/* Wait for that until a monotonic time; then whatever is in flight is aborted and the senders end. */
void ax_endpoint_end(struct ax_endpoint *e, int64_t until_ns);

/* Move what waits in an endpoint that has ended to another, in order. */
void ax_endpoint_hand_over(struct ax_endpoint *from, struct ax_endpoint *to);

/* End at once and free. What still waits is counted as dropped for this reason. NULL is fine. */
void ax_endpoint_free(struct ax_endpoint *e, const char *reason);

#endif
