/* What is excluded of a window is a gap until that is revoked; then the window is what it would have been. */
#include "ax_test.h"
#include "series/window.h"

#include <math.h>

#define STEP 60000
#define FINE 100
#define COARSE 50

static void push(struct ax_window *w, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        assert_int_equal(ax_window_push(w, (int64_t)(i + 1) * STEP, i % 13 == 5 ? (double)NAN : i), AX_OK);
}

static struct ax_window *made(uint32_t steps)
{
    struct ax_window *w = ax_window_new(STEP, FINE, COARSE);
    assert_non_null(w);
    push(w, 0, steps);
    return w;
}

static void require_same(struct ax_view a, struct ax_view b)
{
    assert_int_equal(a.n, b.n);
    assert_true(a.end_ms == b.end_ms);
    assert_memory_equal(a.v, b.v, a.n * sizeof *a.v);
}

static void require_same_windows(const struct ax_window *a, const struct ax_window *b)
{
    require_same(ax_window_fine(a), ax_window_fine(b));
    require_same(ax_window_coarse(a), ax_window_coarse(b));
}

/* A view shows what the other does, but gaps where points touch [from_ms, to_ms]. */
static void require_gaps(struct ax_view with, struct ax_view without, int64_t from_ms, int64_t to_ms)
{
    assert_int_equal(with.n, without.n);
    for (uint32_t i = 0; i < with.n; i++) {
        const int64_t t_ms = with.end_ms - (int64_t)(with.n - 1 - i) * with.step_ms;
        if (t_ms >= from_ms && t_ms - with.step_ms < to_ms)
            assert_true(isnan(with.v[i]));
        else
            assert_memory_equal(&with.v[i], &without.v[i], sizeof with.v[i]);
    }
}

static void what_is_excluded_is_a_gap_in_both(void **state)
{
    (void)state;
    struct ax_window *w = made(203), *plain = made(203);
    assert_int_equal(ax_window_exclude(w, 1, 120 * STEP, 131 * STEP), AX_OK);
    for (uint32_t i = 203; i < 230; i++) {
        require_gaps(ax_window_fine(w), ax_window_fine(plain), 120 * STEP, 131 * STEP);
        require_gaps(ax_window_coarse(w), ax_window_coarse(plain), 120 * STEP, 131 * STEP);
        push(w, i, i + 1);
        push(plain, i, i + 1);
    }
    ax_window_free(w);
    ax_window_free(plain);
}

static void what_is_revoked_leaves_no_trace_and_what_others_exclude_stays_so(void **state)
{
    (void)state;
    struct ax_window *w = made(203), *plain = made(203), *one = made(203);
    assert_int_equal(ax_window_exclude(one, 2, 150 * STEP, 160 * STEP), AX_OK);
    assert_int_equal(ax_window_exclude(w, 1, 140 * STEP, 155 * STEP), AX_OK);
    assert_int_equal(ax_window_exclude(w, 2, 150 * STEP, 160 * STEP), AX_OK);
    assert_true(ax_window_bytes(w) > ax_window_bytes(plain));
    assert_true(ax_window_include(w, 1));
    assert_false(ax_window_include(w, 1));
    require_same_windows(w, one);
    push(w, 203, 210);
    push(plain, 203, 210);
    assert_true(ax_window_include(w, 2));
    require_same_windows(w, plain);
    assert_int_equal(ax_window_bytes(w), ax_window_bytes(plain));
    push(w, 210, 300);
    push(plain, 210, 300);
    require_same_windows(w, plain);
    ax_window_free(w);
    ax_window_free(plain);
    ax_window_free(one);
}

static void a_coarse_point_of_which_some_is_excluded_is_a_gap_also_when_it_was_open(void **state)
{
    (void)state;
    struct ax_window *w = made(203), *plain = made(203); /* open since 200 */
    assert_int_equal(ax_window_exclude(w, 1, 201 * STEP, 202 * STEP), AX_OK);
    push(w, 203, 205);
    push(plain, 203, 205);
    const struct ax_view coarse = ax_window_coarse(w);
    assert_true(coarse.end_ms == 205 * STEP && isnan(coarse.v[coarse.n - 1]));
    assert_true(ax_window_include(w, 1));
    require_same_windows(w, plain);
    ax_window_free(w);
    ax_window_free(plain);
}

static void an_exclusion_is_over_when_its_time_is_forgotten(void **state)
{
    (void)state;
    struct ax_window *w = made(203), *plain = made(203);
    assert_int_equal(ax_window_exclude(w, 1, 120 * STEP, 131 * STEP), AX_OK);
    push(w, 203, 203 + FINE + 5 * COARSE);
    push(plain, 203, 203 + FINE + 5 * COARSE);
    require_same_windows(w, plain);
    assert_false(ax_window_include(w, 1));
    assert_true(ax_window_bytes(w) == ax_window_bytes(plain));
    ax_window_free(w);
    ax_window_free(plain);
}

static void what_is_not_there_or_too_much_is_refused(void **state)
{
    (void)state;
    struct ax_window *w = made(203), *plain = made(203), *none = ax_window_new(STEP, FINE, COARSE);
    assert_int_equal(ax_window_exclude(none, 1, 0, INT64_MAX), AX_NOTFOUND);
    assert_int_equal(ax_window_exclude(w, 1, 204 * STEP, 300 * STEP), AX_NOTFOUND);
    assert_false(ax_window_include(w, 1));
    require_same_windows(w, plain);
    for (uint64_t i = 0; i < AX_WINDOW_EXCLUDED_MAX; i++)
        assert_int_equal(ax_window_exclude(w, i, 150 * STEP, INT64_MAX), AX_OK);
    assert_int_equal(ax_window_exclude(w, 99, 150 * STEP, 300 * STEP), AX_LIMIT);
    push(w, 203, 206); /* what is still to come is not excluded */
    const struct ax_view fine = ax_window_fine(w);
    ax_assert_close((double)fine.v[fine.n - 1], 205, 0);
    ax_window_free(w);
    ax_window_free(plain);
    ax_window_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_excluded_is_a_gap_in_both),
        cmocka_unit_test(what_is_revoked_leaves_no_trace_and_what_others_exclude_stays_so),
        cmocka_unit_test(a_coarse_point_of_which_some_is_excluded_is_a_gap_also_when_it_was_open),
        cmocka_unit_test(an_exclusion_is_over_when_its_time_is_forgotten),
        cmocka_unit_test(what_is_not_there_or_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
