/* sorted.c: sorting, quantiles and counts that the drift tests share. */
#include "drift/sorted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *pa, const void *pb)
{
    double a, b;
    memcpy(&a, pa, sizeof a);
    memcpy(&b, pb, sizeof b);
    return (a > b) - (a < b);
}

void ax_drift_sort(double *v, uint32_t n)
{
    qsort(v, n, sizeof *v, ascending);
}

double *ax_drift_sorted(const double *v, uint32_t n, struct ax_arena *scratch)
{
    double *copy = ax_arena_array(scratch, n, sizeof *copy);
    if (!copy)
        return NULL;
    memcpy(copy, v, n * sizeof *copy);
    ax_drift_sort(copy, n);
    return copy;
}

double ax_drift_quantile(const double *sorted, uint32_t n, double q)
{
    double at = q * (double)(n - 1);
    uint32_t i = (uint32_t)at;
    if (i >= n - 1)
        return sorted[n - 1];
    return sorted[i] + (sorted[i + 1] - sorted[i]) * (at - (double)i);
}

uint32_t ax_drift_below(const double *sorted, uint32_t n, double x)
{
    uint32_t lo = 0;
    while (lo < n) {
        uint32_t mid = lo + (n - lo) / 2;
        if (sorted[mid] < x)
            lo = mid + 1;
        else
            n = mid;
    }
    return lo;
}

uint32_t ax_drift_upto(const double *sorted, uint32_t n, double x)
{
    uint32_t lo = 0;
    while (lo < n) {
        uint32_t mid = lo + (n - lo) / 2;
        if (sorted[mid] <= x)
            lo = mid + 1;
        else
            n = mid;
    }
    return lo;
}

double ax_drift_std(const double *v, uint32_t n)
{
    double mean = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += v[i];
    mean /= (double)n;
    for (uint32_t i = 0; i < n; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    return sqrt(squares / (double)n);
}
