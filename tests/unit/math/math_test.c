/* Moments, quantiles, transforms and ridge give the numbers of NumPy, SciPy and scikit-learn. */
#include "../../golden/golden.h"
#include "ax_test.h"
#include "base/rng.h"
#include "math/blas.h"
#include "math/fft.h"
#include "math/ridge.h"
#include "math/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N ((uint32_t)(sizeof golden_series / sizeof golden_series[0]))

static void moments_are_those_of_numpy_and_scipy(void **state)
{
    (void)state;
    struct ax_moments m = {0};
    for (uint32_t i = 0; i < N; i++) {
        ax_moments_add(&m, golden_series[i]);
        ax_moments_add(&m, NAN);
    }
    ax_assert_close(m.mean, golden_moments[0], 1e-12);
    ax_assert_close(ax_moments_variance(&m, 0), golden_moments[1], 1e-12);
    ax_assert_close(ax_moments_variance(&m, 1), golden_moments[2], 1e-12);
    ax_assert_close(ax_moments_skewness(&m), golden_moments[3], 1e-10);
    ax_assert_close(ax_moments_kurtosis(&m), golden_moments[4], 1e-10);
}

static void moments_without_spread_are_undefined(void **state)
{
    (void)state;
    struct ax_moments m = {0};
    assert_true(isnan(ax_moments_variance(&m, 0)) && isnan(ax_moments_skewness(&m)));
    for (int i = 0; i < 10; i++)
        ax_moments_add(&m, 0.1);
    ax_assert_close(ax_moments_variance(&m, 0), 0, 1e-15);
    assert_true(isnan(ax_moments_skewness(&m)) && isnan(ax_moments_kurtosis(&m)));
}

static void quantiles_are_those_of_numpy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden_quantiles / sizeof golden_quantiles[0]; i++) {
        double v[N];
        memcpy(v, golden_series, sizeof v);
        ax_assert_close(ax_quantile(v, N, golden_quantile_at[i]), golden_quantiles[i], 1e-14);
    }
    double one = 7;
    ax_assert_close(ax_median(&one, 1), 7, 0);
    assert_true(isnan(ax_median(&one, 0)));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void selection_equals_sorting_on_ties_and_order(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 4);
    for (int round = 0; round < 300; round++) {
        double v[64], sorted[64];
        uint32_t n = 1 + (uint32_t)ax_rng_below(&rng, 64);
        for (uint32_t i = 0; i < n; i++)
            v[i] = sorted[i] =
                round % 3 == 0 ? (double)i : (double)ax_rng_below(&rng, 1 + (uint64_t)round % 20);
        qsort(sorted, n, sizeof *sorted, by_value);
        uint32_t k = (uint32_t)ax_rng_below(&rng, n);
        ax_assert_close(ax_quantile(v, n, n > 1 ? k / (n - 1.0) : 0), sorted[k], 1e-12);
    }
}

static void transforms_of_any_length_are_those_of_numpy(void **state)
{
    (void)state;
    const struct {
        uint32_t n;
        const double *want;
    } cases[] = {{1, golden_fft_1},   {2, golden_fft_2},   {8, golden_fft_8},
                 {12, golden_fft_12}, {37, golden_fft_37}, {100, golden_fft_100}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        uint32_t n = cases[c].n;
        double re[100], im[100], *scratch = malloc(ax_fft_scratch(n) * sizeof *scratch);
        memcpy(re, golden_series, n * sizeof *re);
        memcpy(im, golden_series + n, n * sizeof *im);
        ax_fft(re, im, n, 0, scratch);
        for (uint32_t k = 0; k < n; k++) {
            ax_assert_close(re[k] / 1e4, cases[c].want[k] / 1e4, 1e-12);
            ax_assert_close(im[k] / 1e4, cases[c].want[n + k] / 1e4, 1e-12);
        }
        ax_fft(re, im, n, 1, scratch);
        for (uint32_t k = 0; k < n; k++) {
            ax_assert_close(re[k], golden_series[k], 1e-12);
            ax_assert_close(im[k], golden_series[n + k], 1e-12);
        }
        free(scratch);
    }
}

static void autocovariance_is_that_of_numpy(void **state)
{
    (void)state;
    double x[N], out[40];
    double *work = malloc(4096 * sizeof *work);
    for (uint32_t i = 0; i < N; i++)
        x[i] = golden_series[i] - golden_moments[0];
    ax_autocovariance(x, N, 40, out, work);
    for (int k = 0; k < 40; k++)
        ax_assert_close(out[k], golden_autocovariance[k], 1e-9);
    free(work);
}

static void ridge_is_that_of_scikit_learn(void **state)
{
    (void)state;
    double w[10], gram[25];
    assert_int_equal(ax_ridge(40, 5, 2, golden_ridge_x, golden_ridge_y, 0.7, w, gram), AX_OK);
    for (int i = 0; i < 10; i++)
        ax_assert_close(w[i], golden_ridge_w[i], 1e-12);
}

static void a_system_that_cannot_be_solved_says_so(void **state)
{
    (void)state;
    double x[4] = {1, NAN, 2, 1}, y[2] = {1, 2}, w[2], gram[4];
    assert_int_equal(ax_ridge(2, 2, 1, x, y, 1, w, gram), AX_NUMERIC);
    double a[4] = {1, 0, 2, 1}, b[2] = {1, 1}; /* lower triangle of an indefinite matrix */
    assert_int_equal(ax_blas_cholesky_solve(2, 1, a, b), AX_NUMERIC);
}

static void blas_keeps_one_thread_for_each_caller(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_blas_setup(&diag), AX_OK);
    assert_true(strlen(ax_blas_name()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_those_of_numpy_and_scipy),
        cmocka_unit_test(moments_without_spread_are_undefined),
        cmocka_unit_test(quantiles_are_those_of_numpy),
        cmocka_unit_test(selection_equals_sorting_on_ties_and_order),
        cmocka_unit_test(transforms_of_any_length_are_those_of_numpy),
        cmocka_unit_test(autocovariance_is_that_of_numpy),
        cmocka_unit_test(ridge_is_that_of_scikit_learn),
        cmocka_unit_test(a_system_that_cannot_be_solved_says_so),
        cmocka_unit_test(blas_keeps_one_thread_for_each_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
