/* features.c: from a window to a vector of features. */
#include "features/features.h"

#include "base/hash.h"
#include "math/fft.h"
#include "math/stats.h"

#include <math.h>
#include <string.h>

#define DAY_MS 86400000LL
#define WEEK_MS (7 * DAY_MS)
#define MONDAY_MS (4 * DAY_MS) /* the epoch was a Thursday: Monday came four days later */
#define SPIKE_DEVIATIONS 6.0
#define MAD_TO_DEVIATION 1.4826 /* for normal data */
#define MEAN_TO_DEVIATION 1.2533
#define SPECTRUM_STEPS_MIN 8

/* Doubles that the work needs at most: those of the spectrum. */
#define WORK_SIZE (AX_FEATURES_STEPS + AX_FEATURES_STEPS / 2 + 1 + 3 * AX_FEATURES_STEPS)

static const struct ax_feature_info table[AX_FEATURES_N] = {
#define AX_FEATURE(name, unit, help) {#name, unit, help},
#include "features/features.def"
#undef AX_FEATURE
};

const struct ax_feature_info *ax_feature_info(enum ax_feature feature)
{
    return &table[feature];
}

uint64_t ax_features_hash(void)
{
    uint64_t h = AX_FEATURES_N;
    for (int i = 0; i < AX_FEATURES_N; i++) {
        /* Lengths keep "ab","c" and "a","bc" apart: each text is hashed with its end. */
        h = ax_hash64(table[i].name, strlen(table[i].name) + 1, h);
        h = ax_hash64(table[i].unit, strlen(table[i].unit) + 1, h);
        h = ax_hash64(table[i].help, strlen(table[i].help) + 1, h);
    }
    return h;
}

/* Share of a period that has passed at t_ms, in radians. */
static double phase(int64_t t_ms, int64_t period_ms)
{
    int64_t past = t_ms % period_ms;
    if (past < 0)
        past += period_ms;
    return 2 * M_PI * (double)past / (double)period_ms;
}

static void calendar(int64_t t_ms, double *out)
{
    double day = phase(t_ms, DAY_MS), week = phase(t_ms - MONDAY_MS, WEEK_MS);
    out[AX_FEATURE_hour_sin] = sin(day);
    out[AX_FEATURE_hour_cos] = cos(day);
    out[AX_FEATURE_day_sin] = sin(week);
    out[AX_FEATURE_day_cos] = cos(week);
}

static double or_zero(double x)
{
    return isnan(x) ? 0 : x;
}

/* values: the n of the window that are no gaps; reordered. */
static void statistics(const struct ax_moments *m, double *values, uint32_t n, double *out)
{
    out[AX_FEATURE_mean] = m->mean;
    out[AX_FEATURE_stddev] = sqrt(ax_moments_variance(m, 0));
    out[AX_FEATURE_min] = m->min;
    out[AX_FEATURE_max] = m->max;
    out[AX_FEATURE_skewness] = or_zero(ax_moments_skewness(m));
    out[AX_FEATURE_kurtosis] = or_zero(ax_moments_kurtosis(m));
    out[AX_FEATURE_p5] = ax_quantile(values, n, 0.05);
    out[AX_FEATURE_p25] = ax_quantile(values, n, 0.25);
    out[AX_FEATURE_p50] = ax_quantile(values, n, 0.50);
    out[AX_FEATURE_p75] = ax_quantile(values, n, 0.75);
    out[AX_FEATURE_p95] = ax_quantile(values, n, 0.95);
}

/* Deviations are measured by the median absolute one, by the mean one where more than half of the values
 * are the median itself; both shrug at the spikes that they are to find. */
static double since_spike(const struct ax_view *past, double median, double *work)
{
    double mean = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < past->n; i++) {
        double d = fabs((double)past->v[i] - median);
        if (isnan(d))
            continue;
        work[n++] = d;
        mean += d;
    }
    double deviation = MAD_TO_DEVIATION * ax_median(work, n);
    if (deviation <= 0)
        deviation = MEAN_TO_DEVIATION * mean / n;
    uint32_t age = 0;
    while (age < past->n &&
           !(fabs((double)past->v[past->n - 1 - age] - median) > SPIKE_DEVIATIONS * deviation))
        age++;
    return (double)age * (double)past->step_ms / 1000;
}

static double value_ago(const struct ax_view *past, uint32_t steps)
{
    for (uint32_t i = past->n; i-- > 0;)
        if (past->n - 1 - i >= steps && !isnan(past->v[i]))
            return (double)past->v[i];
    return NAN;
}

