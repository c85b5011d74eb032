/* What is answered 2xx stands in the log; while it cannot be written senders are told to come again, over a
 * real receiver. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"
#include "scratch.h"
#include "series_world.h"

#include <signal.h>
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

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_that_is_not_written_down_has_written_nothing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
