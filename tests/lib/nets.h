/* nets.h: networks for tests of src/nn. */
#ifndef AX_TEST_NETS_H
#define AX_TEST_NETS_H

#include "nn/net.h"

/* Build a network; it must come about. Freed by ax_nn_net_free(). */
struct ax_nn_net *nets_make(uint32_t steps, uint32_t features, const struct ax_nn_layer_spec *layers,
                            uint32_t layers_n, uint64_t seed);

/* The predictor's larger network: 10 steps of 4, LSTM 128 and 64, dense 32, 16 and 1. */
struct ax_nn_net *nets_datacenter(uint64_t seed);

/* One layer of each kind, with widths that are no multiple of a vector, and random weights everywhere. */
struct ax_nn_net *nets_of_every_kind(uint64_t seed);

/* Fill with uniform numbers in [-1, 1). */
void nets_random(float *v, size_t n, uint64_t seed);

#endif
