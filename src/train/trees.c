/* trees.c: the kind "trees": from rows to forests, and from these to a model file and back. */
#include "train/trees.h"

#include "nn/model_file.h"
#include "train/boost.h"
#include "train/fit_pairs.h"
#include "train/rowset.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCALER "counts from the last value, by the local deviation of 240 steps; rest as it is"
#define STOP_AT 0.6
#define JUDGE_AT 0.8
#define NAME_MAX_BYTES 24

struct trees {
    uint32_t leads_n;
    uint32_t width;
    struct ax_forest lead[AX_SPEAKER_LEADS_MAX];
};

uint32_t ax_trees_width(const struct ax_speaker_spec *spec)
{
    static const struct ax_speaker_vocabulary none;
    return ax_speaker_width(spec, &none) + AX_FEATURES_N;
}

/* Values of the vector that say where the series is count from where it is now. */
static bool is_level(enum ax_feature f)
{
    switch (f) {
    case AX_FEATURE_stddev:
    case AX_FEATURE_diff_1:
    case AX_FEATURE_diff_5:
    case AX_FEATURE_diff_10:
        return false;
    default:
        return strcmp(ax_feature_info(f)->unit, "input") == 0;
    }
}

static bool in_unit(enum ax_feature f)
{
    return strcmp(ax_feature_info(f)->unit, "input") == 0;
}

static bool put(const struct ax_speaker_spec *spec, const struct ax_speaker_past *p, struct ax_arena *arena,
                float *row, struct ax_speaker_frame *frame)
{
    static const struct ax_speaker_vocabulary none;
    double vector[AX_FEATURES_N];
    if (!ax_speaker_row(spec, &none, p, row, frame) ||
        ax_features_compute(&p->target.fine, p->target.t_ms, arena, vector) != AX_OK)
        return false;
    row += ax_speaker_width(spec, &none);
    for (uint32_t i = 0; i < AX_FEATURES_N; i++) {
        const double from = is_level((enum ax_feature)i) ? frame->last : 0,
                     unit = in_unit((enum ax_feature)i) ? frame->scale : 1;
        row[i] = (float)((vector[i] - from) / unit);
        if (isinf(row[i])) /* too far for a float */
            row[i] = NAN;
    }
    return true;
}

/* ---- the fit ---- */

/* A fit on its way. */
struct fitting {
    const struct ax_speaker_data *d;
    struct ax_rowset rows;
    struct ax_arena arena;
    const struct ax_fit_progress *progress;
    uint64_t seed;
    float *x, *y, *judged, *actual; /* of a part: rows that have a target, and those that judge */
    uint32_t lead, done;            /* parts, of three a lead */
    bool stopped;                   /* nobody wants it */
};

/* What the rounds of a part came to. */
struct course {
    struct fitting *f;
    uint32_t judged_n, best_round; /* trees of the best; 0: none is better than the last value */
    double best;                   /* sum of its errors */
    uint32_t rounds;               /* most that there may be */
    bool patient;                  /* stops when it does not help any more */
};

static double error_of(const float *said, const float *actual, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += fabs((double)(said ? said[i] : 0) - (double)actual[i]);
    return sum;
}

static bool after_round(void *ctx, uint32_t round, const float *said)
{
    struct course *c = ctx;
    struct fitting *f = c->f;
    const double parts = 3.0 * f->d->spec.leads_n;
    if (!ax_fit_goes_on(f->progress, (f->done + (double)(round + 1) / c->rounds) / parts)) {
        f->stopped = true;
        return false;
    }
    if (!said)
        return true;
    const double error = error_of(said, f->actual, c->judged_n);
    if (!c->patient || error < c->best) {
        c->best = error;
        c->best_round = round + 1;
    }
    return !c->patient || round + 1 - c->best_round < f->d->spec.patience;
}

/* Copy the rows from..until that have a target at this lead. */
static uint32_t gather(const struct fitting *f, const float *targets, uint32_t from, uint32_t until, float *x,
                       float *y)
{
    const struct ax_rowset *r = &f->rows;
    uint32_t n = 0;
    for (uint32_t i = from; i < until; i++) {
        const float target = targets[(size_t)i * r->outputs + f->lead];
        if (isnan(target))
            continue;
        memcpy(x + n * r->row, r->x + i * r->row, r->row * sizeof *x);
        y[n++] = target;
    }
    return n;
}

/* Take the rows from..until to judge by, with targets that were known when row `until` began; how many. */
static uint32_t gather_judged(struct fitting *f, uint32_t from, uint32_t until)
{
    ax_rowset_mask(&f->d->spec, &f->rows, until);
    return gather(f, f->rows.y_fold, from, until, f->judged, f->actual);
}

