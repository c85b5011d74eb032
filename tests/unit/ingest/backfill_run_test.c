/* The history of one job, from an endpoint of our own to the job in service, on a virtual clock. */
#include "ax_test.h"
#include "base/metrics.h"
#include "ingest/backfill_run.h"
#include "pipeline/erase.h"
#include "read_server.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HISTORY 1500 /* steps that the endpoint has before the job in service begins */
#define ALONE 3
#define AFTER 30
#define JOB                                                                                                  \
    "jobs:\n- {name: load, expr: '{__name__=~\"demand|predicted_load\"}', forecast: {output: "               \
    "predicted_load, horizons: [30s, 10m]}, anomaly: {}, billing: {}}\n"

static const char *const series[] = {"demand{instance=\"a\"}", "demand{instance=\"b\"}",
                                     "demand{instance=\"c\"}"};

static double demand(int s, int i)
{
    return 100 * (1 + s) + 10 * sin(i / 9.0) + (double)((unsigned)(i * 7919 + s * 104729) % 997) / 400;
}

static int64_t time_of(int i)
{
    return RIG_START + (int64_t)i * RIG_STEP;
}

struct world {
    struct rig rig;
    struct read_server *servers[2];
    struct ax_config *config;
    struct ax_history *histories[2];
    struct ax_backfill_env env;
    atomic_bool cancel;
    struct ax_map settled;
    struct ax_backfill_run *run;
    struct ax_diag diag;
};

static struct world w;

static int start(void **state)
{
    (void)state;
    w = (struct world){0};
    for (int i = 0; i < 2; i++)
        w.servers[i] = read_server_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_backfill_run_free(w.run);
    for (int i = 0; i < 2; i++)
        ax_history_close(w.histories[i]);
    ax_map_done(&w.settled);
    rig_done(&w.rig);
    ax_config_free(w.config);
    for (int i = 0; i < 2; i++)
        read_server_stop(w.servers[i]);
    return 0;
}

/* A pipeline with the job, and a run for it. more: further keys of the first endpoint. */
static void begin(const char *more, uint32_t endpoints)
{
    char yaml[1024];
    int n = snprintf(yaml, sizeof yaml, "global: {evaluation_delay: 0s}\nremote_read:\n");
    for (uint32_t i = 0; i < endpoints; i++)
        n += snprintf(yaml + n, sizeof yaml - (size_t)n, "- {url: '%s', remote_timeout: 20s%s}\n",
                      read_server_url(w.servers[i]), i == 0 ? more : "");
    (void)snprintf(yaml + n, sizeof yaml - (size_t)n, JOB);
    rig_init(&w.rig, yaml);
    w.rig.now_ms = time_of(HISTORY);
    w.config = ax_pipeline_keep_config(w.rig.pipeline);
    for (uint32_t i = 0; i < endpoints; i++)
        assert_int_equal(ax_history_open(&w.config->remote_read[i], &w.histories[i], &w.diag), AX_OK);
    w.env = (struct ax_backfill_env){.pipeline = w.rig.pipeline,
                                     .histories = w.histories,
                                     .histories_n = endpoints,
                                     .clock = ax_clock_virtual(&w.rig.now_ms),
                                     .max_range_ms = 3600000,
                                     .db_seed = ax_db_seed(w.rig.db),
                                     .model_seed = 42,
                                     .cancel = &w.cancel};
    if (ax_backfill_run_new(&w.env, w.config, &w.config->jobs[0], NULL, &w.settled, &w.run, &w.diag) != AX_OK)
        fail_msg("%s", w.diag.text);
}

static enum ax_backfill_phase phase(void)
{
    return ax_backfill_run_standing(w.run).phase;
}

/* Go on until the run is in a phase; time passes when it has nothing to do. */
static void advance_to(enum ax_backfill_phase wanted)
{
    for (int i = 0; phase() != wanted; i++) {
        if (i == 2000 || phase() >= AX_BACKFILL_DONE)
            fail_msg("phase %d instead of %d: %s", (int)phase(), (int)wanted, w.diag.text);
        w.rig.now_ms += ax_backfill_advance(w.run, &w.diag);
    }
}

static void fill(struct read_server *s, int from, int to)
{
    for (int i = from; i < to; i++)
        for (int k = 0; k < 3; k++)
            read_server_add(s, series[k], time_of(i), demand(k, i));
}

/* A sample of each series reaches the job in service, and the endpoint. */
static void feed(struct rig *r, int i)
{
    for (int k = 0; k < 3; k++)
        assert_int_equal(rig_append(r, series[k], time_of(i), demand(k, i)), AX_FATE_WANTED);
    rig_run_to(r, time_of(i));
}

