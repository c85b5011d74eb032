/* What comes at the same time of several days is known, within bounds. */
#include "anomaly/recurrence.h"
#include "ax_test.h"

#define STEP_MS 60000
#define DAY_MS 86400000LL

/* A job of `minutes` on a day, `late` minutes after its time: how many of its steps were known. */
static int job(struct ax_recurrences *r, int day, int late, int minutes, double value)
{
    int known = 0;
    for (int i = 0; i < minutes; i++)
        known += ax_recurrences_take(r, day * DAY_MS + (6 * 60 + late + i) * STEP_MS, STEP_MS, value, 10);
    return known;
}

static void the_fourth_day_is_known_and_the_first_three_are_not(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 3; day++)
        assert_int_equal(job(&r, day, day % 2, 20, 80), 0);
    for (int day = 3; day < 10; day++)
        assert_int_equal(job(&r, day, day % 3, 20, 80 + day), 20);
}

static void a_job_of_working_days_or_of_one_day_a_week_is_known(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int week = 0; week < 3; week++)
        assert_int_equal(job(&r, 7 * week, 0, 20, 80), 0);
    assert_int_equal(job(&r, 21, 0, 20, 80), 20);
}

static void another_time_of_the_day_is_not_known(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 5; day++)
        job(&r, day, 0, 20, 80);
    assert_int_equal(job(&r, 5, 120, 20, 80), 0);
}

static void what_goes_further_or_lasts_longer_is_not_known(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 5; day++)
        job(&r, day, 0, 20, 80);
    assert_int_equal(job(&r, 5, 0, 20, 130), 0); /* 120 instead of 70 above what is usual */
    assert_int_equal(job(&r, 6, 0, 20, -80), 0); /* the other way */
    int known = job(&r, 7, 0, 200, 80);
    assert_true(known >= 30 && known <= 40); /* half as long again, and 5 minutes */
}

static void it_does_not_grow_within_one_abnormality(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 5; day++)
        job(&r, day, 0, 20, 80);
    int known = 0;
    for (int i = 0; i < 20; i++)
        known += ax_recurrences_take(&r, 5 * DAY_MS + (6 * 60 + i) * STEP_MS, STEP_MS, 80 + 10 * i, 10);
    assert_true(known <= 4);
}

static void what_has_not_come_for_9_days_is_forgotten(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 5; day++)
        job(&r, day, 0, 20, 80);
    assert_int_equal(job(&r, 16, 0, 20, 80), 0);
}

static void many_others_do_not_drive_out_a_daily_one(void **state)
{
    (void)state;
    struct ax_recurrences r;
    ax_recurrences_init(&r);
    for (int day = 0; day < 8; day++) {
        assert_int_equal(job(&r, day, 0, 20, 80), day < 3 ? 0 : 20);
        for (int k = 1; k < 6; k++)
            job(&r, day, 100 + 37 * k + 11 * day, 1, 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fourth_day_is_known_and_the_first_three_are_not),
        cmocka_unit_test(a_job_of_working_days_or_of_one_day_a_week_is_known),
        cmocka_unit_test(another_time_of_the_day_is_not_known),
        cmocka_unit_test(what_goes_further_or_lasts_longer_is_not_known),
        cmocka_unit_test(it_does_not_grow_within_one_abnormality),
        cmocka_unit_test(what_has_not_come_for_9_days_is_forgotten),
        cmocka_unit_test(many_others_do_not_drive_out_a_daily_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
