/* effective.c: integrated autocorrelation time. */
#include "drift/effective.h"

#include <math.h>
#include <stdbool.h>

/* Over the pairs without a gap, tapered by (n - lag) / n as the usual estimate is. */
static double autocovariance(const double *v, uint32_t n, uint32_t lag, double mean)
{
    double sum = 0;
    uint32_t pairs = 0;
    for (uint32_t i = lag; i < n; i++) {
        double product = (v[i] - mean) * (v[i - lag] - mean);
        bool both = !isnan(product);
        sum += both ? product : 0;
        pairs += both;
    }
    return pairs ? sum / (double)pairs * ((double)(n - lag) / (double)n) : 0;
}

/* One pass over the pairs of lags, each r raised by bias * (1 - r). */
static double sum_pairs(const double *v, uint32_t n, double mean, double variance, double bias)
{
    double tau = -1, before = INFINITY;
    for (uint32_t k = 0; 2 * k + 1 <= n / 2; k++) {
        double even = autocovariance(v, n, 2 * k, mean) / variance;
        double odd = autocovariance(v, n, 2 * k + 1, mean) / variance;
        even += bias * (1 - even);
        odd += bias * (1 - odd);
        double pair = even + odd;
        if (!(pair > 2 * bias))
            break;
        pair = fmin(pair, before);
        before = pair;
        tau += 2 * pair;
    }
    return fmax(tau, 1);
}

double ax_drift_correlation_time(const double *v, uint32_t n)
{
    double mean = 0;
    uint32_t present = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        mean += v[i];
        present++;
    }
    if (present < 2)
        return 1;
    mean /= (double)present;
    double variance = autocovariance(v, n, 0, mean);
    if (!(variance > 0))
        return 1;
    double tau = sum_pairs(v, n, mean, variance, 0);
    return sum_pairs(v, n, mean, variance, fmin(tau / (double)present, 0.5));
}
