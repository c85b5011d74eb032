/* predict_find.c: one pass over the paths. */
#include "api/predict_find.h"

#include "base/clock.h"
#include "base/grow.h"
#include "base/hash.h"

#include <stdlib.h>

#define LOOK_EVERY 64      /* paths between two looks at the clock and at who asks */
#define LOOK_STEPS 1000000 /* of matching, likewise */
#define EQUALS_MAX 64      /* labels that a selector asks for by `=`; the others are compared all the same */

static const char suffix[] = "_future";

static bool fail(struct ax_predict_find *f, enum ax_err err, const char *reason, const char *text)
{
    f->err = ax_fail(f->diag, err, "%s", text);
    f->reason = reason;
    return false;
}

static bool no_memory(struct ax_predict_find *f)
{
    return fail(f, AX_NOMEM, "memory", "out of memory");
}

/* Is there time left, and somebody who waits? */
static bool look(struct ax_predict_find *f)
{
    f->steps = 0;
    if (ax_http_gone(f->from))
        return fail(f, AX_CANCELLED, "gone", ax_err_text(AX_CANCELLED));
    if (ax_mono_ns() < f->deadline_ns)
        return true;
    return fail(f, AX_BUSY, "time", "the request takes longer than --predict.max-duration: narrow it");
}

/* The same, now and then. */
static bool goes_on(struct ax_predict_find *f)
{
    return f->err == AX_OK && (f->looked++ % LOOK_EVERY != 0 || look(f));
}

/* The same before a match that may take so many steps. */
static bool goes_on_for(struct ax_predict_find *f, uint64_t steps)
{
    f->steps += steps;
    return f->err == AX_OK && (f->steps < LOOK_STEPS || look(f));
}

/* ---- selectors by the labels that they ask for ---- */

static int by_name(const void *a, const void *b)
{
    const struct ax_label *x = a, *y = b;
    return ax_str_cmp(x->name, y->name);
}

/* What a selector asks for by `=`, the metric's name apart, sorted; how many. */
static uint32_t equals_of(const struct ax_predict_selector *s, struct ax_label *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->matchers_n && n < EQUALS_MAX; i++) {
        struct ax_str name = ax_matcher_name(s->matchers[i]), value = ax_matcher_value(s->matchers[i]);
        if (ax_matcher_op(s->matchers[i]) == AX_MATCH_EQ && value.n &&
            !ax_str_eq(name, ax_str(AX_METRIC_NAME)))
            out[n++] = (struct ax_label){name, value};
    }
    if (n)
        qsort(out, n, sizeof *out, by_name);
    return n;
}

static uint64_t hash_on(uint64_t hash, struct ax_str s)
{
    return ax_hash64(s.p, s.n, hash + 1);
}

static bool same_names(const struct ax_predict_group *g, const struct ax_label *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!ax_str_eq(g->names[i], v[i].name))
            return false;
    return g->names_n == n;
}

static struct ax_predict_group *group_of(struct ax_predict_find *f, const struct ax_label *v, uint32_t n)
{
    uint64_t hash = n;
    for (uint32_t i = 0; i < n; i++)
        hash = hash_on(hash, v[i].name);
    for (struct ax_predict_group *g = f->groups; g; g = g->next)
        if (g->hash == hash && same_names(g, v, n))
            return g;
    struct ax_predict_group *g = ax_arena_alloc(&f->request->arena, sizeof *g);
    struct ax_str *names = ax_arena_array(&f->request->arena, n, sizeof *names);
    if (!g || !names)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        names[i] = v[i].name;
    *g = (struct ax_predict_group){.names = names, .names_n = n, .hash = hash, .next = f->groups};
    f->groups = g;
    return g;
}

