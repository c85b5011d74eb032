/* speaker_data.c: copies of the series that a fit learns from. */
#include "base/grow.h"
#include "features/features.h"
#include "train/speaker_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ax_speaker_data_free(void *data)
{
    struct ax_speaker_data *d = data;
    if (!d)
        return;
    ax_speaker_vocabulary_done(&d->vocabulary);
    ax_arena_done(&d->texts);
    ax_drift_pasts_free(d->pasts);
    ax_buf_done(&d->references);
    free(d->series);
    free(d->block);
    free(d);
}

struct ax_speaker_data *ax_speaker_data_new(const struct ax_speaker_spec *spec)
{
    struct ax_speaker_data *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->spec = *spec;
    ax_arena_init(&d->texts, SIZE_MAX);
    bool whole = (d->spec.features = ax_arena_str(&d->texts, spec->features)).p != NULL;
    for (uint32_t i = 0; i < spec->categories_n; i++)
        whole = (d->spec.categories[i] = ax_arena_str(&d->texts, spec->categories[i])).p && whole;
    if (whole)
        return d;
    ax_speaker_data_free(d);
    return NULL;
}

void ax_speaker_data_refer(struct ax_speaker_data *d, struct ax_drift_pasts *pasts)
{
    d->pasts = pasts;
}

enum ax_err ax_speaker_data_made(struct ax_speaker_data *d, const struct ax_fit_progress *progress,
                                 struct ax_diag *diag)
{
    if (d->referred)
        return AX_OK;
    ax_buf_done(&d->references);
    const enum ax_err err = ax_fit_refer(d->pasts, progress, &d->references, diag);
    d->referred = err == AX_OK;
    return err;
}

uint64_t ax_speaker_data_bytes(const struct ax_speaker_data *d)
{
    const uint64_t row = (uint64_t)ax_speaker_longest(&d->spec) * ax_speaker_width(&d->spec, &d->vocabulary) +
                         2ull * d->spec.leads_n * AX_SPEAKER_PER_LEAD_MAX;
    /* Trees: the vector too, a copy of the rows for each fit, and XGBoost's own. */
    const uint64_t floats = d->spec.depth ? 3 * (row + AX_FEATURES_N) : row;
    const uint64_t pasts = d->pasts ? ax_drift_pasts_bytes(d->pasts) : 0;
    return pasts + d->block_n * sizeof *d->block + d->n * sizeof *d->series +
           d->spec.rows_max * floats * sizeof(float);
}

/* Room for n more floats and one more series. */
static bool grow(struct ax_speaker_data *d, size_t n)
{
    struct ax_speaker_series *series = ax_grow(d->series, d->n, &d->cap, 16, sizeof *series);
    if (!series)
        return false;
    d->series = series;
    if (d->block_n + n > d->block_cap) {
        const size_t cap = d->block_n + n + d->block_cap / 2;
        float *more = realloc(d->block, cap * sizeof *more);
        if (!more)
            return false;
        d->block = more;
        d->block_cap = cap;
    }
    return true;
}

/* The newest n points of a view, gaps where it has fewer. */
static void put_view(float *to, uint32_t n, const struct ax_view *v)
{
    const uint32_t has = v->n < n ? v->n : n;
    for (uint32_t i = 0; i < n - has; i++)
        to[i] = NAN;
    if (has)
        memcpy(to + (n - has), v->v + (v->n - has), has * sizeof *to);
}

enum ax_err ax_speaker_data_add(struct ax_speaker_data *d, const struct ax_speaker_past *p,
                                uint64_t bytes_max)
{
    const struct ax_view *fine = &p->target.fine, *coarse = &p->target.coarse;
    const size_t n = (size_t)fine->n * (1 + d->spec.features_n) + coarse->n;
    struct ax_speaker_series s = {d->block_n,     fine->n,         coarse->n, fine->end_ms,
                                  coarse->end_ms, coarse->step_ms, {0}};
    if (ax_speaker_data_bytes(d) + n * sizeof(float) + sizeof s > bytes_max)
        return AX_LIMIT;
    for (uint32_t i = 0; i < d->spec.categories_n; i++)
        if (ax_speaker_vocabulary_add(&d->vocabulary, i, ax_speaker_label(p, d->spec.categories[i])) != AX_OK)
            return AX_NOMEM;
    if (!grow(d, n))
        return AX_NOMEM;
    ax_speaker_codes(&d->spec, &d->vocabulary, p, s.codes);
    float *at = d->block + s.at;
    put_view(at, fine->n, fine);
    put_view(at + fine->n, coarse->n, coarse);
    for (uint32_t i = 0; i < d->spec.features_n; i++)
        put_view(at + fine->n + coarse->n + (size_t)i * fine->n, fine->n, &p->features[i]);
    if (p->target.clocks) /* those of all series are the same, and know the longest past now */
        d->clocks = *p->target.clocks;
    d->block_n += n;
    d->series[d->n++] = s;
    return AX_OK;
}

struct ax_speaker_past ax_speaker_data_past(const struct ax_speaker_data *d, uint32_t i, uint32_t o,
                                            struct ax_view *views)
{
    const struct ax_speaker_series *s = &d->series[i];
    const float *at = d->block + s->at;
    const struct ax_past whole = {.fine = {at, s->fine_n, s->fine_ms, d->spec.step_ms},
                                  .coarse = {at + s->fine_n, s->coarse_n, s->coarse_ms, s->coarse_step_ms},
                                  .t_ms = s->fine_ms,
                                  .clocks = &d->clocks};
    const struct ax_past then = ax_past_before(&whole, s->fine_n - 1 - o);
    for (uint32_t k = 0; k < d->spec.features_n; k++)
        views[k] = (struct ax_view){at + s->fine_n + s->coarse_n + (size_t)k * s->fine_n, o + 1, then.t_ms,
                                    d->spec.step_ms};
    return (struct ax_speaker_past){.target = then, .features = views};
}

enum ax_err ax_speaker_data_each(const void *data, ax_train_see *see, void *ctx)
{
    const struct ax_speaker_data *d = data;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < d->n && err == AX_OK; i++) {
        const struct ax_speaker_series *s = &d->series[i];
        struct ax_validation_series one = {d->block + s->at, s->fine_n, 1, s->fine_ms, d->spec.step_ms};
        err = see(ctx, &one);
        for (uint32_t k = 0; k < d->spec.features_n && err == AX_OK; k++) {
            one.v = d->block + s->at + s->fine_n + s->coarse_n + (size_t)k * s->fine_n;
            err = see(ctx, &one);
        }
    }
    return err;
}