/* Everything that the job says after a step is what one says that was there all along. */
static void assert_same_as_whole(int last)
{
    struct rig whole;
    uint32_t compared = 0;
    rig_init(&whole, "global: {evaluation_delay: 0s}\n" JOB);
    for (int i = 0; i <= last; i++)
        feed(&whole, i);
    for (uint32_t i = 0; i < whole.sink.n; i++) {
        const struct memory_series *x = &whole.sink.v[i], *y = memory_find(&w.rig.sink, x->text);
        if (strstr(x->text, "model_") || strstr(x->text, "prediction_accuracy"))
            continue;
        assert_non_null(y);
        if (ax_is_stale(x->v[x->n - 1].value)) { /* ended before, there as here */
            assert_true(ax_is_stale(y->v[y->n - 1].value));
            continue;
        }
        for (uint32_t back = 1; back <= AFTER; back++) {
            const struct memory_sample *a = &x->v[x->n - back], *b = &y->v[y->n - back];
            if (a->t_ms != b->t_ms || memcmp(&a->value, &b->value, sizeof a->value) != 0)
                fail_msg("%s differs at %lld", x->text, (long long)a->t_ms);
            compared++;
        }
    }
    assert_true(compared > 500);
    rig_done(&whole);
}

/* The whole way: read, follow, hand over, go on. */
static void go_all_the_way(void)
{
    advance_to(AX_BACKFILL_FOLLOWING);
    for (int i = HISTORY; i < HISTORY + ALONE; i++)
        feed(&w.rig, i);
    for (int i = 0; i < 5; i++)
        (void)ax_backfill_advance(w.run, &w.diag);
    assert_int_equal(ax_backfill_run_standing(w.run).taken, 3);
    for (int i = HISTORY + ALONE; i < HISTORY + ALONE + AFTER; i++)
        feed(&w.rig, i);
    assert_same_as_whole(HISTORY + ALONE + AFTER - 1);
}

static void a_fresh_job_goes_on_as_if_it_had_been_there(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    go_all_the_way();
    /* It follows for a while, in case that more series come. */
    assert_int_equal(phase(), AX_BACKFILL_FOLLOWING);
    for (int i = HISTORY + ALONE + AFTER; phase() == AX_BACKFILL_FOLLOWING && i < HISTORY + 100; i++) {
        feed(&w.rig, i);
        (void)ax_backfill_advance(w.run, &w.diag);
        (void)ax_backfill_advance(w.run, &w.diag);
    }
    assert_int_equal(phase(), AX_BACKFILL_DONE);
    assert_int_equal(ax_backfill_run_standing(w.run).taken, 3);
    assert_true(ax_backfill_run_standing(w.run).share == 1);
}

/* Those of one series that the job in service has in its window. */
static bool count_past(void *ctx, const struct ax_modelled *m)
{
    if (ax_str_eq(ax_labels_get(m->labels, ax_str("instance")), ax_str("a")))
        *(uint32_t *)ctx += ax_window_fine(m->window).n;
    return true;
}

static void what_is_erased_meanwhile_does_not_come_back_with_what_was_read_before(void **state)
{
    struct ax_erased erased;
    uint32_t past = 0;
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    advance_to(AX_BACKFILL_FOLLOWING);
    for (int i = HISTORY; i < HISTORY + ALONE; i++)
        feed(&w.rig, i);
    assert_int_equal(ax_pipeline_erase(w.rig.pipeline, ax_str("{instance=\"a\"}"), &erased, &w.diag), AX_OK);
    assert_int_equal(erased.series, 1);
    feed(&w.rig, HISTORY + ALONE);
    (void)ax_backfill_advance(w.run, &w.diag);
    assert_int_equal(phase(), AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "erased");
    assert_int_equal(ax_backfill_run_standing(w.run).taken, 0);
    assert_true(ax_backfill_run_erasures(w.run) != ax_pipeline_erasures(w.rig.pipeline));
    assert_int_equal(ax_pipeline_all_series(w.rig.pipeline, 1000, count_past, &past), AX_OK);
    assert_true(past >= 1 && past <= 2); /* what has come since */
    ax_backfill_run_free(w.run);         /* the next one asks anew */
    assert_int_equal(
        ax_backfill_run_new(&w.env, w.config, &w.config->jobs[0], NULL, &w.settled, &w.run, &w.diag), AX_OK);
    advance_to(AX_BACKFILL_FOLLOWING);
}

static void an_endpoint_that_knows_samples_alone_serves_as_well(void **state)
{
    (void)state;
    atomic_store(&read_server_manner(w.servers[0])->samples, true);
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    go_all_the_way();
}

static void answers_of_several_endpoints_are_merged(void **state)
{
    (void)state;
    for (int i = 0; i < HISTORY; i++)
        for (int k = 0; k < 3; k++)
            read_server_add(w.servers[k == 1 || i % 2], series[k], time_of(i), demand(k, i));
    for (int i = 0; i < HISTORY; i += 3) /* and what both have counts once */
        read_server_add(w.servers[0], series[1], time_of(i), demand(1, i));
    begin("", 2);
    go_all_the_way();
}

