/* read_find.c: from matchers to series: paths as they are published, windows between two steps. */
#include "api/read_find.h"

#include "base/clock.h"
#include "base/grow.h"
#include "pipeline/outlet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FILL_MS 240000                   /* below the 5 min for which PromQL looks back */
#define REGEX_MEMORY ((uint64_t)4 << 20) /* of all matchers, compiled */
#define LOOK_EVERY 64                    /* series between two looks at the clock and at who asks */
#define LOOK_STEPS 1000000               /* of matching, likewise */
#define NAME_BYTES 512
#define LABELS_MAX 512

/* What is said of a series that is forecast, and where a path has it. */
enum curve { CURVE_MEAN, CURVE_LOWER, CURVE_UPPER, CURVES };

/* The windows of a modelled series, which may be asked for. */
struct candidate {
    uint64_t job;
    uint32_t channel, serial;
    struct ax_labels fine, coarse;
    uint32_t first, end; /* of what was found of it, in ax_read_find.v */
};

struct candidates {
    struct ax_read_find *find;
    struct candidate *v;
    uint32_t n, cap, at;
    uint64_t job; /* that the second visit is in */
};

static bool fail(struct ax_read_find *f, enum ax_err err, const char *reason)
{
    f->err = err;
    f->reason = reason;
    return false;
}

static bool no_memory(struct ax_read_find *f)
{
    (void)ax_fail(f->diag, AX_NOMEM, "out of memory");
    return fail(f, AX_NOMEM, "memory");
}

/* Is there time left, and somebody who waits? */
static bool look(struct ax_read_find *f)
{
    f->steps = 0;
    if (ax_http_gone(f->from)) {
        (void)ax_fail(f->diag, AX_CANCELLED, "%s", ax_err_text(AX_CANCELLED));
        return fail(f, AX_CANCELLED, "gone");
    }
    if (ax_mono_ns() < f->deadline_ns)
        return true;
    (void)ax_fail(f->diag, AX_BUSY, "the query takes longer than --remote-read.max-duration: narrow it");
    return fail(f, AX_BUSY, "time");
}

/* The same, now and then. */
static bool goes_on(struct ax_read_find *f)
{
    return f->err == AX_OK && (f->looked++ % LOOK_EVERY != 0 || look(f));
}

/* The same before a match that may take so many steps. */
static bool goes_on_for(struct ax_read_find *f, uint64_t steps)
{
    f->steps += steps;
    return f->err == AX_OK && (f->steps < LOOK_STEPS || look(f));
}

/* False also when it does not go on. */
static bool matches(struct ax_read_find *f, uint32_t query, const struct ax_labels *labels)
{
    for (uint32_t i = 0; i < f->request->queries[query].matchers_n; i++) {
        const struct ax_matcher *m = f->matchers[query][i];
        if (!goes_on_for(f, ax_matcher_steps(m, labels)) || !ax_matcher_match(m, labels))
            return false;
    }
    return true;
}

/* May the query mean series of this name? */
static bool may_mean(const struct ax_read_find *f, uint32_t query, const char *name)
{
    const struct ax_label label = {ax_str(AX_METRIC_NAME), ax_str(name)};
    const struct ax_labels labels = {1, &label};
    for (uint32_t i = 0; i < f->request->queries[query].matchers_n; i++)
        if (ax_str_eq(ax_matcher_name(f->matchers[query][i]), label.name) &&
            !ax_matcher_match(f->matchers[query][i], &labels))
            return false;
    return true;
}

static bool copy_labels(struct ax_read_find *f, const struct ax_labels *from, struct ax_labels *out)
{
    return ax_labels_copy(f->arena, from, out) || no_memory(f);
}

static bool add_found(struct ax_read_find *f, const struct ax_found *found)
{
    if (f->n == f->service->ceilings.series_max) {
        (void)ax_fail(f->diag, AX_LIMIT, "exceeded series limit (%u)", f->n);
        return fail(f, AX_LIMIT, "series");
    }
    struct ax_found *v = ax_grow(f->v, f->n, &f->cap, 64, sizeof *v);
    if (!v)
        return no_memory(f);
    f->v = v;
    f->v[f->n++] = *found;
    return true;
}

