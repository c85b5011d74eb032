/* A step is evaluated once, when its samples are in or when waiting for them has lasted long enough. */
#include "ax_test.h"
#include "pipeline/schedule.h"

#define S 1000

static void nothing_is_due_before_the_first_sample(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, AX_NEVER};
    int64_t t;
    uint64_t skipped;
    assert_false(ax_schedule_due(&s, AX_NEVER, 1000 * S, &t, &skipped));
}

static void a_step_is_due_when_a_sample_is_newer_than_it_by_the_delay(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    int64_t t;
    uint64_t skipped;
    assert_false(ax_schedule_due(&s, 174 * S + 999, 180 * S, &t, &skipped));
    assert_true(ax_schedule_due(&s, 175 * S, 180 * S, &t, &skipped));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
}

static void a_sample_from_the_future_counts_as_now(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    int64_t t;
    uint64_t skipped;
    assert_false(ax_schedule_due(&s, 500 * S, 174 * S, &t, &skipped));
}

static void a_sample_from_the_beginning_of_time_is_as_good_as_none(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, AX_NEVER};
    int64_t t;
    uint64_t skipped;
    assert_true(ax_schedule_due(&s, INT64_MIN + 1, 1000 * S, &t, &skipped));
    assert_int_equal(t, 930 * S);
}

static void a_step_without_samples_is_due_a_minute_later(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    int64_t t;
    uint64_t skipped;
    assert_false(ax_schedule_due(&s, 160 * S, 224 * S, &t, &skipped));
    assert_true(ax_schedule_due(&s, 160 * S, 225 * S, &t, &skipped));
    assert_int_equal(t, 165 * S);
}

static void steps_behind_are_taken_one_by_one_and_far_ones_are_skipped(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 0, 150 * S};
    int64_t t;
    uint64_t skipped;
    assert_true(ax_schedule_due(&s, 300 * S, 300 * S, &t, &skipped));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
    assert_true(ax_schedule_due(&s, 10005 * S, 10005 * S, &t, &skipped));
    assert_int_equal(t, 9705 * S);
    assert_int_equal(skipped, (9705 - 165) / 15);
}

static void hourly_steps_are_never_skipped_one_at_a_time(void **state)
{
    (void)state;
    struct ax_schedule s = {3600 * S, 0, 3600 * S};
    int64_t t;
    uint64_t skipped;
    assert_true(ax_schedule_due(&s, 3 * 3600 * S, 3 * 3600 * S, &t, &skipped));
    assert_int_equal(t, 2 * 3600 * S);
    assert_int_equal(skipped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_before_the_first_sample),
        cmocka_unit_test(a_step_is_due_when_a_sample_is_newer_than_it_by_the_delay),
        cmocka_unit_test(a_sample_from_the_future_counts_as_now),
        cmocka_unit_test(a_sample_from_the_beginning_of_time_is_as_good_as_none),
        cmocka_unit_test(a_step_without_samples_is_due_a_minute_later),
        cmocka_unit_test(steps_behind_are_taken_one_by_one_and_far_ones_are_skipped),
        cmocka_unit_test(hourly_steps_are_never_skipped_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
