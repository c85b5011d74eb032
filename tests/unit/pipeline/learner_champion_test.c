/* What serves is the champion of the registry: after a fit, a promotion, a rollback and a restart. */
#include "ax_test.h"
#include "pipeline/learner.h"
#include "scratch.h"
#include "toy_kind.h"
#include "train/registered.h"

#include <string.h>

#define STEP 15000
#define EVERY (96 * STEP)
#define MODEL "job/toy"

static const struct ax_registry_by by = {{"ann", 3}, {"", 0}};

/* A learner over a registry and a synchronous queue. */
struct world {
    char dir[SCRATCH_PATH];
    struct ax_registry *registry;
    struct ax_artifacts store;
    struct ax_training *training;
    struct ax_learner l;
    const char *features; /* that the job has */
    struct ax_trial_rule rule;
    int64_t t_ms;
};

static enum ax_err copy(void *ctx, int64_t t_ms, uint64_t bytes_max, struct ax_past_copy *out)
{
    const struct world *w = ctx;
    (void)bytes_max;
    *out = (struct ax_past_copy){toy_data((double)t_ms, t_ms, w->features), 10};
    return AX_OK;
}

static void start(struct world *w, uint32_t approvals)
{
    struct ax_diag diag = {{0}};
    const struct ax_registry_options options = {
        .dir = w->dir, .clock = ax_clock_wall(), .approvals = approvals};
    if (ax_registry_open(&options, &w->registry, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    w->store = ax_artifact_registry(w->registry);
    const struct ax_training_options o = {
        .artifacts = w->store, .cpu_share = 1, .bytes_max = 1000, .synchronous = true};
    assert_int_equal(ax_training_start(&o, &w->training, NULL), AX_OK);
    const struct ax_learner_spec spec = {.kind = &toy_kind,
                                         .training = w->training,
                                         .artifacts = &w->store,
                                         .job = "job",
                                         .feature = "",
                                         .build = w->features,
                                         .rule = w->rule,
                                         .step_ms = STEP,
                                         .every_ms = EVERY,
                                         .seed = 42,
                                         .copy = copy,
                                         .ctx = w};
    ax_learner_init(&w->l, &spec);
}

static void stop(struct world *w)
{
    ax_learner_done(&w->l);
    ax_training_stop(w->training);
    ax_registry_close(w->registry);
}

static void begin(struct world *w, uint32_t approvals)
{
    *w = (struct world){.features = "a", .t_ms = 15 * STEP}; /* the first step is one at which fits begin */
    scratch_make(w->dir, NULL);
    start(w, approvals);
}

static void end(struct world *w)
{
    stop(w);
    scratch_remove(w->dir);
    assert_int_equal(toy_alive(), 0);
}

/* Take steps as a pipeline does; returns the swaps. */
static int steps(struct world *w, int n)
{
    int swaps = 0;
    for (int i = 0; i < n; i++) {
        if (ax_learner_ready(&w->l)) {
            ax_learner_swap(&w->l, w->t_ms);
            swaps++;
        }
        w->t_ms += STEP;
        ax_learner_offer(&w->l, w->t_ms, AX_FIT_NOT);
    }
    return swaps;
}

static void assert_serves(struct world *w, const char *which)
{
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    if (ax_registry_find(w->registry, ax_str(MODEL), ax_str(which), &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_non_null(w->l.live);
    assert_string_equal(w->l.live->sha256, ref.sha256);
}

static void each_fit_is_a_version_and_its_champion_serves(void **state)
{
    struct world w;
    (void)state;
    begin(&w, 0);
    assert_int_equal(steps(&w, 2), 1);
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 120), 1);
    assert_serves(&w, "1.0.1");
    assert_serves(&w, "champion");
    end(&w);
}

static void a_rollback_takes_effect_at_the_next_step_and_holds_until_the_next_fit(void **state)
{
    struct world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 122);
    assert_serves(&w, "1.0.1");
    assert_int_equal(ax_registry_rollback(w.registry, ax_str(MODEL), &by, &ref, NULL), AX_OK);
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 70), 0); /* what it learnt from is old, but a newer one was fitted since */
    assert_serves(&w, "1.0.0");
    assert_int_equal(steps(&w, 20), 1);
    assert_serves(&w, "1.0.2");
    end(&w);
}

static void where_the_champion_cannot_be_used_the_next_fit_serves(void **state)
{
    struct world w;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 2);
    assert_serves(&w, "1.0.0");
    stop(&w);
    w.features = "b"; /* as somebody has changed them */
    w.rule = (struct ax_trial_rule){.shadows = true, .watch_n = 10};
    start(&w, 0);
    assert_int_equal(steps(&w, 20), 1);
    assert_serves(&w, "champion");
    end(&w);
}

static void after_a_restart_it_is_still_rolled_back(void **state)
{
    struct world w;
    struct ax_model_ref ref;
    struct ax_buf saved;
    (void)state;
    begin(&w, 0);
    (void)steps(&w, 122);
    assert_int_equal(ax_registry_rollback(w.registry, ax_str(MODEL), &by, &ref, NULL), AX_OK);
    ax_buf_init(&saved, 1024);
    ax_learner_save(&w.l, &saved); /* before the next step: the process ends with the newer one live */
    stop(&w);
    start(&w, 0);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_learner_load(&w.l, &in), AX_OK);
    assert_serves(&w, "1.0.1");
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    ax_buf_done(&saved);
    end(&w);
}

static void a_version_that_waits_for_approvals_does_not_serve(void **state)
{
    struct world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 1);
    assert_int_equal(steps(&w, 90), 0);
    assert_null(w.l.live);
    assert_int_equal(scratch_count(w.dir, ".model"), 1); /* and no other is fitted before its time */
    assert_int_equal(ax_registry_approve(w.registry, ax_str(MODEL), ax_str("1.0.0"), &by, NULL), AX_OK);
    assert_int_equal(
        ax_registry_move(w.registry, ax_str(MODEL), ax_str("1.0.0"), AX_STAGE_PRODUCTION, &by, &ref, NULL),
        AX_OK);
    assert_int_equal(steps(&w, 1), 1);
    assert_serves(&w, "1.0.0");
    end(&w);
}

static void the_model_of_a_feature_is_named_by_it(void **state)
{
    struct world w;
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
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fit_is_a_version_and_its_champion_serves),
        cmocka_unit_test(a_rollback_takes_effect_at_the_next_step_and_holds_until_the_next_fit),
        cmocka_unit_test(where_the_champion_cannot_be_used_the_next_fit_serves),
        cmocka_unit_test(after_a_restart_it_is_still_rolled_back),
        cmocka_unit_test(a_version_that_waits_for_approvals_does_not_serve),
        cmocka_unit_test(the_model_of_a_feature_is_named_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
