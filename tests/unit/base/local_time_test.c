/* What is known of a span in advance is what the zone says of each moment; the zone itself is checked against
 * Python's zoneinfo (zone_test.c). */
#include "ax_test.h"
#include "base/local_time.h"

#include <stdlib.h>

#define DAY_MS 86400000LL

static struct ax_zone *zone_of(const char *name)
{
    struct ax_zone *z = NULL;
    assert_int_equal(ax_zone_load(ax_str(name), &z, NULL), AX_OK);
    return z;
}

static void every_hour_of_years_has_the_zones_offset(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
                                        "Africa/Casablanca", "Asia/Kolkata",     "UTC"};
    const int64_t from_ms = 1750000000000, until_ms = from_ms + 1000 * DAY_MS;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ax_zone *z = zone_of(names[i]);
        struct ax_local_time l = {.zone = z};
        ax_local_time_cover(&l, from_ms, until_ms);
        for (int64_t t = from_ms; t < until_ms; t += 1800000)
            assert_int_equal(ax_local_offset_ms(&l, t), ax_zone_offset(z, t / 1000) * 1000LL);
        ax_zone_free(z);
    }
}

static void the_second_of_a_change_is_known(void **state)
{
    (void)state;
    struct ax_zone *z = zone_of("Europe/Berlin");
    struct ax_local_time l = {.zone = z};
    const int64_t change_ms = 1774746000000; /* 2026-03-29 01:00 UTC */
    ax_local_time_cover(&l, change_ms - DAY_MS, change_ms + DAY_MS);
    assert_int_equal(ax_local_offset_ms(&l, change_ms - 1), 3600000);
    assert_int_equal(ax_local_offset_ms(&l, change_ms), 7200000);
    assert_int_equal(ax_local_offset_ms(NULL, change_ms), 0);
    ax_zone_free(z);
}

static void time_that_goes_on_is_covered_again(void **state)
{
    (void)state;
    struct ax_zone *z = zone_of("Europe/Berlin");
    struct ax_local_time l = {.zone = z};
    int64_t t = 1750000000000;
    for (int day = 0; day < 400; day++, t += DAY_MS) {
        ax_local_time_cover(&l, t - 14 * DAY_MS, t + DAY_MS);
        assert_true(l.from_ms <= t - 14 * DAY_MS && l.until_ms >= t + DAY_MS);
        assert_int_equal(ax_local_offset_ms(&l, t), ax_zone_offset(z, t / 1000) * 1000LL);
        assert_int_equal(ax_local_offset_ms(&l, t - 14 * DAY_MS),
                         ax_zone_offset(z, (t - 14 * DAY_MS) / 1000) * 1000LL);
    }
    ax_zone_free(z);
}

static void of_more_changes_than_there_is_room_for_the_newest_are_kept(void **state)
{
    (void)state;
    struct ax_zone *z = zone_of("Europe/Berlin");
    struct ax_local_time l = {.zone = z};
    const int64_t until_ms = 1750000000000, from_ms = until_ms - 7300 * DAY_MS;
    ax_local_time_cover(&l, from_ms, until_ms);
    assert_int_equal(l.n, AX_LOCAL_CHANGES_MAX);
    for (int64_t t = until_ms - 3650 * DAY_MS; t < until_ms; t += DAY_MS)
        assert_int_equal(ax_local_offset_ms(&l, t), ax_zone_offset(z, t / 1000) * 1000LL);
    ax_zone_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hour_of_years_has_the_zones_offset),
        cmocka_unit_test(the_second_of_a_change_is_known),
        cmocka_unit_test(time_that_goes_on_is_covered_again),
        cmocka_unit_test(of_more_changes_than_there_is_room_for_the_newest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
