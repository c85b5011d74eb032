/* queue_priv.h: the inside of the queue of fits: the line and its thread (queue.c), and one fit as it runs
 * (queue_fit.c). */
#ifndef AX_TRAIN_QUEUE_PRIV_H
#define AX_TRAIN_QUEUE_PRIV_H

#include "train/queue.h"

#include <pthread.h>
#include <stdatomic.h>

#define AX_FIT_NAME_BYTES 160

/* Names of one task, copied. */
struct ax_fit_names {
    char job[AX_FIT_NAME_BYTES], feature[AX_FIT_NAME_BYTES], model[AX_MODEL_NAME];
};

/* Belongs to its owner and to the queue; the last one frees it. What the worker writes is read by the owner
 * after `state` says that it is done or failed. */
struct ax_fit {
    struct ax_training *t;
    struct ax_fit *next, *interrupted; /* behind it in the line; whose search it runs within */
    struct ax_fit_task task;
    struct ax_fit_names names;
    struct ax_buf artifact;
    enum ax_err err;
    _Atomic int state; /* enum ax_fit_state */
    atomic_bool unwanted;
    _Atomic double share; /* of it that is done */
    bool owned, queued;   /* guarded by the queue's lock */
};

/* The line, what runs, and the thread. */
struct ax_training {
    struct ax_training_options options;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t more;
    struct ax_fit *first, **end; /* those that wait */
    struct ax_fit *running;      /* or NULL; those that it interrupts behind it */
    uint64_t bytes;              /* of data that wait or are fitted */
    uint32_t waiting;
    bool stop;
    bool started;
    pthread_t thread;
};

/* queue_fit.c: fit, and put what comes out into the store; then the owner may look at it. Between the trials
 * of a search ax_training_let_in() has its turn. */
void ax_fit_run(struct ax_fit *f);

/* Does it look for hyper-parameters? */
bool ax_fit_searches(const struct ax_fit *f);

/* queue.c: run those that wait now and do not search themselves, in their order, within the one that runs. */
void ax_training_let_in(struct ax_training *t);

#endif
