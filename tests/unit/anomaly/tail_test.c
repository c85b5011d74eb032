/* Rare levels are extrapolated within a factor that is known, from few points and from many. */
#include "anomaly/tail.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>

/* Median over seeds of the level at `rate` after n points of |normal| or exponential scores. */
static double median_level(bool normal, uint32_t n, double rate)
{
    double levels[31];
    for (uint32_t seed = 0; seed < 31; seed++) {
        struct ax_rng rng;
        struct ax_tail tail;
        ax_rng_seed(&rng, seed);
        ax_tail_init(&tail, 2880);
        for (uint32_t i = 0; i < n; i++)
            ax_tail_add(&tail, normal ? fabs(ax_rng_normal(&rng)) : -log(1 - ax_rng_double(&rng)), 1);
        double level = ax_tail_level(&tail, rate);
        uint32_t i = seed;
        for (; i > 0 && levels[i - 1] > level; i--)
            levels[i] = levels[i - 1];
        levels[i] = level;
    }
    return levels[15];
}

static void a_rare_level_is_near_the_exact_one_with_many_points(void **state)
{
    (void)state;
    /* two-sided normal quantiles, and -ln of the rate */
    assert_true(fabs(median_level(true, 20000, 0.001) / 3.2905 - 1) < 0.1);
    assert_true(fabs(median_level(true, 20000, 0.0005) / 3.4808 - 1) < 0.12);
    assert_true(fabs(median_level(false, 20000, 0.0005) / 7.6009 - 1) < 0.12);
}

static void a_rare_level_is_cautious_with_few_points(void **state)
{
    (void)state;
    double normal = median_level(true, 25, 0.0005) / 3.4808,
           exponential = median_level(false, 25, 0.0005) / 7.6009;
    assert_true(normal > 1 && normal < 2.2);
    assert_true(exponential > 0.9 && exponential < 2.2);
}

static void the_past_fades(void **state)
{
    (void)state;
    struct ax_tail tail;
    ax_tail_init(&tail, 100);
    for (uint32_t i = 0; i < 1000; i++)
        ax_tail_add(&tail, 50, 1);
    for (uint32_t i = 0; i < 100000; i++)
        ax_tail_add(&tail, 1, 1);
    assert_true(ax_tail_level(&tail, 0.001) < 1.5);
    assert_true(fabs(ax_tail_median(&tail) - 1) < 0.1);
    assert_true(isfinite(tail.of.total) && isfinite(tail.of.increment));
}

static void an_empty_tail_and_one_of_zeros_have_level_0(void **state)
{
    (void)state;
    struct ax_tail tail;
    ax_tail_init(&tail, 100);
    assert_true(ax_tail_level(&tail, 0.001) == 0);
    assert_true(ax_tail_median(&tail) == 0);
    for (uint32_t i = 0; i < 100; i++)
        ax_tail_add(&tail, 0, 1);
    assert_true(ax_tail_level(&tail, 0.001) < 0.2); /* what is below 1/64 is not told apart */
}

static void scores_beyond_the_bins_are_kept_at_their_ends(void **state)
{
    (void)state;
    struct ax_tail tail;
    ax_tail_init(&tail, 100);
    ax_tail_add(&tail, 1e300, 1);
    assert_true(isfinite(ax_tail_level(&tail, 1e-9)));
    ax_tail_add(&tail, 1e-300, 1);
    assert_true(isfinite(ax_tail_level(&tail, 1e-9)));
}

static void a_level_is_as_high_in_another_unit(void **state)
{
    (void)state;
    struct ax_tail t;
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    ax_tail_init(&t, 2880);
    for (int i = 0; i < 3000; i++)
        ax_tail_add(&t, fabs(ax_rng_normal(&rng)), 1);
    const double level = ax_tail_level(&t, 0.001);
    ax_tail_shift(&t, 3);
    assert_true(fabs(ax_tail_level(&t, 0.001) * 8 - level) <= 1e-3 * level);
    ax_tail_shift(&t, -3);
    assert_true(fabs(ax_tail_level(&t, 0.001) - level) <= 1e-3 * level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_is_as_high_in_another_unit),
        cmocka_unit_test(a_rare_level_is_near_the_exact_one_with_many_points),
        cmocka_unit_test(a_rare_level_is_cautious_with_few_points),
        cmocka_unit_test(the_past_fades),
        cmocka_unit_test(an_empty_tail_and_one_of_zeros_have_level_0),
        cmocka_unit_test(scores_beyond_the_bins_are_kept_at_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
