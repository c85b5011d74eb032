/* features_find.c: one pass over the series between two steps. */
#include "api/features_find.h"

#include "base/clock.h"
#include "features/features.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000
#define HOLD_NS 1000000000LL /* for so long steps wait for a search: selectors may be dear to match */
#define LOOK_EVERY 64        /* series between two looks at the clock */
#define LABELS_BYTES_MAX ((size_t)64 << 20) /* beside the pasts */

/* One search. */
struct finding {
    const struct ax_features_query *query;
    struct ax_chooser choosers[AX_FEATURES_SELECTORS_MAX];
    struct ax_features_found *out;
    uint32_t cap;
    uint64_t bytes; /* of pasts */
    uint32_t looked;
    int64_t deadline_ns;
    bool job_found;
    enum ax_err err;
};

static bool is_meant(const struct finding *f, const struct ax_modelled *s)
{
    bool any = f->query->match_n == 0;
    for (uint32_t i = 0; i < f->query->match_n && !any; i++)
        any = ax_chooser_takes(&f->choosers[i], s->root, s->config->name, s->labels);
    return any;
}

static bool copy_labels(const struct ax_labels *from, struct ax_arena *arena, struct ax_labels *out)
{
    struct ax_label *v = ax_arena_array(arena, from->n, sizeof *v);
    bool whole = v != NULL;
    for (uint32_t i = 0; i < from->n && whole; i++) {
        v[i].name = ax_arena_str(arena, from->v[i].name);
        v[i].value = ax_arena_str(arena, from->v[i].value);
        whole = v[i].name.p && v[i].value.p;
    }
    *out = (struct ax_labels){from->n, v};
    return whole;
}

static enum ax_err copy_series(struct finding *f, const struct ax_modelled *s, const struct ax_view *past)
{
    struct ax_features_found *out = f->out;
    if (out->n == f->cap) {
        const uint32_t cap = f->cap ? 2 * f->cap : 64;
        struct ax_feature_series *more = realloc(out->v, cap * sizeof *more);
        if (!more)
            return AX_NOMEM;
        out->v = more;
        f->cap = cap;
    }
    struct ax_feature_series *to = &out->v[out->n];
    float *v = ax_arena_array(&out->arena, past->n, sizeof *v);
    to->job = ax_arena_str(&out->arena, s->config->name);
    to->feature = ax_arena_str(&out->arena, s->feature.n ? s->feature : (struct ax_str){"", 0});
    if (!v || !to->job.p || !to->feature.p || !copy_labels(s->labels, &out->arena, &to->labels))
        return AX_NOMEM;
    memcpy(v, past->v, past->n * sizeof *v);
    to->past = (struct ax_view){v, past->n, past->end_ms, past->step_ms};
    to->first = past->n < s->config->window_fine ? 0 /* nothing is forgotten yet */
                : past->n < AX_FEATURES_STEPS    ? past->n - 1
                                                 : AX_FEATURES_STEPS - 1;
    out->n++;
    return AX_OK;
}

static bool take(void *ctx, const struct ax_modelled *s)
{
    struct finding *f = ctx;
    if (f->looked++ == 0)
        f->deadline_ns = ax_mono_ns() + HOLD_NS;
    if (f->looked % LOOK_EVERY == 0 && ax_mono_ns() >= f->deadline_ns) {
        f->err = AX_BUSY;
        return false;
    }
    if (f->query->job.n && !ax_str_eq(f->query->job, s->config->name))
        return true;
    f->job_found = true;
    if (!s->window || !is_meant(f, s))
        return true;
    const struct ax_view past = ax_window_fine(s->window);
    if (past.n == 0)
        return true;
    f->out->more = f->out->n >= f->query->series_max;
    f->bytes += past.n * sizeof *past.v;
    if (f->out->more)
        return false;
    f->err = f->bytes > f->query->bytes_max ? AX_LIMIT : copy_series(f, s, &past);
    return f->err == AX_OK;
}

static bool found(void *ctx, struct ax_job *job)
{
    (void)ctx;
    (void)job;
    return false;
}

/* Why nothing was found, or not all. */
static enum ax_err judge(const struct finding *f, struct ax_pipeline *p, struct ax_diag *diag)
{
    switch (f->err) {
    case AX_OK:
        if (f->query->job.n && !f->job_found && !ax_pipeline_with_job(p, f->query->job, found, NULL))
            return ax_fail(diag, AX_NOTFOUND, "there is no such job");
        return AX_OK;
    case AX_LIMIT:
        return ax_fail(diag, AX_LIMIT,
                       "the pasts of these series have more than %" PRIu64
                       " bytes: ask for fewer series (match[], job)",
                       f->query->bytes_max);
    case AX_BUSY:
        if (f->looked == 0)
            return ax_fail(diag, AX_BUSY, "a step has not ended for %d s: try again", WAIT_MS / 1000);
        return ax_fail(diag, AX_BUSY,
                       "it takes more than a second to find the series: use simpler selectors");
    default:
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
}

enum ax_err ax_features_find(struct ax_pipeline *p, const struct ax_features_query *q,
                             struct ax_features_found *out, struct ax_diag *diag)
{
    struct finding f = {.query = q, .out = out, .err = AX_OK};
    enum ax_err err = AX_OK;
    *out = (struct ax_features_found){0};
    ax_arena_init(&out->arena, q->bytes_max + LABELS_BYTES_MAX);
    for (uint32_t i = 0; i < q->match_n && err == AX_OK; i++)
        err = ax_chooser_init(&f.choosers[i], q->match[i], diag);
    if (err == AX_OK && ax_pipeline_all_series(p, WAIT_MS, take, &f) != AX_OK)
        f.err = AX_BUSY;
    for (uint32_t i = 0; i < q->match_n; i++)
        ax_chooser_done(&f.choosers[i]);
    return err == AX_OK ? judge(&f, p, diag) : err;
}

void ax_features_found_done(struct ax_features_found *f)
{
    free(f->v);
    ax_arena_done(&f->arena);
}
