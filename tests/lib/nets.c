/* nets.c: the networks. */
#include "nets.h"

#include "ax_test.h"

struct ax_nn_net *nets_make(uint32_t steps, uint32_t features, const struct ax_nn_layer_spec *layers,
                            uint32_t layers_n, uint64_t seed)
{
    struct ax_nn_net *net = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_nn_spec spec = {steps, features, layers, layers_n};
    if (ax_nn_net_new(&spec, seed, &net, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return net;
}

struct ax_nn_net *nets_datacenter(uint64_t seed)
{
    static const struct ax_nn_layer_spec layers[] = {
        {.kind = AX_NN_LSTM, .units = 128},
        {.kind = AX_NN_LSTM, .units = 64},
        {.kind = AX_NN_LAST},
        {.kind = AX_NN_DENSE, .units = 32, .act = AX_NN_RELU},
        {.kind = AX_NN_DENSE, .units = 16, .act = AX_NN_RELU},
        {.kind = AX_NN_DENSE, .units = 1},
    };
    return nets_make(10, 4, layers, sizeof layers / sizeof *layers, seed);
}

struct ax_nn_net *nets_of_every_kind(uint64_t seed)
{
    static const struct ax_nn_layer_spec layers[] = {
        {.kind = AX_NN_DENSE, .units = 22, .act = AX_NN_TANH},
        {.kind = AX_NN_LAYER_NORM},
        {.kind = AX_NN_ATTENTION, .heads = 2},
        {.kind = AX_NN_BATCH_NORM},
        {.kind = AX_NN_DROPOUT, .rate = 0.25f},
        {.kind = AX_NN_LSTM, .units = 19},
        {.kind = AX_NN_DENSE, .units = 70, .act = AX_NN_SIGMOID},
        {.kind = AX_NN_LAST},
        {.kind = AX_NN_DENSE, .units = 9, .act = AX_NN_RELU},
        {.kind = AX_NN_DENSE, .units = 3},
    };
    struct ax_nn_net *net = nets_make(6, 5, layers, sizeof layers / sizeof *layers, seed);
    nets_random(net->weights, net->weights_n, seed + 1);
    for (size_t i = 0; i < net->states_n; i++)
        net->states[i] = 0.5f + 0.01f * (float)i; /* variances among them */
    return net;
}

void nets_random(float *v, size_t n, uint64_t seed)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(2 * ax_rng_double(&rng) - 1);
}
