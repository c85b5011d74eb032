/* evaluation.h: how good were forecasts and scores: the numbers of a backtest's summary.
 *
 * Forecasts are summed up as they come, in constant memory. Definitions are those of scikit-learn where it
 * has them (checked against it by golden vectors): mean_absolute_error, r2_score,
 * mean_absolute_percentage_error, average_precision_score. Undefined numbers are NaN. One owner; not
 * thread-safe. */
#ifndef AX_APP_EVALUATION_H
#define AX_APP_EVALUATION_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* One forecast whose actual is known. */
struct ax_forecast_outcome {
    int64_t t_made_ms, t_actual_ms;
    double actual, mean, lower, upper;
    double last_value; /* at t_made_ms; NaN unknown */
    double linear;     /* predict_linear at t_made_ms; NaN unknown */
};

/* Running sums over the outcomes of one series and horizon. Zero-initialise. */
struct ax_forecast_sums {
    uint64_t n, ratios_n, intervals_n, inside_n;
    double error, error2, actual; /* sums of |e|, e^2, |actual| */
    double ratio, winkler;        /* sums of |e / actual| where actual is not 0; of interval scores */
    double mean_a, mean_f, m2_a, m2_f, co; /* Welford: means, squared deviations, co-moment */
    double last, last_error;               /* sums of |last - actual|, and of |e| where last is known */
    double linear, linear_error;
};

/* What comes out. Errors are in the input's unit; the others ratios. */
struct ax_forecast_metrics {
    uint64_t n;
    double mae, rmse, r2, mape, wape, correlation;
    double coverage, winkler;
    double skill_last, skill_linear; /* 1 - sum |e| / sum |error of the baseline|, over the same points */
};

/* Add one outcome; one whose actual or mean is not finite is left out. alpha: 1 - level of the interval
 * (0.1); the interval score is that of Gneiting and Raftery, "Strictly proper scoring rules", JASA 102, 2007.
 */
void ax_forecast_sums_add(struct ax_forecast_sums *s, const struct ax_forecast_outcome *o, double alpha);

/* The metrics of the outcomes added. r2 and correlation are NaN when nothing varies. */
struct ax_forecast_metrics ax_forecast_sums_read(const struct ax_forecast_sums *s);

/* Median of n values, NaN left out; the mean of the middle two when they are even; NaN when none is left.
 * Reorders v. */
double ax_median_known(double *v, uint32_t n);

/* A score and the truth of its point. */
struct ax_scored {
    double score;
    bool abnormal;
};

/* Point-wise, with the alarm at score > 1. */
struct ax_detection_metrics {
    uint64_t n, abnormal_n;
    uint64_t true_positive, false_positive, false_negative;
    double precision, recall, f1;
    double false_positive_rate;
    double
        pr_auc; /* average precision: sum over thresholds of (R_k - R_k-1) P_k; NaN without abnormal points */
};

/* Metrics of n scored points. Sorts v by falling score. O(n log n). */
struct ax_detection_metrics ax_detection_read(struct ax_scored *v, uint64_t n);

#endif
