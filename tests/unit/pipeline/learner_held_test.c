/* What somebody has decided on, and what an automatic rollback has put back, holds until a newer version has
 * won a trial, also where a newer one would take its place without any; after a restart and in a replay too.
 */
#include "ax_test.h"
#include "learner_world.h"
#include "toy_kind.h"

#include <string.h>

#define FIRST 20

/* While the window fills, as it were: each newer version takes the place of what serves. */
static void begin(struct learner_world *w)
{
    learner_world_begin(
        w, &(struct ax_trial_rule){.shadows = true, .compare = {.samples_min = FIRST}, .watch_n = 32}, 0);
    w->supersedes = true;
}

/* One step as a pipeline takes it, at which the two lose so much; with a little of their own. */
static void step(struct learner_world *w, double live, double shadow)
{
    (void)learner_world_swap(w);
    const int64_t n = w->t_ms / WORLD_STEP + 1;
    learner_world_step(w, live * (1 + (double)(n % 7) / 50), shadow * (1 + (double)(n * 3 % 7) / 50));
}

/* Steps until that version serves, as many as ever needed. */
static int until_serves(struct learner_world *w, const char *version, double live, double shadow)
{
    for (int n = 1; n < 2000; n++) {
        step(w, live, shadow);
        if (strcmp(w->l.roles.live.version, version) == 0)
            return n;
    }
    fail_msg("%s never serves", version);
    return 0;
}

/* Steps until a challenger is tried. */
static void until_tried(struct learner_world *w, const char *version)
{
    for (int n = 0; n < 1000 && w->l.roles.phase != AX_PHASE_SHADOW; n++)
        step(w, 1, 1);
    assert_int_equal(w->l.roles.phase, AX_PHASE_SHADOW);
    assert_string_equal(w->l.roles.shadow.version, version);
}

