/* A learner begins a fit when it is due, serves what came of it from the next step on, and finds it again. */
#include "ax_test.h"
#include "base/metrics.h"
#include "pipeline/learner.h"
#include "scratch.h"
#include "toy_kind.h"

#include <stdio.h>
#include <string.h>

#define STEP 15000
#define EVERY (96 * STEP)

/* A learner over a synchronous queue, and what its fits are given. */
struct world {
    char dir[SCRATCH_PATH];
    struct ax_artifacts store;
    struct ax_training *training;
    struct ax_learner l;
    int64_t enough_ms; /* from when on there is enough to learn from */
    enum ax_err err;   /* of the fits */
    const char *features;
    int looks;
};

static enum ax_err copy(void *ctx, int64_t t_ms, enum ax_fit_reason reason, uint64_t bytes_max,
                        struct ax_past_copy *out)
{
    struct world *w = ctx;
    (void)reason;
    assert_true(bytes_max == 1000);
    w->looks++;
    if (t_ms < w->enough_ms)
        return AX_NOTREADY;
    struct toy_data *d = toy_data((double)t_ms, t_ms, w->features);
    d->err = w->err;
    *out = (struct ax_past_copy){d, 10};
    return AX_OK;
}

static void build(struct world *w, const char *features)
{
    const struct ax_learner_spec spec = {.kind = &toy_kind,
                                         .training = w->training,
                                         .artifacts = &w->store,
                                         .job = "job",
                                         .feature = "",
                                         .build = features,
                                         .fits = {.step_ms = STEP, .every_ms = EVERY},
                                         .seed = 42,
                                         .copy = copy,
                                         .ctx = w};
    ax_learner_init(&w->l, &spec);
}

static void begin(struct world *w)
{
    *w = (struct world){.features = "a"};
    scratch_make(w->dir, NULL);
    w->store = ax_artifact_files(w->dir);
    const struct ax_training_options o = {
        .artifacts = w->store, .cpu_share = 1, .bytes_max = 1000, .synchronous = true};
    assert_int_equal(ax_training_start(&o, &w->training, NULL), AX_OK);
    build(w, "a");
}

static void end(struct world *w)
{
    ax_learner_done(&w->l);
    ax_training_stop(w->training);
    scratch_remove(w->dir);
    assert_int_equal(toy_alive(), 0);
}

/* Steps after from_ms up to until_ms, as a pipeline takes them; returns the swaps. */
static int steps(struct world *w, int64_t from_ms, int64_t until_ms)
{
    int swaps = 0;
    for (int64_t t = from_ms + STEP; t <= until_ms; t += STEP) {
        if (ax_learner_ready(&w->l, t - STEP)) {
            ax_learner_swap(&w->l, t - STEP);
            swaps++;
        }
        ax_learner_offer(&w->l, t, AX_FIT_NOT);
    }
    return swaps;
}

static void the_first_fit_begins_when_there_is_enough_and_the_next_ones_on_schedule(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.enough_ms = 50 * STEP;
    assert_int_equal(steps(&w, 0, 49 * STEP), 0);
    assert_null(w.l.live);
    assert_true(w.looks < 10); /* and not at every step */
    assert_int_equal(steps(&w, 49 * STEP, 80 * STEP), 1);
    const int64_t first_ms = w.l.live->scores.until_ms;
    assert_true(first_ms == 64 * STEP);
    assert_int_equal(steps(&w, 80 * STEP, first_ms + EVERY), 0);
    assert_int_equal(steps(&w, first_ms + EVERY, first_ms + EVERY + STEP), 1);
    assert_true(w.l.live->scores.until_ms == first_ms + EVERY);
    end(&w);
}

static void a_finished_model_serves_from_the_next_step_on(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    ax_learner_offer(&w.l, 16 * STEP, AX_FIT_NOT);
    assert_null(w.l.live);
    assert_true(ax_learner_ready(&w.l, 16 * STEP));
    assert_null(w.l.live);
    assert_true(ax_learner_ready(&w.l, 16 * STEP));
    ax_learner_swap(&w.l, 16 * STEP);
    assert_non_null(w.l.live);
    assert_false(ax_learner_ready(&w.l, 16 * STEP));
    end(&w);
}

static void after_failures_it_waits_longer_and_what_served_goes_on(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    (void)steps(&w, 0, 17 * STEP);
    struct ax_generation *live = w.l.live;
    assert_non_null(live);
    w.err = AX_NUMERIC;
    const int before = toy_fits();
    assert_int_equal(steps(&w, EVERY, EVERY + (int64_t)7200000), 0);
    assert_ptr_equal(w.l.live, live);
    assert_in_range(toy_fits() - before, 2, 5); /* after 0, 10, 30, 70 min */
    w.err = AX_OK;
    assert_true(steps(&w, EVERY + 7200000, EVERY + 4 * (int64_t)7200000) > 0);
    end(&w);
}

static void what_was_saved_is_found_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    (void)steps(&w, 0, 17 * STEP);
    struct ax_buf saved;
    ax_buf_init(&saved, 1000);
    ax_learner_save(&w.l, &saved);
    const double mean = ((struct toy_model *)w.l.live->model)->mean;
    ax_learner_done(&w.l);
    build(&w, "a");
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_learner_load(&w.l, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_true(((struct toy_model *)w.l.live->model)->mean == mean);
    const int fits = toy_fits(); /* the schedule goes on */
    (void)steps(&w, 17 * STEP, EVERY);
    assert_int_equal(toy_fits(), fits);
    ax_buf_done(&saved);
    end(&w);
}

static void
a_model_that_is_missing_damaged_or_of_other_features_is_counted_and_the_next_fit_is_due(void **state)
{
    (void)state;
    static const char *const reasons[] = {"missing", "damaged", "other_features"};
    for (int i = 0; i < 3; i++) {
        struct world w;
        begin(&w);
        (void)steps(&w, 0, 17 * STEP);
        struct ax_buf saved;
        ax_buf_init(&saved, 1000);
        ax_learner_save(&w.l, &saved);
        ax_learner_done(&w.l);
        char name[SCRATCH_PATH], path[SCRATCH_PATH];
        scratch_name(name, w.dir, ".model", 0);
        scratch_in(path, w.dir, name);
        if (i == 0)
            scratch_empty(w.dir);
        if (i == 1)
            scratch_write(path, "x", 1);
        w.features = i == 2 ? "b" : "a";
        build(&w, w.features);
        const double before = ax_metric_get(ax_metric(AX_M_TRAINING_FAILURES, "job", reasons[i]));
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
        assert_int_equal(ax_learner_load(&w.l, &in), AX_OK);
        assert_null(w.l.live);
        assert_true(ax_metric_get(ax_metric(AX_M_TRAINING_FAILURES, "job", reasons[i])) == before + 1);
        assert_int_equal(steps(&w, 17 * STEP, 33 * STEP), 1);
        ax_buf_done(&saved);
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_fit_begins_when_there_is_enough_and_the_next_ones_on_schedule),
        cmocka_unit_test(a_finished_model_serves_from_the_next_step_on),
        cmocka_unit_test(after_failures_it_waits_longer_and_what_served_goes_on),
        cmocka_unit_test(what_was_saved_is_found_again),
        cmocka_unit_test(
            a_model_that_is_missing_damaged_or_of_other_features_is_counted_and_the_next_fit_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
