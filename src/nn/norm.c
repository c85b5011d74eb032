/* norm.c: layer normalisation (Ba et al., 2016) and batch normalisation (Ioffe and Szegedy, 2015).
 *
 * y = gain * (x - mean) / sqrt(variance + 1e-5) + shift; moments in double. The running moments of batch
 * normalisation move by a tenth towards those of each batch, the variance towards the unbiased one, as
 * PyTorch's do. */
#include "nn/layer.h"

#include <math.h>

#define EPSILON 1e-5
#define MOMENTUM 0.1

static enum ax_err layer_norm_shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    (void)diag;
    ax_nn_layer_part(l, "weight", 1, l->in, false);
    ax_nn_layer_part(l, "bias", 1, l->in, false);
    l->cache_n = 2 * (size_t)l->steps;
    return AX_OK;
}

static void ones(const struct ax_nn_layer *l, float *weights, float *states, struct ax_rng *rng)
{
    (void)rng;
    for (uint32_t j = 0; j < l->in; j++) {
        weights[j] = 1;
        if (l->states_n > 0)
            states[l->in + j] = 1;
    }
}

/* Mean, and 1 / standard deviation, of n floats that are `apart` floats apart. */
static void moments(size_t n, size_t apart, const float *x, double *mean, double *variance)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i * apart];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i * apart] - *mean;
        square += d * d;
    }
    *variance = square / (double)n;
}

static void normalise_row(uint32_t n, const float *x, const float *weights, float *y, float kept[2])
{
    double mean, variance;
    moments(n, 1, x, &mean, &variance);
    kept[0] = (float)mean;
    kept[1] = (float)(1 / sqrt(variance + EPSILON));
    for (uint32_t j = 0; j < n; j++)
        y[j] = (x[j] - kept[0]) * kept[1] * weights[j] + weights[n + j];
}

static void layer_norm_forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t rows = (size_t)c->rows * l->steps;
    for (size_t r = 0; r < rows; r++)
        normalise_row(l->in, c->x + r * l->in, c->weights, c->y + r * l->in, c->cache + 2 * r);
}

/* With u = dy * gain: dx = (u - mean(u) - xhat * mean(u * xhat)) / deviation. */
static void layer_norm_backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t n = l->in;
    const size_t rows = (size_t)c->rows * l->steps;
    for (uint32_t j = 0; j < 2 * n; j++)
        c->gradient[j] = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *x = c->x + r * n, *dy = c->dy + r * n, mean = c->cache[2 * r],
                    inverse = c->cache[2 * r + 1];
        double sum = 0, product = 0;
        for (uint32_t j = 0; j < n; j++) {
            const float xhat = (x[j] - mean) * inverse, u = dy[j] * c->weights[j];
            c->gradient[j] += dy[j] * xhat;
            c->gradient[n + j] += dy[j];
            sum += (double)u;
            product += (double)(u * xhat);
        }
        const float a = (float)(sum / n), b = (float)(product / n);
        for (uint32_t j = 0; c->dx && j < n; j++)
            c->dx[r * n + j] = (dy[j] * c->weights[j] - a - (x[j] - mean) * inverse * b) * inverse;
    }
}

static size_t norm_packed_n(const struct ax_nn_layer *l, const struct ax_nn_kernels *k)
{
    (void)k;
    return 2 * (size_t)l->in;
}

static void layer_norm_pack(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                            const float *states, float *packed)
{
    (void)k, (void)states;
    for (uint32_t j = 0; j < 2 * l->in; j++)
        packed[j] = weights[j];
}

static void layer_norm_serve(const struct ax_nn_layer *l, const struct ax_nn_serve *s)
{
    float unused[2];
    for (uint32_t t = 0; t < l->steps; t++)
        for (uint32_t r = 0; r < s->rows; r++)
            normalise_row(l->in, s->x.v + t * s->x.step + r * s->x.row, s->packed,
                          s->y + ((size_t)t * s->rows + r) * s->ld, unused);
}

