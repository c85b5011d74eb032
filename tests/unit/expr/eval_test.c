/* Expressions over small databases; the expected values are worked out by hand from Prometheus's definitions.
 */
#include "ax_test.h"
#include "expr_world.h"

#include <stdio.h>

#define MINUTE 60000

static void expect(struct expr_world *w, const char *expr, int64_t t_ms, const char *text)
{
    const char *got = expr_world_eval(w, expr, t_ms);
    if (strcmp(got, text) != 0)
        fail_msg("%s at %lld: %s, not %s", expr, (long long)t_ms, got, text);
}

/* The text begins so. */
static void expect_error(struct expr_world *w, const char *expr, int64_t t_ms, const char *part)
{
    const char *got = expr_world_eval(w, expr, t_ms);
    if (strncmp(got, "error: ", 7) != 0 || !strstr(got, part))
        fail_msg("%s at %lld: %s", expr, (long long)t_ms, got);
}

static void a_selector_looks_back_five_minutes_open_on_the_left(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "up{a=\"b\"}", "1000 7 2000 8");
    expect(&w, "up", 999, "");
    expect(&w, "up", 1000, "up{a=\"b\"} 7");
    expect(&w, "up", 1999, "up{a=\"b\"} 7");
    expect(&w, "up", 2000 + 5 * MINUTE - 1, "up{a=\"b\"} 8");
    expect(&w, "up", 2000 + 5 * MINUTE, "");
    expr_world_close(&w);
}

static void ranges_are_open_on_the_left(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_line(&w, "c", 0, 10000, 13, 0, 10);
    expect(&w, "count_over_time(c[1m])", 60000, "{} 6");
    expect(&w, "count_over_time(c[1m])", 60001, "{} 6");
    expect(&w, "count_over_time(c[1m])", 59999, "{} 6");
    expect(&w, "min_over_time(c[1m])", 60000, "{} 10");
    expect(&w, "max_over_time(c[1m])", 60000, "{} 60");
    expr_world_close(&w);
}

static void rate_extrapolates_as_prometheus_does(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    /* Samples at 10, 20, ... 60 s in (0, 60]: 10 s to the start is under 1.1 intervals: all of it covered. */
    expr_world_line(&w, "c", 0, 10000, 13, 100, 10);
    expect(&w, "rate(c[1m])", 60000, "{} 1");
    expect(&w, "increase(c[1m])", 60000, "{} 60");
    expect(&w, "delta(c[1m])", 60000, "{} 60");
    /* It ends at 120 s: at 150 s the samples are at 100, 110, 120 and half an interval is added. */
    expect(&w, "increase(c[1m])", 150000, "{} 35");
    /* Too few. */
    expect(&w, "rate(c[15s])", 130000, "");
    /* Never below zero: 5 at 30 s, 25 at 50 s, 45 at 70 s: zero was at 25 s, so 5 + 40 = 45. */
    expr_world_add(&w, "z", "30000 5 50000 25 70000 45");
    expect(&w, "increase(z[1m])", 70000, "{} 45");
    expect(&w, "delta(z[1m])", 70000, "{} 60");
    /* Far from the start the half interval is the longest, even if zero lies beyond it. */
    expr_world_add(&w, "y", "60000 18 70000 28 80000 38");
    expect(&w, "increase(y[1m])", 80000, "{} 25");
    expr_world_close(&w);
}

static void counters_restart(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "c", "10000 100 20000 110 30000 5 40000 15 50000 2 60000 12");
    /* 10 + 5 + 10 + 2 + 10, all of the minute covered. */
    expect(&w, "increase(c[1m])", 60000, "{} 44.4");
    expect(&w, "resets(c[1m])", 60000, "{} 2");
    expect(&w, "irate(c[1m])", 60000, "{} 1");
    expect(&w, "irate(c[1m])", 50000, "{} 0.2");
    expect(&w, "delta(c[1m])", 60000, "{} -105.6");
    expr_world_close(&w);
}

