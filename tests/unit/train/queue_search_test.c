/* A fit beside the service that is searched for: the best parameters are taken, told of and kept with the
 * version; one that was interrupted goes on; one that is called off ends. */
#include "ax_test.h"
#include "base/clock.h"
#include "nn/model_file.h"
#include "scratch.h"
#include "toy_kind.h"
#include "train/queue.h"
#include "train/registered.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define BEST 7.25

static float mean_of(struct ax_str artifact)
{
    struct ax_nn_file *f = NULL;
    float mean = NAN;
    assert_int_equal(ax_nn_file_parse(artifact, &f, NULL), AX_OK);
    assert_true(ax_nn_file_floats(f, "mean", &mean, 1));
    ax_nn_file_free(f);
    return mean;
}

/* The toy is better the nearer its mean is to BEST. */
static enum ax_err toy_scores(struct ax_str artifact, struct ax_fit_scores *out, struct ax_diag *diag)
{
    (void)diag;
    *out = (struct ax_fit_scores){.loss = fabs((double)mean_of(artifact) - BEST)};
    return AX_OK;
}

static void toy_set(void *data, const double *x)
{
    ((struct toy_data *)data)->mean = x[0];
}

/* On the rows of the search what is usual cannot be fitted. */
static void toy_fails(void *data, uint64_t bytes_max)
{
    (void)bytes_max;
    ((struct toy_data *)data)->err = AX_NOTREADY;
}

static void toy_recovers(void *data, const double *x)
{
    ((struct toy_data *)data)->err = AX_OK;
    toy_set(data, x);
}

static const struct ax_search_param searched[] = {{"mean", AX_SEARCH_LINEAR, 0, 10}};

static struct ax_train_kind kind_of(void)
{
    struct ax_train_kind kind = toy_kind;
    kind.scores = toy_scores;
    kind.params = searched;
    kind.params_n = 1;
    kind.set = toy_set;
    return kind;
}

static struct ax_training *start(const struct ax_artifacts *store, const char *states, bool synchronous)
{
    struct ax_training *t = NULL;
    const struct ax_training_options o = {.artifacts = store ? *store : (struct ax_artifacts){0},
                                          .cpu_share = 1,
                                          .bytes_max = 100,
                                          .states = states,
                                          .synchronous = synchronous};
    assert_int_equal(ax_training_start(&o, &t, NULL), AX_OK);
    return t;
}

static struct ax_fit *offer(struct ax_training *t, const struct ax_train_kind *kind, double usual,
                            uint32_t trials)
{
    struct ax_fit *f = NULL;
    const struct ax_fit_task task = {.kind = kind,
                                     .about = {.job = "job", .kind = "toy", .feature = ""},
                                     .data = toy_data(usual, 7, "a"),
                                     .bytes = 10,
                                     .seed = 42,
                                     .search = {.trials = trials, .time_ms = 3600000}};
    assert_int_equal(ax_training_offer(t, &task, &f, NULL), AX_OK);
    return f;
}

static void the_best_of_the_trials_is_registered_with_what_was_found(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], scores[512];
    const struct ax_train_kind kind = kind_of();
    scratch_make(dir, NULL);
    struct ax_registry *r = toy_registry(dir);
    const struct ax_artifacts store = ax_artifact_registry(r);
    struct ax_training *t = start(&store, dir, false);
    struct ax_fit *f = offer(t, &kind, 1, 40);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    assert_true(fabs((double)mean_of(ax_fit_artifact(f)) - BEST) < 0.5);
    toy_scores_of(r, "champion", scores);
    assert_non_null(strstr(scores, "\"search_trials\":40"));
    assert_non_null(strstr(scores, "\"search_usual_loss\":6.25"));
    assert_int_equal(scratch_count(dir, ".search"), 0); /* it is over */
    ax_fit_drop(f);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void what_is_usual_stays_where_no_trial_is_better_and_without_trials(void **state)
{
    (void)state;
    const struct ax_train_kind kind = kind_of();
    struct ax_training *t = start(NULL, NULL, true);
    struct ax_fit *best = offer(t, &kind, BEST, 15), *plain = offer(t, &kind, 1, 0);
    assert_int_equal(toy_await(best), AX_FIT_DONE);
    ax_assert_close(mean_of(ax_fit_artifact(best)), BEST, 0);
    ax_assert_close(mean_of(ax_fit_artifact(plain)), 1, 0);
    ax_fit_drop(best);
    ax_fit_drop(plain);
    ax_training_stop(t);
}

