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

static void a_recent_curve_keeps_its_newest_points(void **state)
{
    (void)state;
    struct ax_trace t;
    assert_true(ax_trace_init(&t, 1, 0));
    t.recent = true;
    for (int i = 0; i < 5000; i++)
        ax_trace_add(&t, i, (const double[]){2.0 * i});
    assert_true(t.n >= AX_TRACE_BINS / 2);
    struct ax_trace tail = ax_trace_tail(&t, 100);
    assert_int_equal(tail.n, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tail.t_ms[i], 4900 + i);
        ax_assert_close(tail.v[i], 2.0 * (4900 + i), 0);
    }
    assert_int_equal(ax_trace_tail(&t, 5000).n, t.n);
    ax_trace_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_curve_is_kept_as_it_is),
        cmocka_unit_test(a_long_curve_keeps_its_extremes),
        cmocka_unit_test(a_recent_curve_keeps_its_newest_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
