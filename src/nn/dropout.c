/* dropout.c: inverted dropout (Srivastava et al., 2014): while training, floats are dropped at random and the
 * rest is scaled up, so that nothing is to be done when it is served. */
#include "nn/layer.h"

#include <string.h>

static enum ax_err shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    if (!(l->spec.rate >= 0 && l->spec.rate < 1))
        return ax_fail(diag, AX_INVALID, "dropout needs a rate from 0 to below 1, not %g",
                       (double)l->spec.rate);
    l->cache_n = (size_t)l->steps * l->in;
    return AX_OK;
}

static void forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t n = (size_t)c->rows * l->steps * l->in;
    if (!c->train) {
        memcpy(c->y, c->x, n * sizeof *c->y);
        return;
    }
    const float keep = 1 / (1 - l->spec.rate);
    const uint64_t drop_below = (uint64_t)((double)l->spec.rate * 0x1p32);
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++, bits >>= 32) {
        if (i % 2 == 0)
            bits = ax_rng_u64(c->rng);
        c->cache[i] = (bits & 0xFFFFFFFFu) < drop_below ? 0 : keep;
        c->y[i] = c->x[i] * c->cache[i];
    }
}

static void backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t n = (size_t)c->rows * l->steps * l->in;
    for (size_t i = 0; c->dx && i < n; i++)
        c->dx[i] = c->dy[i] * c->cache[i];
}

const struct ax_nn_layer_ops ax_nn_dropout_ops = {
    .name = "dropout",
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
