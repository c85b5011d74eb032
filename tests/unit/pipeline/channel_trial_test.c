/* What two generations forecast waits until it has come true, and their losses are what they should be; a job
 * that was saved and read in the middle of a trial goes on as if nothing had been. */
#include "ax_test.h"
#include "entity_rig.h"
#include "math/blas.h"
#include "pipeline/channel_trial.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct ax_lstm_spec spec = {.leads = {1, 3, 100}, .leads_n = 3};

/* A step of n series of which each value is 10 times its number and the step; live is off by 1 scale at lead
 * 1 and 2 at lead 3, shadow by 3 and 4. */
static bool step(struct ax_channel_trial *t, int64_t at, uint32_t n, const char *shadow_name, double loss[2])
{
    uint32_t serials[600];
    double values[600], scales[600], live[1800], shadow[1800];
    for (uint32_t i = 0; i < n; i++) {
        const double scale = i + 1;
        serials[i] = 2 * i;
        values[i] = 10.0 * i + (double)at;
        scales[i] = scale;
        for (uint32_t k = 0; k < 3; k++) {
            const double true_value = 10.0 * i + (double)at + spec.leads[k];
            live[3 * i + k] = true_value + scale * (k == 0 ? 1 : 2);
            shadow[3 * i + k] = true_value - scale * (k == 0 ? 3 : 4);
        }
    }
    const struct ax_rivals r = {n, serials, values, scales, live, shadow};
    return ax_channel_trial_step(t, "a", shadow_name, at, &r, loss);
}

static void losses_are_in_the_series_own_measure_at_the_leads_that_are_compared(void **state)
{
    struct ax_channel_trial *t = ax_channel_trial_new(&spec, 240);
    struct ax_trial_rule rule = {.shadows = true};
    double loss[2];
    (void)state;
    assert_non_null(t);
    ax_channel_trial_rule(t, 240, &rule);
    assert_int_equal(rule.block, 1);
    assert_int_equal(rule.lags, 2); /* of 3 steps; 100 are too many */
    for (int64_t at = 1000; at < 1003; at++)
        assert_false(step(t, at, 600, "b", loss)); /* the longer lead has nothing yet */
    assert_true(step(t, 1003, 600, "b", loss));
    ax_assert_close(loss[0], 1.5, 1e-4);
    ax_assert_close(loss[1], 3.5, 1e-4);
    assert_true(step(t, 1004, 300, "b", loss)); /* half of them are gone */
    ax_assert_close(loss[0], 1.5, 1e-4);
    assert_false(step(t, 1006, 600, "b", loss)); /* a step was passed over */
    assert_false(step(t, 1007, 600, "c", loss)); /* another pair begins anew */
    assert_false(step(t, 1008, 600, "c", loss));
    assert_false(step(t, 1009, 600, "c", loss));
    assert_true(step(t, 1010, 600, "c", loss));
    ax_channel_trial_free(t);
}

static void a_long_lead_makes_pairs_of_several_steps(void **state)
{
    const struct ax_lstm_spec far = {.leads = {1, 60}, .leads_n = 2};
    struct ax_channel_trial *t = ax_channel_trial_new(&far, 240);
    struct ax_trial_rule rule = {.shadows = true};
    (void)state;
    ax_channel_trial_rule(t, 240, &rule);
    assert_int_equal(rule.block, 5);
    assert_int_equal(rule.lags, 12); /* 240 pairs are 20 for each */
    ax_channel_trial_free(t);
}

