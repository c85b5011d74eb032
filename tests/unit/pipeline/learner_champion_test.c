/* What serves is the champion of the registry: after a fit, a promotion, a rollback and a restart. */
#include "ax_test.h"
#include "learner_world.h"

#include <math.h>

static void begin(struct learner_world *w, uint32_t approvals)
{
    learner_world_begin(w, &(struct ax_trial_rule){.shadows = false}, approvals);
}

/* Take steps as a pipeline does; returns the swaps. */
static int steps(struct learner_world *w, int n)
{
    int swaps = 0;
    for (int i = 0; i < n; i++) {
        swaps += learner_world_swap(w);
        learner_world_step(w, NAN, NAN);
    }
    return swaps;
}

static void assert_serves(struct learner_world *w, const char *which)
{
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    if (ax_registry_find(w->registry, ax_str(WORLD_MODEL), ax_str(which), &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_non_null(w->l.live);
    assert_string_equal(w->l.live->sha256, ref.sha256);
}

static void each_fit_is_a_version_and_its_champion_serves(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0);
    assert_int_equal(steps(&w, 2), 1);
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 120), 1);
    assert_serves(&w, "1.0.1");
    assert_serves(&w, "champion");
    learner_world_end(&w);
}

static void a_rollback_takes_effect_at_the_next_step_and_a_newer_fit_has_to_win_first(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 122);
    assert_serves(&w, "1.0.1");
    assert_int_equal(ax_registry_rollback(w.registry, ax_str(WORLD_MODEL), &world_by, &ref, NULL), AX_OK);
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 70), 0); /* what it learnt from is old, but a newer one was fitted since */
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 20), 1);
    assert_string_equal(w.l.roles.shadow.version, "1.0.2");
    assert_serves(&w, "1.0.0");
    learner_world_end(&w);
}

static void where_the_champion_cannot_be_used_the_next_fit_serves(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 2);
    assert_serves(&w, "1.0.0");
    learner_world_stop(&w);
    w.features = "b"; /* as somebody has changed them */
    w.rule = (struct ax_trial_rule){.shadows = true, .watch_n = 10};
    learner_world_start(&w, 0);
    assert_int_equal(steps(&w, 20), 1);
    assert_serves(&w, "champion");
    learner_world_end(&w);
}

static void after_a_restart_it_is_still_rolled_back(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    struct ax_buf saved;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 122);
    assert_int_equal(ax_registry_rollback(w.registry, ax_str(WORLD_MODEL), &world_by, &ref, NULL), AX_OK);
    ax_buf_init(&saved, 1024);
    ax_learner_save(&w.l, &saved); /* before the next step: the process ends with the newer one live */
    learner_world_stop(&w);
    learner_world_start(&w, 0);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_learner_load(&w.l, &in), AX_OK);
    assert_serves(&w, "1.0.1");
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void a_version_that_waits_for_approvals_does_not_serve(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 1);
    assert_int_equal(steps(&w, 90), 0);
    assert_null(w.l.live);
    assert_int_equal(scratch_count(w.dir, ".model"), 1); /* and no other is fitted before its time */
    assert_int_equal(ax_registry_approve(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.0"), &world_by, NULL),
                     AX_OK);
    assert_int_equal(ax_registry_move(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.0"), AX_STAGE_PRODUCTION,
                                      &world_by, &ref, NULL),
                     AX_OK);
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    learner_world_end(&w);
}

static void the_model_of_a_feature_is_named_by_it(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    const struct ax_artifact_about of_a_feature = {.job = "job", .kind = "toy", .feature = "cpu"};
    (void)state;
    begin(&w, 0);
    assert_int_equal(w.store.put(w.store.ctx, &of_a_feature, ax_str("no model file"), NULL), AX_OK);
    assert_int_equal(ax_registry_find(w.registry, ax_str("job/toy:cpu"), ax_str("champion"), &ref, NULL),
                     AX_OK);
    assert_int_equal(w.store.put(w.store.ctx, &of_a_feature, ax_str("no model file"), NULL), AX_OK);
    assert_int_equal(ax_registry_find(w.registry, ax_str("job/toy:cpu"), ax_str("latest"), &ref, NULL),
                     AX_OK);
    assert_string_equal(ref.version, "1.0.0"); /* the same bytes are the same version */
    learner_world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fit_is_a_version_and_its_champion_serves),
        cmocka_unit_test(a_rollback_takes_effect_at_the_next_step_and_a_newer_fit_has_to_win_first),
        cmocka_unit_test(where_the_champion_cannot_be_used_the_next_fit_serves),
        cmocka_unit_test(after_a_restart_it_is_still_rolled_back),
        cmocka_unit_test(a_version_that_waits_for_approvals_does_not_serve),
        cmocka_unit_test(the_model_of_a_feature_is_named_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
