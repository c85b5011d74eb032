/* predict.c: a request for predictions from its bytes to its answer. */
#include "api/predict.h"

#include "api/json.h"
#include "api/predict_find.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "pipeline/classes.h"

#include <stdio.h>

#define WARNINGS_MAX 100
#define DURATION_TEXT 32
#define LOOK_EVERY 64 /* series that are written between two looks at who asks */

/* Give up, with a text for the one who asked and a word for the counter. */
static void refuse(struct ax_http_response *res, int status, const char *reason, const char *text)
{
    static const char *const types[] = {"bad_data", "not_found", "unavailable"};
    ax_buf_reset(&res->body);
    res->status = status;
    res->content_type = "application/json";
    ax_buf_str(&res->body, ax_str("{\"status\":\"error\",\"errorType\":\""));
    ax_buf_str(&res->body, ax_str(types[status == 400 ? 0 : status == 404 ? 1 : 2]));
    ax_buf_str(&res->body, ax_str("\",\"error\":"));
    ax_json_str(&res->body, ax_str(text));
    ax_buf_byte(&res->body, '}');
    if (status == 503)
        ax_http_add_header(res, "Retry-After", "1");
    ax_metric_count(AX_M_PREDICT_REFUSED, reason, NULL);
}

static void put_key(struct ax_buf *out, const char *key)
{
    ax_buf_str(out, ax_str(key)); /* with its quotes and colon, and the comma before it */
}

static void put_classes(struct ax_buf *out, const struct ax_prediction *p,
                        const struct ax_prediction_point *at)
{
    double shares[AX_CLASSES];
    ax_class_shares(p->classes, p->level, (double)at->mean, (double)at->lower, (double)at->upper, shares);
    put_key(out, ",\"class\":");
    ax_json_str(out, ax_str(ax_class_name(ax_class_of(p->classes, (double)at->mean))));
    put_key(out, ",\"classes\":{");
    for (enum ax_class c = AX_CLASS_GOOD; c < AX_CLASSES; c++) {
        if (c)
            ax_buf_byte(out, ',');
        ax_json_str(out, ax_str(ax_class_name(c)));
        ax_buf_byte(out, ':');
        ax_json_number(out, shares[c]);
    }
    ax_buf_byte(out, '}');
}

static void put_point(struct ax_buf *out, const struct ax_prediction *p, uint32_t i)
{
    const struct ax_prediction_point *at = &p->points[i];
    char horizon[DURATION_TEXT];
    ax_format_duration(p->horizons_ms[i], horizon, sizeof horizon);
    put_key(out, "{\"horizon\":");
    ax_json_str(out, ax_str(horizon));
    put_key(out, ",\"timestamp\":");
    ax_json_time(out, p->t_ms + p->horizons_ms[i]);
    put_key(out, ",\"value\":");
    ax_json_number(out, (double)at->mean);
    put_key(out, ",\"lower\":");
    ax_json_number(out, (double)at->lower);
    put_key(out, ",\"upper\":");
    ax_json_number(out, (double)at->upper);
    put_key(out, ",\"confidence\":");
    ax_json_number(out, (double)at->confidence);
    if (p->classes)
        put_classes(out, p, at);
    ax_buf_byte(out, '}');
}

static void put_prediction(struct ax_buf *out, const struct ax_prediction *p)
{
    bool first = true;
    put_key(out, "{\"metric\":");
    ax_json_labels(out, &p->labels, p->name);
    put_key(out, ",\"timestamp\":");
    ax_json_time(out, p->t_ms);
    put_key(out, p->reason ? ",\"ready\":false,\"reason\":" : ",\"ready\":true");
    if (p->reason)
        ax_json_str(out, ax_str(p->reason));
    put_key(out, ",\"forecasts\":[");
    for (uint32_t i = 0; i < p->n && !p->reason; i++) {
        if (!p->points[i].within)
            continue;
        if (!first)
            ax_buf_byte(out, ',');
        first = false;
        put_point(out, p, i);
    }
    put_key(out, "]}");
}

/* Texts that go beside an answer; after WARNINGS_MAX they are only counted. */
struct warnings {
    struct ax_buf *out;
    uint32_t n;
};

static void warn(struct warnings *w, const char *before, struct ax_str what, const char *after)
{
    struct ax_buf text;
    if (w->n++ >= WARNINGS_MAX)
        return;
    ax_buf_init(&text, 1u << 16);
    ax_buf_str(&text, ax_str(before));
    ax_buf_str(&text, what);
    ax_buf_str(&text, ax_str(after));
    put_key(w->out, w->n == 1 ? ",\"warnings\":[" : ",");
    ax_json_str(w->out, ax_buf_view(&text));
    ax_buf_done(&text);
}

static void warn_horizons(struct warnings *w, const struct ax_predict_find *f)
{
    for (uint32_t i = 0; i < f->request->horizons_n; i++) {
        char horizon[DURATION_TEXT], text[128];
        if (!f->outside[i])
            continue;
        ax_format_duration(f->request->horizons_ms[i], horizon, sizeof horizon);
        (void)snprintf(text, sizeof text, " is not within the path of %u series", f->outside[i]);
        warn(w, "horizon ", ax_str(horizon), text);
    }
}

