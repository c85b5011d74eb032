/* An autoregression has the order, the coefficients and the forecasts of statsmodels. */
#include "../../golden/forecast/vectors.h"
#include "ax_test.h"
#include "forecast/autoreg.h"

#include <math.h>

#define N (sizeof golden_ar_series / sizeof golden_ar_series[0])

static void order_coefficients_and_forecasts_are_those_of_statsmodels(void **state)
{
    (void)state;
    struct ax_arena scratch;
    struct ax_autoreg a;
    double path[8];
    ax_arena_init(&scratch, 1U << 20);
    assert_int_equal(ax_autoreg_fit(golden_ar_series, N, &scratch, &a), AX_OK);
    assert_int_equal(a.order, GOLDEN_AR_ORDER);
    ax_assert_close(a.constant, golden_ar_params[0], 1e-6);
    for (uint32_t k = 0; k < a.order; k++)
        ax_assert_close(a.phi[k], golden_ar_params[k + 1], 1e-8);
    ax_autoreg_forecast(&a, golden_ar_series, N, -1e9, 1e9, 8, path);
    for (int h = 0; h < 8; h++)
        ax_assert_close(path[h], golden_ar_forecast[h], 1e-7);
    ax_arena_done(&scratch);
}

static void too_few_values_and_a_constant_have_none(void **state)
{
    (void)state;
    struct ax_arena scratch;
    struct ax_autoreg a;
    double constant[100];
    ax_arena_init(&scratch, 1U << 20);
    for (int i = 0; i < 100; i++)
        constant[i] = 7;
    assert_int_equal(ax_autoreg_fit(golden_ar_series, 5 * AX_AUTOREG_MAX - 1, &scratch, &a), AX_NOTREADY);
    assert_int_equal(ax_autoreg_fit(constant, 100, &scratch, &a), AX_NOTREADY);
    ax_arena_done(&scratch);
}

static void a_forecast_stays_within_its_bounds(void **state)
{
    (void)state;
    const struct ax_autoreg exploding = {.order = 1, .constant = 0, .phi = {1.5}};
    const double y[] = {1};
    double path[64];
    ax_autoreg_forecast(&exploding, y, 1, -10, 10, 64, path);
    ax_assert_close(path[0], 1.5, 1e-12);
    ax_assert_close(path[63], 10, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_coefficients_and_forecasts_are_those_of_statsmodels),
        cmocka_unit_test(too_few_values_and_a_constant_have_none),
        cmocka_unit_test(a_forecast_stays_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
