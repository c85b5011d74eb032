/* Without memory a window with exclusions stays as it was, and goes on when there is some. */
#include "ax_test.h"
#include "failing.h"
#include "series/window.h"

#include <math.h>

#define STEP 60000
#define STEPS 400

static void make(struct ax_window *w, int64_t i)
{
    assert_int_equal(ax_window_push(w, i * STEP, (double)i), AX_OK);
}

static void require_same(struct ax_view a, struct ax_view b)
{
    assert_int_equal(a.n, b.n);
    assert_true(a.end_ms == b.end_ms);
    assert_memory_equal(a.v, b.v, a.n * sizeof *a.v);
}

/* Exclude, go on, exclude more and include again, each until it works. */
static void live(struct ax_window *w)
{
    for (int64_t i = 1; i <= STEPS; i++) {
        while (ax_window_push(w, i * STEP, (double)i) != AX_OK)
            ;
        enum ax_err err = i == 20 || i == 300 ? AX_NOMEM : AX_OK;
        while (err != AX_OK) {
            err = ax_window_exclude(w, (uint64_t)i, (i - 9) * STEP, (i - 5) * STEP);
            assert_true(err == AX_OK || err == AX_NOMEM);
        }
    }
    assert_true(ax_window_include(w, 20));
}

static void an_allocation_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct ax_window *expected = ax_window_new(STEP, 500, 200);
    assert_non_null(expected);
    live(expected);
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        struct ax_window *w = ax_window_new(STEP, 500, 200);
        assert_non_null(w);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        live(w);
        failed = failing_end();
        require_same(ax_window_fine(w), ax_window_fine(expected));
        require_same(ax_window_coarse(w), ax_window_coarse(expected));
        make(w, STEPS + 1);
        ax_window_free(w);
    }
    ax_window_free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
