/* Boosted trees: learn what there is to learn, the same from the same, never from what comes later, and serve
 * only those features that they learnt from. */
#include "ax_test.h"
#include "base/rng.h"
#include "nn/model_file.h"
#include "registry/shown.h"
#include "scratch.h"
#include "train/fit_pairs.h"
#include "train/generation.h"
#include "train/registered.h"
#include "train/trees.h"
#include "train/tuning.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 60000
#define N 240
#define SERIES 8
#define END ((int64_t)1700000000000 / STEP * STEP)

static const struct ax_speaker_spec small = {.sequence = 1,
                                             .step_ms = STEP,
                                             .leads = {1, 4},
                                             .leads_n = 2,
                                             .epochs = 40,
                                             .patience = 10,
                                             .depth = 3,
                                             .rows_max = 1500,
                                             .features = {"a", 1}};

/* Of its own level and size each, and what comes depends on whether the last step went up by much: nothing
 * linear. */
struct world {
    float v[SERIES][N];
};

static void make(struct world *w)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    for (uint32_t s = 0; s < SERIES; s++) {
        double x = 0, moved = 0;
        for (uint32_t i = 0; i < N; i++) {
            moved = fabs(moved) < 1 ? 2 * ax_rng_normal(&rng) : -0.9 * fabs(moved);
            x += moved;
            w->v[s][i] = (float)(pow(10, s % 4) * (50 + x));
        }
    }
}

static struct ax_speaker_past past(const struct world *w, uint32_t s, uint32_t i)
{
    const int64_t t_ms = END - (int64_t)(N - 1 - i) * STEP;
    return (struct ax_speaker_past){
        .target = {.fine = {w->v[s], i + 1, t_ms, STEP}, .coarse = {NULL, 0, t_ms, 5 * STEP}, .t_ms = t_ms}};
}

