/* features_find.c: two visits to the series between two steps, and the selectors between the visits. */
#include "api/features_find.h"

#include "base/clock.h"
#include "base/grow.h"
#include "config/config.h"
#include "features/features.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 5000
#define MATCH_NS 1000000000LL               /* for so long selectors are matched */
#define LOOK_STEPS 1000000                  /* of matching, between two looks at the clock and at who asks; */
#define SERIES_STEPS 16384                  /* of one series, whatever the selectors are */
#define REGEX_MEMORY ((uint64_t)4 << 20)    /* of all selectors, compiled */
#define LABELS_BYTES_MAX ((size_t)64 << 20) /* beside the pasts */

/* A series that may be meant: what it is called, and where it is found again. */
struct candidate {
    uint64_t job;
    uint32_t channel, serial;
    uint32_t next_job; /* index of the first candidate of another one */
    const struct ax_chooser_job *of;
    struct ax_labels labels;
};

/* One search. */
struct finding {
    const struct ax_features_query *query;
    const struct ax_http_request *from;
    struct ax_chooser choosers[AX_FEATURES_SELECTORS_MAX];
    struct ax_features_found *out;
    uint32_t cap;
    uint64_t bytes; /* of pasts */
    struct ax_arena listed;
    struct candidate *v;
    uint32_t n, room;
    uint64_t fetching; /* the job that the second visit is in, */
    uint32_t at;       /* and how far it has come in it */
    uint64_t steps;    /* of matching since the last look */
    int64_t deadline_ns;
    bool job_found, busy;
    enum ax_err err;
};

/* Is there time left, and somebody who waits? Looks now and then. */
static bool goes_on(void *ctx, uint64_t steps)
{
    struct finding *f = ctx;
    f->steps += steps;
    if (f->err != AX_OK || f->steps < LOOK_STEPS)
        return f->err == AX_OK;
    f->steps = 0;
    if (ax_http_gone(f->from))
        f->err = AX_CANCELLED;
    else if (ax_mono_ns() >= f->deadline_ns)
        f->err = AX_BUSY;
    return f->err == AX_OK;
}

/* ---- first visit ---- */

static bool may_be_meant(const struct finding *f, const struct ax_modelled *s)
{
    bool any = f->query->match_n == 0;
    for (uint32_t i = 0; i < f->query->match_n && !any; i++)
        any = ax_chooser_may_take(&f->choosers[i], &s->of, s->labels);
    return any;
}

/* The job, from the candidate before it when that is of the same. */
static const struct ax_chooser_job *copy_job(struct finding *f, const struct ax_modelled *s)
{
    if (f->n > 0 && f->v[f->n - 1].job == s->job)
        return f->v[f->n - 1].of;
    struct ax_chooser_job *of = ax_arena_alloc(&f->listed, sizeof *of);
    return of && ax_chooser_job_copy(&f->listed, &s->of, of) ? of : NULL;
}

static bool list(void *ctx, const struct ax_modelled *s)
{
    struct finding *f = ctx;
    if (f->query->job.n && !ax_str_eq(f->query->job, s->config->name))
        return true;
    f->job_found = true;
    if (!s->window || ax_window_fine(s->window).n == 0 || !may_be_meant(f, s))
        return true;
    struct candidate *more = ax_grow(f->v, f->n, &f->room, 256, sizeof *more);
    if (!more) {
        f->err = AX_NOMEM;
        return false;
    }
    f->v = more;
    struct candidate *to = &f->v[f->n];
    *to = (struct candidate){.job = s->job, .channel = s->channel, .serial = s->serial, .of = copy_job(f, s)};
    if (!to->of || !ax_labels_copy(&f->listed, s->labels, &to->labels)) {
        f->err = AX_LIMIT;
        return false;
    }
    f->n++;
    return f->query->match_n > 0 || f->n <= f->query->series_max; /* one more tells that there are more */
}

/* ---- between the visits ---- */

/* Keep those that are meant. */
static void choose(struct finding *f)
{
    uint32_t kept = 0;
    f->deadline_ns = ax_mono_ns() + MATCH_NS;
    for (uint32_t i = 0; i < f->n && kept <= f->query->series_max && goes_on(f, SERIES_STEPS); i++) {
        bool any = f->query->match_n == 0;
        for (uint32_t k = 0; k < f->query->match_n && !any && f->err == AX_OK; k++)
            any = ax_chooser_takes(&f->choosers[k], f->v[i].of, &f->v[i].labels);
        if (any)
            f->v[kept++] = f->v[i];
    }
    f->n = kept;
    for (uint32_t i = kept; i-- > 0;)
        f->v[i].next_job = i + 1 < kept && f->v[i + 1].job == f->v[i].job ? f->v[i + 1].next_job : i + 1;
}

/* ---- second visit ---- */

