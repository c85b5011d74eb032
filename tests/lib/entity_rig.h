/* entity_rig.h: one job with entities on a database of its own, with the models that are fitted beside it,
 * for tests of these; it can be saved, and read into another one. */
#ifndef AX_TEST_ENTITY_RIG_H
#define AX_TEST_ENTITY_RIG_H

#include "memory_sink.h"
#include "pipeline/job.h"
#include "scratch.h"
#include "train/queue.h"

/* A database, the job over it, and where its models go. */
struct entity_rig {
    struct ax_config *config;
    struct memory_sink sink;
    struct ax_db *db;
    struct ax_job *job;
    struct ax_training *training; /* synchronous */
    struct ax_artifacts artifacts;
    struct ax_buf record;
    uint32_t swaps; /* of generations */
    int64_t step_ms;
};

/* One of the first job of a config; artifacts go into the folder dir, which outlives it. */
void entity_rig_init(struct entity_rig *r, const char *yaml, const char *dir);

/* Free everything. */
void entity_rig_done(struct entity_rig *r);

/* Append one sample of feature{instance}. */
void entity_rig_append(struct entity_rig *r, const char *feature, const char *instance, int64_t t_ms,
                       double value);

/* Run the steps that are due at now_ms; fits that are due run too, and serve from the next step on. */
void entity_rig_step(struct entity_rig *r, int64_t now_ms);

/* Save the job into the folder snapshots, begin anew with another seed, and read it back. */
void entity_rig_restart(struct entity_rig *r, const char *snapshots, uint64_t seed);

/* The largest value of an output series at times from_ms to before to_ms; fails the test when there is none.
 */
double entity_rig_largest(const struct entity_rig *r, const char *series, int64_t from_ms, int64_t to_ms);

/* Two of the same job: `a` goes on, `b` is saved and read now and then, and nobody can tell. */
struct entity_twins {
    struct entity_rig a, b;
    char dirs[2][SCRATCH_PATH], snapshots[SCRATCH_PATH];
};

/* Both, with folders of their own. */
void entity_twins_init(struct entity_twins *t, const char *yaml);

/* entity_rig_restart() of b. */
void entity_twins_restart(struct entity_twins *t, uint64_t seed);

/* Fail the test unless both sent the same samples to the bit, and free everything. */
void entity_twins_done(struct entity_twins *t);

#endif
