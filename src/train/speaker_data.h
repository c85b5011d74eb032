/* speaker_data.h: what a model that all series of an expression share (train/speaker.h) learns from, and how
 * one of them at one step becomes a row of inputs.
 *
 * A row is what is known of one series at one step: `sequence` steps of it and of the job's features, the
 * hours of the day and the week, how the last value stands to the means of longer pasts, and what the series
 * did a day and a week ago over the same leads. Values count from the last one, in units of the series' own
 * measure: its mean deviation within blocks of 32 steps, the median over the newest AX_SPEAKER_SPAN steps,
 * which a change of level does not inflate. Features count from their own mean over these steps, in units of
 * their mean deviation from it. So a series of any level and size is served by a model that never saw it.
 * Rows are made by one function for fits and for serving. What is known of step t is what the windows said at
 * t. */
#ifndef AX_TRAIN_SPEAKER_DATA_H
#define AX_TRAIN_SPEAKER_DATA_H

#include "forecast/forecast.h"
#include "forecast/member.h"
#include "train/refer.h"

#define AX_SPEAKER_PER_LEAD_MAX 3 /* outputs of a lead */
#define AX_SPEAKER_FEATURES_MAX 64
#define AX_SPEAKER_LEADS_MAX 17     /* one step, and 16 horizons */
#define AX_SPEAKER_CATEGORIES_MAX 8 /* labels */
#define AX_SPEAKER_VALUES_MAX 32    /* values of one that are told apart */
#define AX_SPEAKER_SPAN 240         /* steps of a series' own measure */

/* Shapes of a network. DATACENTER: LSTM 128, LSTM 64, dense 32, dense 16. INTERNET: LSTM 64, LSTM 32, dropout
 * 0.2, dense 16. */
enum ax_lstm_preset { AX_LSTM_DATACENTER, AX_LSTM_INTERNET };

/* What the configuration or a search may have chosen instead of what is usual. */
struct ax_lstm_hyper {
    bool given;        /* false: nothing was chosen */
    double rate, l2;   /* of Adam: 2e-3 in the beginning, 1e-5 */
    double dropout;    /* before the dense layers; 0: none. 0, 0.2 of INTERNET */
    double units;      /* share of the preset's layers that a layer has: 1 */
    uint32_t sequence; /* instead of the spec's; 0: that */
};

/* What the network is, and what its inputs mean. */
struct ax_speaker_spec {
    enum ax_lstm_preset preset;
    struct ax_lstm_hyper hyper; /* of a fit; what serves has that of its artifact */
    uint32_t sequence;
    uint32_t past; /* steps before that of a row that there must be, when they are more than its sequence */
    uint32_t longest; /* of a search: what rows have room for, whatever the sequence; 0: there is none */
    int64_t step_ms;
    uint32_t leads[AX_SPEAKER_LEADS_MAX], leads_n; /* steps ahead, ascending */
    uint32_t features_n;                           /* of the job, beside the series itself */
    struct ax_str categories[AX_SPEAKER_CATEGORIES_MAX];
    uint32_t categories_n;     /* labels that are one-hot inputs */
    uint32_t epochs, patience; /* most epochs of a fold; epochs without progress that end it */
    uint32_t depth;            /* of trees (train/trees.h), whose epochs are rounds; of a network none */
    uint32_t rows_max;         /* of a fit */
    struct ax_str features;    /* what the inputs are, as text: a model that learnt from others is refused */
};

/* One series at one step: its past, and those of the features that belong to it (n 0: none), which end with
 * it. */
struct ax_speaker_past {
    struct ax_past target;
    const struct ax_view *features; /* [features_n] */
    const struct ax_label *labels;  /* of the series, */
    uint32_t labels_n;              /* for the categories */
};

/* The values that were seen of the labels; the place of one is its input. */
struct ax_speaker_vocabulary {
    uint32_t n[AX_SPEAKER_CATEGORIES_MAX];
    char *values[AX_SPEAKER_CATEGORIES_MAX][AX_SPEAKER_VALUES_MAX];
};

/* How a row is to be read: forecast = last + scale * output. */
struct ax_speaker_frame {
    double last, scale;
};

/* Floats of a step of a row. */
uint32_t ax_speaker_width(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v);

/* Write the row of a past, [sequence][width]; false when the series has no value to count from. No
 * allocation. */
bool ax_speaker_row(const struct ax_speaker_spec *spec, const struct ax_speaker_vocabulary *v,
                    const struct ax_speaker_past *p, float *row, struct ax_speaker_frame *frame);

/* Write the vocabulary's value of a label unless it is there or full. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_speaker_vocabulary_add(struct ax_speaker_vocabulary *v, uint32_t category,
                                                  struct ax_str value);

/* Free what it holds. */
void ax_speaker_vocabulary_done(struct ax_speaker_vocabulary *v);

struct ax_speaker_data;

/* Data of no series yet, for a fit; the spec is copied, with its texts. NULL when out of memory. */
struct ax_speaker_data *ax_speaker_data_new(const struct ax_speaker_spec *spec);

/* Copy a series with all its past. AX_LIMIT when the data would have more than bytes_max: it is not in them.
 */
AX_MUST_USE enum ax_err ax_speaker_data_add(struct ax_speaker_data *d, const struct ax_speaker_past *p,
                                            uint64_t bytes_max);

/* Let the artifact have the references that are made of these (train/refer.h), which are the data's from now
 * on; NULL: none. Once. */
void ax_speaker_data_refer(struct ax_speaker_data *d, struct ax_drift_pasts *pasts);

/* Bytes of it, and of what a fit will take beside it. */
uint64_t ax_speaker_data_bytes(const struct ax_speaker_data *d);

#endif
