/* Classes of a forecast: probabilities that agree with its interval. */
#include "ax_test.h"
#include "base/rng.h"
#include "pipeline/classes.h"

#include <math.h>

static void the_bounds_of_the_interval_are_its_quantiles(void **state)
{
    (void)state;
    double p[AX_CLASSES];
    const struct ax_classes classes = {true, 90, 130}; /* lower and upper: 5 % on either side */
    ax_class_shares(&classes, 0.9, 100, 90, 130, p);
    ax_assert_close(p[AX_CLASS_GOOD], 0.05, 1e-9);
    ax_assert_close(p[AX_CLASS_BAD], 0.05, 1e-9);
    ax_assert_close(p[AX_CLASS_DEGRADED], 0.9, 1e-9);
    const struct ax_classes half = {true, 100, 1000};
    ax_class_shares(&half, 0.9, 100, 90, 130, p);
    ax_assert_close(p[AX_CLASS_GOOD], 0.5, 1e-9);
}

/* scipy.stats.norm.cdf(1) = 0.8413447460685429; norm.ppf(0.95) = 1.6448536269514722 */
static void in_between_it_is_normal(void **state)
{
    (void)state;
    double p[AX_CLASSES];
    const double z = 1.6448536269514722;
    const struct ax_classes classes = {true, 1, 2};
    ax_class_shares(&classes, 0.9, 0, -z, z, p); /* a standard normal distribution */
    ax_assert_close(p[AX_CLASS_GOOD], 0.8413447460685429, 1e-9);
    ax_assert_close(p[AX_CLASS_BAD], 1 - 0.9772498680518208, 1e-9);
}

static void where_high_is_good_the_order_turns(void **state)
{
    (void)state;
    double up[AX_CLASSES], down[AX_CLASSES];
    const struct ax_classes latency = {true, 80, 120}, throughput = {true, 120, 80};
    ax_class_shares(&latency, 0.9, 100, 70, 140, up);
    ax_class_shares(&throughput, 0.9, 100, 70, 140, down);
    ax_assert_close(up[AX_CLASS_GOOD], down[AX_CLASS_BAD], 1e-12);
    ax_assert_close(up[AX_CLASS_BAD], down[AX_CLASS_GOOD], 1e-12);
    assert_int_equal(ax_class_of(&latency, 80), AX_CLASS_GOOD);
    assert_int_equal(ax_class_of(&latency, 120), AX_CLASS_BAD);
    assert_int_equal(ax_class_of(&latency, 100), AX_CLASS_DEGRADED);
    assert_int_equal(ax_class_of(&throughput, 120), AX_CLASS_GOOD);
    assert_int_equal(ax_class_of(&throughput, 80), AX_CLASS_BAD);
    assert_int_equal(ax_class_of(&throughput, 100), AX_CLASS_DEGRADED);
}

static void a_forecast_without_doubt_is_of_one_class(void **state)
{
    (void)state;
    double p[AX_CLASSES];
    const struct ax_classes classes = {true, 10, 20};
    ax_class_shares(&classes, 0.9, 0, 0, 0, p);
    assert_true(p[AX_CLASS_GOOD] == 1 && p[AX_CLASS_DEGRADED] == 0 && p[AX_CLASS_BAD] == 0);
    ax_class_shares(&classes, 0.9, 0, 0, 30, p); /* never below: clipped at zero */
    ax_assert_close(p[AX_CLASS_GOOD] + p[AX_CLASS_DEGRADED] + p[AX_CLASS_BAD], 1, 1e-12);
    assert_true(p[AX_CLASS_BAD] > 0.1 && p[AX_CLASS_BAD] < 0.2);
}

static void of_actuals_as_the_interval_says_as_many_fall_into_each_class(void **state)
{
    (void)state;
    struct ax_rng rng;
    const struct ax_classes classes = {true, 95, 115};
    double p[AX_CLASSES], seen[AX_CLASSES] = {0};
    const double mean = 100, below = 8, above = 20, z = 1.6448536269514722;
    const int n = 200000;
    ax_rng_seed(&rng, 42);
    for (int i = 0; i < n; i++) {
        double x = ax_rng_normal(&rng);
        seen[ax_class_of(&classes, mean + (x < 0 ? below : above) * x / z)] += 1.0 / n;
    }
    ax_class_shares(&classes, 0.9, mean, mean - below, mean + above, p);
    for (int i = 0; i < AX_CLASSES; i++)
        assert_true(fabs(p[i] - seen[i]) < 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bounds_of_the_interval_are_its_quantiles),
        cmocka_unit_test(in_between_it_is_normal),
        cmocka_unit_test(where_high_is_good_the_order_turns),
        cmocka_unit_test(a_forecast_without_doubt_is_of_one_class),
        cmocka_unit_test(of_actuals_as_the_interval_says_as_many_fall_into_each_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
