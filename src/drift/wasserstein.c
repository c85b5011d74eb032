/* wasserstein.c: the Wasserstein-1 distance, normalised as Evidently does (std of the reference). */
#include "drift/drift.h"
#include "drift/sorted.h"

#include <math.h>

double ax_drift_w1_sorted(const double *a, uint32_t n, const double *b, uint32_t m)
{
    double area = 0, before = a[0] < b[0] ? a[0] : b[0];
    uint32_t i = 0, j = 0;
    while (i < n || j < m) {
        double x = j == m || (i < n && a[i] < b[j]) ? a[i] : b[j];
        area += fabs((double)i / (double)n - (double)j / (double)m) * (x - before);
        before = x;
        while (i < n && a[i] <= x)
            i++;
        while (j < m && b[j] <= x)
            j++;
    }
    return area;
}

double ax_drift_wasserstein(const double *ref, uint32_t n, const double *cur, uint32_t m,
                            struct ax_arena *scratch)
{
    if (n == 0 || m == 0)
        return NAN;
    const double *a = ax_drift_sorted(ref, n, scratch), *b = ax_drift_sorted(cur, m, scratch);
    if (!a || !b)
        return NAN;
    return ax_drift_w1_sorted(a, n, b, m) / fmax(ax_drift_std(a, n), AX_DRIFT_STD_FLOOR);
}