/* Learn from the rows before `from`, judged by those up to `until`. AX_NOTREADY without rows. */
static enum ax_err learn(struct fitting *f, uint32_t from, uint32_t until, struct course *c,
                         struct ax_forest *out, struct ax_diag *diag)
{
    c->judged_n = gather_judged(f, from, until);
    ax_rowset_mask(&f->d->spec, &f->rows, from);
    const uint32_t n = gather(f, f->rows.y_fold, 0, from, f->x, f->y);
    if (n < AX_SPEAKER_ROWS_MIN / 2 || (until > from && c->judged_n == 0))
        return AX_NOTREADY;
    const struct ax_boost_spec spec = {.x = f->x,
                                       .y = f->y,
                                       .n = n,
                                       .features = (uint32_t)f->rows.row,
                                       .rounds = c->rounds,
                                       .depth = f->d->spec.depth,
                                       .seed = f->seed,
                                       .round = after_round,
                                       .ctx = c,
                                       .judged = f->judged,
                                       .judged_n = c->judged_n};
    const enum ax_err err = ax_boost(&spec, out, diag);
    return f->stopped ? ax_fail(diag, AX_BUSY, "called off") : err;
}

/* How far it was off, over the rows and leads that it never saw. */
struct sums {
    double error, last;
    uint32_t n, trees;
};

/* The forest of one lead; of no trees where nothing is gained by any. */
static enum ax_err fit_lead(struct fitting *f, struct ax_forest *out, struct sums *sums, struct ax_diag *diag)
{
    const uint32_t stop = ax_rowset_cut(&f->rows, STOP_AT), judge = ax_rowset_cut(&f->rows, JUDGE_AT);
    struct course c = {.f = f, .rounds = f->d->spec.epochs, .patient = true};
    c.judged_n = gather_judged(f, stop, judge);
    c.best = error_of(NULL, f->actual, c.judged_n);
    enum ax_err err = learn(f, stop, judge, &c, NULL, diag);
    f->done++;
    const uint32_t trees = err == AX_OK ? c.best_round : 0;
    struct course late = {.f = f, .rounds = trees, .best = 0};
    if (err == AX_OK && trees)
        err = learn(f, judge, f->rows.n, &late, NULL, diag);
    if (err == AX_OK) {
        const uint32_t n = gather_judged(f, judge, f->rows.n);
        const double last = error_of(NULL, f->actual, n);
        sums->error += trees ? late.best : last;
        sums->last += last;
        sums->n += n;
        sums->trees += trees;
    }
    f->done++;
    struct course all = {.f = f, .rounds = trees};
    if (err == AX_OK && trees)
        err = learn(f, f->rows.n, f->rows.n, &all, out, diag);
    f->done++;
    return err == AX_NOTREADY ? AX_OK : err; /* a lead that is longer than the past: no trees */
}

static bool put_row(void *ctx, const struct ax_speaker_data *d, const struct ax_speaker_past *p,
                    const uint8_t *codes, float *row, struct ax_speaker_frame *frame)
{
    struct ax_arena *arena = ctx;
    (void)codes;
    ax_arena_reset(arena);
    return put(&d->spec, p, arena, row, frame);
}

static bool make_room(struct fitting *f)
{
    const size_t n = f->rows.n, row = f->rows.row;
    f->x = malloc(n * row * sizeof *f->x);
    f->judged = malloc(n * row * sizeof *f->judged);
    f->y = malloc(n * sizeof *f->y);
    f->actual = malloc(n * sizeof *f->actual);
    return f->x && f->judged && f->y && f->actual;
}

