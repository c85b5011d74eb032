/* api.c: the handlers; what they show is made elsewhere. */
#include "api/api.h"

#include "api/answer.h"
#include "api/page.h"
#include "api/process.h"
#include "base/metrics.h"
#include "config/dump.h"
#include "pipeline/trials.h"

static void metrics(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_process_metrics_update();
    res->content_type = "text/plain; version=0.0.4; charset=utf-8";
    ax_metrics_write(&res->body);
}

static void healthy(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_http_text(res, 200, "Auspex is Healthy.");
}

static void ready(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_api *api = ctx;
    (void)req;
    if (!atomic_load(&api->ready))
        ax_http_text(res, 503, "Auspex is starting or stopping.");
    else if (!ax_pipeline_is_current(api->pipeline))
        ax_http_text(res, 503, "Auspex takes samples, and is restoring what its jobs had learnt.");
    else
        ax_http_text(res, 200, "Auspex is Ready.");
}

static void reload(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_api *api = ctx;
    struct ax_diag diag = {{0}};
    (void)req;
    if (!api->lifecycle)
        ax_http_text(res, 403,
                     "Lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP");
    else if (api->reload(api->reload_ctx, &diag) != AX_OK)
        ax_http_text(res, 500, "failed to reload config: %s", diag.text);
}

static void page(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_api *api = ctx;
    (void)req;
    res->content_type = "text/html; charset=utf-8";
    ax_process_metrics_update();
    ax_page_write(api, &res->body);
}

static void buildinfo(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_answer_json(res, json_pack("{s:s, s:s}", "version", AX_VERSION, "compiler", __VERSION__));
}

static void dump_config(void *ctx, const struct ax_config *config)
{
    ax_config_write(config, ctx);
}

static void config(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_api *api = ctx;
    struct ax_buf yaml;
    (void)req;
    ax_buf_init(&yaml, 16u << 20);
    ax_pipeline_with_config(api->pipeline, dump_config, &yaml);
    ax_answer_json(res, json_pack("{s:o}", "yaml", json_stringn((const char *)yaml.bytes, yaml.n)));
    ax_buf_done(&yaml);
}

/* How far the history of a job has been read; null when none is. */
static json_t *history_json(const struct ax_api *api, const char *job)
{
    double share;
    char text[256];
    if (!api->history || !api->history(api->history_ctx, job, &share, text, sizeof text))
        return json_null();
    return json_pack("{s:f, s:s}", "share", share, "text", text);
}

/* How the fits of its models stand; what is not known, or makes no sense now, is null. */
static json_t *training_json(const struct ax_api *api, uint32_t job)
{
    struct ax_fit_view v;
    json_t *list = json_array();
    for (uint32_t i = 0; ax_pipeline_job_fit(api->pipeline, job, i, &v); i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "model", v.model, "state",
                            ax_fit_stage_name(v.stage), "reason", ax_fit_reason_name(v.reason), "share",
                            v.stage == AX_FITS_RUNNING && v.share > 0 ? json_real(v.share) : json_null(),
                            "place", v.stage == AX_FITS_QUEUED ? json_integer(v.place) : json_null()));
    return list;
}

static void jobs(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_api *api = ctx;
    struct ax_job_status s;
    char name[AX_JOB_NAME_MAX + 1];
    json_t *list = json_array();
    (void)req;
    for (uint32_t i = 0; ax_pipeline_job_status(api->pipeline, i, name, sizeof name, &s); i++) {
        json_t *last = s.last_step_ms == INT64_MIN ? json_null() : json_real((double)s.last_step_ms / 1000);
        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:b, s:s, s:i, s:i, s:i, s:i, s:I, s:o, s:f, s:o, s:o}", "job", name, "ready",
                      s.ready, "reason", s.reason ? s.reason : "", "series", s.targets_n, "seriesReady",
                      s.ready_n, "entities", s.entities_n, "outputSeries", s.outputs_n, "bytes",
                      (json_int_t)s.bytes, "lastStepTimestampSeconds", last, "lastStepDurationSeconds",
                      s.step_seconds, "history", history_json(api, name), "training", training_json(api, i)));
    }
    ax_answer_json(res, json_pack("{s:o}", "jobs", list));
}

void ax_api_routes(struct ax_api *api, struct ax_http_route *out)
{
    const struct ax_http_route routes[AX_API_ROUTES] = {
        {"GET", "/", "page", page, api, 0, NULL, true, NULL},
        {"GET", "/metrics", "metrics", metrics, api, 0, NULL, false, NULL},
        {"GET", "/-/healthy", "healthy", healthy, api, 0, NULL, false, NULL},
        {"GET", "/-/ready", "ready", ready, api, 0, NULL, false, NULL},
        {"POST", "/-/reload", "reload", reload, api, 0, NULL, true, NULL},
        {"GET", "/api/v1/status/buildinfo", "buildinfo", buildinfo, api, 0, NULL, false, NULL},
        {"GET", "/api/v1/status/config", "config", config, api, 0, NULL, true, NULL},
        {"GET", "/api/v1/status/jobs", "jobs", jobs, api, 0, NULL, true, NULL},
    };
    memcpy(out, routes, sizeof routes);
}
