/* speaker_priv.h: the inside of what speakers learn from, shared by the files that fit them. */
#ifndef AX_TRAIN_SPEAKER_PRIV_H
#define AX_TRAIN_SPEAKER_PRIV_H

#include "base/arena.h"
#include "train/speaker_data.h"

#define AX_SPEAKER_ROWS_MIN 128 /* fewer teach nothing */

/* One series of the data: floats in the block, from `at` on: fine, coarse, then each feature as long as fine.
 */
struct ax_speaker_series {
    size_t at;
    uint32_t fine_n, coarse_n;
    int64_t fine_ms, coarse_ms, coarse_step_ms; /* ends, and the coarse step */
    uint8_t codes[AX_SPEAKER_CATEGORIES_MAX];   /* place in the vocabulary, and 1; 0: not in it */
};

/* Series that a fit learns from. */
struct ax_speaker_data {
    struct ax_speaker_spec spec;
    struct ax_speaker_vocabulary vocabulary;
    struct ax_speaker_series *series;
    uint32_t n, cap;
    struct ax_local_time clocks; /* a copy, whose zone is not asked; UTC as long as there are none */
    struct ax_arena texts;       /* of the spec */
    struct ax_drift_pasts *pasts;
    struct ax_buf references; /* made of these, once: fits of a search have them in common */
    bool referred;
    float *block;
    size_t block_n, block_cap;
};

/* The past of series i at its step o (from 0), and its codes; views has room for the features. */
struct ax_speaker_past ax_speaker_data_past(const struct ax_speaker_data *d, uint32_t i, uint32_t o,
                                            struct ax_view *views);

/* As ax_speaker_row(), with the places of the labels' values. */
bool ax_speaker_row_of(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                       const struct ax_speaker_past *p, const uint8_t *codes, float *row,
                       struct ax_speaker_frame *frame);

/* The value of a label of the series; empty without. */
struct ax_str ax_speaker_label(const struct ax_speaker_past *p, struct ax_str name);

/* Places of the values of a series' labels, and 1; 0: not in the vocabulary. */
void ax_speaker_codes(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                      const struct ax_speaker_past *p, uint8_t *codes);

/* Steps that a row has room for. */
uint32_t ax_speaker_longest(const struct ax_speaker_spec *spec);

/* Make the references that its artifacts have. AX_NOMEM, AX_BUSY, with a text. */
enum ax_err ax_speaker_data_made(struct ax_speaker_data *d, const struct ax_fit_progress *progress,
                                 struct ax_diag *diag);

/* free_data() and each() of the kinds that learn from such data. */
void ax_speaker_data_free(void *data);
/* As above. */
enum ax_err ax_speaker_data_each(const void *data, ax_train_see *see, void *ctx);

/* Rows that the data give. */
uint64_t ax_speaker_data_rows(const struct ax_speaker_data *d);

/* What a fit found. */
struct ax_fit_result {
    struct ax_fit_scores scores;
    uint32_t epochs;
};

#endif
