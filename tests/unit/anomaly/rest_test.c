/* A series that rests: which moves are common, which are rare, and what is none of either. */
#include "anomaly/rest.h"
#include "ax_test.h"

#define RATE 0.001
#define MEMORY 100000

/* So many steps at a value; what the last one was. */
static enum ax_resting steps(struct ax_rest *r, uint32_t n, double value)
{
    enum ax_resting last = AX_REST_NONE;
    for (uint32_t i = 0; i < n; i++)
        last = ax_rest_step(r, value, RATE, MEMORY);
    return last;
}

static void the_first_move_of_a_young_series_is_common_and_of_an_old_one_rare(void **state)
{
    (void)state;
    struct ax_rest young = {0}, old = {0};
    (void)steps(&young, 300, 0);
    assert_int_equal(steps(&young, 1, 5), AX_REST_COMMON);
    (void)steps(&old, 3000, 0);
    assert_int_equal(steps(&old, 1, 5), AX_REST_RARE);
}

static void a_move_that_lasts_is_rare_however_young_the_series(void **state)
{
    (void)state;
    struct ax_rest r = {0};
    (void)steps(&r, 300, 1);
    assert_int_equal(steps(&r, 8, 0), AX_REST_COMMON);
    assert_int_equal(steps(&r, 1, 0), AX_REST_RARE);
}

static void of_a_move_that_lasts_after_a_short_rest_nobody_can_say_that_it_is_rare(void **state)
{
    (void)state;
    struct ax_rest r = {0};
    (void)steps(&r, 100, 0);
    assert_int_equal(steps(&r, 8, 5), AX_REST_COMMON);
    for (uint32_t i = 0; i < 80; i++)
        assert_int_equal(steps(&r, 1, 5 + i), AX_REST_YOUNG);
}

static void the_rule_of_succession_counts_moves_that_go_as_far(void **state)
{
    (void)state;
    struct ax_rest r = {0};
    (void)steps(&r, 2500, 0);
    assert_int_equal(steps(&r, 1, 10), AX_REST_RARE); /* 1 in 2,500 */
    (void)steps(&r, 50, 0);
    assert_int_equal(steps(&r, 1, 10), AX_REST_RARE); /* 2 in 2,550 */
    (void)steps(&r, 50, 0);
    assert_int_equal(steps(&r, 1, 10), AX_REST_COMMON); /* 3 in 2,600 */
    (void)steps(&r, 50, 0);
    assert_int_equal(steps(&r, 1, 1000), AX_REST_RARE); /* none went as far */
}

static void back_at_rest_is_known_for_some_steps(void **state)
{
    (void)state;
    struct ax_rest r = {0};
    assert_int_equal(steps(&r, 300, 0), AX_REST_NONE);
    (void)steps(&r, 2, 5);
    assert_int_equal(steps(&r, 1, 0), AX_REST_RETURNS);
    assert_int_equal(steps(&r, 20, 0), AX_REST_NONE);
}

static void what_does_not_rest_is_left_to_others(void **state)
{
    (void)state;
    struct ax_rest r = {0}, often = {0};
    for (int i = 0; i < 2000; i++)
        assert_int_equal(steps(&r, 1, i % 7), AX_REST_NONE);
    for (int i = 0; i < 40; i++) {
        (void)steps(&often, 40, 3);
        (void)steps(&often, 1, 4);
    }
    (void)steps(&often, 40, 3);
    assert_int_equal(steps(&often, 1, 4), AX_REST_NONE); /* moves have a spread of their own by now */
}

static void another_value_becomes_the_one_at_which_it_rests(void **state)
{
    (void)state;
    struct ax_rest r = {0};
    (void)steps(&r, 200, 1);
    (void)steps(&r, 1000, 2);
    assert_int_equal(steps(&r, 1, 1), AX_REST_COMMON);
    assert_int_equal(steps(&r, 1, 2), AX_REST_RETURNS);
}

static void what_was_saved_goes_on_alike(void **state)
{
    (void)state;
    struct ax_rest r = {0}, again = {0};
    struct ax_buf b;
    for (int i = 0; i < 500; i++)
        (void)steps(&r, 1, i % 37 == 0 ? i : 0);
    ax_buf_init(&b, 1 << 16);
    ax_rest_save(&r, &b);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    ax_rest_load(&again, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (int i = 0; i < 500; i++)
        assert_int_equal(steps(&r, 1, i % 41 == 0 ? i : 0), steps(&again, 1, i % 41 == 0 ? i : 0));
    ax_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_move_of_a_young_series_is_common_and_of_an_old_one_rare),
        cmocka_unit_test(a_move_that_lasts_is_rare_however_young_the_series),
        cmocka_unit_test(of_a_move_that_lasts_after_a_short_rest_nobody_can_say_that_it_is_rare),
        cmocka_unit_test(the_rule_of_succession_counts_moves_that_go_as_far),
        cmocka_unit_test(back_at_rest_is_known_for_some_steps),
        cmocka_unit_test(what_does_not_rest_is_left_to_others),
        cmocka_unit_test(another_value_becomes_the_one_at_which_it_rests),
        cmocka_unit_test(what_was_saved_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
