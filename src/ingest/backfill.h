/* backfill.h: history for jobs that lack it, read from the endpoints of `remote_read` in the background.
 *
 * One thread of low priority: at start, after a reload, and for series that are newly wanted it runs a job
 * over history (ingest/backfill_run.h), until the series of the job in service have taken over what was
 * learnt. A job whose endpoint is down, slow, or without data starts cold; it is tried again, at growing
 * intervals, as long as series lack history. Thread-safe. */
#ifndef AX_INGEST_BACKFILL_H
#define AX_INGEST_BACKFILL_H

#include "base/clock.h"
#include "pipeline/pipeline.h"

struct ax_backfill;

/* What it works on; pipeline and db outlive it. */
struct ax_backfill_options {
    struct ax_pipeline *pipeline;
    struct ax_db *db;     /* in service */
    uint64_t model_seed;  /* of the models in service */
    int64_t max_range_ms; /* longest range of an expression */
    struct ax_clock clock;
    /* How long after its first hand-over, and 4 steps, a run waits for series to come that take over from it;
     * 0: 2 min. */
    int64_t settle_ms;
};

/* Start the thread, on the config that is in force. AX_NOMEM, AX_IO with a text. */
AX_MUST_USE enum ax_err ax_backfill_start(const struct ax_backfill_options *options, struct ax_backfill **out,
                                          struct ax_diag *diag);

/* Another config is in force: what was under way is given up, and begun anew where it is still needed. */
void ax_backfill_reload(struct ax_backfill *b);

/* End what is under way and free; NULL is fine. */
void ax_backfill_stop(struct ax_backfill *b);

/* How the history of a job stands. */
struct ax_backfill_status {
    double share;   /* read and learnt from, 0 to 1 */
    char text[256]; /* for people */
};

/* False when no history is fetched for a job of that name. Any thread; waits for nothing. */
bool ax_backfill_job(struct ax_backfill *b, const char *job, struct ax_backfill_status *out);

#endif
