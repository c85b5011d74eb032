/* lstm.c: the kind "lstm": from weights to a model file, and from that to what serves. */
#include "base/parse.h"
#include "config/config.h"
#include "nn/model_file.h"
#include "nn/serving.h"
#include "registry/digest.h"
#include "train/lstm_priv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_SEARCHED 48 /* the longest */
#define KEY_EPOCHS "epochs"
#define KEY_CATEGORY "category." /* and its number: the values, one a line */
#define VOCABULARY_BYTES_MAX (1u << 20)
#define TIME_MAX 9e15 /* ms; a double has it exactly */
#define SCALER "counts from the last value, by the mean deviation of 240 steps, clipped at 8"

struct ax_lstm {
    struct ax_lstm_vocabulary vocabulary;
    struct ax_nn_serving *serving;
    uint32_t sequence;
};

static void free_data(void *data)
{
    struct ax_lstm_data *d = data;
    if (!d)
        return;
    ax_lstm_vocabulary_done(&d->vocabulary);
    ax_arena_done(&d->texts);
    free(d->series);
    free(d->block);
    free(d);
}

static void free_model(void *model)
{
    struct ax_lstm *m = model;
    if (!m)
        return;
    ax_lstm_vocabulary_done(&m->vocabulary);
    ax_nn_serving_free(m->serving);
    free(m);
}

const struct ax_lstm_vocabulary *ax_lstm_vocabulary_of(const struct ax_lstm *m)
{
    return &m->vocabulary;
}

uint32_t ax_lstm_sequence(const struct ax_lstm *m)
{
    return m->sequence;
}

size_t ax_lstm_scratch(const struct ax_lstm *m)
{
    return ax_nn_serving_scratch(m->serving);
}

void ax_lstm_run(const struct ax_lstm *m, void *scratch, const float *rows, uint32_t n, float *out)
{
    ax_nn_serving_run(m->serving, scratch, rows, n, out);
}

/* Texts of the pairs of a file. */
struct texts {
    char window[64], seed[24], scores[96], samples[24], epochs[24], hash[AX_SHA256_TEXT], hyper[160];
    char categories[AX_LSTM_CATEGORIES_MAX][24];
};

/* A model file of a network that has learnt. */
static enum ax_err encode(const struct ax_lstm_data *d, uint64_t seed, const struct ax_nn_net *net,
                          const struct ax_lstm_result *r, struct ax_buf *artifact, struct ax_diag *diag)
{
    const struct ax_fit_scores *s = &r->scores;
    struct texts t;
    struct ax_buf values[AX_LSTM_CATEGORIES_MAX];
    struct ax_nn_pair pairs[10 + AX_LSTM_CATEGORIES_MAX];
    uint32_t n = 0;
    enum ax_err err = AX_OK;
    (void)snprintf(t.window, sizeof t.window, "%" PRId64 " %" PRId64, s->from_ms, s->until_ms);
    (void)snprintf(t.seed, sizeof t.seed, "%" PRIu64, seed);
    (void)snprintf(t.scores, sizeof t.scores, "{\"loss\": %.9g, \"skill\": %.9g}", s->loss,
                   isnan(s->skill) ? 0 : s->skill);
    (void)snprintf(t.samples, sizeof t.samples, "%.0f", s->samples);
    (void)snprintf(t.epochs, sizeof t.epochs, "%" PRIu32, r->epochs);
    ax_sha256_text(d->spec.features, t.hash);
    const struct ax_nn_pair fixed[] = {
        {ax_str(AX_NN_KEY_FEATURES), d->spec.features}, {ax_str(AX_NN_KEY_FEATURES_HASH), ax_str(t.hash)},
        {ax_str(AX_NN_KEY_SCALER), ax_str(SCALER)},     {ax_str(AX_NN_KEY_DATA_WINDOW), ax_str(t.window)},
        {ax_str(AX_NN_KEY_SEED), ax_str(t.seed)},       {ax_str(AX_NN_KEY_SCORES), ax_str(t.scores)},
        {ax_str(AX_NN_KEY_SAMPLES), ax_str(t.samples)}, {ax_str(KEY_EPOCHS), ax_str(t.epochs)},
    };
    for (; n < sizeof fixed / sizeof *fixed; n++)
        pairs[n] = fixed[n];
    if (d->references.n)
        pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_REFERENCES), d->references};
    if (d->spec.hyper.given) {
        const struct ax_lstm_hyper *h = &d->spec.hyper;
        (void)snprintf(t.hyper, sizeof t.hyper, "%.17g %.17g %.17g %.17g %" PRIu32, h->rate, h->l2,
                       h->dropout, h->units, d->spec.sequence);
        pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_HYPER), ax_str(t.hyper)};
    }
    for (uint32_t i = 0; i < d->spec.categories_n; i++) {
        ax_buf_init(&values[i], VOCABULARY_BYTES_MAX);
        for (uint32_t k = 0; k < d->vocabulary.n[i]; k++)
            ax_buf_printf(&values[i], "%s\n", d->vocabulary.values[i][k]);
        if (values[i].err != AX_OK)
            err = ax_fail(diag, values[i].err, "the values of a label are too long");
        (void)snprintf(t.categories[i], sizeof t.categories[i], KEY_CATEGORY "%" PRIu32, i);
        pairs[n++] = (struct ax_nn_pair){ax_str(t.categories[i]), ax_buf_view(&values[i])};
    }
    if (err == AX_OK)
        err = ax_nn_file_encode_net(net, pairs, n, artifact, diag);
    for (uint32_t i = 0; i < d->spec.categories_n; i++)
        ax_buf_done(&values[i]);
    return err;
}