static bool sort_selector(struct ax_predict_find *f, uint32_t i)
{
    struct ax_label equals[EQUALS_MAX];
    struct ax_predict_member *m = &f->members[i];
    m->selector = &f->request->selectors[i];
    uint32_t n = equals_of(m->selector, equals);
    struct ax_predict_group *g = group_of(f, equals, n);
    if (!g)
        return no_memory(f);
    uint64_t hash = 0;
    for (uint32_t k = 0; k < n; k++)
        hash = hash_on(hash, equals[k].value);
    m->next = ax_map_get(&g->first, hash);
    if (m->next)
        (void)ax_map_remove(&g->first, hash);
    return ax_map_put(&g->first, hash, m) == AX_OK ? true : no_memory(f);
}

/* ---- paths ---- */

/* What a path is called, and what it was made of. */
struct subject {
    const struct ax_labels *labels;
    struct ax_str name, source;
};

static struct ax_str name_of(const struct ax_labels *labels)
{
    struct ax_str name = ax_labels_get(labels, ax_str(AX_METRIC_NAME));
    const size_t n = sizeof suffix - 1;
    if (name.n > n && memcmp(name.p + name.n - n, suffix, n) == 0)
        name.n -= n;
    return name;
}

static bool is_called(const struct ax_matcher *m, struct ax_str name)
{
    const struct ax_label label = {ax_str(AX_METRIC_NAME), name};
    return ax_matcher_match(m, &(struct ax_labels){1, &label});
}

/* A metric's name is that of the output, or that of the input where the expression keeps it. False also when
 * it does not go on. */
static bool matches(struct ax_predict_find *f, const struct ax_predict_selector *s, const struct subject *of)
{
    for (uint32_t i = 0; i < s->matchers_n; i++) {
        const struct ax_matcher *m = s->matchers[i];
        if (!goes_on_for(f, ax_matcher_steps(m, of->labels)))
            return false;
        bool named = ax_str_eq(ax_matcher_name(m), ax_str(AX_METRIC_NAME));
        if (named ? !is_called(m, of->name) && !(of->source.n && is_called(m, of->source))
                  : !ax_matcher_match(m, of->labels))
            return false;
    }
    return true;
}

/* Let all selectors of a group that select it know; is there one? */
static bool find_in(struct ax_predict_find *f, const struct ax_predict_group *g, const struct subject *of)
{
    uint64_t hash = 0;
    bool any = false;
    for (uint32_t i = 0; i < g->names_n; i++) {
        struct ax_str value = ax_labels_get(of->labels, g->names[i]);
        if (!value.n)
            return false;
        hash = hash_on(hash, value);
    }
    for (struct ax_predict_member *m = ax_map_get(&g->first, hash); m; m = m->next) {
        if (!matches(f, m->selector, of))
            continue;
        m->found = any = true;
    }
    return any;
}

/* The point at so many ms, on the straight line between its neighbours. */
static struct ax_prediction_point point_at(const struct ax_path_view *path, int64_t ms)
{
    const uint32_t *leads = path->leads;
    double steps = (double)ms / (double)path->step_ms;
    struct ax_prediction_point p = {.within = steps >= leads[0] && steps <= leads[path->n - 1]};
    if (!p.within || path->reason)
        return p;
    uint32_t i = 0;
    while (leads[i] < steps)
        i++;
    uint32_t k = i && leads[i] > steps ? i - 1 : i;
    float share = k < i ? (float)((steps - leads[k]) / (leads[i] - leads[k])) : 0;
    p.mean = path->mean[k] + share * (path->mean[i] - path->mean[k]);
    p.lower = path->lower[k] + share * (path->lower[i] - path->lower[k]);
    p.upper = path->upper[k] + share * (path->upper[i] - path->upper[k]);
    p.confidence = path->confidence[k] + share * (path->confidence[i] - path->confidence[k]);
    return p;
}

