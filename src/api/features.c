/* features.c: feature vectors as JSON. */
#include "api/features.h"

#include "api/answer.h"
#include "features/features.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SCRATCH_BYTES (16u << 20)

struct gathering {
    json_t *series;
    uint32_t limit;
    struct ax_arena scratch;
};

static bool gather(void *ctx, const struct ax_modelled *s)
{
    struct gathering *g = ctx;
    double vector[AX_FEATURES_N];
    struct ax_view past = ax_window_fine(s->window);
    if (json_array_size(g->series) >= g->limit)
        return false;
    ax_arena_reset(&g->scratch);
    if (past.n == 0 || ax_features_compute(&past, s->t_ms, &g->scratch, vector) == AX_NOMEM)
        return true;
    json_t *values = json_object();
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++)
        (void)json_object_set_new(values, ax_feature_info(f)->name,
                                  isfinite(vector[f]) ? json_real(vector[f]) : json_null());
    (void)json_array_append_new(
        g->series, json_pack("{s:o, s:o, s:f, s:o}", "metric", ax_labels_json(s->labels), "feature",
                             json_stringn(s->feature.p ? s->feature.p : "", s->feature.n), "timestamp",
                             (double)s->t_ms / 1000, "values", values));
    return true;
}

static json_t *definitions_json(void)
{
    json_t *definitions = json_array();
    for (enum ax_feature f = 0; f < AX_FEATURES_N; f++) {
        const struct ax_feature_info *info = ax_feature_info(f);
        (void)json_array_append_new(definitions, json_pack("{s:s, s:s, s:s}", "name", info->name, "unit",
                                                           info->unit, "help", info->help));
    }
    return definitions;
}

json_t *ax_features_json(struct ax_pipeline *p, struct ax_str job, uint32_t limit, bool *out_found)
{
    struct gathering g = {.series = json_array(), .limit = limit};
    char hash[17];
    ax_arena_init(&g.scratch, SCRATCH_BYTES);
    *out_found = ax_pipeline_each_series(p, job, gather, &g);
    ax_arena_done(&g.scratch);
    if (!*out_found) {
        json_decref(g.series);
        return NULL;
    }
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, ax_features_hash());
    return json_pack("{s:o, s:s, s:o}", "definitions", definitions_json(), "hash", hash, "series", g.series);
}