static void roll_back(struct learner_world *w)
{
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    if (ax_registry_rollback(w->registry, ax_str(WORLD_MODEL), &world_by, &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void promote(struct learner_world *w, const char *version)
{
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    if (ax_registry_move(w->registry, ax_str(WORLD_MODEL), ax_str(version), AX_STAGE_PRODUCTION, &world_by,
                         &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

/* The process ends, and another one begins with what was saved at some time before. */
static void restart(struct learner_world *w, struct ax_buf *saved)
{
    learner_world_stop(w);
    learner_world_start(w, 0);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(saved));
    assert_int_equal(ax_learner_load(&w->l, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
}

static void save(struct learner_world *w, struct ax_buf *out)
{
    ax_buf_reset(out);
    ax_learner_save(&w->l, out);
}

static void a_newer_one_takes_the_place_of_what_nobody_has_decided_on(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    assert_true(w.l.trial.n <= 1); /* of its watch */
    assert_false(w.l.roles.held);
    (void)until_serves(&w, "1.0.2", 1, 1);
    learner_world_end(&w);
}

static void what_was_rolled_back_to_by_hand_serves_until_a_newer_one_has_won(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    roll_back(&w);
    step(&w, 1, 1);
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    assert_true(w.l.roles.held);
    until_tried(&w, "1.0.2");
    for (int i = 0; i < FIRST - 2; i++) {
        step(&w, 1, 1);
        assert_string_equal(w.l.roles.live.version, "1.0.0");
    }
    (void)until_serves(&w, "1.0.2", 1, 0.8);
    assert_false(w.l.roles.held); /* it has won its place itself */
    (void)until_serves(&w, "1.0.3", 1, 1);
    learner_world_end(&w);
}

static void one_that_is_no_better_does_not_take_its_place(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    roll_back(&w);
    until_tried(&w, "1.0.2");
    for (int i = 0; i < 20 * FIRST && w.l.roles.phase == AX_PHASE_SHADOW; i++)
        step(&w, 1, 1);
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    until_tried(&w, "1.0.3");
    assert_true(w.l.roles.held);
    learner_world_end(&w);
}

static void what_was_promoted_by_hand_serves_until_a_newer_one_has_won(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    for (int i = 0; i < 64 && w.l.roles.phase == AX_PHASE_WATCH; i++)
        step(&w, 1, 1);
    promote(&w, "1.0.0");
    step(&w, 1, 1);
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    assert_int_equal(w.l.roles.phase, AX_PHASE_WATCH); /* which is over at some time */
    until_tried(&w, "1.0.2");
    assert_true(w.l.roles.held);
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    (void)until_serves(&w, "1.0.2", 1, 0.8);
    learner_world_end(&w);
}

static void what_an_automatic_rollback_has_put_back_serves_until_a_newer_one_has_won(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    (void)until_serves(&w, "1.0.0", 4, 1); /* it is worse than the one that it has replaced */
    assert_true(w.l.rolled_back_ms != INT64_MIN);
    assert_true(w.l.roles.held);
    until_tried(&w, "1.0.2");
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    (void)until_serves(&w, "1.0.2", 1, 0.8);
    learner_world_end(&w);
}

/* Without trials, but for those against what somebody has decided on. */
static void with_immediate_promotion_too_a_decision_holds_until_a_newer_one_has_won(void **state)
{
    struct learner_world w;
    (void)state;
    learner_world_begin(&w, &(struct ax_trial_rule){.compare = {.samples_min = FIRST}}, 0);
    (void)until_serves(&w, "1.0.1", 1, 1);
    roll_back(&w);
    step(&w, 1, 1);
    assert_string_equal(w.l.roles.live.version, "1.0.0");
    until_tried(&w, "1.0.2");
    for (int i = 0; i < 20 * FIRST && w.l.roles.phase == AX_PHASE_SHADOW; i++)
        step(&w, 1, 1);
    assert_string_equal(w.l.roles.live.version, "1.0.0"); /* it is no better */
    until_tried(&w, "1.0.3");
    (void)until_serves(&w, "1.0.3", 1, 0.8);
    assert_false(w.l.roles.held);
    while (strcmp(w.l.roles.live.version, "1.0.4") != 0) {
        step(&w, 1, 1);
        assert_int_not_equal(w.l.roles.phase, AX_PHASE_SHADOW); /* at once again */
    }
    learner_world_end(&w);
}

static void it_holds_after_a_restart_from_what_was_saved_before_or_after_the_rollback(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    for (int after = 0; after < 2; after++) {
        begin(&w);
        (void)until_serves(&w, "1.0.1", 1, 1);
        save(&w, &saved);
        roll_back(&w);
        if (after) {
            step(&w, 1, 1);
            save(&w, &saved);
        }
        restart(&w, &saved);
        step(&w, 1, 1);
        assert_string_equal(w.l.roles.live.version, "1.0.0");
        assert_true(w.l.roles.held);
        until_tried(&w, "1.0.2");
        step(&w, 1, 1);
        save(&w, &saved);
        restart(&w, &saved); /* in the trial */
        for (int i = 0; i < FIRST / 2; i++)
            step(&w, 1, 1);
        assert_string_equal(w.l.roles.live.version, "1.0.0");
        learner_world_end(&w);
    }
    ax_buf_done(&saved);
}

static void a_record_of_the_log_makes_it_hold_as_the_decision_did(void **state)
{
    struct learner_world w;
    struct ax_buf saved, one, two;
    (void)state;
    ax_buf_init(&saved, 100000);
    ax_buf_init(&one, 100000);
    ax_buf_init(&two, 100000);
    begin(&w);
    (void)until_serves(&w, "1.0.1", 1, 1);
    save(&w, &saved);
    roll_back(&w);
    (void)learner_world_swap(&w);
    const struct ax_roles roles = w.l.roles;
    assert_true(roles.held);
    save(&w, &one);
    restart(&w, &saved);
    assert_int_equal(ax_learner_restore(&w.l, &roles, w.t_ms), AX_OK);
    save(&w, &two);
    assert_true(one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0);
    ax_buf_done(&saved);
    ax_buf_done(&one);
    ax_buf_done(&two);
    learner_world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newer_one_takes_the_place_of_what_nobody_has_decided_on),
        cmocka_unit_test(what_was_rolled_back_to_by_hand_serves_until_a_newer_one_has_won),
        cmocka_unit_test(one_that_is_no_better_does_not_take_its_place),
        cmocka_unit_test(what_was_promoted_by_hand_serves_until_a_newer_one_has_won),
        cmocka_unit_test(what_an_automatic_rollback_has_put_back_serves_until_a_newer_one_has_won),
        cmocka_unit_test(with_immediate_promotion_too_a_decision_holds_until_a_newer_one_has_won),
        cmocka_unit_test(it_holds_after_a_restart_from_what_was_saved_before_or_after_the_rollback),
        cmocka_unit_test(a_record_of_the_log_makes_it_hold_as_the_decision_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
