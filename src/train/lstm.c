/* lstm.c: the kind "lstm": from weights to a model file, and from that to what serves. */
#include "base/parse.h"
#include "config/config.h"
#include "nn/model_file.h"
#include "nn/serving.h"
#include "train/fit_pairs.h"
#include "train/lstm_priv.h"
#include "train/speaker.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_SEARCHED 48     /* the longest */
#define KEY_CATEGORY "category." /* and its number: the values, one a line */
#define VOCABULARY_BYTES_MAX (1u << 20)

struct ax_lstm {
    struct ax_speaker_vocabulary vocabulary;
    struct ax_nn_serving *serving;
    uint32_t sequence;
};

static void free_model(void *model)
{
    struct ax_lstm *m = model;
    if (!m)
        return;
    ax_speaker_vocabulary_done(&m->vocabulary);
    ax_nn_serving_free(m->serving);
    free(m);
}

const struct ax_speaker_vocabulary *ax_lstm_vocabulary_of(const struct ax_lstm *m)
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

/* Texts of the pairs of a file that a network alone has. */
struct texts {
    char hyper[320], categories[AX_SPEAKER_CATEGORIES_MAX][24];
};

/* What it was fitted with, and whether somebody chose that, as a JSON object. */
static void write_hyper(const struct ax_speaker_spec *spec, char *out, size_t n)
{
    const struct ax_lstm_hyper h = spec->hyper.given ? spec->hyper : ax_lstm_usual(spec->preset);
    (void)snprintf(out, n,
                   "{\"preset\": \"%s\", \"learning_rate\": %.17g, \"l2\": %.17g, \"dropout\": %.17g, "
                   "\"units\": %.17g, \"sequence\": %" PRIu32 ", \"chosen\": %s, \"epochs\": %" PRIu32
                   ", \"patience\": %" PRIu32 ", \"max_rows\": %" PRIu32 "}",
                   spec->preset == AX_LSTM_DATACENTER ? "datacenter" : "internet", h.rate, h.l2, h.dropout,
                   h.units, spec->sequence, spec->hyper.given ? "true" : "false", spec->epochs,
                   spec->patience, spec->rows_max);
}

/* A model file of a network that has learnt. */
static enum ax_err encode(const struct ax_speaker_data *d, uint64_t seed, const struct ax_nn_net *net,
                          const struct ax_fit_result *r, struct ax_buf *artifact, struct ax_diag *diag)
{
    struct ax_fit_texts told;
    struct texts t;
    struct ax_buf values[AX_SPEAKER_CATEGORIES_MAX];
    struct ax_nn_pair pairs[AX_FIT_PAIRS + 1 + AX_SPEAKER_CATEGORIES_MAX];
    uint32_t n = ax_fit_pairs(d, seed, AX_LSTM_SCALER, r, &told, pairs);
    enum ax_err err = AX_OK;
    write_hyper(&d->spec, t.hyper, sizeof t.hyper);
    pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_HYPER), ax_str(t.hyper)};
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
    struct ax_speaker_data *d = data;
    struct ax_nn_net *net = NULL;
    struct ax_fit_result result;
    enum ax_err err = ax_speaker_data_made(d, progress, diag);
    if (err == AX_OK)
        err = ax_lstm_learn(d, seed, progress, &net, &result, diag);
    if (err == AX_OK)
        err = encode(d, seed, net, &result, artifact, diag);
    ax_nn_net_free(net);
    return err;
}

static bool read_object(struct ax_str text, struct ax_lstm_hyper *h, double *sequence)
{
    int chosen = 0;
    json_t *o = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const bool good = o && json_unpack(o, "{s:F, s:F, s:F, s:F, s:F, s:b}", "learning_rate", &h->rate, "l2",
                                       &h->l2, "dropout", &h->dropout, "units", &h->units, "sequence",
                                       sequence, "chosen", &chosen) == 0;
    json_decref(o);
    h->given = chosen != 0;
    return good;
}

/* What was chosen for the network; what is usual is not told apart from the configuration's. */
static enum ax_err read_hyper(const struct ax_nn_file *f, struct ax_lstm_hyper *h, struct ax_diag *diag)
{
    const struct ax_str text = ax_nn_file_value(f, AX_NN_KEY_HYPER);
    double sequence = 0;
    *h = (struct ax_lstm_hyper){.given = false};
    const bool read = read_object(text, h, &sequence);
    if (read && !h->given)
        return AX_OK;
    if (!read || !(h->dropout >= 0 && h->dropout < 1) || !(h->units > 0 && h->units <= 1) ||
        !(sequence >= 0 && sequence <= AX_LSTM_SEQUENCE_MAX))
        return ax_fail(diag, AX_CORRUPT, "does not say of what size it is");
    h->sequence = (uint32_t)sequence;
    return AX_OK;
}

static enum ax_err read_vocabulary(const struct ax_nn_file *f, const struct ax_speaker_spec *spec,
                                   struct ax_speaker_vocabulary *v, struct ax_diag *diag)
{
    for (uint32_t i = 0; i < spec->categories_n; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, KEY_CATEGORY "%" PRIu32, i);
        struct ax_str left = ax_nn_file_value(f, key);
        while (left.n) {
            const char *end = memchr(left.p, '\n', left.n);
            const size_t n = end ? (size_t)(end - left.p) : left.n;
            if (ax_speaker_vocabulary_add(v, i, (struct ax_str){left.p, n}) != AX_OK)
                return ax_fail(diag, AX_NOMEM, "out of memory");
            left = (struct ax_str){left.p + n + (end ? 1 : 0), left.n - n - (end ? 1 : 0)};
        }
    }
    return AX_OK;
}