static struct ax_buf fitted(const struct world *w, const struct ax_speaker_spec *spec, uint64_t seed)
{
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    struct ax_speaker_data *d = ax_speaker_data_new(spec);
    assert_non_null(d);
    for (uint32_t s = 0; s < SERIES; s++) {
        const struct ax_speaker_past p = past(w, s, N - 1);
        assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    }
    ax_buf_init(&b, AX_NN_FILE_MAX);
    if (ax_trees_kind.fit(d, seed, NULL, &b, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_trees_kind.free_data(d);
    return b;
}

static struct ax_generation *served(const struct ax_speaker_spec *spec, const struct ax_buf *artifact)
{
    struct ax_generation *g;
    struct ax_diag diag = {{0}};
    if (ax_generation_new(&ax_trees_kind, spec, ax_buf_view(artifact), &g, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return g;
}

/* The row of a series at a step, and how it is to be read. */
static struct ax_speaker_frame row_of(const struct world *w, uint32_t s, uint32_t i, float *row)
{
    struct ax_arena arena;
    struct ax_speaker_frame frame;
    const struct ax_speaker_past p = past(w, s, i);
    ax_arena_init(&arena, 1u << 20);
    assert_true(ax_trees_speaker.put(&small, NULL, &p, &arena, row, &frame));
    ax_arena_done(&arena);
    return frame;
}

static void they_learn_for_series_of_any_level_what_no_line_has(void **state)
{
    (void)state;
    static struct world w;
    make(&w);
    struct ax_buf artifact = fitted(&w, &small, 42);
    struct ax_generation *g = served(&small, &artifact);
    assert_true(g->scores.skill > 0.1);
    assert_true(g->scores.samples > 800);
    float row[128], out[2];
    double error = 0, last = 0;
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t i = N - 40; i + 1 < N; i++) {
            const struct ax_speaker_frame f = row_of(&w, s, i, row);
            ax_trees_speaker.run(g->model, NULL, row, 1, out);
            const double next = (double)w.v[s][i + 1];
            error += fabs(f.last + f.scale * (double)out[0] - next) / f.scale;
            last += fabs(f.last - next) / f.scale;
        }
    assert_true(error < 0.8 * last);
    ax_generation_free(g);
    ax_buf_done(&artifact);
}

/* Who searches: what is fitted, and whose fits are given up. */
struct searcher {
    struct ax_speaker_data *d;
    struct ax_tuning *t;
};

static bool goes_on(void *ctx, double share)
{
    (void)ctx;
    (void)share;
    return true;
}

static bool stands(void *ctx, double loss)
{
    return ax_tuning_stands(((struct searcher *)ctx)->t, loss);
}

static enum ax_err search_fit(void *ctx, struct ax_buf *artifact, struct ax_fit_scores *scores,
                              struct ax_diag *diag)
{
    struct searcher *s = ctx;
    const struct ax_fit_progress progress = {goes_on, stands, s};
    const enum ax_err err = ax_trees_kind.fit(s->d, 42, &progress, artifact, diag);
    if (err == AX_OK)
        return ax_trees_kind.scores(ax_buf_view(artifact), scores, diag);
    ax_buf_done(artifact);
    return err;
}

/* Search beside what is usual, of two rounds; the artifact is that of the best. */
static struct ax_tuning searched(const struct world *w, struct ax_buf *hyper)
{
    struct ax_speaker_spec spec = small;
    struct ax_diag diag = {{0}};
    struct ax_nn_file *f;
    spec.epochs = 2;
    struct searcher s = {.d = ax_speaker_data_new(&spec)};
    struct ax_tuning t = {.kind = &ax_trees_kind,
                          .rule = {.trials = 5, .bytes_max = 64u << 20},
                          .owner = {.fit = search_fit, .ctx = &s},
                          .seed = 7};
    assert_non_null(s.d);
    s.t = &t;
    for (uint32_t i = 0; i < SERIES; i++) {
        const struct ax_speaker_past p = past(w, i, N - 1);
        assert_int_equal(ax_speaker_data_add(s.d, &p, 64u << 20), AX_OK);
    }
    t.data = s.d;
    ax_buf_init(&t.artifact, AX_NN_FILE_MAX);
    assert_int_equal(search_fit(&s, &t.artifact, &t.scores, &diag), AX_OK);
    if (ax_tune(&t, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ax_nn_file_parse(ax_buf_view(&t.artifact), &f, &diag), AX_OK);
    ax_buf_init(hyper, 1000);
    ax_buf_str(hyper, ax_nn_file_value(f, AX_NN_KEY_HYPER));
    ax_nn_file_free(f);
    ax_search_free(t.search);
    ax_trees_kind.free_data(s.d);
    return t;
}

static void a_search_beats_what_is_usual_where_that_learns_too_little(void **state)
{
    (void)state;
    static struct world w;
    struct ax_buf hyper, again;
    char depth[24];
    make(&w);
    struct ax_tuning t = searched(&w, &hyper), u = searched(&w, &again);
    assert_true(t.chosen && t.scores.loss < t.usual_loss);
    (void)snprintf(depth, sizeof depth, "\"depth\": %u,", (unsigned)lround(t.x[1]));
    ax_buf_byte(&hyper, 0);
    ax_buf_byte(&again, 0);
    assert_non_null(strstr((const char *)hyper.bytes, depth));
    assert_string_equal((const char *)hyper.bytes, (const char *)again.bytes);
    assert_true(t.artifact.n == u.artifact.n &&
                memcmp(t.artifact.bytes, u.artifact.bytes, t.artifact.n) == 0);
    ax_buf_done(&t.artifact);
    ax_buf_done(&u.artifact);
    ax_buf_done(&hyper);
    ax_buf_done(&again);
}

static void the_configuration_asks_for_as_many_steps_as_two_vectors_need(void **state)
{
    static const char yaml[] = "jobs: [{name: a, expr: up, window: {fine: %d}, forecast: {trees: {}}}]\n";
    (void)state;
    for (int less = 0; less < 2; less++) {
        struct ax_config *config = NULL;
        struct ax_problems problems = {.n = 0};
        char text[sizeof yaml + 16];
        (void)snprintf(text, sizeof text, yaml, 2 * AX_FEATURES_STEPS - less);
        const enum ax_err err = ax_config_parse(ax_str(text), &config, &problems);
        assert_int_equal(err == AX_OK, !less);
        ax_config_free(config);
    }
}

static void the_same_data_and_seed_give_the_same_bytes(void **state)
{
    (void)state;
    static struct world w;
    make(&w);
    struct ax_buf a = fitted(&w, &small, 42), b = fitted(&w, &small, 42), c = fitted(&w, &small, 43);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    assert_false(a.n == c.n && memcmp(a.bytes, c.bytes, a.n) == 0);
    ax_buf_done(&a);
    ax_buf_done(&b);
    ax_buf_done(&c);
}

static void a_row_knows_nothing_of_later_steps_and_scales_with_its_series(void **state)
{
    (void)state;
    static struct world w, later;
    make(&w);
    later = w;
    for (uint32_t i = 101; i < N; i++)
        later.v[2][i] = 7 * later.v[2][i] + 1;
    float one[128], two[128];
    const struct ax_speaker_frame a = row_of(&w, 2, 100, one), b = row_of(&later, 2, 100, two);
    assert_memory_equal(one, two, ax_trees_width(&small) * sizeof *one);
    assert_memory_equal(&a, &b, sizeof a);
    for (uint32_t i = 0; i < N; i++)
        later.v[2][i] = 1024 * w.v[2][i];
    (void)row_of(&later, 2, 100, two);
    for (uint32_t k = 0; k < ax_trees_width(&small); k++)
        assert_float_equal(one[k], two[k], 1e-4);
}

static void a_fit_that_may_not_know_the_last_fifth_is_judged_by_it(void **state)
{
    (void)state;
    static struct world w, other;
    make(&w);
    other = w; /* noise where it is judged: nothing can be known of it */
    struct ax_rng rng;
    ax_rng_seed(&rng, 9);
    for (uint32_t s = 0; s < SERIES; s++)
        for (uint32_t i = N - 44; i < N; i++)
            other.v[s][i] = (float)((double)other.v[s][N - 45] + pow(10, s % 4) * ax_rng_normal(&rng));
    struct ax_buf a = fitted(&w, &small, 42), b = fitted(&other, &small, 42);
    struct ax_generation *one = served(&small, &a), *two = served(&small, &b);
    assert_true(two->scores.skill < one->scores.skill - 0.05);
    ax_generation_free(one);
    ax_generation_free(two);
    ax_buf_done(&a);
    ax_buf_done(&b);
}

/* Trees of all leads that a fit came to. */
static double trees_of(const struct ax_buf *artifact)
{
    struct ax_nn_file *f = NULL;
    struct ax_diag diag = {{0}};
    double n = 0;
    assert_int_equal(ax_nn_file_parse(ax_buf_view(artifact), &f, &diag), AX_OK);
    struct ax_str text = ax_nn_file_value(f, "epochs");
    assert_true(ax_fit_number(&text, "", &n));
    ax_nn_file_free(f);
    return n;
}

static void how_many_trees_there_are_does_not_hang_on_the_last_fifth(void **state)
{
    (void)state;
    static struct world w, other;
    struct ax_speaker_spec far = small;
    far.leads[1] = 20; /* rows that stop it would reach far into what judges it */
    struct ax_rng rng;
    ax_rng_seed(&rng, 11);
    for (uint32_t s = 0; s < SERIES;
         s++) /* they return to their level; in the other world it moves at the end */
        for (uint32_t i = 0; i < N; i++) {
            w.v[s][i] = (float)(50 + ax_rng_normal(&rng));
            other.v[s][i] = w.v[s][i] + (i < N - 45 ? 0 : 20);
        }
    struct ax_buf a = fitted(&w, &far, 42), b = fitted(&other, &far, 42);
    assert_true(trees_of(&a) > 0);
    assert_true(trees_of(&a) == trees_of(&b));
    ax_buf_done(&a);
    ax_buf_done(&b);
}

static void what_learnt_from_other_features_or_is_damaged_is_refused(void **state)
{
    (void)state;
    static struct world w;
    make(&w);
    struct ax_buf artifact = fitted(&w, &small, 42);
    struct ax_speaker_spec other = small;
    struct ax_generation *g = NULL;
    struct ax_diag diag = {{0}};
    other.features = ax_str("b");
    assert_int_equal(ax_generation_new(&ax_trees_kind, &other, ax_buf_view(&artifact), &g, &diag),
                     AX_CONFLICT);
    assert_non_null(strstr(diag.text, "features"));
    artifact.bytes[artifact.n / 2] ^= 1;
    assert_int_equal(ax_generation_new(&ax_trees_kind, &small, ax_buf_view(&artifact), &g, &diag),
                     AX_CORRUPT);
    ax_buf_done(&artifact);
}

/* Read a window of what was learnt from. */
static enum ax_err read_window(const char *window)
{
    float w = 1;
    const struct ax_nn_tensor tensor = {ax_str("w"), 1, 1, &w};
    const struct ax_nn_pair pairs[] = {{ax_str(AX_NN_KEY_DATA_WINDOW), ax_str(window)},
                                       {ax_str(AX_NN_KEY_SCORES), ax_str("{\"loss\": 1, \"skill\": 0}")},
                                       {ax_str(AX_NN_KEY_SAMPLES), ax_str("5")}};
    struct ax_buf b;
    struct ax_nn_file *f = NULL;
    struct ax_fit_scores scores;
    struct ax_diag diag = {{0}};
    ax_buf_init(&b, AX_NN_FILE_MAX);
    assert_int_equal(ax_nn_file_encode(&tensor, 1, pairs, 3, &b, &diag), AX_OK);
    assert_int_equal(ax_nn_file_parse(ax_buf_view(&b), &f, &diag), AX_OK);
    const enum ax_err err = ax_fit_read_scores(f, &scores, &diag);
    ax_nn_file_free(f);
    ax_buf_done(&b);
    return err;
}

static void what_it_learnt_from_does_not_end_before_it_begins(void **state)
{
    (void)state;
    assert_int_equal(read_window("1000 2000"), AX_OK);
    assert_int_equal(read_window("1000 1000"), AX_OK);
    assert_int_equal(read_window("2000 1000"), AX_CORRUPT);
}

static bool never(void *ctx, double share)
{
    uint32_t *calls = ctx;
    assert_true(share >= 0 && share <= 1);
    return ++*calls < 30;
}

static void a_fit_that_nobody_wants_any_more_ends(void **state)
{
    (void)state;
    static struct world w;
    make(&w);
    uint32_t calls = 0;
    const struct ax_fit_progress progress = {.goes_on = never, .ctx = &calls};
    struct ax_buf b;
    struct ax_diag diag = {{0}};
    struct ax_speaker_data *d = ax_speaker_data_new(&small);
    for (uint32_t s = 0; s < SERIES; s++) {
        const struct ax_speaker_past p = past(&w, s, N - 1);
        assert_int_equal(ax_speaker_data_add(d, &p, 64u << 20), AX_OK);
    }
    ax_buf_init(&b, AX_NN_FILE_MAX);
    assert_int_equal(ax_trees_kind.fit(d, 42, &progress, &b, &diag), AX_BUSY);
    assert_int_equal(calls, 30);
    ax_trees_kind.free_data(d);
    ax_buf_done(&b);
}

/* Register a fit in an empty registry or behind others; its version, and its card. */
static json_t *card_of(struct ax_registry *r, const struct ax_buf *artifact, struct ax_model_ref *ref)
{
    const struct ax_artifact_about about = {.job = "job", .kind = "trees", .feature = "", .config = 7};
    struct ax_diag diag = {{0}};
    json_t *card = NULL;
    if (ax_artifact_register(r, &about, ax_buf_view(artifact), ref, &diag) != AX_OK ||
        ax_model_card(r, ax_str("job/trees"), ax_str("latest"), &card, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return card;
}

static void its_card_says_what_it_was_fitted_with_and_another_depth_is_a_minor_version(void **state)
{
    (void)state;
    static struct world w;
    char dir[SCRATCH_PATH];
    struct ax_registry *r = NULL;
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    struct ax_speaker_spec deeper = small;
    make(&w);
    scratch_make(dir, NULL);
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall()};
    assert_int_equal(ax_registry_open(&options, &r, &diag), AX_OK);
    deeper.depth = 4;
    struct ax_buf a = fitted(&w, &small, 42), b = fitted(&w, &small, 43), c = fitted(&w, &deeper, 43);
    json_t *card = card_of(r, &a, &ref);
    const json_t *hyper = json_object_get(card, "hyperParameters");
    assert_int_equal(json_integer_value(json_object_get(hyper, "rounds")), 40);
    assert_int_equal(json_integer_value(json_object_get(hyper, "depth")), 3);
    assert_int_equal(json_integer_value(json_object_get(hyper, "patience")), 10);
    assert_int_equal(json_integer_value(json_object_get(hyper, "max_rows")), 1500);
    assert_true(json_number_value(json_object_get(hyper, "learning_rate")) > 0);
    assert_null(json_object_get(hyper, "network"));
    json_decref(card);
    assert_string_equal(ref.version, "1.0.0");
    json_decref(card_of(r, &b, &ref));
    assert_string_equal(ref.version, "1.0.1");
    card = card_of(r, &c, &ref);
    assert_string_equal(ref.version, "1.1.0");
    json_decref(card);
    ax_registry_close(r);
    scratch_remove(dir);
    ax_buf_done(&a);
    ax_buf_done(&b);
    ax_buf_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef AX_HAVE_XGBOOST
        cmocka_unit_test(they_learn_for_series_of_any_level_what_no_line_has),
        cmocka_unit_test(the_configuration_asks_for_as_many_steps_as_two_vectors_need),
        cmocka_unit_test(the_same_data_and_seed_give_the_same_bytes),
        cmocka_unit_test(a_search_beats_what_is_usual_where_that_learns_too_little),
        cmocka_unit_test(a_fit_that_may_not_know_the_last_fifth_is_judged_by_it),
        cmocka_unit_test(how_many_trees_there_are_does_not_hang_on_the_last_fifth),
        cmocka_unit_test(what_learnt_from_other_features_or_is_damaged_is_refused),
        cmocka_unit_test(a_fit_that_nobody_wants_any_more_ends),
        cmocka_unit_test(its_card_says_what_it_was_fitted_with_and_another_depth_is_a_minor_version),
#endif
        cmocka_unit_test(what_it_learnt_from_does_not_end_before_it_begins),
        cmocka_unit_test(a_row_knows_nothing_of_later_steps_and_scales_with_its_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
