/* The shape of a period: the period is found, a shape that was never there is far, what was flagged is left
 * out. */
#include "anomaly/sub_pca.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define N 960

/* Noise about a cycle of so many steps with a second harmonic; 0: noise alone. */
static void make(float *v, uint32_t n, double period)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < n; i++) {
        const double phase = period > 0 ? 2 * acos(-1) * i / period : 0;
        v[i] = (float)(1000 + (period > 0 ? 50 * sin(phase) + 50 * sin(2 * phase) : 0) + ax_rng_normal(&rng));
    }
}

static void the_period_of_a_cycle_is_found(void **state)
{
    (void)state;
    float v[N];
    const double periods[] = {36, 96, 240, 300};
    for (uint32_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        make(v, N, periods[i]);
        const uint32_t found = ax_sub_pca_period(v, N);
        assert_true(found >= periods[i] - 1 && found <= periods[i] + 1);
        for (uint32_t k = 400; k < 420; k++)
            v[k] = NAN;
        assert_int_equal(ax_sub_pca_period(v, N), found);
    }
}

static void noise_and_what_does_not_vary_have_none(void **state)
{
    (void)state;
    float v[N];
    make(v, N, 0);
    assert_int_equal(ax_sub_pca_period(v, N), 0);
    for (uint32_t i = 0; i < N; i++)
        v[i] = 7;
    assert_int_equal(ax_sub_pca_period(v, N), 0);
    struct ax_sub_pca s = {0};
    assert_false(ax_sub_pca_fit(&s, v, N, NULL, 4));
    assert_true(isnan(ax_sub_pca_distance(&s, v, N, NULL)));
    for (uint32_t i = 0; i < N; i++)
        v[i] = NAN;
    assert_int_equal(ax_sub_pca_period(v, N), 0);
    assert_false(ax_sub_pca_fit(&s, v, N, NULL, 4));
    assert_true(isnan(ax_sub_pca_step(&s, v, N, NULL, 0)));
}

static void a_cycle_that_stays_away_is_far_although_no_value_is(void **state)
{
    (void)state;
    static float v[2 * N];
    struct ax_sub_pca s = {0};
    double usual = 0, late = 0;
    make(v, 2 * N, 96);
    for (uint32_t i = N + 400; i < N + 496; i++)
        v[i] += (float)(50 * sin(6 * acos(-1) * i / 96) -
                        50 * sin(4 * acos(-1) * i / 96)); /* thrice as fast, not twice */
    for (uint32_t i = 0; i < N + 496; i++) {
        const uint32_t from = i >= N ? i + 1 - N : 0;
        const bool fitted = s.spacing > 0;
        const double distance = ax_sub_pca_step(&s, v + from, i + 1 - from, NULL, 5);
        assert_int_equal(isnan(distance), !fitted);
        if (i >= N && i < N + 400)
            usual = fmax(usual, distance);
        if (i >= N + 450)
            late = fmax(late, distance);
    }
    assert_true(late > 4 * usual);
}

static void series_that_came_up_together_are_fitted_in_turn(void **state)
{
    (void)state;
    float v[600];
    uint32_t fits[600] = {0};
    make(v, 600, 96);
    for (uint32_t turn = 0; turn < 96; turn++) {
        struct ax_sub_pca s = {0};
        for (uint32_t i = 0; i < 600; i++) {
            const uint32_t wait = s.wait;
            (void)ax_sub_pca_step(&s, v, i + 1, NULL, turn);
            fits[i] += s.wait > wait;
        }
    }
    for (uint32_t i = 0; i < 600; i++)
        assert_true(fits[i] <= 2);
}

static void what_was_flagged_is_no_part_of_it(void **state)
{
    (void)state;
    float v[N], spiked[N];
    struct ax_marks marks = {{0}};
    struct ax_sub_pca plain = {0}, without = {0}, with = {0};
    make(v, N, 96);
    memcpy(spiked, v, sizeof v);
    for (uint32_t i = 0; i < N; i++) {
        const bool bad = i % 311 == 300 || i == N - 9;
        ax_marks_shift(&marks, 1);
        if (bad)
            ax_marks_set(&marks);
        spiked[i] += bad ? 5000 : 0;
    }
    assert_true(ax_sub_pca_fit(&plain, v, N, NULL, 4));
    assert_true(ax_sub_pca_fit(&without, spiked, N, &marks, 4));
    assert_true(ax_sub_pca_fit(&with, spiked, N, NULL, 4));
    const double expected = ax_sub_pca_distance(&plain, v, N, NULL);
    assert_true(fabs(ax_sub_pca_distance(&without, spiked, N, &marks) - expected) < 2);
    assert_true(fabsf(with.mean[0] - plain.mean[0]) > 10 * fabsf(without.mean[0] - plain.mean[0]));
}

/* A fit at the step of a value that is far away, and one later, when that was flagged, are the one without.
 */
static void what_is_far_away_hides_no_period(void **state)
{
    (void)state;
    const float far[] = {1e4F, 1e20F, NAN};
    for (uint32_t k = 0; k < 3; k++)
        for (uint32_t later = 0; later <= 200; later += 200) {
            float v[N];
            struct ax_marks marks = {{0}};
            struct ax_sub_pca s = {0};
            const uint32_t at = N - 1 - later;
            make(v, N, 96);
            v[at] = isnan(far[k]) ? v[at] : far[k];
            if (later && !isnan(far[k]))
                ax_marks_set(&marks);
            ax_marks_shift(&marks, later);
            (void)ax_sub_pca_step(&s, v, N, &marks, 0);
            assert_int_equal(s.spacing, 96 / AX_SUB_PCA_POINTS);
            for (uint32_t i = 0; i < AX_SUB_PCA_POINTS; i++)
                assert_true(fabsf(s.mean[i] - 1000) < 40);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_period_of_a_cycle_is_found),
        cmocka_unit_test(noise_and_what_does_not_vary_have_none),
        cmocka_unit_test(a_cycle_that_stays_away_is_far_although_no_value_is),
        cmocka_unit_test(series_that_came_up_together_are_fitted_in_turn),
        cmocka_unit_test(what_was_flagged_is_no_part_of_it),
        cmocka_unit_test(what_is_far_away_hides_no_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
