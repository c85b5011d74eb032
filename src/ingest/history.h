/* history.h: an endpoint of `remote_read`: asks it for the past of series, and hands the answer on as it
 * comes.
 *
 * Streamed chunks are asked for, and samples taken from those who do not know them; memory is bounded either
 * way. One request at a time; one thread, but for ax_history_abort(). */
#ifndef AX_INGEST_HISTORY_H
#define AX_INGEST_HISTORY_H

#include "config/config.h"
#include "prom/read_response.h"

struct ax_history;

/* A client of the endpoint; config outlives it. Nothing is connected yet. AX_INVALID with a text (a file of
 * credentials that cannot be read, ...), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_history_open(const struct ax_remote_read *config, struct ax_history **out,
                                        struct ax_diag *diag);

/* Close and free; NULL is fine. */
void ax_history_close(struct ax_history *h);

/* The block of the config. */
const struct ax_remote_read *ax_history_config(const struct ax_history *h);

/* Does the endpoint want to be asked for a selector with these matchers (required_matchers)? */
bool ax_history_serves(const struct ax_history *h, const struct ax_read_matcher *matchers, uint32_t n);

/* Ask for n queries, and visit what comes back. With a text that names the endpoint: AX_IO (no answer, or
 * none of 2xx), AX_TIMEOUT, AX_LIMIT (too much was asked for at once: of the endpoint, which says so by 400,
 * 413 or 422, or of us), AX_CORRUPT, AX_UNSUPPORTED, AX_BUSY (aborted), AX_NOMEM, or what the visitor said.
 * What was visited before stays visited. Blocks for remote_timeout at most, and as long again for each
 * request for a token. */
AX_MUST_USE enum ax_err ax_history_read(struct ax_history *h, const struct ax_read_query *queries, uint32_t n,
                                        ax_read_visit *visit, void *ctx, struct ax_diag *diag);

/* Native histograms that answers had, and that were passed over (see struct ax_read_reader). */
uint64_t ax_history_skipped(const struct ax_history *h);

/* End the request under way at once, and all later ones too. From any thread. */
void ax_history_abort(struct ax_history *h);

#endif