static void what_waits_is_saved(void **state)
{
    struct ax_channel_trial *a = ax_channel_trial_new(&spec, 240), *b = ax_channel_trial_new(&spec, 240);
    struct ax_buf saved, again;
    double one[2], two[2];
    (void)state;
    ax_buf_init(&saved, 1u << 20);
    ax_buf_init(&again, 1u << 20);
    for (int64_t at = 7; at < 12; at++)
        (void)step(a, at, 20, "b", one);
    ax_channel_trial_save(a, &saved);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_channel_trial_load(b, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_true(step(a, 12, 20, "b", one) && step(b, 12, 20, "b", two));
    assert_memory_equal(one, two, sizeof one);
    ax_buf_reset(&saved);
    ax_channel_trial_save(a, &saved);
    ax_channel_trial_save(b, &again);
    assert_true(saved.n == again.n && memcmp(saved.bytes, again.bytes, saved.n) == 0);
    for (size_t n = 0; n < saved.n; n += 97) { /* cut */
        in = ax_bytes_of((struct ax_str){(const char *)saved.bytes, n});
        assert_int_not_equal(ax_channel_trial_load(b, &in), AX_OK);
    }
    ax_channel_trial_free(a);
    ax_channel_trial_free(b);
    ax_buf_done(&saved);
    ax_buf_done(&again);
}

/* ---- a job ---- */

#define START INT64_C(1700000160000)
#define STEP 15000
#define STEPS 240
#define CHANGED 70

static const char yaml[] =
    "jobs:\n"
    "  - name: load\n"
    "    expr: x\n"
    "    evaluation_delay: 0s\n"
    "    window: {fine: 60, coarse: 60}\n"
    "    models: {min_samples: 20, watch_samples: 48}\n"
    "    forecast: {horizons: [15s, 30s], lstm: {preset: internet, sequence: 3, epochs: 6}}\n";

static double value_of(uint32_t series, uint32_t i)
{
    const double noise = (double)((i * 7919 + series * 104729) % 101) / 50;
    return i < CHANGED ? 100 + 30 * sin(0.5 * i + series) + noise
                       : 300 + ((i + series) % 5 < 2 ? -90 : 90) + noise;
}

static void run(struct entity_rig *r, uint32_t i)
{
    char name[8];
    for (uint32_t s = 0; s < 4; s++) {
        (void)snprintf(name, sizeof name, "%u", s);
        entity_rig_append(r, "x", name, START + (int64_t)i * STEP, value_of(s, i));
    }
    entity_rig_step(r, START + (int64_t)i * STEP);
}

static bool was_in(const struct entity_rig *r, const char *phase)
{
    char name[128];
    (void)snprintf(name, sizeof name, "model_phase{for=\"load\",model=\"lstm\",phase=\"%s\"}", phase);
    return entity_rig_largest(r, name, START, START + (int64_t)STEPS * STEP) > 0;
}

static void a_job_that_was_saved_and_read_in_a_trial_goes_on_with_it(void **state)
{
    char dir[2][SCRATCH_PATH], snapshots[SCRATCH_PATH];
    struct entity_rig a, b;
    (void)state;
    scratch_make(dir[0], NULL);
    scratch_make(dir[1], NULL);
    scratch_make(snapshots, "snapshots");
    entity_rig_init(&a, yaml, dir[0]);
    entity_rig_init(&b, yaml, dir[1]);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == 132 || i == 133 || i == 148 || i == 153 || i == 170)
            entity_rig_restart(&b, snapshots, i);
        run(&a, i);
        run(&b, i);
    }
    assert_true(was_in(&a, "shadow") && was_in(&a, "watch"));
    entity_rig_equal(&a, &b);
    entity_rig_done(&a);
    entity_rig_done(&b);
    scratch_remove(dir[0]);
    scratch_remove(dir[1]);
    scratch_remove(snapshots);
}

static int start(void **state)
{
    (void)state;
    return ax_blas_setup(NULL) != AX_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_in_the_series_own_measure_at_the_leads_that_are_compared),
        cmocka_unit_test(a_long_lead_makes_pairs_of_several_steps),
        cmocka_unit_test(what_waits_is_saved),
        cmocka_unit_test(a_job_that_was_saved_and_read_in_a_trial_goes_on_with_it),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
