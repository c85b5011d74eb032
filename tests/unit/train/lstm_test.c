/* The LSTM predictor: learns what there is to learn, the same from the same, never from what comes later, and
 * serves only those features that it learnt from. */
#include "ax_test.h"
#include "base/rng.h"
#include "base/zone.h"
#include "nn/kernels.h"
#include "nn/model_file.h"
#include "train/fit_pairs.h"
#include "train/generation.h"
#include "train/lstm.h"
#include "train/lstm_priv.h"
#include "train/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP 60000
#define N 200
#define SERIES 6
#define END ((int64_t)1700000000000 / STEP * STEP)

static const struct ax_speaker_spec small = {.preset = AX_LSTM_INTERNET,
                                             .sequence = 4,
                                             .step_ms = STEP,
                                             .leads = {1, 5},
                                             .leads_n = 2,
                                             .features_n = 1,
                                             .epochs = 8,
                                             .patience = 3,
                                             .rows_max = 1000,
                                             .features = {"a", 1}};

/* A series that its feature announces by five steps, of its own level and size. */
struct world {
    float target[SERIES][N], feature[SERIES][N];
};

static void make(struct world *w)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    for (uint32_t s = 0; s < SERIES; s++) {
        double ahead[5] = {0};
        for (uint32_t i = 0; i < N; i++) {
            w->target[s][i] = (float)(pow(10, s) * (10 + ahead[i % 5]));
            ahead[i % 5] = ax_rng_normal(&rng);
            w->feature[s][i] = (float)ahead[i % 5];
        }
    }
}

/* Series s as it was known at its step i. */
static struct ax_speaker_past past(const struct world *w, uint32_t s, uint32_t i, struct ax_view *feature)
{
    static const struct ax_label labels[2] = {{{"tier", 4}, {"gold", 4}}, {{"tier", 4}, {"tin", 3}}};
    const int64_t t_ms = END - (int64_t)(N - 1 - i) * STEP;
    *feature = (struct ax_view){w->feature[s], i + 1, t_ms, STEP};
    return (struct ax_speaker_past){.target = {.fine = {w->target[s], i + 1, t_ms, STEP},
                                               .coarse = {NULL, 0, t_ms, 5 * STEP},
                                               .t_ms = t_ms},
                                    .features = feature,
                                    .labels = &labels[s % 2],
                                    .labels_n = 1};
}

static struct ax_speaker_data *data(const struct world *w, const struct ax_speaker_spec *spec)
{
    struct ax_speaker_data *d = ax_speaker_data_new(spec);
    struct ax_view feature;
    assert_non_null(d);
    for (uint32_t s = 0; s < SERIES; s++) {
        const struct ax_speaker_past p = past(w, s, N - 1, &feature);
        assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    }
    return d;
}