static void over_time_functions_aggregate(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "g", "10000 3 20000 1 30000 NaN 40000 2");
    expect(&w, "last_over_time(g[1m])", 60000, "g 2");
    expect(&w, "min_over_time(g[1m])", 60000, "{} 1");
    expect(&w, "max_over_time(g[1m])", 60000, "{} 3");
    expect(&w, "sum_over_time(g[1m])", 60000, "{} NaN");
    expect(&w, "sum_over_time(g[15s])", 25000, "{} 1");
    expect(&w, "avg_over_time(g[1m])", 20000, "{} 2");
    expect(&w, "stddev_over_time(g[1m])", 20000, "{} 1");
    expect(&w, "quantile_over_time(0.5, g[1m])", 20000, "{} 2");
    /* NaN is the smallest: NaN, 1, 2, 3. */
    expect(&w, "quantile_over_time(1, g[1m])", 60000, "{} 3");
    expect(&w, "quantile_over_time(0, g[1m])", 60000, "{} NaN");
    expect(&w, "quantile_over_time(2, g[1m])", 60000, "{} inf");
    expect(&w, "deriv(g[1m])", 20000, "{} -0.2");
    expr_world_close(&w);
}

static void sums_keep_what_rounding_drops(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "g", "1 1e100 2 1 3 -1e100");
    expect(&w, "sum_over_time(g[1m])", 10, "{} 1");
    expr_world_add(&w, "h", "1 1.5e308 2 1.5e308 3 1.5e308");
    expect(&w, "avg_over_time(h[1m])", 10, "{} 1.5e+308");
    expr_world_close(&w);
}

static void stale_markers_end_a_series(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "c{i=\"1\"}", "10000 1 20000 2 30000 stale 40000 4");
    expr_world_add(&w, "c{i=\"2\"}", "10000 1 20000 2 30000 3 40000 5");
    expect(&w, "c", 35000, "c{i=\"1\"} ended; c{i=\"2\"} 3");
    expect(&w, "sum(c)", 35000, "{} 3");
    expect(&w, "count(c)", 45000, "{} 2");
    expect(&w, "c + 1", 35000, "{i=\"1\"} ended; {i=\"2\"} 4");
    expect(&w, "-c", 35000, "{i=\"1\"} ended; {i=\"2\"} -3");
    expect(&w, "abs(c) * c", 35000, "{i=\"1\"} ended; {i=\"2\"} 9");
    /* Markers are no samples of a range, and there is still enough for a rate. */
    expect(&w, "count_over_time(c[1m])", 45000, "{i=\"1\"} 3; {i=\"2\"} 4");
    expect(&w, "rate(c[30s])", 35000, "{i=\"1\"} 0.0666666666666667; {i=\"2\"} 0.1");
    expect(&w, "rate(c[15s])", 34000, "{i=\"1\"} ended; {i=\"2\"} 0.1");
    /* Without samples in the range the marker is looked for as far back as an instant selector looks. */
    expr_world_add(&w, "d", "10000 1 20000 stale");
    expect(&w, "rate(d[1m])", 2 * MINUTE, "{} ended");
    expect(&w, "rate(d[1m])", 5 * MINUTE + 20000, "");
    expect(&w, "d", 5 * MINUTE + 19999, "d ended");
    /* How far apart the samples of what has ended were. */
    expr_world_add(&w, "e", "10000 1 70000 2 130000 stale");
    expect(&w, "e", 140000, "e ended");
    assert_int_equal(w.interval_ms, 60000);
    expect(&w, "rate(e[90s])", 140000, "{} ended");
    assert_int_equal(w.interval_ms, 60000);
    expect(&w, "rate(e[2m])", 2 * MINUTE, "{} 0.0166666666666667");
    assert_int_equal(w.interval_ms, 0);
    /* An ordinary NaN is a value. */
    expr_world_add(&w, "n", "10000 NaN");
    expect(&w, "n", 20000, "n NaN");
    expr_world_close(&w);
}

static void an_end_beside_a_value_of_the_same_labels_is_not_shown(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "a{i=\"1\"}", "10000 1 20000 stale");
    expr_world_add(&w, "b{i=\"1\"}", "10000 1 20000 7");
    expect(&w, "{i=\"1\"} + 0", 25000, "{i=\"1\"} 7");
    expect_error(&w, "{i=\"1\"} + 0", 15000, "same labels");
    expect(&w, "a + b", 25000, "{i=\"1\"} ended");
    expect(&w, "b + a", 25000, "{i=\"1\"} ended");
    expr_world_close(&w);
}

