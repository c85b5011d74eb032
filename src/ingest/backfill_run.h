/* backfill_run.h: the history of one job: read, rehearsed (pipeline/rehearsal.h), handed over.
 *
 * Goes on piece by piece, so that one thread can serve many. All endpoints are asked, and their answers
 * merged, as a Prometheus does. Auspex's own output that comes back is left out. Owner: the thread of the
 * backfill. */
#ifndef AX_INGEST_BACKFILL_RUN_H
#define AX_INGEST_BACKFILL_RUN_H

#include "base/clock.h"
#include "base/map.h"
#include "ingest/history.h"
#include "pipeline/pipeline.h"

#include <stdatomic.h>

/* What all runs share; outlives them. */
struct ax_backfill_env {
    struct ax_pipeline *pipeline;
    struct ax_history **histories;
    uint32_t histories_n;
    struct ax_clock clock;
    int64_t max_range_ms;
    uint64_t db_seed, model_seed; /* those of the database and the models in service */
    const atomic_bool *cancel;    /* turns true: whatever is under way ends soon */
    int64_t settle_ms; /* series that come so long after the first, and 4 steps, still take over; 0: 2 min */
};

/* Where a run is. */
enum ax_backfill_phase {
    AX_BACKFILL_ASKING,    /* how much there is */
    AX_BACKFILL_READING,   /* history, portion by portion */
    AX_BACKFILL_FOLLOWING, /* the job in service step by step, until its series have taken over */
    AX_BACKFILL_DONE,
    AX_BACKFILL_FAILED,
};

/* How it stands. */
struct ax_backfill_standing {
    enum ax_backfill_phase phase;
    double share; /* of history that is read, 0 to 1 */
    uint32_t series;
    uint64_t samples;
    uint32_t taken;     /* series that have taken over */
    const char *reason; /* of a failure: a word for a counter */
};

struct ax_backfill_run;

/* Begin the history of a job, whose block stands in config; only has the ids of the series that need it
 * (NULL: all), settled those that were asked; all of them outlive the run. AX_NOMEM or AX_INVALID with a
 * text. */
AX_MUST_USE enum ax_err ax_backfill_run_new(const struct ax_backfill_env *env, const struct ax_config *config,
                                            const struct ax_job_config *block, const struct ax_map *only,
                                            struct ax_map *settled, struct ax_backfill_run **out,
                                            struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_backfill_run_free(struct ax_backfill_run *run);

/* Do the next piece: one request and the steps that it allows. Returns how long there is nothing to do, in
 * milliseconds; diag says why it failed. */
int64_t ax_backfill_advance(struct ax_backfill_run *run, struct ax_diag *diag);

/* How it stands. */
struct ax_backfill_standing ax_backfill_run_standing(const struct ax_backfill_run *run);

/* How often something had been erased when it began: another number means that it fails, and is to begin
 * anew. */
uint64_t ax_backfill_run_erasures(const struct ax_backfill_run *run);

#endif
