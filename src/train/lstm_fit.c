/* lstm_fit.c: from data to weights: rows in the order of time, rolling folds, early stopping. */
#include "nn/trainer.h"
#include "train/lstm_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 16 /* steps before the first row, beside its sequence */
#define BATCH 128
#define RATE 2e-3
#define RATE_FALL 20 /* by which it falls during a fold */
#define L2 1e-5
#define UNITS_MIN 4 /* of a layer, however small its share */
#define CLIP_NORM 1.0f
#define TARGET_CLIP 20.0 /* scales: farther is as far */
#define FINISH 2         /* epochs over everything, the newest too */

static const float quantiles[AX_LSTM_QUANTILES] = {0.05f, 0.5f, 0.95f};

/* A row to be: a series at a step. */
struct origin {
    int64_t t_ms;
    uint32_t series, step;
};

/* The rows of a fit, by time, with where they are cut. */
struct rows {
    struct origin *v;
    uint32_t n, width, outputs;
    float *x, *y, *y_fold; /* y_fold: what a fold may know of y */
};

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
static struct ax_lstm_hyper hyper_of(const struct ax_lstm_spec *spec)
{
    return spec->hyper.given ? spec->hyper : ax_lstm_usual(spec->preset);
}

static uint32_t part_of(uint32_t units, double share)
{
    const uint32_t part = (uint32_t)lround(units * share);
    return part > UNITS_MIN ? part : UNITS_MIN;
}

enum ax_err ax_lstm_net(const struct ax_lstm_spec *spec, uint32_t width, uint64_t seed,
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

uint32_t ax_lstm_longest(const struct ax_lstm_spec *spec)
{
    return spec->longest > spec->sequence ? spec->longest : spec->sequence;
}

uint32_t ax_lstm_rows_of(const struct ax_lstm_spec *spec, uint32_t n)
{
    const uint32_t before = ax_lstm_longest(spec) + CONTEXT + spec->leads[0];
    return n > before ? n - before : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct origin *x = a, *y = b;
    if (x->t_ms != y->t_ms)
        return x->t_ms < y->t_ms ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

uint64_t ax_lstm_data_rows(const struct ax_lstm_data *d)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < d->n; i++)
        all += ax_lstm_rows_of(&d->spec, d->series[i].fine_n);
    return all;
}

/* Choose evenly among all rows that there could be, and order them by time. */
static enum ax_err choose(const struct ax_lstm_data *d, struct rows *r, struct ax_diag *diag)
{
    const struct ax_lstm_spec *spec = &d->spec;
    const uint64_t all = ax_lstm_data_rows(d);
    if (spec->longest && spec->sequence > spec->longest)
        return ax_fail(diag, AX_NOTREADY, "for a sequence of %u there is too little past or memory",
                       spec->sequence);
    if (all < AX_LSTM_ROWS_MIN)
        return ax_fail(diag, AX_NOTREADY, "%llu rows to learn from are too few: %d are needed",
                       (unsigned long long)all, AX_LSTM_ROWS_MIN);
    const uint64_t stride = (all + spec->rows_max - 1) / spec->rows_max;
    r->v = calloc(all / stride + 1, sizeof *r->v);
    if (!r->v)
        return ax_fail(diag, AX_NOMEM, "out of memory for %u rows", spec->rows_max);
    uint64_t at = 0; /* over the rows of all series: every stride-th */
    for (uint32_t i = 0; i < d->n; i++) {
        const uint32_t mine = ax_lstm_rows_of(spec, d->series[i].fine_n);
        const uint32_t first = d->series[i].fine_n - spec->leads[0] - mine;
        for (uint32_t k = 0; k < mine; k++, at++) {
            if (at % stride != 0)
                continue;
            const uint32_t step = first + k;
            const int64_t t_ms =
                d->series[i].fine_ms - (int64_t)(d->series[i].fine_n - 1 - step) * spec->step_ms;
            r->v[r->n++] = (struct origin){t_ms, i, step};
        }
    }
    qsort(r->v, r->n, sizeof *r->v, by_time);
    return AX_OK;
}

