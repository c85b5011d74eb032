/* report_charts.c: which series are drawn, and how. */
#include "app/report_html.h"
#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define DRAWN 3
#define RECENT 240
#define SCORE_TOP 6.0
#define DRIFT_LINES 6
#define DRIFT_TOP 1.0 /* of a chart: where all tests can be seen, and more is only more */

/* Series drawn for a job: number and why. */
struct choice {
    uint32_t series;
    const char *why;
};

static double wape_of(const struct ax_job_report *job, uint32_t series)
{
    return ax_forecast_sums_read(&job->series[series].sums[0]).wape;
}

/* Rank of a series by its WAPE at the shortest horizon among the traced ones; equals by their number. */
static uint32_t rank_of(const struct ax_job_report *job, uint32_t traced, uint32_t series)
{
    uint32_t rank = 0;
    double own = wape_of(job, series);
    for (uint32_t i = 0; i < traced; i++) {
        double other = wape_of(job, i);
        rank += other < own || (other <= own && i < series);
    }
    return rank;
}

/* The median, the best and the worst series by WAPE; without forecasts those with the most alarms. */
static uint32_t choose(const struct ax_job_report *job, struct choice out[static DRAWN])
{
    static const char *const whys[] = {"median series by WAPE", "best series by WAPE",
                                       "worst series by WAPE"};
    uint32_t traced = job->series_n < AX_REPORT_TRACED ? job->series_n : AX_REPORT_TRACED, known = 0, n = 0;
    for (uint32_t i = 0; i < traced && job->spec.horizons_n; i++)
        known += isnan(wape_of(job, i)) ? 0 : 1;
    if (known == 0) {
        for (uint32_t want = 0; want < DRAWN && want < traced; want++) {
            uint32_t best = UINT32_MAX;
            for (uint32_t i = 0; i < traced; i++) {
                bool taken = false;
                for (uint32_t k = 0; k < n; k++)
                    taken |= out[k].series == i;
                if (!taken &&
                    (best == UINT32_MAX || job->series[i].alarms.above > job->series[best].alarms.above))
                    best = i;
            }
            out[n++] = (struct choice){best, "by alarms"};
        }
        return n;
    }
    const uint32_t ranks[DRAWN] = {(known - 1) / 2, 0, known - 1};
    for (uint32_t k = known < DRAWN ? 1 : 0; k < DRAWN && n < known; k++)
        for (uint32_t i = 0; i < traced; i++)
            if (!isnan(wape_of(job, i)) && rank_of(job, traced, i) == ranks[k])
                out[n++] = (struct choice){i, known == 1 ? "the only series" : whys[k]};
    return n;
}

/* A range with some air around it. */
static void pad_range(double *lo, double *hi, double share)
{
    double pad = (*hi - *lo) * share;
    *lo -= pad;
    *hi += pad;
}

static int64_t last_time(const struct ax_trace *t)
{
    return t->t_ms[t->n - 1];
}

/* A frame with actual against forecast and its band. */
static void forecast_frame(struct ax_buf *out, const struct ax_trace *t, const char *about)
{
    struct ax_chart c;
    double lo, hi;
    if (!ax_trace_range(t, FT_ACTUAL_LO, FT_ACTUAL_HI, &lo, &hi))
        return;
    pad_range(&lo, &hi, 0.15);
    ax_chart_begin(&c, out, t->t_ms[0], last_time(t), lo, hi, false, about);
    ax_chart_band(&c, t, FT_LOWER, FT_UPPER, "band");
    ax_chart_line(&c, t, FT_ACTUAL_LO, FT_ACTUAL_HI, "line actual under");
    ax_chart_line(&c, t, FT_MEAN_LO, FT_MEAN_HI, "line forecast");
    ax_chart_end(&c);
}

/* Actual against forecast over all of the time, the last steps closer, and the residuals. */
static void forecast_chart(struct ax_buf *out, const struct ax_trace *t, const struct ax_trace *recent,
                           const char *horizon)
{
    struct ax_chart c;
    double lo, hi;
    if (!t->t_ms || t->n == 0 || !recent->t_ms || recent->n == 0)
        return;
    ax_buf_printf(
        out,
        "<div class=\"legend\"><span><i "
        "style=\"color:var(--actual);opacity:.5;border-width:3px\"></i>actual</span><span>"
        "<i style=\"color:var(--forecast)\"></i>forecast made %s before</span><span><i class=\"box\" "
        "style=\"background:var(--band)\"></i>its interval</span></div>",
        horizon);
    forecast_frame(out, t, "actual against forecast");
    if (t->n * t->width > RECENT) {
        const struct ax_trace tail = ax_trace_tail(recent, RECENT);
        ax_buf_printf(out, "<div class=\"caption\">The last %d of them</div>", RECENT);
        forecast_frame(out, &tail, "the last forecasts");
    }
    if (!ax_trace_range(t, FT_ERROR_LO, FT_ERROR_HI, &lo, &hi))
        return;
    pad_range(&lo, &hi, 0.05);
    ax_buf_str(out, ax_str("<div class=\"caption\">Residual: actual − forecast</div>"));
    ax_chart_begin(&c, out, t->t_ms[0], last_time(t), lo, hi, true, "residuals");
    ax_chart_rule(&c, 0, "rule");
    ax_chart_line(&c, t, FT_ERROR_LO, FT_ERROR_HI, "line forecast");
    ax_chart_end(&c);
}