static enum ax_err encode(const struct ax_speaker_data *d, uint64_t seed, const struct trees *t,
                          const struct ax_fit_result *result, struct ax_buf *artifact, struct ax_diag *diag)
{
    struct ax_fit_texts told;
    struct ax_nn_pair pairs[AX_FIT_PAIRS + 1];
    struct ax_nn_tensor tensors[2 * AX_SPEAKER_LEADS_MAX];
    char names[2 * AX_SPEAKER_LEADS_MAX][NAME_MAX_BYTES], hyper[192];
    float *blocks[AX_SPEAKER_LEADS_MAX] = {NULL};
    uint32_t n = ax_fit_pairs(d, seed, SCALER, result, &told, pairs), tensors_n = 0;
    enum ax_err err = AX_OK;
    (void)snprintf(hyper, sizeof hyper,
                   "{\"rounds\": %" PRIu32 ", \"depth\": %" PRIu32 ", \"patience\": %" PRIu32
                   ", \"max_rows\": %" PRIu32 ", \"learning_rate\": " AX_BOOST_RATE
                   ", \"subsample\": " AX_BOOST_SUBSAMPLE "}",
                   d->spec.epochs, d->spec.depth, d->spec.patience, d->spec.rows_max);
    pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_HYPER), ax_str(hyper)};
    for (uint32_t k = 0; k < t->leads_n && err == AX_OK; k++) {
        const struct ax_forest *f = &t->lead[k];
        if (f->trees_n == 0)
            continue;
        blocks[k] = malloc(((size_t)f->nodes_n * AX_FOREST_NODE + f->trees_n) * sizeof *blocks[k]);
        if (!blocks[k]) {
            err = ax_fail(diag, AX_NOMEM, "out of memory for %u nodes", f->nodes_n);
            continue;
        }
        float *roots = blocks[k] + (size_t)f->nodes_n * AX_FOREST_NODE;
        ax_forest_write(f, blocks[k], roots);
        (void)snprintf(names[(size_t)2 * k], NAME_MAX_BYTES, "%" PRIu32 ".nodes", k);
        (void)snprintf(names[(size_t)2 * k + 1], NAME_MAX_BYTES, "%" PRIu32 ".roots", k);
        tensors[tensors_n++] =
            (struct ax_nn_tensor){ax_str(names[(size_t)2 * k]), f->nodes_n, AX_FOREST_NODE, blocks[k]};
        tensors[tensors_n++] = (struct ax_nn_tensor){ax_str(names[(size_t)2 * k + 1]), f->trees_n, 1, roots};
    }
    if (err == AX_OK)
        err = ax_nn_file_encode(tensors, tensors_n, pairs, n, artifact, diag);
    for (uint32_t k = 0; k < t->leads_n; k++)
        free(blocks[k]);
    return err;
}

static void free_model(void *model)
{
    struct trees *t = model;
    for (uint32_t k = 0; t && k < t->leads_n; k++)
        ax_forest_done(&t->lead[k]);
    free(t);
}

static enum ax_err fit_all(struct fitting *f, struct trees *t, struct ax_fit_result *result,
                           struct ax_diag *diag)
{
    struct sums sums = {0};
    enum ax_err err = make_room(f) ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory for %u rows", f->rows.n);
    for (f->lead = 0; f->lead < t->leads_n && err == AX_OK; f->lead++) {
        err = fit_lead(f, &t->lead[f->lead], &sums, diag);
        /* All fits have the same leads, in this order. */
        if (err == AX_OK && sums.n && !ax_fit_stands(f->progress, sums.error / sums.n))
            err = ax_fail(diag, AX_BUSY, "given up");
    }
    if (err != AX_OK)
        return err;
    if (sums.n == 0)
        return ax_fail(diag, AX_NOTREADY, "the rows are of one time");
    *result = (struct ax_fit_result){.scores = {.from_ms = f->rows.v[0].t_ms,
                                                .until_ms = INT64_MIN,
                                                .samples = f->rows.n,
                                                .loss = sums.error / sums.n,
                                                .skill = sums.last > 0 ? 1 - sums.error / sums.last : 0},
                                     .epochs = sums.trees};
    for (uint32_t i = 0; i < f->d->n; i++)
        if (f->d->series[i].fine_ms > result->scores.until_ms)
            result->scores.until_ms = f->d->series[i].fine_ms;
    return AX_OK;
}

static enum ax_err fit(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                       struct ax_buf *artifact, struct ax_diag *diag)
{
    struct fitting f = {.d = data, .progress = progress, .seed = seed};
    struct ax_fit_result result;
    struct trees *t = calloc(1, sizeof *t);
    if (!t)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    t->leads_n = f.d->spec.leads_n;
    ax_arena_init(&f.arena, SIZE_MAX);
    const struct ax_row_maker maker = {put_row, &f.arena, ax_trees_width(&f.d->spec), 1};
    enum ax_err err = ax_speaker_data_made(data, progress, diag);
    if (err == AX_OK)
        err = ax_rowset_make(f.d, &maker, progress, &f.rows, diag);
    if (err == AX_OK)
        err = fit_all(&f, t, &result, diag);
    if (err == AX_OK)
        err = encode(f.d, seed, t, &result, artifact, diag);
    free(f.x);
    free(f.y);
    free(f.judged);
    free(f.actual);
    ax_rowset_free(&f.rows);
    ax_arena_done(&f.arena);
    free_model(t);
    return err;
}

/* ---- what serves ---- */

static enum ax_err read_forest(const struct ax_nn_file *file, uint32_t lead, uint32_t width,
                               struct ax_forest *f, struct ax_diag *diag)
{
    char nodes[NAME_MAX_BYTES], roots[NAME_MAX_BYTES];
    uint32_t nodes_n, trees_n, cols, col;
    (void)snprintf(nodes, sizeof nodes, "%" PRIu32 ".nodes", lead);
    (void)snprintf(roots, sizeof roots, "%" PRIu32 ".roots", lead);
    if (!ax_nn_file_tensor(file, nodes, &nodes_n, &cols))
        return AX_OK; /* none was better than the last value */
    if (cols != AX_FOREST_NODE || !ax_nn_file_tensor(file, roots, &trees_n, &col) || col != 1)
        return ax_fail(diag, AX_CORRUPT, "trees of lead %u: not of that shape", lead);
    const size_t n = (size_t)nodes_n * cols;
    float *v = malloc((n + trees_n) * sizeof *v);
    enum ax_err err = AX_NOMEM;
    if (v && ax_nn_file_floats(file, nodes, v, n) && ax_nn_file_floats(file, roots, v + n, trees_n))
        err = ax_forest_read(f, v, nodes_n, v + n, trees_n, width);
    free(v);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "trees of lead %u: %s", lead, ax_err_text(err));
}

