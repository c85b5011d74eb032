/* serving.c: chunks of rows through all layers, between two buffers that stay in the cache. */
#include "nn/serving.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 30 /* rows: a multiple of all kernels' tiles; so many of a wide LSTM are in the L2 cache */

struct ax_nn_serving {
    const struct ax_nn_kernels *kernels;
    struct ax_nn_net net; /* without weights and states */
    const float *packed[AX_NN_LAYERS_MAX];
    size_t ld[AX_NN_LAYERS_MAX]; /* of a row of the layer's y */
    size_t buffer_n, scratch_n;  /* floats: of each of the two, of the layers' scratch */
    float *block;
};

/* A row is as wide as whole panels of any kernel write it. */
static size_t row_of(const struct ax_nn_kernels *k, uint32_t n)
{
    const size_t wide = 4 * (size_t)k->width;
    return (n + wide - 1) / wide * wide;
}

static size_t aligned(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* How many floats are packed; fills in all sizes. */
static size_t measure(struct ax_nn_serving *s)
{
    size_t packed = 0;
    for (uint32_t i = 0; i < s->net.layers_n; i++) {
        const struct ax_nn_layer *l = &s->net.layers[i];
        const struct ax_nn_layer_ops *ops = ax_nn_layer_ops(l->spec.kind);
        if (!ops->serve)
            continue;
        s->ld[i] = row_of(s->kernels, l->out);
        const size_t y = (size_t)CHUNK * l->out_steps * s->ld[i];
        const size_t scratch = ops->scratch_n ? CHUNK * ops->scratch_n(l, s->ld[i]) : 0;
        s->buffer_n = y > s->buffer_n ? y : s->buffer_n;
        s->scratch_n = scratch > s->scratch_n ? scratch : s->scratch_n;
        packed += aligned(ops->packed_n(l, s->kernels));
    }
    return packed;
}

enum ax_err ax_nn_serving_new(const struct ax_nn_net *net, const struct ax_nn_kernels *kernels,
                              struct ax_nn_serving **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_nn_serving *s = calloc(1, sizeof *s);
    if (!s)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    s->kernels = kernels;
    s->net = *net;
    s->net.weights = s->net.states = NULL;
    s->block = aligned_alloc(AX_NN_ALIGN, (measure(s) + 16) * sizeof *s->block);
    if (!s->block) {
        free(s);
        return ax_fail(diag, AX_NOMEM, "out of memory for packed weights");
    }
    float *to = s->block;
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer *l = &net->layers[i];
        const struct ax_nn_layer_ops *ops = ax_nn_layer_ops(l->spec.kind);
        if (!ops->serve)
            continue;
        ops->pack(l, kernels, net->weights + l->weights, net->states + l->states, to);
        s->packed[i] = to;
        to += aligned(ops->packed_n(l, kernels));
    }
    *out = s;
    return AX_OK;
}

void ax_nn_serving_free(struct ax_nn_serving *s)
{
    if (!s)
        return;
    free(s->block);
    free(s);
}

size_t ax_nn_serving_scratch(const struct ax_nn_serving *s)
{
    return (2 * s->buffer_n + aligned(s->scratch_n) + 16) * sizeof(float);
}

/* One chunk through all layers; where its output is in the end. */
static struct ax_nn_view run_chunk(const struct ax_nn_serving *s, float *scratch, const float *x,
                                   uint32_t rows)
{
    const size_t features = s->net.features;
    struct ax_nn_view at = {x, features, s->net.steps * features};
    float *buffers[2] = {scratch, scratch + s->buffer_n};
    for (uint32_t i = 0, turn = 0; i < s->net.layers_n; i++) {
        const struct ax_nn_layer *l = &s->net.layers[i];
        const struct ax_nn_layer_ops *ops = ax_nn_layer_ops(l->spec.kind);
        if (!ops->serve) { /* dropout, and the last step alone */
            at.v += (l->steps - l->out_steps) * at.step;
            continue;
        }
        float *y = buffers[turn++ % 2];
        ops->serve(l, &(struct ax_nn_serve){s->kernels, s->packed[i], rows, at, y, s->ld[i],
                                            scratch + 2 * s->buffer_n});
        at = (struct ax_nn_view){y, rows * s->ld[i], s->ld[i]};
    }
    return at;
}

void ax_nn_serving_run(const struct ax_nn_serving *s, void *scratch, const float *x, uint32_t rows, float *y)
{
    const struct ax_nn_layer *last = &s->net.layers[s->net.layers_n - 1];
    const uint32_t outputs = s->net.outputs;
    for (uint32_t done = 0, n; done < rows; done += n) {
        n = rows - done < CHUNK ? rows - done : CHUNK;
        struct ax_nn_view out = run_chunk(s, scratch, x + (size_t)done * s->net.steps * s->net.features, n);
        for (uint32_t r = 0; r < n; r++)
            for (uint32_t t = 0; t < last->out_steps; t++)
                memcpy(y + (size_t)(done + r) * outputs + (size_t)t * last->out,
                       out.v + t * out.step + r * out.row, last->out * sizeof *y);
    }
}
