/* rowset.c: from copies of series to rows and targets. */
#include "train/rowset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 16       /* steps before the first row, beside its sequence */
#define TARGET_CLIP 20.0 /* scales: farther is as far */

uint32_t ax_speaker_longest(const struct ax_speaker_spec *spec)
{
    return spec->longest > spec->sequence ? spec->longest : spec->sequence;
}

/* Rows that a series of n steps gives. */
static uint32_t rows_of(const struct ax_speaker_spec *spec, uint32_t n)
{
    const uint32_t sequence = ax_speaker_longest(spec) + CONTEXT;
    const uint32_t before = (sequence > spec->past ? sequence : spec->past) + spec->leads[0];
    return n > before ? n - before : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct ax_origin *x = a, *y = b;
    if (x->t_ms != y->t_ms)
        return x->t_ms < y->t_ms ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

uint64_t ax_speaker_data_rows(const struct ax_speaker_data *d)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < d->n; i++)
        all += rows_of(&d->spec, d->series[i].fine_n);
    return all;
}

/* Choose evenly among all rows that there could be, and order them by time. */
static enum ax_err choose(const struct ax_speaker_data *d, struct ax_rowset *r, struct ax_diag *diag)
{
    const struct ax_speaker_spec *spec = &d->spec;
    const uint64_t all = ax_speaker_data_rows(d);
    if (spec->longest && spec->sequence > spec->longest)
        return ax_fail(diag, AX_NOTREADY, "for a sequence of %u there is too little past or memory",
                       spec->sequence);
    if (all < AX_SPEAKER_ROWS_MIN)
        return ax_fail(diag, AX_NOTREADY, "%llu rows to learn from are too few: %d are needed",
                       (unsigned long long)all, AX_SPEAKER_ROWS_MIN);
    const uint64_t stride = (all + spec->rows_max - 1) / spec->rows_max;
    r->v = calloc(all / stride + 1, sizeof *r->v);
    if (!r->v)
        return ax_fail(diag, AX_NOMEM, "out of memory for %u rows", spec->rows_max);
    uint64_t at = 0; /* over the rows of all series: every stride-th */
    for (uint32_t i = 0; i < d->n; i++) {
        const uint32_t mine = rows_of(spec, d->series[i].fine_n);
        const uint32_t first = d->series[i].fine_n - spec->leads[0] - mine;
        for (uint32_t k = 0; k < mine; k++, at++) {
            if (at % stride != 0)
                continue;
            const uint32_t step = first + k;
            const int64_t t_ms =
                d->series[i].fine_ms - (int64_t)(d->series[i].fine_n - 1 - step) * spec->step_ms;
            r->v[r->n++] = (struct ax_origin){t_ms, i, step};
        }
    }
    qsort(r->v, r->n, sizeof *r->v, by_time);
    return AX_OK;
}

/* How far the series moved at each lead, in its measure; NaN where that is not known. */
static bool put_target(const struct ax_speaker_data *d, const struct ax_origin *o,
                       const struct ax_speaker_frame *f, uint32_t per_lead, float *y)
{
    const struct ax_speaker_series *s = &d->series[o->series];
    bool any = false;
    for (uint32_t k = 0; k < d->spec.leads_n; k++) {
        const uint64_t then = (uint64_t)o->step + d->spec.leads[k];
        double moved = NAN;
        if (then < s->fine_n)
            moved = ((double)d->block[s->at + then] - f->last) / f->scale;
        if (moved > TARGET_CLIP)
            moved = TARGET_CLIP;
        if (moved < -TARGET_CLIP)
            moved = -TARGET_CLIP;
        any |= !isnan(moved);
        for (uint32_t q = 0; q < per_lead; q++)
            y[k * per_lead + q] = (float)moved;
    }
    return any;
}

/* Fill x and y; origins without a row or a target leave. */
static bool fill(const struct ax_speaker_data *d, const struct ax_row_maker *maker,
                 const struct ax_fit_progress *progress, struct ax_rowset *r)
{
    struct ax_view views[AX_SPEAKER_FEATURES_MAX];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ax_origin o = r->v[i];
        const struct ax_speaker_past p = ax_speaker_data_past(d, o.series, o.step, views);
        struct ax_speaker_frame f;
        if (i % 256 == 0 && !ax_fit_goes_on(progress, 0))
            return false;
        if (!maker->put(maker->ctx, d, &p, d->series[o.series].codes, r->x + kept * r->row, &f) ||
            !put_target(d, &o, &f, r->per_lead, r->y + (size_t)kept * r->outputs))
            continue;
        r->v[kept++] = o;
    }
    r->n = kept;
    return true;
}

enum ax_err ax_rowset_make(const struct ax_speaker_data *d, const struct ax_row_maker *maker,
                           const struct ax_fit_progress *progress, struct ax_rowset *r, struct ax_diag *diag)
{
    *r = (struct ax_rowset){
        .row = maker->row, .per_lead = maker->per_lead, .outputs = d->spec.leads_n * maker->per_lead};
    enum ax_err err = choose(d, r, diag);
    if (err != AX_OK)
        return err;
    r->x = malloc(r->n * r->row * sizeof *r->x);
    r->y = malloc((size_t)r->n * r->outputs * sizeof *r->y);
    r->y_fold = malloc((size_t)r->n * r->outputs * sizeof *r->y_fold);
    if (!r->x || !r->y || !r->y_fold)
        return ax_fail(diag, AX_NOMEM, "out of memory for %u rows", r->n);
    if (!fill(d, maker, progress, r))
        return ax_fail(diag, AX_BUSY, "called off");
    if (r->n < AX_SPEAKER_ROWS_MIN)
        return ax_fail(diag, AX_NOTREADY, "%u rows to learn from are too few: %d are needed", r->n,
                       AX_SPEAKER_ROWS_MIN);
    return AX_OK;
}

void ax_rowset_free(struct ax_rowset *r)
{
    free(r->v);
    free(r->x);
    free(r->y);
    free(r->y_fold);
}

uint32_t ax_rowset_cut(const struct ax_rowset *r, double share)
{
    const int64_t first = r->v[0].t_ms, last = r->v[r->n - 1].t_ms;
    const int64_t at = first + (int64_t)(share * (double)(last - first));
    uint32_t i = 0;
    while (i < r->n && r->v[i].t_ms < at)
        i++;
    return i;
}

void ax_rowset_mask(const struct ax_speaker_spec *spec, struct ax_rowset *r, uint32_t n)
{
    const int64_t known_ms = n < r->n ? r->v[n].t_ms : INT64_MAX;
    memcpy(r->y_fold, r->y, (size_t)n * r->outputs * sizeof *r->y);
    for (uint32_t i = 0; i < n && known_ms != INT64_MAX; i++)
        for (uint32_t k = 0; k < spec->leads_n; k++)
            if (r->v[i].t_ms + (int64_t)spec->leads[k] * spec->step_ms >= known_ms)
                for (uint32_t q = 0; q < r->per_lead; q++)
                    r->y_fold[(size_t)i * r->outputs + (size_t)k * r->per_lead + q] = NAN;
}