static enum ax_err fit(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                       struct ax_buf *artifact, struct ax_diag *diag)
{
    const struct ax_lstm_data *d = data;
    struct ax_nn_net *net = NULL;
    struct ax_lstm_result result;
    enum ax_err err = ax_lstm_learn(d, seed, progress, &net, &result, diag);
    if (err == AX_OK)
        err = encode(d, seed, net, &result, artifact, diag);
    ax_nn_net_free(net);
    return err;
}

/* The number that a value of a file begins with behind `skip`; *left is what follows it. */
static bool number_of(struct ax_str *left, const char *skip, double *out)
{
    const struct ax_str s = ax_str(skip);
    size_t n = 0;
    if (left->n < s.n || memcmp(left->p, s.p, s.n) != 0)
        return false;
    *left = (struct ax_str){left->p + s.n, left->n - s.n};
    while (n < left->n && left->p[n] != ' ' && left->p[n] != ',' && left->p[n] != '}')
        n++;
    if (ax_parse_double((struct ax_str){left->p, n}, out) != AX_OK)
        return false;
    *left = (struct ax_str){left->p + n, left->n - n};
    return true;
}

static enum ax_err read_scores(const struct ax_nn_file *f, struct ax_fit_scores *s, struct ax_diag *diag)
{
    struct ax_str window = ax_nn_file_value(f, AX_NN_KEY_DATA_WINDOW),
                  scores = ax_nn_file_value(f, AX_NN_KEY_SCORES),
                  samples = ax_nn_file_value(f, AX_NN_KEY_SAMPLES);
    double from, until;
    if (!number_of(&window, "", &from) || !number_of(&window, " ", &until) ||
        !number_of(&scores, "{\"loss\": ", &s->loss) || !number_of(&scores, ", \"skill\": ", &s->skill) ||
        !number_of(&samples, "", &s->samples) || !(fabs(from) < TIME_MAX && fabs(until) < TIME_MAX))
        return ax_fail(diag, AX_CORRUPT, "does not say what it learnt from, and how well");
    s->from_ms = (int64_t)from; /* whole and exact: below 2^53 */
    s->until_ms = (int64_t)until;
    return AX_OK;
}

/* What was chosen for the network, numbers in the order of ax_lstm_hyper, of which the last was not always
 * there; nothing, when the file says nothing. */
