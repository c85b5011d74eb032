/* rehearsal.h: a job that runs over history beside the one in service, and hands over what it has learnt.
 *
 * It is built from the same block of the config (ax_job_new()), with a sink that has no open(), and a
 * database of its own with the same seed: it feeds nothing, moves no self-metric and says nothing of drift,
 * else it is a job like any other. Its owner evaluates and takes step after step; what it has learnt by the
 * very step at which the job in service stands goes to that one, series by series. So the next step of the
 * job in service follows the last of the rehearsal, without a gap and without an overlap. */
#ifndef AX_PIPELINE_REHEARSAL_H
#define AX_PIPELINE_REHEARSAL_H

#include "base/map.h"
#include "pipeline/job.h"

/* Let the steps to come go into the windows alone (they may be further apart than the job's step), or let
 * models learn from them again. For a rehearsal. */
void ax_job_observe(struct ax_job *job, bool windows_only);

/* Append the samples after_ms < t <= until_ms that its expressions see to another database. For the thread
 * that steps it. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_job_copy_samples(struct ax_job *job, int64_t after_ms, int64_t until_ms,
                                            struct ax_db *to);

/* How a hand-over went, in series: taken over; left alone, because they have as much history themselves or
 * the rehearsal knows nothing of them; and those that have no value at the newest step, or are not
 * rehearsed because they came later, to be asked for again. */
struct ax_handover {
    uint32_t taken, left, waiting;
};

/* Let the series of a job take over what a rehearsal with the same identity, at the same newest step, has
 * learnt of them, where that rests on many more values than their own. settled has the ids of those that were
 * asked before (any pointer but NULL); new ones are put. Output series stay open as they are. Exclusions that
 * the job keeps hold for what is taken over, of entities too; drift is tested anew at the next step.
 * AX_CONFLICT when identity or step differ: nothing changes. AX_NOMEM: some have taken over, the others are
 * as they were. Cost: a copy of the state, about 30 KiB a series taken. */
AX_MUST_USE enum ax_err ax_job_take_over(struct ax_job *job, struct ax_job *rehearsal, struct ax_map *settled,
                                         struct ax_handover *out);

/* Forget of settled what became of series that are gone: should one come back it is asked for again. Without
 * memory nothing is forgotten. */
void ax_job_forget_gone(const struct ax_job *job, struct ax_map *settled);

/* A number that changes when series come that the job did not have: how many it has ever had. */
uint64_t ax_job_arrivals(const struct ax_job *job);

/* Put the ids (for ax_job_env) of the series that are there now and lack history: their first value is less
 * than history_ms old, or less than half of their fine window is filled; but not those in settled. Returns
 * how many there are; those that there is no memory for are left out. */
uint32_t ax_job_lacking(const struct ax_job *job, int64_t history_ms, const struct ax_map *settled,
                        struct ax_map *ids);

#endif
