/* Fits run one after the other, beside whoever asks; what nobody wants any more ends, and what fails says
 * why. */
#include "ax_test.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "scratch.h"
#include "toy_kind.h"
#include "train/queue.h"
#include "train/registered.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX 100

static struct ax_training *start(const struct ax_artifacts *store, bool synchronous)
{
    struct ax_training *t = NULL;
    const struct ax_training_options o = {.artifacts = store ? *store : (struct ax_artifacts){0},
                                          .cpu_share = 1,
                                          .bytes_max = BYTES_MAX,
                                          .synchronous = synchronous};
    assert_int_equal(ax_training_start(&o, &t, NULL), AX_OK);
    return t;
}

static struct ax_fit *offer(struct ax_training *t, struct toy_data *d, uint64_t bytes)
{
    struct ax_fit *f = NULL;
    const struct ax_fit_task task = {.kind = &toy_kind,
                                     .about = {.job = "job", .kind = "toy", .feature = ""},
                                     .data = d,
                                     .bytes = bytes,
                                     .seed = 42};
    assert_int_equal(ax_training_offer(t, &task, &f, NULL), AX_OK);
    return f;
}

static void await_runs(const struct ax_fit *f)
{
    while (ax_fit_look(f) == AX_FIT_WAITS)
        ax_sleep_ns(1000000);
}

static double failures(const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_TRAINING_FAILURES, "job", reason));
}

static void a_finished_fit_has_its_artifact_in_the_store(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    scratch_make(dir, NULL);
    const struct ax_artifacts store = ax_artifact_files(dir);
    struct ax_training *t = start(&store, false);
    struct ax_fit *f = offer(t, toy_data(3, 7, "a"), 10);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    struct ax_generation *g;
    assert_int_equal(ax_generation_new(&toy_kind, "a", ax_fit_artifact(f), &g, NULL), AX_OK);
    struct ax_buf kept;
    ax_buf_init(&kept, AX_ARTIFACT_MAX);
    assert_int_equal(store.get(store.ctx, g->sha256, &kept, NULL), AX_OK);
    assert_true(ax_str_eq(ax_buf_view(&kept), ax_fit_artifact(f)));
    const struct toy_model *m = g->model;
    assert_true(m->mean == 3 && m->seed == 42 && g->scores.until_ms == 7);
    ax_buf_done(&kept);
    ax_generation_free(g);
    ax_fit_drop(f);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
    scratch_remove(dir);
}

static void the_same_task_gives_the_same_bytes_with_a_thread_and_without(void **state)
{
    (void)state;
    struct ax_training *a = start(NULL, false), *b = start(NULL, true);
    struct ax_fit *f = offer(a, toy_data(3, 7, "a"), 10), *g = offer(b, toy_data(3, 7, "a"), 10);
    assert_int_equal(ax_fit_look(g), AX_FIT_DONE);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    assert_true(ax_str_eq(ax_fit_artifact(f), ax_fit_artifact(g)));
    ax_fit_drop(f);
    ax_fit_drop(g);
    ax_training_stop(a);
    ax_training_stop(b);
}

static void fits_wait_for_their_turn_and_a_full_queue_refuses(void **state)
{
    (void)state;
    struct ax_training *t = start(NULL, false);
    struct toy_data *slow = toy_data(1, 1, "a");
    slow->until_called = true;
    struct ax_fit *first = offer(t, slow, 40), *second = offer(t, toy_data(2, 2, "a"), 60), *third = NULL;
    struct toy_data *data = toy_data(3, 3, "a");
    const struct ax_fit_task task = {
        .kind = &toy_kind, .about = {.job = "job", .kind = "toy", .feature = ""}, .data = data, .bytes = 1};
    struct ax_diag diag = {{0}};
    await_runs(first);
    assert_int_equal(ax_fit_look(second), AX_FIT_WAITS);
    assert_true(ax_metric_get(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL)) == 1);
    assert_int_equal(ax_training_offer(t, &task, &third, &diag), AX_BUSY);
    assert_non_null(strstr(diag.text, "do not fit"));
    toy_kind.free_data(data);
    ax_fit_drop(first);
    assert_int_equal(toy_await(second), AX_FIT_DONE);
    ax_fit_drop(second);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
}

static void what_nobody_wants_is_called_off(void **state)
{
    (void)state;
    const double before = failures("cancelled");
    struct ax_training *t = start(NULL, false);
    struct toy_data *slow = toy_data(1, 1, "a"), *never = toy_data(1, 1, "a");
    slow->until_called = true;
    struct ax_fit *f = offer(t, slow, 10), *waits = offer(t, never, 10);
    await_runs(f);
    const int begun = toy_fits();
    ax_fit_drop(waits); /* never begins */
    ax_fit_drop(f);
    ax_training_stop(t);
    assert_int_equal(toy_fits(), begun);
    assert_int_equal(toy_alive(), 0);
    assert_true(failures("cancelled") > before);
}

