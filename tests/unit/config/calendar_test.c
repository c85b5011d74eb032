/* Events of cron lines and iCalendar files are on when python3-dateutil and crontab(5) say so
 * (tests/golden/calendar/generate.py), and what cannot be read is refused with a text. */
#include "ax_test.h"
#include "config/calendar.h"
#include "config/calendar_priv.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 4096

static void check_case(struct ax_calendar *c, int64_t from_s, int64_t to_s, const struct ax_span *want,
                       uint32_t want_n, const char *name)
{
    const struct ax_span *got;
    uint32_t n;
    bool on;
    assert_int_equal(ax_calendar_expand(c, from_s * 1000, to_s * 1000, &got, &n), AX_OK);
    for (uint32_t i = 0; i < n && i < want_n; i++)
        if (got[i].begin_ms != want[i].begin_ms || got[i].end_ms != want[i].end_ms)
            fail_msg("%s: span %u is %lld to %lld, not %lld to %lld", name, i,
                     (long long)got[i].begin_ms / 1000, (long long)got[i].end_ms / 1000,
                     (long long)want[i].begin_ms / 1000, (long long)want[i].end_ms / 1000);
    if (n != want_n)
        fail_msg("%s: %u spans, not %u", name, n, want_n);
    /* Asked of single times, in order and back again, it says the same. */
    uint32_t k = 0;
    for (int64_t t_ms = from_s * 1000; t_ms < to_s * 1000; t_ms += 599000) {
        while (k < want_n && want[k].end_ms <= t_ms)
            k++;
        assert_int_equal(ax_calendar_at(c, t_ms, &on), AX_OK);
        if (on != (k < want_n && want[k].begin_ms <= t_ms))
            fail_msg("%s: wrong at %lld", name, (long long)t_ms / 1000);
    }
    for (uint32_t i = want_n; i-- > 0;) {
        assert_int_equal(ax_calendar_at(c, want[i].begin_ms, &on), AX_OK);
        assert_true(on || want[i].begin_ms < from_s * 1000);
        assert_int_equal(ax_calendar_at(c, want[i].end_ms, &on), AX_OK);
        assert_false(on && want[i].end_ms < to_s * 1000);
    }
}

static struct ax_calendar *make(const char *head, const struct ax_buf *text)
{
    struct ax_calendar *c = NULL;
    struct ax_diag diag = {{0}};
    struct ax_buf cron;
    char zone[64];
    long long duration_s;
    int at = 0;
    enum ax_err err = AX_OK;
    ax_buf_init(&cron, 1 << 20);
    if (sscanf(head, "ical %63s", zone) != 1) {
        assert_int_equal(sscanf(head, "cron %63s %lld %n", zone, &duration_s, &at), 2);
        err = ax_cron_write(ax_str(head + at), duration_s * 1000, &cron, &diag);
    }
    if (err == AX_OK)
        err = ax_calendar_parse(ax_buf_view(at ? &cron : text), ax_str(zone), &c, &diag);
    if (err != AX_OK)
        fail_msg("%s: %s", head, diag.text);
    ax_buf_done(&cron);
    return c;
}

static void events_are_on_when_dateutil_says_so(void **state)
{
    (void)state;
    static char line[LINE], head[LINE], name[2 * LINE + 16];
    static struct ax_span spans[4096];
    struct ax_buf text;
    uint32_t n = 0, cases = 0;
    long long from = 0, to = 0, a, b;
    FILE *f = fopen(AX_TEST_DIR "/golden/calendar/vectors.txt", "r");
    assert_non_null(f);
    ax_buf_init(&text, 1 << 20);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "ical ", 5) == 0 || strncmp(line, "cron ", 5) == 0) {
            (void)snprintf(head, sizeof head, "%s", line);
            (void)snprintf(name, sizeof name, "%s", line);
        } else if (line[0] == '|') {
            ax_buf_str(&text, ax_str(line + 1));
            ax_buf_str(&text, ax_str("\r\n"));
            if (strncmp(line, "|RRULE", 6) == 0 || strncmp(line, "|DTSTART", 8) == 0)
                (void)snprintf(name + strlen(name), sizeof name - strlen(name), " %s", line + 1);
        } else if (sscanf(line, "range %lld %lld", &from, &to) == 2) {
            n = 0;
        } else if (sscanf(line, "on %lld %lld", &a, &b) == 2) {
            assert_true(n < sizeof spans / sizeof spans[0]);
            spans[n++] = (struct ax_span){a * 1000, b * 1000};
        } else {
            struct ax_calendar *c = make(head, &text);
            check_case(c, from, to, spans, n, name);
            ax_calendar_free(c);
            ax_buf_reset(&text);
            cases++;
        }
    }
    (void)fclose(f);
    ax_buf_done(&text);
    assert_true(cases > 130);
}