static void lags(const struct ax_view *past, double *out)
{
    double now = value_ago(past, 0);
    out[AX_FEATURE_lag_1] = value_ago(past, 1);
    out[AX_FEATURE_lag_5] = value_ago(past, 5);
    out[AX_FEATURE_lag_10] = value_ago(past, 10);
    out[AX_FEATURE_diff_1] = now - out[AX_FEATURE_lag_1];
    out[AX_FEATURE_diff_5] = now - out[AX_FEATURE_lag_5];
    out[AX_FEATURE_diff_10] = now - out[AX_FEATURE_lag_10];
}

/* Straight lines over gaps, the nearest value beyond the first and the last one. */
static void join_gaps(const float *v, uint32_t n, double *x)
{
    uint32_t known = n; /* newest index with a value so far; n: none */
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        x[i] = (double)v[i];
        uint32_t from = known == n ? 0 : known + 1;
        for (uint32_t k = from; k < i; k++)
            x[k] = known == n ? x[i] : x[known] + (x[i] - x[known]) * (k - known) / (i - known);
        known = i;
    }
    for (uint32_t k = known + 1; k < n; k++)
        x[k] = x[known];
}

/* One-sided periodogram without the mean (scipy.signal.periodogram, detrend='constant'), zero left out. */
static void spectrum(const struct ax_view *past, double *work, double *out)
{
    uint32_t n = ax_fft_pow2(past->n);
    n = n > past->n ? n / 2 : n;
    out[AX_FEATURE_dominant_frequency] = out[AX_FEATURE_spectral_entropy] = NAN;
    if (n < SPECTRUM_STEPS_MIN)
        return;
    double *x = work, *power = x + n, *rest = power + n / 2 + 1, mean = 0, sum = 0, largest = 0;
    bool any = false;
    for (uint32_t i = past->n - n; i < past->n; i++)
        any = any || !isnan(past->v[i]);
    if (!any)
        return;
    join_gaps(past->v + past->n - n, n, x);
    for (uint32_t i = 0; i < n; i++) {
        mean += x[i] / n;
        largest = fmax(largest, fabs(x[i]));
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] -= mean;
    ax_power_spectrum(x, n, power, rest);
    uint32_t top = 1;
    for (uint32_t k = 1; k <= n / 2; k++) {
        power[k] *= k < n / 2 ? 2 : 1; /* the other side's share */
        sum += power[k];
        top = power[k] > power[top] ? k : top;
    }
    double rounding = 1e-12 * largest * n;
    out[AX_FEATURE_dominant_frequency] = out[AX_FEATURE_spectral_entropy] = 0;
    if (sum <= rounding * rounding)
        return;
    double entropy = 0;
    for (uint32_t k = 1; k <= n / 2; k++)
        if (power[k] > 0)
            entropy -= power[k] / sum * log(power[k] / sum);
    out[AX_FEATURE_dominant_frequency] = (double)top * 1000 / ((double)n * (double)past->step_ms);
    out[AX_FEATURE_spectral_entropy] = entropy / log(n / 2.0);
}

struct ax_view ax_features_past(const struct ax_view *all)
{
    const uint32_t n = all->n < AX_FEATURES_STEPS ? all->n : AX_FEATURES_STEPS;
    return (struct ax_view){all->v + (all->n - n), n, all->end_ms, all->step_ms};
}

enum ax_err ax_features_compute(const struct ax_view *all, int64_t t_ms, struct ax_arena *scratch,
                                double out[AX_FEATURES_N])
{
    for (int i = 0; i < AX_FEATURES_N; i++)
        out[i] = NAN;
    calendar(t_ms, out);
    const struct ax_view past = ax_features_past(all);
    double *work = ax_arena_array(scratch, WORK_SIZE, sizeof *work);
    if (!work)
        return AX_NOMEM;
    struct ax_moments m = {0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < past.n; i++) {
        if (isnan(past.v[i]))
            continue;
        work[n++] = (double)past.v[i];
        ax_moments_add(&m, (double)past.v[i]);
    }
    if (n == 0)
        return AX_NOTREADY;
    statistics(&m, work, n, out);
    out[AX_FEATURE_since_spike] = since_spike(&past, out[AX_FEATURE_p50], work);
    lags(&past, out);
    spectrum(&past, work, out);
    return AX_OK;
}
