/* The histogram of errors gives quantiles within its bins' width, and forgets. */
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/errdist.h"

#include <math.h>

static void quantiles_of_normal_errors_are_near_the_true_ones(void **state)
{
    (void)state;
    struct ax_errdist d = {0};
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    for (int i = 0; i < 20000; i++)
        ax_errdist_add(&d, 3 * ax_rng_normal(&rng), 1);
    ax_assert_close(ax_errdist_quantile(&d, 0.05), -3 * 1.6449, 0.06);
    ax_assert_close(ax_errdist_quantile(&d, 0.95), 3 * 1.6449, 0.06);
    ax_assert_close(ax_errdist_within(&d, 3, 3), 0.6827, 0.03);
    ax_assert_close(ax_errdist_within(&d, 3, 0), 0.3413, 0.02);
    ax_assert_close(ax_errdist_within(&d, 0, 6), 0.4772, 0.02);
}

static void zero_is_a_value_of_its_own(void **state)
{
    (void)state;
    struct ax_errdist d = {0};
    assert_true(ax_errdist_quantile(&d, 0.05) == 0 && ax_errdist_within(&d, 1, 1) == 0);
    for (int i = 0; i < 97; i++)
        ax_errdist_add(&d, 0, 1);
    for (int i = 0; i < 3; i++)
        ax_errdist_add(&d, 100, 1);
    assert_true(ax_errdist_quantile(&d, 0.95) == 0);
    assert_true(ax_errdist_quantile(&d, 0.99) > 50);
    ax_assert_close(ax_errdist_within(&d, 0, 0), 0.97, 1e-6);
    ax_assert_close(ax_errdist_within(&d, 1e6, 1e6), 1, 1e-6);
}

static void quantiles_rise_with_their_level(void **state)
{
    (void)state;
    struct ax_errdist d = {0};
    struct ax_rng rng;
    ax_rng_seed(&rng, 5);
    for (int i = 0; i < 300; i++)
        ax_errdist_add(&d, exp(3 * ax_rng_normal(&rng)) - 1, 0.99);
    double before = -INFINITY;
    for (int i = 1; i < 100; i++) {
        double q = ax_errdist_quantile(&d, i / 100.0);
        assert_true(q >= before);
        before = q;
    }
}

static void old_errors_are_forgotten(void **state)
{
    (void)state;
    struct ax_errdist d = {0};
    for (int i = 0; i < 1000; i++)
        ax_errdist_add(&d, 100, 0.99);
    for (int i = 0; i < 1000; i++)
        ax_errdist_add(&d, -1, 0.99);
    assert_true(ax_errdist_quantile(&d, 0.95) <= 0);
    ax_assert_close(ax_errdist_within(&d, 2, 2), 1, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_normal_errors_are_near_the_true_ones),
        cmocka_unit_test(zero_is_a_value_of_its_own),
        cmocka_unit_test(quantiles_rise_with_their_level),
        cmocka_unit_test(old_errors_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
