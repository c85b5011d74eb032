/* Native histograms from a request to the value of an expression, over a real receiver. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"
#include "expr/expr.h"

#include <stdio.h>

#define BYTES_MAX 4096
#define BYTES_ALL 16384

static struct write_request *const req = &endpoint.req;

static int start(void **state)
{
    (void)state;
    const struct ax_db_options o = {.seed = 1,
                                    .series_max = 1000,
                                    .out_of_order_ms = HOUR_MS,
                                    .histogram_bytes_max = BYTES_MAX,
                                    .histogram_bytes_all = BYTES_ALL};
    return endpoint_start(&o);
}

static int stop(void **state)
{
    (void)state;
    return endpoint_stop();
}

/* The one value of an expression over a metric, with %s for its name. */
static double value_of(const char *format, const char *name)
{
    char text[160];
    struct ax_diag diag = {{0}};
    struct ax_expr *e;
    struct ax_bound *b;
    struct ax_vector v;
    (void)snprintf(text, sizeof text, "%s", format);
    char *at = strstr(text, "NAME");
    assert_non_null(at);
    char whole[256];
    (void)snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, name, at + 4);
    if (ax_expr_parse(ax_str(whole), 2 * HOUR_MS, &e, &diag) != AX_OK)
        fail_msg("%s: %s", whole, diag.text);
    assert_int_equal(ax_expr_bind(e, endpoint.db, ax_str(""), NULL, &b), AX_OK);
    assert_int_equal(ax_bound_eval(b, NOW_MS, &v, &diag), AX_OK);
    if (v.n != 1)
        fail_msg("%s has %u values", whole, v.n);
    double value = v.v[0].value;
    ax_bound_free(b);
    ax_expr_free(e);
    return value;
}

/* A histogram of n observations in (1, 2]. */
static struct histogram_spec of(uint64_t n, int64_t t_ms)
{
    return (struct histogram_spec){
        .count = n,
        .sum = 1.5 * (double)n,
        .positive = {.spans_n = 1, .spans = {{1, 1}}, .buckets_n = 1, .buckets = {(int64_t)n}},
        .t_ms = t_ms};
}

static void send(int version, const char *name, const struct histogram_spec *h, long status, int written)
{
    write_series(req, PAIRS("__name__", name, "instance", "a"));
    write_histogram(req, h);
    if (version == 1)
        expect_v1(status);
    else
        expect_v2(status, 0, written, 0);
}

static void what_was_sent_is_what_an_expression_sees(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh();
        for (int64_t i = 0; i <= 20; i++) {
            const struct histogram_spec h = of((uint64_t)(100 + 10 * i), NOW_MS - (20 - i) * 15000);
            send(version, name, &h, 204, 1);
        }
        ax_assert_close(value_of("histogram_count(NAME)", name), 300, 1e-12);
        ax_assert_close(value_of("histogram_sum(NAME)", name), 450, 1e-12);
        ax_assert_close(value_of("histogram_quantile(0.5, NAME)", name), 1.4142135623730951, 1e-12);
        ax_assert_close(value_of("histogram_count(rate(NAME[5m]))", name), 10. / 15, 1e-12);
    }
}

static void they_come_in_any_order_and_twice(void **state)
{
    (void)state;
    const char *name = fresh();
    static const int64_t behind_s[] = {60, 0, 45, 15, 30, 45, 60, 0};
    double duplicates = ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "duplicate", NULL));
    for (size_t i = 0; i < 8; i++) {
        const struct histogram_spec h = of((uint64_t)(400 - behind_s[i]), NOW_MS - behind_s[i] * 1000);
        send(2, name, &h, 204, 1);
    }
    assert_true(ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "duplicate", NULL)) == duplicates + 3);
    ax_assert_close(value_of("count_over_time(NAME[2m])", name), 5, 0);
    ax_assert_close(value_of("resets(NAME[2m])", name), 0, 0);
    const struct histogram_spec other = of(1, NOW_MS - 15000); /* of a time that has one */
    send(2, name, &other, 400, 0);
    ax_assert_close(value_of("resets(NAME[2m])", name), 0, 0);
    const struct histogram_spec late = of(1, NOW_MS - HOUR_MS - 1), in_time = of(1, NOW_MS - HOUR_MS);
    send(2, name, &late, 400, 0);
    send(2, name, &in_time, 204, 1);
    send(1, name, &late, 400, 0);
}

