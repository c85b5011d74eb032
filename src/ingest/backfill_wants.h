/* backfill_wants.h: what a job selects, as queries of remote-read. */
#ifndef AX_INGEST_BACKFILL_WANTS_H
#define AX_INGEST_BACKFILL_WANTS_H

#include "ingest/history.h"

struct ax_expr;

/* The distinct selectors of a job's expressions. Owner: one run. */
struct ax_backfill_wants {
    struct ax_expr **exprs; /* own what the selectors point to */
    uint32_t exprs_n;
    struct ax_read_query *selectors; /* without times */
    uint32_t selectors_n, selectors_cap;
    struct ax_read_query *queries; /* of the newest ax_backfill_wants_queries() */
    int64_t reach_ms;              /* how long before a step samples are wanted at most */
    uint64_t newest_key;           /* for its user */
    struct ax_arena arena;
    bool nomem;
};

/* Gather them from a job's block. AX_INVALID with a text for an expression that does not parse; AX_NOMEM.
 * wants is to be freed in any case. */
AX_MUST_USE enum ax_err ax_backfill_wants_init(struct ax_backfill_wants *w, const struct ax_job_config *block,
                                               int64_t max_range_ms, struct ax_diag *diag);

/* Write into w->queries what this endpoint is to be asked for, after_ms < t <= until_ms; returns how many. */
uint32_t ax_backfill_wants_queries(struct ax_backfill_wants *w, const struct ax_history *h, int64_t after_ms,
                                   int64_t until_ms);

/* Free. */
void ax_backfill_wants_done(struct ax_backfill_wants *w);

#endif
