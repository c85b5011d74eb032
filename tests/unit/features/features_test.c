/* The feature table gives SciPy's numbers, and says what it does with gaps and short pasts. */
#include "../../golden/golden.h"
#include "ax_test.h"
#include "features/features.h"

#include <math.h>
#include <string.h>

#define N ((uint32_t)(sizeof golden_features_series / sizeof golden_features_series[0]))

static enum ax_err compute(const float *v, uint32_t n, int64_t t_ms, double *out)
{
    struct ax_arena scratch;
    ax_arena_init(&scratch, 1U << 20);
    struct ax_view past = {.v = v, .n = n, .end_ms = t_ms, .step_ms = 15000};
    enum ax_err err = ax_features_compute(&past, t_ms, &scratch, out);
    ax_arena_done(&scratch);
    return err;
}

static void features_are_those_of_scipy(void **state)
{
    (void)state;
    float v[N];
    double out[AX_FEATURES_N];
    for (uint32_t i = 0; i < N; i++)
        v[i] = (float)golden_features_series[i];
    assert_int_equal(compute(v, N, 0, out), AX_OK);
    for (int i = AX_FEATURE_since_spike; i < AX_FEATURES_N; i++)
        ax_assert_close(out[i], golden_features[i - AX_FEATURE_since_spike], 1e-9);
}

static void the_calendar_turns_once_a_day_and_once_a_week(void **state)
{
    (void)state;
    const float v[1] = {1};
    double out[AX_FEATURES_N];
    /* Monday 2024-01-01 00:00 UTC, and Wednesday 2024-01-03 18:00 UTC. */
    assert_int_equal(compute(v, 1, 1704067200000LL, out), AX_OK);
    ax_assert_close(out[AX_FEATURE_hour_sin], 0, 1e-12);
    ax_assert_close(out[AX_FEATURE_hour_cos], 1, 1e-12);
    ax_assert_close(out[AX_FEATURE_day_sin], 0, 1e-12);
    ax_assert_close(out[AX_FEATURE_day_cos], 1, 1e-12);
    assert_int_equal(compute(v, 1, 1704304800000LL, out), AX_OK);
    ax_assert_close(out[AX_FEATURE_hour_sin], -1, 1e-12);
    ax_assert_close(out[AX_FEATURE_day_sin], sin(2 * M_PI * 2.75 / 7), 1e-12);
}

static void gaps_are_skipped_bridged_or_joined(void **state)
{
    (void)state;
    float whole[64], gappy[64];
    for (int i = 0; i < 64; i++)
        whole[i] = gappy[i] = (float)i;
    gappy[40] = gappy[41] = gappy[62] = NAN;
    double a[AX_FEATURES_N], b[AX_FEATURES_N];
    assert_int_equal(compute(whole, 64, 0, a), AX_OK);
    assert_int_equal(compute(gappy, 64, 0, b), AX_OK);
    ax_assert_close(b[AX_FEATURE_lag_1], 61, 0);
    ax_assert_close(b[AX_FEATURE_diff_1], 2, 0);
    ax_assert_close(b[AX_FEATURE_lag_10], 53, 0);
    ax_assert_close(b[AX_FEATURE_mean], (63 * 64 / 2.0 - 40 - 41 - 62) / 61, 1e-12);
    ax_assert_close(b[AX_FEATURE_dominant_frequency], a[AX_FEATURE_dominant_frequency], 1e-12);
    ax_assert_close(b[AX_FEATURE_spectral_entropy], a[AX_FEATURE_spectral_entropy], 1e-9);
}

static void a_past_without_values_is_not_ready(void **state)
{
    (void)state;
    const float v[3] = {NAN, NAN, NAN};
    double out[AX_FEATURES_N];
    assert_int_equal(compute(v, 3, 0, out), AX_NOTREADY);
    assert_true(isnan(out[AX_FEATURE_mean]) && isnan(out[AX_FEATURE_lag_1]));
    assert_int_equal(compute(v, 0, 0, out), AX_NOTREADY);
    assert_true(out[AX_FEATURE_hour_cos] == 1);
}

static void a_constant_past_has_no_spread_and_no_spike(void **state)
{
    (void)state;
    float v[100];
    for (int i = 0; i < 100; i++)
        v[i] = 0.1F;
    double out[AX_FEATURES_N];
    assert_int_equal(compute(v, 100, 0, out), AX_OK);
    ax_assert_close(out[AX_FEATURE_since_spike], 1500, 0);
    assert_true(out[AX_FEATURE_skewness] == 0 && out[AX_FEATURE_kurtosis] == 0);
    assert_true(out[AX_FEATURE_dominant_frequency] == 0 && out[AX_FEATURE_spectral_entropy] == 0);
    v[89] = 1; /* more than half of the values are the median itself */
    assert_int_equal(compute(v, 100, 0, out), AX_OK);
    ax_assert_close(out[AX_FEATURE_since_spike], 150, 0);
}

static void features_depend_on_nothing_but_the_view(void **state)
{
    (void)state;
    float v[200];
    double a[AX_FEATURES_N], b[AX_FEATURES_N];
    for (int i = 0; i < 200; i++)
        v[i] = (float)golden_series[i];
    assert_int_equal(compute(v, 150, 0, a), AX_OK);
    for (int i = 150; i < 200; i++)
        v[i] = -1e6F;
    assert_int_equal(compute(v, 150, 0, b), AX_OK);
    assert_memory_equal(a, b, sizeof a);
}

static void the_table_has_names_units_and_a_hash(void **state)
{
    (void)state;
    for (int i = 0; i < AX_FEATURES_N; i++) {
        const struct ax_feature_info *info = ax_feature_info((enum ax_feature)i);
        assert_true(strlen(info->name) > 0 && strlen(info->unit) > 0 && strlen(info->help) > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(info->name, ax_feature_info((enum ax_feature)k)->name);
    }
    assert_string_equal(ax_feature_info(AX_FEATURE_p95)->name, "p95");
    assert_true(ax_features_hash() != 0 && ax_features_hash() == ax_features_hash());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_those_of_scipy),
        cmocka_unit_test(the_calendar_turns_once_a_day_and_once_a_week),
        cmocka_unit_test(gaps_are_skipped_bridged_or_joined),
        cmocka_unit_test(a_past_without_values_is_not_ready),
        cmocka_unit_test(a_constant_past_has_no_spread_and_no_spike),
        cmocka_unit_test(features_depend_on_nothing_but_the_view),
        cmocka_unit_test(the_table_has_names_units_and_a_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