static void what_waits_has_a_place_and_gives_its_room_back_when_it_is_called_off(void **state)
{
    (void)state;
    struct ax_training *t = start(NULL, false);
    struct toy_data *slow = toy_data(1, 1, "a");
    struct ax_fit_standing s;
    slow->until_called = true;
    struct ax_fit *runs = offer(t, slow, 40);
    await_runs(runs);
    struct ax_fit *second = offer(t, toy_data(2, 2, "a"), 60), *third = NULL;
    assert_true(ax_training_find(t, "job/toy", &s));
    assert_true(s.state == AX_FIT_RUNS && s.place == 0);
    assert_false(ax_training_find(t, "job/other", &s));
    assert_true(ax_fit_cancel(second));
    assert_int_equal(ax_fit_look(second), AX_FIT_WAITS);
    ax_fit_drop(second);
    assert_int_equal(toy_alive(), 1); /* at once, and not when its turn comes */
    third = offer(t, toy_data(3, 3, "a"), 60);
    assert_true(ax_metric_get(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL)) == 1);
    assert_true(ax_fit_cancel(runs));
    assert_int_equal(toy_await(runs), AX_FIT_FAILED);
    assert_int_equal(ax_fit_error(runs), AX_BUSY);
    assert_int_equal(toy_await(third), AX_FIT_DONE);
    assert_false(ax_fit_cancel(third)); /* it is over */
    assert_false(ax_training_find(t, "job/toy", &s));
    ax_fit_drop(runs);
    ax_fit_drop(third);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
}

static void one_that_is_over_is_not_found_even_by_who_looks_at_once(void **state)
{
    (void)state;
    struct ax_training *t = start(NULL, false);
    struct ax_fit_standing s;
    for (int i = 0; i < 300; i++) { /* between its end and the queue's taking it out */
        struct ax_fit *f = offer(t, toy_data(1, 1, "a"), 1);
        while (ax_fit_look(f) < AX_FIT_DONE)
            assert_true(!ax_training_find(t, "job/toy", &s) || s.state < AX_FIT_DONE);
        assert_false(ax_training_find(t, "job/toy", &s));
        ax_fit_drop(f);
    }
    ax_training_stop(t);
}

static void the_place_counts_those_before_it(void **state)
{
    (void)state;
    struct ax_training *t = start(NULL, false);
    struct toy_data *slow = toy_data(1, 1, "a");
    struct ax_fit_standing s;
    slow->until_called = true;
    struct ax_fit *fits[4] = {offer(t, slow, 1)};
    await_runs(fits[0]);
    for (size_t i = 1; i < 4; i++) {
        const char *features[] = {"", "a", "b", "c"};
        struct toy_data *d = toy_data(1, 1, "a");
        const struct ax_fit_task task = {.kind = &toy_kind,
                                         .about = {.job = "job", .kind = "toy", .feature = features[i]},
                                         .data = d,
                                         .bytes = 1};
        assert_int_equal(ax_training_offer(t, &task, &fits[i], NULL), AX_OK);
    }
    assert_true(ax_training_find(t, "job/toy:c", &s) && s.place == 3 && s.state == AX_FIT_WAITS);
    ax_fit_drop(fits[2]);
    assert_true(ax_training_find(t, "job/toy:c", &s) && s.place == 2);
    ax_fit_drop(fits[3]); /* the last in line: another one can follow */
    fits[3] = offer(t, toy_data(2, 2, "a"), 1);
    ax_fit_drop(fits[0]);
    assert_int_equal(toy_await(fits[3]), AX_FIT_DONE);
    assert_int_equal(ax_fit_look(fits[1]), AX_FIT_DONE);
    ax_fit_drop(fits[1]);
    ax_fit_drop(fits[3]);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
}

static void a_fit_that_fails_says_why_and_is_counted(void **state)
{
    (void)state;
    static const struct {
        enum ax_err err;
        const char *reason;
    } cases[] = {{AX_NOTREADY, "too_little_data"}, {AX_NUMERIC, "not_finite"}, {AX_NOMEM, "memory"}};
    struct ax_training *t = start(NULL, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double before = failures(cases[i].reason);
        struct toy_data *d = toy_data(1, 1, "a");
        d->err = cases[i].err;
        struct ax_fit *f = offer(t, d, 10);
        assert_int_equal(toy_await(f), AX_FIT_FAILED);
        assert_int_equal(ax_fit_error(f), cases[i].err);
        assert_true(failures(cases[i].reason) == before + 1);
        ax_fit_drop(f);
    }
    ax_training_stop(t);
}

