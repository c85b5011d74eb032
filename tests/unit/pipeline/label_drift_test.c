/* The values that a label has among the series of a job are tested against what its model learnt from: more
 * series of one value are drift of the data, until then there is none, and a job that was saved and read says
 * the same. */
#include "ax_test.h"
#include "entity_rig.h"
#include "group.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>

#define START INT64_C(1700000100000) /* a multiple of 5 min */
#define STEP 15000
#define STEPS 200
#define CHANGED 130
#define SERIES 40
#define SCORE "drift_score{feature=\"label:instance\",for=\"load\",test=\"chi_square\"}"

static const char yaml[] =
    "jobs:\n"
    "  - name: load\n"
    "    expr: '{__name__=~\"x.+\"}'\n"
    "    evaluation_delay: 0s\n"
    "    window: {fine: 80, coarse: 80}\n"
    "    drift: {reference: 40, current: 30, interval: 30s}\n"
    "    forecast: {horizons: [15s], lstm: {preset: internet, sequence: 3, epochs: 2, fit_every: 1d,\n"
    "               categorical: [instance]}}\n";

/* Half of the series are in "eu", a tenth of them later. */
static void run(struct entity_rig *r, uint32_t i)
{
    const uint32_t in_eu = i < CHANGED ? SERIES / 2 : SERIES / 10;
    for (uint32_t s = 0; s < SERIES; s++) {
        char name[8];
        (void)snprintf(name, sizeof name, "x%u", s);
        entity_rig_append(r, name, s < in_eu ? "eu" : "us", START + i * STEP,
                          100 + 10 * sin(0.5 * i + s) + (double)((i * 7919 + s * 104729) % 101) / 50);
    }
    entity_rig_step(r, START + (int64_t)i * STEP);
}

static double largest(const struct entity_rig *r, const char *series, uint32_t from, uint32_t until)
{
    return entity_rig_largest(r, series, START + (int64_t)from * STEP, START + (int64_t)until * STEP);
}

static void more_series_of_a_value_than_the_model_knows_are_drift(void **state)
{
    struct entity_twins t;
    (void)state;
    entity_twins_init(&t, yaml);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == 110 || i == 150)
            entity_twins_restart(&t, i);
        run(&t.a, i);
        run(&t.b, i);
    }
    assert_true(largest(&t.a, SCORE, 0, CHANGED) < 1e-9);
    ax_assert_close(largest(&t.a, SCORE, CHANGED + 5, STEPS), sqrt(256.0 / (24 * 56)), 1e-9);
    assert_true(largest(&t.a, "drifted_features{for=\"load\"}", CHANGED + 5, STEPS) >= 1);
    assert_true(largest(&t.a, "drift_detected{for=\"load\",kind=\"data\"}", CHANGED + 5, STEPS) > 0);
    entity_twins_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_series_of_a_value_than_the_model_knows_are_drift),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
