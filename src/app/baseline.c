/* baseline.c: simple linear regression with compensated sums (Prometheus, promql/functions.go,
 * linearRegression; Kahan-Babuska summation after Neumaier, ZAMM 54, 1974). */
#include "app/baseline.h"

#include <math.h>
#include <stdbool.h>

/* A sum and what rounding took from it. */
struct sum {
    double sum, lost;
};

static void add(struct sum *s, double x)
{
    double t = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}

static double total(const struct sum *s)
{
    return s->sum + s->lost;
}

double ax_predict_linear(const int64_t *t_ms, const double *v, uint32_t n, int64_t now_ms, int64_t lead_ms)
{
    struct sum x = {0, 0}, y = {0, 0}, xy = {0, 0}, xx = {0, 0};
    uint32_t used = 0;
    double first = 0;
    bool constant = true;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        double at = (double)(t_ms[i] - now_ms) / 1000;
        if (used++ == 0)
            first = v[i];
        constant = constant && v[i] == first;
        add(&x, at);
        add(&y, v[i]);
        add(&xy, at * v[i]);
        add(&xx, at * at);
    }
    if (used < 2)
        return (double)NAN;
    if (constant)
        return isinf(first) ? (double)NAN : first;
    double count = used;
    double covariance = total(&xy) - total(&x) * total(&y) / count;
    double variance = total(&xx) - total(&x) * total(&x) / count;
    double slope = covariance / variance;
    double intercept = total(&y) / count - slope * total(&x) / count;
    return slope * ((double)lead_ms / 1000) + intercept;
}
