/* A feature that nearly always rests, and leaves its rest now and then, says nothing by itself; beside
 * another feature that is abnormal it does, for its entity alone. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "scratch.h"

#include <math.h>

#define STEP 60000LL
#define START (28333333LL * STEP)
#define STEPS 400
#define BROKEN 380 /* from here on, for LASTS steps */
#define LASTS 4

static const char yaml[] = "global: {step: 1m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: node\n"
                           "    by: [instance]\n"
                           "    features: {latency: latency, errors: errors}\n"
                           "    anomaly: {model: features}\n"
                           "    window: {fine: 240, coarse: 60}\n";

/* What happens to "a" in the end. */
struct fault {
    double latency; /* times as high */
    double errors;  /* so many, of none otherwise but for the same number in each of four steps before */
};

/* The highest score of "a" in the end, and the share of its errors in it. */
static double score_of(const struct fault *fault, double *share)
{
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    struct ax_rng rng;
    scratch_make(dir, NULL);
    ax_rng_seed(&rng, 3);
    entity_rig_init(&r, yaml, dir);
    for (uint32_t i = 0; i < STEPS; i++) {
        for (uint32_t e = 0; e < 2; e++) {
            const bool broken = e == 0 && i >= BROKEN && i < BROKEN + LASTS;
            const char *instance = e ? "b" : "a";
            const double latency = 10 * exp(0.1 * ax_rng_normal(&rng));
            entity_rig_append(&r, "latency", instance, START + i * STEP,
                              broken ? latency * fault->latency : latency);
            entity_rig_append(&r, "errors", instance, START + i * STEP,
                              broken || (e == 0 && i % 90 == 80 && i < BROKEN) ? fault->errors : 0);
        }
        entity_rig_step(&r, START + i * STEP);
    }
    const int64_t from = START + BROKEN * STEP, to = from + LASTS * STEP;
    const double score = entity_rig_largest(&r, "anomaly_score{for=\"node\",instance=\"a\"}", from, to);
    static const char errors[] = "anomaly_contribution{feature=\"errors\",for=\"node\",instance=\"a\"}";
    *share = memory_find(&r.sink, errors) ? entity_rig_largest(&r, errors, from, to) : 0;
    assert_true(entity_rig_largest(&r, "anomaly_score{for=\"node\",instance=\"b\"}", from, to) < 1);
    entity_rig_done(&r);
    scratch_remove(dir);
    return score;
}

static void a_common_move_counts_beside_what_is_abnormal_and_not_by_itself(void **state)
{
    (void)state;
    double none, alone, both;
    const double slow = score_of(&(struct fault){3, 0}, &none);
    assert_true(score_of(&(struct fault){1, 5}, &alone) <= 1);
    assert_true(slow > 1 && none < 0.01);
    assert_true(score_of(&(struct fault){3, 5}, &both) > 1.2 * slow);
    assert_true(both > 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_common_move_counts_beside_what_is_abnormal_and_not_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
