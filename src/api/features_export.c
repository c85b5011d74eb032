/* features_export.c: a vector for each series and each step that is kept, as CSV or JSON Lines.
 *
 * Nothing behind a step has a part in its vector: the past is cut there before it is computed. What a step's
 * value is was decided when it was evaluated; samples that came later changed nothing. */
#include "api/answer.h"
#include "api/features_request.h"
#include "api/json.h"
#include "base/parse.h"
#include "features/features.h"

#include <math.h>

#define ROWS 10000 /* of an answer, unless another limit is asked for; a row takes about 0.1 ms */
#define ROWS_MAX 50000
#define ROWS_LOOK 16 /* between two looks at who asks */
#define SERIES_MAX 10000
#define BYTES_MAX (64u << 20)
#define SCRATCH_BYTES (16u << 20)

static int64_t time_of(const struct ax_view *v, uint32_t i)
{
    return v->end_ms - (int64_t)(v->n - 1 - i) * v->step_ms;
}

static bool is_asked(const struct ax_features_request *r, int64_t t_ms)
{
    return t_ms >= r->from_ms && t_ms <= r->to_ms && (r->step_ms == 0 || t_ms % r->step_ms == 0);
}

/* Rows of the answer. */
static uint64_t count(const struct ax_features_request *r, const struct ax_features_found *found)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < found->n; i++)
        for (uint32_t k = found->v[i].first; k < found->v[i].past.n; k++)
            n += is_asked(r, time_of(&found->v[i].past, k));
    return n;
}

/* The shortest text that reads back as the same number; nothing, or null, for what is none. */
static void put_number(struct ax_buf *out, double v, const char *none)
{
    char text[32];
    if (!isfinite(v)) {
        ax_buf_str(out, ax_str(none));
        return;
    }
    ax_format_double(v, text, sizeof text);
    ax_buf_str(out, ax_str(text));
}

/* A cell with quotes around it (RFC 4180). */
static void put_cell(struct ax_buf *out, struct ax_str s)
{
    ax_buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            ax_buf_byte(out, '"');
        ax_buf_byte(out, (uint8_t)s.p[i]);
    }
    ax_buf_byte(out, '"');
}

static void put_csv_head(struct ax_buf *out)
{
    ax_buf_str(out, ax_str("timestamp,job,series,feature,steps,value"));
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++)
        ax_buf_printf(out, ",%s", ax_feature_info(f)->name);
    ax_buf_byte(out, '\n');
}

/* What the rows of a series have in common, in the spelling of the format. */
struct names {
    struct ax_buf job, series, feature;
};

static void csv_names(const struct ax_feature_series *s, struct names *n)
{
    struct ax_buf text;
    ax_buf_init(&text, 1u << 20);
    ax_labels_write(&s->labels, &text);
    put_cell(&n->job, s->job);
    put_cell(&n->series, ax_buf_view(&text));
    put_cell(&n->feature, s->feature);
    ax_buf_done(&text);
}

static void json_names(const struct ax_feature_series *s, struct names *n)
{
    ax_json_str(&n->job, s->job);
    ax_json_labels(&n->series, &s->labels, ax_labels_get(&s->labels, ax_str(AX_METRIC_NAME)));
    ax_json_str(&n->feature, s->feature);
}

static void put_csv_row(struct ax_buf *out, const struct names *n, const struct ax_view *past,
                        const double *vector)
{
    ax_json_time(out, past->end_ms);
    ax_buf_byte(out, ',');
    ax_buf_str(out, ax_buf_view(&n->job));
    ax_buf_byte(out, ',');
    ax_buf_str(out, ax_buf_view(&n->series));
    ax_buf_byte(out, ',');
    ax_buf_str(out, ax_buf_view(&n->feature));
    ax_buf_printf(out, ",%u,", ax_features_past(past).n);
    put_number(out, (double)past->v[past->n - 1], "");
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++) {
        ax_buf_byte(out, ',');
        put_number(out, vector[f], "");
    }
    ax_buf_byte(out, '\n');
}