static enum ax_err full(void *ctx, const struct ax_artifact_about *about, struct ax_str bytes,
                        struct ax_diag *diag)
{
    (void)ctx;
    (void)about;
    (void)bytes;
    return ax_fail(diag, AX_IO, "the disk is full");
}

static void a_model_that_cannot_be_kept_does_not_serve(void **state)
{
    (void)state;
    const struct ax_artifacts store = {.put = full};
    struct ax_training *t = start(&store, false);
    struct ax_fit *f = offer(t, toy_data(1, 1, "a"), 10);
    assert_int_equal(toy_await(f), AX_FIT_FAILED);
    assert_int_equal(ax_fit_error(f), AX_IO);
    ax_fit_drop(f);
    ax_training_stop(t);
}

static void a_fit_takes_no_more_of_the_processor_than_its_share(void **state)
{
    (void)state;
    struct ax_training *t = NULL;
    const struct ax_training_options o = {.cpu_share = 0.2, .bytes_max = BYTES_MAX};
    assert_int_equal(ax_training_start(&o, &t, NULL), AX_OK);
    struct toy_data *d = toy_data(1, 1, "a");
    d->until_called = true;
    const struct ax_cell *spent = ax_metric(AX_M_TRAINING_SECONDS, "job", "toy");
    const double before = ax_metric_get(spent);
    const int64_t start_ns = ax_mono_ns();
    struct ax_fit *f = offer(t, d, 10);
    await_runs(f);
    ax_sleep_ns(200000000);
    ax_fit_drop(f);
    ax_training_stop(t);
    const double wall = (double)(ax_mono_ns() - start_ns) * 1e-9;
    assert_true(ax_metric_get(spent) - before <= 0.2 * wall + 0.02);
}

/* The toy with two series: one that ends early, with a gap. */
static enum ax_err toy_each(const void *data, ax_train_see *see, void *ctx)
{
    static const float a[] = {1, 2, 3, 4, 5, 6, 7, 8}, b[] = {1, NAN, NAN, 4, 5, 6, 7, 9};
    const struct ax_validation_series one = {.v = a, .n = 8, .stride = 1, .end_ms = 80, .step_ms = 10},
                                      two = {.v = b, .n = 8, .stride = 1, .end_ms = 60, .step_ms = 10};
    (void)data;
    const enum ax_err err = see(ctx, &one);
    return err == AX_OK ? see(ctx, &two) : err;
}

static void toy_told(const void *data, struct ax_validation *v)
{
    (void)data;
    ax_validation_labels(v, 10, 1);
}

static void what_was_found_of_the_data_goes_with_the_version(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], scores[512];
    struct ax_fit *f = NULL;
    struct ax_train_kind kind = toy_kind;
    kind.each = toy_each;
    kind.told = toy_told;
    scratch_make(dir, NULL);
    struct ax_registry *r = toy_registry(dir);
    const struct ax_artifacts store = ax_artifact_registry(r);
    struct ax_training *t = start(&store, false);
    struct ax_fit_task task = {.kind = &kind,
                               .about = {.job = "job", .kind = "toy", .feature = ""},
                               .data = toy_data(3, 7, "a"),
                               .bytes = 10,
                               .seed = 42};
    ax_validation_order(&task.told, 100, 3, 2); /* more than a recording may have, and no reason here */
    assert_int_equal(ax_training_offer(t, &task, &f, NULL), AX_OK);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    toy_scores_of(r, "latest", scores);
    assert_non_null(strstr(scores, "\"data_completeness\":0.875"));
    assert_non_null(strstr(scores, "\"data_gaps\":2"));
    assert_non_null(strstr(scores, "\"data_consistency\":0.5"));
    assert_non_null(strstr(scores, "\"data_balance\":0.1"));
    ax_fit_drop(f);
    ax_training_stop(t);
    ax_registry_close(r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_found_of_the_data_goes_with_the_version),
        cmocka_unit_test(a_finished_fit_has_its_artifact_in_the_store),
        cmocka_unit_test(the_same_task_gives_the_same_bytes_with_a_thread_and_without),
        cmocka_unit_test(fits_wait_for_their_turn_and_a_full_queue_refuses),
        cmocka_unit_test(what_nobody_wants_is_called_off),
        cmocka_unit_test(what_waits_has_a_place_and_gives_its_room_back_when_it_is_called_off),
        cmocka_unit_test(one_that_is_over_is_not_found_even_by_who_looks_at_once),
        cmocka_unit_test(the_place_counts_those_before_it),
        cmocka_unit_test(a_fit_that_fails_says_why_and_is_counted),
        cmocka_unit_test(a_model_that_cannot_be_kept_does_not_serve),
        cmocka_unit_test(a_fit_takes_no_more_of_the_processor_than_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