static void where_what_is_usual_fails_on_the_rows_of_the_search_any_trial_is_better(void **state)
{
    (void)state;
    struct ax_train_kind kind = kind_of();
    kind.begin_search = toy_fails;
    kind.set = toy_recovers;
    struct ax_training *t = start(NULL, NULL, true);
    struct ax_fit *f = offer(t, &kind, BEST, 15); /* on its own rows nothing is better than that */
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    const double mean = (double)mean_of(ax_fit_artifact(f));
    assert_true(fabs(mean - BEST) > 0 && fabs(mean - BEST) < 2);
    ax_fit_drop(f);
    ax_training_stop(t);
}

/* What fits on the rows of the search and not on all of them. */
static void toy_ends(void *data)
{
    ((struct toy_data *)data)->err = AX_NUMERIC;
}

static void toy_set_only(void *data, const double *x)
{
    struct toy_data *d = data;
    d->mean = d->err == AX_OK ? x[0] : d->mean;
}

static void a_search_that_fails_leaves_what_is_usual(void **state)
{
    (void)state;
    struct ax_train_kind kind = kind_of();
    kind.end_search = toy_ends;
    kind.set = toy_set_only;
    char dir[SCRATCH_PATH];
    scratch_make(dir, NULL);
    struct ax_training *t = start(NULL, dir, false);
    struct ax_fit *f = offer(t, &kind, 1, 15);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    ax_assert_close(mean_of(ax_fit_artifact(f)), 1, 0);
    ax_fit_drop(f);
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
    assert_int_equal(scratch_count(dir, ".search"), 0); /* the next one begins anew */
    scratch_remove(dir);
}

static void where_nothing_can_be_fitted_on_the_rows_of_the_search_scores_are_still_numbers(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], scores[512];
    struct ax_train_kind kind = kind_of();
    kind.begin_search = toy_fails;
    scratch_make(dir, NULL);
    struct ax_registry *r = toy_registry(dir);
    const struct ax_artifacts store = ax_artifact_registry(r);
    struct ax_training *t = start(&store, NULL, true);
    struct ax_fit *f = offer(t, &kind, 1, 5);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    toy_scores_of(r, "latest", scores);
    assert_string_equal(scores, "{\"search_trials\":5}");
    ax_fit_drop(f);
    ax_training_stop(t);
    ax_registry_close(r);
    scratch_remove(dir);
}

/* Calls its owner off in the midst of a search: after so many fits. */
static int fits_left;
static enum ax_err toy_until(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                             struct ax_buf *artifact, struct ax_diag *diag)
{
    if (fits_left-- <= 0)
        ((struct toy_data *)data)->until_called = true;
    return toy_kind.fit(data, seed, progress, artifact, diag);
}

static void a_search_that_is_called_off_ends_and_the_next_goes_on(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_train_kind kind = kind_of();
    scratch_make(dir, NULL);
    struct ax_training *whole = start(NULL, NULL, true);
    struct ax_fit *one = offer(whole, &kind, 1, 30);
    kind.fit = toy_until;
    fits_left = 12; /* what is usual, and eleven trials */
    const int before = toy_fits();
    struct ax_training *t = start(NULL, dir, false);
    struct ax_fit *f = offer(t, &kind, 1, 30);
    struct ax_fit_standing standing;
    while (toy_fits() < before + 13)
        ax_sleep_ns(1000000);
    assert_true(ax_training_find(t, "job/toy", &standing));
    assert_true(standing.share > 0.3 && standing.share < 0.5); /* 12 of 33 fits, and a half */
    assert_true(ax_fit_cancel(f));
    assert_int_equal(toy_await(f), AX_FIT_FAILED);
    assert_int_equal(ax_fit_error(f), AX_BUSY);
    ax_fit_drop(f);
    ax_training_stop(t);
    assert_int_equal(scratch_count(dir, ".search"), 1);
    kind.fit = toy_kind.fit;
    const int begun = toy_fits();
    t = start(NULL, dir, false); /* as after a restart */
    f = offer(t, &kind, 1, 30);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    assert_true(toy_fits() - begun <= 1 + 19 + 1);
    assert_true(ax_str_eq(ax_fit_artifact(f), ax_fit_artifact(one))); /* as if nothing had been */
    ax_fit_drop(f);
    ax_fit_drop(one);
    ax_training_stop(t);
    ax_training_stop(whole);
    assert_int_equal(toy_alive(), 0);
    scratch_remove(dir);
}

