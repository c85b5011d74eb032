/* page.c: two tables, of endpoints and of jobs; the style is in the page, nothing is fetched. */
#include "api/page.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "emit/emit.h"
#include "pipeline/trials.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#define FEATURES_SHOWN 3
#define SAMPLE_LATE_S 60 /* after which a sample that came is no sign of life any more */

/* On a narrow screen each row is a list, and each cell says of what column it is. */
static const char head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width,initial-scale=1\"><title>Auspex</title><style>"
    ":root{color-scheme:light dark;--line:#8884;--dim:#57606a;--ok:#1a7f37;--wait:#9a6700}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}p{margin:.25rem 0}"
    "div{overflow-x:auto}table{border-collapse:collapse;width:100%}th{vertical-align:bottom;color:var(--dim)}"
    "th,td{text-align:right;padding:.4rem .7rem;border-bottom:1px solid var(--line);"
    "font-variant-numeric:tabular-nums}"
    "th:first-child,td:first-child,th:nth-child(2),td:nth-child(2),.l{text-align:left}"
    "th:first-child,td:first-child{padding-left:0}code{overflow-wrap:anywhere}"
    ".dim{color:var(--dim)}.ok{color:var(--ok)}.wait{color:var(--wait)}"
    "@media(prefers-color-scheme:dark){:root{--dim:#8b949e;--ok:#3fb950;--wait:#d29922}}"
    "@media(max-width:48rem){thead{display:none}tr{display:block;padding:.4rem 0;border-bottom:1px solid "
    "var(--line)}"
    "td{display:flex;justify-content:space-between;gap:1rem;border:0;padding:.1rem 0}td:empty{display:none}"
    "td:first-child{font-weight:600;overflow-wrap:anywhere;justify-content:start}td::before{content:attr("
    "data-c);color:var(--dim)}}"
    "nav{margin:1.5rem 0}nav a{margin-right:1rem}</style></head><body>";

static void escape(struct ax_buf *out, struct ax_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '<')
            ax_buf_str(out, ax_str("&lt;"));
        else if (text.p[i] == '&')
            ax_buf_str(out, ax_str("&amp;"));
        else
            ax_buf_byte(out, (uint8_t)text.p[i]);
    }
}

static double now_s(void)
{
    struct ax_clock wall = ax_clock_wall();
    return (double)ax_clock_now(&wall) / 1000;
}

/* A length of time in the largest unit of which it has two. */
static void write_duration(struct ax_buf *out, double s)
{
    static const struct {
        double s;
        const char *unit;
    } units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i < 3 && s < 2 * units[i].s)
        i++;
    ax_buf_printf(out, "%.0f %s", fmax(0, s) / units[i].s, units[i].unit);
}

static void write_ago(struct ax_buf *out, double unix_s)
{
    write_duration(out, now_s() - unix_s);
    ax_buf_str(out, ax_str(" ago"));
}

/* What comes in, and the process itself. */
static void write_process(struct ax_buf *out, const struct ax_api *api)
{
    const double received = ax_metric_get(ax_metric(AX_M_LAST_RECEIVED, NULL, NULL));
    const bool late = now_s() - received > SAMPLE_LATE_S;
    ax_buf_str(out, ax_str("<p>"));
    if (received > 0) {
        ax_buf_printf(out, "<span class=\"%s\">The last sample came ", late ? "wait" : "ok");
        write_ago(out, received);
        ax_buf_str(out, late ? ax_str(": is whoever sends still there?</span>") : ax_str("</span>"));
    } else {
        ax_buf_str(out, ax_str("<span class=\"wait\">No sample has come yet: Prometheus sends them with "
                               "remote_write to /api/v1/write of this address</span>"));
    }
    const uint32_t wanted = ax_db_series_n(api->db);
    ax_buf_printf(out, "; %" PRIu32 " series that jobs want are in memory.", wanted);
    const bool ahead = ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "future", NULL)) > 0;
    if (received > 0 && wanted == 0 && !ahead)
        ax_buf_str(out,
                   ax_str(" <span class=\"wait\">Of what came no job wants anything: compare the expressions "
                          "below with what is sent.</span>"));
    if (ahead)
        ax_buf_str(
            out,
            ax_str(" <span class=\"wait\">Samples were refused because they are ahead of the clock here: are "
                   "the clocks the same?</span>"));
    ax_buf_str(out, ax_str("</p><p class=\"dim\">"));
    ax_buf_str(out, ax_str("Started "));
    write_ago(out, ax_metric_get(ax_metric(AX_M_START_TIME, NULL, NULL)));
    ax_buf_printf(out, ", %.0f MiB of memory",
                  ax_metric_get(ax_metric(AX_M_RSS_BYTES, NULL, NULL)) / 1048576);
    const double limit = ax_metric_get(ax_metric(AX_M_MEMORY_LIMIT, NULL, NULL));
    if (limit > 0)
        ax_buf_printf(out, " (limit %.0f MiB)", limit / 1048576);
    ax_buf_printf(out, ", %.0f fits wait for their turn.</p>",
                  ax_metric_get(ax_metric(AX_M_TRAINING_QUEUE, NULL, NULL)));
    if (ax_metric_get(ax_metric(AX_M_CONFIG_RELOAD_OK, NULL, NULL)) == 0)
        ax_buf_str(
            out, ax_str("<p class=\"wait\">The configuration could not be loaded again, that of before is in "
                        "force: the log says why, and auspex check FILE.</p>"));
    if (!ax_pipeline_is_current(api->pipeline))
        ax_buf_str(out, ax_str("<p class=\"wait\">What the jobs had learnt is being restored.</p>"));
}

