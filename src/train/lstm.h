/* lstm.h: the LSTM predictor: one network for all series of an expression, which sees each in its own
 * measure (train/speaker_data.h). Out come quantiles of how far the series will have moved, at each lead, in
 * the same unit.
 *
 * The loss is the pinball loss (Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978).
 *
 * A fit learns from the first six tenths of the time and stops by the next two; the last two, which it has
 * seen nothing of by then, nor what was to come in them, say how well it does (its skill). Then it learns
 * from eight tenths and stops by the last two, and at last a little from everything. Its loss is the mean of
 * those at which it stopped: what searches compare, and a little less than that on new rows. */
#ifndef AX_TRAIN_LSTM_H
#define AX_TRAIN_LSTM_H

#include "train/speaker_data.h"

#define AX_LSTM_QUANTILES 3 /* 0.05, 0.5, 0.95 */
#define AX_LSTM_MEDIAN 1
#define AX_LSTM_SEQUENCE_MAX 256

/* What is usual of a preset. */
struct ax_lstm_hyper ax_lstm_usual(enum ax_lstm_preset preset);

/* A network that serves; immutable. */
struct ax_lstm;

/* Its vocabulary. */
const struct ax_speaker_vocabulary *ax_lstm_vocabulary_of(const struct ax_lstm *m);

/* Steps that it sees one by one: rows for it are made with a spec that has these. */
uint32_t ax_lstm_sequence(const struct ax_lstm *m);

/* Bytes of a scratch of ax_lstm_run(), to be aligned to AX_NN_ALIGN. */
size_t ax_lstm_scratch(const struct ax_lstm *m);

/* out[n][leads_n * AX_LSTM_QUANTILES] from rows[n][sequence][width]: what comes out for a row does not depend
 * on the others. No allocation. */
void ax_lstm_run(const struct ax_lstm *m, void *scratch, const float *rows, uint32_t n, float *out);

/* "lstm": data are an ax_speaker_data, a spec an ax_speaker_spec, models an ax_lstm. */
extern const struct ax_train_kind ax_lstm_kind;

#endif
