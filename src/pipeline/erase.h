/* erase.h: everything that is kept of some series, forgotten at once: because somebody has a right to that.
 *
 * What goes: samples of outputs of these labels that wait to be sent; the raw samples of the input series
 * that a selector means; in every job the series and entities of these labels with their windows, forecasts,
 * scores and paths; copies of the past that a fit or a rehearsal learns from; then, by two snapshots, all of
 * the log that is older. It is written to the log (AX_WAL_ERASE, a record for the samples and one for each
 * job) between two steps, so that a replay forgets it at the same place.
 *
 * What stays: weights of models that have learnt from it, until they are fitted again; sums over many series
 * (scorecards, drift of a job); samples of outputs that were sent; other files that an
 * operator has made (exports, reports). What is sent again is taken again.
 *
 * Record: version (u8, 1), job's name (str; empty: the raw samples), generation and identity of the job (u64
 * each), its newest step (i64), selector (str; empty: nothing is meant). */
#ifndef AX_PIPELINE_ERASE_H
#define AX_PIPELINE_ERASE_H

#include "pipeline/pipeline.h"

/* What was forgotten. */
struct ax_erased {
    uint32_t inputs, series, entities, fits;
    uint64_t queued; /* samples of outputs in the outgoing queue, which keeps some that were sent */
};

/* Forget what a selector (pipeline/chooser.h; not empty, and without a metric's name) means, in the jobs and
 * in the database; durable when it returns. The log and old snapshots follow when the pipeline's thread has
 * taken two: see ax_pipeline_erasing(). AX_INVALID: the selector; AX_NOTREADY: what lasts is still being
 * restored; AX_IO: the log cannot be written: some jobs may have forgotten it, and the same again goes on;
 * AX_NOMEM. With a text. Waits for a step that is running. Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_erase(struct ax_pipeline *p, struct ax_str selector,
                                          struct ax_erased *out, struct ax_diag *diag);

/* How often something was erased so far: who holds a copy of the past from before begins anew. Thread-safe.
 */
uint64_t ax_pipeline_erasures(struct ax_pipeline *p);

/* May the log, or a snapshot, still hold what was erased? After a restart it may until one more is taken.
 * Thread-safe. */
bool ax_pipeline_erasing(struct ax_pipeline *p);

/* Let the job of a record forget it again, in a replay. AX_NOMEM with a text: it has forgotten nothing yet. A
 * record that makes no sense is passed over: ax_erase_replay_samples() tells of it. */
AX_MUST_USE enum ax_err ax_erase_replay(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag);

/* Let the database forget the samples of a record, when it is read back. AX_CORRUPT: the record makes no
 * sense.
 */
AX_MUST_USE enum ax_err ax_erase_replay_samples(struct ax_db *db, struct ax_str record);

#endif