/* Where results go. */
static void write_endpoints(struct ax_buf *out, struct ax_emit *emit)
{
    struct ax_endpoint_view v;
    ax_buf_str(out, ax_str("<h2>Results go to</h2>"));
    if (!ax_emit_endpoint(emit, 0, &v)) {
        ax_buf_str(
            out,
            ax_str("<p class=\"wait\">nowhere: the configuration has no remote_write, or an erasure is on"
                   "</p>"));
        return;
    }
    ax_buf_str(
        out,
        ax_str("<div><table><thead><tr><th>endpoint</th><th>state</th><th>newest accepted</th><th>samples "
               "waiting</th><th>samples refused</th></tr></thead>"));
    for (uint32_t i = 0; ax_emit_endpoint(emit, i, &v); i++) {
        ax_buf_str(out, ax_str("<tr><td>"));
        escape(out, ax_str(v.url));
        const char *state = v.newest_s > 0 ? "accepts" : "nothing was sent yet";
        ax_buf_printf(out, "</td><td data-c=\"state\" class=\"%s\">",
                      !v.trouble[0] && v.newest_s > 0 ? "ok" : "wait");
        escape(out, ax_str(v.trouble[0] ? v.trouble : state));
        ax_buf_str(out, ax_str("</td><td data-c=\"newest accepted\">"));
        if (v.newest_s > 0)
            write_ago(out, v.newest_s);
        else
            ax_buf_str(out, ax_str("none"));
        ax_buf_printf(out,
                      "</td><td data-c=\"samples waiting\">%" PRIu64 "</td><td data-c=\"refused since the "
                      "start\">%" PRIu64 "</td></tr>",
                      v.waiting, v.refused);
    }
    ax_buf_str(out, ax_str("</table></div>"));
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
        escape(out, ax_str(kind ? kind + 1 : v.model));
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

/* A reason as words: "warming_up" is "warming up". */
static void write_reason(struct ax_buf *out, const char *reason)
{
    for (const char *p = reason; *p; p++)
        ax_buf_byte(out, (uint8_t)(*p == '_' ? ' ' : *p));
}

static void write_history(struct ax_buf *out, const struct ax_api *api, const char *job)
{
    double share;
    char text[256];
    if (api->history && api->history(api->history_ctx, job, &share, text, sizeof text)) {
        ax_buf_printf(out, "%.0f %%: ", 100 * share);
        escape(out, ax_str(text));
    }
}

static void write_job(struct ax_buf *out, const char *name, const struct ax_job_status *s)
{
    ax_buf_str(out, ax_str("<tr><td>"));
    escape(out, ax_str(name));
    ax_buf_printf(out, "</td><td data-c=\"state\" class=\"%s\">", s->ready ? "ok" : "wait");
    write_reason(out, s->ready ? "ready" : s->reason);
    ax_buf_printf(
        out,
        "</td><td data-c=\"series\">%" PRIu32 "</td><td data-c=\"entities\">%" PRIu32
        "</td><td data-c=\"output series\">%" PRIu32
        "</td><td data-c=\"memory a series\">%.1f KiB</td><td data-c=\"a step takes\">%.1f ms</td><td "
        "data-c=\"last step\">",
        s->targets_n, s->entities_n, s->outputs_n,
        s->targets_n ? (double)s->bytes / 1024 / s->targets_n : 0.0, s->step_seconds * 1000);
    if (s->last_step_ms != INT64_MIN)
        write_ago(out, (double)s->last_step_ms / 1000);
    else
        ax_buf_str(out, ax_str("none yet"));
}

static void write_jobs(struct ax_buf *out, const struct ax_api *api)
{
    char name[AX_JOB_NAME_MAX + 1];
    struct ax_job_status s;
    ax_buf_str(
        out,
        ax_str("<h2>Jobs</h2><div><table><thead><tr><th>job</th><th>state</th><th>series</th><th>entities"
               "</th><th>output series</th><th>memory a series</th><th>a step takes</th><th>last step</th>"
               "<th class=\"l\">history read</th><th class=\"l\">training</th></tr></thead>"));
    for (uint32_t i = 0; ax_pipeline_job_status(api->pipeline, i, name, sizeof name, &s); i++) {
        write_job(out, name, &s);
        ax_buf_str(out, ax_str("</td><td class=\"l\" data-c=\"history read\">"));
        write_history(out, api, name);
        ax_buf_str(out, ax_str("</td><td class=\"l\" data-c=\"training\">"));
        write_training(out, api->pipeline, i);
        ax_buf_str(out, ax_str("</td></tr>"));
    }
    ax_buf_str(out, ax_str("</table></div>"));
}

static void write_expr(struct ax_buf *out, const char *before, struct ax_str expr)
{
    ax_buf_printf(out, "%s<code>", before);
    escape(out, expr);
    ax_buf_str(out, ax_str("</code>"));
}

/* Of jobs whose expressions give nothing: what they are, to be compared with what is sent. */
static void write_empty(struct ax_buf *out, const struct ax_api *api, const struct ax_config *config)
{
    char name[AX_JOB_NAME_MAX + 1];
    struct ax_job_status s;
    for (uint32_t i = 0;
         i < config->jobs_n && ax_pipeline_job_status(api->pipeline, i, name, sizeof name, &s); i++) {
        const struct ax_job_config *job = &config->jobs[i];
        if (s.targets_n || s.last_step_ms == INT64_MIN || !ax_str_eq(job->name, ax_str(name)))
            continue;
        ax_buf_str(out, ax_str("<p><b>"));
        escape(out, job->name);
        ax_buf_str(
            out,
            ax_str("</b> <span class=\"wait\">has no series:</span> what was sent gives no result for "));
        for (uint32_t k = 0; k < job->features_n && k < FEATURES_SHOWN; k++)
            write_expr(out, k ? " or " : "", job->features[k].expr.text);
        if (job->expr.text.n)
            write_expr(out, job->features_n ? " or " : "", job->expr.text);
        if (job->features_n > FEATURES_SHOWN)
            ax_buf_printf(out, " or %" PRIu32 " more", job->features_n - FEATURES_SHOWN);
        ax_buf_str(out, ax_str(". Ask the sender for the same; does its remote_write let it through "
                               "(write_relabel_configs; for native histograms send_native_histograms)?</p>"));
    }
}

void ax_page_write(const struct ax_api *api, struct ax_buf *out)
{
    struct ax_config *config = ax_pipeline_keep_config(api->pipeline);
    ax_buf_str(out, ax_str(head));
    ax_buf_printf(out, "<h1>Auspex %s</h1>", AX_VERSION);
    write_process(out, api);
    if (api->emit)
        write_endpoints(out, api->emit);
    write_jobs(out, api);
    if (config)
        write_empty(out, api, config);
    ax_config_free(config);
    ax_buf_str(out, ax_str("<nav><a href=\"/metrics\">metrics</a><a href=\"/api/v1/status/config\">config</a>"
                           "<a href=\"/api/v1/status/jobs\">jobs</a><a href=\"/api/v1/models\">models</a>"
                           "<a href=\"/api/v1/feedback\">feedback</a>"
                           "<a href=\"/-/ready\">ready</a></nav></body></html>\n"));
}