static void cron_lines_that_are_none_are_refused_with_the_field(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"", "five fields"},
        {"0 2 * *", "five fields"},
        {"0 2 * * * root", "no more"},
        {"60 2 * * *", "minute: '60'"},
        {"0 24 * * *", "hour: '24'"},
        {"0 0 0 * *", "day of month: '0'"},
        {"0 0 * 13 *", "month: '13'"},
        {"0 0 * * 8", "day of week: '8'"},
        {"0 0 * * monday", "day of week: 'monday'"},
        {"5-1 0 * * *", "ends before"},
        {"*/0 0 * * *", "step"},
        {"1, 0 * * *", "minute: ''"},
        {"-1 0 * * *", "minute"},
        {"@daily", "minute"},
    };
    struct ax_buf out;
    ax_buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_cron_write(ax_str(lines[i][0]), 1000, &out, &diag), AX_INVALID);
        if (!strstr(diag.text, lines[i][1]))
            fail_msg("%s: %s", lines[i][0], diag.text);
    }
    ax_buf_done(&out);
}

static void files_that_are_none_are_refused_with_a_text(void **state)
{
    (void)state;
#define FILE_OF(event) "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" event "END:VEVENT\r\nEND:VCALENDAR\r\n"
    static const char *const texts[][2] = {
        {"", "no iCalendar"},
        {"hello\r\n", ""},
        {"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "no VEVENT"},
        {FILE_OF("SUMMARY:party\r\n"), "'party' has no DTSTART"},
        {FILE_OF("DTSTART:20250101T000000Z\r\nDTEND:20240101T000000Z\r\n"), "must last"},
        {FILE_OF("DTSTART:20250101T000000Z\r\nDURATION:P700D\r\n"), "must last"},
        {FILE_OF("SUMMARY:odd\r\nDTSTART:20250101T000000Z\r\nRRULE:FREQ=WEEKLY;BYMONTHDAY=3\r\n"),
         "'odd' has an RRULE"},
        {FILE_OF("DTSTART:20250101T000000Z\r\nRRULE:FREQ=MONTHLY;BYYEARDAY=100\r\n"), "RRULE"},
    };
    struct ax_calendar *c = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_calendar_parse(ax_str(texts[i][0]), ax_str(""), &c, &diag), AX_INVALID);
        if (!strstr(diag.text, texts[i][1]))
            fail_msg("%s: %s", texts[i][0], diag.text);
    }
    assert_int_equal(
        ax_calendar_parse(ax_str(FILE_OF("DTSTART:20250101T000000Z\r\n")), ax_str("Mars/Base"), &c, NULL),
        AX_NOTFOUND);
}

static double cpu_seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void what_recurs_too_often_is_refused_when_it_is_asked(void **state)
{
    (void)state;
    struct ax_calendar *c = NULL;
    bool on;
    static const char text[] =
        FILE_OF("DTSTART:20200101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY;COUNT=2000000000\r\n");
    assert_int_equal(ax_calendar_parse(ax_str(text), ax_str(""), &c, NULL), AX_OK);
    /* Counting them is dear: once is enough for all steps of a day. */
    double begin = cpu_seconds();
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(ax_calendar_at(c, INT64_C(1740000000000) + i * 15000, &on), AX_LIMIT);
    assert_true(cpu_seconds() - begin < 3);
    ax_calendar_free(c);
}

static void what_recurs_too_often_is_told_beforehand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ax_err err;
    } files[] = {
        {FILE_OF("DTSTART:20240101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY\r\n"), AX_LIMIT},
        {FILE_OF("DTSTART:20240101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=DAILY;COUNT=100001\r\n"), AX_LIMIT},
        {FILE_OF("DTSTART:20240101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=DAILY;COUNT=100000\r\n"), AX_OK},
        {FILE_OF("DTSTART:20240101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=MINUTELY\r\n"), AX_OK},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct ax_calendar *c = NULL;
        assert_int_equal(ax_calendar_parse(ax_str(files[i].text), ax_str(""), &c, NULL), AX_OK);
        assert_int_equal(ax_calendar_try(c), files[i].err);
        ax_calendar_free(c);
    }
}

