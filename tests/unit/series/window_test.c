/* A window shows a contiguous past, fine and coarse, with its gaps, in bounded memory. */
#include "ax_test.h"
#include "series/window.h"

#include <math.h>

static struct ax_window *window(int64_t step_ms, uint32_t fine_n, uint32_t coarse_n)
{
    struct ax_window *w = ax_window_new(step_ms, fine_n, coarse_n);
    assert_non_null(w);
    return w;
}

static void the_fine_view_is_the_last_n_steps_oldest_first(void **state)
{
    (void)state;
    struct ax_window *w = window(15000, 960, 4032);
    assert_int_equal(ax_window_fine(w).n, 0);
    for (int i = 1; i <= 5000; i++) {
        assert_int_equal(ax_window_push(w, i * 15000LL, i), AX_OK);
        struct ax_view v = ax_window_fine(w);
        uint32_t want = i < 960 ? (uint32_t)i : 960;
        assert_int_equal(v.n, want);
        assert_true(v.v[v.n - 1] == (float)i && v.v[0] == (float)(i - (int)want + 1));
        assert_true(v.end_ms == i * 15000LL && v.step_ms == 15000);
    }
    ax_window_free(w);
}

static void a_missing_step_is_a_gap_and_an_old_one_a_conflict(void **state)
{
    (void)state;
    struct ax_window *w = window(1000, 10, 10);
    assert_int_equal(ax_window_push(w, 1000, 1), AX_OK);
    assert_int_equal(ax_window_push(w, 4000, 4), AX_OK);
    assert_int_equal(ax_window_push(w, 4000, 5), AX_CONFLICT);
    assert_int_equal(ax_window_push(w, 3000, 5), AX_CONFLICT);
    assert_int_equal(ax_window_push(w, 5000, NAN), AX_OK);
    assert_int_equal(ax_window_push(w, 6000, INFINITY), AX_OK);
    struct ax_view v = ax_window_fine(w);
    assert_int_equal(v.n, 6);
    assert_true(v.v[0] == 1 && isnan(v.v[1]) && isnan(v.v[2]) && v.v[3] == 4 && isnan(v.v[4]) &&
                isnan(v.v[5]));
    assert_int_equal(ax_window_push(w, 1000000000LL, 7), AX_OK);
    v = ax_window_fine(w);
    assert_int_equal(v.n, 10);
    assert_true(isnan(v.v[8]) && v.v[9] == 7);
    ax_window_free(w);
}

static void a_coarse_point_is_the_mean_of_its_span_once_it_is_over(void **state)
{
    (void)state;
    struct ax_window *w = window(60000, 100, 3);
    for (int i = 1; i <= 4; i++) /* 5 minutes are steps 1..5 */
        assert_int_equal(ax_window_push(w, i * 60000LL, i == 2 ? (double)NAN : i), AX_OK);
    assert_int_equal(ax_window_coarse(w).n, 0);
    assert_int_equal(ax_window_push(w, 5 * 60000LL, 5), AX_OK);
    struct ax_view c = ax_window_coarse(w);
    assert_int_equal(c.n, 1);
    assert_true(c.v[0] == 3.25F && c.end_ms == 300000 && c.step_ms == 300000);
    /* Step 17 lies in (900 s, 1200 s]: the spans to 600 s and 900 s end empty. */
    assert_int_equal(ax_window_push(w, 17 * 60000LL, 17), AX_OK);
    c = ax_window_coarse(w);
    assert_int_equal(c.n, 3);
    assert_true(c.v[0] == 3.25F && isnan(c.v[1]) && isnan(c.v[2]) && c.end_ms == 900000);
    for (int i = 18; i <= 20; i++)
        assert_int_equal(ax_window_push(w, i * 60000LL, i), AX_OK);
    c = ax_window_coarse(w);
    assert_int_equal(c.n, 3);
    assert_true(isnan(c.v[1]) && c.v[2] == 18.5F && c.end_ms == 1200000);
    ax_window_free(w);
}

static void a_step_beyond_five_minutes_is_its_own_coarse_point(void **state)
{
    (void)state;
    struct ax_window *w = window(3600000, 100, 100);
    for (int i = 1; i <= 7; i++)
        assert_int_equal(ax_window_push(w, i * 3600000LL, i), AX_OK);
    struct ax_view c = ax_window_coarse(w);
    assert_int_equal(c.n, 7);
    assert_true(c.v[6] == 7 && c.end_ms == 7 * 3600000LL && c.step_ms == 3600000);
    ax_window_free(w);
}

static void what_was_shown_never_changes(void **state)
{
    (void)state;
    struct ax_window *w = window(1000, 64, 16), *then = window(1000, 64, 16);
    for (int i = 1; i <= 2000; i++) {
        assert_int_equal(ax_window_push(w, i * 1000LL, i % 7), AX_OK);
        assert_int_equal(ax_window_push(then, i * 1000LL, i > 1990 ? 1000 : i % 7), AX_OK);
    }
    struct ax_view a = ax_window_fine(w), b = ax_window_fine(then);
    assert_memory_equal(a.v, b.v, (a.n - 10) * sizeof *a.v);
    a = ax_window_coarse(w), b = ax_window_coarse(then);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.v, b.v, a.n * sizeof *a.v);
    ax_window_free(w);
    ax_window_free(then);
}

static void memory_starts_small_and_ends_at_the_windows_size(void **state)
{
    (void)state;
    struct ax_window *w = window(300000, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    assert_int_equal(ax_window_push(w, 300000, 1), AX_OK);
    assert_true(ax_window_bytes(w) < 512);
    for (int i = 2; i <= 10000; i++)
        assert_int_equal(ax_window_push(w, i * 300000LL, i), AX_OK);
    assert_true(ax_window_bytes(w) <= (AX_WINDOW_FINE + AX_WINDOW_COARSE + 128) * sizeof(float) + 256);
    ax_window_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fine_view_is_the_last_n_steps_oldest_first),
        cmocka_unit_test(a_missing_step_is_a_gap_and_an_old_one_a_conflict),
        cmocka_unit_test(a_coarse_point_is_the_mean_of_its_span_once_it_is_over),
        cmocka_unit_test(a_step_beyond_five_minutes_is_its_own_coarse_point),
        cmocka_unit_test(what_was_shown_never_changes),
        cmocka_unit_test(memory_starts_small_and_ends_at_the_windows_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