static void what_is_too_much_at_once_is_asked_for_in_parts(void **state)
{
    (void)state;
    atomic_store(&read_server_manner(w.servers[0])->span_max_ms, 3 * 3600000);
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    go_all_the_way();
    assert_true(read_server_longest_ms(w.servers[0]) > 3 * 3600000);
}

static void own_output_is_not_read_as_input(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    for (int i = 0; i < HISTORY; i++)
        read_server_add(w.servers[0], "predicted_load{for=\"load\",horizon=\"30s\",instance=\"a\"}",
                        time_of(i), 1);
    begin("", 1);
    go_all_the_way();
}

static void the_lag_of_an_endpoint_is_made_up_by_what_arrives(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY - 2);
    begin("", 1);
    for (int i = HISTORY - 2; i < HISTORY; i++) /* these arrived, and are not in the endpoint */
        for (int k = 0; k < 3; k++)
            (void)rig_append(&w.rig, series[k], time_of(i), demand(k, i));
    w.rig.now_ms = time_of(HISTORY - 2);
    go_all_the_way();
}

static void no_data_is_a_failure_with_a_reason(void **state)
{
    (void)state;
    fill(w.servers[0], 0, 10); /* long ago */
    begin("", 1);
    advance_to(AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "no_data");
    assert_non_null(strstr(w.diag.text, "no endpoint has anything"));
}

static void an_endpoint_without_the_required_matchers_is_not_asked(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    begin(", required_matchers: {instance: a}", 1);
    advance_to(AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "no_data");
    assert_int_equal(read_server_requests(w.servers[0]), 0);
}

static void nonsense_ends_the_run_and_a_passing_fault_does_not(void **state)
{
    (void)state;
    struct read_server_manner *m = read_server_manner(w.servers[0]);
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    advance_to(AX_BACKFILL_READING);
    atomic_store(&m->status, 503);
    assert_true(ax_backfill_advance(w.run, &w.diag) >= 1000);
    assert_int_equal(phase(), AX_BACKFILL_READING);
    assert_non_null(strstr(w.diag.text, "it answered 503: told to say 503"));
    assert_non_null(strstr(w.diag.text, "remote_read 127.0.0.1"));
    atomic_store(&m->status, 0);
    atomic_store(&m->nonsense, true);
    int64_t waited_ms = 0, waits = 0;
    while (phase() == AX_BACKFILL_READING) {
        int64_t one = ax_backfill_advance(w.run, &w.diag);
        assert_true(one == 0 || one > waited_ms);
        waited_ms = one ? one : waited_ms;
        waits++;
    }
    assert_int_equal(phase(), AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "endpoint");
    assert_true(waits >= 3);
}

static void an_endpoint_that_is_down_is_told(void **state)
{
    (void)state;
    begin("", 1);
    atomic_store(&read_server_manner(w.servers[0])->status, 404);
    advance_to(AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "endpoint");
    assert_non_null(strstr(w.diag.text, "it answered 404"));
}

static void cancelled_it_ends_at_once(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    advance_to(AX_BACKFILL_READING);
    atomic_store(&w.cancel, true);
    assert_int_equal(ax_backfill_advance(w.run, &w.diag), 0);
    assert_int_equal(phase(), AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "cancelled");
}

static void a_job_that_nothing_arrives_for_is_given_up(void **state)
{
    (void)state;
    fill(w.servers[0], 0, HISTORY);
    begin("", 1);
    advance_to(AX_BACKFILL_FOLLOWING);
    int64_t from_ms = w.rig.now_ms;
    advance_to(AX_BACKFILL_FAILED);
    assert_string_equal(ax_backfill_run_standing(w.run).reason, "no_data");
    assert_true(w.rig.now_ms - from_ms >= 600000 && w.rig.now_ms - from_ms < 700000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_fresh_job_goes_on_as_if_it_had_been_there),
        TEST(what_is_erased_meanwhile_does_not_come_back_with_what_was_read_before),
        TEST(an_endpoint_that_knows_samples_alone_serves_as_well),
        TEST(answers_of_several_endpoints_are_merged),
        TEST(what_is_too_much_at_once_is_asked_for_in_parts),
        TEST(own_output_is_not_read_as_input),
        TEST(the_lag_of_an_endpoint_is_made_up_by_what_arrives),
        TEST(no_data_is_a_failure_with_a_reason),
        TEST(an_endpoint_without_the_required_matchers_is_not_asked),
        TEST(nonsense_ends_the_run_and_a_passing_fault_does_not),
        TEST(an_endpoint_that_is_down_is_told),
        TEST(cancelled_it_ends_at_once),
        TEST(a_job_that_nothing_arrives_for_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
