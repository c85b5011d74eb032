/* report_table.c: the summary as aligned text, for a terminal. */
#include "app/report_data.h"
#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A number in a column of its width: four digits that count, "-" when undefined. */
static void put_number(struct ax_buf *out, int width, double v)
{
    char text[40];
    if (isnan(v))
        (void)snprintf(text, sizeof text, "-");
    else
        (void)snprintf(text, sizeof text, "%.4g", v);
    ax_buf_printf(out, "%*s", width, text);
}

/* A ratio that is mostly between -1 and 1: four decimals, so that small ones line up. */
static void put_ratio(struct ax_buf *out, int width, double v)
{
    char text[40];
    if (isnan(v) || fabs(v) >= 100) {
        put_number(out, width, v);
        return;
    }
    (void)snprintf(text, sizeof text, "%.4f", v);
    ax_buf_printf(out, "%*s", width, text);
}

static void put_percent(struct ax_buf *out, int width, double v)
{
    char text[40];
    if (isnan(v))
        (void)snprintf(text, sizeof text, "-");
    else
        (void)snprintf(text, sizeof text, "%.2f%%", v * 100);
    ax_buf_printf(out, "%*s", width, text);
}

static void put_forecasts(struct ax_report *r, const struct ax_job_report *job, struct ax_buf *out)
{
    ax_buf_printf(out, "  forecast %.*s\n", (int)job->spec.output.n, job->spec.output.p);
    ax_buf_printf(out, "  %8s %7s %10s %11s %11s %9s %9s %9s %7s %9s %11s %8s %10s | %9s\n", "horizon",
                  "series", "n", "MAE", "RMSE", "R2", "MAPE", "WAPE", "corr", "coverage", "Winkler",
                  "vs last", "vs linear", "pooled WAPE");
    bool lacking = false;
    for (uint32_t h = 0; h < job->spec.horizons_n; h++) {
        struct ax_horizon_summary s = ax_report_horizon(r, job, h);
        const struct ax_forecast_metrics *m = &s.median;
        char horizon[40];
        ax_format_duration(job->spec.horizons_ms[h], horizon, sizeof horizon);
        ax_buf_printf(out, "  %8s %7" PRIu32 " %10" PRIu64, horizon, s.series_n, m->n);
        put_number(out, 12, m->mae);
        put_number(out, 12, m->rmse);
        put_ratio(out, 10, m->r2);
        put_percent(out, 10, m->mape);
        put_percent(out, 10, m->wape);
        put_ratio(out, 8, m->correlation);
        put_percent(out, 10, m->coverage);
        put_number(out, 12, m->winkler);
        put_ratio(out, 9, m->skill_last);
        put_ratio(out, 11, m->skill_linear);
        ax_buf_str(out, ax_str(" |"));
        put_percent(out, 12, s.pooled_wape);
        ax_buf_byte(out, '\n');
        lacking |= m->n == 0;
    }
    if (lacking)
        ax_buf_str(out, ax_str("  n is 0: no sample came at a time that such a forecast was for. Is the "
                               "recording shorter than "
                               "that, or are\n  its samples further apart than the job's step?\n"));
    ax_buf_printf(
        out,
        "  MAE to vs linear: median over the series. pooled WAPE: sum of |error| / sum of |actual| over all "
        "series.\n  coverage: share of actuals inside the %.0f%% interval. vs: skill, 1 - error / error of "
        "the "
        "last value, of predict_linear.\n",
        job->spec.level * 100);
}

/* What prediction_confidence said, and how often it came true, in tenths of it. */
static void put_reliability(const struct ax_job_report *job, struct ax_buf *out)
{
    uint64_t all = 0;
    for (int i = 0; i < AX_REPORT_BINS; i++)
        all += job->confidence_n[i];
    if (all == 0)
        return;
    ax_buf_str(out, ax_str("  prediction_confidence  said"));
    for (int i = 0; i < AX_REPORT_BINS; i++)
        put_percent(out, 9,
                    job->confidence_n[i] ? job->confidence_sum[i] / (double)job->confidence_n[i]
                                         : (double)NAN);
    ax_buf_str(out, ax_str("\n                    came true"));
    for (int i = 0; i < AX_REPORT_BINS; i++)
        put_percent(out, 9,
                    job->confidence_n[i] ? (double)job->within_n[i] / (double)job->confidence_n[i]
                                         : (double)NAN);
    ax_buf_str(out, ax_str("\n                 of forecasts"));
    for (int i = 0; i < AX_REPORT_BINS; i++)
        put_percent(out, 9, (double)job->confidence_n[i] / (double)all);
    ax_buf_byte(out, '\n');
}

static void put_anomalies(struct ax_job_report *job, struct ax_buf *out)
{
    struct ax_alarm_summary a = ax_report_alarm_summary(job);
    if (a.n == 0)
        return;
    ax_buf_printf(out, "  anomaly scores\n  %10s %10s %9s %12s", "n", "above 1", "episodes", "alarms/week");
    if (a.labelled)
        ax_buf_printf(out, " %10s %10s %9s %9s %9s %9s %9s", "labelled", "abnormal", "precision", "recall",
                      "F1", "PR-AUC", "FP rate");
    ax_buf_printf(out, "\n  %10" PRIu64 " %10" PRIu64 " %9" PRIu64, a.n, a.above, a.episodes);
    put_number(out, 13, a.per_week);
    if (a.labelled) {
        ax_buf_printf(out, " %10" PRIu64 " %10" PRIu64, a.detection.n, a.detection.abnormal_n);
        put_number(out, 10, a.detection.precision);
        put_number(out, 10, a.detection.recall);
        put_number(out, 10, a.detection.f1);
        put_number(out, 10, a.detection.pr_auc);
        put_percent(out, 10, a.detection.false_positive_rate);
    }
    ax_buf_str(out, ax_str("\n  alarms/week: episodes of score > 1, mean over the series."));
    if (a.labelled)
        ax_buf_str(
            out,
            ax_str(" precision to FP rate: point-wise at score > 1, all labelled points of all series."));
    ax_buf_byte(out, '\n');
}

static void put_drifts(const struct ax_job_report *job, struct ax_buf *out)
{
    if (job->drifts_n == 0)
        return;
    ax_buf_printf(out, "  drift scores\n  %-32s %-14s %10s %10s\n", "feature", "test", "last", "max");
    for (uint32_t i = 0; i < job->drifts_n; i++) {
        const struct ax_drift_report *d = &job->drifts[i];
        ax_buf_printf(out, "  %-32.*s %-14.*s", (int)d->feature.n, d->feature.p, (int)d->test.n, d->test.p);
        put_number(out, 11, d->last);
        put_number(out, 11, d->max);
        ax_buf_byte(out, '\n');
    }
}

void ax_report_table(struct ax_report *r, struct ax_buf *out)
{
    for (uint32_t i = 0; i < r->jobs_n; i++) {
        struct ax_job_report *job = &r->jobs[i];
        ax_buf_printf(out, "%sjob %.*s, %" PRIu32 " series\n", i ? "\n" : "", (int)job->spec.name.n,
                      job->spec.name.p, job->series_n);
        if (job->spec.horizons_n) {
            put_forecasts(r, job, out);
            put_reliability(job, out);
        }
        put_anomalies(job, out);
        put_drifts(job, out);
    }
    if (r->nomem)
        ax_buf_str(out, ax_str("\nmemory ran out: the numbers are incomplete\n"));
}
