/* The paired tests say what others' implementations say, and the rule promotes what is better and nothing
 * else. */
#include "../../golden/compare/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "train/compare.h"

#include <math.h>
#include <stdio.h>

#define RUNS 200
#define LAST 3840 /* 240 * 16: pairs at the last look */

static void check(const double *a, const double *b, uint32_t n, const double want[5])
{
    const struct ax_comparison c = ax_compare_forecasts(a, b, n, (uint32_t)want[0]);
    ax_assert_close(c.effect, want[1], 1e-9);
    ax_assert_close(c.p_value, want[2], 1e-9);
    ax_assert_close(c.low, want[3], 1e-9);
    ax_assert_close(c.high, want[4], 1e-9);
}

static void the_test_of_forecasts_is_diebold_and_marianos_with_harveys_correction(void **state)
{
    (void)state;
    check(dm0_a, dm0_b, dm0_a_n, dm0);
    check(dm1_a, dm1_b, dm1_a_n, dm1);
    check(dm2_a, dm2_b, dm2_a_n, dm2);
    check(dm3_a, dm3_b, dm3_a_n, dm3);
}

static void what_cannot_be_compared_is_not(void **state)
{
    const double a[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, b[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct ax_comparison c = ax_compare_forecasts(a, b, 7, 0);
    (void)state;
    assert_true(isnan(c.p_value)); /* too few */
    assert_true(isnan(ax_compare_forecasts(a, b, 10, 1).p_value));
    ax_assert_close(ax_compare_forecasts(a, a, 10, 0).p_value, 1, 0);
    ax_assert_close(ax_compare_forecasts(a, b, 10, 0).p_value, 1, 0);
    ax_assert_close(ax_compare_forecasts(b, a, 10, 0).p_value, 0, 0);
    assert_int_equal(ax_promotion_judge(&(struct ax_promotion_rule){0}, &c), AX_PROMOTION_WAITS);
}

/* Losses of forecasts whose errors are AR(1), of a champion and of a challenger that is `better` times as
 * wrong, and has noise of its own, as another model of the same series has. */
static void losses(struct ax_rng *rng, double phi, double better, double own, double *a, double *b)
{
    double x = ax_rng_normal(rng), y = x, z = x;
    for (uint32_t i = 0; i < LAST; i++) {
        x = phi * x + sqrt(1 - phi * phi) * ax_rng_normal(rng);
        y = phi * y + sqrt(1 - phi * phi) * ax_rng_normal(rng);
        z = phi * z + sqrt(1 - phi * phi) * ax_rng_normal(rng);
        a[i] = fabs(sqrt(1 - own) * x + sqrt(own) * y);
        b[i] = better * fabs(sqrt(1 - own) * x + sqrt(own) * z);
    }
}

/* How many of RUNS challengers are promoted when they are judged at each look. */
static uint32_t promoted(double phi, double better, double own, uint32_t lags)
{
    static double a[LAST], b[LAST];
    const struct ax_promotion_rule rule = {0};
    struct ax_rng rng;
    uint32_t count = 0;
    uint64_t pairs = 0;
    ax_rng_seed(&rng, 17);
    for (uint32_t run = 0; run < RUNS; run++) {
        losses(&rng, phi, better, own, a, b);
        enum ax_promotion verdict = AX_PROMOTION_WAITS;
        uint32_t n = 1;
        for (; n <= LAST && verdict == AX_PROMOTION_WAITS; n++) {
            if (!ax_promotion_looks(&rule, n))
                continue;
            const struct ax_comparison c = ax_compare_forecasts(a, b, n, lags);
            verdict = ax_promotion_judge(&rule, &c);
        }
        assert_int_not_equal(verdict, AX_PROMOTION_WAITS);
        count += verdict == AX_PROMOTION_PROMOTED;
        pairs += n - 1;
    }
    (void)printf("loss times %.2f, errors AR(%.1f), %.0f %% of their own: %u of %d promoted, after %.0f "
                 "pairs in the mean\n",
                 better, phi, 100 * own, count, RUNS, (double)pairs / RUNS);
    return count;
}

static void identical_models_are_promoted_in_at_most_5_percent(void **state)
{
    (void)state;
    assert_true(promoted(0, 1, 0.1, 0) <= RUNS / 20);
    assert_true(promoted(0.8, 1, 0.1, 20) <= RUNS / 20);
    assert_int_equal(promoted(0, 1, 0, 0), 0);
}

static void five_percent_less_error_is_promoted_in_at_least_90_percent(void **state)
{
    (void)state;
    assert_true(promoted(0, 0.95, 0.1, 0) >= RUNS * 9 / 10);
    assert_true(promoted(0.5, 0.95, 0.1, 8) >= RUNS * 9 / 10);
    assert_true(promoted(0, 0.95, 0, 0) >= RUNS * 9 / 10);
}

static void what_is_worse_is_retired_early(void **state)
{
    const struct ax_comparison worse = {.n = 240, .effect = -0.1, .p_value = 1, .p_worse = 0.001},
                               small = {.n = 240, .effect = 0.01, .p_value = 1e-9};
    struct ax_comparison last = small, tied = worse;
    const struct ax_promotion_rule rule = {0};
    (void)state;
    last.n = LAST;
    assert_int_equal(ax_promotion_judge(&rule, &worse), AX_PROMOTION_RETIRED);
    tied.p_worse = 0.3; /* of as many draws as are as good others are as bad */
    assert_false(ax_promotion_is_worse(&rule, &tied));
    assert_int_equal(ax_promotion_judge(&rule, &small),
                     AX_PROMOTION_WAITS); /* significant, and too small to matter */
    assert_int_equal(ax_promotion_judge(&rule, &last), AX_PROMOTION_RETIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_of_forecasts_is_diebold_and_marianos_with_harveys_correction),
        cmocka_unit_test(what_cannot_be_compared_is_not),
        cmocka_unit_test(identical_models_are_promoted_in_at_most_5_percent),
        cmocka_unit_test(five_percent_less_error_is_promoted_in_at_least_90_percent),
        cmocka_unit_test(what_is_worse_is_retired_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
