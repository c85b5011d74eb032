/* A newer version is tried beside the champion: promoted, retired, waited for, watched and rolled back, with
 * the registry always saying what the learner does, also when the process ends between the two. */
#include "ax_test.h"
#include "learner_world.h"
#include "toy_kind.h"

#include <math.h>
#include <string.h>

#define FIRST 20

static void begin(struct learner_world *w, uint32_t approvals, bool canary)
{
    const struct ax_trial_rule rule = {
        .shadows = true, .canary = canary, .compare = {.samples_min = FIRST}, .canary_n = 32, .watch_n = 160};
    learner_world_begin(w, &rule, approvals);
}

/* One step as a pipeline takes it, at which the two lose so much; with a little of their own. */
static void step(struct learner_world *w, double live, double shadow)
{
    (void)learner_world_swap(w);
    const int64_t n = w->t_ms / WORLD_STEP + 1;
    learner_world_step(w, live * (1 + (double)(n % 7) / 50), shadow * (1 + (double)(n * 3 % 7) / 50));
}

/* Steps until that phase is reached, as many as ever needed. */
static int until(struct learner_world *w, enum ax_phase phase, double live, double shadow)
{
    for (int n = 1; n < 1000; n++) {
        step(w, live, shadow);
        if (w->l.roles.phase == phase)
            return n;
    }
    fail_msg("it never comes to %s", ax_phase_name(phase));
    return 0;
}

static void assert_registry(struct learner_world *w, const char *which, const char *version)
{
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    if (!version) {
        assert_int_equal(ax_registry_find(w->registry, ax_str(WORLD_MODEL), ax_str(which), &ref, &diag),
                         AX_NOTFOUND);
        return;
    }
    if (ax_registry_find(w->registry, ax_str(WORLD_MODEL), ax_str(which), &ref, &diag) != AX_OK)
        fail_msg("%s: %s", which, diag.text);
    assert_string_equal(ref.version, version);
}

/* Who serves, who is compared, and that the registry says the same. */
static void assert_roles(struct learner_world *w, enum ax_phase phase, const char *live, const char *shadow)
{
    assert_int_equal(w->l.roles.phase, phase);
    assert_string_equal(w->l.roles.live.version, live);
    assert_string_equal(w->l.roles.shadow.version, shadow);
    assert_string_equal(w->l.live->sha256, w->l.roles.live.sha256);
    assert_true((w->l.shadow != NULL) == (*shadow != '\0'));
    assert_registry(w, "champion", live);
    if (phase != AX_PHASE_WATCH)
        assert_registry(w, "challenger", *shadow ? shadow : NULL);
}

static bool has_entry(void *ctx, const struct ax_audit_entry *e)
{
    const char **want = ctx;
    if (ax_str_eq(e->action, ax_str(want[0])) && ax_str_eq(e->version, ax_str(want[1])) && e->detail.n > 0 &&
        ax_str_eq(e->who, ax_str("auspex")))
        want[2] = "found";
    return true;
}

static void assert_audit(struct learner_world *w, const char *action, const char *version)
{
    const char *want[3] = {action, version, NULL};
    assert_int_equal(ax_registry_audit(w->registry, &(struct ax_audit_query){.name = ax_str(WORLD_MODEL)},
                                       has_entry, want, NULL),
                     AX_OK);
    assert_non_null(want[2]);
}

static void the_first_serves_at_once_and_a_better_one_is_promoted_watched_and_left_alone(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    (void)until(&w, AX_PHASE_SHADOW, 1, 0.8);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.1");
    assert_int_equal(until(&w, AX_PHASE_WATCH, 1, 0.8), FIRST);
    assert_roles(&w, AX_PHASE_WATCH, "1.0.1", "1.0.0");
    assert_audit(&w, "to production", "1.0.1");
    assert_int_equal(until(&w, AX_PHASE_NONE, 0.8, 1), 160);
    assert_roles(&w, AX_PHASE_NONE, "1.0.1", "");
    assert_true(w.l.rolled_back_ms == INT64_MIN);
    learner_world_end(&w);
}

