/* What was flagged at the same time of day on three days recurs, give or take a quarter of an hour; twice is
 * not enough, and what lasts for hours never does. */
#include "anomaly/daily.h"
#include "ax_test.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* Five-minute points of ten days; those that `flagged` says are. */
static struct ax_daily noted(bool (*flagged)(int64_t t_ms))
{
    struct ax_daily d = {.runs = false};
    for (int64_t t = 0; t < 10 * DAY; t += 5 * MINUTE)
        ax_daily_note(&d, t, flagged(t));
    ax_daily_end(&d);
    return d;
}

/* At two for half an hour, a little later each day, on days 1, 4 and 5. */
static bool backup(int64_t t_ms)
{
    const int64_t day = t_ms / DAY, at = t_ms % DAY - 2 * HOUR - day * MINUTE;
    return (day == 1 || day == 4 || day == 5) && at >= 0 && at < 30 * MINUTE;
}

static bool twice(int64_t t_ms)
{
    return t_ms / DAY != 5 && backup(t_ms);
}

/* Four days without a break, up to the end. */
static bool incident(int64_t t_ms)
{
    return t_ms >= 6 * DAY;
}

static void what_comes_at_the_same_time_of_day_recurs(void **state)
{
    (void)state;
    const struct ax_daily d = noted(backup);
    assert_true(ax_daily_recurs(&d, 8 * DAY + 2 * HOUR + 10 * MINUTE));
    assert_true(ax_daily_recurs(&d, 8 * DAY + 2 * HOUR - 10 * MINUTE));
    assert_true(ax_daily_recurs(&d, -DAY + 2 * HOUR + 10 * MINUTE));
    assert_false(ax_daily_recurs(&d, 8 * DAY + 3 * HOUR));
    assert_false(ax_daily_recurs(&d, 8 * DAY + HOUR));
}

static void twice_is_not_enough_and_an_incident_does_not_become_usual_by_lasting(void **state)
{
    (void)state;
    const struct ax_daily d = noted(twice), long_one = noted(incident);
    for (int64_t t = 0; t < DAY; t += 5 * MINUTE) {
        assert_false(ax_daily_recurs(&d, 4 * DAY + t));
        assert_false(ax_daily_recurs(&long_one, 7 * DAY + t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_at_the_same_time_of_day_recurs),
        cmocka_unit_test(twice_is_not_enough_and_an_incident_does_not_become_usual_by_lasting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
