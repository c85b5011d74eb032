/* range.c: rate and its relatives, and the aggregations over time. The definitions are Prometheus's
 * (https://prometheus.io/docs/prometheus/latest/querying/functions/); numbers are checked against one by
 * tests/e2e/promql. */
#include "expr/range.h"

#include "expr/kahan.h"
#include "expr/quantile.h"

#include <math.h>

/* Seconds between two times. */
static double seconds(int64_t from_ms, int64_t to_ms)
{
    return (double)(to_ms - from_ms) / 1000;
}

/* What a counter rose by between its first and last sample, resets included. */
static double risen(const struct ax_range *r)
{
    double sum = r->v[r->n - 1].value - r->v[0].value;
    for (uint32_t i = 1; i < r->n; i++) {
        if (r->v[i].value < r->v[i - 1].value)
            sum += r->v[i - 1].value;
    }
    return sum;
}

/* A range whose samples begin (end) within 1.1 mean intervals of its border is taken to be covered up to
 * there, else to half an interval beyond the sample. */
double ax_range_factor(const struct ax_range *r, int64_t first_ms, int64_t last_ms, uint32_t n, double share,
                       bool per_second)
{
    double to_start = seconds(r->start_ms, first_ms), to_end = seconds(last_ms, r->end_ms);
    double sampled = seconds(first_ms, last_ms), interval = sampled / (n - 1), to_zero = sampled * share;
    if (to_start >= interval * 1.1)
        to_start = interval / 2;
    if (to_zero < to_start)
        to_start = to_zero;
    if (to_end >= interval * 1.1)
        to_end = interval / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    return per_second ? factor / seconds(r->start_ms, r->end_ms) : factor;
}

/* rate, increase and delta: the change within the range, extrapolated to its ends. */
static bool extrapolated(const struct ax_range *r, bool counter, bool per_second, double *out)
{
    if (r->n < 2)
        return false;
    double first = r->v[0].value, share = INFINITY;
    double change = counter ? risen(r) : r->v[r->n - 1].value - first;
    if (counter && change > 0 && first >= 0)
        share = first / change;
    *out = change * ax_range_factor(r, r->v[0].t_ms, r->v[r->n - 1].t_ms, r->n, share, per_second);
    return true;
}

static bool irate(const struct ax_range *r, double *out)
{
    if (r->n < 2)
        return false;
    const struct ax_sample *a = &r->v[r->n - 2], *b = &r->v[r->n - 1];
    double change = b->value < a->value ? b->value : b->value - a->value;
    *out = change / seconds(a->t_ms, b->t_ms);
    return true;
}

static bool is_constant(const struct ax_range *r)
{
    for (uint32_t i = 1; i < r->n; i++) {
        if (r->v[i].value != r->v[0].value)
            return false;
    }
    return true;
}

/* Slope of the least-squares line, per second. */
static bool deriv(const struct ax_range *r, double *out)
{
    if (r->n < 2)
        return false;
    if (is_constant(r)) {
        *out = isinf(r->v[0].value) ? NAN : 0;
        return true;
    }
    struct ax_kahan x = {0}, y = {0}, xy = {0}, xx = {0};
    for (uint32_t i = 0; i < r->n; i++) {
        double t = seconds(r->v[0].t_ms, r->v[i].t_ms), v = r->v[i].value;
        ax_kahan_add(&x, t);
        ax_kahan_add(&y, v);
        ax_kahan_add(&xy, t * v);
        ax_kahan_add(&xx, t * t);
    }
    double n = r->n, sx = ax_kahan_sum(&x);
    double covariance = ax_kahan_sum(&xy) - sx * ax_kahan_sum(&y) / n;
    double variance = ax_kahan_sum(&xx) - sx * sx / n;
    *out = covariance / variance;
    return true;
}

static double resets(const struct ax_range *r)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i < r->n; i++)
        n += r->v[i].value < r->v[i - 1].value;
    return n;
}

/* NaN gives way to any number. */
static double extreme(const struct ax_range *r, bool max)
{
    double best = r->v[0].value;
    for (uint32_t i = 1; i < r->n; i++) {
        double v = r->v[i].value;
        if (isnan(best) || (max ? v > best : v < best))
            best = v;
    }
    return best;
}

static double sum(const struct ax_range *r)
{
    struct ax_kahan k = {0};
    for (uint32_t i = 0; i < r->n; i++)
        ax_kahan_add(&k, r->v[i].value);
    return ax_kahan_sum(&k);
}

static double avg(const struct ax_range *r)
{
    struct ax_mean m = {.n = 0};
    for (uint32_t i = 0; i < r->n; i++)
        ax_mean_add(&m, r->v[i].value);
    return ax_mean_value(&m);
}

/* Population standard deviation; Welford, Technometrics 4 (1962), with compensated updates. */
static double stddev(const struct ax_range *r)
{
    struct ax_kahan mean = {0}, m2 = {0};
    for (uint32_t i = 0; i < r->n; i++) {
        double v = r->v[i].value, delta = v - ax_kahan_sum(&mean);
        ax_kahan_add(&mean, delta / (i + 1));
        ax_kahan_add(&m2, delta * (v - ax_kahan_sum(&mean)));
    }
    return sqrt(ax_kahan_sum(&m2) / r->n);
}

static double quantile(const struct ax_range *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        r->scratch[i] = r->v[i].value;
    return ax_promql_quantile(r->param, r->scratch, r->n);
}

bool ax_range_apply(enum ax_function f, const struct ax_range *r, double *out)
{
    switch (f) {
    case AX_FN_RATE:
        return extrapolated(r, true, true, out);
    case AX_FN_INCREASE:
        return extrapolated(r, true, false, out);
    case AX_FN_DELTA:
        return extrapolated(r, false, false, out);
    case AX_FN_IRATE:
        return irate(r, out);
    case AX_FN_DERIV:
        return deriv(r, out);
    case AX_FN_RESETS:
        *out = resets(r);
        return true;
    case AX_FN_AVG_OVER_TIME:
        *out = avg(r);
        return true;
    case AX_FN_MIN_OVER_TIME:
        *out = extreme(r, false);
        return true;
    case AX_FN_MAX_OVER_TIME:
        *out = extreme(r, true);
        return true;
    case AX_FN_SUM_OVER_TIME:
        *out = sum(r);
        return true;
    case AX_FN_COUNT_OVER_TIME:
        *out = r->n;
        return true;
    case AX_FN_LAST_OVER_TIME:
        *out = r->v[r->n - 1].value;
        return true;
    case AX_FN_STDDEV_OVER_TIME:
        *out = stddev(r);
        return true;
    case AX_FN_QUANTILE_OVER_TIME:
        *out = quantile(r);
        return true;
    default:
        return false;
    }
}
