/* coder.h: networks that say a thing again after it has gone through a narrow place; what they cannot say
 * again is strange.
 *
 * An encoder makes a code of the steps of a row, a decoder says the last step again, or, given the code once
 * for each step, all of them (as the LSTM autoencoder of P. Malhotra and others, ICML workshop 2016). With
 * `variational` the encoder gives means and logarithms of variances, of which the code is drawn while it
 * learns; served it is the mean (D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", ICLR 2014).
 * Loss, its gradients and reconstruction are those of PyTorch (tests/golden/anomaly). The same rows, spec and
 * seed give the same bits on the same processor. */
#ifndef AX_ANOMALY_CODER_H
#define AX_ANOMALY_CODER_H

#include "base/bytes.h"
#include "nn/net.h"

/* What it is; layers are copied. The encoder ends with one step; of code floats, or of twice as many when
 * variational; the decoder ends with `features`. */
struct ax_coder_spec {
    uint32_t steps, features;
    const struct ax_nn_layer_spec *encoder, *decoder;
    uint32_t encoder_n, decoder_n;
    uint32_t code;
    bool variational;
    bool all_steps; /* says all steps again, not the last one */
};

/* How it learns; zeros take the defaults. */
struct ax_coder_training {
    uint32_t epochs;      /* at most; default 30 */
    uint32_t patience;    /* epochs without a better loss on what is held out; default 4 */
    const uint32_t *when; /* [n], the time of each row, in steps; NULL: one after the other */
    uint32_t held_steps;  /* steps in succession of which all rows are held out, one such stretch of ten; 0: a
                             random tenth, for rows that have nothing to do with each other */
    uint32_t gap_steps;   /* before and after such a stretch rows are neither held out nor learnt */
    uint32_t batch;       /* default 64 */
    float rate;           /* default 1e-3 */
    float divergence;     /* weight of the Kullback-Leibler divergence, variational alone; default 0.01 */
    uint64_t seed;
    bool (*cancelled)(void *ctx); /* looked at between batches; may be NULL */
    void *ctx;
};

struct ax_coder;

/* One with first weights by the seed, not ready to serve. AX_INVALID, AX_LIMIT with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_coder_new(const struct ax_coder_spec *spec, uint64_t seed, struct ax_coder **out,
                                     struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_coder_free(struct ax_coder *c);

/* Learn x[n][steps][features], finite, n >= 10, in the order of time (of one entity after the other), and be
 * ready to serve. A part is held out to choose the epoch. AX_BUSY when it was cancelled, AX_NUMERIC when it
 * came to nothing finite, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_coder_fit(struct ax_coder *c, uint32_t n, const float *x,
                                     const struct ax_coder_training *training, struct ax_diag *diag);

/* Floats that it says again of a row. */
uint32_t ax_coder_outputs(const struct ax_coder *c);

/* Bytes of scratch for serving, aligned to AX_NN_ALIGN. */
size_t ax_coder_scratch(const struct ax_coder *c, uint32_t n);

/* y[n][outputs] from x[n][steps][features]; allocates nothing. Any thread, each with its scratch. */
void ax_coder_say(const struct ax_coder *c, uint32_t n, const float *x, void *scratch, float *y);

/* The same, and how far it is off: score[n], the mean square of the errors. */
void ax_coder_score(const struct ax_coder *c, uint32_t n, const float *x, void *scratch, float *y,
                    double *score);

/* Append the weights. */
void ax_coder_save(const struct ax_coder *c, struct ax_buf *out);

/* Read them back into a new one of the same spec, which is then ready to serve. AX_CORRUPT, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_coder_load(struct ax_coder *c, struct ax_bytes *in);

/* One pass of learning, for tests: the loss of n rows picked by index (NULL: the first), with the code drawn
 * by noise[n][code] (NULL: its mean); gradients are left in the places of the weights. */
struct ax_coder_pass;

/* Make one for batches of at most rows. AX_NOMEM, AX_LIMIT. */
AX_MUST_USE enum ax_err ax_coder_pass_new(struct ax_coder *c, uint32_t rows, struct ax_coder_pass **out,
                                          struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_coder_pass_free(struct ax_coder_pass *p);

/* As above; without `learn` no gradient is made. */
double ax_coder_pass_run(struct ax_coder_pass *p, const float *x, const uint32_t *index, uint32_t n,
                         const float *noise, float divergence, bool learn);

/* The networks and their gradients, encoder (0) and decoder (1). */
struct ax_nn_net *ax_coder_net(struct ax_coder *c, int which);
/* As above. */
const float *ax_coder_pass_gradient(const struct ax_coder_pass *p, int which);

#endif
