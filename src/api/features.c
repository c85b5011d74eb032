/* features.c: vectors as they stand, and the routes. */
#include "api/features.h"

#include "api/answer.h"
#include "api/features_request.h"
#include "features/features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERIES 100
#define SERIES_MAX 10000
#define BYTES_MAX (64u << 20)
#define SCRATCH_BYTES (16u << 20)
#define LOOK_EVERY 16 /* series between two looks at who asks */

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static double newest(const struct ax_view *past)
{
    return past->n ? (double)past->v[past->n - 1] : (double)NAN;
}

/* The vector of one series, put into the list; false when memory is out. */
static bool put_vector(const struct ax_feature_series *s, struct ax_arena *scratch, json_t *list)
{
    double vector[AX_FEATURES_N];
    ax_arena_reset(scratch);
    if (ax_features_compute(&s->past, s->past.end_ms, scratch, vector) == AX_NOMEM)
        return false;
    json_t *values = json_object();
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++)
        (void)json_object_set_new(values, ax_feature_info(f)->name, number(vector[f]));
    return json_array_append_new(
               list, json_pack("{s:o, s:o, s:o, s:f, s:i, s:o, s:o}", "metric", ax_labels_json(&s->labels),
                               "job", ax_str_json(s->job), "feature", ax_str_json(s->feature), "timestamp",
                               (double)s->past.end_ms / 1000, "steps", (int)ax_features_past(&s->past).n,
                               "value", number(newest(&s->past)), "values", values)) == 0;
}

/* The inputs of an entity by name: those of one job with the same labels. by_key finds it again. */
static bool put_input(const struct ax_feature_series *s, json_t *by_key, json_t *list)
{
    char name[256];
    struct ax_buf key;
    ax_buf_init(&key, 1u << 20);
    ax_buf_str(&key, s->job);
    ax_buf_byte(&key, ' ');
    ax_labels_write(&s->labels, &key);
    ax_buf_byte(&key, '\0');
    json_t *entity = key.err == AX_OK ? json_object_get(by_key, (const char *)key.bytes) : NULL;
    if (!entity && key.err == AX_OK) {
        entity = json_pack("{s:o, s:o, s:f, s:{}}", "metric", ax_labels_json(&s->labels), "job",
                           ax_str_json(s->job), "timestamp", (double)s->past.end_ms / 1000, "values");
        (void)json_array_append(list, entity);
        (void)json_object_set_new(by_key, (const char *)key.bytes, entity);
    }
    ax_buf_done(&key);
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(s->feature));
    return json_object_set_new(json_object_get(entity, "values"), name, number(newest(&s->past))) == 0;
}

/* NULL: there is no memory, or nobody who waits. */
static json_t *vectors_json(const struct ax_features_found *found, const struct ax_http_request *from)
{
    char hash[AX_FEATURES_VERSION_TEXT];
    struct ax_arena scratch;
    json_t *series = json_array(), *entities = json_array(), *by_key = json_object();
    bool whole = true;
    ax_arena_init(&scratch, SCRATCH_BYTES);
    for (uint32_t i = 0; i < found->n && whole; i++) {
        whole = i % LOOK_EVERY || !ax_http_gone(from);
        whole = whole && put_vector(&found->v[i], &scratch, series);
        if (whole && found->v[i].feature.n)
            whole = put_input(&found->v[i], by_key, entities);
    }
    ax_arena_done(&scratch);
    json_decref(by_key);
    ax_features_version_text(ax_features_hash(), hash);
    json_t *data = json_pack("{s:o, s:s, s:o, s:o}", "definitions", ax_features_table_json(), "hash", hash,
                             "series", series, "entities", entities);
    if (whole)
        return data;
    json_decref(data);
    return NULL;
}

static void vectors(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct ax_features_request r;
    struct ax_features_found found;
    struct ax_diag diag = {{0}};
    if (!ax_features_request(req, SERIES, SERIES_MAX, &r, res))
        return;
    if (r.query.job.n == 0 && r.query.match_n == 0) {
        ax_answer_error(res, 400, "bad_data",
                        "the parameter match[] is missing: a selector; or job: the name of a job");
        return;
    }
    r.query.series_max = r.limit;
    r.query.bytes_max = BYTES_MAX;
    enum ax_err err = ax_features_find(ctx, &r.query, req, &found, &diag);
    json_t *data = err == AX_OK ? vectors_json(&found, req) : NULL;
    if (err == AX_OK && !data && ax_http_gone(req))
        err = AX_CANCELLED;
    if (err == AX_OK) {
        json_t *warnings = json_array();
        if (found.more)
            (void)json_array_append_new(warnings, json_string("results truncated due to limit"));
        ax_answer_warned(res, data, warnings);
    } else {
        ax_answer_err(res, err, &diag);
    }
    ax_features_found_done(&found);
}

void ax_features_routes(struct ax_pipeline *p, struct ax_http_route *out)
{
    const struct ax_http_route routes[AX_FEATURES_ROUTES] = {
        {"GET", "/api/v1/features", "features", vectors, p, 0, NULL, true, NULL},
        {"GET", "/api/v1/features/export", "features_export", ax_features_export, p, 0, NULL, true, NULL},
        {"GET", "/api/v1/features/statistics", "features_statistics", ax_features_statistics, p, 0, NULL,
         true, NULL},
        {"GET", "/api/v1/features/definitions", "features_definitions", ax_features_definitions, p, 0, NULL,
         true, NULL},
    };
    memcpy(out, routes, sizeof routes);
}
