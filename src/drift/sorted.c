/* sorted.c: quantiles and counts that the drift tests share. */
#include "drift/sorted.h"

#include <math.h>

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
