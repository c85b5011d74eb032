/* pipeline.h: the jobs and their tick: the only place where the stages meet.
 *
 * In service one thread runs due steps; a backtest calls ax_pipeline_run_due() on a virtual clock and gets
 * the very same steps. A reload keeps the jobs whose block did not change, state and all. */
#ifndef AX_PIPELINE_PIPELINE_H
#define AX_PIPELINE_PIPELINE_H

#include "base/clock.h"
#include "pipeline/job.h"
#include "series/state.h"
#include "store/seglog.h"
#include "train/queue.h"

struct ax_pipeline;

/* What a pipeline runs on; db, sink and observer outlive it. */
struct ax_pipeline_options {
    struct ax_db *db;
    struct ax_sink sink;
    const struct ax_observer *observer; /* may be NULL */
    struct ax_paths *paths;             /* where forecast paths are published; may be NULL */
    struct ax_training *training;       /* fits models beside it; outlives it; NULL: none are fitted */
    struct ax_artifacts artifacts;      /* the store of that training, where they are found again */
    struct ax_clock clock;
    int64_t max_range_ms;
    int64_t catch_up_ms; /* a job behind by up to this takes its steps one by one, if there is time for it; 0:
                            by AX_STEP_BEHIND_MS */
    bool zero_delay;     /* a backtest: a step is due as soon as a sample of its time is there */
    uint64_t seed;       /* of everything random; 42 by default */
    /* What lasts; all of it NULL and 0 in a backtest. */
    struct ax_seglog *log;        /* a step is recorded here before it is taken */
    const char *snapshots;        /* folder; NULL: none are taken */
    int64_t snapshot_interval_ms; /* so long after the newest one the next is due, */
    uint64_t snapshot_log_bytes;  /* or when the log has grown by this since; 0: that does not matter; */
    int64_t replay_max_ms;        /* or when a start would need more CPU than this to take the steps behind it
                                     again; 0: that does not matter, */
    uint64_t snapshot_rate_max;   /* but for the last reason no more than so many bytes a second
                                     (pipeline/snapshot_plan.h); 0: no limit */
    enum ax_err (*sync)(void *ctx, struct ax_diag *diag); /* bring to the disk what the sink has taken */
    void *sync_ctx;
};

/* A pipeline without jobs; NULL when out of memory. */
struct ax_pipeline *ax_pipeline_new(const struct ax_pipeline_options *options);

/* Restore what a snapshot holds: series through `series`, and the jobs of a pipeline that has taken no step.
 * Jobs whose block has changed since, and those that cannot read what was saved, begin anew, but their
 * schedule goes on. What is wrong with it is logged and counted. AX_NOMEM, and errors of ax_snapshot_error(),
 * with a text: then the process must not go on, for its next snapshot would lack what could not be read. */
AX_MUST_USE enum ax_err ax_pipeline_restore(struct ax_pipeline *p, struct ax_snapshot *snapshot,
                                            struct ax_restore *series, struct ax_diag *diag);

/* Let the jobs first take the steps that the log has from a position on; those that they know are passed
 * over. It is done by the thread or by ax_pipeline_run_due(). Until then no other config and no snapshot is
 * taken. */
void ax_pipeline_replay_from(struct ax_pipeline *p, uint64_t from);

/* Have the jobs taken all of them? Thread-safe. */
bool ax_pipeline_is_current(struct ax_pipeline *p);

/* Take a snapshot: everything that the log says up to its position, which is its end, whole or told by the
 * last whole one. The two newest are kept, two whole ones, and of the log what the older of these needs. A
 * thread does it when it is time, beside the steps, and ax_pipeline_stop() does it. False when there is none,
 * which is logged and counted: during a replay, and when something cannot be written; what was there stays,
 * and it is tried again later. Not thread-safe. */
bool ax_pipeline_snapshot(struct ax_pipeline *p);

