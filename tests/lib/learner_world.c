/* learner_world.c: the world; fails the test when something cannot be made. */
#include "learner_world.h"

#include "ax_test.h"
#include "toy_kind.h"
#include "train/registered.h"

const struct ax_registry_by world_by = {{"ann", 3}, {"", 0}};

static enum ax_err copy(void *ctx, int64_t t_ms, enum ax_fit_reason reason, uint64_t bytes_max,
                        struct ax_past_copy *out)
{
    const struct learner_world *w = ctx;
    (void)bytes_max;
    (void)reason;
    if (w->has_too_little)
        return AX_NOTREADY;
    if (w->is_useless)
        return AX_OK;
    struct toy_data *d = toy_data((double)t_ms, t_ms, w->features);
    d->until_called = w->slow;
    *out = (struct ax_past_copy){d, 10};
    return AX_OK;
}

static bool supersedes(void *ctx, const struct ax_fit_scores *live, const struct ax_fit_scores *newer)
{
    const struct learner_world *w = ctx;
    return w->supersedes && newer->until_ms > live->until_ms;
}

void learner_world_start(struct learner_world *w, uint32_t approvals)
{
    struct ax_diag diag = {{0}};
    const struct ax_registry_options options = {
        .dir = w->dir, .clock = ax_clock_wall(), .approvals = approvals};
    if (ax_registry_open(&options, &w->registry, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    w->store = ax_artifact_registry(w->registry);
    const struct ax_training_options o = {
        .artifacts = w->store, .cpu_share = 1, .bytes_max = 1000, .synchronous = !w->background};
    assert_int_equal(ax_training_start(&o, &w->training, NULL), AX_OK);
    const struct ax_learner_spec spec = {
        .kind = &toy_kind,
        .training = w->training,
        .artifacts = &w->store,
        .job = "job",
        .feature = "",
        .build = w->features,
        .fits = {.step_ms = WORLD_STEP, .every_ms = WORLD_EVERY, .cooldown_ms = WORLD_EVERY / 2},
        .seed = 42,
        .rule = w->rule,
        .copy = copy,
        .supersedes = supersedes,
        .ctx = w};
    ax_learner_init(&w->l, &spec);
}

void learner_world_stop(struct learner_world *w)
{
    ax_learner_done(&w->l);
    ax_training_stop(w->training);
    ax_registry_close(w->registry);
}

void learner_world_begin(struct learner_world *w, const struct ax_trial_rule *rule, uint32_t approvals)
{
    *w = (struct learner_world){.rule = *rule, .features = "a", .t_ms = 15 * WORLD_STEP};
    scratch_make(w->dir, NULL);
    learner_world_start(w, approvals);
}

void learner_world_end(struct learner_world *w)
{
    learner_world_stop(w);
    scratch_remove(w->dir);
    assert_int_equal(toy_alive(), 0);
}

int learner_world_swap(struct learner_world *w)
{
    int swaps = 0;
    for (; ax_learner_ready(&w->l, w->t_ms); swaps++)
        ax_learner_swap(&w->l, w->t_ms);
    return swaps;
}

void learner_world_step(struct learner_world *w, double live, double shadow)
{
    w->t_ms += WORLD_STEP;
    if (w->l.shadow)
        ax_learner_compare(&w->l, live, shadow);
    ax_learner_age(&w->l, w->drifts, w->rings);
    w->rings = false;
    ax_learner_offer(&w->l, w->t_ms, AX_FIT_NOT);
}
