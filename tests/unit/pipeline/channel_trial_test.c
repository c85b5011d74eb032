/* What two generations forecast waits until it has come true, and their losses are what they should be. */
#include "ax_test.h"
#include "pipeline/channel_trial.h"

#include <string.h>

static const struct ax_speaker_spec spec = {.leads = {1, 3, 100}, .leads_n = 3};

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
    const struct ax_speaker_spec far = {.leads = {1, 60}, .leads_n = 2};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_in_the_series_own_measure_at_the_leads_that_are_compared),
        cmocka_unit_test(a_long_lead_makes_pairs_of_several_steps),
        cmocka_unit_test(what_waits_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
