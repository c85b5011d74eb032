/* features_statistics.c: of each feature of a job, over the series and the time that are asked for; and of
 * each feature of the vectors, over the series as they stand. */
#include "api/answer.h"
#include "api/features_request.h"
#include "features/features.h"
#include "math/stats.h"

#include <math.h>
#include <stdlib.h>

#define SERIES 1000
#define SERIES_MAX 10000
#define BYTES_MAX (64u << 20)
#define SCRATCH_BYTES (16u << 20)
#define LOOK_EVERY 16 /* series between two looks at who asks */

static const struct {
    const char *name;
    double q;
} percentiles[] = {{"p1", 0.01},  {"p5", 0.05},  {"p25", 0.25}, {"p50", 0.5},
                   {"p75", 0.75}, {"p95", 0.95}, {"p99", 0.99}};
#define PERCENTILES_N (sizeof percentiles / sizeof percentiles[0])

/* Numbers of which the statistics are wanted. */
struct numbers {
    double *v;
    uint32_t n;
    uint64_t nulls;
    struct ax_moments m;
};

static void add(struct numbers *s, double x)
{
    if (!isfinite(x)) {
        s->nulls++;
        return;
    }
    s->v[s->n++] = x;
    ax_moments_add(&s->m, x);
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* The statistics, added to an object that says what they are of. */
static void put_statistics(struct numbers *s, json_t *row)
{
    json_t *percents = json_object();
    for (size_t i = 0; i < PERCENTILES_N; i++)
        (void)json_object_set_new(percents, percentiles[i].name,
                                  number(ax_quantile(s->v, s->n, percentiles[i].q)));
    json_t *all =
        json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->n, "nulls",
                  (json_int_t)s->nulls, "mean", number(s->n ? s->m.mean : (double)NAN), "stddev",
                  number(sqrt(ax_moments_variance(&s->m, 0))), "min", number(s->n ? s->m.min : (double)NAN),
                  "max", number(s->n ? s->m.max : (double)NAN), "percentiles", percents);
    (void)json_object_update(row, all);
    json_decref(all);
}

/* The values of the series [first, end) within the time that is asked for. */
static void of_values(const struct ax_features_request *r, const struct ax_features_found *found,
                      uint32_t first, uint32_t end, struct numbers *s)
{
    for (uint32_t i = first; i < end; i++) {
        const struct ax_view *past = &found->v[i].past;
        for (uint32_t k = 0; k < past->n; k++) {
            const int64_t t_ms = past->end_ms - (int64_t)(past->n - 1 - k) * past->step_ms;
            if (t_ms >= r->from_ms && t_ms <= r->to_ms)
                add(s, (double)past->v[k]);
        }
    }
}

static bool same_feature(const struct ax_feature_series *a, const struct ax_feature_series *b)
{
    return ax_str_eq(a->job, b->job) && ax_str_eq(a->feature, b->feature);
}

static json_t *name_row(const struct ax_feature_series *s, uint32_t series)
{
    return json_pack("{s:o, s:o, s:i}", "job", ax_str_json(s->job), "feature", ax_str_json(s->feature),
                     "series", (int)series);
}

static bool put_features(const struct ax_features_request *r, const struct ax_features_found *found,
                         json_t *list)
{
    for (uint32_t first = 0, end; first < found->n; first = end) {
        uint64_t values = 0;
        for (end = first; end < found->n && same_feature(&found->v[first], &found->v[end]); end++)
            values += found->v[end].past.n;
        struct numbers s = {.v = malloc((values ? values : 1) * sizeof *s.v)};
        if (!s.v)
            return false;
        of_values(r, found, first, end, &s);
        json_t *row = name_row(&found->v[first], end - first);
        put_statistics(&s, row);
        (void)json_array_append_new(list, row);
        free(s.v);
    }
    return true;
}

/* Vectors of all series, [AX_FEATURES_N][n]: of one job's feature. */
static bool compute(const struct ax_feature_series *v, uint32_t n, const struct ax_http_request *from,
                    double *columns)
{
    struct ax_arena scratch;
    double vector[AX_FEATURES_N];
    bool whole = true;
    ax_arena_init(&scratch, SCRATCH_BYTES);
    for (uint32_t i = 0; i < n && whole; i++) {
        ax_arena_reset(&scratch);
        whole = (i % LOOK_EVERY || !ax_http_gone(from)) &&
                ax_features_compute(&v[i].past, v[i].past.end_ms, &scratch, vector) != AX_NOMEM;
        for (enum ax_feature f = 0; f < AX_FEATURES_N && whole; f++)
            columns[(size_t)f * n + i] = vector[f];
    }
    ax_arena_done(&scratch);
    return whole;
}

/* False: there is no memory, or nobody who waits. */
static bool put_vectors(const struct ax_features_found *found, const struct ax_http_request *from,
                        json_t *list)
{
    bool whole = true;
    for (uint32_t first = 0, end; first < found->n && whole; first = end) {
        for (end = first + 1; end < found->n && same_feature(&found->v[first], &found->v[end]);)
            end++;
        const uint32_t n = end - first;
        double *columns = malloc((size_t)(AX_FEATURES_N + 1) * n * sizeof *columns);
        whole = columns && compute(&found->v[first], n, from, columns);
        for (enum ax_feature f = 0; f < AX_FEATURES_N && whole; f++) {
            struct numbers s = {.v = columns + (size_t)AX_FEATURES_N * n};
            for (uint32_t i = 0; i < n; i++)
                add(&s, columns[(size_t)f * n + i]);
            json_t *row = name_row(&found->v[first], n);
            (void)json_object_set_new(row, "vector", json_string(ax_feature_info(f)->name));
            put_statistics(&s, row);
            (void)json_array_append_new(list, row);
        }
        free(columns);
    }
    return whole;
}

void ax_features_statistics(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_features_request r;
    struct ax_features_found found;
    struct ax_diag diag = {{0}};
    if (!ax_features_request(req, SERIES, SERIES_MAX, &r, res))
        return;
    r.query.series_max = r.limit;
    r.query.bytes_max = BYTES_MAX;
    enum ax_err err = ax_features_find(ctx, &r.query, req, &found, &diag);
    if (err == AX_OK && found.more)
        err = ax_fail(&diag, AX_LIMIT, "more than %u series: ask for fewer (match[], job), or raise limit",
                      r.limit);
    json_t *features = json_array(), *vectors = json_array();
    if (err == AX_OK && (!put_features(&r, &found, features) || !put_vectors(&found, req, vectors)))
        err = ax_http_gone(req) ? AX_CANCELLED : AX_NOMEM;
    if (err == AX_OK) {
        ax_answer_json(res, json_pack("{s:o, s:o}", "features", features, "vectors", vectors));
    } else {
        json_decref(features);
        json_decref(vectors);
        ax_answer_err(res, err, &diag);
    }
    ax_features_found_done(&found);
}
