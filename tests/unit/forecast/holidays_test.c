/* Of any moment that is covered it is known whether there is an event, as the calendar itself says. */
#include "ax_test.h"
#include "forecast/holidays.h"

#include <stdlib.h>

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)
#define START_MS 1774000000000LL

static struct ax_calendar *calendar_of(const char *cron, int64_t duration_ms)
{
    const struct ax_calendar_config config = {.name = ax_str("c"),
                                              .cron = ax_str(cron),
                                              .time_zone = ax_str("Europe/Berlin"),
                                              .duration_ms = duration_ms};
    struct ax_calendar *c = NULL;
    assert_int_equal(ax_calendar_new(&config, &c, NULL), AX_OK);
    return c;
}

static void it_is_what_the_calendars_say(void **state)
{
    (void)state;
    struct ax_calendar *night = calendar_of("30 1 * * *", 2 * HOUR_MS),
                       *first = calendar_of("0 0 1 * *", DAY_MS);
    struct ax_holidays h = {.n = 2, .calendars = {night, first}};
    struct ax_calendar *own[2] = {calendar_of("30 1 * * *", 2 * HOUR_MS), calendar_of("0 0 1 * *", DAY_MS)};
    for (int day = 0; day < 120; day += 13) {
        int64_t from = START_MS + day * DAY_MS;
        ax_holidays_cover(&h, from - 14 * DAY_MS, from + 8 * DAY_MS);
        for (int64_t t = from - 14 * DAY_MS; t < from + 8 * DAY_MS; t += HOUR_MS / 2)
            for (uint32_t i = 0; i < 2; i++) {
                bool on;
                assert_int_equal(ax_calendar_at(own[i], t, &on), AX_OK);
                assert_int_equal(ax_holidays_at(&h, i, t), on);
            }
    }
    ax_holidays_reset(&h);
    assert_int_equal(h.n, 0);
    ax_calendar_free(night);
    ax_calendar_free(first);
    ax_calendar_free(own[0]);
    ax_calendar_free(own[1]);
}

static void without_calendars_there_is_none(void **state)
{
    (void)state;
    struct ax_holidays h = {0};
    ax_holidays_cover(&h, START_MS, START_MS + DAY_MS);
    assert_false(ax_holidays_at(&h, 0, START_MS));
    assert_false(ax_holidays_at(NULL, 0, START_MS));
    ax_holidays_reset(&h);
}

static void a_calendar_that_recurs_too_often_to_be_told_has_none(void **state)
{
    (void)state;
    struct ax_calendar *c = calendar_of("* * * * *", 60000);
    struct ax_holidays h = {.n = 1, .calendars = {c}};
    ax_holidays_cover(&h, START_MS - 200 * DAY_MS, START_MS);
    assert_false(ax_holidays_at(&h, 0, START_MS - DAY_MS));
    ax_holidays_reset(&h);
    ax_calendar_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_the_calendars_say),
        cmocka_unit_test(without_calendars_there_is_none),
        cmocka_unit_test(a_calendar_that_recurs_too_often_to_be_told_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
