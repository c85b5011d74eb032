/* lstm_fit.c: from data to weights: rows in the order of time, rolling folds, early stopping. */
#include "nn/trainer.h"
#include "train/lstm_priv.h"
#include "train/rowset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 128
#define RATE 2e-3
#define RATE_FALL 20 /* by which it falls during a fold */
#define L2 1e-5
#define UNITS_MIN 4 /* of a layer, however small its share */
#define CLIP_NORM 1.0f
#define FINISH 2 /* epochs over everything, the newest too */

static const float quantiles[AX_LSTM_QUANTILES] = {0.05f, 0.5f, 0.95f};

/* A fold learns from rows before `from`, and is judged by those before `until`. */
struct fold {
    uint32_t from, until;
};

struct ax_lstm_hyper ax_lstm_usual(enum ax_lstm_preset preset)
{
    return (struct ax_lstm_hyper){
        .rate = RATE, .l2 = L2, .dropout = preset == AX_LSTM_INTERNET ? 0.2 : 0, .units = 1};
}

/* What a fit has, whether somebody chose it or not. */
static struct ax_lstm_hyper hyper_of(const struct ax_speaker_spec *spec)
{
    return spec->hyper.given ? spec->hyper : ax_lstm_usual(spec->preset);
}

static uint32_t part_of(uint32_t units, double share)
{
    const uint32_t part = (uint32_t)lround(units * share);
    return part > UNITS_MIN ? part : UNITS_MIN;
}

enum ax_err ax_lstm_net(const struct ax_speaker_spec *spec, uint32_t width, uint64_t seed,
                        struct ax_nn_net **out, struct ax_diag *diag)
{
    const struct ax_lstm_hyper h = hyper_of(spec);
    const bool large = spec->preset == AX_LSTM_DATACENTER;
    struct ax_nn_layer_spec layers[7];
    uint32_t n = 0;
    layers[n++] = (struct ax_nn_layer_spec){.kind = AX_NN_LSTM, .units = part_of(large ? 128 : 64, h.units)};
    layers[n++] = (struct ax_nn_layer_spec){.kind = AX_NN_LSTM, .units = part_of(large ? 64 : 32, h.units)};
    layers[n++] = (struct ax_nn_layer_spec){.kind = AX_NN_LAST};
    if (h.dropout > 0)
        layers[n++] = (struct ax_nn_layer_spec){.kind = AX_NN_DROPOUT, .rate = (float)h.dropout};
    if (large)
        layers[n++] =
            (struct ax_nn_layer_spec){.kind = AX_NN_DENSE, .units = part_of(32, h.units), .act = AX_NN_RELU};
    layers[n++] =
        (struct ax_nn_layer_spec){.kind = AX_NN_DENSE, .units = part_of(16, h.units), .act = AX_NN_RELU};
    layers[n++] = (struct ax_nn_layer_spec){.kind = AX_NN_DENSE, .units = spec->leads_n * AX_LSTM_QUANTILES};
    const struct ax_nn_spec net = {
        .steps = spec->sequence, .features = width, .layers = layers, .layers_n = n};
    return ax_nn_net_new(&net, seed, out, diag);
}

/* Of the folds the losses at which they stopped; of what none had seen by then, the errors of the median and
 * of the last value. */
struct errors {
    double median, last, loss;
    uint32_t folds;
};

static void sum_errors(struct ax_nn_pass *pass, const struct ax_rowset *r, uint32_t from, struct errors *e)
{
    const size_t row = r->row;
    for (uint32_t i = from, n; i < r->n; i += n) {
        n = r->n - i < BATCH ? r->n - i : BATCH;
        const float *out = ax_nn_pass_forward(pass, r->x + i * row, NULL, n, false);
        for (uint32_t k = 0; k < n * r->outputs; k += AX_LSTM_QUANTILES) {
            const double actual = (double)r->y[(size_t)i * r->outputs + k];
            if (isnan(actual))
                continue;
            e->median += fabs((double)out[k + AX_LSTM_MEDIAN] - actual);
            e->last += fabs(actual);
        }
    }
}

