/* Numbers, durations and sizes are read as Prometheus reads them. */
#include "ax_test.h"
#include "base/parse.h"

#include <math.h>

static void durations_are_prometheus_durations(void **state)
{
    (void)state;
    int64_t ms = -1;
    assert_int_equal(ax_parse_duration(ax_str("1h30m"), &ms), AX_OK);
    assert_int_equal(ms, 5400000);
    assert_int_equal(ax_parse_duration(ax_str("500ms"), &ms), AX_OK);
    assert_int_equal(ms, 500);
    assert_int_equal(ax_parse_duration(ax_str("2w"), &ms), AX_OK);
    assert_int_equal(ms, 1209600000);
    const char *bad[] = {"", "1", "1m1h", "1h1h", "-1s", "1.5h", "h", "99999999999y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ax_parse_duration(ax_str(bad[i]), &ms), AX_INVALID);
}

static void durations_print_as_prometheus_prints_them(void **state)
{
    (void)state;
    const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0s"},          {15000, "15s"},    {60000, "1m"},
                 {5400000, "1h30m"}, {604800000, "1w"}, {691200000, "8d"}};
    char out[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ax_format_duration(cases[i].ms, out, sizeof out);
        assert_string_equal(out, cases[i].text);
    }
}

static void times_are_unix_seconds_or_rfc_3339(void **state)
{
    (void)state;
    /* Seconds by `date -u -d TEXT +%s` of GNU coreutils. */
    const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1700000000", 1700000000000},
                {"1700000000.5", 1700000000500},
                {"-1", -1000},
                {"2026-01-02T03:04:05Z", 1767323045000},
                {"2026-01-02T03:04:05.678Z", 1767323045678},
                {"2026-01-02T03:04:05+01:30", 1767317645000},
                {"2026-01-02T03:04:05-11:00", 1767362645000}};
    const char *bad[] = {"",
                         "soon",
                         "NaN",
                         "1e300",
                         "2026-01-02",
                         "2026-01-02T03:04:05",
                         "2026-01-02T03:04:05+1:30",
                         "2026-01-02T03:04:05+01:30x",
                         "2026-01-02T03:04:05.Z",
                         "2026-13-02T03:04:05Z"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ax_parse_time(ax_str(good[i].text), &ms), AX_OK);
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ax_parse_time(ax_str(bad[i]), &ms), AX_INVALID);
}

static void times_are_printed_as_they_are_read(void **state)
{
    (void)state;
    char out[32];
    int64_t ms;
    static const int64_t times[] = {0, -1, 1767323045678, 1767323045000, 253402300799999, -62135596800000};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        ax_format_time(times[i], out, sizeof out);
        if (times[i] > -62135596800000) {
            assert_int_equal(ax_parse_time(ax_str(out), &ms), AX_OK);
            assert_true(ms == times[i]);
        }
    }
    ax_format_time(1767323045678, out, sizeof out);
    assert_string_equal(out, "2026-01-02T03:04:05.678Z");
    ax_format_time(INT64_MAX, out, sizeof out);
    assert_string_equal(out, "");
}

static void doubles_read_back_as_they_were(void **state)
{
    (void)state;
    const double values[] = {0, -0.0, 0.1, 1e300, 123456789.123, 4.9e-324, 1.0 / 3};
    char out[40];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double back = NAN;
        ax_format_double(values[i], out, sizeof out);
        assert_int_equal(ax_parse_double(ax_str(out), &back), AX_OK);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    double v;
    assert_int_equal(ax_parse_double(ax_str("1 "), &v), AX_INVALID);
    assert_int_equal(ax_parse_double(ax_str("nan"), &v), AX_OK);
    assert_true(isnan(v));
}

static void whole_numbers_are_digits_up_to_64_bits(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999"};
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(ax_parse_u64(ax_str(wrong[i]), &v), AX_INVALID);
    assert_true(v == 7);
    assert_int_equal(ax_parse_u64(ax_str("18446744073709551615"), &v), AX_OK);
    assert_true(v == UINT64_MAX);
    assert_int_equal(ax_parse_u64(ax_str("0042"), &v), AX_OK);
    assert_true(v == 42);
}

static void bytes_take_powers_of_1024(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_int_equal(ax_parse_bytes(ax_str("32MiB"), &n), AX_OK);
    assert_true(n == 32u << 20);
    assert_int_equal(ax_parse_bytes(ax_str("64KB"), &n), AX_OK);
    assert_true(n == 65536);
    assert_int_equal(ax_parse_bytes(ax_str("512"), &n), AX_OK);
    assert_true(n == 512);
    assert_int_equal(ax_parse_bytes(ax_str("1X"), &n), AX_INVALID);
    assert_int_equal(ax_parse_bytes(ax_str("99999999999E"), &n), AX_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_prometheus_durations),
        cmocka_unit_test(durations_print_as_prometheus_prints_them),
        cmocka_unit_test(times_are_unix_seconds_or_rfc_3339),
        cmocka_unit_test(times_are_printed_as_they_are_read),
        cmocka_unit_test(doubles_read_back_as_they_were),
        cmocka_unit_test(whole_numbers_are_digits_up_to_64_bits),
        cmocka_unit_test(bytes_take_powers_of_1024),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
