/* dense.c: y = act(W x + b) at each step; also the layer that keeps the last step alone. */
#include "math/blas.h"
#include "nn/layer.h"

#include <string.h>

static enum ax_err dense_shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    if (l->spec.units == 0)
        return ax_fail(diag, AX_INVALID, "a dense layer needs units");
    l->out = l->spec.units;
    ax_nn_layer_part(l, "weight", l->out, l->in, false);
    ax_nn_layer_part(l, "bias", 1, l->out, false);
    return AX_OK;
}

static void dense_init(const struct ax_nn_layer *l, float *weights, float *states, struct ax_rng *rng)
{
    (void)states;
    ax_nn_xavier(weights, (size_t)l->out * l->in, l->in, l->out, rng);
}

static void dense_forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t n = c->rows * l->steps;
    const float *bias = c->weights + (size_t)l->out * l->in;
    for (uint32_t r = 0; r < n; r++)
        memcpy(c->y + (size_t)r * l->out, bias, l->out * sizeof *bias);
    ax_blas_sgemm(n, l->out, l->in, (struct ax_mat){c->x, l->in, false},
                  (struct ax_mat){c->weights, l->in, true}, true, c->y, l->out);
    c->kernels->activate(l->spec.act, c->y, (size_t)n * l->out);
}

/* dy becomes the gradient by the sums; every activation's slope follows from its value. */
static void slope(enum ax_nn_act act, size_t n, const float *y, float *dy)
{
    switch (act) {
    case AX_NN_RELU:
        for (size_t i = 0; i < n; i++)
            dy[i] = y[i] > 0 ? dy[i] : 0;
        break;
    case AX_NN_TANH:
        for (size_t i = 0; i < n; i++)
            dy[i] *= 1 - y[i] * y[i];
        break;
    case AX_NN_SIGMOID:
        for (size_t i = 0; i < n; i++)
            dy[i] *= y[i] * (1 - y[i]);
        break;
    case AX_NN_IDENTITY:
    default:
        break;
    }
}

static void dense_backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t n = c->rows * l->steps;
    slope(l->spec.act, (size_t)n * l->out, c->y, c->dy);
    ax_blas_sgemm(l->out, l->in, n, (struct ax_mat){c->dy, l->out, true}, (struct ax_mat){c->x, l->in, false},
                  false, c->gradient, l->in);
    c->kernels->sum_rows(n, l->out, c->dy, c->gradient + (size_t)l->out * l->in);
    if (c->dx)
        ax_blas_sgemm(n, l->in, l->out, (struct ax_mat){c->dy, l->out, false},
                      (struct ax_mat){c->weights, l->in, false}, false, c->dx, l->in);
}

static size_t dense_packed_n(const struct ax_nn_layer *l, const struct ax_nn_kernels *k)
{
    return ax_nn_panels_n(k, AX_NN_DENSE, l->out, l->in);
}

static void dense_pack(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                       const float *states, float *packed)
{
    (void)states;
    ax_nn_pack_dense(k, l->out, l->in, weights, weights + (size_t)l->out * l->in, packed);
}

static void dense_serve(const struct ax_nn_layer *l, const struct ax_nn_serve *s)
{
    const struct ax_nn_panels p = {s->packed, l->out, l->in};
    for (uint32_t t = 0; t < l->steps; t++)
        s->kernels->serve_dense(&p, s->rows, s->x.v + t * s->x.step, s->x.row, l->spec.act,
                                s->y + t * (size_t)s->rows * s->ld, s->ld);
}

const struct ax_nn_layer_ops ax_nn_dense_ops = {
    .name = "dense",
    .shape = dense_shape,
    .init = dense_init,
    .forward = dense_forward,
    .backward = dense_backward,
    .packed_n = dense_packed_n,
    .pack = dense_pack,
    .serve = dense_serve,
};

static enum ax_err last_shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    (void)diag;
    l->out_steps = 1;
    return AX_OK;
}

static void last_forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    size_t n = (size_t)c->rows * l->in;
    memcpy(c->y, c->x + (l->steps - 1) * n, n * sizeof *c->y);
}

static void last_backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    size_t n = (size_t)c->rows * l->in;
    if (!c->dx)
        return;
    memset(c->dx, 0, (l->steps - 1) * n * sizeof *c->dx);
    memcpy(c->dx + (l->steps - 1) * n, c->dy, n * sizeof *c->dx);
}

const struct ax_nn_layer_ops ax_nn_last_ops = {
    .name = "last",
    .shape = last_shape,
    .forward = last_forward,
    .backward = last_backward,
};
