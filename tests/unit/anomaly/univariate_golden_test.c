/* The members of the detector of one series, and its tail, say what scikit-learn, NumPy and SciPy say. */
#include "../../golden/univariate/vectors.h"
#include "anomaly/neighbours.h"
#include "anomaly/polynomial.h"
#include "anomaly/sub_pca.h"
#include "anomaly/tail.h"
#include "ax_test.h"

#include <math.h>

static void the_third_nearest_neighbour_is_as_far_as_in_scikit_learn(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < GOLDEN_AT_N; k++) {
        uint32_t n = GOLDEN_AT_FIRST + k * GOLDEN_AT_EVERY + 1;
        double got = ax_neighbours_distance(golden_series, n, NULL, 3);
        assert_true(fabs(got - golden_near[k]) <= 1e-4 * golden_near[k] + 1e-6);
    }
}

static void the_smooth_curve_leaves_what_polyfit_leaves(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < GOLDEN_AT_N; k++) {
        uint32_t n = GOLDEN_AT_FIRST + k * GOLDEN_AT_EVERY + 1;
        assert_true(fabs(ax_polynomial_distance(golden_series, n) - golden_curve[k]) < 1e-9);
    }
}

static void the_newest_stretch_is_as_far_from_its_reconstruction_as_in_scikit_learn(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < GOLDEN_SHAPES_N; k++) {
        const uint32_t n = GOLDEN_SHAPES_FIRST + k * GOLDEN_AT_EVERY + 1, seen = n < 960 ? n : 960;
        struct ax_sub_pca s = {0};
        assert_true(ax_sub_pca_fit(&s, golden_series + n - seen, seen, NULL, GOLDEN_SPACING));
        assert_int_equal(s.components, golden_components[k]);
        const double got = ax_sub_pca_distance(&s, golden_series + n - seen, seen, NULL);
        assert_true(fabs(got - golden_shapes[k]) <= 1e-5 * golden_shapes[k]);
    }
}

/* The i-th of 20,000 quantiles of an exponential, a half normal and a heavy-tailed distribution. */
static double quantile(int kind, uint32_t i)
{
    double p = (i + 0.5) / 20000, z = 0;
    if (kind == 0)
        return -log1p(-p);
    if (kind == 2)
        return expm1(-0.25 * log1p(-p)) / 0.25;
    for (int step = 0; step < 60; step++) /* Newton on erf */
        z -= (erf(z) - p) / (2 / sqrt(acos(-1)) * exp(-z * z));
    return z * sqrt(2);
}

static void rare_levels_are_near_those_of_a_fit_of_scipy(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct ax_tail tail;
        ax_tail_init(&tail, 1000000);
        for (uint32_t i = 0; i < 20000; i++)
            ax_tail_add(&tail, quantile(kind, (i * 7919u) % 20000), 1);
        double rare = ax_tail_level(&tail, 1e-3) / golden_levels[2 * kind],
               rarer = ax_tail_level(&tail, 1e-4) / golden_levels[2 * kind + 1];
        assert_true(rare > 0.95 && rare < 1.1);
        assert_true(rarer > 0.9 && rarer < 1.25);
    }
}

static void marked_points_are_no_part_of_the_past(void **state)
{
    (void)state;
    float v[400];
    struct ax_marks marks = {{0}};
    for (uint32_t i = 0; i < 400; i++) {
        v[i] = (float)(i % 100 == 50 ? 80 : 10 + i % 3);
        ax_marks_shift(&marks, 1);
        if (v[i] > 50)
            ax_marks_set(&marks);
    }
    v[399] = 80;
    v[398] = 11;
    v[397] = 10;
    v[396] = 12;
    assert_true(ax_neighbours_distance(v, 400, NULL, 3) < 5);
    assert_true(ax_neighbours_distance(v, 400, &marks, 3) > 50);
    ax_marks_forget(&marks, 100); /* the newest is 49 steps ago, the others are known by now */
    assert_true(ax_neighbours_distance(v, 400, &marks, 3) < 5);
}

static void marks_move_with_time(void **state)
{
    (void)state;
    for (uint32_t steps = 1; steps < 960; steps += 37) {
        struct ax_marks marks = {{0}};
        ax_marks_set(&marks);
        ax_marks_shift(&marks, steps);
        assert_true(marks.words[steps / 64] == 1ULL << (steps % 64));
        ax_marks_forget(&marks, steps + 1);
        assert_true(marks.words[steps / 64] != 0);
        ax_marks_forget(&marks, steps);
        assert_true(marks.words[steps / 64] == 0);
    }
}

static void gaps_and_short_pasts_are_no_neighbours(void **state)
{
    (void)state;
    float v[40];
    for (uint32_t i = 0; i < 40; i++)
        v[i] = (float)(i % 5);
    assert_true(isnan(ax_neighbours_distance(v, 6, NULL, 3)));
    v[38] = NAN; /* a lag that the newest lacks does not count */
    assert_true(ax_neighbours_distance(v, 40, NULL, 3) < 1e-6);
    for (uint32_t i = 0; i < 39; i += 2)
        v[i] = NAN;
    assert_true(isnan(ax_polynomial_distance(v, 40)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_nearest_neighbour_is_as_far_as_in_scikit_learn),
        cmocka_unit_test(the_smooth_curve_leaves_what_polyfit_leaves),
        cmocka_unit_test(the_newest_stretch_is_as_far_from_its_reconstruction_as_in_scikit_learn),
        cmocka_unit_test(rare_levels_are_near_those_of_a_fit_of_scipy),
        cmocka_unit_test(marked_points_are_no_part_of_the_past),
        cmocka_unit_test(marks_move_with_time),
        cmocka_unit_test(gaps_and_short_pasts_are_no_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
