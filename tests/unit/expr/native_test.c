/* What native histograms do in expressions beyond what golden_test.c compares with Prometheus. */
#include "ax_test.h"
#include "expr_world.h"

#include <math.h>
#include <stdio.h>

#define T 1000000

static struct expr_world w;

static int open_world(void **state)
{
    (void)state;
    expr_world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    expr_world_close(&w);
    return 0;
}

#define EXPECT(expr, text) assert_string_equal(expr_world_eval(&w, expr, T), text)

/* One span from a bucket on; buckets as deltas. */
#define FROM(index, n, ...)                                                                                  \
    {                                                                                                        \
        .spans_n = 1, .spans = {{index, n}}, .buckets_n = n, .buckets = { __VA_ARGS__ }                      \
    }

static void observations_of_nan_are_above_all_others(void **state)
{
    (void)state;
    /* One in (0.5, 1], one in (1, 2], two in none. */
    const struct histogram_spec h = {.count = 4, .sum = NAN, .positive = FROM(0, 2, 1, 0), .t_ms = T};
    expr_world_histogram(&w, "x", &h);
    EXPECT("histogram_quantile(0.25, x)", "{} 1");
    EXPECT("histogram_quantile(0.5, x)", "{} 2");
    EXPECT("histogram_quantile(0.9, x)", "{} NaN");
    EXPECT("histogram_count(x)", "{} 4");
    EXPECT("histogram_avg(x)", "{} NaN");
}

static void a_wider_zero_bucket_and_a_coarser_schema_count_nothing_twice(void **state)
{
    (void)state;
    /* Two in (1, 2]; the zero bucket ends within (0.5, 1]. */
    const struct histogram_spec coarse = {
        .count = 2, .sum = 3, .zero_threshold = 0.6, .positive = FROM(1, 1, 2), .t_ms = T};
    /* Four in (0.5, 0.595], which the wider zero bucket holds, and three in (0.707, 0.841], which it does
     * not. */
    const struct histogram_spec fine = {
        .schema = 2,
        .count = 7,
        .sum = 5,
        .positive = {.spans_n = 2, .spans = {{-3, 1}, {1, 1}}, .buckets_n = 2, .buckets = {4, -1}},
        .t_ms = T};
    expr_world_histogram(&w, "x{n=\"a\"}", &coarse);
    expr_world_histogram(&w, "x{n=\"b\"}", &fine);
    expr_world_histogram(&w, "y{n=\"a\"}", &fine);
    expr_world_histogram(&w, "y{n=\"b\"}", &coarse);
    /* Rank 4.5 of 9 from above: 2, then 3 of (0.6, 1], of which half a one is passed. */
    char expected[64];
    (void)snprintf(expected, sizeof expected, "{} %.15g", exp2(log2(0.6) * (1 - 0.5 / 3)));
    EXPECT("histogram_quantile(0.5, sum(x))", expected);
    EXPECT("histogram_quantile(0.5, sum(y))", expected);
    EXPECT("histogram_count(sum(x))", "{} 9");
    EXPECT("histogram_quantile(0.1, sum(x))", "{} 0.135"); /* 0.9 of the 4 that are in [0, 0.6] */
}

