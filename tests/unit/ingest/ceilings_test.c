/* A request over a ceiling is answered with the ceiling's text, and the ceiling's counter says so; a series
 * counts once. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"

#include <stdio.h>

static struct write_request *const req = &endpoint.req;
static const struct ax_str dropped[] = {{"__replica__", 11}};

static int start(void **state)
{
    (void)state;
    const struct ax_db_options o = {.seed = 1, .drop_labels = dropped, .drop_labels_n = 1};
    return endpoint_start(&o);
}

static int stop(void **state)
{
    (void)state;
    return endpoint_stop();
}

/* Give the request so far to a receiver with these limits: it is refused with this text. */
static void assert_refused(const struct ax_receiver_options *options, int version, const char *text)
{
    struct ax_receiver *r = NULL;
    struct ax_http_response res;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_receiver_new(endpoint.db, options, &r, &diag), AX_OK);
    ax_http_response_init(&res);
    ax_receiver_take(r, version, AX_RW_SNAPPY, endpoint_compress(version), &res);
    ax_buf_put(&res.body, "", 1);
    assert_int_equal(res.status, 400);
    if (!strstr((const char *)res.body.bytes, text))
        fail_msg("\"%s\" does not say \"%s\"", (const char *)res.body.bytes, text);
    ax_buf_done(&res.body);
    ax_receiver_free(r);
}

static double count_of(enum ax_metric metric, const char *reason)
{
    return ax_metric_get(ax_metric(metric, reason, NULL));
}

/* The same, and one more of the ceiling is counted. */
static void assert_ends(const struct ax_receiver_options *options, int version, const char *reason,
                        const char *text)
{
    double before = count_of(AX_M_HTTP_REJECTED, reason);
    assert_refused(options, version, text);
    assert_true(count_of(AX_M_HTTP_REJECTED, reason) == before + 1);
}

/* A name that lives until the request is packed. */
static const char *name_of(uint32_t i)
{
    static char names[8][32];
    (void)snprintf(names[i], sizeof names[i], "%s", fresh());
    return names[i];
}

/* Series of labels that take some room. */
static void put_series(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *name = name_of(i);
        write_series(req, PAIRS("__name__", name, "path", "a value that has some length", "instance", name));
        write_sample(req, 1, NOW_MS);
    }
}

static void what_is_too_large_decompressed_is_counted(void **state)
{
    (void)state;
    const struct ax_receiver_options o = {.future_max_ms = -1, .plain_max = 200};
    for (int version = 1; version <= 2; version++) {
        put_series(4);
        assert_ends(&o, version, "decoded_size", "decompressed; at most 200 are taken");
    }
}

static void too_many_symbols_are_counted(void **state)
{
    (void)state;
    const struct ax_receiver_options o = {.future_max_ms = -1, .limits.symbols_max = 6};
    put_series(4);
    assert_ends(&o, 2, "symbols", "more than 6 symbols in one request");
}

static void labels_that_are_spelled_too_long_are_counted(void **state)
{
    (void)state;
    const struct ax_receiver_options o = {.future_max_ms = -1, .limits.spelled_max = 100};
    put_series(4);
    assert_ends(&o, 2, "spelled_labels", "the labels of this request are more than 100 bytes");
}

static void what_is_not_looked_at_behind_too_many_refused_series_is_counted(void **state)
{
    (void)state;
    const struct ax_receiver_options o = {.future_max_ms = -1, .refused_max = 2};
    for (int version = 1; version <= 2; version++) {
        put_series(1);
        for (int i = 0; i < 4; i++) {
            write_series(req, PAIRS("instance", "without a name"));
            write_sample(req, 1, NOW_MS);
        }
        put_series(3);
        assert_ends(
            &o, version, "refused_series",
            "more than 2 series are refused, so the rest was not looked at; beside that 1 series kept, "
            "3 refused");
    }
}

static void a_series_is_refused_once_whatever_is_wrong_with_it(void **state)
{
    (void)state;
    static const char *const reasons[] = {"too_old", "future", "duplicate_timestamp"};
    const struct ax_receiver_options o = {.clock = ax_clock_virtual(&endpoint.now_ms), .refused_max = 1};
    for (int version = 1; version <= 2; version++) {
        char text[512];
        double before[3], conflicts = count_of(AX_M_DROPPED_SAMPLES, "duplicate_timestamp");
        for (int i = 0; i < 3; i++)
            before[i] = count_of(AX_M_REJECTED_SERIES, reasons[i]);
        put_series(1);
        const char *name = name_of(7);
        write_series(req, PAIRS("__name__", name));
        write_sample(req, 1, NOW_MS);
        for (int i = 0; i < 2; i++) { /* more often than series may be refused */
            write_sample(req, 2, NOW_MS - INT64_C(3) * HOUR_MS);
            write_sample(req, 3, NOW_MS + 600001);
        }
        write_sample(req, 4, NOW_MS);
        write_sample(req, 5, NOW_MS + 600001);
        (void)snprintf(
            text, sizeof text,
            "1 of 2 series were refused, the others are kept; %s: 2 sample(s) further behind the "
            "newest than --storage.out-of-order-window, or than any job looks back; "
            "%s: 1 sample(s) with another value for a time that has one; %s: 3 sample(s) more than 600 s",
            name, name, name);
        assert_refused(&o, version, text);
        for (int i = 0; i < 3; i++)
            assert_true(count_of(AX_M_REJECTED_SERIES, reasons[i]) == before[i] + 1);
        assert_true(count_of(AX_M_DROPPED_SAMPLES, "duplicate_timestamp") == conflicts + 1);
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), 1);
        assert_true(got[0].value == 1);
    }
}

static void senders_of_one_series_are_not_told_that_another_was_first(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh(), *replicas[] = {"a", "b"};
        for (int i = 0; i < 2; i++) {
            write_series(req, PAIRS("__name__", name, "__replica__", replicas[i]));
            write_sample(req, i, NOW_MS);
            if (version == 1)
                expect_v1(204);
            else
                expect_v2(204, 1, 0, 0);
        }
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), 1);
        assert_true(got[0].value == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_large_decompressed_is_counted),
        cmocka_unit_test(too_many_symbols_are_counted),
        cmocka_unit_test(labels_that_are_spelled_too_long_are_counted),
        cmocka_unit_test(what_is_not_looked_at_behind_too_many_refused_series_is_counted),
        cmocka_unit_test(a_series_is_refused_once_whatever_is_wrong_with_it),
        cmocka_unit_test(senders_of_one_series_are_not_told_that_another_was_first),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
