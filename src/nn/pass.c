/* pass.c: activations and caches of every layer in one workspace, and the two directions. */
#include "nn/pass.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* Slices of a layer; its input is the layer's before. */
struct slices {
    float *y, *cache;
};

/* x is the first layer's input, a step of all rows a block; dy and dx of a layer are two of three buffers. */
struct ax_nn_pass {
    struct ax_nn_net *net;
    const struct ax_nn_kernels *kernels;
    uint32_t rows_max, rows;
    bool learnt_from; /* a forward with train that nothing has gone backwards through */
    struct ax_rng rng;
    float *gradient, *x, *input_slope, *slopes[2];
    struct slices layers[AX_NN_LAYERS_MAX];
    float *workspace;
};

/* Take n floats of the workspace, aligned; with a workspace of NULL only counts. */
static float *take(float *workspace, size_t *at, size_t n)
{
    float *p = workspace ? workspace + *at : NULL;
    *at += (n + 15) / 16 * 16;
    return p;
}

/* Give every slice its place; returns how many floats there are. */
static size_t place(struct ax_nn_pass *p, float *workspace)
{
    const struct ax_nn_net *net = p->net;
    const size_t rows = p->rows_max, input = rows * net->steps * net->features;
    size_t at = 0, widest = 0;
    p->gradient = take(workspace, &at, net->weights_n);
    p->x = take(workspace, &at, input);
    p->input_slope = take(workspace, &at, input);
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer *l = &net->layers[i];
        const size_t out = rows * l->out_steps * l->out;
        p->layers[i].y = take(workspace, &at, out);
        p->layers[i].cache = take(workspace, &at, rows * l->cache_n + l->cache_fixed);
        widest = out > widest ? out : widest;
    }
    for (int i = 0; i < 2; i++)
        p->slopes[i] = take(workspace, &at, widest);
    return at;
}

enum ax_err ax_nn_pass_new(struct ax_nn_net *net, uint32_t rows_max, uint64_t seed, struct ax_nn_pass **out,
                           struct ax_diag *diag)
{
    *out = NULL;
    AX_ASSERT(rows_max > 0);
    struct ax_nn_pass *p = calloc(1, sizeof *p);
    if (!p)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    p->net = net;
    p->kernels = ax_nn_kernels();
    p->rows_max = rows_max;
    const size_t bytes = place(p, NULL) * sizeof(float);
    enum ax_err err = AX_OK;
    if (bytes > AX_NN_WORKSPACE_MAX)
        err = ax_fail(diag, AX_LIMIT,
                      "batches of %u rows need %zu MiB of workspace; at most %zu: learn from fewer "
                      "rows at a time",
                      rows_max, bytes >> 20, AX_NN_WORKSPACE_MAX >> 20);
    else if (!(p->workspace = aligned_alloc(AX_NN_ALIGN, bytes)))
        err = ax_fail(diag, AX_NOMEM, "out of memory for a workspace of %zu MiB", bytes >> 20);
    if (err != AX_OK) {
        free(p);
        return err;
    }
    memset(p->workspace, 0, bytes);
    (void)place(p, p->workspace);
    ax_rng_seed(&p->rng, seed);
    *out = p;
    return AX_OK;
}

void ax_nn_pass_free(struct ax_nn_pass *p)
{
    if (!p)
        return;
    free(p->workspace);
    free(p);
}

static struct ax_nn_call call_of(struct ax_nn_pass *p, uint32_t i, bool train)
{
    const struct ax_nn_layer *l = &p->net->layers[i];
    return (struct ax_nn_call){
        .kernels = p->kernels,
        .rows = p->rows,
        .train = train,
        .weights = p->net->weights + l->weights,
        .states = p->net->states + l->states,
        .cache = p->layers[i].cache,
        .x = i > 0 ? p->layers[i - 1].y : p->x,
        .y = p->layers[i].y,
        .rng = &p->rng,
    };
}

const float *ax_nn_pass_forward(struct ax_nn_pass *p, const float *x, const uint32_t *index, uint32_t rows,
                                bool train)
{
    const uint32_t steps = p->net->steps, features = p->net->features;
    AX_ASSERT(rows > 0 && rows <= p->rows_max);
    p->rows = rows;
    p->learnt_from = train;
    for (uint32_t r = 0; r < rows; r++) {
        const float *from = x + (size_t)(index ? index[r] : r) * steps * features;
        for (uint32_t t = 0; t < steps; t++)
            memcpy(p->x + ((size_t)t * rows + r) * features, from + (size_t)t * features,
                   features * sizeof *from);
    }
    for (uint32_t i = 0; i < p->net->layers_n; i++) {
        const struct ax_nn_call call = call_of(p, i, train);
        ax_nn_layer_ops(p->net->layers[i].spec.kind)->forward(&p->net->layers[i], &call);
    }
    return p->layers[p->net->layers_n - 1].y;
}

float *ax_nn_pass_slope(struct ax_nn_pass *p)
{
    return p->slopes[(p->net->layers_n - 1) % 2];
}

void ax_nn_pass_backward(struct ax_nn_pass *p)
{
    AX_ASSERT(p->learnt_from);
    p->learnt_from = false;
    for (uint32_t i = p->net->layers_n; i-- > 0;) {
        const struct ax_nn_layer *l = &p->net->layers[i];
        struct ax_nn_call call = call_of(p, i, true);
        call.dy = p->slopes[i % 2];
        call.dx = i > 0 ? p->slopes[(i - 1) % 2] : p->input_slope;
        call.gradient = p->gradient + l->weights;
        ax_nn_layer_ops(l->spec.kind)->backward(l, &call);
    }
}

float *ax_nn_pass_gradient(struct ax_nn_pass *p)
{
    return p->gradient;
}

const float *ax_nn_pass_input_slope(const struct ax_nn_pass *p)
{
    return p->input_slope;
}

void ax_nn_pass_seed(struct ax_nn_pass *p, uint64_t seed)
{
    ax_rng_seed(&p->rng, seed);
}
