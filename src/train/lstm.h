/* lstm.h: the LSTM predictor: one network for all series of an expression, which sees each in its own
 * measure.
 *
 * A row is what is known of one series at one step: `sequence` steps of it and of the job's features, the
 * hours of the day and the week, how the last value stands to the means of longer pasts, and what the series
 * did a day and a week ago over the same leads. Values count from the last one, in units of the mean
 * deviation of the newest AX_LSTM_SPAN steps; features from their own mean, in theirs. Out come quantiles of
 * how far the series will have moved, at each lead, in the same unit: so a series of any level and size is
 * served by a network that never saw it. Rows are made by one function for fits and for serving. What is
 * known of step t is what the windows said at t.
 *
 * The loss is the pinball loss (Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978). */
#ifndef AX_TRAIN_LSTM_H
#define AX_TRAIN_LSTM_H

#include "forecast/forecast.h"
#include "forecast/member.h"
#include "train/kind.h"

#define AX_LSTM_QUANTILES 3 /* 0.05, 0.5, 0.95 */
#define AX_LSTM_MEDIAN 1
#define AX_LSTM_FEATURES_MAX 64
#define AX_LSTM_LEADS_MAX 17     /* one step, and 16 horizons */
#define AX_LSTM_CATEGORIES_MAX 8 /* labels */
#define AX_LSTM_VALUES_MAX 32    /* values of one that are told apart */
#define AX_LSTM_SPAN 240         /* steps of a series' own measure */
#define AX_LSTM_SEQUENCE_MAX 256
#define AX_LSTM_HASH_MAX 65

/* Shapes. DATACENTER: LSTM 128, LSTM 64, dense 32, dense 16. INTERNET: LSTM 64, LSTM 32, dropout 0.2,
 * dense 16. */
enum ax_lstm_preset { AX_LSTM_DATACENTER, AX_LSTM_INTERNET };

/* What the configuration or a search may have chosen instead of what is usual. */
struct ax_lstm_hyper {
    bool given;        /* false: nothing was chosen */
    double rate, l2;   /* of Adam: 2e-3 in the beginning, 1e-5 */
    double dropout;    /* before the dense layers; 0: none. 0, 0.2 of INTERNET */
    double units;      /* share of the preset's layers that a layer has: 1 */
    uint32_t sequence; /* instead of the spec's; 0: that */
};

/* What is usual of a preset. */
struct ax_lstm_hyper ax_lstm_usual(enum ax_lstm_preset preset);

/* What the network is, and what its inputs mean. */
struct ax_lstm_spec {
    enum ax_lstm_preset preset;
    struct ax_lstm_hyper hyper; /* of a fit; what serves has that of its artifact */
    uint32_t sequence;
    uint32_t longest; /* of a search: what rows have room for, whatever the sequence; 0: there is none */
    int64_t step_ms;
    uint32_t leads[AX_LSTM_LEADS_MAX], leads_n; /* steps ahead, ascending */
    uint32_t features_n;                        /* of the job, beside the series itself */
    struct ax_str categories[AX_LSTM_CATEGORIES_MAX];
    uint32_t categories_n;     /* labels that are one-hot inputs */
    uint32_t epochs, patience; /* most epochs of a fold; epochs without progress that end it */
    uint32_t depth;            /* of trees (train/trees.h), whose epochs are rounds; of a network none */
    uint32_t rows_max;         /* of a fit */
    struct ax_str features;    /* what the inputs are, as text: a model that learnt from others is refused */
};

/* One series at one step: its past, and those of the features that belong to it (n 0: none), which end with
 * it. */
struct ax_lstm_past {
    struct ax_past target;
    const struct ax_view *features; /* [features_n] */
    const struct ax_label *labels;  /* of the series, */
    uint32_t labels_n;              /* for the categories */
};

/* The values that were seen of the labels; the place of one is its input. */
struct ax_lstm_vocabulary {
    uint32_t n[AX_LSTM_CATEGORIES_MAX];
    char *values[AX_LSTM_CATEGORIES_MAX][AX_LSTM_VALUES_MAX];
};

/* How a row is to be read: forecast = last + scale * output. */
struct ax_lstm_frame {
    double last, scale;
};

/* Floats of a step of a row. */
uint32_t ax_lstm_width(const struct ax_lstm_spec *spec, const struct ax_lstm_vocabulary *v);

/* Write the row of a past, [sequence][width]; false when the series has no value to count from. No
 * allocation. */
bool ax_lstm_row(const struct ax_lstm_spec *spec, const struct ax_lstm_vocabulary *v,
                 const struct ax_lstm_past *p, float *row, struct ax_lstm_frame *frame);

/* Write the vocabulary's value of a label unless it is there or full. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_lstm_vocabulary_add(struct ax_lstm_vocabulary *v, uint32_t category,
                                               struct ax_str value);

/* Free what it holds. */
void ax_lstm_vocabulary_done(struct ax_lstm_vocabulary *v);

struct ax_lstm_data;

/* Data of no series yet, for a fit; the spec is copied, with its texts. NULL when out of memory. */
struct ax_lstm_data *ax_lstm_data_new(const struct ax_lstm_spec *spec);

/* Copy a series with all its past. AX_LIMIT when the data would have more than bytes_max: it is not in them.
 */
AX_MUST_USE enum ax_err ax_lstm_data_add(struct ax_lstm_data *d, const struct ax_lstm_past *p,
                                         uint64_t bytes_max);

/* Let the artifact have these references (drift/reference.h), which are copied. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_lstm_data_refer(struct ax_lstm_data *d, struct ax_str references);

/* Bytes of it, and of what a fit will take beside it. */
uint64_t ax_lstm_data_bytes(const struct ax_lstm_data *d);

/* Rows that a series of n steps gives. */
uint32_t ax_lstm_rows_of(const struct ax_lstm_spec *spec, uint32_t n);

/* A network that serves; immutable. */
struct ax_lstm;

/* Its vocabulary. */
const struct ax_lstm_vocabulary *ax_lstm_vocabulary_of(const struct ax_lstm *m);

/* Steps that it sees one by one: rows for it are made with a spec that has these. */
uint32_t ax_lstm_sequence(const struct ax_lstm *m);

/* Bytes of a scratch of ax_lstm_run(), to be aligned to AX_NN_ALIGN. */
size_t ax_lstm_scratch(const struct ax_lstm *m);

/* out[n][leads_n * AX_LSTM_QUANTILES] from rows[n][sequence][width]: what comes out for a row does not depend
 * on the others. No allocation. */
void ax_lstm_run(const struct ax_lstm *m, void *scratch, const float *rows, uint32_t n, float *out);

/* "lstm": data are an ax_lstm_data, a spec an ax_lstm_spec, models an ax_lstm. */
extern const struct ax_train_kind ax_lstm_kind;

#endif
