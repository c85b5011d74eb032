/* rowset.h: the rows that a model of many series learns from: moments of the series, chosen evenly and
 * ordered by time, so that a cut in time parts what a fold may know from what it is judged by.
 *
 * A row's inputs are made by the model's own function; its targets are how far the series moved at each lead,
 * in the series' own measure (train/speaker_data.h). Owner: the thread of the fit. */
#ifndef AX_TRAIN_ROWSET_H
#define AX_TRAIN_ROWSET_H

#include "train/speaker_priv.h"

/* A series at a step. */
struct ax_origin {
    int64_t t_ms;
    uint32_t series, step;
};

/* Write the inputs of a row; false when the series has none at that moment. */
typedef bool ax_row_put(void *ctx, const struct ax_speaker_data *d, const struct ax_speaker_past *p,
                        const uint8_t *codes, float *row, struct ax_speaker_frame *frame);

/* How rows are made. */
struct ax_row_maker {
    ax_row_put *put;
    void *ctx;
    size_t row;        /* floats of inputs */
    uint32_t per_lead; /* times that a target stands there, once for each output of a lead */
};

/* The rows, by time. */
struct ax_rowset {
    struct ax_origin *v;
    uint32_t n, per_lead, outputs;
    size_t row;
    float *x, *y, *y_fold; /* [n][row]; [n][outputs]: all targets, and those that a fold may know */
};

/* Make them, at most spec.rows_max of the data; to be freed whatever it returns. AX_NOTREADY, AX_NOMEM,
 * AX_BUSY (nobody wants the model any more), with a text. */
AX_MUST_USE enum ax_err ax_rowset_make(const struct ax_speaker_data *d, const struct ax_row_maker *maker,
                                       const struct ax_fit_progress *progress, struct ax_rowset *r,
                                       struct ax_diag *diag);

/* Give back what it took. */
void ax_rowset_free(struct ax_rowset *r);

/* The first row at or after a share of the time between the first and the last. */
uint32_t ax_rowset_cut(const struct ax_rowset *r, double share);

/* Let y_fold have what was known of the first n rows when row n began: no target from then on. */
void ax_rowset_mask(const struct ax_speaker_spec *spec, struct ax_rowset *r, uint32_t n);

#endif
