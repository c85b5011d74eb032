/* A trace stays small and loses no extreme. */
#include "app/trace.h"
#include "ax_test.h"

#include <math.h>

static void a_short_curve_is_kept_as_it_is(void **state)
{
    (void)state;
    struct ax_trace t;
    assert_true(ax_trace_init(&t, 2, 2));
    for (int i = 0; i < AX_TRACE_BINS; i++)
        ax_trace_add(&t, i * 1000, (const double[]){i, (double)NAN});
    assert_int_equal(t.n, AX_TRACE_BINS);
    assert_int_equal(t.t_ms[7], 7000);
    ax_assert_close(t.v[14], 7, 0);
    assert_true(isnan(t.v[15]));
    ax_trace_done(&t);
}

static void a_long_curve_keeps_its_extremes(void **state)
{
    (void)state;
    struct ax_trace t;
    assert_true(ax_trace_init(&t, 2, 2));
    for (int i = 0; i < 100000; i++) {
        double v = i == 54321 ? 99 : i == 12345 ? -99 : 0;
        ax_trace_add(&t, i, (const double[]){v, v});
    }
    double lo = 0, hi = 0;
    assert_in_range(t.n, AX_TRACE_BINS / 2, AX_TRACE_BINS);
    for (uint32_t i = 0; i < t.n; i++) {
        assert_int_equal(t.t_ms[i], (int64_t)i * t.width);
        lo = fmin(lo, t.v[2 * i]);
        hi = fmax(hi, t.v[2 * i + 1]);
    }
    ax_assert_close(lo, -99, 0);
    ax_assert_close(hi, 99, 0);
    ax_trace_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_curve_is_kept_as_it_is),
        cmocka_unit_test(a_long_curve_keeps_its_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
