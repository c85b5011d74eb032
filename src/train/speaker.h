/* speaker.h: a kind of model that all series of an expression share, and that speaks as one more member of
 * their portfolios: what the configuration asks of it, how a row of it is made when it serves, and what comes
 * out.
 *
 * Data of a fit are an ax_speaker_data and specs an ax_speaker_spec for all of them: a kind takes of these
 * what it needs. An output is how far the series will have moved at a lead, in its own measure. */
#ifndef AX_TRAIN_SPEAKER_H
#define AX_TRAIN_SPEAKER_H

#include "config/config.h"
#include "train/speaker_data.h"

/* The table of a kind; a constant. */
struct ax_speaker_kind {
    const struct ax_train_kind *train; /* its name is that of the member */
    uint32_t per_lead, median;         /* outputs of a lead, and which of them is the forecast */

    /* What the configuration asks of it: in the spec, which has its features and leads already, and how often
     * it is to be fitted. */
    void (*ask)(const struct ax_forecast_config *cfg, struct ax_speaker_spec *spec);
    int64_t (*every_ms)(const struct ax_forecast_config *cfg);

    /* Append what its inputs are, in words, where the spec does not say it. NULL: there is nothing more. */
    void (*describe)(struct ax_buf *out);

    /* Floats of a row, and bytes of a scratch, aligned to AX_NN_ALIGN, of a model that serves. */
    size_t (*row)(const struct ax_speaker_spec *spec, const void *model);
    size_t (*scratch)(const void *model);

    /* Write the row of a past, as the model has learnt it; false when the series has no value to count from,
     * or there is no memory. arena is reset by the caller. */
    bool (*put)(const struct ax_speaker_spec *spec, const void *model, const struct ax_speaker_past *p,
                struct ax_arena *arena, float *row, struct ax_speaker_frame *frame);

    /* out[n][leads][per_lead] from rows[n]; what comes out for a row does not depend on the others. No
     * allocation. */
    void (*run)(const void *model, void *scratch, const float *rows, uint32_t n, float *out);
};

/* "lstm", and "trees" (train/trees.h). */
extern const struct ax_speaker_kind ax_lstm_speaker, ax_trees_speaker;

#endif
