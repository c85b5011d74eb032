/* Time zones say what Python's zoneinfo says of the same files. */
#include "ax_test.h"
#include "base/zone.h"
#include "base/zone_rule.h"

#include <stdio.h>
#include <stdlib.h>

static struct ax_zone *zone_of_hex(const char *hex)
{
    struct ax_zone *z = NULL;
    struct ax_diag diag = {{0}};
    size_t n = strlen(hex) / 2;
    char *bytes = malloc(n + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)byte;
    }
    if (ax_zone_read((struct ax_str){bytes, n}, &z, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    free(bytes);
    return z;
}

static void zones_say_what_pythons_zoneinfo_says(void **state)
{
    (void)state;
    FILE *file = fopen(AX_TEST_DIR "/golden/zone/vectors.txt", "r");
    assert_non_null(file);
    struct ax_zone *z = NULL;
    char *line = NULL, name[64] = "";
    size_t cap = 0;
    unsigned zones = 0, offsets = 0, instants = 0, wrong = 0;
    while (getline(&line, &cap, file) > 0) {
        long long t = 0;
        struct ax_civil c = {0};
        long year = 0, offset = 0;
        int at = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "zone %63s %n", name, &at) == 1) {
            ax_zone_free(z);
            z = zone_of_hex(line + at);
            zones++;
        } else if (sscanf(line, "at %lld %ld", &t, &offset) == 2) {
            offsets++;
            if (ax_zone_offset(z, t) != offset && wrong++ < 10)
                print_error("%s at %lld: %d, not %ld\n", name, t, ax_zone_offset(z, t), offset);
        } else if (sscanf(line, "say %ld %d %d %d %d %lld", &year, &c.month, &c.day, &c.hour, &c.minute,
                          &t) == 6) {
            c.year = year;
            instants++;
            if (ax_zone_instant(z, &c) != t && wrong++ < 10)
                print_error("%s: %s: %lld\n", name, line, (long long)ax_zone_instant(z, &c));
        }
    }
    ax_zone_free(z);
    free(line);
    fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(zones > 10 && offsets > 500 && instants > 1000);
}

static void dates_of_eight_centuries_go_to_numbers_and_back(void **state)
{
    (void)state;
    int64_t year = 1599;
    int month = 12, day = 31;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    assert_int_equal(ax_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(ax_days_from_civil(2000, 3, 1), 11017);
    for (int64_t d = ax_days_from_civil(1599, 12, 31); year < 2400; d++) {
        int64_t y;
        int m, md;
        ax_civil_from_days(d, &y, &m, &md);
        assert_true(y == year && m == month && md == day);
        assert_int_equal(ax_days_from_civil(y, m, md), d);
        bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            month = month == 12 ? 1 : month + 1;
            year += month == 1;
        }
    }
}

static void a_month_goes_from_midnight_to_midnight_of_its_place(void **state)
{
    (void)state;
    struct ax_zone *z = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_zone_load(ax_str("Europe/Berlin"), &z, &diag), AX_OK);
    const struct ax_civil march = {.year = 2026, .month = 3, .day = 1},
                          april = {.year = 2026, .month = 4, .day = 1},
                          carried = {.year = 2025, .month = 16, .day = 1};
    int64_t from = ax_zone_instant(z, &march), to = ax_zone_instant(z, &april);
    assert_int_equal(from, 1772319600);             /* 2026-02-28T23:00:00Z */
    assert_int_equal(to - from, 31 * 86400 - 3600); /* clocks are put forward on the 29th */
    assert_int_equal(ax_zone_instant(z, &carried), to);
    struct ax_civil c = ax_zone_civil(z, from - 1);
    assert_true(c.year == 2026 && c.month == 2 && c.day == 28 && c.hour == 23 && c.minute == 59 &&
                c.second == 59);
    assert_true(c.weekday == 6 && c.yearday == 58);
    ax_zone_free(z);
}

static void utc_needs_no_file_and_null_is_utc(void **state)
{
    (void)state;
    struct ax_zone *z = NULL;
    const struct ax_civil c = {.year = 1969, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59};
    assert_int_equal(ax_zone_load(ax_str("UTC"), &z, NULL), AX_OK);
    assert_int_equal(ax_zone_offset(z, 1e9), 0);
    assert_int_equal(ax_zone_instant(z, &c), -1);
    assert_int_equal(ax_zone_instant(NULL, &c), -1);
    struct ax_civil back = ax_zone_civil(NULL, -1);
    assert_true(back.year == 1969 && back.month == 12 && back.day == 31 && back.weekday == 3 &&
                back.yearday == 364);
    ax_zone_free(z);
}

static void what_is_no_zone_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct ax_zone *z = NULL;
    struct ax_diag diag = {{0}};
    const char *const no_names[] = {
        "", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/", "a b", ".x", "Europe/.Berlin"};
    for (size_t i = 0; i < sizeof no_names / sizeof no_names[0]; i++)
        assert_int_equal(ax_zone_load(ax_str(no_names[i]), &z, &diag), AX_INVALID);
    assert_int_equal(ax_zone_load(ax_str("Europe/Atlantis"), &z, &diag), AX_NOTFOUND);
    assert_non_null(strstr(diag.text, "tzdata"));
    assert_int_equal(ax_zone_load(ax_str("Europe"), &z, &diag), AX_CORRUPT);
    assert_int_equal(ax_zone_load(ax_str("zone.tab"), &z, &diag), AX_CORRUPT);
    assert_int_equal(ax_zone_load(ax_str("right/Europe/Berlin"), &z, &diag), AX_UNSUPPORTED);
    assert_non_null(strstr(diag.text, "leap seconds"));
    assert_null(z);
}

static void rules_that_are_none_are_refused(void **state)
{
    (void)state;
    struct ax_zone_rule rule;
    const char *const bad[] = {"",
                               "CE-1",
                               "CET",
                               "CET-25",
                               "CET-1CEST",
                               "CET-1CEST,M3.5.0",
                               "<+02-2",
                               "CET-1 ",
                               "CET-1CEST,M13.1.0,M1.1.0",
                               "CET-1CEST,M3.6.0,M10.5.0",
                               "CET-1CEST,J0,J5",
                               "CET-1CEST,M3.5.0/168,M10.5.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(ax_zone_rule_read(ax_str(bad[i]), &rule));
    assert_true(ax_zone_rule_read(ax_str("<-03>3"), &rule));
    assert_int_equal(rule.standard_s, -10800);
    /* Summer time all year round: it ends when the next one begins. */
    assert_true(ax_zone_rule_read(ax_str("XXX3EDT4,0/0,J365/23"), &rule));
    for (int64_t t = 1764547200; t < 1769904000; t += 1800)
        assert_int_equal(ax_zone_rule_offset(&rule, t), -14400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_say_what_pythons_zoneinfo_says),
        cmocka_unit_test(dates_of_eight_centuries_go_to_numbers_and_back),
        cmocka_unit_test(a_month_goes_from_midnight_to_midnight_of_its_place),
        cmocka_unit_test(utc_needs_no_file_and_null_is_utc),
        cmocka_unit_test(what_is_no_zone_is_refused_with_a_reason),
        cmocka_unit_test(rules_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