/* A fit on its way. */
struct fitting {
    const struct ax_speaker_spec *spec;
    struct ax_rowset *rows;
    struct ax_nn_net *net;
    const struct ax_fit_progress *progress;
    float all_quantiles[AX_SPEAKER_LEADS_MAX * AX_LSTM_QUANTILES];
    uint64_t seed;
    double done, share; /* of the whole fit: before this part, and this part's */
    uint32_t epochs;
};

static enum ax_err make_trainer(struct fitting *f, const struct ax_nn_schedule *schedule,
                                struct ax_nn_trainer **out, struct ax_diag *diag)
{
    struct ax_nn_training how = ax_nn_training_defaults;
    how.loss = (struct ax_nn_loss){.kind = AX_NN_PINBALL, .quantiles = f->all_quantiles};
    how.schedule = *schedule;
    how.l2 = (float)hyper_of(f->spec).l2;
    how.clip = CLIP_NORM;
    how.rows = BATCH;
    how.seed = f->seed;
    return ax_nn_trainer_new(f->net, &how, f->rows->n, out, diag);
}

/* One epoch over the first n rows. */
static bool run_epoch(struct fitting *f, struct ax_nn_trainer *t, uint32_t n, double part, double parts)
{
    double loss;
    uint32_t done = 0;
    ax_nn_trainer_shuffle(t, n);
    while (ax_nn_trainer_next(t, f->rows->x, f->rows->y_fold, &loss)) {
        done += BATCH;
        if (!ax_fit_goes_on(f->progress, f->done + f->share * (part + (double)done / (n + BATCH)) / parts))
            return false;
    }
    f->epochs++;
    return true;
}

/* Judge the network by the rows from one on, which it has neither learnt from nor been stopped by. */
static enum ax_err judge(const struct fitting *f, uint32_t from, struct errors *e, struct ax_diag *diag)
{
    struct ax_nn_pass *pass = NULL;
    const enum ax_err err = ax_nn_pass_new(f->net, BATCH, f->seed, &pass, diag);
    if (err == AX_OK)
        sum_errors(pass, f->rows, from, e);
    ax_nn_pass_free(pass);
    return err;
}

/* Learn from what was before the fold until it does not help on the fold any more, as far as that was known
 * when the fold ended. */
static enum ax_err run_fold(struct fitting *f, const struct fold *fold, struct errors *e,
                            struct ax_diag *diag)
{
    const struct ax_speaker_spec *spec = f->spec;
    const float rate = (float)hyper_of(spec).rate;
    const struct ax_nn_schedule cosine = {
        .kind = AX_NN_COSINE, .rate = rate, .rate_min = rate / RATE_FALL, .epochs = spec->epochs};
    const size_t row = f->rows->row;
    struct ax_nn_trainer *t = NULL;
    bool stop = false;
    enum ax_err err = make_trainer(f, &cosine, &t, diag);
    if (err != AX_OK)
        return err;
    ax_rowset_mask(spec, f->rows, fold->until);
    ax_rowset_mask(spec, f->rows, fold->from); /* of the rows before, over that */
    for (uint32_t i = 0; i < spec->epochs && !stop && err == AX_OK; i++) {
        if (!run_epoch(f, t, fold->from, i, spec->epochs)) {
            err = ax_fail(diag, AX_BUSY, "called off");
            break;
        }
        const double loss = ax_nn_trainer_loss(t, f->rows->x + fold->from * row,
                                               f->rows->y_fold + (size_t)fold->from * f->rows->outputs,
                                               fold->until - fold->from);
        stop = ax_nn_trainer_stop(t, loss, spec->patience);
        if (e->folds == 0 &&
            !ax_fit_stands(f->progress, loss)) /* all fits have as many epochs of the first */
            err = ax_fail(diag, AX_BUSY, "it does worse than others did");
    }
    const double best = ax_nn_trainer_best(t);
    ax_nn_trainer_free(t);
    if (err == AX_OK && !isfinite(best))
        err = ax_fail(diag, AX_NUMERIC, "the loss on held-out rows was never finite");
    if (err != AX_OK)
        return err;
    e->loss += best;
    e->folds++;
    return AX_OK;
}