static void put_json_row(struct ax_buf *out, const struct names *n, const struct ax_view *past,
                         const double *vector)
{
    ax_buf_str(out, ax_str("{\"timestamp\":"));
    ax_json_time(out, past->end_ms);
    ax_buf_str(out, ax_str(",\"job\":"));
    ax_buf_str(out, ax_buf_view(&n->job));
    ax_buf_str(out, ax_str(",\"metric\":"));
    ax_buf_str(out, ax_buf_view(&n->series));
    ax_buf_str(out, ax_str(",\"feature\":"));
    ax_buf_str(out, ax_buf_view(&n->feature));
    ax_buf_printf(out, ",\"steps\":%u,\"value\":", ax_features_past(past).n);
    put_number(out, (double)past->v[past->n - 1], "null");
    ax_buf_str(out, ax_str(",\"values\":{"));
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++) {
        ax_buf_printf(out, "%s\"%s\":", f ? "," : "", ax_feature_info(f)->name);
        put_number(out, vector[f], "null");
    }
    ax_buf_str(out, ax_str("}}\n"));
}

/* Every row of a series. AX_NOMEM, AX_CANCELLED. */
static enum ax_err put_series(const struct ax_features_request *r, const struct ax_feature_series *s,
                              struct ax_arena *scratch, const struct ax_http_request *from,
                              struct ax_buf *out)
{
    double vector[AX_FEATURES_N];
    struct names n;
    bool whole = true, gone = false;
    uint32_t rows = 0;
    ax_buf_init(&n.job, 1u << 20);
    ax_buf_init(&n.series, 1u << 20);
    ax_buf_init(&n.feature, 1u << 20);
    (r->jsonl ? json_names : csv_names)(s, &n);
    for (uint32_t k = s->first; k < s->past.n && whole && !gone; k++) {
        const struct ax_view past = {s->past.v, k + 1, time_of(&s->past, k), s->past.step_ms};
        if (!is_asked(r, past.end_ms))
            continue;
        gone = rows++ % ROWS_LOOK == 0 && ax_http_gone(from);
        ax_arena_reset(scratch);
        whole = ax_features_compute(&past, past.end_ms, scratch, vector) != AX_NOMEM && out->err == AX_OK;
        if (whole)
            (r->jsonl ? put_json_row : put_csv_row)(out, &n, &past, vector);
    }
    whole = whole && n.job.err == AX_OK && n.series.err == AX_OK && n.feature.err == AX_OK;
    ax_buf_done(&n.job);
    ax_buf_done(&n.series);
    ax_buf_done(&n.feature);
    return gone ? AX_CANCELLED : whole ? AX_OK : AX_NOMEM;
}

static enum ax_err put_all(const struct ax_features_request *r, const struct ax_features_found *found,
                           const struct ax_http_request *from, struct ax_http_response *res,
                           struct ax_diag *diag)
{
    struct ax_arena scratch;
    const uint64_t rows = count(r, found);
    enum ax_err err = AX_OK;
    if (found->more)
        return ax_fail(diag, AX_LIMIT, "more than %d series: ask for fewer (match[], job)", SERIES_MAX);
    if (rows > r->limit)
        return ax_fail(diag, AX_LIMIT,
                       "%llu rows, more than %u: ask for fewer series (match[], job), less time (from, to), "
                       "wider steps (step), or more rows (limit, up to %d)",
                       (unsigned long long)rows, r->limit, ROWS_MAX);
    res->content_type = r->jsonl ? "application/x-ndjson" : "text/csv; charset=utf-8";
    if (!r->jsonl)
        put_csv_head(&res->body);
    ax_arena_init(&scratch, SCRATCH_BYTES);
    for (uint32_t i = 0; i < found->n && err == AX_OK; i++)
        err = put_series(r, &found->v[i], &scratch, from, &res->body);
    ax_arena_done(&scratch);
    if (res->body.err == AX_LIMIT)
        return ax_fail(diag, AX_LIMIT, "the answer is too large: ask for fewer rows");
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "%s", ax_err_text(err));
}

void ax_features_export(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_features_request r;
    struct ax_features_found found;
    struct ax_diag diag = {{0}};
    if (!ax_features_request(req, ROWS, ROWS_MAX, &r, res))
        return;
    r.query.series_max = SERIES_MAX;
    r.query.bytes_max = BYTES_MAX;
    enum ax_err err = ax_features_find(ctx, &r.query, req, &found, &diag);
    if (err == AX_OK)
        err = put_all(&r, &found, req, res, &diag);
    if (err != AX_OK) {
        ax_buf_reset(&res->body);
        ax_answer_err(res, err, &diag);
    }
    ax_features_found_done(&found);
}