/* The network of a file, packed for serving. */
static enum ax_err read_network(const struct ax_nn_file *f, const struct ax_speaker_spec *spec,
                                struct ax_lstm *m, struct ax_diag *diag)
{
    struct ax_nn_net *net = NULL;
    enum ax_err err = ax_lstm_net(spec, ax_speaker_width(spec, &m->vocabulary), 0, &net, diag);
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
    struct ax_speaker_spec own = *(const struct ax_speaker_spec *)wanted;
    const struct ax_speaker_spec *spec = &own;
    struct ax_nn_file *f = NULL;
    struct ax_lstm *m = calloc(1, sizeof *m);
    *model = NULL;
    enum ax_err err = m ? ax_nn_file_parse(artifact, &f, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = ax_fit_expect(f, spec, AX_LSTM_SCALER, diag);
    if (err == AX_OK)
        err = ax_fit_read_scores(f, scores, diag);
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

/* In the order of ax_lstm_hyper. */
static const struct ax_search_param searched[] = {{"learning_rate", AX_SEARCH_LOG, 3e-4, 2e-2},
                                                  {"l2", AX_SEARCH_LOG, 1e-7, 1e-3},
                                                  {"dropout", AX_SEARCH_LINEAR, 0, 0.5},
                                                  {"units", AX_SEARCH_LINEAR, 0.25, 1},
                                                  {"sequence", AX_SEARCH_WHOLE, 4, SEQUENCE_SEARCHED}};

/* Are there rows enough, half of those that there could be, and memory for them? */
static bool has_room(const struct ax_speaker_data *d, uint64_t rows, uint64_t bytes_max)
{
    const uint64_t left = ax_speaker_data_rows(d);
    return 2 * left >= rows && left / 2 >= AX_SPEAKER_ROWS_MIN && ax_speaker_data_bytes(d) <= bytes_max;
}

/* The longest sequence that the configuration may have for windows as long as the longest past. */
static uint32_t allowed(const struct ax_speaker_data *d)
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
    struct ax_speaker_data *d = data;
    const uint64_t rows = ax_speaker_data_rows(d);
    const uint32_t most = allowed(d);
    d->spec.longest = d->spec.sequence > most ? d->spec.sequence : most;
    while (d->spec.longest > d->spec.sequence && !has_room(d, rows, bytes_max))
        d->spec.longest--;
}

static void set(void *data, const double *x)
{
    struct ax_speaker_data *d = data;
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
    struct ax_speaker_data *d = data;
    d->spec.longest = 0;
}

const struct ax_train_kind ax_lstm_kind = {.name = "lstm",
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
                                           .begin_search = begin_search,
                                           .end_search = end_search,
                                           .block = "forecast: {lstm: {%s}}"};

/* ---- as a speaker ---- */

/* What the job's block says, if it is not what is usual. */
static struct ax_lstm_hyper hyper_of(const struct ax_lstm_config *cfg, enum ax_lstm_preset preset)
{
    struct ax_lstm_hyper h = {.given = true, .rate = cfg->rate, .l2 = cfg->l2, .units = cfg->units};
    const struct ax_lstm_hyper usual = ax_lstm_usual(preset);
    h.dropout = cfg->dropout < 0 ? usual.dropout : cfg->dropout;
    h.given = fabs(h.rate - usual.rate) > 0 || fabs(h.l2 - usual.l2) > 0 || fabs(h.units - usual.units) > 0 ||
              fabs(h.dropout - usual.dropout) > 0;
    return h;
}

static void speaker_ask(const struct ax_forecast_config *forecast, struct ax_speaker_spec *s)
{
    const struct ax_lstm_config *cfg = &forecast->lstm;
    s->preset = ax_str_eq(cfg->preset, ax_str("datacenter")) ? AX_LSTM_DATACENTER : AX_LSTM_INTERNET;
    s->sequence = cfg->sequence;
    s->epochs = cfg->epochs;
    s->patience = cfg->patience;
    s->rows_max = cfg->rows_max;
    s->hyper = hyper_of(cfg, s->preset);
    s->categories_n = cfg->categorical_n;
    for (uint32_t i = 0; i < s->categories_n; i++)
        s->categories[i] = cfg->categorical[i];
}

static int64_t speaker_every_ms(const struct ax_forecast_config *forecast)
{
    return forecast->lstm.fit_every_ms;
}

static size_t speaker_row(const struct ax_speaker_spec *spec, const void *model)
{
    const struct ax_lstm *m = model;
    return (size_t)m->sequence * ax_speaker_width(spec, &m->vocabulary);
}

static size_t speaker_scratch(const void *model)
{
    return ax_lstm_scratch(model);
}

static bool speaker_put(const struct ax_speaker_spec *spec, const void *model,
                        const struct ax_speaker_past *p, struct ax_arena *arena, float *row,
                        struct ax_speaker_frame *frame)
{
    const struct ax_lstm *m = model;
    struct ax_speaker_spec own = *spec;
    own.sequence = m->sequence;
    (void)arena;
    return ax_speaker_row(&own, &m->vocabulary, p, row, frame);
}

static void speaker_run(const void *model, void *scratch, const float *rows, uint32_t n, float *out)
{
    ax_lstm_run(model, scratch, rows, n, out);
}

const struct ax_speaker_kind ax_lstm_speaker = {.train = &ax_lstm_kind,
                                                .per_lead = AX_LSTM_QUANTILES,
                                                .median = AX_LSTM_MEDIAN,
                                                .ask = speaker_ask,
                                                .every_ms = speaker_every_ms,
                                                .row = speaker_row,
                                                .scratch = speaker_scratch,
                                                .put = speaker_put,
                                                .run = speaker_run};
