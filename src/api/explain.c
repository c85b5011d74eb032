/* explain.c: what the pipeline knows of a score, as a sentence and as JSON. */
#include "api/explain.h"

#include "api/answer.h"
#include "base/parse.h"
#include "pipeline/explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIMIT 20
#define LIMIT_MAX 1000
#define SENTENCE_MAX 4096

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *typical(double expected, double lower, double upper)
{
    return json_pack("{s:o, s:o, s:o}", "expected", number(expected), "lower", number(lower), "upper",
                     number(upper));
}

static void put(struct ax_buf *out, const char *fmt, ...) AX_PRINTF(2, 3);

static void put(struct ax_buf *out, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ax_buf_str(out, ax_str(text));
}

/* "40 where 9.5 is expected (8.1 to 11)". */
static void put_values(struct ax_buf *out, double value, double expected, double lower, double upper)
{
    put(out, "%.4g where %.4g is expected", value, expected);
    if (isfinite(lower) && isfinite(upper))
        put(out, " (%.4g to %.4g)", lower, upper);
}

static void put_parts(struct ax_buf *out, const struct ax_explained *e)
{
    for (uint32_t i = 0; i < e->parts_n; i++) {
        const struct ax_explained_part *p = &e->parts[i];
        put(out, "%s%.0f %% of it is " AX_STR_FMT, i ? ", " : "; ", 100 * p->share, AX_STR_ARG(p->feature));
        if (p->absent)
            put(out, " (absent)");
        else if (isfinite(p->value) && isfinite(p->expected)) {
            put(out, " (");
            put_values(out, p->value, p->expected, (double)NAN, (double)NAN);
            put(out, ")");
        }
    }
}

static void put_since(struct ax_buf *out, int64_t t_ms)
{
    char since[40];
    ax_format_time(t_ms, since, sizeof since);
    put(out, " has been absent since %s", since);
}

/* Why there is no score: it is too young, or away for too long. */
static void put_reason(struct ax_buf *out, const struct ax_explained *e)
{
    if (e->absent) {
        put_since(out, e->absent_ms);
        put(out, ": it is not scored any more");
    } else if (strcmp(e->reason, "warming_up") == 0) {
        put(out, " is warming up: it is not scored yet");
    } else {
        put(out, " is not scored: %s", e->reason);
    }
}

/* For how long, and whether it was like this before. */
static void put_story(struct ax_buf *out, const struct ax_explained *e)
{
    char lasted[32], ago[32];
    ax_format_duration(e->episode->end_ms - e->episode->begin_ms + e->step_ms, lasted, sizeof lasted);
    put(out, ". It has been abnormal for %s", lasted);
    if (e->similar_n == 0)
        return;
    const struct ax_episode *like = e->similar[0].episode;
    ax_format_duration((e->episode->begin_ms - like->begin_ms) / 1000 * 1000, ago, sizeof ago);
    put(out, ". Most like it is what ");
    ax_labels_write(e->similar[0].labels, out);
    put(out, " did %s before (score %.2f)", ago, (double)like->score);
}

static json_t *sentence(const struct ax_explained *e)
{
    struct ax_buf out;
    ax_buf_init(&out, SENTENCE_MAX);
    ax_labels_write(e->labels, &out);
    if (e->reason) {
        put_reason(&out, e);
    } else if (!isfinite(e->score)) {
        put(&out, " scored at most %.2f around that time: nothing else is kept of it", e->score_most);
    } else {
        put(&out, " scores %.2f, %s where at most 1 is normal", e->score,
            ax_severity_name(ax_severity_of(e->score)));
        if (e->absent) {
            put(&out, ": it");
            put_since(&out, e->absent_ms);
        } else if (isfinite(e->value) && isfinite(e->expected)) {
            put(&out, ": it is ");
            put_values(&out, e->value, e->expected, e->lower, e->upper);
        }
        put_parts(&out, e);
        if (e->threshold != 1)
            put(&out, ". Feedback has moved its threshold to %.2f", e->threshold);
        if (e->episode)
            put_story(&out, e);
    }
    put(&out, ".");
    json_t *text = ax_str_json(ax_buf_view(&out));
    ax_buf_done(&out);
    return text;
}

