/* saved_job.h: a job that has learnt and was saved, for tests of what becomes of its sections. */
#ifndef AX_TEST_SAVED_JOB_H
#define AX_TEST_SAVED_JOB_H

#include "memory_sink.h"
#include "pipeline/job.h"
#include "scratch.h"

#define SAVED_JOB_STEPS 90 /* that it has taken */
#define SAVED_JOB_SECTIONS 3

/* A job of one entity with one feature that is forecast, scored and tested for drift, and all that it is
 * built from; the sections in which it was saved, one of each type, in order. */
struct saved_job {
    struct ax_config *config;
    struct ax_job_env env;
    struct memory_sink sink;
    char dir[SCRATCH_PATH];
    struct ax_snapshot *snapshot;
    struct ax_str sections[SAVED_JOB_SECTIONS];
    uint8_t types[SAVED_JOB_SECTIONS];
};

/* Train one, save it and free it. */
void saved_job_init(struct saved_job *s);

/* Free everything. */
void saved_job_done(struct saved_job *s);

/* Another job of the same config, which has seen nothing. */
struct ax_job *saved_job_fresh(const struct saved_job *s);

/* Let a job take step i, counted as those that the saved one has taken; what it has learnt may be wrong, so
 * that it may say that the step is not new. */
void saved_job_step(struct ax_job *job, uint32_t i);

#endif