static void histograms_that_are_no_numbers_in_the_end_are_left_out_and_counted(void **state)
{
    (void)state;
    const struct histogram_spec h = {.count = 1, .sum = 1, .positive = FROM(0, 1, 1), .t_ms = T};
    expr_world_histogram(&w, "x{n=\"a\"}", &h);
    expr_world_histogram(&w, "x{n=\"b\"}", &h);
    expr_world_add(&w, "x{n=\"c\"}", "1000000 5");
    static const struct {
        const char *expr, *text;
        uint32_t dropped;
    } cases[] = {
        {"x", "x{n=\"c\"} 5", 2},
        {"abs(x)", "{n=\"c\"} 5", 2},
        {"clamp_min(x, 9)", "{n=\"c\"} 9", 2},
        {"x + 1", "{n=\"c\"} 6", 2},
        {"2 / x", "{n=\"c\"} 0.4", 2},
        {"x % x", "{n=\"c\"} 0", 2},
        {"max(x)", "{} 5", 2},
        {"quantile(0.5, x)", "{} 5", 2},
        {"sum(x)", "", 2},
        {"sum by (n) (x)", "{n=\"c\"} 5", 2},
        {"count(x)", "{} 3", 0},
        {"histogram_sum(x)", "{n=\"a\"} 1; {n=\"b\"} 1", 0},
        {"histogram_count(x - x)", "{n=\"a\"} 0; {n=\"b\"} 0", 0},
        {"max_over_time(x[1m])", "{n=\"c\"} 5", 2},
        {"count_over_time(x[1m])", "{n=\"a\"} 1; {n=\"b\"} 1; {n=\"c\"} 1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT(cases[i].expr, cases[i].text);
        assert_int_equal(w.dropped, cases[i].dropped);
    }
}

static void custom_and_exponential_buckets_do_not_add_up(void **state)
{
    (void)state;
    const struct histogram_spec exponential = {.count = 1, .sum = 1, .positive = FROM(0, 1, 1), .t_ms = T};
    const struct histogram_spec custom = {.schema = -53,
                                          .count = 1,
                                          .sum = 1,
                                          .bounds_n = 1,
                                          .bounds = {1},
                                          .positive = FROM(0, 1, 1),
                                          .t_ms = T};
    expr_world_histogram(&w, "x{n=\"a\"}", &exponential);
    expr_world_histogram(&w, "x{n=\"b\"}", &custom);
    EXPECT("histogram_sum(sum(x))", "");
    assert_int_equal(w.dropped, 2);
    EXPECT("histogram_sum(avg(x))", "");
    EXPECT("histogram_quantile(1, x)", "{n=\"a\"} 1; {n=\"b\"} 1");
}

static void a_series_of_histograms_ends_with_a_stale_marker_or_its_age(void **state)
{
    (void)state;
    struct histogram_spec h = {.count = 1, .sum = 1, .positive = FROM(0, 1, 1), .t_ms = T - 60000};
    expr_world_histogram(&w, "ends", &h);
    expr_world_histogram(&w, "goes_on", &h);
    h.t_ms = T - 299999;
    expr_world_histogram(&w, "old", &h);
    h.t_ms = T - 300000;
    expr_world_histogram(&w, "older", &h);
    const struct histogram_spec end = {.sum = ax_stale(), .t_ms = T - 30000};
    expr_world_histogram(&w, "ends", &end);
    EXPECT("histogram_count(ends)", "{} ended");
    EXPECT("histogram_quantile(0.5, ends)", "{} ended");
    EXPECT("histogram_count(increase(ends[2m]))", "{} ended");
    EXPECT("histogram_count(goes_on)", "{} 1");
    EXPECT("histogram_count(old)", "{} 1");
    EXPECT("histogram_count(older)", "");
    h.t_ms = T; /* and it begins anew */
    expr_world_histogram(&w, "ends", &h);
    EXPECT("histogram_count(ends)", "{} 1");
}

static void functions_of_histograms_have_their_errors(void **state)
{
    (void)state;
    EXPECT("histogram_count(1)",
           "error: column 17: argument 1 of histogram_count is a number, expected an instant vector");
    EXPECT("histogram_sum(x[5m])",
           "error: column 15: argument 1 of histogram_sum is a range vector such as x[5m], "
           "expected an instant vector");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(observations_of_nan_are_above_all_others, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_wider_zero_bucket_and_a_coarser_schema_count_nothing_twice,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(histograms_that_are_no_numbers_in_the_end_are_left_out_and_counted,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(custom_and_exponential_buckets_do_not_add_up, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_series_of_histograms_ends_with_a_stale_marker_or_its_age,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(functions_of_histograms_have_their_errors, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
