/* lstm.c: long short-term memory over all steps of a batch, from a state of zeros.
 *
 * Weights as PyTorch has them: by input [4 h x in], by the output before [4 h x h], one bias [4 h]; gates in
 * the order input, forget, cell, output. Forwards the inputs of all steps are one product; what is left for a
 * step is the product by the output before. Backwards goes through all steps, and leaves the gradients by the
 * sums of all of them, so that the gradients by the weights are one product each, too. */
#include "math/blas.h"
#include "nn/layer.h"

#include <string.h>

/* A layer's cache: z [steps][rows][4 h], c [1 + steps][rows][h] from the zeros on, tanh(c) and, backwards,
 * dc. */
struct cache {
    float *z, *c, *tanh_c, *dc;
};

static struct cache cache_of(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t block = (size_t)c->rows * l->out;
    struct cache k = {.z = c->cache};
    k.c = k.z + 4 * block * l->steps;
    k.tanh_c = k.c + block * (l->steps + 1);
    k.dc = k.tanh_c + block * l->steps;
    return k;
}

/* The places of the weights. */
struct weights {
    const float *input, *before, *bias;
};

static struct weights weights_of(const struct ax_nn_layer *l, const float *w)
{
    const size_t input = 4 * (size_t)l->out * l->in, before = 4 * (size_t)l->out * l->out;
    return (struct weights){w, w + input, w + input + before};
}

static enum ax_err lstm_shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    if (l->spec.units == 0)
        return ax_fail(diag, AX_INVALID, "an LSTM needs units");
    l->out = l->spec.units;
    ax_nn_layer_part(l, "weight_input", 4 * l->out, l->in, false);
    ax_nn_layer_part(l, "weight_before", 4 * l->out, l->out, false);
    ax_nn_layer_part(l, "bias", 1, 4 * l->out, false);
    l->cache_n = (size_t)l->out * (6 * (size_t)l->steps + 2);
    return AX_OK;
}

/* Xavier for each gate; the forget gate begins open (Jozefowicz et al., 2015). */
static void lstm_init(const struct ax_nn_layer *l, float *weights, float *states, struct ax_rng *rng)
{
    const size_t input = 4 * (size_t)l->out * l->in, before = 4 * (size_t)l->out * l->out;
    (void)states;
    ax_nn_xavier(weights, input, l->in, l->out, rng);
    ax_nn_xavier(weights + input, before, l->out, l->out, rng);
    for (uint32_t j = 0; j < l->out; j++)
        weights[input + before + l->out + j] = 1;
}

static void lstm_forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t h = l->out, n = c->rows * l->steps;
    const size_t block = (size_t)c->rows * h;
    const struct cache k = cache_of(l, c);
    const struct weights w = weights_of(l, c->weights);
    for (uint32_t r = 0; r < n; r++)
        memcpy(k.z + (size_t)r * 4 * h, w.bias, 4 * (size_t)h * sizeof *k.z);
    ax_blas_sgemm(n, 4 * h, l->in, (struct ax_mat){c->x, l->in, false}, (struct ax_mat){w.input, l->in, true},
                  true, k.z, 4 * (size_t)h);
    memset(k.c, 0, block * sizeof *k.c);
    for (uint32_t t = 0; t < l->steps; t++) {
        float *z = k.z + (size_t)t * 4 * block, *state = k.c + t * block, *y = c->y + t * block;
        if (t > 0)
            ax_blas_sgemm(c->rows, 4 * h, h, (struct ax_mat){y - block, h, false},
                          (struct ax_mat){w.before, h, true}, true, z, 4 * (size_t)h);
        c->kernels->lstm_gates(c->rows, h, z, state, state + block, k.tanh_c + t * block, y);
    }
}

static void lstm_backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t h = l->out, n = c->rows * l->steps;
    const size_t block = (size_t)c->rows * h, wide = 4 * (size_t)h;
    const struct cache k = cache_of(l, c);
    const struct weights w = weights_of(l, c->weights);
    float *by_input = c->gradient, *by_before = by_input + wide * l->in, *by_bias = by_before + wide * h;
    memset(k.dc, 0, block * sizeof *k.dc);
    for (uint32_t t = l->steps; t-- > 0;) {
        float *z = k.z + (size_t)t * 4 * block, *dy = c->dy + t * block;
        c->kernels->lstm_gates_back(c->rows, h, z, k.c + t * block, k.tanh_c + t * block, dy, k.dc);
        if (t > 0)
            ax_blas_sgemm(c->rows, h, 4 * h, (struct ax_mat){z, wide, false},
                          (struct ax_mat){w.before, h, false}, true, dy - block, h);
    }
    ax_blas_sgemm(4 * h, l->in, n, (struct ax_mat){k.z, wide, true}, (struct ax_mat){c->x, l->in, false},
                  false, by_input, l->in);
    ax_blas_sgemm(4 * h, h, n - c->rows, (struct ax_mat){k.z + 4 * block, wide, true},
                  (struct ax_mat){c->y, h, false}, false, by_before, h);
    c->kernels->sum_rows(n, 4 * h, k.z, by_bias);
    if (c->dx)
        ax_blas_sgemm(n, l->in, 4 * h, (struct ax_mat){k.z, wide, false},
                      (struct ax_mat){w.input, l->in, false}, false, c->dx, l->in);
}

static size_t lstm_packed_n(const struct ax_nn_layer *l, const struct ax_nn_kernels *k)
{
    return ax_nn_panels_n(k, AX_NN_LSTM, l->out, l->in + l->out);
}

static void lstm_pack(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                      const float *states, float *packed)
{
    const uint32_t h = l->out, wide = 4 * k->width;
    const size_t rows = 1 + (size_t)l->in + h;
    const struct weights w = weights_of(l, weights);
    (void)states;
    memset(packed, 0, lstm_packed_n(l, k) * sizeof *packed);
    for (uint32_t g = 0; g < 4; g++) {
        const float scale = g == 2 ? AX_NN_TANH_SCALE : AX_NN_SIGMOID_SCALE;
        for (uint32_t j = 0; j < h; j++) {
            float *to = packed + (size_t)(j / k->width) * rows * wide + (size_t)g * k->width + j % k->width;
            const size_t row = (size_t)g * h + j;
            *to = w.bias[row] * scale;
            for (uint32_t i = 0; i < l->in; i++)
                *(to += wide) = w.input[row * l->in + i] * scale;
            for (uint32_t i = 0; i < h; i++)
                *(to += wide) = w.before[row * h + i] * scale;
        }
    }
}

static size_t lstm_scratch_n(const struct ax_nn_layer *l, size_t ld)
{
    (void)l;
    return ld;
}

static void lstm_serve(const struct ax_nn_layer *l, const struct ax_nn_serve *s)
{
    const struct ax_nn_panels p = {s->packed, l->out, l->in + l->out};
    const size_t block = s->rows * s->ld;
    for (uint32_t t = 0; t < l->steps; t++) {
        float *y = s->y + t * block;
        s->kernels->serve_lstm(&p, s->rows, s->x.v + t * s->x.step, s->x.row, t > 0 ? y - block : NULL,
                               s->scratch, y, s->ld);
    }
}

const struct ax_nn_layer_ops ax_nn_lstm_ops = {
    .name = "lstm",
    .shape = lstm_shape,
    .init = lstm_init,
    .forward = lstm_forward,
    .backward = lstm_backward,
    .packed_n = lstm_packed_n,
    .scratch_n = lstm_scratch_n,
    .pack = lstm_pack,
    .serve = lstm_serve,
};
