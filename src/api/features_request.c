/* features_request.c: arguments of requests about features. */
#include "api/features_request.h"

#include "api/answer.h"
#include "base/parse.h"

static enum ax_err read_times(const struct ax_http_request *req, struct ax_features_request *out,
                              struct ax_diag *diag)
{
    const struct ax_str from = ax_http_query(req, "from"), to = ax_http_query(req, "to"),
                        step = ax_http_query(req, "step");
    if ((from.n && ax_parse_time(from, &out->from_ms) != AX_OK) ||
        (to.n && ax_parse_time(to, &out->to_ms) != AX_OK))
        return ax_fail(diag, AX_INVALID,
                       "from and to must be Unix seconds, or times like 2026-01-02T03:04:05Z");
    if (out->to_ms < out->from_ms)
        return ax_fail(diag, AX_INVALID, "to must not be before from");
    if (step.n && (ax_parse_duration(step, &out->step_ms) != AX_OK || out->step_ms <= 0))
        return ax_fail(diag, AX_INVALID, "step must be a duration above 0, such as 5m");
    return AX_OK;
}

static enum ax_err read_match(const struct ax_http_request *req, struct ax_features_query *q,
                              struct ax_diag *diag)
{
    static const char *const names[] = {"match[]", "match"};
    for (size_t k = 0; k < 2; k++)
        for (uint32_t i = 0;; i++) {
            const struct ax_str s = ax_http_query_at(req, names[k], i);
            if (!s.p)
                break;
            if (q->match_n == AX_FEATURES_SELECTORS_MAX)
                return ax_fail(diag, AX_INVALID, "at most %d selectors in one request",
                               AX_FEATURES_SELECTORS_MAX);
            if (s.n == 0)
                return ax_fail(diag, AX_INVALID, "match[] is empty: a selector such as {instance=\"a\"}");
            q->match[q->match_n++] = s;
        }
    return AX_OK;
}

bool ax_features_request(const struct ax_http_request *req, uint32_t limit, uint32_t limit_max,
                         struct ax_features_request *out, struct ax_http_response *res)
{
    struct ax_diag diag = {{0}};
    const struct ax_str limit_text = ax_http_query(req, "limit"), format = ax_http_query(req, "format");
    int64_t most = limit;
    *out = (struct ax_features_request){.query = {.job = ax_http_query(req, "job"), .series_max = limit},
                                        .from_ms = INT64_MIN,
                                        .to_ms = INT64_MAX,
                                        .jsonl = ax_str_eq(format, ax_str("jsonl"))};
    enum ax_err err = read_match(req, &out->query, &diag);
    if (err == AX_OK)
        err = read_times(req, out, &diag);
    if (err == AX_OK && limit_text.n &&
        (ax_parse_i64(limit_text, &most) != AX_OK || most < 1 || most > limit_max))
        err = ax_fail(&diag, AX_INVALID, "limit must be a whole number from 1 to %u", limit_max);
    if (err == AX_OK && format.n && !out->jsonl && !ax_str_eq(format, ax_str("csv")))
        err = ax_fail(&diag, AX_INVALID, "format must be csv or jsonl");
    out->limit = (uint32_t)most;
    if (err != AX_OK)
        ax_answer_err(res, err, &diag);
    return err == AX_OK;
}
