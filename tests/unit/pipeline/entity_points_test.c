/* What entities' models learn from: a level that has lasted is learnt soon, whatever the schedule says, and
 * is not kept out of training for ever. */
#include "ax_test.h"
#include "base/rng.h"
#include "group.h"
#include "rig.h"

#include <math.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define SHIFT 1300 /* steps; fits were at 75, 150, 300, 600 and 1,200, the next is due at 2,400 */

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: node\n"
                           "    by: [instance]\n"
                           "    features: {cpu: cpu, net: net}\n"
                           "    anomaly: {ensemble: {members: [pca, kmeans]}}\n"
                           "    models: {watch_samples: 0}\n"
                           "    emit: [anomaly_score, model_training_timestamp_seconds]\n"
                           "    window: {fine: 1500, coarse: 2600}\n";

/* Two entities; of one the first feature is `shift` higher. Returns at how many steps its score was above 1.
 */
static uint32_t run(struct rig *r, uint32_t from, uint32_t to, double shift)
{
    uint32_t above = 0;
    for (uint32_t i = from; i < to; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            struct ax_rng rng;
            ax_rng_seed(&rng, i * 2 + k);
            (void)rig_append(r, k ? "net{instance=\"a\"}" : "cpu{instance=\"a\"}", START + i * STEP,
                             10 + sin(i * 0.1) + 0.2 * ax_rng_normal(&rng) + (k == 0 ? shift : 0));
        }
        rig_run_to(r, START + i * STEP);
        const struct memory_series *s = memory_find(&r->sink, "anomaly_score{for=\"node\",instance=\"a\"}");
        above += s && s->n && s->v[s->n - 1].value > 1;
    }
    return above;
}

/* Step up to which the live generation learnt. */
static double learnt_to(const struct rig *r)
{
    const struct memory_series *s =
        memory_find(&r->sink, "model_training_timestamp_seconds{for=\"node\",model=\"ensemble\"}");
    assert_true(s && s->n);
    return (s->v[s->n - 1].value * 1000 - START) / STEP;
}

static void a_level_that_lasts_is_abnormal_for_half_a_day_and_learnt_half_a_day_later(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, yaml);
    (void)run(&r, 0, SHIFT, 0);
    const double before = learnt_to(&r);
    assert_true(before > 864 && before < SHIFT);
    assert_true(run(&r, SHIFT, SHIFT + 144, 8) > 130); /* twelve hours of it: as long as nights last */
    assert_true(learnt_to(&r) == before);
    (void)run(&r, SHIFT + 144, SHIFT + 288, 8);
    assert_true(learnt_to(&r) == before);
    (void)run(&r, SHIFT + 288, SHIFT + 500, 8);
    assert_true(learnt_to(&r) > SHIFT + 288);
    assert_true(run(&r, SHIFT + 500, SHIFT + 600, 8) <= 2);  /* it is how things are */
    assert_true(run(&r, SHIFT + 600, SHIFT + 610, 40) >= 8); /* and not everything is */
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_that_lasts_is_abnormal_for_half_a_day_and_learnt_half_a_day_later),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
