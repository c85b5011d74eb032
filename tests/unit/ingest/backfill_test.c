/* The backfill as it runs in service: its thread beside the pipeline's, by the clock of the machine. */
#include "ax_test.h"
#include "base/metrics.h"
#include "ingest/backfill.h"
#include "memory_sink.h"
#include "read_server.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS 200
#define HISTORY_MS 60000

struct world {
    struct ax_db *db;
    struct memory_sink sink;
    struct ax_pipeline *pipeline;
    struct read_server *server;
    struct ax_backfill *backfill;
    int64_t fed_ms;
    int series;
};

static struct world w;

static double demand(int series, int64_t t_ms)
{
    return 100 * (1 + series) + 10 * sin((double)(t_ms % 86400000) / 3000);
}

static int64_t now_floor(void)
{
    struct ax_clock wall = ax_clock_wall();
    return ax_clock_now(&wall) / STEP_MS * STEP_MS;
}

static void load(const char *more)
{
    char yaml[512];
    struct ax_diag diag = {{0}};
    (void)snprintf(yaml, sizeof yaml,
                   "global: {step: 200ms, evaluation_delay: 0s}\nremote_read: [{url: '%s'%s}]\n"
                   "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [1s]}}]\n",
                   read_server_url(w.server), more);
    if (ax_pipeline_load(w.pipeline, rig_config(yaml), &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static int start(void **state)
{
    (void)state;
    w = (struct world){.server = read_server_start(), .series = 2};
    w.db = ax_db_new(&(struct ax_db_options){.seed = 11});
    assert_non_null(w.db);
    w.pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = w.db,
                                                               .sink = memory_sink(&w.sink),
                                                               .clock = ax_clock_wall(),
                                                               .max_range_ms = 3600000,
                                                               .seed = 42});
    assert_non_null(w.pipeline);
    w.fed_ms = now_floor();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_backfill_stop(w.backfill);
    ax_pipeline_free(w.pipeline);
    ax_db_free(w.db);
    memory_sink_done(&w.sink);
    read_server_stop(w.server);
    return 0;
}

static void begin(void)
{
    const struct ax_backfill_options options = {.pipeline = w.pipeline,
                                                .db = w.db,
                                                .model_seed = 42,
                                                .max_range_ms = 3600000,
                                                .clock = ax_clock_wall(),
                                                .settle_ms = 1};
    struct ax_diag diag = {{0}};
    if (ax_backfill_start(&options, &w.backfill, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static const char *name_of(int series)
{
    static const char *const names[] = {"demand{i=\"0\"}", "demand{i=\"1\"}", "demand{i=\"2\"}"};
    return names[series];
}

/* Give the endpoint the past of series from this one on, in order of time. */
static void fill(int from)
{
    for (int64_t t = w.fed_ms - HISTORY_MS; t <= w.fed_ms; t += STEP_MS)
        for (int k = from; k < w.series; k++)
            read_server_add(w.server, name_of(k), t, demand(k, t));
}

/* Let the samples of now reach the job in service, and the endpoint. */
static void feed(void)
{
    for (int64_t now_ms = now_floor(); w.fed_ms + STEP_MS <= now_ms;) {
        w.fed_ms += STEP_MS;
        for (int k = 0; k < w.series; k++) {
            struct rig r = {.db = w.db};
            (void)rig_append(&r, name_of(k), w.fed_ms, demand(k, w.fed_ms));
            read_server_add(w.server, name_of(k), w.fed_ms, demand(k, w.fed_ms));
        }
    }
}

/* Wait until the status of the job has this in its text. */
static void wait_for(const char *part, bool feeding)
{
    struct ax_backfill_status status = {0};
    for (int i = 0; i < 6000; i++) {
        if (feeding)
            feed();
        if (ax_backfill_job(w.backfill, "load", &status) && strstr(status.text, part))
            return;
        ax_sleep_ns(10000000);
    }
    fail_msg("\"%s\" never came; it is \"%s\"", part, status.text);
}

static void series_take_over_while_the_pipeline_runs(void **state)
{
    (void)state;
    fill(0);
    load("");
    assert_int_equal(ax_pipeline_start(w.pipeline), AX_OK);
    begin();
    wait_for("2 series have taken over", true);
    ax_backfill_stop(w.backfill);
    w.backfill = NULL;
    assert_true(ax_metric_get(ax_metric(AX_M_BACKFILL_SERIES, "load", NULL)) == 2);
    assert_true(ax_metric_get(ax_metric(AX_M_BACKFILL_PROGRESS, "load", NULL)) == 1);
}

static void a_series_that_comes_later_gets_its_history_soon(void **state)
{
    (void)state;
    struct ax_cell *taken = ax_metric(AX_M_BACKFILL_SERIES, "load", NULL);
    double before = ax_metric_get(taken);
    fill(0);
    load("");
    assert_int_equal(ax_pipeline_start(w.pipeline), AX_OK);
    begin();
    wait_for("done: 2 series have taken over", true);
    w.series = 3; /* it is a minute old where history is, and new here */
    fill(2);
    wait_for("done: 1 series have taken over", true);
    assert_true(ax_metric_get(taken) == before + 3);
}

static void a_job_without_an_endpoint_has_no_history(void **state)
{
    (void)state;
    struct ax_backfill_status status;
    load(", backfill: 0s");
    begin();
    assert_false(ax_backfill_job(w.backfill, "load", &status));
    load("");
    ax_backfill_reload(w.backfill);
    wait_for("no endpoint has anything", false);
    assert_false(ax_backfill_job(w.backfill, "nobody", &status));
    load(", backfill: 0s");
    ax_backfill_reload(w.backfill);
    for (int i = 0; ax_backfill_job(w.backfill, "load", &status); i++) {
        assert_true(i < 6000);
        ax_sleep_ns(10000000);
    }
}

static void what_fails_is_told_and_counted(void **state)
{
    (void)state;
    double before = ax_metric_get(ax_metric(AX_M_BACKFILL_FAILURES, "load", "endpoint"));
    atomic_store(&read_server_manner(w.server)->status, 500);
    load("");
    begin();
    wait_for("failed, again in 15s: remote_read 127.0.0.1", false);
    wait_for("it answered 500: told to say 500", false);
    assert_true(ax_metric_get(ax_metric(AX_M_BACKFILL_FAILURES, "load", "endpoint")) == before + 1);
}

static void a_stop_or_a_reload_does_not_wait_for_an_endpoint_that_hangs(void **state)
{
    (void)state;
    atomic_store(&read_server_manner(w.server)->hang, true);
    load("");
    begin();
    for (uint32_t n = 1; n < 3; n++) { /* the server has two threads to hang */
        for (int i = 0; read_server_requests(w.server) < n; i++) {
            assert_true(i < 6000);
            ax_sleep_ns(10000000);
        }
        if (n == 1)
            ax_backfill_reload(w.backfill);
    }
    ax_backfill_stop(w.backfill);
    w.backfill = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(series_take_over_while_the_pipeline_runs),
        TEST(a_series_that_comes_later_gets_its_history_soon),
        TEST(a_job_without_an_endpoint_has_no_history),
        TEST(what_fails_is_told_and_counted),
        TEST(a_stop_or_a_reload_does_not_wait_for_an_endpoint_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
