/* The verdict: quiet while nothing moves, loud when a distribution moves, under correlation and many tests.
 */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/drift.h"
#include "drift/effective.h"
#include "group.h"

#include <math.h>

#define STEPS (AX_DRIFT_REFERENCE + AX_DRIFT_CURRENT)

static const struct ax_drift_spec plain = {0};

/* AR(1) of unit variance, with `shift` added to the current window. */
static void ar1(struct ax_rng *rng, double phi, double shift, double *out)
{
    double x = ax_rng_normal(rng);
    for (uint32_t i = 0; i < STEPS; i++) {
        x = phi * x + sqrt(1 - phi * phi) * ax_rng_normal(rng);
        out[i] = x + (i >= AX_DRIFT_REFERENCE ? shift : 0);
    }
}

static struct ax_drift_result test_of(const double *v, uint32_t n)
{
    struct ax_drift_result r;
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_test_feature(&plain, v, n, &group_arena, &r), AX_OK);
    return r;
}

static uint32_t drifted_of(double phi, double shift, uint32_t trials)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 7);
    double v[STEPS];
    uint32_t drifted = 0;
    for (uint32_t i = 0; i < trials; i++) {
        ar1(&rng, phi, shift, v);
        struct ax_drift_result r = test_of(v, STEPS);
        drifted += ax_drift_verdict(&plain, &r, 1);
    }
    return drifted;
}

static void stationary_noise_is_significant_no_more_often_than_alpha_however_correlated(void **state)
{
    (void)state;
    const double phis[] = {0, 0.5, 0.9, 0.99};
    struct ax_rng rng;
    ax_rng_seed(&rng, 11);
    double v[STEPS];
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t significant = 0;
        for (uint32_t i = 0; i < 200; i++) {
            ar1(&rng, phis[k], 0, v);
            significant += test_of(v, STEPS).p_value <= 0.05;
        }
        /* 0.05 of 200 is 10; three binomial standard deviations above it are 19. */
        assert_true(significant <= 19);
    }
}

static void stationary_noise_does_not_drift(void **state)
{
    (void)state;
    assert_int_equal(drifted_of(0, 0, 200), 0);
    assert_true(drifted_of(0.5, 0, 200) <= 2);
    assert_true(drifted_of(0.95, 0, 200) <= 10);
}

static void a_moved_level_drifts(void **state)
{
    (void)state;
    assert_int_equal(drifted_of(0, 1, 50), 50);
    assert_true(drifted_of(0.9, 2, 50) >= 45);
}

static void a_wider_distribution_drifts(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    double v[STEPS];
    ar1(&rng, 0, 0, v);
    for (uint32_t i = AX_DRIFT_REFERENCE; i < STEPS; i++)
        v[i] *= 4;
    struct ax_drift_result r = test_of(v, STEPS);
    assert_int_equal(ax_drift_verdict(&plain, &r, 1), 1);
    assert_true(r.drifted);
}

static void a_significant_but_small_change_does_not_drift(void **state)
{
    (void)state;
    double v[STEPS];
    for (uint32_t i = 0; i < STEPS; i++) /* a permutation of a ramp: no correlation to speak of */
        v[i] = (double)((i * 7919u) % STEPS) / STEPS + (i >= AX_DRIFT_REFERENCE ? 0.06 : 0);
    struct ax_drift_spec spec = {.alpha = 0.9};
    struct ax_drift_result r;
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_test_feature(&spec, v, STEPS, &group_arena, &r), AX_OK);
    assert_true(r.p_value < 0.9);
    assert_int_equal(ax_drift_verdict(&spec, &r, 1), 0);
}

static void one_effect_alone_is_not_enough(void **state)
{
    (void)state;
    struct ax_drift_result r = {.ready = true, .p_value = 1e-9, .score = {0.19, 5, 0.29}};
    assert_int_equal(ax_drift_verdict(&plain, &r, 1), 0);
    r.score[AX_DRIFT_KS] = 0.2;
    assert_int_equal(ax_drift_verdict(&plain, &r, 1), 1);
}

static void the_stability_index_is_never_gated_below_a_tenth(void **state)
{
    (void)state;
    struct ax_drift_spec spec = {.effect = {0.01, 0.001, 9}};
    struct ax_drift_result r = {.ready = true, .p_value = 1e-9, .score = {0.5, 0.09, 0}};
    assert_int_equal(ax_drift_verdict(&spec, &r, 1), 0);
    r.score[AX_DRIFT_PSI] = 0.11;
    assert_int_equal(ax_drift_verdict(&spec, &r, 1), 1);
}

