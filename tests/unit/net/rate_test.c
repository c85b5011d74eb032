/* A burst comes in at once, then one in each interval, and what was turned away costs nothing. */
#include "ax_test.h"
#include "net/rate.h"

#define INTERVAL 1000

static void a_burst_comes_in_and_then_one_in_each_interval(void **state)
{
    (void)state;
    struct ax_rate r;
    ax_rate_init(&r, INTERVAL, 3);
    int64_t now = 5000000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ax_rate_take(&r, now), 0);
    assert_int_equal(ax_rate_take(&r, now), INTERVAL);
    assert_int_equal(ax_rate_take(&r, now + INTERVAL - 1), 1);
    for (int i = 0; i < 100; i++) { /* those turned away take nothing */
        now += INTERVAL;
        assert_int_equal(ax_rate_take(&r, now), 0);
        assert_int_equal(ax_rate_take(&r, now), INTERVAL);
    }
    now += 10 * INTERVAL;
    for (int i = 0; i < 3; i++) /* rest fills the bucket up to the burst and not beyond */
        assert_int_equal(ax_rate_take(&r, now), 0);
    assert_int_equal(ax_rate_take(&r, now), INTERVAL);
}

static void without_an_interval_there_is_no_limit(void **state)
{
    (void)state;
    struct ax_rate r;
    ax_rate_init(&r, 0, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ax_rate_take(&r, 1), 0);
}

static void a_new_bucket_is_as_empty_as_the_one_before(void **state)
{
    (void)state;
    struct ax_rate before, r;
    ax_rate_init(&before, INTERVAL, 2);
    assert_int_equal(ax_rate_take(&before, 7), 0);
    assert_int_equal(ax_rate_take(&before, 7), 0);
    ax_rate_init(&r, INTERVAL, 2);
    ax_rate_inherit(&r, &before, 7);
    assert_int_equal(ax_rate_take(&r, 7), INTERVAL);
}

static void a_faster_bucket_does_not_wait_for_the_slower_one_before(void **state)
{
    (void)state;
    struct ax_rate before, r;
    ax_rate_init(&before, 1000 * INTERVAL, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ax_rate_take(&before, 7), 0);
    ax_rate_init(&r, INTERVAL, 2);
    ax_rate_inherit(&r, &before, 7);
    assert_int_equal(ax_rate_take(&r, 7), INTERVAL);
    assert_int_equal(ax_rate_take(&r, 7 + INTERVAL), 0);
    assert_int_equal(ax_rate_take(&r, 7 + 2 * INTERVAL), 0);
    ax_rate_init(&r, 0, 0); /* and no limit is none */
    ax_rate_inherit(&r, &before, 7);
    assert_int_equal(ax_rate_take(&r, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_comes_in_and_then_one_in_each_interval),
        cmocka_unit_test(without_an_interval_there_is_no_limit),
        cmocka_unit_test(a_new_bucket_is_as_empty_as_the_one_before),
        cmocka_unit_test(a_faster_bucket_does_not_wait_for_the_slower_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
