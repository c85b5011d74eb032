/* net.c: shapes from layer to layer, and the places of their weights in the blocks. */
#include "nn/net.h"

#include <stdlib.h>

static enum ax_err shape_layer(struct ax_nn_layer *l, uint32_t i, struct ax_diag *diag)
{
    l->out = l->in;
    l->out_steps = l->steps;
    enum ax_err err = ax_nn_layer_ops(l->spec.kind)->shape(l, diag);
    if (err == AX_OK && l->out > AX_NN_WIDTH_MAX)
        err = ax_fail(diag, AX_LIMIT, "%u floats wide; at most %d", l->out, AX_NN_WIDTH_MAX);
    return err == AX_OK ? AX_OK : ax_wrap(diag, err, "layer %u", i);
}

static enum ax_err shape_net(struct ax_nn_net *net, const struct ax_nn_spec *spec, struct ax_diag *diag)
{
    if (spec->steps == 0 || spec->features == 0 || spec->layers_n == 0)
        return ax_fail(diag, AX_INVALID, "a network needs steps, features and layers");
    if (spec->steps > AX_NN_STEPS_MAX || spec->features > AX_NN_WIDTH_MAX ||
        spec->layers_n > AX_NN_LAYERS_MAX)
        return ax_fail(diag, AX_LIMIT, "a network has at most %d steps, %d features and %d layers",
                       AX_NN_STEPS_MAX, AX_NN_WIDTH_MAX, AX_NN_LAYERS_MAX);
    net->steps = spec->steps;
    net->features = spec->features;
    net->layers_n = spec->layers_n;
    uint32_t steps = spec->steps, width = spec->features;
    for (uint32_t i = 0; i < spec->layers_n; i++) {
        struct ax_nn_layer *l = &net->layers[i];
        *l = (struct ax_nn_layer){.spec = spec->layers[i], .steps = steps, .in = width};
        enum ax_err err = shape_layer(l, i, diag);
        if (err != AX_OK)
            return err;
        l->weights = net->weights_n;
        l->states = net->states_n;
        net->weights_n += l->weights_n;
        net->states_n += l->states_n;
        steps = l->out_steps;
        width = l->out;
        if (net->weights_n + net->states_n > AX_NN_WEIGHTS_MAX)
            return ax_fail(diag, AX_LIMIT, "layer %u: more than %d weights in all", i, AX_NN_WEIGHTS_MAX);
    }
    net->outputs = steps * width;
    return AX_OK;
}

enum ax_err ax_nn_net_new(const struct ax_nn_spec *spec, uint64_t seed, struct ax_nn_net **out,
                          struct ax_diag *diag)
{
    *out = NULL;
    struct ax_nn_net *net = calloc(1, sizeof *net);
    if (!net)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = shape_net(net, spec, diag);
    if (err == AX_OK) {
        net->weights = calloc(net->weights_n + 1, sizeof *net->weights);
        net->states = calloc(net->states_n + 1, sizeof *net->states);
        if (!net->weights || !net->states)
            err = ax_fail(diag, AX_NOMEM, "out of memory for %zu weights", net->weights_n);
    }
    if (err != AX_OK) {
        ax_nn_net_free(net);
        return err;
    }
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer *l = &net->layers[i];
        const struct ax_nn_layer_ops *ops = ax_nn_layer_ops(l->spec.kind);
        if (ops->init)
            ops->init(l, net->weights + l->weights, net->states + l->states, &rng);
    }
    *out = net;
    return AX_OK;
}

void ax_nn_net_free(struct ax_nn_net *net)
{
    if (!net)
        return;
    free(net->weights);
    free(net->states);
    free(net);
}

void ax_nn_net_describe(const struct ax_nn_net *net, struct ax_buf *out)
{
    static const char *const acts[] = {
        [AX_NN_IDENTITY] = "", [AX_NN_RELU] = " relu", [AX_NN_TANH] = " tanh", [AX_NN_SIGMOID] = " sigmoid"};
    ax_buf_printf(out, "%u x %u:", net->steps, net->features);
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer_spec *s = &net->layers[i].spec;
        ax_buf_printf(out, "%s %s", i > 0 ? "," : "", ax_nn_layer_ops(s->kind)->name);
        if (s->kind == AX_NN_DENSE || s->kind == AX_NN_LSTM)
            ax_buf_printf(out, " %u", s->units);
        if (s->kind == AX_NN_DENSE)
            ax_buf_str(out, ax_str(acts[s->act]));
        if (s->kind == AX_NN_DROPOUT)
            ax_buf_printf(out, " %g", (double)s->rate);
        if (s->kind == AX_NN_ATTENTION)
            ax_buf_printf(out, " %u", s->heads);
    }
}