static void aggregations_group_by_labels(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "m{a=\"1\",b=\"x\"}", "1000 1");
    expr_world_add(&w, "m{a=\"1\",b=\"y\"}", "1000 3");
    expr_world_add(&w, "m{a=\"2\",b=\"x\"}", "1000 5");
    expr_world_add(&w, "m{b=\"z\"}", "1000 NaN");
    expect(&w, "sum by (a) (m{a!=\"\"})", 1000, "{a=\"1\"} 4; {a=\"2\"} 5");
    expect(&w, "sum(m) without (b)", 1000, "{} NaN; {a=\"1\"} 4; {a=\"2\"} 5");
    expect(&w, "avg(m{a!=\"\"})", 1000, "{} 3");
    expect(&w, "min(m)", 1000, "{} 1");
    expect(&w, "max(m)", 1000, "{} 5");
    expect(&w, "count by (b) (m)", 1000, "{b=\"x\"} 2; {b=\"y\"} 1; {b=\"z\"} 1");
    expect(&w, "stddev(m{a=\"1\"})", 1000, "{} 1");
    expect(&w, "quantile(0.5, m{a!=\"\"})", 1000, "{} 3");
    expect(&w, "quantile(0.5, m)", 1000, "{} 2");
    expect(&w, "quantile by (a) (-1, m{a=\"2\"})", 1000, "{a=\"2\"} -inf");
    expect(&w, "sum by (__name__) (m{a=\"1\"})", 1000, "m 4");
    expect(&w, "sum(absent)", 1000, "");
    expr_world_close(&w);
}

static void operations_match_one_to_one(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "l{a=\"1\",b=\"x\"}", "1000 10");
    expr_world_add(&w, "l{a=\"2\",b=\"x\"}", "1000 20");
    expr_world_add(&w, "r{a=\"1\",c=\"y\"}", "1000 2");
    expr_world_add(&w, "r{a=\"3\",c=\"y\"}", "1000 3");
    expr_world_add(&w, "r2{a=\"1\",b=\"x\"}", "1000 5");
    expect(&w, "l / r2", 1000, "{a=\"1\",b=\"x\"} 2");
    expect(&w, "l / r", 1000, "");
    expect(&w, "l / on (a) r", 1000, "{a=\"1\"} 5");
    expect(&w, "l / ignoring (b, c) r", 1000, "{a=\"1\"} 5");
    expect(&w, "1 / r2", 1000, "{a=\"1\",b=\"x\"} 0.2");
    expect(&w, "r2 % 3", 1000, "{a=\"1\",b=\"x\"} 2");
    expect(&w, "2 ^ r2", 1000, "{a=\"1\",b=\"x\"} 32");
    expect(&w, "l / 0", 1000, "{a=\"1\",b=\"x\"} inf; {a=\"2\",b=\"x\"} inf");
    expect_error(&w, "l / on (b) r2", 1000, "several elements on the left");
    expect_error(&w, "r2 / on (b) l", 1000, "several elements on the right");
    /* Nothing on one side: nothing to match, no error. */
    expect(&w, "absent / on (b) l", 1000, "");
    expect(&w, "l / on (b) absent", 1000, "");
    /* Many on the right are an error even where the left has none of them. */
    expect_error(&w, "r2 / on (q) r", 1000, "several");
    expr_world_close(&w);
}

static void functions_of_one_value(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "g{i=\"1\"}", "1000 -1.5");
    expect(&w, "abs(g)", 1000, "{i=\"1\"} 1.5");
    expect(&w, "ceil(g)", 1000, "{i=\"1\"} -1");
    expect(&w, "floor(g)", 1000, "{i=\"1\"} -2");
    expect(&w, "sqrt(g)", 1000, "{i=\"1\"} NaN");
    expect(&w, "exp(g + 1.5)", 1000, "{i=\"1\"} 1");
    expect(&w, "ln(exp(g))", 1000, "{i=\"1\"} -1.5");
    expect(&w, "log2(g + 9.5)", 1000, "{i=\"1\"} 3");
    expect(&w, "log10(g + 101.5)", 1000, "{i=\"1\"} 2");
    expect(&w, "clamp(g, 0, 1)", 1000, "{i=\"1\"} 0");
    expect(&w, "clamp(g, 1, 0)", 1000, "");
    expect(&w, "clamp_min(g, -1)", 1000, "{i=\"1\"} -1");
    expect(&w, "clamp_max(g, -3)", 1000, "{i=\"1\"} -3");
    expect(&w, "clamp_max(g, NaN)", 1000, "{i=\"1\"} NaN");
    expr_world_close(&w);
}

