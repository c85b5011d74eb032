/* evaluation.c: running sums, medians, and the precision-recall curve's area. */
#include "app/evaluation.h"

#include "math/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Means and moments (Welford, Technometrics 4, 1962), so that large levels lose nothing. */
static void add_moments(struct ax_forecast_sums *s, double a, double f)
{
    double n = (double)s->n, da = a - s->mean_a, df = f - s->mean_f;
    s->mean_a += da / n;
    s->mean_f += df / n;
    s->m2_a += da * (a - s->mean_a);
    s->m2_f += df * (f - s->mean_f);
    s->co += da * (f - s->mean_f);
}

void ax_forecast_sums_add(struct ax_forecast_sums *s, const struct ax_forecast_outcome *o, double alpha)
{
    double error = fabs(o->actual - o->mean);
    if (!isfinite(o->actual) || !isfinite(o->mean))
        return;
    s->n++;
    s->error += error;
    s->error2 += error * error;
    s->actual += fabs(o->actual);
    if (o->actual != 0) {
        s->ratios_n++;
        s->ratio += error / fabs(o->actual);
    }
    add_moments(s, o->actual, o->mean);
    if (!isnan(o->lower) && !isnan(o->upper)) {
        double below = o->lower - o->actual, above = o->actual - o->upper;
        s->intervals_n++;
        s->inside_n += below <= 0 && above <= 0;
        s->winkler += o->upper - o->lower + 2 / alpha * ((below > 0 ? below : 0) + (above > 0 ? above : 0));
    }
    if (isfinite(o->last_value)) {
        s->last += fabs(o->last_value - o->actual);
        s->last_error += error;
    }
    if (isfinite(o->linear)) {
        s->linear += fabs(o->linear - o->actual);
        s->linear_error += error;
    }
}

/* a / b, NaN for 0 / 0 and for a division by 0 alike: neither says anything. */
static double ratio(double a, double b)
{
    return b > 0 ? a / b : (double)NAN;
}

struct ax_forecast_metrics ax_forecast_sums_read(const struct ax_forecast_sums *s)
{
    double n = (double)s->n;
    return (struct ax_forecast_metrics){
        .n = s->n,
        .mae = ratio(s->error, n),
        .rmse = sqrt(ratio(s->error2, n)),
        .r2 = 1 - ratio(s->error2, s->m2_a),
        .mape = ratio(s->ratio, (double)s->ratios_n),
        .wape = ratio(s->error, s->actual),
        .correlation = ratio(s->co, sqrt(s->m2_a) * sqrt(s->m2_f)),
        .coverage = ratio((double)s->inside_n, (double)s->intervals_n),
        .winkler = ratio(s->winkler, (double)s->intervals_n),
        .skill_last = 1 - ratio(s->last_error, s->last),
        .skill_linear = 1 - ratio(s->linear_error, s->linear),
    };
}

double ax_median_known(double *v, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(v[i]))
            v[kept++] = v[i];
    return ax_median(v, kept);
}

static int by_falling_score(const void *a, const void *b)
{
    struct ax_scored x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (y.score > x.score) - (y.score < x.score);
}

struct ax_detection_metrics ax_detection_read(struct ax_scored *v, uint64_t n)
{
    struct ax_detection_metrics m = {.n = n};
    double positive = 0, area = 0, recall_before = 0;
    uint64_t alarms = 0;
    if (n > 1)
        qsort(v, n, sizeof *v, by_falling_score);
    for (uint64_t i = 0; i < n; i++) {
        m.abnormal_n += v[i].abnormal;
        alarms += v[i].score > 1;
        m.true_positive += v[i].score > 1 && v[i].abnormal;
    }
    for (uint64_t i = 0; i < n; i++) {
        positive += v[i].abnormal;
        if (i + 1 < n && v[i + 1].score >= v[i].score)
            continue; /* ties are one threshold */
        double recall = ratio(positive, (double)m.abnormal_n);
        area += (recall - recall_before) * positive / (double)(i + 1);
        recall_before = recall;
    }
    m.false_positive = alarms - m.true_positive;
    m.false_negative = m.abnormal_n - m.true_positive;
    m.pr_auc = m.abnormal_n ? area : (double)NAN;
    m.precision = ratio((double)m.true_positive, (double)alarms);
    m.recall = ratio((double)m.true_positive, (double)m.abnormal_n);
    m.f1 = ratio(2 * (double)m.true_positive,
                 2 * (double)m.true_positive + (double)m.false_positive + (double)m.false_negative);
    m.false_positive_rate = ratio((double)m.false_positive, (double)(n - m.abnormal_n));
    return m;
}