/* Count the samples of what was found, against the ceiling. */
static bool account(struct ax_read_find *f, uint64_t samples)
{
    f->samples += samples;
    if (f->samples <= f->service->ceilings.samples_max)
        return true;
    (void)ax_fail(f->diag, AX_LIMIT, "exceeded sample limit (%u)", f->service->ceilings.samples_max);
    return fail(f, AX_LIMIT, "samples");
}

/* ---- paths ---- */

/* One curve of a path, asked for by a query. */
static bool take_curve(struct ax_read_find *f, uint32_t query, const struct ax_labels *labels,
                       const struct ax_path_view *path, const float *curve)
{
    struct ax_found found = {.query = query,
                             .n = path->n,
                             .start_ms = path->t_ms,
                             .step_ms = path->step_ms,
                             .v = curve,
                             .leads = path->leads};
    uint32_t samples = ax_found_samples(&found, &f->request->queries[query], NULL);
    if (samples == 0)
        return true;
    uint32_t *leads = ax_arena_array(f->arena, path->n, sizeof *leads);
    float *v = ax_arena_array(f->arena, path->n, sizeof *v);
    if (!leads || !v)
        return no_memory(f);
    memcpy(leads, path->leads, path->n * sizeof *leads);
    memcpy(v, curve, path->n * sizeof *v);
    found.leads = leads;
    found.v = v;
    return account(f, samples) && copy_labels(f, labels, &found.labels) && add_found(f, &found);
}

/* May a query mean series of these labels, as far as equalities say? That is quick, whatever the query. */
static bool may_match(const struct ax_read_find *f, const struct ax_labels *labels, const char *but)
{
    bool any = false;
    for (uint32_t q = 0; q < f->request->queries_n && !any; q++) {
        any = true;
        for (uint32_t i = 0; i < f->request->queries[q].matchers_n && any; i++) {
            const struct ax_matcher *m = f->matchers[q][i];
            any = ax_matcher_op(m) != AX_MATCH_EQ || ax_str_eq(ax_matcher_name(m), ax_str(but)) ||
                  ax_matcher_match(m, labels);
        }
    }
    return any;
}

static enum ax_path_wish choose_path(void *ctx, const struct ax_labels *labels)
{
    struct ax_read_find *f = ctx;
    if (!goes_on(f))
        return AX_PATH_STOP;
    return may_match(f, labels, AX_METRIC_NAME) ? AX_PATH_TAKE : AX_PATH_SKIP;
}

static bool on_path(void *ctx, const struct ax_path_view *path)
{
    static const char *const suffixes[CURVES] = {"", "_lower", "_upper"};
    const float *const curves[CURVES] = {path->mean, path->lower, path->upper};
    struct ax_read_find *f = ctx;
    struct ax_label room[LABELS_MAX];
    struct ax_labels labels = {path->labels->n, room};
    char name[NAME_BYTES];
    uint32_t name_at = 0;
    if (path->reason || labels.n > LABELS_MAX)
        return true;
    memcpy(room, path->labels->v, labels.n * sizeof *room);
    while (name_at < labels.n && !ax_str_eq(room[name_at].name, ax_str(AX_METRIC_NAME)))
        name_at++;
    for (unsigned c = 0; c < CURVES && name_at < labels.n; c++) {
        int n = snprintf(name, sizeof name, AX_STR_FMT "%s", AX_STR_ARG(path->labels->v[name_at].value),
                         suffixes[c]);
        if (n < 0 || (size_t)n >= sizeof name)
            continue;
        room[name_at].value = (struct ax_str){name, (size_t)n};
        for (uint32_t q = 0; q < f->request->queries_n; q++) {
            if (!goes_on(f))
                return false;
            if (matches(f, q, &labels) && !take_curve(f, q, &labels, path, curves[c]))
                return false;
        }
    }
    return true;
}

/* ---- windows ---- */

/* The labels of a window, copied; none when no query may mean one of the series. */
static bool window_labels(struct ax_read_find *f, const struct ax_modelled *s, const char *window,
                          struct ax_labels *out)
{
    const struct ax_outlet_name name = {
        .id = AX_OUTPUT_MODEL_INPUT,
        .input = s->labels,
        .added = {{ax_str("window"), ax_str(window)}, {ax_str("feature"), s->feature}},
        .added_n = s->feature.n ? 2 : 1};
    struct ax_labels labels;
    *out = (struct ax_labels){0};
    if (ax_outlet_labels(s->outlets, &name, &labels) != AX_OK)
        return no_memory(f);
    return !may_match(f, &labels, "window") || copy_labels(f, &labels, out);
}

