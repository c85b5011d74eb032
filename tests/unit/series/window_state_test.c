/* A window that was saved and loaded shows the same past and goes on in the same way. */
#include "ax_test.h"
#include "base/rng.h"
#include "damage.h"
#include "series/window.h"

#include <math.h>

#define BYTES_MAX (1u << 20)

/* Push the values of steps [from, to): a walk with gaps, steps that never came, and a huge value. */
static void push(struct ax_window *w, int64_t step_ms, uint32_t from, uint32_t to)
{
    struct ax_rng rng;
    for (uint32_t i = from; i < to; i++) {
        ax_rng_seed(&rng, i);
        uint64_t dice = ax_rng_below(&rng, 20);
        if (dice == 0)
            continue;
        double v = dice == 1 ? (double)NAN : dice == 2 ? 1e39 : 100 * ax_rng_double(&rng);
        assert_int_equal(ax_window_push(w, (int64_t)(i + 1) * step_ms, v), AX_OK);
    }
}

static void same_view(struct ax_view a, struct ax_view b)
{
    assert_int_equal(a.n, b.n);
    assert_true(a.end_ms == b.end_ms && a.step_ms == b.step_ms);
    if (a.n)
        assert_memory_equal(a.v, b.v, a.n * sizeof *a.v);
}

static struct ax_window *reload(const struct ax_window *w, int64_t step_ms, uint32_t fine_n,
                                uint32_t coarse_n)
{
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    ax_window_save(w, &bytes);
    struct ax_window *again = ax_window_new(step_ms, fine_n, coarse_n);
    assert_non_null(again);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_window_load(again, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_buf_done(&bytes);
    return again;
}

static void assert_saves_the_same(const struct ax_window *a, const struct ax_window *b)
{
    struct ax_buf x, y;
    ax_buf_init(&x, BYTES_MAX);
    ax_buf_init(&y, BYTES_MAX);
    ax_window_save(a, &x);
    ax_window_save(b, &y);
    damage_assert_same(ax_buf_view(&x), ax_buf_view(&y));
    ax_buf_done(&x);
    ax_buf_done(&y);
}

static void it_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    const int64_t steps[] = {1000, 15000, 60000, 3600000};
    const uint32_t stops[] = {0, 1, 19, 33, 100, 250, 777};
    for (unsigned s = 0; s < 4; s++)
        for (unsigned k = 0; k < sizeof stops / sizeof stops[0]; k++) {
            struct ax_window *w = ax_window_new(steps[s], 120, 40);
            assert_non_null(w);
            push(w, steps[s], 0, stops[k]);
            struct ax_window *again = reload(w, steps[s], 120, 40);
            for (uint32_t i = stops[k]; i < stops[k] + 400; i++) {
                same_view(ax_window_fine(w), ax_window_fine(again));
                same_view(ax_window_coarse(w), ax_window_coarse(again));
                push(w, steps[s], i, i + 1);
                push(again, steps[s], i, i + 1);
            }
            assert_saves_the_same(w, again);
            ax_window_free(again);
            ax_window_free(w);
        }
}

static void a_smaller_one_keeps_the_newest_points(void **state)
{
    (void)state;
    struct ax_window *w = ax_window_new(60000, 120, 40);
    assert_non_null(w);
    push(w, 60000, 0, 1000);
    struct ax_window *small = reload(w, 60000, 50, 7), *large = reload(w, 60000, 500, 70);
    struct ax_view fine = ax_window_fine(w), coarse = ax_window_coarse(w);
    same_view((struct ax_view){fine.v + fine.n - 50, 50, fine.end_ms, 60000}, ax_window_fine(small));
    same_view((struct ax_view){coarse.v + coarse.n - 7, 7, coarse.end_ms, 300000}, ax_window_coarse(small));
    same_view(fine, ax_window_fine(large));
    push(large, 60000, 1000, 1400);
    push(small, 60000, 1000, 1400);
    assert_int_equal(ax_window_fine(large).n, 500);
    assert_int_equal(ax_window_fine(small).n, 50);
    ax_window_free(large);
    ax_window_free(small);
    ax_window_free(w);
}

static void one_with_exclusions_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    struct ax_window *w = ax_window_new(60000, 120, 40);
    assert_non_null(w);
    push(w, 60000, 0, 200);
    assert_int_equal(ax_window_exclude(w, 7, 150 * 60000, 163 * 60000), AX_OK);
    assert_int_equal(ax_window_exclude(w, 8, 160 * 60000, 400 * 60000), AX_OK);
    struct ax_window *again = reload(w, 60000, 120, 40);
    for (uint32_t i = 200; i < 600; i++) {
        same_view(ax_window_fine(w), ax_window_fine(again));
        same_view(ax_window_coarse(w), ax_window_coarse(again));
        if (i == 230)
            assert_true(ax_window_include(w, 8) && ax_window_include(again, 8));
        push(w, 60000, i, i + 1);
        push(again, 60000, i, i + 1);
        assert_saves_the_same(w, again);
    }
    ax_window_free(again);
    ax_window_free(w);
}

static void another_step_is_refused(void **state)
{
    (void)state;
    struct ax_window *w = ax_window_new(60000, 120, 40), *other = ax_window_new(30000, 120, 40);
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    push(w, 60000, 0, 100);
    ax_window_save(w, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_window_load(other, &in), AX_CORRUPT);
    ax_buf_done(&bytes);
    ax_window_free(other);
    ax_window_free(w);
}

static enum ax_err try_window(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_window *w = ax_window_new(60000, 120, 40);
    struct ax_bytes in = ax_bytes_of(bytes);
    enum ax_err err = ax_window_load(w, &in);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    for (int64_t t_ms = 60000000; t_ms < 90000000 && err == AX_OK; t_ms += 6000000) {
        enum ax_err pushed = ax_window_push(w, t_ms, 1);
        assert_true(pushed == AX_OK || pushed == AX_CONFLICT); /* its newest time may be wrong */
        (void)ax_window_include(w, (uint64_t)(t_ms / 6000000 - 9));
    }
    ax_window_free(w);
    return err;
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct ax_window *w = ax_window_new(60000, 120, 40);
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    push(w, 60000, 0, 1000);
    ax_window_save(w, &bytes);
    damage_check(ax_buf_view(&bytes), try_window, NULL);
    ax_buf_reset(&bytes);
    assert_int_equal(ax_window_exclude(w, 1, 900 * 60000, 930 * 60000), AX_OK);
    assert_int_equal(ax_window_exclude(w, 2, 920 * 60000, 1000 * 60000), AX_OK);
    ax_window_save(w, &bytes);
    damage_check(ax_buf_view(&bytes), try_window, NULL);
    ax_buf_done(&bytes);
    ax_window_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_smaller_one_keeps_the_newest_points),
        cmocka_unit_test(one_with_exclusions_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(another_step_is_refused),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
