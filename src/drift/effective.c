/* effective.c: integrated autocorrelation time, of a stretch as it is or with its one step taken out. */
#include "drift/effective.h"

#include <math.h>
#include <stdbool.h>

/* A step is taken out when the jump between the NEAR_PART of the stretch on either side of it is at least
 * JUMP_SHARE of the distance between the two levels, and the correlation time falls by STEP_FACTOR. A ramp
 * or a cycle hardly moves that fast; a random walk stays correlated. */
#define NEAR_PART 32
#define NEAR_MIN 8
#define JUMP_SHARE 0.7
#define STEP_FACTOR 4.0

/* About a mean of 0, over the pairs without a gap, tapered by (n - lag) / n as the usual estimate is. */
static double autocovariance(const double *v, uint32_t n, uint32_t lag)
{
    double sum = 0;
    uint32_t pairs = 0;
    for (uint32_t i = lag; i < n; i++) {
        double product = v[i] * v[i - lag];
        bool both = !isnan(product);
        sum += both ? product : 0;
        pairs += both;
    }
    return pairs ? sum / (double)pairs * ((double)(n - lag) / (double)n) : 0;
}

/* One pass over the pairs of lags, each r raised by bias * (1 - r). */
static double sum_pairs(const double *v, uint32_t n, double variance, double bias)
{
    double tau = -1, before = HUGE_VAL;
    for (uint32_t k = 0; 2 * k + 1 <= n / 2; k++) {
        double even = autocovariance(v, n, 2 * k) / variance;
        double odd = autocovariance(v, n, 2 * k + 1) / variance;
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

static double time_of(const double *centred, uint32_t n, uint32_t present)
{
    double variance = autocovariance(centred, n, 0);
    if (!(variance > 0))
        return 1;
    double tau = sum_pairs(centred, n, variance, 0);
    return sum_pairs(centred, n, variance, fmin(tau / (double)present, 0.5));
}

/* Mean of the values that are present (0 with none); how many is in *present. */
static double mean_of(const double *v, uint32_t n, uint32_t *present)
{
    double sum = 0;
    *present = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        sum += v[i];
        ++*present;
    }
    return *present ? sum / (double)*present : 0;
}

static uint32_t centre(double *v, uint32_t n)
{
    uint32_t present;
    double mean = mean_of(v, n, &present);
    for (uint32_t i = 0; i < n; i++)
        v[i] -= mean;
    return present;
}

static bool is_step(const double *v, uint32_t n, uint32_t cut)
{
    uint32_t near = n / NEAR_PART > NEAR_MIN ? n / NEAR_PART : NEAR_MIN, present[4];
    uint32_t before = near < cut ? near : cut, after = near < n - cut ? near : n - cut;
    double distance = mean_of(v + cut, n - cut, &present[0]) - mean_of(v, cut, &present[1]);
    double jump = mean_of(v + cut, after, &present[2]) - mean_of(v + cut - before, before, &present[3]);
    if (present[2] < NEAR_MIN / 2 || present[3] < NEAR_MIN / 2)
        return false;
    return distance > 0 ? jump >= JUMP_SHARE * distance : jump <= JUMP_SHARE * distance;
}

/* Where a centred stretch is best cut into two levels: the largest sum of squares between them (CUSUM). */
static uint32_t best_cut(const double *centred, uint32_t n, uint32_t present)
{
    double sum = 0, best = 0;
    uint32_t seen = 0, cut = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (isnan(centred[i]))
            continue;
        sum += centred[i];
        seen++;
        double between = sum * sum / ((double)seen * (double)(present - seen));
        if (seen < present && between > best) {
            best = between;
            cut = i + 1;
        }
    }
    return cut;
}

double ax_drift_correlation_time(double *v, uint32_t n)
{
    uint32_t present = centre(v, n);
    if (present < 2)
        return 1;
    double tau = time_of(v, n, present);
    uint32_t cut = best_cut(v, n, present);
    if (cut == 0 || !is_step(v, n, cut))
        return tau;
    centre(v, cut);
    centre(v + cut, n - cut);
    double without_step = time_of(v, n, present);
    return without_step * STEP_FACTOR <= tau ? without_step : tau;
}