static enum ax_err build(const void *wanted, struct ax_str artifact, void **model,
                         struct ax_fit_scores *scores, struct ax_diag *diag)
{
    const struct ax_speaker_spec *spec = wanted;
    struct ax_nn_file *file = NULL;
    struct trees *t = calloc(1, sizeof *t);
    *model = NULL;
    enum ax_err err = t ? ax_nn_file_parse(artifact, &file, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = ax_fit_expect(file, spec, SCALER, diag);
    if (err == AX_OK)
        err = ax_fit_read_scores(file, scores, diag);
    if (err == AX_OK) {
        t->leads_n = spec->leads_n;
        t->width = ax_trees_width(spec);
    }
    for (uint32_t k = 0; err == AX_OK && k < t->leads_n; k++)
        err = read_forest(file, k, t->width, &t->lead[k], diag);
    ax_nn_file_free(file);
    if (err == AX_OK)
        *model = t;
    else
        free_model(t);
    return err;
}

/* Trees see one step, and of the past what the vector says. */
static void speaker_ask(const struct ax_forecast_config *forecast, struct ax_speaker_spec *s)
{
    const struct ax_trees_config *cfg = &forecast->trees;
    s->sequence = 1;
    s->past = AX_FEATURES_STEPS; /* a vector of less past says other things */
    s->epochs = cfg->rounds;
    s->depth = cfg->depth;
    s->patience = cfg->patience;
    s->rows_max = cfg->rows_max;
}

static int64_t speaker_every_ms(const struct ax_forecast_config *forecast)
{
    return forecast->trees.fit_every_ms;
}

static void speaker_describe(struct ax_buf *out)
{
    ax_buf_printf(out, "\nvector: %016llx", (unsigned long long)ax_features_hash());
}

static size_t speaker_row(const struct ax_speaker_spec *spec, const void *model)
{
    (void)model;
    return ax_trees_width(spec);
}

static size_t speaker_scratch(const void *model)
{
    (void)model;
    return 0;
}

static bool speaker_put(const struct ax_speaker_spec *spec, const void *model,
                        const struct ax_speaker_past *p, struct ax_arena *arena, float *row,
                        struct ax_speaker_frame *frame)
{
    (void)model;
    return put(spec, p, arena, row, frame);
}

static void speaker_run(const void *model, void *scratch, const float *rows, uint32_t n, float *out)
{
    const struct trees *t = model;
    (void)scratch;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < t->leads_n; k++)
            out[(size_t)i * t->leads_n + k] = ax_forest_run(&t->lead[k], rows + (size_t)i * t->width);
}

/* Of no more rounds and depth than fit into a model file with the most horizons: what was chosen is pasted
 * into the configuration, which must take it. */
static const struct ax_search_param searched[] = {{"rounds", AX_SEARCH_WHOLE, 20, 200},
                                                  {"depth", AX_SEARCH_WHOLE, 2, 6},
                                                  {"patience", AX_SEARCH_WHOLE, 5, 40}};

/* In their order. Rows do not depend on any of them. */
static void set(void *data, const double *x)
{
    struct ax_speaker_data *d = data;
    d->spec.epochs = (uint32_t)lround(x[0]);
    d->spec.depth = (uint32_t)lround(x[1]);
    d->spec.patience = (uint32_t)lround(x[2]);
}

const struct ax_train_kind ax_trees_kind = {.name = "trees",
                                            .fit = fit,
                                            .free_data = ax_speaker_data_free,
                                            .build = build,
                                            .free_model = free_model,
                                            .references = ax_fit_references,
                                            .scores = ax_fit_scores_of,
                                            .each = ax_speaker_data_each,
                                            .params = searched,
                                            .params_n = sizeof searched / sizeof *searched,
                                            .set = set,
                                            .block = "forecast: {trees: {%s}}"};

const struct ax_speaker_kind ax_trees_speaker = {.train = &ax_trees_kind,
                                                 .per_lead = 1,
                                                 .ask = speaker_ask,
                                                 .every_ms = speaker_every_ms,
                                                 .describe = speaker_describe,
                                                 .row = speaker_row,
                                                 .scratch = speaker_scratch,
                                                 .put = speaker_put,
                                                 .run = speaker_run};
