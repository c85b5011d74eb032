/* features_definitions.c: what features are made of, and how they stand. */
#include "api/answer.h"
#include "api/features_request.h"
#include "base/grow.h"
#include "base/hash.h"
#include "features/features.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 5000
#define TEXTS_MAX ((size_t)64 << 20)

/* A feature of a job: its definition, and how many series of it there are. */
struct row {
    struct ax_str job, name, expr;
    int64_t step_ms;
    uint32_t series, known; /* known: with a value at the newest step */
};

/* The rows of all jobs, in the order in which series are visited. */
struct rows {
    struct ax_str wanted; /* a job; empty: all */
    struct row *v;
    uint32_t n, cap, at; /* at: of the series before */
    struct ax_arena texts;
    bool whole;
};

void ax_features_version_text(uint64_t version, char out[AX_FEATURES_VERSION_TEXT])
{
    (void)snprintf(out, AX_FEATURES_VERSION_TEXT, "%016" PRIx64, version);
}

json_t *ax_features_table_json(void)
{
    json_t *definitions = json_array();
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++) {
        const struct ax_feature_info *info = ax_feature_info(f);
        (void)json_array_append_new(definitions, json_pack("{s:s, s:s, s:s}", "name", info->name, "unit",
                                                           info->unit, "help", info->help));
    }
    return definitions;
}

static void add_row(struct rows *r, const struct ax_job_config *job, struct ax_str name, struct ax_str expr)
{
    struct row *more = ax_grow(r->v, r->n, &r->cap, 16, sizeof *more);
    r->whole = r->whole && more;
    if (!more)
        return;
    r->v = more;
    struct row *to = &r->v[r->n++];
    *to = (struct row){.job = ax_arena_str(&r->texts, job->name),
                       .name = ax_arena_str(&r->texts, name.n ? name : ax_str("")),
                       .expr = ax_arena_str(&r->texts, expr),
                       .step_ms = job->step_ms};
    r->whole = r->whole && to->job.p && to->name.p && to->expr.p;
}

static void list_rows(void *ctx, const struct ax_config *config)
{
    struct rows *r = ctx;
    for (uint32_t i = 0; i < config->jobs_n; i++) {
        const struct ax_job_config *job = &config->jobs[i];
        if (r->wanted.n && !ax_str_eq(r->wanted, job->name))
            continue;
        if (job->expr.text.n)
            add_row(r, job, (struct ax_str){"", 0}, job->expr.text);
        for (uint32_t k = 0; k < job->features_n; k++)
            add_row(r, job, job->features[k].name, job->features[k].expr.text);
    }
}

static bool count_series(void *ctx, const struct ax_modelled *s)
{
    struct rows *r = ctx;
    for (uint32_t i = 0; i < r->n; i++, r->at = (r->at + 1) % r->n) {
        struct row *row = &r->v[r->at];
        if (!ax_str_eq(row->job, s->config->name) || !ax_str_eq(row->name, s->feature))
            continue;
        const struct ax_view past = s->window ? ax_window_fine(s->window) : (struct ax_view){0};
        row->series++;
        row->known += past.n && past.v[past.n - 1] == past.v[past.n - 1];
        break;
    }
    return true;
}

/* Changes with whatever the values depend on. */
static uint64_t version_of(const struct row *row)
{
    uint64_t h = ax_hash64(row->name.p, row->name.n, row->name.n);
    h = ax_hash64(row->expr.p, row->expr.n, h);
    return ax_hash64(&row->step_ms, sizeof row->step_ms, h);
}

static json_t *rows_json(const struct rows *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->n; i++) {
        const struct row *row = &r->v[i];
        char version[AX_FEATURES_VERSION_TEXT];
        ax_features_version_text(version_of(row), version);
        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:f, s:s, s:s, s:i, s:i}", "job", ax_str_json(row->job),
                            "feature", ax_str_json(row->name), "expr", ax_str_json(row->expr), "step",
                            (double)row->step_ms / 1000, "version", version, "status",
                            row->known    ? "active"
                            : row->series ? "absent"
                                          : "no_data",
                            "series", (int)row->series, "seriesWithValue", (int)row->known));
    }
    return list;
}

void ax_features_definitions(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct rows r = {.wanted = ax_http_query(req, "job"), .whole = true};
    char hash[AX_FEATURES_VERSION_TEXT];
    ax_arena_init(&r.texts, TEXTS_MAX);
    ax_pipeline_with_config(ctx, list_rows, &r);
    ax_features_version_text(ax_features_hash(), hash);
    if (r.wanted.n && r.n == 0 && r.whole)
        ax_answer_error(res, 404, "not_found", "there is no such job");
    else if (!r.whole)
        ax_answer_error(res, 503, "unavailable", "out of memory");
    else if (ax_pipeline_all_series(ctx, WAIT_MS, count_series, &r) != AX_OK)
        ax_answer_error(res, 503, "unavailable", "a step has not ended for 5 s: try again");
    else
        ax_answer_json(res, json_pack("{s:o, s:{s:s, s:o}}", "features", rows_json(&r), "vector", "version",
                                      hash, "definitions", ax_features_table_json()));
    free(r.v);
    ax_arena_done(&r.texts);
}