/* Stop and free: output series are left as they are, without stale markers, for a restart continues them. */
void ax_pipeline_free(struct ax_pipeline *p);

/* Take the jobs of a config, whole or not at all: on an error the jobs of before go on. The pipeline owns
 * the config from then on (on an error the caller keeps it). Series of jobs that are gone end with stale
 * markers. AX_BUSY with a text until ax_pipeline_is_current(). Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_load(struct ax_pipeline *p, struct ax_config *config,
                                         struct ax_diag *diag);

/* What else of a config is put in force, besides its jobs; now is the one in force (NULL before the first).
 * Whole or not at all: on an error with a text, all is as before. Must not call back. */
typedef enum ax_err ax_pipeline_enact(void *ctx, const struct ax_config *now, const struct ax_config *next,
                                      struct ax_diag *diag);

/* ax_pipeline_load(), and enact is called once the jobs are built and nothing of them can fail any more; what
 * it says is returned. */
AX_MUST_USE enum ax_err ax_pipeline_load_with(struct ax_pipeline *p, struct ax_config *config,
                                              ax_pipeline_enact *enact, void *ctx, struct ax_diag *diag);

/* Is this label set an output of one of the jobs? For the database's loop guard; thread-safe. */
bool ax_pipeline_is_own(const void *pipeline, const struct ax_labels *ls);

/* Evaluate every step that is due now, job by job, oldest first. Returns how many. */
uint32_t ax_pipeline_run_due(struct ax_pipeline *p);

/* Send the last results of slow jobs (step above 1 min) again, where a minute has passed since; see
 * ax_job_repeat(). The thread does it by itself; a backtest never does. */
void ax_pipeline_repeat(struct ax_pipeline *p);

/* Run due steps in a thread of its own, and take snapshots in another one, until ax_pipeline_stop(). AX_IO
 * when no thread can be had. */
AX_MUST_USE enum ax_err ax_pipeline_start(struct ax_pipeline *p);

/* End the thread, if it was started; then run what is still due and take a last snapshot. NULL is fine. */
void ax_pipeline_stop(struct ax_pipeline *p);

/* Call with the config in force, under a lock that holds off a reload. Thread-safe; must not call back. */
void ax_pipeline_with_config(struct ax_pipeline *p, void (*use)(void *ctx, const struct ax_config *config),
                             void *ctx);

/* The config in force, kept until ax_config_free(). NULL before the first. Thread-safe. */
struct ax_config *ax_pipeline_keep_config(struct ax_pipeline *p);

/* Call with the job of that name, between two steps; false when there is none, or when it is still taking the
 * steps of the log. `use` says whether the job has learnt something otherwise than by its steps: then a
 * snapshot is taken at once, for the log does not tell of it, and the job's next step waits for that unless
 * none can be taken. Waits for a step that is running, and holds the
 * next one off. Thread-safe; use must not call back. */
bool ax_pipeline_with_job(struct ax_pipeline *p, struct ax_str name,
                          bool (*use)(void *ctx, struct ax_job *job), void *ctx);

/* Status of job i (in the order of the config) with its name, as of the end of its newest step; false when
 * there is no such job. Never waits for a step. Thread-safe. */
bool ax_pipeline_job_status(struct ax_pipeline *p, uint32_t i, char *name, size_t name_cap,
                            struct ax_job_status *out);

/* Visit every modelled series of the job of that name; false when there is no such job. Waits for a step
 * that is running, and holds the next one off. Thread-safe. */
bool ax_pipeline_each_series(struct ax_pipeline *p, struct ax_str job, ax_series_visit *visit, void *ctx);

/* The same for all jobs. Waits for at most wait_ms: AX_BUSY when a step has then not ended. */
AX_MUST_USE enum ax_err ax_pipeline_all_series(struct ax_pipeline *p, int64_t wait_ms, ax_series_visit *visit,
                                               void *ctx);

#endif
