/* Fits outlive the process that began them, wait for enough to learn from, are kept when a cron line rings at
 * a bad time, and end when somebody calls them off. */
#include "ax_test.h"
#include "learner_world.h"
#include "toy_kind.h"

#include <math.h>
#include <string.h>

#define LOOK 16 /* steps, at which fits begin by themselves */

static void begin(struct learner_world *w)
{
    learner_world_begin(w, &(struct ax_trial_rule){.shadows = false}, 0);
}

static void steps(struct learner_world *w, int n)
{
    for (int i = 0; i < n; i++) {
        (void)learner_world_swap(w);
        learner_world_step(w, NAN, NAN);
    }
}

/* One more than those that began before is on its way or over. */
static void until_fits(struct learner_world *w, int fits)
{
    for (int i = 0; toy_fits() < fits; i++) {
        assert_true(i < 1000);
        steps(w, 1);
    }
}

static void ask(struct learner_world *w)
{
    assert_int_equal(ax_registry_ask(w->registry, ax_str(WORLD_MODEL), &world_by, NULL), AX_OK);
}

static bool is_asked(struct learner_world *w)
{
    bool asked = false;
    assert_int_equal(ax_registry_asked(w->registry, ax_str(WORLD_MODEL), &asked, NULL), AX_OK);
    return asked;
}

static struct ax_fit_view view(const struct learner_world *w)
{
    struct ax_fit_view v;
    ax_learner_view(&w->l, &v);
    assert_string_equal(v.model, WORLD_MODEL);
    return v;
}

static void assert_view(const struct learner_world *w, enum ax_fit_stage stage, enum ax_fit_reason reason)
{
    const struct ax_fit_view v = view(w);
    assert_string_equal(ax_fit_stage_name(v.stage), ax_fit_stage_name(stage));
    assert_string_equal(ax_fit_reason_name(v.reason), ax_fit_reason_name(reason));
}

static void save(struct learner_world *w, struct ax_buf *saved)
{
    ax_buf_reset(saved);
    ax_learner_save(&w->l, saved);
}