/* Others come in the midst of a search, and another one that searches. */
static struct ax_training *queue;
static struct ax_fit *others[3];
static enum ax_fit_state seen[3]; /* of each, four trials later */
static int sets;

static void set_and_offer(void *data, const double *x)
{
    static struct ax_train_kind searching;
    searching = kind_of();
    toy_set(data, x);
    sets++;
    if (sets == 4 || sets == 5)
        others[sets - 4] = offer(queue, &toy_kind, sets, 3); /* of a kind that cannot be searched for */
    if (sets == 5)
        others[2] = offer(queue, &searching, 1, 3);
    for (int i = 0; sets == 8 && i < 3; i++)
        seen[i] = ax_fit_look(others[i]);
}

static void who_waits_is_fitted_between_trials_and_the_search_finds_the_same(void **state)
{
    (void)state;
    struct ax_train_kind kind = kind_of();
    struct ax_training *alone = start(NULL, NULL, true);
    struct ax_fit *one = offer(alone, &kind, 1, 15);
    kind.set = set_and_offer;
    queue = start(NULL, NULL, false);
    struct ax_fit *f = offer(queue, &kind, 1, 15);
    assert_int_equal(toy_await(f), AX_FIT_DONE);
    assert_true(ax_str_eq(ax_fit_artifact(f), ax_fit_artifact(one)));
    assert_int_equal(seen[0], AX_FIT_DONE);
    assert_int_equal(seen[1], AX_FIT_DONE);
    assert_int_equal(seen[2], AX_FIT_WAITS); /* one search after the other */
    assert_int_equal(toy_await(others[2]), AX_FIT_DONE);
    for (int i = 0; i < 2; i++)
        ax_assert_close(mean_of(ax_fit_artifact(others[i])), i + 4, 0);
    for (int i = 0; i < 3; i++)
        ax_fit_drop(others[i]);
    ax_fit_drop(f);
    ax_fit_drop(one);
    ax_training_stop(queue);
    ax_training_stop(alone);
    assert_int_equal(toy_alive(), 0);
}

static void files_of_searches_of_other_days_go_at_a_start(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    const struct timeval old[2] = {{1, 0}, {1, 0}};
    scratch_make(dir, NULL);
    scratch_in(path, dir, "new.search");
    scratch_write(path, "x", 1);
    scratch_in(path, dir, "other.model");
    scratch_write(path, "x", 1);
    assert_int_equal(utimes(path, old), 0);
    scratch_in(path, dir, "old.search");
    scratch_write(path, "x", 1);
    assert_int_equal(utimes(path, old), 0);
    ax_training_stop(start(NULL, dir, false));
    assert_int_equal(scratch_count(dir, ".search"), 1);
    assert_int_equal(scratch_count(dir, ".model"), 1);
    scratch_empty(dir);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_the_trials_is_registered_with_what_was_found),
        cmocka_unit_test(what_is_usual_stays_where_no_trial_is_better_and_without_trials),
        cmocka_unit_test(where_what_is_usual_fails_on_the_rows_of_the_search_any_trial_is_better),
        cmocka_unit_test(a_search_that_fails_leaves_what_is_usual),
        cmocka_unit_test(where_nothing_can_be_fitted_on_the_rows_of_the_search_scores_are_still_numbers),
        cmocka_unit_test(files_of_searches_of_other_days_go_at_a_start),
        cmocka_unit_test(who_waits_is_fitted_between_trials_and_the_search_finds_the_same),
        cmocka_unit_test(a_search_that_is_called_off_ends_and_the_next_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