/* A little more, from everything: the newest rows are what the next ones are like. */
static enum ax_err finish(struct fitting *f, struct ax_diag *diag)
{
    const struct ax_nn_schedule slow = {.kind = AX_NN_CONSTANT,
                                        .rate = (float)hyper_of(f->spec).rate / RATE_FALL};
    struct ax_nn_trainer *t = NULL;
    enum ax_err err = make_trainer(f, &slow, &t, diag);
    if (err != AX_OK)
        return err;
    ax_rowset_mask(f->spec, f->rows, f->rows->n);
    for (uint32_t i = 0; i < FINISH && err == AX_OK; i++)
        if (!run_epoch(f, t, f->rows->n, i, FINISH))
            err = ax_fail(diag, AX_BUSY, "called off");
    ax_nn_trainer_free(t);
    return err;
}

static enum ax_err learn(struct fitting *f, struct errors *e, struct ax_diag *diag)
{
    const struct fold folds[] = {{ax_rowset_cut(f->rows, 0.6), ax_rowset_cut(f->rows, 0.8)},
                                 {ax_rowset_cut(f->rows, 0.8), f->rows->n}};
    const double shares[] = {0.4, 0.5};
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < 2 && err == AX_OK; i++) {
        if (folds[i].from == 0 || folds[i].from == folds[i].until)
            return ax_fail(diag, AX_NOTREADY, "the rows are of one time");
        f->share = shares[i];
        err = run_fold(f, &folds[i], e, diag);
        if (err == AX_OK && i == 0)
            err = judge(f, folds[0].until, e, diag);
        f->done += shares[i];
    }
    f->share = 1 - f->done;
    return err == AX_OK ? finish(f, diag) : err;
}

static bool put_row(void *ctx, const struct ax_speaker_data *d, const struct ax_speaker_past *p,
                    const uint8_t *codes, float *row, struct ax_speaker_frame *frame)
{
    (void)ctx;
    return ax_speaker_row_of(&d->spec, &d->vocabulary, p, codes, row, frame);
}

enum ax_err ax_lstm_learn(const struct ax_speaker_data *d, uint64_t seed,
                          const struct ax_fit_progress *progress, struct ax_nn_net **net,
                          struct ax_fit_result *result, struct ax_diag *diag)
{
    struct ax_rowset rows;
    struct errors e = {0};
    struct fitting f = {.spec = &d->spec, .rows = &rows, .progress = progress, .seed = seed};
    *net = NULL;
    for (size_t i = 0; i < sizeof f.all_quantiles / sizeof *f.all_quantiles; i++)
        f.all_quantiles[i] = quantiles[i % AX_LSTM_QUANTILES];
    const uint32_t width = ax_speaker_width(&d->spec, &d->vocabulary);
    const struct ax_row_maker maker = {
        .put = put_row, .row = (size_t)d->spec.sequence * width, .per_lead = AX_LSTM_QUANTILES};
    enum ax_err err = ax_rowset_make(d, &maker, progress, &rows, diag);
    if (err == AX_OK)
        err = ax_lstm_net(&d->spec, width, seed, &f.net, diag);
    if (err == AX_OK)
        err = learn(&f, &e, diag);
    if (err == AX_OK) {
        *result =
            (struct ax_fit_result){.scores = {.from_ms = rows.v[0].t_ms,
                                              .until_ms = INT64_MIN,
                                              .samples = rows.n,
                                              .loss = e.loss / e.folds,
                                              .skill = e.last > 0 ? 1 - e.median / e.last : (double)NAN},
                                   .epochs = f.epochs};
        for (uint32_t i = 0; i < d->n; i++)
            if (d->series[i].fine_ms > result->scores.until_ms)
                result->scores.until_ms = d->series[i].fine_ms;
        *net = f.net;
    } else {
        ax_nn_net_free(f.net);
    }
    ax_rowset_free(&rows);
    return err;
}