static void a_worse_one_is_retired_and_an_equal_one_at_the_last_look(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0, false);
    (void)until(&w, AX_PHASE_SHADOW, 1, 1.2);
    assert_int_equal(until(&w, AX_PHASE_NONE, 1, 1.2), FIRST);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    assert_audit(&w, "to archived", "1.0.1");
    (void)until(&w, AX_PHASE_SHADOW, 1, 1);
    const int fits = toy_fits(); /* on schedule none is fitted meanwhile */
    assert_int_equal(until(&w, AX_PHASE_NONE, 1, 1), 16 * FIRST);
    assert_int_equal(toy_fits(), fits);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    learner_world_end(&w);
}

/* Which of two generations the inputs are nearer to, and who was asked about. */
static struct {
    bool newer;
    const struct ax_generation *older, *asked;
} inputs;

static bool explains(void *job, const struct ax_generation *older, const struct ax_generation *newer)
{
    (void)job;
    inputs.older = older;
    inputs.asked = newer;
    return inputs.newer;
}

static void assert_baseline(struct learner_world *w, const char *version)
{
    assert_string_equal(w->l.roles.baseline.version, version);
    assert_true((w->l.baseline != NULL) == (*version != '\0'));
    if (*version)
        assert_string_equal(w->l.baseline->sha256, w->l.roles.baseline.sha256);
}

static void
where_inputs_changed_and_the_champion_holds_they_are_measured_by_the_challengers_data(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 0, false);
    w.l.spec.explains = explains;
    inputs.newer = false; /* nothing has drifted: the baseline does not creep along */
    (void)until(&w, AX_PHASE_SHADOW, 1, 1);
    (void)until(&w, AX_PHASE_NONE, 1, 1);
    assert_baseline(&w, "");
    inputs.newer = true; /* one that is worse says nothing of the champion */
    (void)until(&w, AX_PHASE_SHADOW, 1, 1.2);
    (void)until(&w, AX_PHASE_NONE, 1, 1.2);
    assert_baseline(&w, "");
    (void)until(&w, AX_PHASE_SHADOW, 1, 1);
    (void)until(&w, AX_PHASE_NONE, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    assert_baseline(&w, "1.0.3");
    assert_true(inputs.older == w.l.live && inputs.asked == w.l.baseline);
    assert_audit(&w, "baseline 1.0.3", "1.0.0");
    assert_audit(&w, "to archived", "1.0.3");
    step(&w, 1, 1);
    assert_baseline(&w, "1.0.3");
    (void)until(&w, AX_PHASE_SHADOW, 1, 0.8); /* the next one is better, and has its own */
    assert_baseline(&w, "1.0.3");
    (void)until(&w, AX_PHASE_WATCH, 1, 0.8);
    assert_baseline(&w, "");
    assert_int_equal(ax_registry_rollback(w.registry, ax_str(WORLD_MODEL), &world_by, &ref, NULL), AX_OK);
    step(&w, 1, 1); /* with the old one its baseline comes back */
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    assert_baseline(&w, "1.0.3");
    learner_world_end(&w);
}

static void a_canary_takes_its_shares_and_falls_back_at_once_when_it_is_worse(void **state)
{
    static const uint8_t shares[] = {5, 25, 50, 100};
    struct learner_world w;
    (void)state;
    begin(&w, 0, true);
    (void)until(&w, AX_PHASE_CANARY, 1, 0.8);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(w.l.roles.share, shares[i]);
        assert_roles(&w, AX_PHASE_CANARY, "1.0.0", "1.0.1");
        for (int n = 0; n < 32; n++)
            step(&w, 1, 0.8);
    }
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_WATCH, "1.0.1", "1.0.0");
    (void)until(&w, AX_PHASE_NONE, 1, 1);
    (void)until(&w, AX_PHASE_CANARY, 1, 0.8);
    assert_true(until(&w, AX_PHASE_NONE, 1, 3) <= 16);
    assert_roles(&w, AX_PHASE_NONE, "1.0.1", "");
    learner_world_end(&w);
}

