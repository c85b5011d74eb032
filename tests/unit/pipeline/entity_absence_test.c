/* An entity that is gone, or a feature of it, is abnormal where a job asks for it: how bad, which feature,
 * for how long; and its series end where it does not. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "prom/sample.h"

#include <math.h>

#define STEP 15000LL
#define START (113333333LL * STEP)
#define LIVED 200
#define FEATURES 4

#define JOB(anomaly)                                                                                         \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "jobs:\n"                                                                                                \
    "  - name: node\n"                                                                                       \
    "    by: [instance]\n"                                                                                   \
    "    features: {cpu: cpu, net: net, disk: disk, queue: queue}\n"                                         \
    "    anomaly: {model: features" anomaly "}\n"

#define OF_A(name) name "{for=\"node\",instance=\"a\"}"
#define PART(feature) "anomaly_contribution{feature=\"" feature "\",for=\"node\",instance=\"a\"}"

static const char *const features[FEATURES] = {"cpu", "net", "disk", "queue"};

/* Step i of both entities; of "a" the features of a set (a bit each) end there, with a stale marker. */
static void step(struct entity_rig *r, uint32_t i, uint32_t end)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, i);
    for (uint32_t e = 0; e < 2; e++)
        for (uint32_t f = 0; f < FEATURES; f++) {
            const char instance[] = {(char)('a' + e), 0};
            const double value = 100 * (f + 1.0) + ax_rng_normal(&rng);
            const bool gone = e == 0 && (end >> f & 1) != 0;
            if (!gone || i == LIVED)
                entity_rig_append(r, features[f], instance, START + i * STEP, gone ? ax_stale() : value);
        }
    entity_rig_step(r, START + i * STEP);
}

static void run(struct entity_rig *r, uint32_t from, uint32_t to, uint32_t end)
{
    for (uint32_t i = from; i < to; i++)
        step(r, i, i >= LIVED ? end : 0);
}

static double most(const struct entity_rig *r, const char *text, uint32_t from, uint32_t to)
{
    return entity_rig_largest(r, text, START + from * STEP, START + to * STEP);
}

static double newest(const struct entity_rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    assert_non_null(s);
    return s->v[s->n - 1].value;
}

static void an_entity_that_is_gone_is_critical_until_it_has_been_for_long(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(", score_absence: true"), dir);
    run(&r, 0, LIVED + 2, 0xf);
    assert_true(most(&r, OF_A("anomaly_score"), LIVED, LIVED + 1) <= 1);
    ax_assert_close(most(&r, OF_A("anomaly_score"), LIVED + 1, LIVED + 2), 6, 0); /* the second step */
    ax_assert_close(newest(&r, OF_A("anomaly_severity")), 4, 0);
    ax_assert_close(newest(&r, OF_A("anomaly_direction")), -1, 0);
    ax_assert_close(newest(&r, OF_A("anomaly_absent")), 1, 0);
    ax_assert_close(newest(&r, "anomaly_absent{for=\"node\",instance=\"b\"}"), 0, 0);
    run(&r, LIVED + 2, LIVED + 239, 0xf);
    ax_assert_close(newest(&r, OF_A("anomaly_score")), 6, 0);
    run(&r, LIVED + 239, LIVED + 260, 0xf);
    assert_true(ax_is_stale(newest(&r, OF_A("anomaly_score"))));
    assert_true(ax_is_stale(newest(&r, OF_A("anomaly_absent"))));
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void one_scrape_that_fails_is_no_absence(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(", score_absence: true"), dir);
    run(&r, 0, LIVED + 1, 0xf);
    run(&r, LIVED + 1, LIVED + 20, 0);
    assert_true(most(&r, OF_A("anomaly_score"), LIVED, LIVED + 20) <= 1);
    ax_assert_close(most(&r, OF_A("anomaly_absent"), LIVED, LIVED + 20), 0, 0);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void one_that_comes_back_is_judged_by_its_values(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(", score_absence: true"), dir);
    run(&r, 0, LIVED + 30, 0xf);
    run(&r, LIVED + 30, LIVED + 60, 0);
    assert_true(most(&r, OF_A("anomaly_score"), LIVED + 31, LIVED + 60) <= 1);
    ax_assert_close(newest(&r, OF_A("anomaly_absent")), 0, 0);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void a_feature_that_is_gone_is_abnormal_and_named(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(", score_absence: true"), dir);
    run(&r, 0, LIVED + 20, 1u << 2);
    ax_assert_close(most(&r, OF_A("anomaly_score"), LIVED, LIVED + 20), 3.75, 1e-12);
    ax_assert_close(newest(&r, OF_A("anomaly_severity")), 3, 0);
    ax_assert_close(newest(&r, OF_A("anomaly_absent")), 0.25, 0);
    ax_assert_close(newest(&r, OF_A("anomaly_direction")), -1, 0);
    assert_true(newest(&r, PART("disk")) > 0.9);
    assert_true(most(&r, "anomaly_score{for=\"node\",instance=\"b\"}", LIVED, LIVED + 20) <= 1);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void an_absence_lasts_before_it_scores_where_a_least_duration_is_given(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(", score_absence: true, min_duration: 1m"), dir);
    run(&r, 0, LIVED + 20, 0xf);
    assert_true(most(&r, OF_A("anomaly_score"), LIVED, LIVED + 4) <=
                1); /* from the second step on, 4 steps */
    ax_assert_close(most(&r, OF_A("anomaly_score"), LIVED + 4, LIVED + 5), 6, 0);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void a_job_that_does_not_ask_ends_its_series(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    entity_rig_init(&r, JOB(""), dir);
    run(&r, 0, LIVED + 20, 0xf);
    assert_true(ax_is_stale(newest(&r, OF_A("anomaly_score"))));
    assert_null(memory_find(&r.sink, OF_A("anomaly_absent")));
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void one_that_was_saved_while_it_was_gone_goes_on(void **state)
{
    (void)state;
    struct entity_twins t;
    entity_twins_init(&t, JOB(", score_absence: true, min_duration: 1m"));
    for (uint32_t i = 0; i < LIVED + 260; i++) {
        if (i == LIVED + 2 || i == LIVED + 100)
            entity_twins_restart(&t, i);
        step(&t.a, i, i >= LIVED ? 0xf : 0);
        step(&t.b, i, i >= LIVED ? 0xf : 0);
    }
    entity_twins_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entity_that_is_gone_is_critical_until_it_has_been_for_long),
        cmocka_unit_test(one_scrape_that_fails_is_no_absence),
        cmocka_unit_test(one_that_comes_back_is_judged_by_its_values),
        cmocka_unit_test(a_feature_that_is_gone_is_abnormal_and_named),
        cmocka_unit_test(an_absence_lasts_before_it_scores_where_a_least_duration_is_given),
        cmocka_unit_test(a_job_that_does_not_ask_ends_its_series),
        cmocka_unit_test(one_that_was_saved_while_it_was_gone_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
