/* learner_world.h: a learner of toys over a registry and a synchronous queue, for tests of its roles; what
 * its generations say is the caller's affair. */
#ifndef AX_TEST_LEARNER_WORLD_H
#define AX_TEST_LEARNER_WORLD_H

#include "pipeline/learner.h"
#include "scratch.h"

#define WORLD_STEP INT64_C(15000)
#define WORLD_EVERY (96 * WORLD_STEP) /* between two fits */
#define WORLD_MODEL "job/toy"

struct learner_world {
    char dir[SCRATCH_PATH];
    struct ax_registry *registry;
    struct ax_artifacts store;
    struct ax_training *training;
    struct ax_learner l;
    struct ax_trial_rule rule;
    int64_t t_ms;
    const char *features; /* that the job has, and of what is fitted */
    bool has_too_little;  /* to learn from */
    bool is_useless;      /* a fit, now */
    bool drifts, rings;   /* its data do; a cron line does, at the next step */
    bool background;      /* fits have a thread of their own, from the next start on; */
    bool supersedes;      /* a newer one takes the place of what serves without a trial */
    bool slow;            /* and go on until they are called off */
};

/* Who changes the registry by hand. */
extern const struct ax_registry_by world_by;

/* One without a version, whose next step is one at which fits begin. */
void learner_world_begin(struct learner_world *w, const struct ax_trial_rule *rule, uint32_t approvals);

/* The process begins, with features and rule as they are now. */
void learner_world_start(struct learner_world *w, uint32_t approvals);

/* It ends; the registry stays. */
void learner_world_stop(struct learner_world *w);

/* Everything goes; fails the test when a model is left. */
void learner_world_end(struct learner_world *w);

/* Change the roles that are to be changed, as a pipeline does between two steps; returns how often. */
int learner_world_swap(struct learner_world *w);

/* Take a step, at which the two lose so much if there are two. */
void learner_world_step(struct learner_world *w, double live, double shadow);

#endif
