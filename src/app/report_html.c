/* report_html.c: the page: a section for each job with its numbers, then charts of chosen series. */
#include "app/report_html.h"

#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fcfcfb;--card:#fff;--ink:#1b1b1a;--soft:#6a6964;--line:#e4e3de;"
    "--actual:#3b3a37;--forecast:#2a78d6;--band:#2a78d6;--bad:#d03b3b;--truth:#eda100;--expected:#1baf7a;"
    "--c0:#2a78d6;--c1:#1baf7a;--c2:#eda100;--c3:#4a3aa7;--c4:#e34948;--c5:#e87ba4}"
    "@media(prefers-color-scheme:dark){:root{--bg:#161615;--card:#1f1f1e;--ink:#f0efea;--soft:#a3a29b;--line:"
    "#383835;"
    "--actual:#d6d5cf;--forecast:#5b9ce8;--band:#3987e5;--bad:#ef6b6b;--truth:#d9a520;--expected:#2fbf8c;"
    "--c0:#5b9ce8;--c1:#2fbf8c;--c2:#d9a520;--c3:#9085e9;--c4:#ef6b6b;--c5:#d55181}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 "
    "system-ui,sans-serif}"
    "main{max-width:1080px;margin:0 auto;padding:32px 20px 80px}h1{font-size:26px;margin:0 0 2px}"
    "h2{font-size:20px;margin:44px 0 8px;padding-top:20px;border-top:1px solid var(--line)}"
    "h3{font-size:15px;margin:0 0 2px;overflow-wrap:anywhere}p,.note{color:var(--soft);margin:2px 0 "
    "12px;font-size:13px}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px "
    "16px;margin:14px 0}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:"
    "tabular-nums}"
    "th{color:var(--soft);font-weight:500;text-align:right;padding:4px 8px;border-bottom:1px solid "
    "var(--line);white-space:nowrap}"
    "td{text-align:right;padding:4px 8px;white-space:nowrap}tr+tr td{border-top:1px solid var(--line)}"
    "th:first-child,td:first-child{text-align:left}svg{display:block;width:100%;height:auto;overflow:hidden}"
    ".tick{font:10.5px system-ui,sans-serif;fill:var(--soft)}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".grid{stroke:var(--line);fill:none}.line{fill:none;stroke-width:1.4;stroke-linejoin:round;vector-effect:"
    "non-scaling-stroke}"
    ".actual{stroke:var(--actual)}.under{stroke-width:3;opacity:.5}.forecast{stroke:var(--forecast)}.band{"
    "fill:var(--band);opacity:.18}"
    ".expected{fill:var(--expected);opacity:.16}.truth{fill:var(--truth);opacity:.28}"
    ".score{stroke:var(--bad)}.rule{stroke:var(--soft);stroke-dasharray:4 4;fill:none}"
    ".dots{fill:none;stroke:var(--bad);stroke-width:6;stroke-linecap:round}"
    ".c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)"
    "}.c5{stroke:var(--c5)}"
    ".legend{font-size:12px;color:var(--soft);margin:2px 0 6px;display:flex;flex-wrap:wrap;gap:4px 16px}"
    ".legend i{display:inline-block;width:16px;height:0;border-top:2px "
    "solid;vertical-align:middle;margin-right:6px}"
    ".legend i.box{height:10px;border:0;border-radius:2px;opacity:.35}.legend "
    "i.dot{width:7px;height:7px;border:0;border-radius:50%}"
    ".caption{font-size:12px;color:var(--soft);margin:8px 0 0}details{margin-top:10px}"
    "@media(max-width:48rem){.chart{min-width:44rem}}" /* its letters would be too small; it is scrolled */
    "summary{cursor:pointer;color:var(--soft);font-size:13px}.bar{fill:var(--forecast)}.warn{color:var(--bad)"
    "}";

/* A table cell with a number; a dash when undefined. */
static void put_number(struct ax_buf *out, double v)
{
    ax_buf_str(out, ax_str("<td>"));
    ax_html_value(out, v);
    ax_buf_str(out, ax_str("</td>"));
}

/* The same for a ratio, as a percentage. */
static void put_percent(struct ax_buf *out, double v)
{
    if (isnan(v))
        ax_buf_str(out, ax_str("<td>–</td>"));
    else
        ax_buf_printf(out, "<td>%.2f %%</td>", v * 100);
}

/* The columns that a horizon over all series and a single series share. */
static void metric_cells(struct ax_buf *out, const struct ax_forecast_metrics *m)
{
    ax_buf_printf(out, "<td>%" PRIu64 "</td>", m->n);
    put_number(out, m->mae);
    put_number(out, m->rmse);
    put_number(out, m->r2);
    put_percent(out, m->mape);
    put_percent(out, m->wape);
    put_number(out, m->correlation);
    put_percent(out, m->coverage);
    put_number(out, m->winkler);
    put_percent(out, m->skill_last);
    put_percent(out, m->skill_linear);
}

#define METRIC_HEADS                                                                                         \
    "<th>n</th><th>MAE</th><th>RMSE</th><th>R²</th><th>MAPE</th><th>WAPE</th><th>corr.</th><th>coverage</"  \
    "th>"                                                                                                    \
    "<th>Winkler</th><th>skill vs last</th><th>vs linear</th>"

static void forecast_table(struct ax_report *r, const struct ax_job_report *job, struct ax_buf *out)
{
    ax_buf_str(out, ax_str("<div class=\"card wide\"><h3>Forecast <code>"));
    ax_html_text(out, job->spec.output);
    ax_buf_printf(out,
                  "</code></h3><p>Medians over the series, in the unit of the "
                  "expression where there is no %%. Pooled WAPE: sum of |error| over sum "
                  "of |actual| "
                  "of all series. Coverage: share of actuals inside the %.0f %% interval. Skill: 1 − error / "
                  "error of the "
                  "last value, of "
                  "<code>predict_linear</code>.</p><table><tr><th>horizon</th><th>series</th>" METRIC_HEADS
                  "<th>pooled WAPE</th></tr>",
                  job->spec.level * 100);
    for (uint32_t h = 0; h < job->spec.horizons_n; h++) {
        struct ax_horizon_summary s = ax_report_horizon(r, job, h);
        char horizon[40];
        ax_format_duration(job->spec.horizons_ms[h], horizon, sizeof horizon);
        ax_buf_printf(out, "<tr><td>%s</td><td>%" PRIu32 "</td>", horizon, s.series_n);
        metric_cells(out, &s.median);
        put_percent(out, s.pooled_wape);
        ax_buf_str(out, ax_str("</tr>"));
    }
    ax_buf_str(out, ax_str("</table></div>\n"));
}

static void alarm_table(struct ax_job_report *job, struct ax_buf *out)
{
    struct ax_alarm_summary a = ax_report_alarm_summary(job);
    if (a.n == 0)
        return;
    ax_buf_str(
        out,
        ax_str("<div class=\"card wide\"><h3>Anomaly scores</h3><p>Alarms a week: episodes of score above 1, "
               "mean over the series."));
    if (a.labelled)
        ax_buf_str(
            out,
            ax_str(" Precision to false-positive rate: point-wise at score above 1, over all labelled points "
                   "of all series. PR-AUC: average precision."));
    ax_buf_str(
        out, ax_str("</p><table><tr><th>points</th><th>above 1</th><th>episodes</th><th>alarms a week</th>"));
    if (a.labelled)
        ax_buf_str(out,
                   ax_str("<th>labelled</th><th>abnormal</th><th>precision</th><th>recall</th><th>F1</th>"
                          "<th>PR-AUC</th><th>false-positive rate</th>"));
    ax_buf_printf(out, "</tr><tr><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td>", a.n, a.above,
                  a.episodes);
    put_number(out, a.per_week);
    if (a.labelled) {
        ax_buf_printf(out, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td>", a.detection.n, a.detection.abnormal_n);
        put_number(out, a.detection.precision);
        put_number(out, a.detection.recall);
        put_number(out, a.detection.f1);
        put_number(out, a.detection.pr_auc);
        put_percent(out, a.detection.false_positive_rate);
    }
    ax_buf_str(out, ax_str("</tr></table></div>\n"));
}

#define ROWS_MAX 500

/* Every series with its metrics at the shortest horizon, folded away. */
static void series_table(const struct ax_job_report *job, struct ax_buf *out)
{
    char horizon[40];
    if (job->spec.horizons_n == 0 || job->series_n < 2)
        return;
    ax_format_duration(job->spec.horizons_ms[0], horizon, sizeof horizon);
    ax_buf_printf(
        out,
        "<details><summary>The series one by one, %s ahead</summary><div class=\"card wide\"><table>"
        "<tr><th>series</th>" METRIC_HEADS "<th>alarm episodes</th></tr>",
        horizon);
    for (uint32_t i = 0; i < job->series_n && i < ROWS_MAX; i++) {
        struct ax_forecast_metrics m = ax_forecast_sums_read(&job->series[i].sums[0]);
        ax_buf_str(out, ax_str("<tr><td>"));
        ax_html_series(out, &job->series[i]);
        ax_buf_str(out, ax_str("</td>"));
        metric_cells(out, &m);
        ax_buf_printf(out, "<td>%" PRIu64 "</td></tr>", job->series[i].alarms.episodes);
    }
    ax_buf_str(out, ax_str("</table>"));
    if (job->series_n > ROWS_MAX)
        ax_buf_printf(out, "<p>The first %d of %" PRIu32 "; --format=json has all.</p>", ROWS_MAX,
                      job->series_n);
    ax_buf_str(out, ax_str("</div></details>\n"));
}

void ax_html_series(struct ax_buf *out, const struct ax_series_report *s)
{
    struct ax_buf name;
    ax_buf_init(&name, 1u << 16);
    ax_labels_write(s->labels, &name);
    ax_html_text(out, ax_buf_view(&name));
    ax_buf_done(&name);
}

static void job_section(struct ax_report *r, struct ax_job_report *job, struct ax_buf *out)
{
    ax_buf_str(out, ax_str("<h2>Job "));
    ax_html_text(out, job->spec.name);
    ax_buf_printf(out, "</h2><p>%" PRIu32 " series</p>\n", job->series_n);
    if (job->spec.horizons_n)
        forecast_table(r, job, out);
    alarm_table(job, out);
    series_table(job, out);
    ax_report_charts(job, out);
}

void ax_report_html(struct ax_report *r, struct ax_buf *out)
{
    ax_buf_str(
        out,
        ax_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Backtest: "));
    ax_html_text(out, r->title);
    ax_buf_str(out, ax_str("</title><style>"));
    ax_buf_str(out, ax_str(style));
    ax_buf_str(out, ax_str("</style></head><body><main><h1>Backtest</h1><p>"));
    ax_html_text(out, r->title);
    ax_buf_str(out, ax_str(" · walking forward: every forecast saw only what came before it · times in UTC · "
                           "Auspex " AX_VERSION "</p>\n"));
    if (r->nomem)
        ax_buf_str(out, ax_str("<p class=\"warn\">Memory ran out: the numbers are incomplete.</p>\n"));
    for (uint32_t i = 0; i < r->jobs_n; i++)
        job_section(r, &r->jobs[i], out);
    ax_buf_str(out, ax_str("</main></body></html>\n"));
}