/* Fit; the artifact. */
static struct ax_buf fitted(const struct world *w, const struct ax_speaker_spec *spec, uint64_t seed)
{
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    struct ax_speaker_data *d = data(w, spec);
    ax_buf_init(&b, AX_NN_FILE_MAX);
    if (ax_lstm_kind.fit(d, seed, NULL, &b, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_lstm_kind.free_data(d);
    return b;
}

static struct ax_generation *served(const struct ax_speaker_spec *spec, const struct ax_buf *artifact)
{
    struct ax_generation *g;
    struct ax_diag diag = {{0}};
    if (ax_generation_new(&ax_lstm_kind, spec, ax_buf_view(artifact), &g, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return g;
}

/* What a model says of series s at step i: medians at both leads, in the series' unit. */
static void say(const struct ax_speaker_spec *spec, const struct ax_generation *g, const struct world *w,
                uint32_t s, uint32_t i, double said[2])
{
    const struct ax_speaker_vocabulary *v = ax_lstm_vocabulary_of(g->model);
    struct ax_view feature;
    struct ax_speaker_frame frame;
    const struct ax_speaker_past p = past(w, s, i, &feature);
    const size_t bytes = (ax_lstm_scratch(g->model) / AX_NN_ALIGN + 1) * AX_NN_ALIGN;
    float *row = calloc((size_t)spec->sequence * ax_speaker_width(spec, v), sizeof *row);
    float out[2 * AX_LSTM_QUANTILES];
    void *scratch = aligned_alloc(AX_NN_ALIGN, bytes);
    assert_true(row && scratch && ax_speaker_row(spec, v, &p, row, &frame));
    ax_lstm_run(g->model, scratch, row, 1, out);
    for (int k = 0; k < 2; k++)
        said[k] = frame.last + frame.scale * (double)out[k * AX_LSTM_QUANTILES + AX_LSTM_MEDIAN];
    free(scratch);
    free(row);
}

static void it_learns_what_a_feature_announces_for_series_of_any_level(void **state)
{
    (void)state;
    struct world w;
    struct ax_speaker_spec spec = small;
    make(&w);
    spec.epochs = 60;
    spec.patience = 60;
    struct ax_buf artifact = fitted(&w, &spec, 42);
    struct ax_generation *g = served(&spec, &artifact);
    double error[SERIES] = {0}, last[SERIES] = {0}, said[2];
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t i = 150; i + 5 < N; i++) {
            say(&spec, g, &w, s, i, said);
            error[s] += fabs(said[1] - (double)w.target[s][i + 5]);
            last[s] += fabs((double)w.target[s][i] - (double)w.target[s][i + 5]);
        }
    for (uint32_t s = 0; s < SERIES; s++)
        assert_true(error[s] < 0.75 * last[s]);
    assert_true(g->scores.skill > 0.15 && g->scores.samples > 500);
    assert_true(g->scores.until_ms == END && g->scores.from_ms > END - N * STEP);
    ax_generation_free(g);
    ax_buf_done(&artifact);
}

/* In the last fifth of the time the feature announces the opposite: who had been stopped by these rows, or
 * were judged by others too, would seem better than it is. */
static void its_skill_is_that_on_rows_that_it_has_seen_nothing_of(void **state)
{
    (void)state;
    struct world w;
    struct ax_speaker_spec spec = small;
    make(&w);
    spec.leads[0] = 5; /* by which it is announced */
    spec.leads_n = 1;
    spec.epochs = spec.patience = 40;
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t i = N * 4 / 5; i < N; i++)
            w.target[s][i] = (float)(20 * pow(10, s)) - w.target[s][i];
    struct ax_buf artifact = fitted(&w, &spec, 42);
    struct ax_generation *g = served(&spec, &artifact);
    assert_true(g->scores.skill < 0.1); /* 0.25 with the rows that stopped it */
    ax_generation_free(g);
    ax_buf_done(&artifact);
}

static void the_same_data_and_seed_give_the_same_bytes(void **state)
{
    (void)state;
    struct world w;
    make(&w);
    struct ax_buf a = fitted(&w, &small, 42), b = fitted(&w, &small, 42), c = fitted(&w, &small, 43);
    assert_true(ax_str_eq(ax_buf_view(&a), ax_buf_view(&b)));
    assert_false(ax_str_eq(ax_buf_view(&a), ax_buf_view(&c)));
    assert_true(a.n < AX_NN_FILE_MAX);
    ax_buf_done(&a);
    ax_buf_done(&b);
    ax_buf_done(&c);
}

static void what_comes_later_changes_nothing_that_was_said(void **state)
{
    (void)state;
    struct world w, other;
    make(&w);
    struct ax_buf artifact = fitted(&w, &small, 42);
    struct ax_generation *g = served(&small, &artifact);
    other = w;
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t i = 151; i < N; i++) {
            other.target[s][i] *= 3;
            other.feature[s][i] -= 7;
        }
    for (uint32_t s = 0; s < SERIES; s++) {
        double one[2], two[2];
        say(&small, g, &w, s, 150, one);
        say(&small, g, &other, s, 150, two);
        assert_memory_equal(one, two, sizeof one);
    }
    ax_generation_free(g);
    ax_buf_done(&artifact);
}

static void a_model_of_features_a_refuses_features_b(void **state)
{
    (void)state;
    struct world w;
    make(&w);
    struct ax_buf artifact = fitted(&w, &small, 42);
    struct ax_speaker_spec b = small;
    struct ax_generation *g;
    struct ax_diag diag = {{0}};
    b.features = ax_str("b");
    assert_int_equal(ax_generation_new(&ax_lstm_kind, &b, ax_buf_view(&artifact), &g, &diag), AX_CONFLICT);
    assert_null(g);
    assert_non_null(strstr(diag.text, "\"a\"; \"b\" is wanted"));
    b = small;
    b.preset = AX_LSTM_DATACENTER; /* another network */
    assert_int_equal(ax_generation_new(&ax_lstm_kind, &b, ax_buf_view(&artifact), &g, &diag), AX_CONFLICT);
    artifact.bytes[artifact.n / 2] ^= 1;
    assert_int_equal(ax_generation_new(&ax_lstm_kind, &small, ax_buf_view(&artifact), &g, &diag), AX_CORRUPT);
    ax_buf_done(&artifact);
}

static void labels_are_inputs_and_their_values_go_with_the_model(void **state)
{
    (void)state;
    struct world w;
    struct ax_speaker_spec spec = small;
    make(&w);
    spec.categories[0] = ax_str("tier");
    spec.categories_n = 1;
    spec.epochs = 1;
    struct ax_buf artifact = fitted(&w, &spec, 42);
    struct ax_generation *g = served(&spec, &artifact);
    const struct ax_speaker_vocabulary *v = ax_lstm_vocabulary_of(g->model);
    assert_int_equal(v->n[0], 2);
    assert_string_equal(v->values[0][0], "gold");
    assert_string_equal(v->values[0][1], "tin");
    assert_int_equal(ax_speaker_width(&spec, v), ax_speaker_width(&small, v) + 2);
    ax_generation_free(g);
    ax_buf_done(&artifact);
}

static void gaps_infinities_and_series_that_stand_still_give_finite_rows(void **state)
{
    (void)state;
    struct world w;
    static const struct ax_speaker_vocabulary none;
    float row[4 * 64];
    struct ax_view feature;
    struct ax_speaker_frame frame;
    make(&w);
    for (uint32_t i = 0; i < N; i++) {
        w.target[0][i] = 7;
        w.target[1][i] = i % 3 ? NAN : w.target[1][i];
        w.feature[1][i] = NAN;
        w.target[2][i] = NAN;
        w.target[3][i] = i % 2 ? 3e38f : -3e38f;
    }
    for (uint32_t s = 0; s < 4; s++) {
        const struct ax_speaker_past p = past(&w, s, N - 1, &feature);
        assert_int_equal(ax_speaker_row(&small, &none, &p, row, &frame), s != 2);
        for (uint32_t i = 0; s != 2 && i < small.sequence * ax_speaker_width(&small, &none); i++)
            assert_true(isfinite(row[i]));
        assert_true(s == 2 || (isfinite(frame.last) && frame.scale > 0));
    }
}

static void hours_are_those_of_the_clocks_in_a_fit_and_in_serving(void **state)
{
    (void)state;
    struct world w;
    static const struct ax_speaker_vocabulary none;
    float local[4 * 64], later[4 * 64];
    struct ax_view feature;
    struct ax_speaker_frame frame;
    struct ax_zone *zone = NULL;
    assert_int_equal(ax_zone_load(ax_str("Europe/Berlin"), &zone, NULL), AX_OK);
    struct ax_local_time clocks = {.zone = zone};
    ax_local_time_cover(&clocks, END - (int64_t)N * STEP, END);
    const int64_t ahead_ms = ax_local_offset_ms(&clocks, END);
    assert_true(ahead_ms > 0);
    make(&w);
    struct ax_speaker_past p = past(&w, 0, N - 1, &feature);
    p.target.clocks = &clocks;
    assert_true(ax_speaker_row(&small, &none, &p, local, &frame));
    struct ax_speaker_data *d = ax_speaker_data_new(&small);
    assert_non_null(d);
    assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    struct ax_view views[1];
    const struct ax_speaker_past copied = ax_speaker_data_past(d, 0, N - 1, views);
    assert_int_equal(ax_local_offset_ms(copied.target.clocks, END), ahead_ms);
    ax_speaker_data_free(d);
    p.target.clocks = NULL; /* UTC says so later */
    p.target.t_ms += ahead_ms;
    assert_true(ax_speaker_row(&small, &none, &p, later, &frame));
    const uint32_t width = ax_speaker_width(&small, &none), times = 2; /* after the target and the feature */
    for (uint32_t i = 0; i < small.sequence; i++)
        for (uint32_t k = times; k < times + 4; k++)
            ax_assert_close((double)local[i * width + k], (double)later[i * width + k], 1e-6);
    ax_zone_free(zone);
}

static void too_little_to_learn_from_is_said(void **state)
{
    (void)state;
    struct world w;
    struct ax_view feature;
    struct ax_diag diag = {{0}};
    struct ax_buf b;
    make(&w);
    struct ax_speaker_data *d = ax_speaker_data_new(&small);
    const struct ax_speaker_past p = past(&w, 0, 60, &feature);
    assert_int_equal(ax_speaker_data_add(d, &p, 1000), AX_LIMIT);
    assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    ax_buf_init(&b, AX_NN_FILE_MAX);
    assert_int_equal(ax_lstm_kind.fit(d, 42, NULL, &b, &diag), AX_NOTREADY);
    assert_non_null(strstr(diag.text, "too few"));
    ax_lstm_kind.free_data(d);
    ax_buf_done(&b);
}

struct told {
    uint32_t times;
    uint32_t most; /* of them, before it is called off */
};

static bool goes_on(void *ctx, double share)
{
    (void)ctx;
    (void)share;
    return true;
}

static bool stands(void *ctx, double loss)
{
    struct told *t = ctx;
    assert_true(isfinite(loss) && loss > 0);
    return ++t->times < t->most;
}

static void what_a_search_chose_goes_with_the_model(void **state)
{
    (void)state;
    static const double x[] = {5e-3, 1e-6, 0.1, 0.5, 7}; /* half as many units, 7 steps */
    struct world w;
    struct ax_diag diag = {{0}};
    struct told told = {.most = 1000};
    const struct ax_fit_progress watch = {goes_on, stands, &told};
    make(&w);
    struct ax_buf b, usual = fitted(&w, &small, 42);
    struct ax_speaker_data *d = data(&w, &small);
    ax_lstm_kind.set(d, x);
    ax_buf_init(&b, AX_NN_FILE_MAX);
    assert_int_equal(ax_lstm_kind.fit(d, 42, &watch, &b, &diag), AX_OK);
    assert_true(told.times >= 1 && told.times <= small.epochs);
    assert_true(b.n < usual.n / 2);
    struct ax_generation *g = served(&small, &b); /* which says nothing of it */
    double said[2];
    struct ax_speaker_spec seven = small;
    seven.sequence = ax_lstm_sequence(g->model);
    assert_int_equal(seven.sequence, 7);
    say(&seven, g, &w, 0, N - 1, said);
    assert_true(isfinite(said[0]) && isfinite(said[1]));
    told = (struct told){.most = 2};
    ax_buf_reset(&b);
    assert_int_equal(ax_lstm_kind.fit(d, 42, &watch, &b, &diag), AX_BUSY);
    assert_int_equal(told.times, 2);
    ax_lstm_kind.free_data(d);
    ax_generation_free(g);
    ax_buf_done(&b);
    ax_buf_done(&usual);
}

/* A file with these words on its measure and on what was chosen, of the network that these make. */
static struct ax_buf file_with(const char *scaler, const char *hyper, const struct ax_lstm_hyper *chosen)
{
    struct world w;
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    struct ax_fit_texts told;
    struct ax_nn_pair pairs[AX_FIT_PAIRS + 1];
    struct ax_nn_net *net = NULL;
    make(&w);
    struct ax_speaker_data *d = data(&w, &small);
    const struct ax_fit_result result = {.scores = {.from_ms = 1, .until_ms = 2, .samples = 3, .loss = 1}};
    struct ax_speaker_spec spec = small;
    spec.hyper = *chosen;
    spec.sequence = chosen->sequence;
    uint32_t n = ax_fit_pairs(d, 42, scaler, &result, &told, pairs);
    pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_HYPER), ax_str(hyper)};
    ax_buf_init(&b, AX_NN_FILE_MAX);
    if (ax_lstm_net(&spec, ax_speaker_width(&spec, &d->vocabulary), 42, &net, &diag) != AX_OK ||
        ax_nn_file_encode_net(net, pairs, n, &b, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_nn_net_free(net);
    ax_speaker_data_free(d);
    return b;
}

static void a_file_says_in_what_measure_it_learnt_and_what_was_chosen(void **state)
{
    (void)state;
    static const struct ax_lstm_hyper chosen = {
        .given = true, .rate = 5e-3, .l2 = 1e-6, .dropout = 0.1, .units = 0.5, .sequence = 7};
#define CHOSEN                                                                                               \
    "{\"learning_rate\": 5e-3, \"l2\": 1e-6, \"dropout\": 0.1, \"units\": 0.5, \"sequence\": 7, "            \
    "\"chosen\": true}"
    static const struct {
        const char *scaler, *hyper, *says; /* NULL: it serves */
        enum ax_err err;
    } cases[] = {
        {AX_LSTM_SCALER, CHOSEN, NULL, AX_OK},
        {"counts from the last value, by the mean deviation of 240 steps", CHOSEN, "scaler", AX_CONFLICT},
        {AX_LSTM_SCALER, "", "of what size", AX_CORRUPT},
        {AX_LSTM_SCALER, "{}", "of what size", AX_CORRUPT},
        {AX_LSTM_SCALER, "{", "of what size", AX_CORRUPT},
        {AX_LSTM_SCALER,
         "{\"learning_rate\": 1, \"l2\": 1, \"dropout\": 1, \"units\": 1, \"sequence\": 4, \"chosen\": true}",
         "of what size", AX_CORRUPT},
        {AX_LSTM_SCALER,
         "{\"learning_rate\": 1, \"l2\": 1, \"dropout\": 0, \"units\": 1, \"sequence\": 1e9, \"chosen\": "
         "true}",
         "of what size", AX_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ax_generation *g;
        struct ax_diag diag = {{0}};
        struct ax_buf b = file_with(cases[i].scaler, cases[i].hyper, &chosen);
        assert_int_equal(ax_generation_new(&ax_lstm_kind, &small, ax_buf_view(&b), &g, &diag), cases[i].err);
        assert_true(!cases[i].says || strstr(diag.text, cases[i].says));
        assert_true(!g || ax_lstm_sequence(g->model) == 7);
        ax_generation_free(g);
        ax_buf_done(&b);
    }
}

/* What a fit with a sequence says of itself, in a search within so many bytes; false: it cannot be. */
static bool tried(const struct world *w, uint32_t sequence, uint64_t bytes_max, struct ax_fit_scores *out)
{
    const double x[] = {5e-3, 1e-6, 0.1, 0.5, sequence};
    struct ax_speaker_data *d = data(w, &small);
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    ax_lstm_kind.begin_search(d, bytes_max);
    if (bytes_max < 1u << 20)
        assert_true(ax_speaker_data_bytes(d) <= bytes_max);
    ax_lstm_kind.set(d, x);
    ax_buf_init(&b, AX_NN_FILE_MAX);
    const enum ax_err err = ax_lstm_kind.fit(d, 42, NULL, &b, &diag);
    assert_true(err == AX_OK || err == AX_NOTREADY);
    if (err == AX_OK) {
        struct ax_generation *g = served(&small, &b);
        *out = g->scores;
        ax_generation_free(g);
    }
    ax_lstm_kind.free_data(d);
    ax_buf_done(&b);
    return err == AX_OK;
}

static void fits_of_a_search_are_of_the_same_rows_and_within_its_memory(void **state)
{
    (void)state;
    struct world w;
    struct ax_fit_scores a, b;
    make(&w);
    struct ax_speaker_data *d = data(&w, &small);
    const uint64_t bytes = ax_speaker_data_bytes(d);
    ax_lstm_kind.free_data(d);
    assert_true(tried(&w, 4, 64u << 20, &a) && tried(&w, 30, 64u << 20, &b));
    assert_true(a.from_ms == b.from_ms && a.until_ms == b.until_ms);
    assert_int_equal(a.samples, b.samples);
    assert_true(tried(&w, 4, 2 * bytes, &a));
    assert_false(tried(&w, 48, 2 * bytes, &b));
}

/* What a search chooses goes into the configuration, which wants 32 steps of the window beyond a sequence. */
static void a_search_chooses_no_longer_sequence_than_the_window_allows(void **state)
{
    const uint32_t window = 44, before = N - window;
    struct world w;
    struct ax_view feature;
    struct ax_diag diag = {{0}};
    struct ax_buf b;
    (void)state;
    make(&w);
    for (uint32_t sequence = 12; sequence <= 13; sequence++) {
        struct ax_speaker_data *d = ax_speaker_data_new(&small);
        for (uint32_t i = 0; i < 8 * SERIES; i++) {
            struct ax_speaker_past p = past(&w, i % SERIES, N - 1, &feature);
            p.target.fine.v += before;
            feature.v += before;
            p.target.fine.n = feature.n = window;
            assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
        }
        ax_lstm_kind.begin_search(d, 64u << 20);
        ax_lstm_kind.set(d, (const double[]){5e-3, 1e-6, 0.1, 0.25, sequence});
        ax_buf_init(&b, AX_NN_FILE_MAX);
        assert_int_equal(ax_lstm_kind.fit(d, 42, NULL, &b, &diag), sequence == 12 ? AX_OK : AX_NOTREADY);
        ax_buf_done(&b);
        ax_lstm_kind.free_data(d);
    }
}

static void data_without_values_are_refused_before_a_fit(void **state)
{
    (void)state;
    struct world w;
    struct ax_view feature;
    struct ax_training *t = NULL;
    struct ax_fit *f = NULL;
    make(&w);
    struct ax_speaker_data *d = ax_speaker_data_new(&small);
    for (uint32_t i = 0; i < N; i++)
        w.target[0][i] = i % 10 == 0 ? 5.0F : NAN;
    const struct ax_speaker_past p = past(&w, 0, N - 1, &feature);
    for (uint32_t i = 0; i < N; i++)
        w.feature[0][i] = NAN;
    assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    const struct ax_training_options o = {.cpu_share = 1, .bytes_max = 64u << 20, .synchronous = true};
    assert_int_equal(ax_training_start(&o, &t, NULL), AX_OK);
    const struct ax_fit_task task = {
        .kind = &ax_lstm_kind, .about = {.job = "job", .kind = "lstm", .feature = ""}, .data = d};
    assert_int_equal(ax_training_offer(t, &task, &f, NULL), AX_OK);
    assert_int_equal(ax_fit_look(f), AX_FIT_FAILED);
    assert_int_equal(ax_fit_error(f), AX_INVALID);
    ax_fit_drop(f);
    ax_training_stop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_what_a_feature_announces_for_series_of_any_level),
        cmocka_unit_test(its_skill_is_that_on_rows_that_it_has_seen_nothing_of),
        cmocka_unit_test(the_same_data_and_seed_give_the_same_bytes),
        cmocka_unit_test(what_comes_later_changes_nothing_that_was_said),
        cmocka_unit_test(a_model_of_features_a_refuses_features_b),
        cmocka_unit_test(labels_are_inputs_and_their_values_go_with_the_model),
        cmocka_unit_test(gaps_infinities_and_series_that_stand_still_give_finite_rows),
        cmocka_unit_test(hours_are_those_of_the_clocks_in_a_fit_and_in_serving),
        cmocka_unit_test(too_little_to_learn_from_is_said),
        cmocka_unit_test(what_a_search_chose_goes_with_the_model),
        cmocka_unit_test(a_file_says_in_what_measure_it_learnt_and_what_was_chosen),
        cmocka_unit_test(fits_of_a_search_are_of_the_same_rows_and_within_its_memory),
        cmocka_unit_test(a_search_chooses_no_longer_sequence_than_the_window_allows),
        cmocka_unit_test(data_without_values_are_refused_before_a_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