/* First visit: only what the windows are called, of series that a query may mean. */
static bool list_window(void *ctx, const struct ax_modelled *s)
{
    struct candidates *c = ctx;
    if (!goes_on(c->find))
        return false;
    struct candidate *v = ax_grow(c->v, c->n, &c->cap, 256, sizeof *v);
    if (!v)
        return no_memory(c->find);
    c->v = v;
    struct candidate *one = &c->v[c->n];
    *one = (struct candidate){.job = s->job, .channel = s->channel, .serial = s->serial};
    if (!window_labels(c->find, s, "fine", &one->fine) || !window_labels(c->find, s, "coarse", &one->coarse))
        return false;
    c->n += one->fine.n && one->coarse.n;
    return true;
}

/* Between the visits: which of them the queries mean. The others are forgotten. */
static bool choose_windows(struct candidates *c)
{
    struct ax_read_find *f = c->find;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        struct candidate one = c->v[i];
        one.first = f->n;
        for (uint32_t q = 0; q < f->request->queries_n; q++) {
            if (!goes_on(f))
                return false;
            const struct ax_labels *both[] = {&one.fine, &one.coarse};
            for (unsigned k = 0; k < 2; k++) {
                struct ax_found found = {.query = q, .labels = *both[k]};
                if (matches(f, q, both[k]) && !add_found(f, &found))
                    return false;
            }
        }
        one.end = f->n;
        if (one.end > one.first)
            c->v[kept++] = one;
    }
    c->n = kept;
    return true;
}

/* Copy the points of a window that a query's times hold. */
static bool take_window(struct ax_read_find *f, struct ax_found *found, const struct ax_view *view)
{
    const struct ax_read_query *q = &f->request->queries[found->query];
    uint32_t from = 0, end = view->n;
    if (view->n == 0)
        return true;
    int64_t start = view->end_ms - (int64_t)(view->n - 1) * view->step_ms;
    if (q->end_ms < start || q->start_ms > view->end_ms)
        return true;
    if (q->start_ms > start)
        from = (uint32_t)((q->start_ms - start + view->step_ms - 1) / view->step_ms);
    if (q->end_ms < view->end_ms)
        end = (uint32_t)((q->end_ms - start) / view->step_ms) + 1;
    if (from >= end)
        return true;
    if (!account(f, end - from))
        return false;
    float *v = ax_arena_array(f->arena, end - from, sizeof *v);
    if (!v)
        return no_memory(f);
    memcpy(v, view->v + from, (end - from) * sizeof *v);
    found->v = v;
    found->n = end - from;
    found->start_ms = start + from * view->step_ms;
    found->step_ms = view->step_ms;
    return true;
}

/* Second visit: the values of what was chosen. A series that is gone meanwhile stays without. */
static bool fetch_window(void *ctx, const struct ax_modelled *s)
{
    struct candidates *c = ctx;
    if (!goes_on(c->find))
        return false;
    if (s->job != c->job)
        for (c->job = s->job, c->at = 0; c->at < c->n && c->v[c->at].job != s->job;)
            c->at++;
    while (c->at < c->n && c->v[c->at].job == s->job &&
           (c->v[c->at].channel < s->channel ||
            (c->v[c->at].channel == s->channel && c->v[c->at].serial < s->serial)))
        c->at++;
    const struct candidate *one = c->at < c->n ? &c->v[c->at] : NULL;
    if (!one || one->job != s->job || one->channel != s->channel || one->serial != s->serial)
        return true;
    const struct ax_view fine = ax_window_fine(s->window), coarse = ax_window_coarse(s->window);
    for (uint32_t i = one->first; i < one->end; i++) {
        struct ax_found *found = &c->find->v[i];
        bool is_fine = found->labels.v == one->fine.v;
        if (!take_window(c->find, found, is_fine ? &fine : &coarse))
            return false;
    }
    return true;
}

