/* The history of one job while memory runs out, or the file of its password cannot be read: it is handed
 * over, or the run ends with a reason and a text; the job in service goes on as it would have, and the next
 * run hands over all the same. */
#include "ax_test.h"
#include "failing.h"
#include "ingest/backfill_run.h"
#include "read_server.h"
#include "rig.h"
#include "scratch.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define HISTORY 40
#define SERIES 2
#define YAML                                                                                                 \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "remote_read: [{url: '%s', remote_timeout: 20s, backfill: 8m, basic_auth: {username: a, "                \
    "password_file: '%s'}}]\n"                                                                               \
    "jobs: [{name: load, expr: demand, forecast: {output: predicted_load, horizons: [30s]}, anomaly: {}}]\n"

static const char *const series[SERIES] = {"demand{instance=\"a\"}", "demand{instance=\"b\"}"};

struct world {
    struct rig rig;
    struct ax_config *config;
    struct ax_history *history;
    atomic_bool cancel;
    struct ax_map settled;
    struct ax_backfill_env env;
    struct ax_diag diag;
};

static struct read_server *server;
static char password[SCRATCH_PATH]; /* its file */
static struct world w;

static double demand(int s, int i)
{
    return 100 * (1 + s) + 10 * sin(i / 9.0) + (double)((unsigned)(i * 7919 + s * 104729) % 997) / 400;
}

static int64_t time_of(int i)
{
    return RIG_START + (int64_t)i * RIG_STEP;
}

static void feed(int i)
{
    for (int k = 0; k < SERIES; k++)
        assert_int_equal(rig_append(&w.rig, series[k], time_of(i), demand(k, i)), AX_FATE_WANTED);
    rig_run_to(&w.rig, time_of(i));
}

static int start(void **state)
{
    (void)state;
    server = read_server_start();
    scratch_make(password, "password");
    scratch_write(password, "secret", 6);
    for (int i = 0; i < HISTORY; i++)
        for (int k = 0; k < SERIES; k++)
            read_server_add(server, series[k], time_of(i), demand(k, i));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    read_server_stop(server);
    scratch_remove(password);
    return 0;
}

/* A job in service that has seen its first step. */
static void begin(void)
{
    char yaml[512];
    w = (struct world){0};
    (void)snprintf(yaml, sizeof yaml, YAML, read_server_url(server), password);
    rig_init(&w.rig, yaml);
    w.rig.now_ms = time_of(HISTORY);
    w.config = ax_pipeline_keep_config(w.rig.pipeline);
    assert_int_equal(ax_history_open(&w.config->remote_read[0], &w.history, &w.diag), AX_OK);
    w.env = (struct ax_backfill_env){.pipeline = w.rig.pipeline,
                                     .histories = &w.history,
                                     .histories_n = 1,
                                     .clock = ax_clock_virtual(&w.rig.now_ms),
                                     .max_range_ms = 3600000,
                                     .db_seed = ax_db_seed(w.rig.db),
                                     .model_seed = 42,
                                     .cancel = &w.cancel};
    feed(HISTORY);
}

static void end(void)
{
    ax_history_close(w.history);
    ax_map_done(&w.settled);
    rig_done(&w.rig);
    ax_config_free(w.config);
}

/* A run as far as it comes. Returns how many series have taken over; *standing is as it ended. */
static uint32_t run_it(struct ax_backfill_standing *standing)
{
    struct ax_backfill_run *run = NULL;
    *standing = (struct ax_backfill_standing){.phase = AX_BACKFILL_FAILED, .reason = "memory"};
    w.diag.text[0] = '\0';
    enum ax_err err =
        ax_backfill_run_new(&w.env, w.config, &w.config->jobs[0], NULL, &w.settled, &run, &w.diag);
    assert_true(run ? err == AX_OK : err == AX_NOMEM);
    for (int i = 0; run && i < 100; i++) {
        (void)ax_backfill_advance(run, &w.diag); /* it waits for nothing: no time passes */
        *standing = ax_backfill_run_standing(run);
        if (standing->phase >= AX_BACKFILL_DONE || standing->taken)
            break;
    }
    ax_backfill_run_free(run);
    return standing->taken;
}

/* Values that the models of a series see. */
static bool count_past(void *ctx, const struct ax_modelled *m)
{
    uint32_t n = ax_window_fine(m->window).n, *least = ctx;
    *least = n < *least ? n : *least;
    return true;
}

static uint32_t least_past(void)
{
    uint32_t n = UINT32_MAX;
    assert_int_equal(ax_pipeline_all_series(w.rig.pipeline, 1000, count_past, &n), AX_OK);
    return n;
}

/* Let the nth call of these kinds fail in a run, and have another run do what that one did not. Returns how
 * many calls failed; *ended: the run did, by this reason and with a text
 * that has this part. */
static uint32_t fail_once(unsigned kinds, uint32_t nth, const char *reason, const char *part, bool *ended)
{
    struct ax_backfill_standing s;
    begin();
    failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = EIO});
    const uint32_t taken = run_it(&s), failed = failing_end();
    *ended = taken < SERIES;
    if (*ended) {
        if (s.phase != AX_BACKFILL_FAILED || strcmp(s.reason, reason) != 0 || !w.diag.text[0] ||
            !strstr(w.diag.text, part))
            fail_msg("failure %u: phase %d (%s): %s", nth, (int)s.phase, s.reason, w.diag.text);
        if (taken == 0)
            assert_int_equal(least_past(), 1); /* of the job in service nothing has changed */
        assert_int_equal(run_it(&s) + taken, SERIES);
    }
    assert_true(least_past() > HISTORY / 2);
    feed(HISTORY + 1);
    end();
    return failed;
}

static void without_memory_it_is_handed_over_or_the_next_run_does_it(void **state)
{
    (void)state;
    uint32_t ended = 0, survived = 0;
    bool one;
    for (uint32_t nth = 1; fail_once(FAILING_MEMORY | FAILING_MAP, nth, "memory", "memory", &one); nth++) {
        ended += one;
        survived += !one;
    }
    assert_true(ended > 50);
    assert_true(survived > 0); /* what can be done without */
}

static void with_a_password_that_cannot_be_read_it_is_asked_for_again(void **state)
{
    (void)state;
    uint32_t ended = 0, survived = 0;
    bool one;
    for (uint32_t nth = 1; fail_once(FAILING_OPEN | FAILING_READ, nth, "endpoint", password, &one); nth++) {
        ended += one;
        survived += !one;
    }
    assert_true(ended > 0);    /* at the first question */
    assert_true(survived > 0); /* later: the portion is asked for again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_is_handed_over_or_the_next_run_does_it),
        cmocka_unit_test(with_a_password_that_cannot_be_read_it_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
