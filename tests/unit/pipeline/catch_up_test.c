/* A sender that catches up after an outage gets every step evaluated, on the samples of its time. */
#include "ax_test.h"
#include "pipeline/schedule.h"
#include "rig.h"
#include "series_world.h"

#include <math.h>

#define BEFORE 20 /* steps as usual */
#define OUTAGE 160

struct service {
    struct ax_db *db;
    struct ax_pipeline *pipeline;
    struct memory_sink sink;
    int64_t now_ms;
};

static struct service s;

static void begin(int64_t catch_up_ms)
{
    struct ax_diag diag = {{0}};
    s = (struct service){.now_ms = RIG_START};
    s.db = ax_db_new(&(struct ax_db_options){.seed = 3, .negative_max = 1024, .catch_up_ms = catch_up_ms});
    assert_non_null(s.db);
    s.pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = s.db,
                                                               .sink = memory_sink(&s.sink),
                                                               .clock = ax_clock_virtual(&s.now_ms),
                                                               .max_range_ms = 3600000,
                                                               .catch_up_ms = catch_up_ms,
                                                               .seed = 42});
    assert_non_null(s.pipeline);
    assert_int_equal(
        ax_pipeline_load(s.pipeline, rig_config("jobs: [{name: j, expr: m, anomaly: {}}]\n"), &diag), AX_OK);
}

static void end(void)
{
    ax_pipeline_free(s.pipeline);
    ax_db_free(s.db);
    memory_sink_done(&s.sink);
}

static double value_of(int64_t step)
{
    return (double)(step % 97);
}

static void send(int64_t step)
{
    struct ax_buf key;
    const struct ax_sample sample = {RIG_START + step * RIG_STEP, value_of(step)};
    assert_int_equal(
        ax_db_append(s.db, ax_str(""), series_world_key(&key, "m{i=\"1\"}"), &sample, 1, NULL, NULL),
        AX_FATE_WANTED);
    ax_buf_done(&key);
}

/* Let a second pass, and another one. */
static void pass(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        s.now_ms += 1000;
        (void)ax_pipeline_run_due(s.pipeline);
    }
}

/* The window's newest steps: how many of them have the value of their time. */
struct seen {
    uint32_t right, wrong;
    int64_t end_ms;
};

static bool look(void *ctx, const struct ax_modelled *m)
{
    struct seen *seen = ctx;
    const struct ax_view v = ax_window_fine(m->window);
    seen->end_ms = v.end_ms;
    for (uint32_t i = 0; i < v.n; i++) {
        int64_t step = (v.end_ms - (int64_t)(v.n - 1 - i) * v.step_ms - RIG_START) / RIG_STEP;
        if ((double)v.v[i] == value_of(step))
            seen->right++;
        else
            seen->wrong++;
    }
    return true;
}

/* Forty minutes without us; then the sender sends all of it in a moment, and goes on. */
static struct seen live(int64_t catch_up_ms)
{
    struct seen seen = {0};
    begin(catch_up_ms);
    for (int64_t step = 0; step < BEFORE; step++) {
        send(step);
        pass(RIG_STEP / 1000);
    }
    s.now_ms += OUTAGE * RIG_STEP;
    for (int64_t step = BEFORE; step < BEFORE + OUTAGE; step++)
        send(step);
    for (int64_t step = BEFORE + OUTAGE; step < 2 * BEFORE + OUTAGE; step++) {
        send(step);
        pass(RIG_STEP / 1000);
    }
    assert_true(ax_pipeline_each_series(s.pipeline, ax_str("j"), look, &seen));
    end();
    return seen;
}

static void every_step_of_an_outage_is_evaluated(void **state)
{
    (void)state;
    struct seen seen = live(AX_STEP_CATCH_UP_MS);
    assert_int_equal(seen.wrong, 0);
    assert_in_range(seen.right, BEFORE + OUTAGE + BEFORE - 4, BEFORE + OUTAGE + BEFORE);
    assert_true(seen.end_ms >= RIG_START + (2 * BEFORE + OUTAGE - 3) * (int64_t)RIG_STEP);
}

static void without_that_steps_are_passed_over(void **state)
{
    (void)state;
    struct seen seen = live(0);
    assert_in_range(seen.wrong, OUTAGE - 40, OUTAGE);
    assert_true(seen.end_ms >= RIG_START + (2 * BEFORE + OUTAGE - 3) * (int64_t)RIG_STEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_of_an_outage_is_evaluated),
        cmocka_unit_test(without_that_steps_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
