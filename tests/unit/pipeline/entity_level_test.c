/* An entity goes to a level that lasts: the ensemble that learns of it is tried by the entities that are as
 * they were, and takes the other one's place without a trial where there is none of these. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "group.h"
#include "pipeline/job_priv.h"
#include "scratch.h"

#include <math.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define MOVED 1500 /* from here on "a" is at another level */
#define STEPS 2200

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: node\n"
                           "    by: [instance]\n"
                           "    features: {cpu: cpu, net: net}\n"
                           "    anomaly: {model: ensemble, ensemble: {members: [pca, kmeans]}}\n"
                           "    models: {min_samples: 60}\n"
                           "    window: {fine: 200, coarse: 2000}\n";

/* Two features that wander about a level, which that of "a" leaves. */
static void feed(struct entity_rig *r, uint32_t entities, uint32_t i)
{
    for (uint32_t e = 0; e < entities; e++) {
        const char instance[] = {(char)('a' + e), 0};
        struct ax_rng rng;
        ax_rng_seed(&rng, i * 8 + e);
        const double level = e == 0 && i >= MOVED ? 400 : 50;
        entity_rig_append(r, "cpu", instance, START + i * STEP, level + 2 * ax_rng_normal(&rng));
        entity_rig_append(r, "net", instance, START + i * STEP, level + 2 * ax_rng_normal(&rng));
    }
}

/* What became of the first version that had learnt after the level had settled. */
struct course {
    uint32_t tried, pairs; /* steps in shadow, and pairs of them */
    uint64_t agreed, judged;
    bool serves;
    bool at_once; /* before any step that it was asked about */
};

/* Change roles as between two steps, if they are to change. */
static bool swap(struct entity_rig *r)
{
    struct ax_learner *l = ax_job_trained(r->job);
    if (l)
        ax_learner_swap(l, ax_job_stepped_ms(r->job));
    return l != NULL;
}

static struct course run(uint32_t entities, bool twice)
{
    char dir[SCRATCH_PATH], snapshots[SCRATCH_PATH];
    struct entity_rig r;
    struct course c = {.tried = 0};
    scratch_make(dir, NULL);
    scratch_make(snapshots, NULL);
    entity_rig_init(&r, yaml, dir);
    for (uint32_t i = 0; i < STEPS && !c.serves; i++) {
        feed(&r, entities, i);
        entity_rig_step(&r, START + i * STEP);
        const struct ax_learner *l = &r.job->ensemble_learner;
        const int64_t settled_ms = r.job->settled_ms;
        if (settled_ms == AX_NEVER || !l->live)
            continue;
        c.serves = l->live->scores.until_ms >= settled_ms;
        if (l->roles.phase == AX_PHASE_SHADOW && l->shadow->scores.until_ms >= settled_ms) {
            c.tried++;
            c.pairs = l->trial.n;
            c.agreed = l->trial.agreed;
            c.judged = l->trial.judged;
            if (twice && c.tried == (entities > 1 ? 20 : 1)) /* in the trial the process begins anew */
                entity_rig_restart(&r, snapshots, 7);
            c.at_once = c.at_once || (c.tried == 1 && swap(&r));
        }
    }
    entity_rig_done(&r);
    scratch_remove(dir);
    scratch_remove(snapshots);
    return c;
}

static void a_version_that_knows_a_new_level_of_one_is_tried_by_the_others(void **state)
{
    (void)state;
    const struct course c = run(4, false), again = run(4, true);
    assert_true(c.serves && !c.at_once);
    assert_true(c.pairs >= 5); /* one before the first look at six */
    assert_int_equal(c.judged % 3, 0);
    assert_true((double)c.agreed >= 0.9 * (double)c.judged);
    assert_true(again.serves && again.tried == c.tried && again.pairs == c.pairs);
    assert_true(again.agreed == c.agreed && again.judged == c.judged);
}

static void where_all_have_a_new_level_there_is_nothing_to_try_it_by(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) { /* whether the process ended there or not */
        const struct course c = run(1, twice);
        assert_true(c.serves && c.at_once);
        assert_true(c.tried <= 1);
        assert_int_equal(c.judged, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_that_knows_a_new_level_of_one_is_tried_by_the_others),
        cmocka_unit_test(where_all_have_a_new_level_there_is_nothing_to_try_it_by),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
