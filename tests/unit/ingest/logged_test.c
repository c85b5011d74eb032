/* What is answered 2xx stands in the log; while it cannot be written senders are told to come again, over a
 * real receiver. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"
#include "scratch.h"
#include "series_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static struct write_request *const req = &endpoint.req;
static char folder[SCRATCH_PATH];

static int start(void **state)
{
    (void)state;
    scratch_make(folder, NULL);
    endpoint.log = test_log(folder);
    return endpoint_start(&(struct ax_db_options){.seed = 1});
}

static int stop(void **state)
{
    (void)state;
    int failed = endpoint_stop();
    ax_seglog_close(endpoint.log);
    scratch_remove(folder);
    return failed;
}

/* Let no file grow beyond so many bytes. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void make(const char *name, int64_t t_ms)
{
    write_series(req, PAIRS("__name__", name));
    write_sample(req, 7, t_ms);
    write_exemplar(req, 1, t_ms, PAIRS("trace_id", "a"));
}

/* Samples that the log has. */
static uint64_t logged(void)
{
    struct series_world w;
    struct ax_restore_report report;
    series_world_open(&w, 2, ".+");
    series_world_replay(&w, endpoint.log, &report);
    series_world_close(&w);
    return report.samples;
}

static void a_request_that_is_not_written_down_has_written_nothing(void **state)
{
    (void)state;
    const char *name = fresh();
    double failures = ax_metric_get(ax_metric(AX_M_WAL_FAILURES, NULL, NULL));
    make(name, NOW_MS - 1000);
    expect_v2(204, 1, 0, 1);
    assert_int_equal(logged(), 1);
    limit_files(ax_seglog_end(endpoint.log));
    make(name, NOW_MS);
    struct write_answer a = endpoint_send(2);
    limit_files(RLIM_INFINITY);
    write_assert_status(&a, 503);
    write_assert_says(&a, "send it again");
    assert_true(atoi(a.retry_after) > 0);
    assert_true(a.samples == 0 && a.histograms == 0 && a.exemplars == 0);
    assert_true(ax_metric_get(ax_metric(AX_M_WAL_FAILURES, NULL, NULL)) == failures + 1);
    assert_int_equal(logged(), 1);
    make(name, NOW_MS);
    expect_v2(204, 1, 0, 1);
    assert_int_equal(logged(), 2);
}

#define LONG_SERIES                                                                                          \
    700 /* each of LABELS labels of 4,000 bytes: 42 MB of the log, a few kB of the request                   \
         */
#define LABELS 15

/* More than one record of the log holds. */
static void make_long(void)
{
    static char value[4001], names[LABELS][8], series[32];
    const char *pairs[2 * LABELS + 3] = {"__name__", series};
    memset(value, 'x', sizeof value - 1);
    for (uint32_t i = 0; i < LABELS; i++) {
        (void)snprintf(names[i], sizeof names[i], "l%02u", i);
        pairs[2 * i + 2] = names[i];
        pairs[2 * i + 3] = value;
    }
    for (uint32_t i = 0; i < LONG_SERIES; i++) {
        (void)snprintf(series, sizeof series, "long%u", i);
        write_series(req, pairs);
        write_sample(req, 7, NOW_MS);
    }
}

static void of_a_long_request_what_lasts_is_told_as_written(void **state)
{
    (void)state;
    limit_files(ax_seglog_end(endpoint.log) + (30u << 20)); /* room for one record */
    make_long();
    struct write_answer a = endpoint_send(2);
    limit_files(RLIM_INFINITY);
    write_assert_status(&a, 503);
    assert_true(a.samples > 0 && a.samples < LONG_SERIES);
    assert_int_equal(logged(), a.samples);
    make_long();
    expect_v2(204, LONG_SERIES, 0, 0);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_that_is_not_written_down_has_written_nothing, start, stop),
        cmocka_unit_test_setup_teardown(of_a_long_request_what_lasts_is_told_as_written, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