static void many_features_are_judged_together_as_benjamini_and_hochberg_do(void **state)
{
    (void)state;
    /* The example of their paper (1995, section 4.2): four of fifteen are rejected at 0.05. */
    const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    struct ax_drift_result r[16];
    for (uint32_t i = 0; i < 15; i++)
        r[i] = (struct ax_drift_result){.ready = true, .p_value = p[14 - i], .score = {1, 1, 1}};
    r[15] = (struct ax_drift_result){.p_value = 1}; /* not ready: does not count */
    assert_int_equal(ax_drift_verdict(&plain, r, 16), 4);
    for (uint32_t i = 0; i < 15; i++)
        assert_int_equal(r[i].drifted, i >= 11);
}

static void below_thirty_points_nothing_is_ready(void **state)
{
    (void)state;
    double v[40];
    for (uint32_t i = 0; i < 40; i++)
        v[i] = i % 4 == 3 ? (double)NAN : (double)i;
    assert_false(test_of(v, 38).ready); /* 29 values and 9 gaps */
    assert_true(test_of(v, 40).ready);
    assert_false(test_of(v, 0).ready);
}

static void gaps_and_infinities_are_skipped(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    const double strange[] = {NAN, INFINITY, -INFINITY};
    double v[STEPS], with_gaps[2 * STEPS];
    ar1(&rng, 0.5, 0, v);
    for (uint32_t i = 0; i < STEPS; i++) {
        with_gaps[(size_t)2 * i] = strange[i % 3];
        with_gaps[(size_t)2 * i + 1] = v[i];
    }
    struct ax_drift_result a = test_of(v, STEPS), b = test_of(with_gaps, 2 * STEPS);
    for (uint32_t i = 0; i < AX_DRIFT_TESTS; i++)
        ax_assert_close(a.score[i], b.score[i], 0);
    ax_assert_close(a.p_value, b.p_value, 0);
}

static void a_constant_neither_divides_by_zero_nor_drifts(void **state)
{
    (void)state;
    double v[STEPS];
    for (uint32_t i = 0; i < STEPS; i++)
        v[i] = 42;
    struct ax_drift_result r = test_of(v, STEPS);
    assert_true(r.ready);
    for (uint32_t i = 0; i < AX_DRIFT_TESTS; i++)
        assert_true(r.score[i] == 0);
    assert_int_equal(ax_drift_verdict(&plain, &r, 1), 0);
}

static void a_scratch_that_is_too_small_is_an_error(void **state)
{
    (void)state;
    double v[STEPS] = {0};
    struct ax_arena tiny;
    ax_arena_init(&tiny, 9000);
    struct ax_drift_result r;
    assert_int_equal(ax_drift_test_feature(&plain, v, 100, &tiny, &r), AX_OK);
    ax_arena_reset(&tiny);
    assert_int_equal(ax_drift_test_feature(&plain, v, STEPS, &tiny, &r), AX_NOMEM);
    assert_false(r.ready);
    ax_arena_done(&tiny);
}

static void correlation_time_of_an_autoregression_is_its_closed_form(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 9);
    double mean = 0;
    double v[STEPS];
    for (uint32_t i = 0; i < 100; i++) {
        ar1(&rng, 0.8, 0, v);
        mean += ax_drift_correlation_time(v, STEPS) / 100;
    }
    double exact = (1 + 0.8) / (1 - 0.8); /* 9 */
    assert_true(mean > 0.9 * exact && mean < 1.5 * exact);
}

static void a_step_does_not_make_noise_look_correlated_but_a_ramp_does(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 10);
    double step[AX_DRIFT_REFERENCE], ramp[AX_DRIFT_REFERENCE];
    for (uint32_t i = 0; i < AX_DRIFT_REFERENCE; i++) {
        step[i] = ax_rng_normal(&rng) + (i > 700 ? 3 : 0);
        ramp[i] = ax_rng_normal(&rng) + (double)i / 300;
    }
    assert_true(ax_drift_correlation_time(step, AX_DRIFT_REFERENCE) < 3);
    assert_true(ax_drift_correlation_time(ramp, AX_DRIFT_REFERENCE) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stationary_noise_is_significant_no_more_often_than_alpha_however_correlated),
        cmocka_unit_test(stationary_noise_does_not_drift),
        cmocka_unit_test(a_moved_level_drifts),
        cmocka_unit_test(a_wider_distribution_drifts),
        cmocka_unit_test(a_significant_but_small_change_does_not_drift),
        cmocka_unit_test(one_effect_alone_is_not_enough),
        cmocka_unit_test(the_stability_index_is_never_gated_below_a_tenth),
        cmocka_unit_test(many_features_are_judged_together_as_benjamini_and_hochberg_do),
        cmocka_unit_test(below_thirty_points_nothing_is_ready),
        cmocka_unit_test(gaps_and_infinities_are_skipped),
        cmocka_unit_test(a_constant_neither_divides_by_zero_nor_drifts),
        cmocka_unit_test(a_scratch_that_is_too_small_is_an_error),
        cmocka_unit_test(a_step_does_not_make_noise_look_correlated_but_a_ramp_does),
        cmocka_unit_test(correlation_time_of_an_autoregression_is_its_closed_form),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