/* Alone each is bearable; the last of them begins years after the first. */
static void many_events_that_recur_too_often_together_are_told_beforehand(void **state)
{
    (void)state;
    struct ax_buf text;
    struct ax_calendar *c = NULL;
    ax_buf_init(&text, 1 << 20);
    ax_buf_str(&text, ax_str("BEGIN:VCALENDAR\r\n"));
    for (int i = 0; i < 40; i++) {
        char event[160];
        (void)snprintf(event, sizeof event,
                       "BEGIN:VEVENT\r\nDTSTART:20%02d0101T000000Z\r\nDURATION:PT1S\r\n"
                       "RRULE:FREQ=MINUTELY\r\nEND:VEVENT\r\n",
                       i);
        ax_buf_str(&text, ax_str(event));
    }
    ax_buf_str(&text, ax_str("END:VCALENDAR\r\n"));
    assert_int_equal(ax_calendar_parse(ax_buf_view(&text), ax_str(""), &c, NULL), AX_OK);
    assert_int_equal(ax_calendar_try(c), AX_LIMIT);
    ax_calendar_free(c);
    ax_buf_done(&text);
}

static void a_zone_that_nobody_knows_is_named(void **state)
{
    (void)state;
    struct ax_calendar *c = NULL;
    static const char unknown[] = FILE_OF("DTSTART;TZID=Mars/Base:20250101T000000\r\nDURATION:PT1H\r\n");
    static const char known[] = FILE_OF("DTSTART;TZID=Europe/Berlin:20250101T000000\r\nDURATION:PT1H\r\n");
    assert_int_equal(ax_calendar_parse(ax_str(unknown), ax_str(""), &c, NULL), AX_OK);
    assert_string_equal(ax_calendar_unknown_zone(c), "Mars/Base");
    ax_calendar_free(c);
    assert_int_equal(ax_calendar_parse(ax_str(known), ax_str(""), &c, NULL), AX_OK);
    assert_null(ax_calendar_unknown_zone(c));
    ax_calendar_free(c);
}

/* Looked for minute by minute, a 30th of February takes minutes of the processor until it is given up. */
static void a_day_that_no_month_has_is_not_looked_for(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,-30;BYHOUR=1,2,3;BYMINUTE=0,15,30,45",
        "FREQ=MINUTELY;BYMONTH=2,4;BYMONTHDAY=31",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    };
    struct ax_calendar *c = NULL;
    bool on;
    double begin = cpu_seconds();
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       FILE_OF("DTSTART:20200101T000000Z\r\nDURATION:PT1H\r\nRRULE:%s\r\n"), rules[i]);
        assert_int_equal(ax_calendar_parse(ax_str(text), ax_str(""), &c, NULL), AX_OK);
        assert_int_equal(ax_calendar_at(c, INT64_C(1740000000000), &on), AX_OK);
        assert_false(on);
        ax_calendar_free(c);
    }
    assert_true(cpu_seconds() - begin < 1);
    /* The 29th is there in leap years: it is found. */
    static const char leap[] =
        FILE_OF("DTSTART:20200101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29\r\n");
    assert_int_equal(ax_calendar_parse(ax_str(leap), ax_str(""), &c, NULL), AX_OK);
    assert_int_equal(ax_calendar_at(c, INT64_C(1709164800000), &on), AX_OK);
    assert_true(on);
    ax_calendar_free(c);
}

/* Bytes that are allocated now, with and without a sanitizer. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

static void memory_does_not_grow_with_how_often_a_calendar_is_asked(void **state)
{
    (void)state;
    static const char text[] = FILE_OF("DTSTART;TZID=Europe/Berlin:20250101T000000\r\nDURATION:PT1H\r\n"
                                       "RDATE;TZID=Europe/Berlin:20250301T000000\r\n");
    const struct ax_span *spans;
    struct ax_calendar *c = NULL;
    uint32_t n;
    assert_int_equal(ax_calendar_parse(ax_str(text), ax_str(""), &c, NULL), AX_OK);
    size_t before = 0;
    for (int64_t i = 0; i < 200; i++) {
        assert_int_equal(ax_calendar_expand(c, i * 86400000, (i + 1) * 86400000, &spans, &n), AX_OK);
        before = i == 20 ? allocated() : before;
    }
    assert_true(allocated() <= before + 4096);
    ax_calendar_free(c);
}

/* Hours of one event of every hour, of which `moved` were put elsewhere, each onto the time of the one after
 * it (the last into the air). */