static enum ax_err copy_series(struct finding *f, const struct ax_modelled *s, const struct ax_view *past)
{
    struct ax_features_found *out = f->out;
    struct ax_feature_series *more = ax_grow(out->v, out->n, &f->cap, 64, sizeof *more);
    if (!more)
        return AX_NOMEM;
    out->v = more;
    struct ax_feature_series *to = &out->v[out->n];
    float *v = ax_arena_array(&out->arena, past->n, sizeof *v);
    to->job = ax_arena_str(&out->arena, s->config->name);
    to->feature = ax_arena_str(&out->arena, s->feature.n ? s->feature : (struct ax_str){"", 0});
    if (!v || !to->job.p || !to->feature.p || !ax_labels_copy(&out->arena, s->labels, &to->labels))
        return AX_NOMEM;
    memcpy(v, past->v, past->n * sizeof *v);
    to->past = (struct ax_view){v, past->n, past->end_ms, past->step_ms};
    to->first = past->n < s->config->window_fine ? 0 /* nothing is forgotten yet */
                : past->n < AX_FEATURES_STEPS    ? past->n - 1
                                                 : AX_FEATURES_STEPS - 1;
    out->n++;
    return AX_OK;
}

/* Does the candidate come before this series, so that its own is gone meanwhile? */
static bool is_behind(const struct candidate *c, const struct ax_modelled *s)
{
    return c->job == s->job &&
           (c->channel < s->channel || (c->channel == s->channel && c->serial < s->serial));
}

/* Go to the candidates of a job, from job to job: some may have come or gone since the first visit. */
static void find_job(struct finding *f, uint64_t job)
{
    f->fetching = job;
    for (f->at = 0; f->at < f->n && f->v[f->at].job != job;)
        f->at = f->v[f->at].next_job;
}

static bool fetch(void *ctx, const struct ax_modelled *s)
{
    struct finding *f = ctx;
    if (s->job != f->fetching)
        find_job(f, s->job);
    while (f->at < f->n && is_behind(&f->v[f->at], s))
        f->at++;
    const struct candidate *c = f->at < f->n ? &f->v[f->at] : NULL;
    if (!c || c->job != s->job || c->channel != s->channel || c->serial != s->serial)
        return true;
    f->at++;
    const struct ax_view past = ax_window_fine(s->window);
    f->out->more = f->out->n >= f->query->series_max;
    f->bytes += past.n * sizeof *past.v;
    if (f->out->more)
        return false;
    f->err = f->bytes > f->query->bytes_max ? AX_LIMIT : copy_series(f, s, &past);
    return f->err == AX_OK;
}

/* ---- all of it ---- */

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
        if (f->bytes <= f->query->bytes_max)
            return ax_fail(
                diag, AX_LIMIT,
                "too many series to compare with a regular expression: name a job, or a label by =");
        return ax_fail(diag, AX_LIMIT,
                       "the pasts of these series have more than %" PRIu64
                       " bytes: ask for fewer series (match[], job)",
                       f->query->bytes_max);
    case AX_CANCELLED:
        return ax_fail(diag, AX_CANCELLED, "%s", ax_err_text(AX_CANCELLED));
    case AX_BUSY:
        if (f->busy)
            return ax_fail(diag, AX_BUSY, "a step has not ended for %d s: try again", WAIT_MS / 1000);
        return ax_fail(diag, AX_BUSY,
                       "it takes more than a second to find the series: use simpler selectors");
    default:
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
}

static void visit(struct finding *f, struct ax_pipeline *p, ax_series_visit *each)
{
    if (f->err != AX_OK || ax_pipeline_all_series(p, WAIT_MS, each, f) == AX_OK)
        return;
    f->err = AX_BUSY;
    f->busy = true;
}

enum ax_err ax_features_find(struct ax_pipeline *p, const struct ax_features_query *q,
                             const struct ax_http_request *from, struct ax_features_found *out,
                             struct ax_diag *diag)
{
    struct finding f = {.query = q, .from = from, .out = out, .fetching = UINT64_MAX, .err = AX_OK};
    enum ax_err err = AX_OK;
    *out = (struct ax_features_found){0};
    ax_arena_init(&out->arena, q->bytes_max + LABELS_BYTES_MAX);
    ax_arena_init(&f.listed, LABELS_BYTES_MAX);
    uint64_t memory = REGEX_MEMORY;
    for (uint32_t i = 0; i < q->match_n && err == AX_OK && f.err == AX_OK; i++) {
        if (ax_http_gone(from)) {
            f.err = AX_CANCELLED;
            break;
        }
        uint64_t one = memory < AX_CHOOSER_MEMORY ? memory : AX_CHOOSER_MEMORY;
        const uint64_t before = one;
        err = ax_chooser_init_within(&f.choosers[i], q->match[i], &one, diag);
        memory -= before - one;
        f.choosers[i].goes_on = goes_on;
        f.choosers[i].ctx = &f;
    }
    if (err == AX_OK && f.err == AX_OK) {
        visit(&f, p, list);
        if (f.err == AX_OK)
            choose(&f);
        if (f.n)
            visit(&f, p, fetch);
    }
    for (uint32_t i = 0; i < q->match_n; i++)
        ax_chooser_done(&f.choosers[i]);
    free(f.v);
    ax_arena_done(&f.listed);
    return err == AX_OK ? judge(&f, p, diag) : err;
}

void ax_features_found_done(struct ax_features_found *f)
{
    free(f->v);
    ax_arena_done(&f->arena);
}
