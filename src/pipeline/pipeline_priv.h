/* pipeline_priv.h: the inside of the pipeline, shared by the files that implement pipeline/pipeline.h.
 *
 * Locks: `run` is held while steps run and while the set of jobs changes; `names` guards only what the loop
 * guard and the status pages read, so that neither ingest nor a page waits for a step. Order: run before
 * names. */
#ifndef AX_PIPELINE_PIPELINE_PRIV_H
#define AX_PIPELINE_PIPELINE_PRIV_H

#include "base/steady.h"
#include "pipeline/learner.h"
#include "pipeline/pipeline.h"
#include "pipeline/snapshot_plan.h"

#include <pthread.h>

/* What the status of a job was at the end of its newest step. */
struct ax_shown {
    char name[AX_JOB_NAME_MAX + 1];
    struct ax_job_status status;
    struct ax_fit_view *models; /* of its models */
    uint32_t models_n;
};

/* The steps that are taken again from the log: positions, and when it began and was last told of. */
struct ax_replaying {
    uint64_t from, at, until, steps;
    int64_t start_ns, shown_ns;
};

#define AX_SNAPSHOT_RETRY_MS 30000 /* a snapshot that failed is tried again after this */

/* When snapshots are taken; times are monotonic. What is not atomic is of the thread that takes them. */
struct ax_snapshots {
    uint64_t position, previous;   /* of the newest sound one, and of the one before it; 0: there is none */
    uint64_t whole, whole_before;  /* the same of those that are not told by others */
    struct ax_snapshot_base *base; /* the newest whole one, for others to be told by; NULL: they cannot */
    struct ax_snapshot_plan plan;
    _Atomic int64_t owed_ns,
        step_ns; /* CPU that the steps behind it have taken, as they would again; and the last of them */
    _Atomic uint64_t untold, /* changes of jobs that the log does not tell of, so far; under `run` */
        told;                /* so many of them are in the newest sound one */
    int64_t retry_ms;
    atomic_bool off;    /* something has failed, and the next one waits for that: no step waits for it */
    atomic_bool wanted; /* now, and not when it is time */
    atomic_int scrub;   /* so many more, before nothing of what was erased is left */
    bool scrubs;        /* the one that is taken is owed; and the log was rolled when there were so many */
    uint64_t rolled;    /* erasures */
    bool tidy;          /* what the newest make needless is gone */
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

    struct ax_buf record;           /* of the step that is being evaluated */
    uint64_t failures;              /* appends that the log has refused, as of the last look */
    int64_t retry_ms;               /* monotonic: nothing is tried before, because something failed */
    bool uncommitted;               /* the sink has not taken the newest commit: */
    char unit[AX_JOB_NAME_MAX + 1]; /* its unit */
    int64_t unit_ms;                /* and its time */
    atomic_bool current;            /* the log holds no step that the jobs have not taken */
    struct ax_replaying replay;
    struct ax_snapshots snapshot;

    int64_t evicted_ms;                       /* before which idle series were forgotten */
    struct ax_cell *series, *histogram_bytes; /* gauges of the input */
    pthread_t thread, keeper;                 /* steps jobs; takes snapshots */
    uint64_t changes;                         /* of jobs otherwise than by steps, so far; under `run` */
    _Atomic uint64_t erasures;                /* so far; changes with `run` held */
    bool started, keeps;                      /* which of the two were begun */
    atomic_bool stop;
};

/* load.c: another number for each job that is built, also across starts. */
uint64_t ax_pipeline_next_generation(struct ax_pipeline *p);

/* End the series of a job that is gone and free it; they are put into the sink for the time that is
 * returned, INT64_MIN when there is nothing to commit. */
int64_t ax_pipeline_end_job(struct ax_pipeline *p, struct ax_job *old);

/* What jobs are built with, all but the generation. */
struct ax_job_env ax_pipeline_job_env(const struct ax_pipeline *p);

/* Free the configs, all but the last, that no job was built from. */
void ax_pipeline_drop_configs(struct ax_pipeline *p);