static void histogram_quantiles_interpolate(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    const char *rows[][2] = {{"h{i=\"1\",le=\"1\"}", "1000 10"},
                             {"h{i=\"1\",le=\"2\"}", "1000 30"},
                             {"h{i=\"1\",le=\"+Inf\"}", "1000 40"},
                             {"h{i=\"2\",le=\"1\"}", "1000 10"},
                             {"h{i=\"2\",le=\"2\"}", "1000 10"},
                             {"h{i=\"3\",le=\"1\"}", "1000 0"},
                             {"h{i=\"3\",le=\"Inf\"}", "1000 0"},
                             {"h{i=\"1\",le=\"junk\"}", "1000 9"},
                             {"h{i=\"4\"}", "1000 9"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expr_world_add(&w, rows[i][0], rows[i][1]);
    expect(&w, "histogram_quantile(0.5, h)", 1000, "{i=\"1\"} 1.5; {i=\"2\"} NaN; {i=\"3\"} NaN");
    expect(&w, "histogram_quantile(0.9, h{i=\"1\"})", 1000, "{i=\"1\"} 2");
    expect(&w, "histogram_quantile(0.1, h{i=\"1\"})", 1000, "{i=\"1\"} 0.4");
    expect(&w, "histogram_quantile(-1, h{i=\"1\"})", 1000, "{i=\"1\"} -inf");
    expect(&w, "histogram_quantile(0.5, sum by (le) (h{i!=\"4\"}))", 1000, "{} 1");
    /* Two histograms that differ by name alone have the same result. */
    expr_world_add(&w, "other{i=\"1\",le=\"+Inf\"}", "1000 5");
    expect_error(&w, "histogram_quantile(0.5, {i=\"1\"})", 1000, "same labels");
    expr_world_close(&w);
}

static void names_that_are_no_identifiers_are_quoted(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_add(&w, "{\"if.rx|kbps\",instance=\"a\"}", "1000 3");
    expect(&w, "{\"if.rx|kbps\"}", 1000, "{\"if.rx|kbps\",instance=\"a\"} 3");
    expect(&w, "{'if.rx|kbps', \"instance\"=`a`} * 2", 1000, "{instance=\"a\"} 6");
    expect(&w, "{\"if\\x2erx\\u007ckbps\"} + 0", 1000, "{instance=\"a\"} 3");
    expr_world_close(&w);
}

static void duplicates_are_errors_where_the_name_goes(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expr_world_line(&w, "x{i=\"1\"}", 0, 1000, 10, 0, 1);
    expr_world_line(&w, "y{i=\"1\"}", 0, 1000, 5, 0, 2);
    expect(&w, "sum({i=\"1\"})", 9000, "{} 17");
    expect_error(&w, "rate({i=\"1\"}[5s])", 7000, "same labels {i=\"1\"}");
    expect_error(&w, "abs({i=\"1\"})", 9000, "same labels");
    expect(&w, "rate({i=\"1\"}[5s])", 9500, "{i=\"1\"} 1");
    expect(&w, "last_over_time({i=\"1\"}[1m])", 9000, "x{i=\"1\"} 9; y{i=\"1\"} 8");
    expr_world_close(&w);
}

static void a_scalar_is_one_element_without_labels(void **state)
{
    (void)state;
    struct expr_world w;
    expr_world_open(&w);
    expect(&w, "1 + 2 * 3", 0, "7");
    expect(&w, "-(2 ^ 0.5)", 0, "-1.4142135623731");
    expr_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_selector_looks_back_five_minutes_open_on_the_left),
        cmocka_unit_test(ranges_are_open_on_the_left),
        cmocka_unit_test(rate_extrapolates_as_prometheus_does),
        cmocka_unit_test(counters_restart),
        cmocka_unit_test(over_time_functions_aggregate),
        cmocka_unit_test(sums_keep_what_rounding_drops),
        cmocka_unit_test(stale_markers_end_a_series),
        cmocka_unit_test(an_end_beside_a_value_of_the_same_labels_is_not_shown),
        cmocka_unit_test(aggregations_group_by_labels),
        cmocka_unit_test(operations_match_one_to_one),
        cmocka_unit_test(functions_of_one_value),
        cmocka_unit_test(histogram_quantiles_interpolate),
        cmocka_unit_test(names_that_are_no_identifiers_are_quoted),
        cmocka_unit_test(duplicates_are_errors_where_the_name_goes),
        cmocka_unit_test(a_scalar_is_one_element_without_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
