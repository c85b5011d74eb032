/* loss.h: how far off a batch is, and the gradient by what came out.
 *
 * All are means over rows and outputs. A target that is NaN is not known, and counts for nothing; 0 when none
 * is known. Pure; any thread. */
#ifndef AX_NN_LOSS_H
#define AX_NN_LOSS_H

#include <stdint.h>

/* MSE: squares. HUBER: half squares up to delta, lines beyond (PyTorch's HuberLoss). PINBALL: each output is
 * a quantile. */
enum ax_nn_loss_kind { AX_NN_MSE, AX_NN_HUBER, AX_NN_PINBALL };

/* A loss; the quantiles are the caller's. */
struct ax_nn_loss {
    enum ax_nn_loss_kind kind;
    float delta;            /* HUBER: above 0 */
    const float *quantiles; /* PINBALL: one in (0, 1) for each output */
};

/* The loss of y against target, both [rows x outputs]; dy (may be NULL) gets the gradient by y. */
double ax_nn_loss(const struct ax_nn_loss *loss, uint32_t rows, uint32_t outputs, const float *y,
                  const float *target, float *dy);

#endif
