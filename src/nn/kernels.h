/* kernels.h: the loops of src/nn that are worth vector instructions, chosen at run time.
 *
 * One source (kernels_template.h), built for AVX-512, for AVX2 with FMA, and in portable C: the twin that
 * other processors run, equal within rounding. A kernel treats every row of a batch with the same operations
 * in the same order, so what comes out for a row does not depend on the batch that it is in. NaN goes
 * through. exp has a relative error below 3e-7 in [-87, 88] and is clamped there; sigmoid and tanh have an
 * absolute error below 3e-7. Pure; any thread; no allocation. */
#ifndef AX_NN_KERNELS_H
#define AX_NN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define AX_NN_ALIGN 64 /* bytes: of panels and of what kernels write whole vectors to */

/* What a dense layer does to its sums. */
enum ax_nn_act { AX_NN_IDENTITY, AX_NN_RELU, AX_NN_TANH, AX_NN_SIGMOID };

/* sigmoid(x) = 1 / (1 + 2^t) and tanh(x) = (1 - 2^t) / (1 + 2^t) with t = x * scale: -log2(e), twice that. */
#define AX_NN_SIGMOID_SCALE (-1.44269504f)
#define AX_NN_TANH_SCALE (-2.88539008f)

/* A matrix prepacked for serving: ceil(n / out) panels, each a row of 4 vectors of biases and then one of
 * weights for each of the k inputs; what is beyond n is zero. For a dense layer a panel holds 4 vectors of
 * outputs; for an LSTM one vector of units with their four gates, the weights and biases of which are times
 * the gate's scale. */
struct ax_nn_panels {
    const float *v;
    uint32_t n, k;
};

/* Adam's numbers for one step. */
struct ax_nn_adam {
    float rate, beta1, beta2, epsilon;
    float correction1, correction2; /* 1 - beta^t */
    float decay;                    /* L2: added to the gradient, times the weight */
    float scale;                    /* of the gradient, by clipping */
};

/* One set of kernels. Rows of z are [4 * h]: the input, forget, cell and output gates. */
struct ax_nn_kernels {
    const char *name;
    uint32_t width; /* floats in a vector */

    /* v[i] = act(v[i]). */
    void (*activate)(enum ax_nn_act act, float *v, size_t n);

    /* v[i] = exp(v[i]). */
    void (*exponential)(float *v, size_t n);

    /* One step of an LSTM from the sums of its gates: z becomes the gates' values; c, tanh(c) and y are
     * written. All but z are [rows x h]. */
    void (*lstm_gates)(uint32_t rows, uint32_t h, float *z, const float *c_before, float *c, float *tanh_c,
                       float *y);

    /* The same backwards: z (the gates' values) becomes the gradient by the sums, dc that by the state
     * before; dy is the gradient by y. */
    void (*lstm_gates_back)(uint32_t rows, uint32_t h, float *z, const float *c_before, const float *tanh_c,
                            const float *dy, float *dc);

    /* sum[j] = sum of x[r * n + j] over the rows, in their order. */
    void (*sum_rows)(size_t rows, uint32_t n, const float *x, float *sum);

    /* One step of Adam on n weights with the moments m and v. */
    void (*adam)(const struct ax_nn_adam *a, size_t n, float *w, const float *g, float *m, float *v);

    /* y = act(x W' + b). Rows of x are ldx apart; those of y ldy, where whole panels are written. */
    void (*serve_dense)(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                        enum ax_nn_act act, float *y, size_t ldy);

    /* One step of an LSTM: c and y from x[k], c and the output before (all h of it; NULL with a state of
     * zeros). c and y have rows of ldy floats, where whole vectors are written. */
    void (*serve_lstm)(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                       const float *before, float *c, float *y, size_t ldy);
};

/* The best set that this processor runs. */
const struct ax_nn_kernels *ax_nn_kernels(void);

/* The i-th of the sets that this processor runs, the portable one first; NULL behind the last. */
const struct ax_nn_kernels *ax_nn_kernels_at(uint32_t i);

#endif
