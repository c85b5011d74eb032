/* queue.h: fits, one after the other, beside the service: one thread of low priority with a cap on its share
 * of the processor and on the memory of what waits.
 *
 * Whoever hands a task over gets a fit, looks at it now and then, and lets go of it, which also calls it off.
 * Of a fit that is done the artifact has been put into the store before it says so. A fit that searches for
 * hyper-parameters may take an hour: between two of its trials those that wait and do not search have their
 * turn, which is no part of its time. A synchronous queue has no thread: a fit is done when the call that
 * hands its task over returns (a backtest). What comes out depends on the task alone. Thread-safe. */
#ifndef AX_TRAIN_QUEUE_H
#define AX_TRAIN_QUEUE_H

#include "train/artifacts.h"
#include "train/kind.h"
#include "train/tuning.h"

struct ax_training;
struct ax_fit;

/* How to train. */
struct ax_training_options {
    struct ax_artifacts artifacts;
    double cpu_share;                     /* most of one core over a fit, in (0, 1] */
    uint64_t bytes_max;                   /* most data that wait or are fitted; a larger task is refused */
    struct ax_validation_rule validation; /* data that do not pass it are not learnt from; how samples came is
                                             told, and is no reason: in the windows it has done its harm */
    const char *states; /* folder, which is there, where a search is saved after each trial: one that was
                           interrupted goes on from there on the same day; NULL: it is not */
    bool synchronous;
};

/* A fit to be done. */
struct ax_fit_task {
    const struct ax_train_kind *kind;
    struct ax_artifact_about about; /* copied */
    void *data;
    uint64_t bytes;     /* of data */
    const char *reason; /* why, for people; lives as long as the process; NULL: not said */
    uint64_t seed;
    struct ax_tuning_rule search; /* of a kind that can be searched for; bytes_max is the queue's */
    struct ax_validation told; /* what is known of the data beside, as how samples came (train/validate.h) */
};

/* Start the thread, unless it is synchronous. AX_IO when there is none, AX_NOMEM; with a text. */
AX_MUST_USE enum ax_err ax_training_start(const struct ax_training_options *options, struct ax_training **out,
                                          struct ax_diag *diag);

/* Call off what waits and what runs, which takes a few milliseconds, and end the thread. All fits must have
 * been let go of. NULL is fine. */
void ax_training_stop(struct ax_training *t);

/* Hand a task over, with its data. AX_BUSY when the data would not fit beside those that wait, AX_NOMEM, with
 * a text: the data stay the caller's. */
AX_MUST_USE enum ax_err ax_training_offer(struct ax_training *t, const struct ax_fit_task *task,
                                          struct ax_fit **out, struct ax_diag *diag);

/* Most bytes that a task may have. */
uint64_t ax_training_bytes_max(const struct ax_training *t);

/* How a fit stands. */
enum ax_fit_state { AX_FIT_WAITS, AX_FIT_RUNS, AX_FIT_STORES, AX_FIT_DONE, AX_FIT_FAILED };

/* Look at it; never waits. */
enum ax_fit_state ax_fit_look(const struct ax_fit *f);

/* Of a fit that is done: its artifact, valid until it is let go of. */
struct ax_str ax_fit_artifact(const struct ax_fit *f);

/* Of a fit that failed: why. It was counted and logged. */
enum ax_err ax_fit_error(const struct ax_fit *f);

/* Call it off: it will fail with AX_BUSY. False when it is too late for that: it is over, or what came out is
 * being put into the store. */
bool ax_fit_cancel(struct ax_fit *f);

/* Let go; what waits or runs is called off, and what waits gives its memory back at once. NULL is fine. */
void ax_fit_drop(struct ax_fit *f);

/* How one that is not over stands, for people. */
struct ax_fit_standing {
    enum ax_fit_state state;
    uint32_t place; /* in the queue: 0 runs, 1 is the next one */
    double share;   /* of it that is done; 0 also while that is not known */
};

/* Look for one that is not over by the name of its model; false when there is none. */
bool ax_training_find(struct ax_training *t, const char *model, struct ax_fit_standing *out);

#endif
