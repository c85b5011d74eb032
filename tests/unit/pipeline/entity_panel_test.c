/* A job with entities learns an ensemble beside it: what no feature shows alone is an anomaly of its entity
 * and of no other, with the feature named; and a job that was saved and read goes on with it as if nothing
 * had been. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "group.h"
#include "scratch.h"

#include <math.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define STEPS 330
#define BROKEN 300 /* from here on one feature of "a" stays where it is */

static const char yaml[] =
    "global: {step: 5m, evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: node\n"
    "    by: [instance]\n"
    "    features: {cpu: cpu, net: net, disk: disk, queue: queue}\n"
    "    anomaly: {model: ensemble, ensemble: {members: [forest, covariance, pca, kmeans]}}\n"
    "    window: {fine: 200, coarse: 300}\n";

/* All features follow the load of the entity; that of "a" loses its queue. */
static void feed(struct entity_rig *r, uint32_t i)
{
    static const char *const features[] = {"cpu", "net", "disk", "queue"};
    for (uint32_t e = 0; e < 3; e++) {
        const char instance[] = {(char)('a' + e), 0};
        struct ax_rng rng;
        ax_rng_seed(&rng, i * 3 + e);
        double load = 50 * (e + 1) + 10 * (e + 1) * sin(i * 0.11 + e) + 3 * ax_rng_normal(&rng);
        for (uint32_t f = 0; f < 4; f++) {
            double value = load * (1 + f) + 0.3 * ax_rng_normal(&rng);
            if (e == 0 && f == 3 && i >= BROKEN)
                value = 4 * 44 + 0.3 * ax_rng_normal(&rng); /* where it often is, but not at such a load */
            entity_rig_append(r, features[f], instance, START + i * STEP, value);
        }
    }
}

/* The largest value from a step on. */
static double largest(const struct entity_rig *r, const char *text, uint32_t from, uint32_t to)
{
    return entity_rig_largest(r, text, START + from * STEP, START + to * STEP);
}

static void step(struct entity_rig *r, uint32_t i)
{
    feed(r, i);
    entity_rig_step(r, START + i * STEP);
}

static void what_no_feature_shows_alone_is_found_in_its_entity_and_explained(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, yaml, dir);
    for (uint32_t i = 0; i < STEPS; i++)
        step(&r, i);
    assert_true(r.swaps >= 2); /* again when the past has doubled */
    assert_true(largest(&r, "model_training_samples{for=\"node\",model=\"ensemble\"}", 0, STEPS) > 100);
    assert_true(largest(&r, "anomaly_score{for=\"node\",instance=\"a\"}", BROKEN, STEPS) > 1.5);
    assert_true(largest(&r, "anomaly_vote{for=\"node\",instance=\"a\"}", BROKEN, STEPS) > 0.15);
    assert_true(largest(&r, "anomaly_score{for=\"node\",instance=\"b\"}", BROKEN, STEPS) < 1.5);
    assert_true(largest(&r, "anomaly_contribution{feature=\"queue\",for=\"node\",instance=\"a\"}", BROKEN,
                        STEPS) > 0.5);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void a_job_that_was_saved_and_read_goes_on_with_its_ensemble(void **state)
{
    struct entity_twins t;
    (void)state;
    entity_twins_init(&t, yaml);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == 200 || i == 285)
            entity_twins_restart(&t, i);
        step(&t.a, i);
        step(&t.b, i);
    }
    entity_twins_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_feature_shows_alone_is_found_in_its_entity_and_explained),
        cmocka_unit_test(a_job_that_was_saved_and_read_goes_on_with_its_ensemble),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