/* The value with its expected band and alarms, and the score beneath. */
static void score_chart(struct ax_buf *out, const struct ax_trace *t, bool labelled)
{
    struct ax_chart c;
    double lo, hi, top = 2, none;
    if (!t || t->n == 0)
        return;
    if (ax_trace_range(t, ST_VALUE_LO, ST_VALUE_HI, &lo, &hi)) {
        pad_range(&lo, &hi, 0.1);
        ax_buf_str(
            out, ax_str("<div class=\"legend\"><span><i style=\"color:var(--actual)\"></i>value</span><span>"
                        "<i class=\"box\" style=\"background:var(--expected)\"></i>expected</span><span>"
                        "<i class=\"dot\" style=\"background:var(--bad)\"></i>score above 1</span>"));
        if (labelled)
            ax_buf_str(
                out,
                ax_str(
                    "<span><i class=\"box\" style=\"background:var(--truth)\"></i>labelled abnormal</span>"));
        ax_buf_str(out, ax_str("</div>"));
        ax_chart_begin(&c, out, t->t_ms[0], last_time(t), lo, hi, false, "values and anomalies");
        ax_chart_spans(&c, t, ST_LABEL, 0, "truth");
        ax_chart_band(&c, t, ST_LOWER, ST_UPPER, "expected");
        ax_chart_line(&c, t, ST_VALUE_LO, ST_VALUE_HI, "line actual");
        ax_chart_dots(&c, t, ST_VALUE_HI, ST_SCORE, 1, "dots");
        ax_chart_end(&c);
    }
    if (!ax_trace_range(t, ST_SCORE, ST_SCORE, &none, &top))
        return;
    ax_buf_printf(out, "<div class=\"caption\">Anomaly score; above 1 is abnormal%s%s</div>",
                  top > SCORE_TOP ? " (drawn up to 6)" : "", labelled ? "; shaded: labelled abnormal" : "");
    ax_chart_begin(&c, out, t->t_ms[0], last_time(t), 0, fmin(fmax(top * 1.05, 2), SCORE_TOP), true,
                   "anomaly score");
    ax_chart_spans(&c, t, ST_LABEL, 0, "truth");
    ax_chart_rule(&c, 1, "rule");
    ax_chart_line(&c, t, ST_SCORE, ST_SCORE, "line score");
    ax_chart_end(&c);
}

static void series_card(const struct ax_job_report *job, const struct choice *choice, struct ax_buf *out)
{
    const struct ax_series_report *s = &job->series[choice->series];
    ax_buf_str(out, ax_str("<div class=\"card\"><h3>"));
    ax_html_series(out, s);
    ax_buf_printf(out, "</h3><p>%s</p>", choice->why);
    for (uint32_t h = 0; s->forecasts && h < job->spec.horizons_n; h++) {
        char horizon[40];
        ax_format_duration(job->spec.horizons_ms[h], horizon, sizeof horizon);
        ax_buf_printf(out, "<details%s><summary>%s ahead</summary>", h == 0 ? " open" : "", horizon);
        forecast_chart(out, &s->forecasts[h], &s->forecasts[job->spec.horizons_n + h], horizon);
        ax_buf_str(out, ax_str("</details>"));
    }
    if (s->scores) {
        ax_buf_printf(out, "<details open><summary>anomalies: %" PRIu64 " episode%s</summary>",
                      s->alarms.episodes, s->alarms.episodes == 1 ? "" : "s");
        score_chart(out, s->scores, job->scored_n > 0);
        ax_buf_str(out, ax_str("</details>"));
    }
    ax_buf_str(out, ax_str("</div>\n"));
}