/* How far the series moved at each lead, in its measure; NaN where that is not known. */
static bool put_target(const struct ax_lstm_data *d, const struct origin *o, const struct ax_lstm_frame *f,
                       float *y)
{
    const struct ax_lstm_series *s = &d->series[o->series];
    bool any = false;
    for (uint32_t k = 0; k < d->spec.leads_n; k++) {
        const uint64_t then = (uint64_t)o->step + d->spec.leads[k];
        double moved = NAN;
        if (then < s->fine_n)
            moved = ((double)d->block[s->at + then] - f->last) / f->scale;
        if (moved > TARGET_CLIP)
            moved = TARGET_CLIP;
        if (moved < -TARGET_CLIP)
            moved = -TARGET_CLIP;
        any |= !isnan(moved);
        for (uint32_t q = 0; q < AX_LSTM_QUANTILES; q++)
            y[k * AX_LSTM_QUANTILES + q] = (float)moved;
    }
    return any;
}

/* Fill x and y; origins without a row or a target leave. */
static bool fill(const struct ax_lstm_data *d, struct rows *r, const struct ax_fit_progress *progress)
{
    struct ax_view views[AX_LSTM_FEATURES_MAX];
    const size_t row = (size_t)d->spec.sequence * r->width;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct origin o = r->v[i];
        const struct ax_lstm_past p = ax_lstm_data_past(d, o.series, o.step, views);
        struct ax_lstm_frame f;
        if (i % 1024 == 0 && !ax_fit_goes_on(progress, 0))
            return false;
        if (!ax_lstm_row_of(&d->spec, &d->vocabulary, &p, d->series[o.series].codes, r->x + kept * row, &f) ||
            !put_target(d, &o, &f, r->y + (size_t)kept * r->outputs))
            continue;
        r->v[kept++] = o;
    }
    r->n = kept;
    return true;
}

static enum ax_err make_rows(const struct ax_lstm_data *d, const struct ax_fit_progress *progress,
                             struct rows *r, struct ax_diag *diag)
{
    enum ax_err err = choose(d, r, diag);
    if (err != AX_OK)
        return err;
    r->width = ax_lstm_width(&d->spec, &d->vocabulary);
    r->outputs = d->spec.leads_n * AX_LSTM_QUANTILES;
    r->x = malloc((size_t)r->n * d->spec.sequence * r->width * sizeof *r->x);
    r->y = malloc((size_t)r->n * r->outputs * sizeof *r->y);
    r->y_fold = malloc((size_t)r->n * r->outputs * sizeof *r->y_fold);
    if (!r->x || !r->y || !r->y_fold)
        return ax_fail(diag, AX_NOMEM, "out of memory for %u rows", r->n);
    if (!fill(d, r, progress))
        return ax_fail(diag, AX_BUSY, "called off");
    if (r->n < AX_LSTM_ROWS_MIN)
        return ax_fail(diag, AX_NOTREADY, "%u rows to learn from are too few: %d are needed", r->n,
                       AX_LSTM_ROWS_MIN);
    return AX_OK;
}

static void free_rows(struct rows *r)
{
    free(r->v);
    free(r->x);
    free(r->y);
    free(r->y_fold);
}

/* The first row at or after a share of the time between the first and the last. */
static uint32_t cut_at(const struct rows *r, double share)
{
    const int64_t first = r->v[0].t_ms, last = r->v[r->n - 1].t_ms;
    const int64_t at = first + (int64_t)(share * (double)(last - first));
    uint32_t i = 0;
    while (i < r->n && r->v[i].t_ms < at)
        i++;
    return i;
}

/* Of the first n rows what was known when row n began: no target from then on. */
static void mask(const struct ax_lstm_spec *spec, struct rows *r, uint32_t n)
{
    const int64_t known_ms = n < r->n ? r->v[n].t_ms : INT64_MAX;
    memcpy(r->y_fold, r->y, (size_t)n * r->outputs * sizeof *r->y);
    for (uint32_t i = 0; i < n && known_ms != INT64_MAX; i++)
        for (uint32_t k = 0; k < spec->leads_n; k++)
            if (r->v[i].t_ms + (int64_t)spec->leads[k] * spec->step_ms >= known_ms)
                for (uint32_t q = 0; q < AX_LSTM_QUANTILES; q++)
                    r->y_fold[(size_t)i * r->outputs + (size_t)k * AX_LSTM_QUANTILES + q] = NAN;
}

/* Errors of the median and of the last value over rows that were not learnt from. */
struct errors {
    double median, last, loss;
    uint32_t folds;
};

