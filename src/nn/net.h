/* net.h: a network: a sequence of layers over one block of weights.
 *
 * Input is x[rows][steps][features], oldest step first. The weights of all layers are one block of floats, so
 * are the states (running moments); gradients have the same places. A network is data: passes (nn/pass.h)
 * read it and learn into it, servings (nn/serving.h) are made of it. Not thread-safe while it is learnt into.
 */
#ifndef AX_NN_NET_H
#define AX_NN_NET_H

#include "base/buf.h"
#include "nn/layer.h"

#define AX_NN_LAYERS_MAX 32
#define AX_NN_WIDTH_MAX 4096      /* floats of a row and step */
#define AX_NN_STEPS_MAX 4096      /* steps of a row */
#define AX_NN_WEIGHTS_MAX 2500000 /* weights and states: a model file is below 10 MB */

/* What a network is; layers are copied. */
struct ax_nn_spec {
    uint32_t steps, features;
    const struct ax_nn_layer_spec *layers;
    uint32_t layers_n;
};

/* A network; read its fields, change what weights and states point to. */
struct ax_nn_net {
    uint32_t steps, features;
    uint32_t outputs; /* floats that come out for a row, over all steps that the last layer has */
    uint32_t layers_n;
    struct ax_nn_layer layers[AX_NN_LAYERS_MAX];
    size_t weights_n, states_n;
    float *weights, *states;
};

/* Build it, with first weights by the seed: the same seed gives the same bits. AX_INVALID or AX_LIMIT with a
 * text that names the layer, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_nn_net_new(const struct ax_nn_spec *spec, uint64_t seed, struct ax_nn_net **out,
                                      struct ax_diag *diag);

/* Give it back; NULL is fine. */
void ax_nn_net_free(struct ax_nn_net *net);

/* Append what it is, in one line: "10 x 4: lstm 128, lstm 64, last, dense 32 relu, dense 1". Networks of the
 * same line have the same shapes and compute the same from the same weights. */
void ax_nn_net_describe(const struct ax_nn_net *net, struct ax_buf *out);

#endif