static void put_moved(struct ax_buf *text, uint32_t moved)
{
    char line[256];
    ax_buf_str(
        text, ax_str("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20250101T000000Z\r\n"
                     "DURATION:PT10M\r\nRRULE:FREQ=HOURLY\r\nEND:VEVENT\r\n"));
    for (uint32_t i = 0; i < moved; i++) {
        char was[32], is[32];
        const time_t at = 1735689600 + (time_t)i * 3600, to = at + 3600;
        struct tm tm;
        (void)strftime(was, sizeof was, "%Y%m%dT%H%M%SZ", gmtime_r(&at, &tm));
        (void)strftime(is, sizeof is, "%Y%m%dT%H%M%SZ", gmtime_r(&to, &tm));
        int n = snprintf(line, sizeof line,
                         "BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:%s\r\nDTSTART:%s\r\nDURATION:PT30M\r\n"
                         "END:VEVENT\r\n",
                         was, is);
        ax_buf_put(text, line, (size_t)n);
    }
    ax_buf_str(text, ax_str("END:VCALENDAR\r\n"));
}

static void what_was_moved_stands_where_it_was_moved_to_though_that_was_the_time_of_another(void **state)
{
    (void)state;
    const struct ax_span *spans;
    struct ax_calendar *c = NULL;
    struct ax_buf text;
    uint32_t n;
    ax_buf_init(&text, 1 << 20);
    put_moved(&text, 2); /* those of 0 and 1 o'clock, to 1 and 2 */
    assert_int_equal(ax_calendar_parse(ax_buf_view(&text), ax_str(""), &c, NULL), AX_OK);
    assert_int_equal(ax_calendar_expand(c, INT64_C(1735689600000),
                                        INT64_C(1735689600000) + INT64_C(4) * 3600000, &spans, &n),
                     AX_OK);
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal((spans[i].begin_ms - INT64_C(1735689600000)) / 3600000, i + 1);
        assert_int_equal(spans[i].end_ms - spans[i].begin_ms, i < 2 ? 1800000 : 600000);
    }
    ax_calendar_free(c);
    ax_buf_done(&text);
}

static void an_event_that_was_moved_a_thousand_times_costs_no_more_than_a_thousand_events(void **state)
{
    (void)state;
    struct ax_calendar *few = NULL, *many = NULL;
    struct ax_buf text;
    ax_buf_init(&text, 1 << 20);
    put_moved(&text, 1000);
    const size_t before = allocated();
    assert_int_equal(ax_calendar_parse(ax_buf_view(&text), ax_str(""), &few, NULL), AX_OK);
    const size_t of_few = allocated() - before;
    ax_buf_reset(&text);
    put_moved(&text, 4000);
    assert_int_equal(ax_calendar_parse(ax_buf_view(&text), ax_str(""), &many, NULL), AX_OK);
    assert_true(allocated() - before - of_few < 5 * of_few);
    ax_calendar_free(few);
    ax_calendar_free(many);
    ax_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_on_when_dateutil_says_so),
        cmocka_unit_test(cron_lines_that_are_none_are_refused_with_the_field),
        cmocka_unit_test(files_that_are_none_are_refused_with_a_text),
        cmocka_unit_test(what_recurs_too_often_is_refused_when_it_is_asked),
        cmocka_unit_test(what_recurs_too_often_is_told_beforehand),
        cmocka_unit_test(many_events_that_recur_too_often_together_are_told_beforehand),
        cmocka_unit_test(a_zone_that_nobody_knows_is_named),
        cmocka_unit_test(a_day_that_no_month_has_is_not_looked_for),
        cmocka_unit_test(memory_does_not_grow_with_how_often_a_calendar_is_asked),
        cmocka_unit_test(what_was_moved_stands_where_it_was_moved_to_though_that_was_the_time_of_another),
        cmocka_unit_test(an_event_that_was_moved_a_thousand_times_costs_no_more_than_a_thousand_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
