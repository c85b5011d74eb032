/* rig.h: a database, a pipeline on a virtual clock and a sink that remembers, for tests of the whole way. */
#ifndef AX_TEST_RIG_H
#define AX_TEST_RIG_H

#include "memory_sink.h"
#include "pipeline/paths.h"
#include "pipeline/pipeline.h"

#define RIG_STEP 15000
#define RIG_START 1700000010000 /* a multiple of the step */

struct rig {
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    struct ax_paths *paths;
    struct ax_training *training; /* synchronous */
    struct memory_sink sink;
    int64_t now_ms;
};

/* A config from YAML; fails the test when there is an error in it. */
struct ax_config *rig_config(const char *yaml);

/* Build a rig with the jobs of a config. */
void rig_init(struct rig *r, const char *yaml);

/* Load another config; fails the test when it does not build. */
void rig_load(struct rig *r, const char *yaml);

/* Append one sample of a series in exposition text. */
enum ax_fate rig_append(struct rig *r, const char *series, int64_t t_ms, double value);

/* Move the clock to t_ms and run what is due. */
void rig_run_to(struct rig *r, int64_t t_ms);

/* Free everything. */
void rig_done(struct rig *r);

#endif
