/* ensemble_fuzz.c: artifacts of ensembles and of latencies with anything wrong in them, as an import may
 * bring them: refused with a text, or they score without a crash and say numbers or nothing.
 *
 * What is damaged is fitted here, so that inputs stay good when the format changes. The lowest bit of the
 * first byte says which kind, the others how far the places of the edits are apart; the rest are edits of
 * four bytes each, a place (two), what is done there, and with what. A first byte of 255: the rest is the
 * artifact. */
#include "base/assert.h"
#include "base/rng.h"
#include "pipeline/ensemble_kind.h"

#include <math.h>
#include <stdlib.h>

#define ENTITIES 2
#define POINTS 160
#define FEATURES 3
#define LATENCY_POINTS 8
#define ROW_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What all inputs share: of each kind. */
static struct world {
    const struct ax_train_kind *kind;
    struct ax_ensemble_spec spec;
    struct ax_buf artifact;
} worlds[2];

static const struct ax_str keys[ENTITIES] = {{"a", 1}, {"b", 1}};

static void init(struct world *w, const struct ax_train_kind *kind, const struct ax_ensemble_spec *spec)
{
    static float points[ENTITIES * POINTS * FEATURES];
    static uint8_t marks[ENTITIES * POINTS];
    const struct ax_ensemble_segment segments[ENTITIES] = {{.entity = 0, .first = 0, .n = POINTS},
                                                           {.entity = 1, .first = POINTS, .n = POINTS}};
    struct ax_ensemble_past past = {.spec = *spec, .from_ms = 1, .until_ms = 2};
    struct ax_rng rng;
    struct ax_diag diag = {{0}};
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < ENTITIES * POINTS; i++)
        for (uint32_t k = 0; k < spec->features; k++)
            points[i * spec->features + k] =
                (float)(50 + 10 * sin(i * 0.2) * (k + 1) + 2 * ax_rng_normal(&rng));
    past.data = (struct ax_ensemble_data){.entities_n = ENTITIES,
                                          .segments_n = ENTITIES,
                                          .points_n = ENTITIES * POINTS,
                                          .keys = keys,
                                          .segments = segments,
                                          .points = points,
                                          .marks = marks};
    *w = (struct world){.kind = kind, .spec = *spec};
    ax_buf_init(&w->artifact, AX_ARTIFACT_MAX);
    AX_ASSERT(kind->fit(&past, 7, NULL, &w->artifact, &diag) == AX_OK);
}

/* That of a kind: 0 the ensemble, 1 the latencies; fitted when it is first asked for. */
static const struct world *world_of(uint32_t i)
{
    static const struct ax_ensemble_spec specs[2] = {
        {.features = FEATURES, .points = AX_ENSEMBLE_POINTS, .false_alarm_rate = 0.001},
        {.features = 1,
         .points = LATENCY_POINTS,
         .members = 1u << AX_ENSEMBLE_SEQUENCE,
         .false_alarm_rate = 0.001}};
    if (!worlds[i].kind)
        init(&worlds[i], i ? &ax_latency_kind : &ax_ensemble_kind, &specs[i]);
    return &worlds[i];
}

static void edit(struct ax_buf *b, size_t at, uint8_t what, uint8_t with)
{
    const size_t left = b->n - at, some = left < with % 16u + 1 ? left : with % 16u + 1;
    switch (what % 4) {
    case 0:
        b->bytes[at] ^= with;
        break;
    case 1:
        b->bytes[at] = with;
        break;
    case 2:
        memmove(b->bytes + at, b->bytes + at + some, left - some);
        b->n -= some;
        break;
    default:
        memmove(b->bytes + at + 1, b->bytes + at, left - 1);
        b->bytes[at] = with;
    }
}

/* Score both entities, with a gap in their rows. */
static void score(const struct world *w, const struct ax_ensemble *e)
{
    float rows[ROW_MAX];
    double share[FEATURES], usual;
    struct ax_ensemble_ratios ratios;
    const size_t width = (size_t)w->spec.points * w->spec.features;
    AX_ASSERT(width <= ROW_MAX);
    for (size_t i = 0; i < width; i++)
        rows[i] = i == 1 ? NAN : (float)(40 + i * 7 % 13);
    void *scratch = aligned_alloc(AX_ENSEMBLE_ALIGN,
                                  (ax_ensemble_scratch(e, 1) / AX_ENSEMBLE_ALIGN + 1) * AX_ENSEMBLE_ALIGN);
    AX_ASSERT(scratch);
    for (uint32_t i = 0; i < ENTITIES; i++) {
        const uint32_t entity = ax_ensemble_find(e, keys[i]);
        if (entity == UINT32_MAX)
            continue;
        ax_ensemble_score(e, 1, &entity, rows, scratch, &ratios);
        AX_ASSERT(ax_ensemble_level(e, entity) > 0 && isfinite(ax_ensemble_level(e, entity)));
        (void)ax_ensemble_combine(ax_ensemble_members_of(e), ax_ensemble_weights(e), &ratios, NULL, 0);
        ax_ensemble_explain(e, entity, rows, &ratios, scratch, share);
        for (uint32_t k = 0; k < w->spec.features; k++)
            (void)ax_ensemble_deviation(e, entity, rows, k, &usual);
    }
    free(scratch);
}

static void try_artifact(const struct world *w, struct ax_str bytes)
{
    struct ax_diag diag = {{0}};
    struct ax_fit_scores scores;
    struct ax_drift_references *references = NULL;
    void *model = NULL;
    enum ax_err err = w->kind->references(bytes, &references, &diag);
    AX_ASSERT(err == AX_OK || (err == AX_CORRUPT && diag.text[0] && !references));
    ax_drift_references_free(references);
    err = w->kind->build(&w->spec, bytes, &model, &scores, &diag);
    AX_ASSERT(err == AX_OK || (diag.text[0] && !model));
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT || err == AX_CONFLICT || err == AX_UNSUPPORTED);
    if (err != AX_OK)
        return;
    score(w, model);
    w->kind->free_model(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > 65536)
        return 0;
    if (data[0] == 255) {
        try_artifact(world_of(0), (struct ax_str){(const char *)data + 1, n - 1});
        try_artifact(world_of(1), (struct ax_str){(const char *)data + 1, n - 1});
        return 0;
    }
    const struct world *w = world_of(data[0] % 2);
    struct ax_buf copy;
    ax_buf_init(&copy, AX_ARTIFACT_MAX);
    ax_buf_str(&copy, ax_buf_view(&w->artifact));
    for (size_t i = 1; i + 4 <= n && copy.n; i += 4)
        edit(&copy, (data[i] | (size_t)data[i + 1] << 8) * (data[0] / 2 + 1u) % copy.n, data[i + 2],
             data[i + 3]);
    try_artifact(w, ax_buf_view(&copy));
    ax_buf_done(&copy);
    return 0;
}
