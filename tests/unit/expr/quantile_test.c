/* Quantiles of values and of buckets, with the corner cases of Prometheus. */
#include "ax_test.h"
#include "base/rng.h"
#include "expr/quantile.h"

#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The oracle sorts with the C library and interpolates. */
static void values_agree_with_a_full_sort(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 11);
    for (int round = 0; round < 300; round++) {
        double v[100], sorted[100];
        uint32_t n = 1 + (uint32_t)ax_rng_below(&rng, 100);
        for (uint32_t i = 0; i < n; i++)
            v[i] = sorted[i] = round % 3 ? ax_rng_normal(&rng) : (double)ax_rng_below(&rng, 5);
        qsort(sorted, n, sizeof *sorted, by_value);
        double q = ax_rng_double(&rng), rank = q * (n - 1);
        uint32_t low = (uint32_t)rank, high = low + 1 < n ? low + 1 : low;
        double want = sorted[low] + (sorted[high] - sorted[low]) * (rank - low);
        ax_assert_close(ax_promql_quantile(q, v, n), want, 1e-12);
    }
}

static void corner_cases_are_those_of_prometheus(void **state)
{
    (void)state;
    double v[] = {3, NAN, 1};
    ax_assert_close(ax_promql_quantile(0.5, v, 0), NAN, 0);
    ax_assert_close(ax_promql_quantile((double)NAN, v, 3), NAN, 0);
    ax_assert_close(ax_promql_quantile(-0.1, v, 3), -INFINITY, 0);
    ax_assert_close(ax_promql_quantile(1.1, v, 3), INFINITY, 0);
    ax_assert_close(ax_promql_quantile(0.5, v, 3), 1, 0);
    ax_assert_close(ax_promql_quantile(1, v, 3), 3, 0);
    ax_assert_close(ax_promql_quantile(0.5, v + 2, 1), 3, 0);
}

static void buckets_interpolate_and_forgive(void **state)
{
    (void)state;
    struct ax_bucket plain[] = {{INFINITY, 10}, {1, 2}, {2, 6}};
    ax_assert_close(ax_bucket_quantile(0.4, plain, 3), 1.5, 1e-12);
    ax_assert_close(ax_bucket_quantile(0.99, plain, 3), 2, 0);
    struct ax_bucket open[] = {{1, 2}, {2, 6}};
    ax_assert_close(ax_bucket_quantile(0.4, open, 2), NAN, 0);
    struct ax_bucket one[] = {{INFINITY, 6}};
    ax_assert_close(ax_bucket_quantile(0.4, one, 1), NAN, 0);
    struct ax_bucket silent[] = {{1, 0}, {INFINITY, 0}};
    ax_assert_close(ax_bucket_quantile(0.4, silent, 2), NAN, 0);
    struct ax_bucket negative[] = {{-1, 5}, {INFINITY, 6}};
    ax_assert_close(ax_bucket_quantile(0.4, negative, 2), -1, 0);
    /* A count that falls is taken to be that of the bucket before. */
    struct ax_bucket falling[] = {{1, 4}, {2, 3}, {4, 8}, {INFINITY, 8}};
    ax_assert_close(ax_bucket_quantile(0.75, falling, 4), 3, 1e-12);
    /* Two buckets with one bound add up. */
    struct ax_bucket twice[] = {{1, 2}, {1, 2}, {INFINITY, 4}, {INFINITY, 4}};
    ax_assert_close(ax_bucket_quantile(0.25, twice, 4), 0.5, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_agree_with_a_full_sort),
        cmocka_unit_test(corner_cases_are_those_of_prometheus),
        cmocka_unit_test(buckets_interpolate_and_forgive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