/* Register a version of another mean, and bring it to a stage, by hand. */
static void push(struct learner_world *w, double mean, enum ax_stage stage)
{
    struct ax_model_ref ref;
    struct ax_buf artifact;
    struct ax_diag diag = {{0}};
    const struct ax_model_draft draft = {.name = ax_str(WORLD_MODEL)};
    struct toy_data *d = toy_data(mean, w->t_ms, w->features);
    ax_buf_init(&artifact, 100000);
    assert_int_equal(toy_kind.fit(d, 1, NULL, &artifact, NULL), AX_OK);
    toy_kind.free_data(d);
    assert_int_equal(ax_registry_add(w->registry, &draft, ax_buf_view(&artifact), &world_by, &ref, &diag),
                     AX_OK);
    if (ax_registry_move(w->registry, ax_str(WORLD_MODEL), ax_str(ref.version), stage, &world_by, &ref,
                         &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_buf_done(&artifact);
}

static void a_bad_one_pushed_by_hand_is_rolled_back_by_itself(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    push(&w, 7, AX_STAGE_PRODUCTION);
    step(&w, 4, 1);
    assert_string_equal(w.l.roles.shadow.version, "1.0.0");
    assert_int_equal(w.l.roles.phase, AX_PHASE_WATCH);
    const char *bad = "1.0.1";
    assert_string_equal(w.l.roles.live.version, bad);
    assert_true(until(&w, AX_PHASE_NONE, 4, 1) <= 21);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    assert_audit(&w, "rollback", bad);
    assert_true(w.l.rolled_back_ms == w.t_ms - WORLD_STEP);
    learner_world_end(&w);
}

static void one_that_gives_no_numbers_or_cannot_be_built_is_rolled_back_at_once(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    push(&w, 7, AX_STAGE_PRODUCTION);
    step(&w, 1, 1);
    ax_trial_broken(&w.l.trial, true, false);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    w.features = "b"; /* another job's */
    push(&w, 9, AX_STAGE_PRODUCTION);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    push(&w, 10, AX_STAGE_STAGING);
    step(&w, 1, 1);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    learner_world_end(&w);
}

static void what_is_staged_by_hand_is_tried_and_withdrawn_by_hand(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    push(&w, 7, AX_STAGE_STAGING);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.1");
    assert_int_equal(ax_registry_move(w.registry, ax_str(WORLD_MODEL), ax_str("challenger"),
                                      AX_STAGE_ARCHIVED, &world_by, &ref, NULL),
                     AX_OK);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    learner_world_end(&w);
}

static void one_that_has_passed_waits_for_its_reviewers_and_then_goes_by_itself(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 1, false);
    step(&w, 1, 1);
    assert_int_equal(ax_registry_approve(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.0"), &world_by, NULL),
                     AX_OK);
    assert_int_equal(ax_registry_move(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.0"), AX_STAGE_PRODUCTION,
                                      &world_by, &ref, NULL),
                     AX_OK);
    (void)until(&w, AX_PHASE_APPROVAL, 1, 0.8);
    for (int i = 0; i < 30; i++)
        step(&w, 1, 0.8);
    assert_roles(&w, AX_PHASE_APPROVAL, "1.0.0", "1.0.1");
    assert_int_equal(w.l.trial.n, FIRST); /* what it has shown stands */
    assert_int_equal(ax_registry_approve(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.1"), &world_by, NULL),
                     AX_OK);
    step(&w, 1, 0.8);
    assert_roles(&w, AX_PHASE_WATCH, "1.0.1", "1.0.0");
    learner_world_end(&w);
}

static void a_canary_waits_for_its_reviewers_before_its_first_share(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 2, true);
    step(&w, 1, 1);
    assert_int_equal(ax_registry_limits(w.registry, 0, 0, NULL), AX_OK);
    assert_int_equal(ax_registry_move(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.0"), AX_STAGE_PRODUCTION,
                                      &world_by, &ref, NULL),
                     AX_OK);
    assert_int_equal(ax_registry_limits(w.registry, 2, 0, NULL), AX_OK);
    (void)until(&w, AX_PHASE_APPROVAL, 1, 0.8);
    assert_int_equal(ax_registry_approve(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.1"), &world_by, NULL),
                     AX_OK);
    for (int i = 0; i < 30; i++) /* one of two is not enough */
        step(&w, 1, 0.8);
    assert_roles(&w, AX_PHASE_APPROVAL, "1.0.0", "1.0.1");
    assert_int_equal(w.l.roles.share, 0);
    const struct ax_registry_by bob = {ax_str("bob"), ax_str("")};
    assert_int_equal(ax_registry_approve(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.1"), &bob, NULL),
                     AX_OK);
    step(&w, 1, 0.8);
    assert_roles(&w, AX_PHASE_CANARY, "1.0.0", "1.0.1");
    assert_int_equal(w.l.roles.share, 5);
    (void)until(&w, AX_PHASE_WATCH, 1, 0.8);
    assert_roles(&w, AX_PHASE_WATCH, "1.0.1", "1.0.0");
    learner_world_end(&w);
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

static void a_baseline_is_set_by_hand_and_is_there_after_a_restart(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    struct ax_buf saved;
    (void)state;
    begin(&w, 0, false);
    (void)until(&w, AX_PHASE_SHADOW, 1, 1);
    for (int i = 0; i < 5; i++)
        step(&w, 1, 1);
    const uint32_t pairs = w.l.trial.n;
    assert_int_equal(
        ax_registry_set_baseline(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.1"), &world_by, &ref, NULL),
        AX_OK);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.1");
    assert_baseline(&w, "1.0.1");
    assert_int_equal(w.l.trial.n, pairs + 1); /* the trial goes on */
    const struct ax_roles roles = w.l.roles;
    ax_buf_init(&saved, 100000);
    ax_learner_save(&w.l, &saved);
    restart(&w, &saved);
    assert_baseline(&w, "1.0.1");
    w.l.roles.baseline = (struct ax_role){{0}, {0}};
    assert_int_equal(ax_learner_restore(&w.l, &roles, w.t_ms), AX_OK); /* and where a record says so */
    assert_baseline(&w, "1.0.1");
    assert_int_equal(
        ax_registry_set_baseline(w.registry, ax_str(WORLD_MODEL), ax_str("champion"), &world_by, &ref, NULL),
        AX_OK);
    step(&w, 1, 1);
    assert_baseline(&w, "");
    ax_buf_done(&saved);
    learner_world_end(&w);
}

/* The store cannot be read while it says so. */
static struct {
    bool fails;
    struct ax_artifacts real;
} disk;

static enum ax_err get_unless_it_fails(void *ctx, const char *sha256, struct ax_buf *out,
                                       struct ax_diag *diag)
{
    return disk.fails ? ax_fail(diag, AX_IO, "it cannot be read") : disk.real.get(ctx, sha256, out, diag);
}

static void a_baseline_that_cannot_be_read_once_is_looked_for_again(void **state)
{
    struct learner_world w;
    struct ax_model_ref ref;
    (void)state;
    begin(&w, 0, false);
    (void)until(&w, AX_PHASE_SHADOW, 1, 1);
    assert_int_equal(
        ax_registry_set_baseline(w.registry, ax_str(WORLD_MODEL), ax_str("1.0.1"), &world_by, &ref, NULL),
        AX_OK);
    (void)until(&w, AX_PHASE_NONE, 1, 1); /* its own generation is not here for another reason */
    step(&w, 1, 1);
    assert_baseline(&w, "1.0.1");
    const struct ax_roles roles = w.l.roles;
    disk.real = w.store;
    disk.fails = true;
    w.store.get = get_unless_it_fails;
    ax_generation_free(w.l.baseline);
    w.l.baseline = NULL;
    assert_int_equal(ax_learner_restore(&w.l, &roles, w.t_ms), AX_OK); /* who serves is here */
    assert_non_null(w.l.live);
    assert_baseline(&w, "");
    step(&w, 1, 1);
    assert_baseline(&w, "");
    disk.fails = false;
    step(&w, 1, 1);
    assert_baseline(&w, "1.0.1");
    learner_world_end(&w);
}

static bool count_flags(void *ctx, const struct ax_audit_entry *e)
{
    *(int *)ctx += ax_str_eq(e->action, ax_str("parity")) && ax_str_eq(e->version, ax_str("1.0.0"));
    return true;
}

static void that_groups_are_not_served_alike_is_said_once_on_the_card_of_what_serves(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    int flags = 0;
    (void)state;
    begin(&w, 0, false);
    ax_learner_flag(&w.l, "nobody serves");
    step(&w, 1, 1);
    step(&w, 1, 1);
    ax_learner_flag(&w.l, "so it is");
    ax_learner_flag(&w.l, "so it is");
    ax_buf_init(&saved, 100000);
    ax_learner_save(&w.l, &saved);
    restart(&w, &saved);
    ax_learner_flag(&w.l, "so it is");
    assert_int_equal(ax_registry_audit(w.registry, &(struct ax_audit_query){.name = ax_str(WORLD_MODEL)},
                                       count_flags, &flags, NULL),
                     AX_OK);
    assert_int_equal(flags, 1);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void a_process_that_ends_between_registry_and_record_goes_on_where_the_registry_is(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    while (w.l.fit == NULL) /* the fit has put its challenger into the registry, and nobody has seen it */
        step(&w, 1, 0.8);
    ax_buf_reset(&saved);
    ax_learner_save(&w.l, &saved);
    restart(&w, &saved);
    step(&w, 1, 0.8);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.1");
    for (int i = 1; i < FIRST; i++)
        step(&w, 1, 0.8);
    ax_buf_reset(&saved);
    ax_learner_save(&w.l, &saved);
    assert_true(ax_learner_ready(&w.l, w.t_ms)); /* the registry has moved; what is to be recorded is lost */
    assert_registry(&w, "champion", "1.0.1");
    restart(&w, &saved);
    step(&w, 0.8, 1);
    assert_roles(&w, AX_PHASE_WATCH, "1.0.1", "1.0.0");
    for (int i = 0; i < 8; i++)
        step(&w, 5, 1);
    for (int i = 0; i < 10; i++) {
        ax_buf_reset(&saved);
        ax_learner_save(&w.l, &saved);
        if (ax_learner_ready(&w.l, w.t_ms))
            break;
        step(&w, 5, 1);
    }
    assert_registry(&w, "champion", "1.0.0");
    restart(&w, &saved);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_NONE, "1.0.0", "");
    assert_true(w.l.rolled_back_ms == w.t_ms - WORLD_STEP);
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void a_record_changes_the_roles_as_they_were_changed(void **state)
{
    struct learner_world w;
    struct ax_buf saved, one, two;
    (void)state;
    ax_buf_init(&saved, 100000);
    ax_buf_init(&one, 100000);
    ax_buf_init(&two, 100000);
    begin(&w, 0, false);
    (void)until(&w, AX_PHASE_SHADOW, 1, 0.8);
    ax_learner_save(&w.l, &saved);
    for (int i = 0; i < FIRST; i++)
        step(&w, 1, 0.8);
    assert_true(ax_learner_ready(&w.l, w.t_ms) || w.l.roles.phase == AX_PHASE_WATCH);
    (void)learner_world_swap(&w);
    const struct ax_roles roles = w.l.roles;
    const int64_t since_ms = w.t_ms;
    assert_int_equal(roles.phase, AX_PHASE_WATCH);
    ax_trial_clear(&w.l.trial);
    w.l.age = 0;
    ax_learner_save(&w.l, &one);
    restart(&w, &saved);
    assert_int_equal(ax_learner_restore(&w.l, &roles, since_ms), AX_OK);
    assert_int_equal(ax_learner_restore(&w.l, &roles, since_ms), AX_OK); /* twice is once */
    ax_learner_save(&w.l, &two);
    assert_true(one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0);
    assert_string_equal(w.l.live->sha256, roles.live.sha256);
    assert_string_equal(w.l.shadow->sha256, roles.shadow.sha256);
    ax_buf_done(&saved);
    ax_buf_done(&one);
    ax_buf_done(&two);
    learner_world_end(&w);
}

static void
a_trial_without_pairs_ends_by_the_steps_that_were_taken_and_not_by_the_time_that_has_passed(void **state)
{
    struct learner_world w;
    struct ax_buf saved;
    (void)state;
    ax_buf_init(&saved, 100000);
    begin(&w, 0, false);
    (void)until(&w, AX_PHASE_SHADOW, NAN, NAN);
    ax_learner_save(&w.l, &saved);
    w.t_ms += INT64_C(365) * 24 * 3600000; /* the process was down for so long */
    restart(&w, &saved);
    step(&w, NAN, NAN);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.1");
    int steps = 2;
    for (; w.l.roles.phase == AX_PHASE_SHADOW; steps++)
        step(&w, NAN, NAN);
    assert_int_equal(steps, 3 * 16 * FIRST + 2); /* three times as long as its pairs would have taken */
    assert_audit(&w, "to archived", "1.0.1");
    ax_buf_done(&saved);
    learner_world_end(&w);
}

static void drift_begins_a_fit_after_a_rest_and_somebody_who_asks_at_once(void **state)
{
    struct learner_world w;
    (void)state;
    begin(&w, 0, false);
    step(&w, 1, 1);
    step(&w, 1, 1);
    w.drifts = true;
    const int fits = toy_fits();
    const int64_t fitted_ms = w.t_ms - WORLD_STEP;
    while (toy_fits() == fits) {
        (void)learner_world_swap(&w);
        w.t_ms += WORLD_STEP;
        ax_learner_offer(&w.l, w.t_ms, AX_FIT_DRIFT);
    }
    assert_true(w.t_ms - fitted_ms >= WORLD_EVERY / 2 && w.t_ms - fitted_ms < WORLD_EVERY);
    assert_int_equal(w.l.fits.begun, AX_FIT_DRIFT);
    assert_int_equal(w.l.fits.drift_fits, 1);
    step(&w, 1, 1);
    ax_learner_ask(&w.l);
    step(&w, 1, 1);
    assert_int_equal(toy_fits(), fits + 2);
    step(&w, 1, 1);
    assert_roles(&w, AX_PHASE_SHADOW, "1.0.0", "1.0.2"); /* the newer one has taken its place */
    const int64_t second_ms = w.t_ms;                    /* the same drift waits twice as long now */
    while (toy_fits() == fits + 2) {
        (void)learner_world_swap(&w);
        w.t_ms += WORLD_STEP;
        ax_learner_offer(&w.l, w.t_ms, AX_FIT_DRIFT);
    }
    assert_true(w.t_ms - second_ms >= WORLD_EVERY - 4 * WORLD_STEP);
    assert_int_equal(w.l.fits.drift_fits, 2);
    learner_world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_serves_at_once_and_a_better_one_is_promoted_watched_and_left_alone),
        cmocka_unit_test(a_worse_one_is_retired_and_an_equal_one_at_the_last_look),
        cmocka_unit_test(
            where_inputs_changed_and_the_champion_holds_they_are_measured_by_the_challengers_data),
        cmocka_unit_test(that_groups_are_not_served_alike_is_said_once_on_the_card_of_what_serves),
        cmocka_unit_test(a_baseline_is_set_by_hand_and_is_there_after_a_restart),
        cmocka_unit_test(a_baseline_that_cannot_be_read_once_is_looked_for_again),
        cmocka_unit_test(a_canary_takes_its_shares_and_falls_back_at_once_when_it_is_worse),
        cmocka_unit_test(a_bad_one_pushed_by_hand_is_rolled_back_by_itself),
        cmocka_unit_test(one_that_gives_no_numbers_or_cannot_be_built_is_rolled_back_at_once),
        cmocka_unit_test(what_is_staged_by_hand_is_tried_and_withdrawn_by_hand),
        cmocka_unit_test(one_that_has_passed_waits_for_its_reviewers_and_then_goes_by_itself),
        cmocka_unit_test(a_canary_waits_for_its_reviewers_before_its_first_share),
        cmocka_unit_test(a_process_that_ends_between_registry_and_record_goes_on_where_the_registry_is),
        cmocka_unit_test(a_record_changes_the_roles_as_they_were_changed),
        cmocka_unit_test(
            a_trial_without_pairs_ends_by_the_steps_that_were_taken_and_not_by_the_time_that_has_passed),
        cmocka_unit_test(drift_begins_a_fit_after_a_rest_and_somebody_who_asks_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
