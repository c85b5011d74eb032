/* trainer.h: learning: batches, Adam, rates that fall, clipping, and when to stop.
 *
 * The caller drives it a batch or an epoch at a time, so that it may look at the clock, give way or give up
 * between any two. The same network, data, seed and calls give the same bits, whatever other threads do. All
 * memory is taken when it is made; one thread. */
#ifndef AX_NN_TRAINER_H
#define AX_NN_TRAINER_H

#include "nn/loss.h"
#include "nn/pass.h"

/* How the rate falls: STEPS multiplies it by `factor` every `every` epochs; COSINE goes from the rate to
 * rate_min within `epochs`, and stays there. */
enum ax_nn_schedule_kind { AX_NN_CONSTANT, AX_NN_STEPS, AX_NN_COSINE };

/* A schedule. */
struct ax_nn_schedule {
    enum ax_nn_schedule_kind kind;
    float rate, factor, rate_min;
    uint32_t every, epochs;
};

/* The rate of an epoch, from 0. Pure. */
double ax_nn_schedule_rate(const struct ax_nn_schedule *s, uint32_t epoch);

/* How to learn. ax_nn_training_defaults has the usual numbers. */
struct ax_nn_training {
    struct ax_nn_loss loss;
    struct ax_nn_schedule schedule;
    float beta1, beta2, epsilon; /* Adam (Kingma and Ba, 2015) */
    float l2;                    /* times a weight is added to its gradient */
    float clip;                  /* largest norm of all gradients; 0: none */
    uint32_t rows;               /* of a batch */
    uint64_t seed;               /* of dropout and of the order of rows */
};

/* MSE, 1e-3 falling by 0.95 every 20 epochs, no L2, norm at most 1, batches of 64, seed 42. */
extern const struct ax_nn_training ax_nn_training_defaults;

struct ax_nn_trainer;

/* Make one for at most rows_max rows of data in an epoch; training is copied, but for the quantiles. The
 * network, whose last layer must have one step, must outlive it. AX_INVALID, AX_LIMIT with a text; AX_NOMEM.
 */
AX_MUST_USE enum ax_err ax_nn_trainer_new(struct ax_nn_net *net, const struct ax_nn_training *training,
                                          uint32_t rows_max, struct ax_nn_trainer **out,
                                          struct ax_diag *diag);

/* Give it back; NULL is fine. */
void ax_nn_trainer_free(struct ax_nn_trainer *t);

/* Learn from one batch of rows picked by index (NULL: the first n), at most those of a batch: y[.][outputs]
 * is to come out for x[.][steps][features]. Returns the loss before the step; when that or the gradients are
 * not finite, no weight changes. */
double ax_nn_trainer_step(struct ax_nn_trainer *t, const float *x, const float *y, const uint32_t *index,
                          uint32_t n);

/* Begin an epoch of n rows: another order, and the rate of the next epoch. */
void ax_nn_trainer_shuffle(struct ax_nn_trainer *t, uint32_t n);

/* Learn from the next batch of the epoch; *loss is that of its rows. false when there is none left. */
bool ax_nn_trainer_next(struct ax_nn_trainer *t, const float *x, const float *y, double *loss);

/* A whole epoch: its mean loss. */
double ax_nn_trainer_epoch(struct ax_nn_trainer *t, const float *x, const float *y, uint32_t n);

/* The loss of n rows as they would be served; nothing is learnt. */
double ax_nn_trainer_loss(struct ax_nn_trainer *t, const float *x, const float *y, uint32_t n);

/* Early stopping: look at the loss on rows that are not learnt from, after each epoch. Keeps the weights of
 * the best one. True when `patience` epochs have gone by since; NaN is never the best. */
bool ax_nn_trainer_stop(struct ax_nn_trainer *t, double loss, uint32_t patience);

/* Give the network the weights of the best epoch, and return its loss; nothing changes when there was none
 * (INFINITY).
 */
double ax_nn_trainer_best(struct ax_nn_trainer *t);

#endif
