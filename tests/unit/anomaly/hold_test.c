/* A hold lasts as long as values are outside, within its bounds. */
#include "anomaly/hold.h"
#include "ax_test.h"

/* Normal is 100 to 102, and 10 more to either side. */
static struct ax_hold started(void)
{
    struct ax_hold h;
    ax_hold_start(&h, 100, 102, 10, 10, 150, 5);
    return h;
}

static double step(struct ax_hold *h, double value, double growth, double now)
{
    const struct ax_hold_value v = {.value = value, .growth = growth, .now = now, .steps_max = 240};
    bool outside;
    double score = ax_hold_step(h, &v, &outside);
    assert_int_equal(outside, value > 102 + 10 * growth || value < 100 - 10 * growth);
    return score;
}

static void the_score_is_the_distance_from_what_was_normal(void **state)
{
    (void)state;
    struct ax_hold h = started();
    ax_assert_close(step(&h, 132, 1, 0), 3, 1e-12);
    assert_int_equal(h.direction, 1);
    ax_assert_close(step(&h, 132, 3, 9), 1, 1e-12); /* a series that wanders */
    ax_assert_close(step(&h, 60, 1, 0), 4, 1e-12);
    assert_int_equal(h.direction, -1);
}

static void back_inside_it_is_normal_at_once_and_over_after_8_steps(void **state)
{
    (void)state;
    struct ax_hold h = started();
    for (int i = 0; i < 20; i++)
        step(&h, 140, 1, 0);
    for (int i = 0; i < 8; i++) {
        assert_true(h.age > 0);
        /* the forecast still expects 140 and is surprised: what was normal before decides */
        assert_true(step(&h, 101, 1, 7) <= 1);
    }
    assert_int_equal(h.age, 0);
}

static void values_that_come_and_go_keep_it_up(void **state)
{
    (void)state;
    struct ax_hold h = started();
    for (int i = 0; i < 60; i++)
        assert_true(step(&h, i % 3 == 2 ? 140 : 101, 1, 0) > 1 || i < 3);
}

static void it_ends_after_its_longest_time(void **state)
{
    (void)state;
    struct ax_hold h = started();
    int steps = 1;
    for (; h.age; steps++)
        step(&h, 140, 1, 0);
    assert_int_equal(steps, 241);
    h = started();
    for (steps = 1; h.age; steps++)
        ax_hold_gap(&h, 240);
    assert_int_equal(steps, 241);
    ax_hold_gap(&h, 240);
    assert_int_equal(h.age, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_is_the_distance_from_what_was_normal),
        cmocka_unit_test(back_inside_it_is_normal_at_once_and_over_after_8_steps),
        cmocka_unit_test(values_that_come_and_go_keep_it_up),
        cmocka_unit_test(it_ends_after_its_longest_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