static void a_counter_of_histograms_begins_where_it_was_created(void **state)
{
    (void)state;
    const char *name = fresh();
    struct histogram_spec h = of(50, NOW_MS - 45000);
    h.start_ms = NOW_MS - 60000;
    send(2, name, &h, 204, 1);
    h = of(60, NOW_MS - 30000);
    h.start_ms = NOW_MS - 60000;
    send(2, name, &h, 204, 1);
    h = of(70, NOW_MS); /* it rose; but it began anew */
    h.start_ms = NOW_MS - 15000;
    send(2, name, &h, 204, 1);
    ax_assert_close(value_of("count_over_time(NAME[2m])", name), 5, 0);
    ax_assert_close(value_of("resets(NAME[2m])", name), 1, 0);
    ax_assert_close(value_of("histogram_count(increase(NAME[1m]))", name), (60 - 50 + 70) * 60. / 45, 1e-9);
    send(1, fresh(), &h, 204, 1); /* 1.0 has no such field */
}

static void a_series_may_turn_from_numbers_to_histograms(void **state)
{
    (void)state;
    const char *name = fresh();
    write_series(req, PAIRS("__name__", name, "instance", "a"));
    write_sample(req, 7, NOW_MS - 15000);
    expect_v2(204, 1, 0, 0);
    ax_assert_close(value_of("NAME", name), 7, 0);
    const struct histogram_spec h = of(3, NOW_MS);
    send(2, name, &h, 204, 1);
    ax_assert_close(value_of("histogram_count(NAME)", name), 3, 0);
    ax_assert_close(value_of("count_over_time(NAME[1m])", name), 2, 0);
}

static void a_ceiling_is_told_and_counted(void **state)
{
    (void)state;
    char first[32];
    (void)snprintf(first, sizeof first, "%s", fresh());
    double dropped = ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "histogram_limit", NULL));
    for (int64_t i = 0; i < 400; i++) { /* one series lets its oldest go */
        const struct histogram_spec h = of(5, NOW_MS - 400 + i);
        send(2, first, &h, 204, 1);
    }
    assert_true(value_of("count_over_time(NAME[2m])", first) < 400);
    assert_true(ax_db_histogram_bytes(endpoint.db) <= BYTES_ALL);
    const struct histogram_spec h = of(5, NOW_MS);
    struct write_answer a = {.status = 204};
    for (int i = 0; i < 30 && a.status == 204; i++) { /* all series have a ceiling too */
        write_series(req, PAIRS("__name__", fresh()));
        write_histogram(req, &h);
        a = endpoint_send(2);
    }
    write_assert_status(&a, 400);
    write_assert_says(
        &a, "1 native histogram(s) above --storage.max-histogram-size or --storage.max-histograms-size");
    assert_int_equal(a.histograms, 0);
    assert_true(ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "histogram_limit", NULL)) == dropped + 1);
    send(2, first, &(struct histogram_spec){.count = 0, .t_ms = NOW_MS + 1}, 204,
         1); /* those that are there go on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sent_is_what_an_expression_sees),
        cmocka_unit_test(they_come_in_any_order_and_twice),
        cmocka_unit_test(a_counter_of_histograms_begins_where_it_was_created),
        cmocka_unit_test(a_series_may_turn_from_numbers_to_histograms),
        cmocka_unit_test(a_ceiling_is_told_and_counted), /* last: it takes all memory */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
