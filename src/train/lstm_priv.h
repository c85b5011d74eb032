/* lstm_priv.h: the inside of the LSTM predictor, shared by its files. */
#ifndef AX_TRAIN_LSTM_PRIV_H
#define AX_TRAIN_LSTM_PRIV_H

#include "nn/net.h"
#include "train/lstm.h"
#include "train/speaker_priv.h"

/* In what measure inputs are, as its files say it: one of another measure is refused. */
#define AX_LSTM_SCALER "counts from the last value, by the local deviation of 240 steps, clipped at 8"

/* The network of a spec with inputs of a width. */
enum ax_err ax_lstm_net(const struct ax_speaker_spec *spec, uint32_t width, uint64_t seed,
                        struct ax_nn_net **out, struct ax_diag *diag);

/* Learn; the network is the caller's. */
enum ax_err ax_lstm_learn(const struct ax_speaker_data *d, uint64_t seed,
                          const struct ax_fit_progress *progress, struct ax_nn_net **net,
                          struct ax_fit_result *result, struct ax_diag *diag);

#endif