/* The horizons of a series: those of the request, else those of its job. */
static bool choose_horizons(struct ax_predict_find *f, const struct ax_path_view *path,
                            struct ax_prediction *p)
{
    struct ax_arena *arena = &f->request->arena;
    p->n = f->request->horizons_n;
    p->horizons_ms = f->request->horizons_ms;
    if (p->n == 0) {
        int64_t *v = ax_arena_array(arena, path->horizons_n, sizeof *v);
        if (!v)
            return false;
        for (uint32_t i = 0; i < path->horizons_n; i++)
            v[i] = (int64_t)path->leads[path->horizons[i]] * path->step_ms;
        p->horizons_ms = v;
        p->n = path->horizons_n;
    }
    p->points = ax_arena_array(arena, p->n, sizeof *p->points);
    return p->points != NULL;
}

static bool take(void *ctx, const struct ax_path_view *path)
{
    struct ax_predict_find *f = ctx;
    struct ax_arena *arena = &f->request->arena;
    if (f->n == f->service->ceilings.series_max) {
        f->err = ax_fail(f->diag, AX_LIMIT,
                         "more than %u series: ask for fewer, or raise --predict.max-series", f->n);
        f->reason = "series";
        return false;
    }
    struct ax_prediction *v = ax_grow(f->v, f->n, &f->cap, 64, sizeof *v);
    if (!v)
        return no_memory(f);
    f->v = v;
    struct ax_prediction *p = &f->v[f->n];
    *p = (struct ax_prediction){.t_ms = path->t_ms, .reason = path->reason, .level = path->level};
    if (!ax_labels_copy(arena, path->labels, &p->labels) || !choose_horizons(f, path, p))
        return no_memory(f);
    p->name = name_of(&p->labels);
    if (path->classes) {
        struct ax_classes *classes = ax_arena_alloc(arena, sizeof *classes);
        if (!classes)
            return no_memory(f);
        *classes = *path->classes;
        p->classes = classes;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        p->points[i] = point_at(path, p->horizons_ms[i]);
        if (f->request->horizons_n && !p->points[i].within)
            f->outside[i]++;
    }
    int64_t longest_ms = (int64_t)path->leads[path->n - 1] * path->step_ms;
    if (longest_ms > f->longest_ms)
        f->longest_ms = longest_ms;
    f->ready_n += !p->reason;
    f->n++;
    return true;
}

static enum ax_path_wish choose(void *ctx, const struct ax_labels *labels)
{
    struct ax_predict_find *f = ctx;
    const struct ax_predict_request *r = f->request;
    if (!goes_on(f))
        return AX_PATH_STOP;
    if (r->job.n && !ax_str_eq(ax_labels_get(labels, ax_str("for")), r->job))
        return AX_PATH_SKIP;
    const struct subject of = {labels, name_of(labels), ax_labels_get(labels, ax_str("source"))};
    bool any = r->selectors_n == 0;
    for (const struct ax_predict_group *g = f->groups; g; g = g->next)
        any |= find_in(f, g, &of);
    if (f->err != AX_OK)
        return AX_PATH_STOP;
    return any ? AX_PATH_TAKE : AX_PATH_SKIP;
}

enum ax_err ax_predict_find(struct ax_predict_find *f)
{
    const struct ax_predict_request *r = f->request;
    f->members = calloc(r->selectors_n + (size_t)1, sizeof *f->members);
    f->outside = calloc(r->horizons_n + (size_t)1, sizeof *f->outside);
    if (!f->members || !f->outside) {
        (void)no_memory(f);
        return f->err;
    }
    for (uint32_t i = 0; i < r->selectors_n; i++)
        if (!sort_selector(f, i))
            return f->err;
    if (ax_paths_each(f->service->paths, choose, take, f) != AX_OK)
        (void)no_memory(f);
    return f->err;
}

void ax_predict_find_done(struct ax_predict_find *f)
{
    for (struct ax_predict_group *g = f->groups; g; g = g->next)
        ax_map_done(&g->first);
    free(f->members);
    free(f->outside);
    free(f->v);
}
