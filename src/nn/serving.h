/* serving.h: a network packed for answering: no caches, nothing learnt, weights in the order that kernels
 * read.
 *
 * Immutable, so any number of threads may ask it, each with a scratch of its own. What comes out for a row
 * does not depend on the other rows of the call; the same processor gives the same bits. */
#ifndef AX_NN_SERVING_H
#define AX_NN_SERVING_H

#include "nn/net.h"

struct ax_nn_serving;

/* Pack a network as it is now for a set of kernels (ax_nn_kernels(), but for tests); the network is not
 * needed any more then. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_nn_serving_new(const struct ax_nn_net *net, const struct ax_nn_kernels *kernels,
                                          struct ax_nn_serving **out, struct ax_diag *diag);

/* Give it back; NULL is fine. */
void ax_nn_serving_free(struct ax_nn_serving *s);

/* Bytes of a scratch; it is to be aligned to AX_NN_ALIGN, and needs no values. */
size_t ax_nn_serving_scratch(const struct ax_nn_serving *s);

/* y[rows][outputs] from x[rows][steps][features]; any number of rows. Allocates nothing. */
void ax_nn_serving_run(const struct ax_nn_serving *s, void *scratch, const float *x, uint32_t rows, float *y);

#endif
