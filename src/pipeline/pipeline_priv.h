/* pipeline_priv.h: the inside of the pipeline, shared by the files that implement pipeline/pipeline.h.
 *
 * Locks: `run` is held while steps run and while the set of jobs changes; `names` guards only what the loop
 * guard and the status pages read, so that neither ingest nor a page waits for a step. Order: run before
 * names. */
#ifndef AX_PIPELINE_PIPELINE_PRIV_H
#define AX_PIPELINE_PIPELINE_PRIV_H

#include "base/steady.h"
#include "pipeline/pipeline.h"

#include <pthread.h>

#define AX_JOB_NAME_MAX 128 /* bytes, and a 0 */

/* What the status of a job was at the end of its newest step. */
struct ax_shown {
    char name[AX_JOB_NAME_MAX];
    struct ax_job_status status;
};

/* The jobs and the thread that steps them. */
struct ax_pipeline {
    struct ax_pipeline_options options;
    struct ax_steady steady; /* of options.clock */
    pthread_mutex_t run;
    pthread_rwlock_t names; /* of configs and shown */
    struct ax_job **jobs;   /* in the order of the config */
    uint32_t jobs_n;
    struct ax_job **leaving; /* gone from the config; their series are yet to end */
    uint32_t leaving_n;
    struct ax_config **configs; /* the one in force is the last; older ones while a job uses them */
    uint32_t configs_n;
    struct ax_shown *shown; /* as jobs */
    uint32_t shown_n;
    uint64_t generation; /* of the newest job */

    struct ax_buf record;       /* of the step that is being evaluated */
    uint64_t failures;          /* appends that the log has refused, as of the last look */
    int64_t retry_ms;           /* monotonic: nothing is tried before, because something failed */
    bool uncommitted;           /* the sink has not taken the newest commit: */
    char unit[AX_JOB_NAME_MAX]; /* its unit */
    int64_t unit_ms;            /* and its time */

    int64_t evicted_ms;     /* before which idle series were forgotten */
    struct ax_cell *series; /* the gauge of input series */
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

/* load.c: another number for each job that is built, also across starts. */
uint64_t ax_pipeline_next_generation(struct ax_pipeline *p);

/* End the series of a job that is gone and free it; they are put into the sink for the time that is
 * returned, INT64_MIN when there is nothing to commit. */
int64_t ax_pipeline_end_job(struct ax_pipeline *p, struct ax_job *old);

/* Free the configs, all but the last, that no job was built from. */
void ax_pipeline_drop_configs(struct ax_pipeline *p);

/* pipeline.c: show how job i stands. */
void ax_pipeline_show_job(struct ax_pipeline *p, uint32_t i);

/* Hand over what was put for a job and a time; what the sink does not take now waits, and the pipeline with
 * it. */
void ax_pipeline_commit(struct ax_pipeline *p, struct ax_str job, int64_t t_ms);

/* Hand over what waits. False when it still does: nothing else may be put. */
bool ax_pipeline_settle(struct ax_pipeline *p);

#endif
