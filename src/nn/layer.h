/* layer.h: one layer of a network: its shapes, its weights, and what it does forwards and backwards.
 *
 * Data of a batch is [steps][rows][floats] inside a network: a step of all rows is one block, so the last
 * step of an LSTM is a pointer and a product over all steps one call. A layer owns nothing: its weights and
 * states are slices of the network's blocks, its cache a slice of a pass's workspace. Nothing here allocates.
 */
#ifndef AX_NN_LAYER_H
#define AX_NN_LAYER_H

#include "base/err.h"
#include "base/rng.h"
#include "nn/kernels.h"

#include <stdbool.h>

/* DENSE: y = act(W x + b) at each step.
 * LSTM: Hochreiter and Schmidhuber's with forget gates, one bias for each gate; from a state of zeros.
 * LAST: the last step alone.
 * LAYER_NORM: over the floats of a row and step. BATCH_NORM: over rows and steps, running moments when
 * served. DROPOUT: inverted; nothing happens when served. ATTENTION: multi-head self-attention over the steps
 * of a row, as wide as its input, without mask. */
enum ax_nn_kind {
    AX_NN_DENSE,
    AX_NN_LSTM,
    AX_NN_LAST,
    AX_NN_LAYER_NORM,
    AX_NN_BATCH_NORM,
    AX_NN_DROPOUT,
    AX_NN_ATTENTION,
    AX_NN_KINDS
};

/* What a user says of a layer; what its kind does not need is 0. */
struct ax_nn_layer_spec {
    enum ax_nn_kind kind;
    uint32_t units;     /* DENSE, LSTM */
    enum ax_nn_act act; /* DENSE */
    float rate;         /* DROPOUT: share of floats that are dropped, in [0, 1) */
    uint32_t heads;     /* ATTENTION: divides the width */
};

#define AX_NN_LAYER_TENSORS 4

/* A named part of a layer's weights, or of its states, which are learnt without a gradient. */
struct ax_nn_part {
    const char *name;
    uint32_t rows, cols; /* a vector has one row */
    bool state;
};

/* A layer in its place. */
struct ax_nn_layer {
    struct ax_nn_layer_spec spec;
    uint32_t steps, in, out_steps, out;
    struct ax_nn_part parts[AX_NN_LAYER_TENSORS];
    uint32_t parts_n;
    size_t weights, weights_n, states, states_n; /* place and number of floats in the network's blocks */
    size_t cache_n;                              /* floats that backward needs of forward: for each row */
    size_t cache_fixed;                          /* and once */
};

/* One call: the layer's slices and its data. */
struct ax_nn_call {
    const struct ax_nn_kernels *kernels;
    uint32_t rows;
    bool train; /* dropout drops, batch normalisation learns its moments */
    const float *weights;
    float *states, *cache;
    const float *x;
    float *y; /* of the same call forwards; not changed backwards */
    struct ax_rng *rng;
    /* Backwards: dy is spoilt; dx may be NULL where nobody wants it; gradient is overwritten. */
    float *dy, *dx, *gradient;
};

/* Data that is served: steps `step` floats apart, rows `row`. */
struct ax_nn_view {
    const float *v;
    size_t step, row;
};

/* One call of serving. y has rows of `ld` floats, of which whole vectors are written, and steps of rows * ld.
 */
struct ax_nn_serve {
    const struct ax_nn_kernels *kernels;
    const float *packed;
    uint32_t rows;
    struct ax_nn_view x;
    float *y;
    size_t ld;
    float *scratch; /* scratch_n floats for each row */
};

/* What a kind of layer does. */
struct ax_nn_layer_ops {
    const char *name;

    /* Fill in output, parts and cache from spec and input. AX_INVALID with a text. */
    enum ax_err (*shape)(struct ax_nn_layer *l, struct ax_diag *diag);

    /* First values of weights and states, which are zeros before. May be NULL. */
    void (*init)(const struct ax_nn_layer *l, float *weights, float *states, struct ax_rng *rng);

    void (*forward)(const struct ax_nn_layer *l, const struct ax_nn_call *c);
    void (*backward)(const struct ax_nn_layer *l, const struct ax_nn_call *c);

    /* Serving: floats of the packed weights, and of scratch for each row (ld: of a row of y); pack; run. Rows
     * do not touch each other. All NULL for a layer that only says where its input goes on. */
    size_t (*packed_n)(const struct ax_nn_layer *l, const struct ax_nn_kernels *k);
    size_t (*scratch_n)(const struct ax_nn_layer *l, size_t ld);
    void (*pack)(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                 const float *states, float *packed);
    void (*serve)(const struct ax_nn_layer *l, const struct ax_nn_serve *s);
};

/* The table of a kind. */
const struct ax_nn_layer_ops *ax_nn_layer_ops(enum ax_nn_kind kind);

/* The tables, each in a file of its own. */
extern const struct ax_nn_layer_ops ax_nn_dense_ops, ax_nn_lstm_ops, ax_nn_last_ops, ax_nn_layer_norm_ops,
    ax_nn_batch_norm_ops, ax_nn_dropout_ops, ax_nn_attention_ops;

/* Add a part to a layer that is being shaped. */
void ax_nn_layer_part(struct ax_nn_layer *l, const char *name, uint32_t rows, uint32_t cols, bool state);

/* Xavier's uniform: variance 2 / (in + out). */
void ax_nn_xavier(float *w, size_t n, uint32_t in, uint32_t out, struct ax_rng *rng);

/* Floats of panels for n outputs (of an LSTM: units) of k inputs. */
size_t ax_nn_panels_n(const struct ax_nn_kernels *k, enum ax_nn_kind kind, uint32_t n, uint32_t inputs);

/* Pack the biases and weights[n x inputs] of a dense layer. */
void ax_nn_pack_dense(const struct ax_nn_kernels *k, uint32_t n, uint32_t inputs, const float *weights,
                      const float *bias, float *packed);

#endif
