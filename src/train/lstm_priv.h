/* lstm_priv.h: the inside of the LSTM predictor, shared by its files. */
#ifndef AX_TRAIN_LSTM_PRIV_H
#define AX_TRAIN_LSTM_PRIV_H

#include "base/arena.h"
#include "nn/net.h"
#include "train/lstm.h"

#define AX_LSTM_ROWS_MIN 128 /* fewer teach nothing */

/* One series of the data: floats in the block, from `at` on: fine, coarse, then each feature as long as fine.
 */
struct ax_lstm_series {
    size_t at;
    uint32_t fine_n, coarse_n;
    int64_t fine_ms, coarse_ms, coarse_step_ms; /* ends, and the coarse step */
    uint8_t codes[AX_LSTM_CATEGORIES_MAX];      /* place in the vocabulary, and 1; 0: not in it */
};

/* Series that a fit learns from. */
struct ax_lstm_data {
    struct ax_lstm_spec spec;
    struct ax_lstm_vocabulary vocabulary;
    struct ax_lstm_series *series;
    uint32_t n, cap;
    struct ax_local_time clocks; /* a copy, whose zone is not asked; UTC as long as there are none */
    struct ax_arena texts;       /* of the spec; and: */
    struct ax_str references;
    float *block;
    size_t block_n, block_cap;
};

/* The past of series i at its step o (from 0), and its codes; views has room for the features. */
struct ax_lstm_past ax_lstm_data_past(const struct ax_lstm_data *d, uint32_t i, uint32_t o,
                                      struct ax_view *views);

/* As ax_lstm_row(), with the places of the labels' values. */
bool ax_lstm_row_of(const struct ax_lstm_spec *spec, const struct ax_lstm_vocabulary *v,
                    const struct ax_lstm_past *p, const uint8_t *codes, float *row,
                    struct ax_lstm_frame *frame);

/* Steps that a row has room for. */
uint32_t ax_lstm_longest(const struct ax_lstm_spec *spec);

/* free_data() and each() of the kinds that learn from such data. */
void ax_lstm_data_free(void *data);
/* As above. */
enum ax_err ax_lstm_data_each(const void *data, ax_train_see *see, void *ctx);

/* Rows that the data give. */
uint64_t ax_lstm_data_rows(const struct ax_lstm_data *d);

/* The network of a spec with inputs of a width. */
enum ax_err ax_lstm_net(const struct ax_lstm_spec *spec, uint32_t width, uint64_t seed,
                        struct ax_nn_net **out, struct ax_diag *diag);

/* What a fit found. */
struct ax_lstm_result {
    struct ax_fit_scores scores;
    uint32_t epochs;
};

/* Learn; the network is the caller's. */
enum ax_err ax_lstm_learn(const struct ax_lstm_data *d, uint64_t seed, const struct ax_fit_progress *progress,
                          struct ax_nn_net **net, struct ax_lstm_result *result, struct ax_diag *diag);

#endif
