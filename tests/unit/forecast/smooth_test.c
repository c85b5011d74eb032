/* Exponential smoothing is that of statsmodels' ETSModel; a spike does not move it, and a step does. */
#include "../../golden/forecast/vectors.h"
#include "ax_test.h"
#include "forecast/smooth.h"

#include <math.h>

#define N (sizeof golden_ar_series / sizeof golden_ar_series[0])

/* golden: alpha, beta, phi, level, trend, forecasts. */
static void check(const double *golden, uint32_t forecasts)
{
    const struct ax_smooth_params p = {golden[0], golden[1], golden[2], 0, 0};
    struct ax_smooth s = {0};
    for (unsigned i = 0; i < N; i++)
        ax_smooth_step(&s, &p, golden_ar_series[i]);
    ax_assert_close(s.level, golden[3], 1e-9);
    ax_assert_close(s.trend, golden[4], 1e-9);
    for (uint32_t h = 0; h < forecasts; h++)
        ax_assert_close(ax_smooth_forecast(&s, &p, h + 1), golden[5 + h], 1e-9);
}

static void levels_trends_and_forecasts_are_those_of_statsmodels(void **state)
{
    (void)state;
    check(golden_smooth_slow, 8);
    check(golden_smooth_fast, 8);
}

static void a_gap_goes_on_with_the_trend(void **state)
{
    (void)state;
    const struct ax_smooth_params p = {0.5, 0.1, 0.9, 0, 0};
    struct ax_smooth s = {0};
    for (int i = 0; i < 30; i++)
        ax_smooth_step(&s, &p, 3 * i);
    double next = ax_smooth_forecast(&s, &p, 1), after = ax_smooth_forecast(&s, &p, 2);
    ax_smooth_step(&s, &p, (double)NAN);
    ax_assert_close(s.level, next, 1e-12);
    ax_assert_close(ax_smooth_forecast(&s, &p, 1), after, 1e-12);
}

static void a_spike_hardly_moves_the_level_and_a_step_does(void **state)
{
    (void)state;
    const struct ax_smooth_params p = {0.5, 0, 1, 4, 8};
    struct ax_smooth s = {0};
    for (int i = 0; i < 100; i++)
        ax_smooth_step(&s, &p, 100 + i % 2);
    ax_smooth_step(&s, &p, 1e6);
    assert_true(fabs(s.level - 100) < 3);
    for (int i = 0; i < 9; i++)
        ax_smooth_step(&s, &p, 200 + i % 2);
    assert_true(fabs(s.level - 200) < 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_trends_and_forecasts_are_those_of_statsmodels),
        cmocka_unit_test(a_gap_goes_on_with_the_trend),
        cmocka_unit_test(a_spike_hardly_moves_the_level_and_a_step_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