static json_t *parts_json(const struct ax_explained *e)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < e->parts_n; i++) {
        const struct ax_explained_part *p = &e->parts[i];
        (void)json_array_append_new(list, json_pack("{s:o, s:f, s:b, s:o, s:o}", "feature",
                                                    ax_str_json(p->feature), "share", p->share, "absent",
                                                    p->absent, "actual", number(p->value), "typical",
                                                    typical(p->expected, p->lower, p->upper)));
    }
    return list;
}

static json_t *similar_json(const struct ax_explained *e)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < e->similar_n; i++) {
        const struct ax_episode *s = e->similar[i].episode;
        (void)json_array_append_new(
            list, json_pack("{s:o, s:f, s:f, s:f, s:f}", "metric", ax_labels_json(e->similar[i].labels),
                            "from", (double)s->begin_ms / 1000, "to", (double)s->end_ms / 1000, "score",
                            (double)s->score, "distance", e->similar[i].distance));
    }
    return list;
}

/* One answer on its way. */
struct telling {
    json_t *list;
    const struct ax_http_request *from;
};

static bool take(void *ctx, const struct ax_explained *e)
{
    const struct telling *t = ctx;
    bool known = isfinite(e->score);
    json_t *since = e->episode ? json_real((double)e->episode->begin_ms / 1000) : json_null();
    json_t *until = e->episode ? json_real((double)e->episode->end_ms / 1000) : json_null();
    json_t *severity = known ? json_string(ax_severity_name(ax_severity_of(e->score))) : json_null();
    (void)json_array_append_new(
        t->list,
        json_pack("{s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:i, s:b, s:f, s:o, s:o, s:o, s:o, s:o, s:o}",
                  "metric", ax_labels_json(e->labels), "job", ax_str_json(e->job), "timestamp",
                  (double)e->t_ms / 1000, "sentence", sentence(e), "score", number(e->score), "scoreAtMost",
                  number(known ? e->score : e->score_most), "severity", severity, "direction", e->direction,
                  "absent", e->absent, "threshold", e->threshold, "actual", number(e->value), "typical",
                  typical(e->expected, e->lower, e->upper), "since", since, "until", until, "contributions",
                  parts_json(e), "similar", similar_json(e)));
    return !ax_http_gone(t->from);
}

static void explain(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    struct ax_str limit = ax_http_query(req, "limit"), time = ax_http_query(req, "time");
    struct ax_explain_query q = {
        .job = ax_http_query(req, "job"), .selector = ax_http_query(req, "series"), .t_ms = INT64_MIN};
    int64_t most = LIMIT;
    enum ax_err err = AX_OK;
    if (q.selector.n == 0)
        err = ax_fail(&diag, AX_INVALID, "the parameter series is missing: a series or a selector");
    else if (time.n && ax_parse_time(time, &q.t_ms) != AX_OK)
        err = ax_fail(&diag, AX_INVALID, "time must be Unix seconds, or a time like 2026-01-02T03:04:05Z");
    else if (limit.n && (ax_parse_i64(limit, &most) != AX_OK || most < 1 || most > LIMIT_MAX))
        err = ax_fail(&diag, AX_INVALID, "limit must be from 1 to %d", LIMIT_MAX);
    q.limit = (uint32_t)most;
    json_t *list = json_array();
    struct telling telling = {list, req};
    if (err == AX_OK)
        err = ax_pipeline_explain(ctx, &q, take, &telling, &diag);
    if (err == AX_OK) {
        ax_answer_json(res, json_pack("{s:o}", "explanations", list));
        return;
    }
    json_decref(list);
    ax_answer_err(res, err, &diag);
}

struct ax_http_route ax_explain_route(struct ax_pipeline *p)
{
    return (struct ax_http_route){"GET", "/api/v1/explain", "explain", explain, p, 0, NULL, true, NULL};
}