static enum ax_err read_hyper(const struct ax_nn_file *f, struct ax_lstm_hyper *h, struct ax_diag *diag)
{
    struct ax_str text = ax_nn_file_value(f, AX_NN_KEY_HYPER);
    double sequence = 0;
    *h = (struct ax_lstm_hyper){.given = text.n > 0};
    if (!h->given)
        return AX_OK;
    if (!number_of(&text, "", &h->rate) || !number_of(&text, " ", &h->l2) ||
        !number_of(&text, " ", &h->dropout) || !number_of(&text, " ", &h->units) ||
        (text.n && !number_of(&text, " ", &sequence)) || !(h->dropout >= 0 && h->dropout < 1) ||
        !(h->units > 0 && h->units <= 1) || !(sequence >= 0 && sequence <= AX_LSTM_SEQUENCE_MAX))
        return ax_fail(diag, AX_CORRUPT, "does not say of what size it is");
    h->sequence = (uint32_t)sequence;
    return AX_OK;
}

static enum ax_err read_vocabulary(const struct ax_nn_file *f, const struct ax_lstm_spec *spec,
                                   struct ax_lstm_vocabulary *v, struct ax_diag *diag)
{
    for (uint32_t i = 0; i < spec->categories_n; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, KEY_CATEGORY "%" PRIu32, i);
        struct ax_str left = ax_nn_file_value(f, key);
        while (left.n) {
            const char *end = memchr(left.p, '\n', left.n);
            const size_t n = end ? (size_t)(end - left.p) : left.n;
            if (ax_lstm_vocabulary_add(v, i, (struct ax_str){left.p, n}) != AX_OK)
                return ax_fail(diag, AX_NOMEM, "out of memory");
            left = (struct ax_str){left.p + n + (end ? 1 : 0), left.n - n - (end ? 1 : 0)};
        }
    }
    return AX_OK;
}

/* The network of a file, packed for serving. */
static enum ax_err read_network(const struct ax_nn_file *f, const struct ax_lstm_spec *spec,
                                struct ax_lstm *m, struct ax_diag *diag)
{
    struct ax_nn_net *net = NULL;
    enum ax_err err = ax_lstm_net(spec, ax_lstm_width(spec, &m->vocabulary), 0, &net, diag);
    if (err == AX_OK)
        err = ax_nn_file_load(f, net, diag);
    if (err == AX_OK)
        err = ax_nn_serving_new(net, ax_nn_kernels(), &m->serving, diag);
    ax_nn_net_free(net);
    return err;
}

static enum ax_err build(const void *wanted, struct ax_str artifact, void **model,
                         struct ax_fit_scores *scores, struct ax_diag *diag)
{
    struct ax_lstm_spec own = *(const struct ax_lstm_spec *)wanted;
    const struct ax_lstm_spec *spec = &own;
    char hash[AX_SHA256_TEXT];
    struct ax_nn_file *f = NULL;
    struct ax_lstm *m = calloc(1, sizeof *m);
    *model = NULL;
    ax_sha256_text(spec->features, hash);
    enum ax_err err = m ? ax_nn_file_parse(artifact, &f, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = ax_nn_file_expect(f, AX_NN_KEY_FEATURES, spec->features, diag);
    if (err == AX_OK)
        err = ax_nn_file_expect(f, AX_NN_KEY_FEATURES_HASH, ax_str(hash), diag);
    if (err == AX_OK)
        err = read_scores(f, scores, diag);
    if (err == AX_OK)
        err = read_hyper(f, &own.hyper, diag);
    if (err == AX_OK) {
        own.sequence = own.hyper.sequence ? own.hyper.sequence : own.sequence;
        m->sequence = own.sequence;
    }
    if (err == AX_OK)
        err = read_vocabulary(f, spec, &m->vocabulary, diag);
    if (err == AX_OK)
        err = read_network(f, spec, m, diag);
    ax_nn_file_free(f);
    if (err == AX_OK)
        *model = m;
    else
        free_model(m);
    return err;
}

static enum ax_err each(const void *data, ax_train_see *see, void *ctx)
{
    const struct ax_lstm_data *d = data;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < d->n && err == AX_OK; i++) {
        const struct ax_lstm_series *s = &d->series[i];
        struct ax_validation_series one = {d->block + s->at, s->fine_n, 1, s->fine_ms, d->spec.step_ms};
        err = see(ctx, &one);
        for (uint32_t k = 0; k < d->spec.features_n && err == AX_OK; k++) {
            one.v = d->block + s->at + s->fine_n + s->coarse_n + (size_t)k * s->fine_n;
            err = see(ctx, &one);
        }
    }
    return err;
}