/* pipeline.c: show how job i stands. */
void ax_pipeline_show_job(struct ax_pipeline *p, uint32_t i);

/* Give the memory of what is shown of n jobs back. */
void ax_pipeline_shown_free(struct ax_shown *shown, uint32_t n);

/* Hand over what was put for a job and a time; what the sink does not take now waits, and the pipeline with
 * it. */
void ax_pipeline_commit(struct ax_pipeline *p, struct ax_str job, int64_t t_ms);

/* Hand over what waits. False when it still does: nothing else may be put. */
bool ax_pipeline_settle(struct ax_pipeline *p);

/* Something does not work now: nothing is tried for a while, and nobody is taken to be silent who may only
 * have been told to come again. */
void ax_pipeline_hold_off(struct ax_pipeline *p);

/* swap.c: let the finished models of a job serve, each recorded first. False when the log does not take it
 * now. */
bool ax_pipeline_swap(struct ax_pipeline *p, struct ax_job *job);

/* Let what a record of the log says serve. AX_NOMEM: it is to be tried again; AX_CORRUPT: it makes no sense.
 */
AX_MUST_USE enum ax_err ax_pipeline_swap_again(struct ax_pipeline *p, struct ax_str record,
                                               struct ax_diag *diag);

/* Write down what has changed of the fits of a job's models. What the log does not take now is written later:
 * until then a kill makes it undone. */
void ax_pipeline_record_fits(struct ax_pipeline *p, struct ax_job *job);

/* Take over what such a record says. Errors as above. */
AX_MUST_USE enum ax_err ax_pipeline_fits_again(struct ax_pipeline *p, struct ax_str record,
                                               struct ax_diag *diag);

/* replay.c: index of the job of that name; UINT32_MAX when there is none. */
uint32_t ax_pipeline_find_job(const struct ax_pipeline *p, struct ax_str name);

/* Let job i begin anew if the log tells of a younger generation of it than the job is. AX_NOMEM leaves it. */
AX_MUST_USE enum ax_err ax_pipeline_reach_generation(struct ax_pipeline *p, uint32_t i, uint64_t generation,
                                                     struct ax_diag *diag);

/* Build job i anew as of a generation; its schedule goes on, and no series ends. AX_NOMEM leaves it. */
AX_MUST_USE enum ax_err ax_pipeline_renew_job(struct ax_pipeline *p, uint32_t i, uint64_t generation,
                                              struct ax_diag *diag);

/* Take recorded steps for a while. False when it waits for something that failed. */
bool ax_pipeline_replay_some(struct ax_pipeline *p);

/* erase.c: take one of the snapshots that are owed to an erasure. */
void ax_pipeline_scrub(struct ax_pipeline *p);

/* Write what a snapshot says of those that are owed once it is there (AX_SECTION_OWED); `run` is held. */
void ax_pipeline_put_owed(const struct ax_pipeline *p, struct ax_buf *out);

/* Owe what a snapshot has said, when it is read; a section that cannot be read owes nothing. */
void ax_pipeline_owe(struct ax_pipeline *p, struct ax_str section);

/* checkpoint.c: is it time for a snapshot? Asks clocks: nothing that is said may depend on it. */
bool ax_pipeline_snapshot_due(struct ax_pipeline *p);

/* Are the first so many changes that the log does not tell of saved? A step that comes between one and its
 * snapshot would be another one in a replay. True also while no snapshot can be taken, which is told. */
bool ax_pipeline_is_told(const struct ax_pipeline *p, uint64_t untold);

/* Something has failed: the next snapshot is tried later. */
void ax_pipeline_put_off(struct ax_pipeline *p);

/* Take snapshots when they are due, until the pipeline is to stop: a thread's function. */
void *ax_pipeline_keep(void *pipeline);

/* Let a job take a recorded step (see ax_job_take()), and note what that costs a start that has to do it
 * again. */
AX_MUST_USE enum ax_err ax_pipeline_take(struct ax_pipeline *p, struct ax_job *job, struct ax_str record);

#endif
