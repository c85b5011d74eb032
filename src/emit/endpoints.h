/* endpoints.h: all endpoints of a config, each with the file of its positions.
 *
 * A reload replaces them whole or not at all. An endpoint whose block is unchanged goes on; one whose block
 * changed takes over the positions of the one with its name or, failing that, its URL, in this life of the
 * process or in an earlier one; a new one begins at the end of the log, as a new remote_write of Prometheus
 * does; the positions of one that is gone are forgotten. Not thread-safe. */
#ifndef AX_EMIT_ENDPOINTS_H
#define AX_EMIT_ENDPOINTS_H

#include "emit/endpoint.h"

/* The set; zero-initialise, then set env and dir, which outlives it. */
struct ax_endpoints {
    struct ax_endpoint_env env;
    const char *dir; /* of the position files; exists */
    struct ax_endpoint **v;
    uint32_t n;
};

/* Make the set that of these blocks. AX_INVALID, AX_IO with a text, AX_NOMEM: the endpoints of before go on.
 */
AX_MUST_USE enum ax_err ax_endpoints_load(struct ax_endpoints *set, const struct ax_remote_write *configs,
                                          uint32_t n, struct ax_diag *diag);

/* Everything in the log before this position has met its end at every endpoint. */
uint64_t ax_endpoints_at(const struct ax_endpoints *set);

/* Samples that wait, summed over the endpoints; sets the gauges. */
uint64_t ax_endpoints_measure(struct ax_endpoints *set);

/* Descriptors of the files of positions that have changed since the last call, at most cap; to be synced and
 * closed. Returns how many. */
uint32_t ax_endpoints_unsynced(struct ax_endpoints *set, int *fds, uint32_t cap);

/* Count samples that never reached the log, for every endpoint. */
void ax_endpoints_count_dropped(struct ax_endpoints *set, const char *reason, uint32_t n);

/* Let all stand still; requests under way have a second for their answers, and are sent again if those do not
 * come. */
void ax_endpoints_pause(struct ax_endpoints *set);

/* Go on, reading the log anew from where each one is. AX_NOMEM with a text: some do not go on. */
AX_MUST_USE enum ax_err ax_endpoints_resume(struct ax_endpoints *set, struct ax_diag *diag);

/* Send what waits until a monotonic time, or until *hurry is set (NULL: it is not), then end all and free;
 * requests under way have a second more for their answers. What is not sent stays in the log. */
void ax_endpoints_end(struct ax_endpoints *set, int64_t until_ns, const atomic_bool *hurry);

#endif