static void judge(struct ax_nn_pass *pass, const struct ax_lstm_spec *spec, const struct rows *r,
                  const struct fold *f, struct errors *e)
{
    const size_t row = (size_t)spec->sequence * r->width;
    for (uint32_t i = f->from, n; i < f->until; i += n) {
        n = f->until - i < BATCH ? f->until - i : BATCH;
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
    const struct ax_lstm_spec *spec;
    struct rows *rows;
    struct ax_nn_net *net;
    const struct ax_fit_progress *progress;
    float all_quantiles[AX_LSTM_LEADS_MAX * AX_LSTM_QUANTILES];
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

/* Learn from what was before the fold until it does not help on the fold any more. */
static enum ax_err run_fold(struct fitting *f, const struct fold *fold, struct errors *e,
                            struct ax_diag *diag)
{
    const struct ax_lstm_spec *spec = f->spec;
    const float rate = (float)hyper_of(spec).rate;
    const struct ax_nn_schedule cosine = {
        .kind = AX_NN_COSINE, .rate = rate, .rate_min = rate / RATE_FALL, .epochs = spec->epochs};
    const size_t row = (size_t)spec->sequence * f->rows->width;
    struct ax_nn_trainer *t = NULL;
    struct ax_nn_pass *pass = NULL;
    bool stop = false;
    enum ax_err err = make_trainer(f, &cosine, &t, diag);
    if (err != AX_OK)
        return err;
    mask(spec, f->rows, fold->from);
    for (uint32_t i = 0; i < spec->epochs && !stop && err == AX_OK; i++) {
        if (!run_epoch(f, t, fold->from, i, spec->epochs)) {
            err = ax_fail(diag, AX_BUSY, "called off");
            break;
        }
        const double loss =
            ax_nn_trainer_loss(t, f->rows->x + fold->from * row,
                               f->rows->y + (size_t)fold->from * f->rows->outputs, fold->until - fold->from);
        stop = ax_nn_trainer_stop(t, loss, spec->patience);
        if (e->folds == 0 &&
            !ax_fit_stands(f->progress, loss)) /* all fits have as many epochs of the first */
            err = ax_fail(diag, AX_BUSY, "it does worse than others did");
    }
    const double best = ax_nn_trainer_best(t);
    ax_nn_trainer_free(t);
    if (err == AX_OK && !isfinite(best))
        err = ax_fail(diag, AX_NUMERIC, "the loss on held-out rows was never finite");
    if (err == AX_OK)
        err = ax_nn_pass_new(f->net, BATCH, f->seed, &pass, diag);
    if (err == AX_OK) {
        judge(pass, spec, f->rows, fold, e);
        e->loss += best;
        e->folds++;
    }
    ax_nn_pass_free(pass);
    return err;
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
    mask(f->spec, f->rows, f->rows->n);
    for (uint32_t i = 0; i < FINISH && err == AX_OK; i++)
        if (!run_epoch(f, t, f->rows->n, i, FINISH))
            err = ax_fail(diag, AX_BUSY, "called off");
    ax_nn_trainer_free(t);
    return err;
}

static enum ax_err learn(struct fitting *f, struct errors *e, struct ax_diag *diag)
{
    const struct fold folds[] = {{cut_at(f->rows, 0.6), cut_at(f->rows, 0.8)},
                                 {cut_at(f->rows, 0.8), f->rows->n}};
    const double shares[] = {0.4, 0.5};
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < 2 && err == AX_OK; i++) {
        if (folds[i].from == 0 || folds[i].from == folds[i].until)
            return ax_fail(diag, AX_NOTREADY, "the rows are of one time");
        f->share = shares[i];
        err = run_fold(f, &folds[i], e, diag);
        f->done += shares[i];
    }
    f->share = 1 - f->done;
    return err == AX_OK ? finish(f, diag) : err;
}

enum ax_err ax_lstm_learn(const struct ax_lstm_data *d, uint64_t seed, const struct ax_fit_progress *progress,
                          struct ax_nn_net **net, struct ax_lstm_result *result, struct ax_diag *diag)
{
    struct rows rows = {0};
    struct errors e = {0};
    struct fitting f = {.spec = &d->spec, .rows = &rows, .progress = progress, .seed = seed};
    *net = NULL;
    for (size_t i = 0; i < sizeof f.all_quantiles / sizeof *f.all_quantiles; i++)
        f.all_quantiles[i] = quantiles[i % AX_LSTM_QUANTILES];
    enum ax_err err = make_rows(d, progress, &rows, diag);
    if (err == AX_OK)
        err = ax_lstm_net(&d->spec, rows.width, seed, &f.net, diag);
    if (err == AX_OK)
        err = learn(&f, &e, diag);
    if (err == AX_OK) {
        *result =
            (struct ax_lstm_result){.scores = {.from_ms = rows.v[0].t_ms,
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
    free_rows(&rows);
    return err;
}