/* Said confidence against how often it came true; the diagonal is perfect. */
static void reliability_card(const struct ax_job_report *job, struct ax_buf *out)
{
    const double side = 260, left = 44, top = 8;
    uint64_t all = 0;
    for (int i = 0; i < AX_REPORT_BINS; i++)
        all += job->confidence_n[i];
    if (all == 0)
        return;
    ax_buf_printf(
        out,
        "<div class=\"card\" style=\"max-width:420px\"><h3>Reliability of prediction_confidence</h3><p>How "
        "often "
        "the actual was within tolerance (up) for each said confidence (right); the diagonal is perfect. "
        "Dots grow with their share of %" PRIu64 " forecasts.</p><svg viewBox=\"0 0 330 300\" role=\"img\" "
        "aria-label=\"reliability\">",
        all);
    for (int i = 0; i <= 4; i++) {
        double x = left + side * i / 4, y = top + side * (4 - i) / 4;
        ax_buf_printf(
            out,
            "<path class=\"grid\" d=\"M%.0f %.0fh%.0fM%.0f %.0fv%.0f\"/><text class=\"tick end\" x=\"%.0f\" "
            "y=\"%.0f\">%d %%</text><text class=\"tick mid\" x=\"%.0f\" y=\"%.0f\">%d %%</text>",
            left, y, side, x, top, side, left - 6, y + 4, i * 25, x, top + side + 16, i * 25);
    }
    ax_buf_printf(out, "<path class=\"rule\" d=\"M%.0f %.0fL%.0f %.0f\"/>", left, top + side, left + side,
                  top);
    for (int i = 0; i < AX_REPORT_BINS; i++) {
        if (job->confidence_n[i] == 0)
            continue;
        double n = (double)job->confidence_n[i], said = job->confidence_sum[i] / n,
               came = (double)job->within_n[i] / n;
        ax_buf_printf(out,
                      "<circle class=\"bar\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>said %.0f %%, came "
                      "true %.0f %%, "
                      "%.0f forecasts</title></circle>",
                      left + said * side, top + (1 - came) * side, 3 + 9 * sqrt(n / (double)all), said * 100,
                      came * 100, n);
    }
    ax_buf_str(out, ax_str("</svg></div>\n"));
}

/* The drift scores of one feature (all its tests) in one chart. */
static void drift_chart(const struct ax_job_report *job, uint32_t first, struct ax_buf *out)
{
    struct ax_chart c;
    int64_t t0 = INT64_MAX, t1 = INT64_MIN;
    double top = 0.5;
    uint32_t lines = 0, chosen[DRIFT_LINES];
    for (uint32_t i = first; i < job->drifts_n && lines < DRIFT_LINES; i++) {
        const struct ax_drift_report *d = &job->drifts[i];
        if (!ax_str_eq(d->feature, job->drifts[first].feature))
            continue;
        chosen[lines++] = i;
        t0 = d->trace.t_ms[0] < t0 ? d->trace.t_ms[0] : t0;
        t1 = last_time(&d->trace) > t1 ? last_time(&d->trace) : t1;
        top = fmax(top, fmin(d->max, DRIFT_TOP));
    }
    ax_buf_str(out, ax_str("<div class=\"caption\">"));
    ax_html_text(out, job->drifts[first].feature);
    ax_buf_str(out, ax_str("</div><div class=\"legend\">"));
    for (uint32_t k = 0; k < lines; k++) {
        ax_buf_printf(out, "<span><i style=\"color:var(--c%" PRIu32 ")\"></i>", k);
        ax_html_text(out, job->drifts[chosen[k]].test);
        ax_buf_str(out, ax_str("</span>"));
    }
    ax_buf_str(out, ax_str("</div>"));
    ax_chart_begin(&c, out, t0, t1, 0, top * 1.05, true, "drift score");
    for (uint32_t k = 0; k < lines; k++) {
        char cls[16];
        (void)snprintf(cls, sizeof cls, "line c%" PRIu32, k);
        ax_chart_line(&c, &job->drifts[chosen[k]].trace, 0, 1, cls);
    }
    ax_chart_end(&c);
}

static void drift_card(const struct ax_job_report *job, struct ax_buf *out)
{
    if (job->drifts_n == 0)
        return;
    ax_buf_str(
        out,
        ax_str("<div class=\"card\"><h3>Drift over time</h3><p>Effect size of each test between "
               "the reference and the current window: from 0.2 it is large, and above 1 not drawn.</p>"));
    for (uint32_t i = 0; i < job->drifts_n; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < i; k++)
            seen |= ax_str_eq(job->drifts[k].feature, job->drifts[i].feature);
        if (!seen)
            drift_chart(job, i, out);
    }
    ax_buf_str(out, ax_str("</div>\n"));
}

void ax_report_charts(const struct ax_job_report *job, struct ax_buf *out)
{
    struct choice choices[DRAWN];
    uint32_t n = choose(job, choices);
    for (uint32_t i = 0; i < n; i++)
        series_card(job, &choices[i], out);
    reliability_card(job, out);
    drift_card(job, out);
}
