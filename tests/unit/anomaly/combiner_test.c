/* The score of an entity: calibrated whatever the number of its features, and shared among them. */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define FEATURES 12

static const struct ax_detector_spec plain = {0};

/* A feature's score as a detector makes it: above 1 in 0.1 % of steps. common: share that all have in common.
 */
static void draw(struct ax_rng *rng, double common, double *scores)
{
    double shared = ax_rng_normal(rng);
    for (uint32_t i = 0; i < FEATURES; i++)
        scores[i] = fabs(sqrt(common) * shared + sqrt(1 - common) * ax_rng_normal(rng)) / 3.29;
}

static struct ax_verdict step(struct ax_combiner *c, const double *scores, double *contributions)
{
    struct ax_verdict v;
    ax_combiner_step(c, scores, &v, contributions);
    double sum = 0;
    for (uint32_t i = 0; i < FEATURES; i++) {
        assert_true(contributions[i] >= 0 && contributions[i] <= 1);
        sum += contributions[i];
    }
    ax_assert_close(sum, v.score > 0 ? 1 : 0, 1e-12);
    assert_true(v.score >= 0 && v.score <= 100);
    return v;
}

static void many_features_raise_no_more_alarms_than_the_rate_allows(void **state)
{
    (void)state;
    const double commons[] = {0, 0.5, 1};
    for (uint32_t k = 0; k < 3; k++) {
        struct ax_rng rng;
        ax_rng_seed(&rng, 10 + k);
        struct ax_combiner *c = ax_combiner_new(&plain, FEATURES);
        double scores[FEATURES], contributions[FEATURES];
        uint32_t above = 0;
        for (uint32_t i = 0; i < 100000; i++) {
            draw(&rng, commons[k], scores);
            above += step(c, scores, contributions).score > 1;
        }
        assert_true(above <= 200); /* 100 at 0.1 %, binomial standard deviation 10 */
        ax_combiner_free(c);
    }
}

static void one_feature_far_off_is_enough_and_gets_the_blame(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 2);
    struct ax_combiner *c = ax_combiner_new(&plain, FEATURES);
    double scores[FEATURES], contributions[FEATURES];
    struct ax_verdict v;
    for (uint32_t i = 0; i < 2000; i++) {
        draw(&rng, 0.3, scores);
        step(c, scores, contributions);
    }
    for (uint32_t i = 0; i < 100; i++) { /* as long as it lasts */
        draw(&rng, 0.3, scores);
        scores[7] = 5;
        v = step(c, scores, contributions);
        assert_true(v.ready && v.score > 1.5);
        assert_true(contributions[7] > 0.6);
        assert_int_equal(v.direction, 1);
    }
    draw(&rng, 0.3, scores);
    v = step(c, scores, contributions);
    assert_true(v.score <= 1);
    assert_int_equal(v.direction, 0);
    ax_combiner_free(c);
}

/* A day with an incident every few minutes: the last one is still one. */
static void many_incidents_do_not_hide_the_next(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    struct ax_combiner *c = ax_combiner_new(&plain, FEATURES);
    double scores[FEATURES], contributions[FEATURES];
    for (uint32_t i = 0; i < 4000; i++) {
        draw(&rng, 0.3, scores);
        bool incident = i > 500 && i % 60 < 15;
        if (incident)
            scores[i / 60 % FEATURES] = 20;
        struct ax_verdict v = step(c, scores, contributions);
        assert_true(!incident || v.score > 2.5);
    }
    ax_combiner_free(c);
}

static void several_features_say_more_than_one(void **state)
{
    (void)state;
    double alone[FEATURES] = {3, 0.2, 0.2}, together[FEATURES] = {3, 2.5, 2.5}, contributions[FEATURES];
    struct ax_combiner *a = ax_combiner_new(&plain, FEATURES), *b = ax_combiner_new(&plain, FEATURES);
    assert_true(step(b, together, contributions).score > 1.05 * step(a, alone, contributions).score);
    ax_combiner_free(a);
    ax_combiner_free(b);
}

static void features_without_a_score_are_left_out(void **state)
{
    (void)state;
    double scores[FEATURES], contributions[FEATURES];
    struct ax_combiner *c = ax_combiner_new(&plain, FEATURES);
    for (uint32_t i = 0; i < FEATURES; i++)
        scores[i] = NAN;
    struct ax_verdict v = step(c, scores, contributions);
    assert_false(v.ready);
    assert_string_equal(v.reason, "no_data");
    scores[3] = 2;
    v = step(c, scores, contributions);
    assert_true(v.ready);
    ax_assert_close(v.score, 2, 1e-12);
    ax_assert_close(contributions[3], 1, 0);
    scores[3] = NAN; /* a gap: the last verdict stands */
    ax_assert_close(step(c, scores, contributions).score, 2, 1e-12);
    scores[3] = 0;
    ax_assert_close(step(c, scores, contributions).score, 0, 0);
    scores[3] = INFINITY;
    ax_assert_close(step(c, scores, contributions).score, 100, 0);
    ax_combiner_free(c);
    ax_combiner_free(NULL);
}

static void no_features_at_all_is_no_data(void **state)
{
    (void)state;
    struct ax_combiner *c = ax_combiner_new(&plain, 0);
    struct ax_verdict v;
    double none[1] = {0};
    ax_combiner_step(c, none, &v, none);
    assert_false(v.ready);
    ax_combiner_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_features_raise_no_more_alarms_than_the_rate_allows),
        cmocka_unit_test(one_feature_far_off_is_enough_and_gets_the_blame),
        cmocka_unit_test(many_incidents_do_not_hide_the_next),
        cmocka_unit_test(several_features_say_more_than_one),
        cmocka_unit_test(features_without_a_score_are_left_out),
        cmocka_unit_test(no_features_at_all_is_no_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
