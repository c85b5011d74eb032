/* What belongs together is handed to the sink as one unit, and what the sink refuses is handed over again
 * before anything else is said. */
#include "ax_test.h"
#include "ledger.h"
#include "rig.h"

#include <stdio.h>

#define TWO_JOBS                                                                                             \
    "global: {evaluation_delay: 0s}\n"                                                                       \
    "jobs: [{name: a, expr: m, anomaly: {}}, {name: b, expr: m, anomaly: {}}]\n"
#define JOB_A "global: {evaluation_delay: 0s}\njobs: [{name: a, expr: m, anomaly: {}}]\n"
#define NO_JOBS "global: {evaluation_delay: 0s}\njobs: []\n"
#define INFO(job) "model_info{for=\"" job "\",role=\"champion\",version=\"" AX_VERSION "\"}"

struct world {
    struct rig rig; /* its sink is not used */
    struct ledger ledger;
};

static void begin(struct world *w, const char *yaml)
{
    memset(w, 0, sizeof *w);
    rig_init(&w->rig, NO_JOBS);
    ax_pipeline_free(w->rig.pipeline);
    w->rig.pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = w->rig.db,
                                                                    .sink = ledger_sink(&w->ledger),
                                                                    .clock = ax_clock_virtual(&w->rig.now_ms),
                                                                    .max_range_ms = 3600000,
                                                                    .seed = 42});
    assert_non_null(w->rig.pipeline);
    rig_load(&w->rig, yaml);
}

static void end(struct world *w)
{
    rig_done(&w->rig);
    ledger_done(&w->ledger);
}

static void feed(struct world *w, int64_t t_ms)
{
    (void)rig_append(&w->rig, "m", t_ms, (double)(t_ms / RIG_STEP % 7));
    rig_run_to(&w->rig, t_ms);
}

/* Times of a series, stale markers negative; "-" when there is none. */
static const char *times(const struct world *w, const char *series)
{
    static char text[1024];
    const struct memory_series *s = memory_find(&w->ledger.taken, series);
    size_t n = 0;
    (void)snprintf(text, sizeof text, "-");
    for (uint32_t i = 0; s && i < s->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%lld", i ? " " : "",
                              ax_is_stale(s->v[i].value) ? "-" : "", (long long)(s->v[i].t_ms - RIG_START));
    return text;
}

static void each_step_of_each_job_is_a_unit(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TWO_JOBS);
    feed(&w, RIG_START);
    feed(&w, RIG_START + RIG_STEP);
    assert_int_equal(w.ledger.commits, 4);
    assert_int_equal(w.ledger.put_n, 0);
    end(&w);
}

/* 120 bytes; names of jobs have up to 128. */
#define LONG                                                                                                 \
    "012345678901234567890123456789012345678901234567890123456789"                                           \
    "012345678901234567890123456789012345678901234567890123456789"

static void jobs_whose_long_names_differ_at_the_end_are_two_units(void **state)
{
    (void)state;
    struct world w;
    struct ax_job_status status;
    char name[AX_JOB_NAME_MAX + 1];
    begin(&w, "global: {evaluation_delay: 0s}\n"
              "jobs: [{name: " LONG "abcdefga, expr: m, anomaly: {}}, {name: " LONG
              "abcdefgb, expr: m, anomaly: {}},\n"
              "       {name: " LONG "abcdef\xC3\xA9, expr: m, anomaly: {}}]\n");
    feed(&w, RIG_START);
    feed(&w, RIG_START + RIG_STEP);
    assert_int_equal(w.ledger.commits, 6);
    assert_int_equal(w.ledger.replayed, 0);
    assert_true(ax_pipeline_job_status(w.rig.pipeline, 2, name, sizeof name, &status));
    assert_string_equal(name, LONG "abcdef\xC3\xA9");
    end(&w);
}

static void a_unit_that_is_refused_is_handed_over_again_before_the_next_step(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TWO_JOBS);
    w.ledger.refuse = 3;
    feed(&w, RIG_START); /* a was refused, b waits */
    assert_int_equal(w.ledger.commits, 0);
    for (int i = 0; i < 2; i++) {
        rig_run_to(&w.rig, w.rig.now_ms + 999); /* not at once again */
        rig_run_to(&w.rig, w.rig.now_ms + 1);
        assert_int_equal(w.ledger.commits, 0);
    }
    rig_run_to(&w.rig, w.rig.now_ms + 1000);
    assert_int_equal(w.ledger.commits, 2);
    assert_string_equal(times(&w, INFO("a")), "0");
    assert_string_equal(times(&w, INFO("b")), "0");
    end(&w);
}

static void the_end_of_a_job_is_a_unit_after_its_last_step(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TWO_JOBS);
    feed(&w, RIG_START);
    rig_load(&w.rig, JOB_A);
    assert_int_equal(w.ledger.commits, 3);
    assert_string_equal(times(&w, INFO("b")), "0 -1");
    feed(&w, RIG_START + RIG_STEP);
    assert_string_equal(times(&w, INFO("a")), "0 15000");
    end(&w);
}

static void jobs_whose_end_is_refused_stay_until_it_is_taken(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TWO_JOBS);
    feed(&w, RIG_START);
    w.ledger.refuse = 2;
    rig_load(&w.rig, NO_JOBS); /* the end of one is refused, the other waits for it */
    assert_int_equal(w.ledger.commits, 2);
    rig_load(&w.rig, JOB_A); /* and one is back before; refused again */
    assert_int_equal(w.ledger.commits, 2);
    feed(&w, RIG_START + RIG_STEP); /* all that waited, and then its step */
    assert_int_equal(w.ledger.commits, 5);
    assert_string_equal(times(&w, INFO("a")), "0 -1 15000");
    assert_string_equal(times(&w, INFO("b")), "0 -1");
    end(&w);
}

static void repeated_results_are_a_unit(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "global: {step: 5m, evaluation_delay: 0s}\njobs: [{name: a, expr: m, anomaly: {}}]\n");
    int64_t start = RIG_START - RIG_START % 300000 + 300000, offset = start - RIG_START;
    char expected[64];
    feed(&w, start);
    w.rig.now_ms = start + 60000;
    w.ledger.refuse = 1;
    ax_pipeline_repeat(w.rig.pipeline); /* refused */
    ax_pipeline_repeat(w.rig.pipeline); /* waits */
    w.rig.now_ms = start + 61000;
    ax_pipeline_repeat(w.rig.pipeline);
    assert_int_equal(w.ledger.commits, 2);
    /* In the millisecond before the next step it may have to end. */
    w.rig.now_ms = start + 299999;
    ax_pipeline_repeat(w.rig.pipeline);
    assert_int_equal(w.ledger.commits, 2);
    (void)snprintf(expected, sizeof expected, "%lld %lld", (long long)offset, (long long)offset + 60000);
    assert_string_equal(times(&w, INFO("a")), expected);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_of_each_job_is_a_unit),
        cmocka_unit_test(jobs_whose_long_names_differ_at_the_end_are_two_units),
        cmocka_unit_test(a_unit_that_is_refused_is_handed_over_again_before_the_next_step),
        cmocka_unit_test(the_end_of_a_job_is_a_unit_after_its_last_step),
        cmocka_unit_test(jobs_whose_end_is_refused_stay_until_it_is_taken),
        cmocka_unit_test(repeated_results_are_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
