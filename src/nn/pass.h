/* pass.h: forwards and backwards through a network, for learning.
 *
 * All memory is taken when it is made: the block of gradients and one workspace for a largest number of rows.
 * Belongs to one thread, which must have called nothing else into the same network meanwhile. */
#ifndef AX_NN_PASS_H
#define AX_NN_PASS_H

#include "nn/net.h"

struct ax_nn_pass;

/* Make one for batches of at most rows_max; the seed is that of dropout. The network must outlive it.
 * AX_LIMIT with a text when the workspace would be larger than AX_NN_WORKSPACE_MAX, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_nn_pass_new(struct ax_nn_net *net, uint32_t rows_max, uint64_t seed,
                                       struct ax_nn_pass **out, struct ax_diag *diag);

#define AX_NN_WORKSPACE_MAX ((size_t)1 << 30) /* bytes */

/* Give it back; NULL is fine. */
void ax_nn_pass_free(struct ax_nn_pass *pass);

/* Forwards, rows of x picked by index (NULL: the first rows). With train dropout drops and batch
 * normalisation learns. What comes out is [rows][outputs] when the last layer has one step, else
 * [steps][rows][floats]; it is the pass's, valid until the next call. */
const float *ax_nn_pass_forward(struct ax_nn_pass *pass, const float *x, const uint32_t *index, uint32_t rows,
                                bool train);

/* Where the gradient by what came out is to be written before going backwards; of the same shape. */
float *ax_nn_pass_slope(struct ax_nn_pass *pass);

/* Backwards through the rows of the last call forwards, which was one with train, once. Overwrites the
 * gradients. */
void ax_nn_pass_backward(struct ax_nn_pass *pass);

/* The gradients, in the places of the weights. */
float *ax_nn_pass_gradient(struct ax_nn_pass *pass);

/* The gradient by x, [steps][rows][features]. */
const float *ax_nn_pass_input_slope(const struct ax_nn_pass *pass);

/* Begin dropout's random numbers anew. */
void ax_nn_pass_seed(struct ax_nn_pass *pass, uint64_t seed);

#endif
