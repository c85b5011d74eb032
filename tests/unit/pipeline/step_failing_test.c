/* Steps and memory: in the steady state a step takes none, and one that meets a lack of it loses no more than
 * itself. */
#include "ax_test.h"
#include "failing.h"
#include "prom/sample.h"
#include "rig.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SERIES 6
#define OUTPUTS 166 /* of both jobs, with all series */
#define WARM 60     /* steps */
#define AFTER 60
#define FULL 1400 /* when the windows are full, and what grows with them has its last size */
#define REFIT 260

static const char yaml[] = "jobs:\n"
                           "- name: target\n"
                           "  expr: load\n"
                           "  forecast: {output: predicted_load, horizons: [15s, 1m]}\n"
                           "  anomaly: {}\n"
                           "  drift: {}\n"
                           "- name: entity\n"
                           "  by: [instance]\n"
                           "  features: {load: load, rate: 'rate(load[1m])'}\n"
                           "  anomaly: {}\n"
                           "  drift: {}\n";

/* A sink that needs no memory. */
struct ax_out {
    uint64_t labels; /* hash; 0: free */
    uint32_t open_n, samples_n;
    int64_t newest_ms;
};

static struct ax_out outs[4096];

static struct ax_out *out_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    uint64_t hash = ax_labels_hash(labels, 1);
    for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++)
        if (outs[i].labels == hash || outs[i].labels == 0) {
            outs[i].labels = hash;
            outs[i].open_n++;
            return &outs[i];
        }
    return NULL;
}

static void out_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx;
    (void)value;
    out->samples_n++;
    out->newest_ms = t_ms;
}

static void out_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx;
    (void)t_ms;
    out->open_n--;
}

static const struct ax_sink tally = {.open = out_open, .put = out_put, .close = out_close};

/* A pipeline with both jobs over a virtual clock. */
static void begin(struct rig *r)
{
    struct ax_diag diag = {{0}};
    memset(outs, 0, sizeof outs);
    *r = (struct rig){.now_ms = RIG_START};
    r->db = ax_db_new(&(struct ax_db_options){.seed = 7, .negative_max = 1024, .retention_ms = 360000});
    r->paths = ax_paths_new();
    r->pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = r->db,
                                                                .sink = tally,
                                                                .paths = r->paths,
                                                                .clock = ax_clock_virtual(&r->now_ms),
                                                                .max_range_ms = 3600000,
                                                                .seed = 42});
    assert_true(r->db && r->paths && r->pipeline);
    if (ax_pipeline_load(r->pipeline, rig_config(yaml), &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

/* Give each of n series a sample of a step. */
static void feed(struct rig *r, uint32_t step, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char series[64];
        (void)snprintf(series, sizeof series, "load{instance=\"%" PRIu32 "\"}", i);
        (void)rig_append(r, series, RIG_START + (int64_t)step * RIG_STEP,
                         100.0 + 10 * sin((double)step / 7 + i));
    }
}

/* Let the time of a step pass, second by second, and what is due be taken: the step before. */
static void take(struct rig *r, uint32_t step)
{
    for (int64_t ms = 0; ms < RIG_STEP; ms += 1000)
        rig_run_to(r, RIG_START + (int64_t)step * RIG_STEP + ms);
}

/* Outputs that were fed at a step. */
static uint32_t fed_at(uint32_t step)
{
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof outs / sizeof outs[0]; i++)
        n += outs[i].labels && outs[i].newest_ms == RIG_START + (int64_t)step * RIG_STEP;
    return n;
}

static void in_the_steady_state_a_step_takes_no_memory(void **state)
{
    (void)state;
    struct rig r;
    uint32_t step = 0;
    begin(&r);
    for (; step < FULL; step++) {
        feed(&r, step, SERIES);
        take(&r, step);
    }
    for (; step < FULL + REFIT; step++) { /* in which forecasts are refitted, and drift is tested */
        feed(&r, step, SERIES);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
        take(&r, step);
        uint32_t n = failing_calls();
        (void)failing_end();
        if (n)
            fail_msg("step %" PRIu32 " made %" PRIu32 " allocations", step, n);
    }
    assert_true(fed_at(step - 2) > OUTPUTS / 2); /* what contributes to a score is told only above 1 */
    rig_done(&r);
}

/* Take a step that one more series joins, with its nth allocation failing. Returns whether one did. */
static bool take_one_without_memory(struct rig *r, uint32_t nth)
{
    uint32_t step = 0;
    for (; step < WARM; step++) {
        feed(r, step, SERIES - 1);
        take(r, step);
    }
    feed(r, step, SERIES);
    take(r, step++);
    feed(r, step, SERIES); /* whose time makes the step before due */
    failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
    take(r, step);
    return failing_end() > 0;
}

static void a_step_without_memory_loses_no_more_than_itself(void **state)
{
    (void)state;
    const uint32_t stride = 4 / ax_test_rounds(4);
    uint32_t nth = 1;
    for (bool failed = true; failed; nth += stride) {
        struct rig r;
        begin(&r);
        failed = take_one_without_memory(&r, nth);
        uint32_t step = WARM + 2;
        for (; step < WARM + AFTER; step++) {
            feed(&r, step, SERIES);
            take(&r, step);
        }
        if (fed_at(step - 2) != OUTPUTS)
            fail_msg("after allocation %" PRIu32 " failed, %" PRIu32 " outputs of %d", nth, fed_at(step - 2),
                     OUTPUTS);
        rig_done(&r);
    }
    assert_true(nth > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_steady_state_a_step_takes_no_memory),
        cmocka_unit_test(a_step_without_memory_loses_no_more_than_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