static void put_warnings(struct ax_buf *out, const struct ax_predict_find *f)
{
    struct warnings w = {out, 0};
    struct ax_buf metric;
    ax_buf_init(&metric, 1u << 16);
    for (uint32_t i = 0; i < f->request->selectors_n; i++)
        if (!f->members[i].found)
            warn(&w, "no series is forecast that ", f->request->selectors[i].text, " selects");
    warn_horizons(&w, f);
    for (uint32_t i = 0; i < f->n; i++) {
        if (!f->v[i].reason)
            continue;
        ax_buf_reset(&metric);
        ax_labels_write(&f->v[i].labels, &metric);
        char text[64];
        (void)snprintf(text, sizeof text, " is not ready: %s", f->v[i].reason);
        warn(&w, "", ax_buf_view(&metric), text);
    }
    ax_buf_done(&metric);
    if (w.n > WARNINGS_MAX)
        ax_buf_printf(out, ",\"and %u more\"", w.n - WARNINGS_MAX);
    if (w.n)
        ax_buf_byte(out, ']');
}

/* Is there a horizon that no path at all holds? */
static bool beyond_all(const struct ax_predict_find *f, struct ax_diag *diag)
{
    for (uint32_t i = 0; f->n && i < f->request->horizons_n; i++) {
        char horizon[DURATION_TEXT], longest[DURATION_TEXT];
        if (f->outside[i] < f->n)
            continue;
        ax_format_duration(f->request->horizons_ms[i], horizon, sizeof horizon);
        ax_format_duration(f->longest_ms, longest, sizeof longest);
        (void)ax_fail(diag, AX_INVALID,
                      "horizon %s is within no path: they go from one step to %s. The longest of a job's "
                      "forecast.horizons is how far it looks",
                      horizon, longest);
        return true;
    }
    return false;
}

static void answer(const struct ax_predict_find *f, struct ax_http_response *res)
{
    struct ax_buf *out = &res->body;
    bool gone = false;
    put_key(out, "{\"status\":\"success\",\"data\":{\"resultType\":\"predictions\",\"result\":[");
    for (uint32_t i = 0; i < f->n && !gone; i++) {
        gone = i % LOOK_EVERY == 0 && ax_http_gone(f->from);
        if (i)
            ax_buf_byte(out, ',');
        put_prediction(out, &f->v[i]);
    }
    put_key(out, "]}");
    put_warnings(out, f);
    ax_buf_byte(out, '}');
    if (gone)
        refuse(res, ax_err_http(AX_CANCELLED), "gone", ax_err_text(AX_CANCELLED));
    else if (out->err == AX_LIMIT)
        refuse(res, 400, "answer", "the answer is too large: ask for fewer series or horizons");
    else if (out->err != AX_OK)
        refuse(res, 503, "memory", "out of memory");
    else
        ax_metric_add(ax_metric(AX_M_PREDICT_SERVED, NULL, NULL), f->ready_n);
    res->content_type = "application/json";
}

/* Is there a job of that name? */
static bool is_job(struct ax_pipeline *p, struct ax_str job)
{
    char name[256];
    struct ax_job_status status;
    for (uint32_t i = 0; ax_pipeline_job_status(p, i, name, sizeof name, &status); i++)
        if (ax_str_eq(ax_str(name), job))
            return true;
    return false;
}

static void handle_request(struct ax_predict_service *s, const struct ax_http_request *from,
                           struct ax_predict_request *request, struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    struct ax_predict_find find = {.service = s,
                                   .from = from,
                                   .request = request,
                                   .deadline_ns = ax_mono_ns() + s->ceilings.duration_ms * 1000000,
                                   .diag = &diag};
    if (request->job.n && !is_job(s->pipeline, request->job)) {
        refuse(res, 404, "job", "there is no such job");
        return;
    }
    enum ax_err err = ax_predict_find(&find);
    if (err != AX_OK)
        refuse(res, err == AX_LIMIT ? 400 : ax_err_http(err), find.reason, diag.text);
    else if (beyond_all(&find, &diag))
        refuse(res, 400, "horizon", diag.text);
    else
        answer(&find, res);
    ax_predict_find_done(&find);
}

static void handle(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_predict_service *s = ctx;
    const struct ax_predict_limits limits = {s->ceilings.selectors_max, s->ceilings.horizons_max};
    struct ax_predict_request request;
    struct ax_diag diag = {{0}};
    if (atomic_fetch_add(&s->running, 1) >= s->ceilings.concurrent_max) {
        refuse(res, 503, "concurrent", "too many requests for predictions at once: try again");
    } else if (ax_memory_state() == AX_MEMORY_FULL) {
        refuse(res, 503, "memory", "too little memory: try again later");
    } else {
        enum ax_err err = ax_predict_request_read(req->body, &limits, &request, &diag);
        if (err == AX_OK)
            handle_request(s, req, &request, res);
        else
            refuse(res, err == AX_NOMEM ? 503 : 400, err == AX_LIMIT ? "size" : "request", diag.text);
        ax_predict_request_done(&request);
    }
    (void)atomic_fetch_sub(&s->running, 1);
}

struct ax_http_route ax_predict_route(struct ax_predict_service *s)
{
    return (struct ax_http_route){.method = "POST",
                                  .path = "/api/v1/predict",
                                  .name = "predict",
                                  .handle = handle,
                                  .ctx = s,
                                  .body_max = s->ceilings.body_max,
                                  .body_flag = "predict.max-body-size",
                                  .slow = true};
}