const struct ax_nn_layer_ops ax_nn_layer_norm_ops = {
    .name = "layer_norm",
    .shape = layer_norm_shape,
    .init = ones,
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .packed_n = norm_packed_n,
    .pack = layer_norm_pack,
    .serve = layer_norm_serve,
};

static enum ax_err batch_norm_shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    (void)diag;
    ax_nn_layer_part(l, "weight", 1, l->in, false);
    ax_nn_layer_part(l, "bias", 1, l->in, false);
    ax_nn_layer_part(l, "running_mean", 1, l->in, true);
    ax_nn_layer_part(l, "running_var", 1, l->in, true);
    l->cache_fixed = 2 * (size_t)l->in;
    return AX_OK;
}

static void batch_norm_forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t rows = (size_t)c->rows * l->steps, n = l->in;
    float *running = c->states;
    for (size_t j = 0; j < n; j++) {
        double mean = (double)running[j], variance = (double)running[n + j];
        if (c->train) {
            moments(rows, n, c->x + j, &mean, &variance);
            double unbiased = rows > 1 ? variance * (double)rows / (double)(rows - 1) : variance;
            running[j] = (float)((1 - MOMENTUM) * (double)running[j] + MOMENTUM * mean);
            running[n + j] = (float)((1 - MOMENTUM) * (double)running[n + j] + MOMENTUM * unbiased);
        }
        const float m = (float)mean, inverse = (float)(1 / sqrt(variance + EPSILON));
        c->cache[2 * j] = m;
        c->cache[2 * j + 1] = inverse;
        for (size_t r = 0; r < rows; r++)
            c->y[r * n + j] = (c->x[r * n + j] - m) * inverse * c->weights[j] + c->weights[n + j];
    }
}

static void batch_norm_backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t rows = (size_t)c->rows * l->steps, n = l->in;
    for (size_t j = 0; j < n; j++) {
        const float mean = c->cache[2 * j], inverse = c->cache[2 * j + 1], gain = c->weights[j];
        double sum = 0, product = 0;
        for (size_t r = 0; r < rows; r++) {
            const float dy = c->dy[r * n + j];
            sum += (double)dy;
            product += (double)(dy * (c->x[r * n + j] - mean) * inverse);
        }
        c->gradient[j] = (float)product;
        c->gradient[n + j] = (float)sum;
        const float a = (float)(sum / (double)rows), b = (float)(product / (double)rows);
        for (size_t r = 0; c->dx && r < rows; r++)
            c->dx[r * n + j] =
                (c->dy[r * n + j] - a - (c->x[r * n + j] - mean) * inverse * b) * inverse * gain;
    }
}

/* Served it is a factor and a term for each float. */
static void batch_norm_pack(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                            const float *states, float *packed)
{
    const uint32_t n = l->in;
    (void)k;
    for (uint32_t j = 0; j < n; j++) {
        const double factor = (double)weights[j] / sqrt((double)states[n + j] + EPSILON);
        packed[j] = (float)factor;
        packed[n + j] = (float)((double)weights[n + j] - (double)states[j] * factor);
    }
}

static void batch_norm_serve(const struct ax_nn_layer *l, const struct ax_nn_serve *s)
{
    for (uint32_t t = 0; t < l->steps; t++)
        for (uint32_t r = 0; r < s->rows; r++) {
            const float *x = s->x.v + t * s->x.step + r * s->x.row;
            float *y = s->y + ((size_t)t * s->rows + r) * s->ld;
            for (uint32_t j = 0; j < l->in; j++)
                y[j] = x[j] * s->packed[j] + s->packed[l->in + j];
        }
}

const struct ax_nn_layer_ops ax_nn_batch_norm_ops = {
    .name = "batch_norm",
    .shape = batch_norm_shape,
    .init = ones,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .packed_n = norm_packed_n,
    .pack = batch_norm_pack,
    .serve = batch_norm_serve,
};