/* The process ends at once, and another one begins with what was saved, if anything was. */
static void restart(struct learner_world *w, const struct ax_buf *saved)
{
    learner_world_stop(w);
    learner_world_start(w, 0);
    if (!saved)
        return;
    struct ax_bytes in = ax_bytes_of(ax_buf_view(saved));
    assert_int_equal(ax_learner_load(&w->l, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
}

static void what_is_asked_for_is_not_lost_when_the_process_ends_before_it_begins(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    steps(&w, 2);
    const int fits = toy_fits();
    ask(&w);
    restart(&w, NULL); /* nothing of it is in a snapshot */
    steps(&w, 1);
    assert_int_equal(toy_fits(), fits + 1);
    assert_true(is_asked(&w)); /* until it is over */
    steps(&w, 1);
    assert_false(is_asked(&w));
    steps(&w, 2);
    restart(&w, NULL);
    steps(&w, 2);
    assert_int_equal(toy_fits(), fits + 1); /* once */
    learner_world_end(&w);
}

static void a_fit_that_the_end_of_the_process_interrupts_begins_again(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w);
    steps(&w, 2);
    w.background = w.slow = true;
    save(&w, &saved);
    restart(&w, &saved);
    ask(&w);
    steps(&w, 1);
    assert_true(view(&w).stage >= AX_FITS_QUEUED);
    save(&w, &saved);
    w.background = w.slow = false;
    restart(&w, &saved);
    assert_view(&w, AX_FITS_WANTED, AX_FIT_MANUAL);
    const int fits = toy_fits();
    steps(&w, 1);
    assert_int_equal(toy_fits(), fits + 1);
    steps(&w, 2);
    assert_false(is_asked(&w));
    assert_int_equal(toy_fits(), fits + 1);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void one_because_of_drift_too_and_its_rest_goes_on_after_the_restart(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w);
    steps(&w, 2);
    w.drifts = true;
    for (int i = 0; w.l.fits.begun != AX_FIT_DRIFT; i++) {
        assert_true(i < 1000);
        (void)learner_world_swap(&w);
        w.t_ms += WORLD_STEP;
        ax_learner_offer(&w.l, w.t_ms, AX_FIT_DRIFT);
    }
    assert_int_equal(w.l.fits.drift_fits, 1);
    save(&w, &saved);
    restart(&w, &saved);
    assert_int_equal(w.l.fits.drift_fits, 1);
    steps(&w, 2);
    assert_int_equal(w.l.fits.drift_fits, 1); /* whether it was over or began again */
    save(&w, &saved);
    restart(&w, &saved);
    const int64_t rests_ms = w.t_ms;
    const int fits = toy_fits();
    for (int i = 0; toy_fits() == fits; i++) { /* twice the cooldown, as if there had been no restart */
        assert_true(i < 1000);
        (void)learner_world_swap(&w);
        w.t_ms += WORLD_STEP;
        ax_learner_offer(&w.l, w.t_ms, AX_FIT_DRIFT);
    }
    assert_true(w.t_ms - rests_ms >= WORLD_EVERY - 4 * WORLD_STEP);
    w.drifts = false;
    steps(&w, 1);
    assert_int_equal(w.l.fits.drift_fits, 0);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void what_is_asked_for_waits_for_enough_to_learn_from(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    w.has_too_little = true;
    const int fits = toy_fits();
    ask(&w);
    steps(&w, 3);
    assert_view(&w, AX_FITS_TOO_LITTLE_DATA, AX_FIT_MANUAL);
    steps(&w, 5 * LOOK);
    assert_int_equal(toy_fits(), fits);
    w.has_too_little = false;
    steps(&w, LOOK + 2);
    assert_int_equal(toy_fits(), fits + 1);
    assert_view(&w, AX_FITS_IDLE, AX_FIT_NOT);
    learner_world_end(&w);
}

static void a_cron_line_that_rings_while_the_queue_is_full_is_kept_until_a_fit_begins(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w);
    until_fits(&w, toy_fits() + 2); /* so that the schedule is far */
    steps(&w, 2);
    w.background = true;
    save(&w, &saved);
    restart(&w, &saved);
    struct ax_fit *other = NULL;
    struct toy_data *d = toy_data(1, 1, "a");
    d->until_called = true;
    const struct ax_fit_task task = {
        .kind = &toy_kind, .about = {.job = "other", .kind = "toy", .feature = ""}, .data = d, .bytes = 1000};
    assert_int_equal(ax_training_offer(w.training, &task, &other, NULL), AX_OK);
    w.rings = true;
    steps(&w, 2 * LOOK);
    assert_view(&w, AX_FITS_WANTED, AX_FIT_CRON);
    assert_null(w.l.fit);
    ax_fit_drop(other);
    w.background = false;
    save(&w, &saved);
    restart(&w, &saved);
    assert_view(&w, AX_FITS_WANTED, AX_FIT_CRON);
    const int fits = toy_fits();
    steps(&w, 2 * LOOK);
    assert_int_equal(toy_fits(), fits + 1);
    assert_view(&w, AX_FITS_IDLE, AX_FIT_NOT);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void one_that_is_called_off_gives_nothing_and_the_next_comes_at_its_time(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w);
    until_fits(&w, toy_fits() + 2);
    steps(&w, 2);
    const size_t models = scratch_count(w.dir, ".model");
    w.background = w.slow = true;
    save(&w, &saved);
    restart(&w, &saved);
    assert_false(ax_learner_cancel(&w.l, w.t_ms)); /* there is nothing to call off */
    for (int i = 0; !w.l.fit; i++) {
        assert_true(i < 1000);
        steps(&w, 1);
    }
    assert_view(&w, view(&w).stage, AX_FIT_SCHEDULE);
    assert_true(ax_learner_cancel(&w.l, w.t_ms));
    assert_view(&w, AX_FITS_IDLE, AX_FIT_NOT);
    const int64_t cancelled_ms = w.t_ms;
    save(&w, &saved);
    w.background = w.slow = false;
    restart(&w, &saved);
    until_fits(&w, toy_fits() + 1);
    assert_true(w.t_ms - cancelled_ms >= WORLD_EVERY &&
                w.t_ms - cancelled_ms < WORLD_EVERY + LOOK * WORLD_STEP);
    assert_int_equal(scratch_count(w.dir, ".model"), models + 1);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void what_was_asked_for_and_is_called_off_does_not_come_back(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    w.has_too_little = true;
    ask(&w);
    steps(&w, 3);
    assert_true(ax_learner_cancel(&w.l, w.t_ms));
    assert_int_equal(ax_registry_cancel(w.registry, ax_str(WORLD_MODEL), &world_by, NULL), AX_OK);
    assert_false(is_asked(&w));
    w.has_too_little = false;
    const int fits = toy_fits();
    steps(&w, 2 * LOOK);
    restart(&w, NULL);
    steps(&w, 2);
    assert_int_equal(toy_fits(), fits);
    learner_world_end(&w);
}

static void a_look_before_the_store_has_forgotten_it_does_not_ask_for_it_again(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    w.has_too_little = true;
    ask(&w);
    steps(&w, 3);
    /* another model is asked for meanwhile, so that the store says that it has changed */
    assert_int_equal(ax_registry_ask(w.registry, ax_str("other/toy"), &world_by, NULL), AX_OK);
    assert_true(ax_learner_cancel(&w.l, w.t_ms));
    (void)ax_learner_look(&w.l); /* to show how it stands */
    assert_view(&w, AX_FITS_IDLE, AX_FIT_NOT);
    assert_false(is_asked(&w));
    assert_int_equal(ax_registry_cancel(w.registry, ax_str(WORLD_MODEL), &world_by, NULL), AX_OK);
    w.has_too_little = false;
    const int fits = toy_fits();
    steps(&w, 2);
    assert_int_equal(toy_fits(), fits);
    ask(&w); /* who asks again is heard */
    steps(&w, 1);
    assert_int_equal(toy_fits(), fits + 1);
    learner_world_end(&w);
}

static void an_interrupted_one_that_is_not_worth_while_any_more_is_over(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w);
    steps(&w, 2);
    w.background = w.slow = true;
    save(&w, &saved);
    restart(&w, &saved);
    for (int i = 0; !w.l.fit; i++) {
        assert_true(i < 1000);
        steps(&w, 1);
    }
    save(&w, &saved);
    w.background = w.slow = false;
    restart(&w, &saved);
    assert_view(&w, AX_FITS_WANTED, AX_FIT_SCHEDULE);
    w.is_useless = true;
    w.l.fits_changed = false;
    const int fits = toy_fits();
    steps(&w, 1);
    assert_view(&w, AX_FITS_IDLE, AX_FIT_NOT);
    assert_true(w.l.fits_changed); /* which is recorded */
    assert_true(w.l.put_off_ms == w.t_ms + LOOK * WORLD_STEP);
    assert_int_equal(toy_fits(), fits);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void the_rest_after_a_failure_is_counted_from_it_however_long_the_fit_took(void **state)
{
    const struct ax_fits_rule rule = {.step_ms = WORLD_STEP, .every_ms = WORLD_EVERY, .cooldown_ms = 1};
    struct ax_fits_now now = {.asked = true, .newest_ms = INT64_MIN, .learnt_ms = INT64_MAX};
    const int64_t hour_ms = 3600000, minute_ms = 60000;
    struct ax_fits f = AX_FITS_NONE;
    (void)state;
    ax_fits_begin(&f, AX_FIT_MANUAL, hour_ms);
    ax_fits_end(&f, 3 * hour_ms, true);
    now.t_ms = 3 * hour_ms + 9 * minute_ms;
    assert_int_equal(ax_fits_due(&f, &rule, &now), AX_FIT_NOT);
    now.t_ms = 3 * hour_ms + 10 * minute_ms;
    assert_int_equal(ax_fits_due(&f, &rule, &now), AX_FIT_MANUAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_not_lost_when_the_process_ends_before_it_begins),
        cmocka_unit_test(a_fit_that_the_end_of_the_process_interrupts_begins_again),
        cmocka_unit_test(one_because_of_drift_too_and_its_rest_goes_on_after_the_restart),
        cmocka_unit_test(what_is_asked_for_waits_for_enough_to_learn_from),
        cmocka_unit_test(a_cron_line_that_rings_while_the_queue_is_full_is_kept_until_a_fit_begins),
        cmocka_unit_test(one_that_is_called_off_gives_nothing_and_the_next_comes_at_its_time),
        cmocka_unit_test(what_was_asked_for_and_is_called_off_does_not_come_back),
        cmocka_unit_test(a_look_before_the_store_has_forgotten_it_does_not_ask_for_it_again),
        cmocka_unit_test(an_interrupted_one_that_is_not_worth_while_any_more_is_over),
        cmocka_unit_test(the_rest_after_a_failure_is_counted_from_it_however_long_the_fit_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
