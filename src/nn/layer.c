/* layer.c: the table of kinds, and what several kinds share. */
#include "nn/layer.h"

#include "base/assert.h"

#include <math.h>
#include <string.h>

const struct ax_nn_layer_ops *ax_nn_layer_ops(enum ax_nn_kind kind)
{
    static const struct ax_nn_layer_ops *const ops[AX_NN_KINDS] = {
        [AX_NN_DENSE] = &ax_nn_dense_ops,
        [AX_NN_LSTM] = &ax_nn_lstm_ops,
        [AX_NN_LAST] = &ax_nn_last_ops,
        [AX_NN_LAYER_NORM] = &ax_nn_layer_norm_ops,
        [AX_NN_BATCH_NORM] = &ax_nn_batch_norm_ops,
        [AX_NN_DROPOUT] = &ax_nn_dropout_ops,
        [AX_NN_ATTENTION] = &ax_nn_attention_ops,
    };
    AX_ASSERT((unsigned)kind < AX_NN_KINDS);
    return ops[kind];
}

void ax_nn_layer_part(struct ax_nn_layer *l, const char *name, uint32_t rows, uint32_t cols, bool state)
{
    AX_ASSERT(l->parts_n < AX_NN_LAYER_TENSORS);
    l->parts[l->parts_n++] = (struct ax_nn_part){name, rows, cols, state};
    *(state ? &l->states_n : &l->weights_n) += (size_t)rows * cols;
}

void ax_nn_xavier(float *w, size_t n, uint32_t in, uint32_t out, struct ax_rng *rng)
{
    double limit = sqrt(6.0 / ((double)in + out));
    for (size_t i = 0; i < n; i++)
        w[i] = (float)((2 * ax_rng_double(rng) - 1) * limit);
}

size_t ax_nn_panels_n(const struct ax_nn_kernels *k, enum ax_nn_kind kind, uint32_t n, uint32_t inputs)
{
    size_t out = kind == AX_NN_LSTM ? k->width : 4 * (size_t)k->width;
    return (n + out - 1) / out * (1 + (size_t)inputs) * 4 * k->width;
}

void ax_nn_pack_dense(const struct ax_nn_kernels *k, uint32_t n, uint32_t inputs, const float *weights,
                      const float *bias, float *packed)
{
    const uint32_t wide = 4 * k->width;
    memset(packed, 0, ax_nn_panels_n(k, AX_NN_DENSE, n, inputs) * sizeof *packed);
    for (uint32_t j = 0; j < n; j++) {
        float *panel = packed + (size_t)(j / wide) * (1 + (size_t)inputs) * wide + j % wide;
        panel[0] = bias[j];
        for (uint32_t i = 0; i < inputs; i++)
            panel[(1 + (size_t)i) * wide] = weights[(size_t)j * inputs + i];
    }
}
