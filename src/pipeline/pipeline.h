/* pipeline.h: the jobs and their tick: the only place where the stages meet.
 *
 * In service one thread runs due steps; a backtest calls ax_pipeline_run_due() on a virtual clock and gets
 * the very same steps. A reload keeps the jobs whose block did not change, state and all. */
#ifndef AX_PIPELINE_PIPELINE_H
#define AX_PIPELINE_PIPELINE_H

#include "base/clock.h"
#include "pipeline/job.h"
#include "store/seglog.h"

struct ax_pipeline;

/* What a pipeline runs on; db, sink and observer outlive it. */
struct ax_pipeline_options {
    struct ax_db *db;
    struct ax_sink sink;
    const struct ax_observer *observer; /* may be NULL */
    struct ax_clock clock;
    int64_t max_range_ms;
    bool zero_delay;       /* a backtest: a step is due as soon as a sample of its time is there */
    uint64_t seed;         /* of everything random; 42 by default */
    struct ax_seglog *log; /* a step is recorded here before it is taken; NULL (a backtest): nowhere */
};

/* A pipeline without jobs; NULL when out of memory. */
struct ax_pipeline *ax_pipeline_new(const struct ax_pipeline_options *options);

/* Stop and free: output series are left as they are, without stale markers, for a restart continues them. */
void ax_pipeline_free(struct ax_pipeline *p);

/* Take the jobs of a config, whole or not at all: on an error the jobs of before go on. The pipeline owns
 * the config from then on (on an error the caller keeps it). Series of jobs that are gone end with stale
 * markers. Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_load(struct ax_pipeline *p, struct ax_config *config,
                                         struct ax_diag *diag);

/* Is this label set an output of one of the jobs? For the database's loop guard; thread-safe. */
bool ax_pipeline_is_own(const void *pipeline, const struct ax_labels *ls);

/* Evaluate every step that is due now, job by job, oldest first. Returns how many. */
uint32_t ax_pipeline_run_due(struct ax_pipeline *p);

/* Send the last results of slow jobs (step above 1 min) again, where a minute has passed since; see
 * ax_job_repeat(). The thread does it by itself; a backtest never does. */
void ax_pipeline_repeat(struct ax_pipeline *p);

/* Run due steps in a thread of its own until ax_pipeline_free(). AX_IO when no thread can be had. */
AX_MUST_USE enum ax_err ax_pipeline_start(struct ax_pipeline *p);

/* Call with the config in force, under a lock that holds off a reload. Thread-safe; must not call back. */
void ax_pipeline_with_config(struct ax_pipeline *p, void (*use)(void *ctx, const struct ax_config *config),
                             void *ctx);

/* Status of job i (in the order of the config) with its name, as of the end of its newest step; false when
 * there is no such job. Never waits for a step. Thread-safe. */
bool ax_pipeline_job_status(struct ax_pipeline *p, uint32_t i, char *name, size_t name_cap,
                            struct ax_job_status *out);

/* Visit every modelled series of the job of that name; false when there is no such job. Waits for a step
 * that is running, and holds the next one off. Thread-safe. */
bool ax_pipeline_each_series(struct ax_pipeline *p, struct ax_str job, ax_series_visit *visit, void *ctx);

#endif