static enum ax_err references(struct ax_str artifact, struct ax_drift_references **out, struct ax_diag *diag)
{
    struct ax_nn_file *f = NULL;
    *out = NULL;
    enum ax_err err = ax_nn_file_parse(artifact, &f, diag);
    if (err != AX_OK)
        return err;
    err = ax_drift_references_read(ax_nn_file_value(f, AX_NN_KEY_REFERENCES), out);
    ax_nn_file_free(f);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "what it learnt from is damaged");
}

/* In the order of ax_lstm_hyper. */
static const struct ax_search_param searched[] = {{"learning_rate", AX_SEARCH_LOG, 3e-4, 2e-2},
                                                  {"l2", AX_SEARCH_LOG, 1e-7, 1e-3},
                                                  {"dropout", AX_SEARCH_LINEAR, 0, 0.5},
                                                  {"units", AX_SEARCH_LINEAR, 0.25, 1},
                                                  {"sequence", AX_SEARCH_WHOLE, 4, SEQUENCE_SEARCHED}};

/* Are there rows enough, half of those that there could be, and memory for them? */
static bool has_room(const struct ax_lstm_data *d, uint64_t rows, uint64_t bytes_max)
{
    const uint64_t left = ax_lstm_data_rows(d);
    return 2 * left >= rows && left / 2 >= AX_LSTM_ROWS_MIN && ax_lstm_data_bytes(d) <= bytes_max;
}

/* The longest sequence that the configuration may have for windows as long as the longest past. */
static uint32_t allowed(const struct ax_lstm_data *d)
{
    uint32_t past = 0;
    for (uint32_t i = 0; i < d->n; i++)
        past = d->series[i].fine_n > past ? d->series[i].fine_n : past;
    return past >= SEQUENCE_SEARCHED + AX_LSTM_WINDOW_BEYOND ? SEQUENCE_SEARCHED
           : past > AX_LSTM_WINDOW_BEYOND                    ? past - AX_LSTM_WINDOW_BEYOND
                                                             : 0;
}

/* The longest sequence for which there is room: of its rows are all fits. What was chosen is pasted into the
 * configuration, which must take it. */
static void begin_search(void *data, uint64_t bytes_max)
{
    struct ax_lstm_data *d = data;
    const uint64_t rows = ax_lstm_data_rows(d);
    const uint32_t most = allowed(d);
    d->spec.longest = d->spec.sequence > most ? d->spec.sequence : most;
    while (d->spec.longest > d->spec.sequence && !has_room(d, rows, bytes_max))
        d->spec.longest--;
}

static void set(void *data, const double *x)
{
    struct ax_lstm_data *d = data;
    d->spec.sequence = (uint32_t)lround(x[4]);
    d->spec.hyper = (struct ax_lstm_hyper){.given = true,
                                           .rate = x[0],
                                           .l2 = x[1],
                                           .dropout = x[2],
                                           .units = x[3],
                                           .sequence = d->spec.sequence};
}

static void end_search(void *data)
{
    struct ax_lstm_data *d = data;
    d->spec.longest = 0;
}

const struct ax_train_kind ax_lstm_kind = {.name = "lstm",
                                           .fit = fit,
                                           .free_data = free_data,
                                           .build = build,
                                           .free_model = free_model,
                                           .references = references,
                                           .each = each,
                                           .params = searched,
                                           .params_n = sizeof searched / sizeof *searched,
                                           .set = set,
                                           .begin_search = begin_search,
                                           .end_search = end_search,
                                           .block = "forecast: {lstm: {%s}}"};