/* Visit all modelled series, waiting for a step as long as there is time. */
static bool visit_all(struct ax_read_find *f, ax_series_visit *visit, struct candidates *c)
{
    int64_t left_ms = (f->deadline_ns - ax_mono_ns()) / 1000000;
    if (ax_pipeline_all_series(f->service->pipeline, left_ms > 0 ? left_ms : 0, visit, c) == AX_OK)
        return f->err == AX_OK;
    (void)ax_fail(f->diag, AX_BUSY, "a step takes longer than --remote-read.max-duration: try again");
    return fail(f, AX_BUSY, "time");
}

static void find_windows(struct ax_read_find *f)
{
    struct candidates c = {.find = f, .job = UINT64_MAX};
    if (visit_all(f, list_window, &c) && choose_windows(&c) && c.n)
        (void)visit_all(f, fetch_window, &c);
    free(c.v);
}

/* ---- all of it ---- */

static enum ax_err compile(struct ax_read_find *f)
{
    const struct ax_read_request *r = f->request;
    uint64_t memory = REGEX_MEMORY;
    f->matchers = calloc(r->queries_n + (size_t)1, sizeof *f->matchers);
    for (uint32_t q = 0; f->matchers && q < r->queries_n; q++) {
        f->matchers[q] = calloc(r->queries[q].matchers_n + (size_t)1, sizeof **f->matchers);
        if (!f->matchers[q])
            break;
        for (uint32_t i = 0; i < r->queries[q].matchers_n; i++) {
            const struct ax_read_matcher *m = &r->queries[q].matchers[i];
            if (!look(f))
                return f->err;
            enum ax_err err =
                ax_matcher_new_within(m->op, m->name, m->value, &memory, &f->matchers[q][i], f->diag);
            if (err != AX_OK)
                return (void)fail(f, err, "matcher"), err;
        }
    }
    if (f->matchers && (r->queries_n == 0 || f->matchers[r->queries_n - 1]))
        return AX_OK;
    (void)no_memory(f);
    return f->err;
}

static int by_query_and_labels(const void *a, const void *b)
{
    const struct ax_found *x = a, *y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    return ax_labels_cmp(&x->labels, &y->labels);
}

enum ax_err ax_read_find(struct ax_read_find *f)
{
    bool windows = false;
    if (compile(f) != AX_OK)
        return f->err;
    if (ax_paths_each(f->service->paths, choose_path, on_path, f) != AX_OK)
        (void)no_memory(f);
    for (uint32_t q = 0; q < f->request->queries_n; q++)
        windows |= may_mean(f, q, "model_input");
    if (windows && f->err == AX_OK)
        find_windows(f);
    if (f->err == AX_OK && f->n)
        qsort(f->v, f->n, sizeof *f->v, by_query_and_labels);
    return f->err;
}

void ax_read_find_done(struct ax_read_find *f)
{
    for (uint32_t q = 0; f->matchers && q < f->request->queries_n; q++) {
        for (uint32_t i = 0; f->matchers[q] && i < f->request->queries[q].matchers_n; i++)
            ax_matcher_free(f->matchers[q][i]);
        free((void *)f->matchers[q]);
    }
    free((void *)f->matchers);
    free(f->v);
}

/* ---- samples ---- */

/* Where samples go, and which are wanted. */
struct taking {
    const struct ax_read_query *q;
    struct ax_sample *out;
    uint32_t n;
};

static void take(struct taking *t, int64_t t_ms, double value)
{
    if (t_ms < t->q->start_ms || t_ms > t->q->end_ms || !isfinite(value))
        return;
    if (t->out)
        t->out[t->n] = (struct ax_sample){t_ms, value};
    t->n++;
}

uint32_t ax_found_samples(const struct ax_found *s, const struct ax_read_query *q, struct ax_sample *out)
{
    struct taking t = {q, out, 0};
    int64_t before_ms = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t at_ms = s->start_ms + (s->leads ? s->leads[i] : i) * s->step_ms;
        int64_t parts = s->leads && i ? (at_ms - before_ms + FILL_MS - 1) / FILL_MS : 1;
        for (int64_t k = 1; k < parts; k++) {
            double share = (double)k / (double)parts, a = (double)s->v[i - 1], b = (double)s->v[i];
            take(&t, before_ms + (at_ms - before_ms) * k / parts, a + (b - a) * share);
        }
        take(&t, at_ms, (double)s->v[i]);
        before_ms = at_ms;
    }
    return t.n;
}
