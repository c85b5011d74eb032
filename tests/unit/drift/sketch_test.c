/* A sketch stands for its window: each test against it is near that against the window itself. */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/score.h"
#include "drift/sketch.h"
#include "drift/sorted.h"
#include "group.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define N 20000
#define M 4000

static struct ax_drift_sketch sketch, other;

enum shape { NORMAL, HEAVY, SKEWED, COUNTS, HALF_ZERO, SHAPES };

static double draw(struct ax_rng *rng, enum shape shape)
{
    const double x = ax_rng_normal(rng), u = ax_rng_double(rng);
    switch (shape) {
    case HEAVY: /* Student's t with 3 degrees of freedom, in the main */
        return x / sqrt(0.05 + u);
    case SKEWED:
        return exp(x);
    case COUNTS:
        return floor(40 * u * u);
    case HALF_ZERO:
        return u < 0.5 ? 0 : fabs(x);
    default:
        return x;
    }
}

static double *window(struct ax_rng *rng, enum shape shape, uint32_t n, double times, double plus)
{
    double *v = ax_arena_array(&group_arena, n, sizeof *v);
    for (uint32_t i = 0; v && i < n; i++)
        v[i] = times * draw(rng, shape) + plus;
    v = ax_drift_sorted(v, n, &group_arena);
    assert_non_null(v);
    return v;
}

static double *expanded(void)
{
    double *v = ax_arena_array(&group_arena, sketch.n, sizeof *v);
    assert_non_null(v);
    ax_drift_sketch_expand(&sketch, v);
    return v;
}

static void ks_is_within_one_part_of_the_grid_and_the_others_are_near(void **state)
{
    /* mean shift, spread, nothing */
    static const double times[] = {1, 1.5, 1}, plus[] = {0.5, 0, 0};
    double worst[AX_DRIFT_TESTS] = {0};
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 3);
    for (enum shape shape = 0; shape < SHAPES; shape++)
        for (uint32_t k = 0; k < 3; k++) {
            struct ax_drift_result exact, near;
            ax_arena_reset(&group_arena);
            const double *ref = window(&rng, shape, N, 1, 0),
                         *cur = window(&rng, shape, M, times[k], plus[k]);
            ax_drift_sketch_make(ref, N, &sketch);
            ax_drift_score_sorted(ref, N, cur, M, N, &exact);
            ax_drift_score_sorted(expanded(), N, cur, M, N, &near);
            for (enum ax_drift_test t = 0; t < AX_DRIFT_CHI_SQUARE; t++)
                worst[t] = fmax(worst[t], fabs(exact.score[t] - near.score[t]));
        }
    (void)printf(
        "farthest from exact, over %d shapes and 3 changes: ks %.5f psi %.5f wasserstein %.5f js %.5f\n",
        SHAPES, worst[AX_DRIFT_KS], worst[AX_DRIFT_PSI], worst[AX_DRIFT_WASSERSTEIN], worst[AX_DRIFT_JS]);
    assert_true(worst[AX_DRIFT_KS] <= 1.0 / AX_DRIFT_GRID);
    assert_true(worst[AX_DRIFT_PSI] <= 0.005);
    assert_true(worst[AX_DRIFT_WASSERSTEIN] <= 0.002);
    assert_true(worst[AX_DRIFT_JS] <= 0.002);
}

static void of_few_values_nothing_is_lost(void **state)
{
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    static const struct {
        enum shape shape;
        uint32_t n;
    } cases[] = {{COUNTS, N}, {NORMAL, AX_DRIFT_GRID}, {HEAVY, 1}, {NORMAL, 2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ax_arena_reset(&group_arena);
        const double *v = window(&rng, cases[k].shape, cases[k].n, 1, 0);
        ax_drift_sketch_make(v, cases[k].n, &sketch);
        assert_memory_equal(expanded(), v, cases[k].n * sizeof *v);
    }
}

static void its_distribution_function_is_within_one_part_of_the_grid_at_any_size(void **state)
{
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 5);
    for (uint32_t n = 1; n < 3000; n += 37)
        for (enum shape shape = 0; shape < SHAPES; shape++) {
            ax_arena_reset(&group_arena);
            const double *v = window(&rng, shape, n, 1, 0);
            ax_drift_sketch_make(v, n, &sketch);
            assert_true(sketch.groups <= AX_DRIFT_GROUPS_MAX && sketch.n == n);
            const double *w = expanded();
            for (uint32_t i = 1; i < n; i++)
                assert_true(w[i] >= w[i - 1]);
            assert_true(ax_drift_ks_sorted(v, n, w, n) <= 1.0 / AX_DRIFT_GRID);
        }
}

static void it_is_read_back_as_it_was_written_and_not_if_it_was_damaged(void **state)
{
    struct ax_rng rng;
    struct ax_buf bytes;
    (void)state;
    ax_rng_seed(&rng, 6);
    ax_arena_reset(&group_arena);
    ax_drift_sketch_make(window(&rng, HALF_ZERO, N, 1, 0), N, &sketch);
    ax_buf_init(&bytes, 1 << 20);
    ax_drift_sketch_save(&sketch, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    ax_drift_sketch_load(&other, N, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_int_equal(other.groups, sketch.groups);
    assert_memory_equal(other.v, sketch.v, sketch.groups * sizeof *sketch.v);
    assert_memory_equal(other.count, sketch.count, sketch.groups * sizeof *sketch.count);
    assert_memory_equal(other.spread, sketch.spread, sketch.groups * sizeof *sketch.spread);
    for (size_t n = 0; n < bytes.n; n += 7) {
        in = ax_bytes_of((struct ax_str){(const char *)bytes.bytes, n});
        ax_drift_sketch_load(&other, N, &in);
        assert_int_not_equal(in.err, AX_OK);
        assert_int_equal(other.n, 0);
    }
    in = ax_bytes_of(ax_buf_view(&bytes));
    ax_drift_sketch_load(&other, N - 1, &in);
    assert_int_not_equal(in.err, AX_OK);
    ax_buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ks_is_within_one_part_of_the_grid_and_the_others_are_near),
        cmocka_unit_test(of_few_values_nothing_is_lost),
        cmocka_unit_test(its_distribution_function_is_within_one_part_of_the_grid_at_any_size),
        cmocka_unit_test(it_is_read_back_as_it_was_written_and_not_if_it_was_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
