/* page.c: one table of jobs; the style is in the page, nothing is fetched. */
#include "api/page.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "pipeline/trials.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

static const char head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width,initial-scale=1\"><title>Auspex</title><style>"
    ":root{color-scheme:light dark;--line:#8884;--ok:#1a7f37;--wait:#9a6700}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem;margin:0}p{margin:.25rem 0 "
    "1.5rem}div{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th{vertical-align:bottom}td{white-space:nowrap}th,td{text-align:right;padding:.4rem "
    ".7rem;border-bottom:1px solid "
    "var(--line);font-variant-numeric:tabular-nums}"
    "th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}"
    ".ok{color:var(--ok)}.wait{color:var(--wait)}@media(prefers-color-scheme:dark){:root{--ok:#3fb950;--wait:"
    "#d29922}}"
    "nav a{margin-right:1rem}</style></head><body>";

static void escape(struct ax_buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '<')
            ax_buf_str(out, ax_str("&lt;"));
        else if (*p == '&')
            ax_buf_str(out, ax_str("&amp;"));
        else
            ax_buf_byte(out, (uint8_t)*p);
    }
}

/* What becomes of the fits of a job's models; of those that want none nothing is said. */
static void write_training(struct ax_buf *out, struct ax_pipeline *p, uint32_t job)
{
    struct ax_fit_view v;
    const char *between = "";
    for (uint32_t i = 0; ax_pipeline_job_fit(p, job, i, &v); i++) {
        if (v.stage == AX_FITS_IDLE)
            continue;
        const char *kind = strrchr(v.model, '/');
        ax_buf_str(out, ax_str(between));
        escape(out, kind ? kind + 1 : v.model);
        ax_buf_printf(out, ": %s",
                      v.stage == AX_FITS_TOO_LITTLE_DATA ? "waits for data" : ax_fit_stage_name(v.stage));
        if (v.stage == AX_FITS_RUNNING && v.share > 0)
            ax_buf_printf(out, " %.0f %%", 100 * v.share);
        else if (v.stage == AX_FITS_QUEUED)
            ax_buf_printf(out, ", place %" PRIu32, v.place);
        ax_buf_printf(out, " (%s)", ax_fit_reason_name(v.reason));
        between = "<br>";
    }
}

/* A line on the process: what has come in, and whether the configuration is that of the file. */
static void write_process(struct ax_buf *out, const struct ax_db *db)
{
    struct ax_clock wall = ax_clock_wall();
    double received = ax_metric_get(ax_metric(AX_M_LAST_RECEIVED, NULL, NULL));
    ax_buf_printf(out, "<p>%" PRIu32 " input series in memory; ", ax_db_series_n(db));
    if (received > 0)
        ax_buf_printf(out, "the last sample came %.0f s ago",
                      fmax(0, (double)ax_clock_now(&wall) / 1000 - received));
    else
        ax_buf_str(out, ax_str("<span class=\"wait\">no sample has come yet</span>"));
    if (ax_metric_get(ax_metric(AX_M_CONFIG_RELOAD_OK, NULL, NULL)) == 0)
        ax_buf_str(
            out, ax_str("; <span class=\"wait\">the configuration could not be loaded again, that of before "
                        "is in force: see the log</span>"));
    ax_buf_str(out, ax_str("</p>"));
}

/* A reason as words: "warming_up" is "warming up". */
static void write_reason(struct ax_buf *out, const char *reason)
{
    for (const char *p = reason; *p; p++)
        ax_buf_byte(out, (uint8_t)(*p == '_' ? ' ' : *p));
}

static void write_job(struct ax_buf *out, const char *name, const struct ax_job_status *s)
{
    char step[40] = "none yet";
    if (s->last_step_ms != INT64_MIN) {
        time_t t = (time_t)(s->last_step_ms / 1000);
        struct tm tm;
        (void)gmtime_r(&t, &tm);
        (void)strftime(step, sizeof step, "%Y-%m-%d %H:%M:%S UTC", &tm);
    }
    ax_buf_str(out, ax_str("<tr><td>"));
    escape(out, name);
    ax_buf_printf(out, "</td><td class=\"%s\">", s->ready ? "ok" : "wait");
    write_reason(out, s->ready ? "ready" : s->reason);
    ax_buf_printf(out,
                  "</td><td>%" PRIu32 "</td><td>%" PRIu32 "</td><td>%" PRIu32
                  "</td><td>%.1f KiB</td><td>%.1f ms</td><td>%s</td><td>",
                  s->targets_n, s->entities_n, s->outputs_n,
                  s->targets_n ? (double)s->bytes / 1024 / s->targets_n : 0.0, s->step_seconds * 1000, step);
}

void ax_page_write(struct ax_pipeline *p, const struct ax_db *db, struct ax_buf *out)
{
    char name[AX_JOB_NAME_MAX + 1];
    struct ax_job_status status;
    ax_buf_str(out, ax_str(head));
    ax_buf_printf(out, "<h1>Auspex %s</h1>", AX_VERSION);
    write_process(out, db);
    ax_buf_str(out, ax_str("<div><table><tr><th>job</th><th>model</th><th>series</th><th>entities</th>"
                           "<th>outputs</th><th>memory a series</th><th>last step took</th><th>last step</th>"
                           "<th>training</th></tr>"));
    for (uint32_t i = 0; ax_pipeline_job_status(p, i, name, sizeof name, &status); i++) {
        write_job(out, name, &status);
        write_training(out, p, i);
        ax_buf_str(out, ax_str("</td></tr>"));
    }
    ax_buf_printf(out, "</table></div><p>Fits that wait for their turn: %.0f</p>",
                  ax_metric_get(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL)));
    ax_buf_str(out, ax_str("<nav><a href=\"/metrics\">metrics</a><a href=\"/api/v1/status/config\">config</a>"
                           "<a href=\"/api/v1/status/jobs\">jobs</a><a href=\"/api/v1/models\">models</a>"
                           "<a href=\"/-/ready\">ready</a></nav></body></html>\n"));
}
