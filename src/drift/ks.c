/* ks.c: the two-sample Kolmogorov-Smirnov test.
 *
 * Distance: exact. P-value: the limiting distribution of Kolmogorov (1933) at Stephens' argument
 * (sqrt(en) + 0.12 + 0.11 / sqrt(en)) D, en = n m / (n + m) (M. A. Stephens, "Use of the
 * Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables", JRSS B 32, 1970),
 * which is right to a few percent from en = 4 on and, unlike the exact one, is defined for the sizes that
 * are not whole numbers which an effective sample size is. */
#include "drift/drift.h"
#include "drift/sorted.h"

#include <math.h>

double ax_drift_ks_sorted(const double *a, uint32_t n, const double *b, uint32_t m)
{
    double worst = 0;
    uint32_t i = 0, j = 0;
    while (i < n && j < m) {
        double x = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] <= x)
            i++;
        while (j < m && b[j] <= x)
            j++;
        double distance = fabs((double)i / (double)n - (double)j / (double)m);
        worst = distance > worst ? distance : worst;
    }
    return worst;
}

double ax_drift_ks(const double *a, uint32_t n, const double *b, uint32_t m, struct ax_arena *scratch)
{
    if (n == 0 || m == 0)
        return NAN;
    const double *sa = ax_drift_sorted(a, n, scratch), *sb = ax_drift_sorted(b, m, scratch);
    return sa && sb ? ax_drift_ks_sorted(sa, n, sb, m) : (double)NAN;
}

/* P(K > x) of Kolmogorov's distribution: the two classical series, each where it converges fast. */
static double kolmogorov_sf(double x)
{
    const double pi = 3.14159265358979323846;
    if (x <= 0)
        return 1;
    double sum = 0;
    if (x < 1) {
        for (int k = 1; k <= 19; k += 2)
            sum += exp(-(double)(k * k) * pi * pi / (8 * x * x));
        return 1 - sqrt(2 * pi) / x * sum;
    }
    for (int k = 1; k <= 8; k++)
        sum += (k % 2 ? 2 : -2) * exp(-2.0 * (double)(k * k) * x * x);
    return sum;
}

double ax_drift_ks_p(double distance, double n, double m)
{
    if (!(n > 0) || !(m > 0) || isnan(distance))
        return NAN;
    double root = sqrt(n * m / (n + m));
    double p = kolmogorov_sf((root + 0.12 + 0.11 / root) * distance);
    return p < 0 ? 0 : p > 1 ? 1 : p;
}
