/* paths.c: an array of paths by the number that each got when it was opened, behind a reader-writer lock. */
#include "pipeline/paths.h"

#include "base/grow.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 64 /* paths that are copied for a reader while the lock is held */
#define COPIES_BYTES_MAX ((size_t)64 << 20)

enum { MEAN, LOWER, UPPER, CONFIDENCE, CURVES };

struct ax_path {
    uint64_t number;
    _Atomic uint32_t holders; /* one of them is the pipeline, until it is closed */
    bool closed;              /* then only the labels may be looked at */
    struct ax_labels *labels;
    int64_t t_ms;
    const struct ax_forecast_spec *spec;
    const struct ax_classes *classes;
    uint32_t n;
    bool published;
    const char *reason;
    float *curve[CURVES]; /* [n] each; one block */
};

struct ax_paths {
    pthread_rwlock_t lock;
    struct ax_path **v; /* numbers rise */
    uint32_t n, cap;
    uint64_t next;
};

struct ax_paths *ax_paths_new(void)
{
    struct ax_paths *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->next = 1;
    pthread_rwlockattr_t attr;
    (void)pthread_rwlockattr_init(&attr);
    /* Readers in a row must not keep the pipeline from publishing. */
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&p->lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    return p;
}

static void path_free(struct ax_path *path)
{
    if (!path)
        return;
    free(path->curve[0]);
    free(path->labels);
    free(path);
}

static void let_go(struct ax_path *path)
{
    if (atomic_fetch_sub(&path->holders, 1) == 1)
        path_free(path);
}

void ax_paths_free(struct ax_paths *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n; i++)
        path_free(p->v[i]);
    free((void *)p->v);
    (void)pthread_rwlock_destroy(&p->lock);
    free(p);
}

static struct ax_path *path_new(const struct ax_labels *labels, const struct ax_forecast_spec *spec)
{
    struct ax_path *path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    size_t n = spec->leads_n;
    atomic_init(&path->holders, 1);
    path->n = spec->leads_n;
    path->spec = spec;
    path->labels = ax_labels_dup(labels);
    path->curve[0] = malloc(n * CURVES * sizeof(float));
    if (!path->labels || !path->curve[0]) {
        path_free(path);
        return NULL;
    }
    for (unsigned i = 1; i < CURVES; i++)
        path->curve[i] = path->curve[0] + i * n;
    return path;
}

struct ax_path *ax_paths_open(struct ax_paths *p, const struct ax_labels *labels,
                              const struct ax_forecast_spec *spec, const struct ax_classes *classes)
{
    struct ax_path *path = path_new(labels, spec);
    if (!path)
        return NULL;
    path->classes = classes;
    (void)pthread_rwlock_wrlock(&p->lock);
    struct ax_path **v = ax_grow((void *)p->v, p->n, &p->cap, 64, sizeof(struct ax_path *));
    if (!v) {
        (void)pthread_rwlock_unlock(&p->lock);
        path_free(path);
        return NULL;
    }
    p->v = v;
    path->number = p->next++;
    p->v[p->n++] = path;
    (void)pthread_rwlock_unlock(&p->lock);
    return path;
}

void ax_paths_put(struct ax_paths *p, struct ax_path *path, int64_t t_ms, const struct ax_forecast *f)
{
    const double *from[CURVES] = {f->mean, f->lower, f->upper, f->confidence};
    (void)pthread_rwlock_wrlock(&p->lock);
    path->t_ms = t_ms;
    path->published = true;
    path->reason = NULL;
    for (unsigned c = 0; c < CURVES; c++)
        for (uint32_t i = 0; i < path->n; i++)
            path->curve[c][i] = (float)from[c][i];
    (void)pthread_rwlock_unlock(&p->lock);
}

void ax_paths_wait(struct ax_paths *p, struct ax_path *path, int64_t t_ms, const char *reason)
{
    (void)pthread_rwlock_wrlock(&p->lock);
    path->t_ms = t_ms;
    path->published = true;
    path->reason = reason;
    (void)pthread_rwlock_unlock(&p->lock);
}

/* Index of the first path with a number above this one. */
static uint32_t first_after(const struct ax_paths *p, uint64_t number)
{
    uint32_t from = 0, to = p->n;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (p->v[mid]->number <= number)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

void ax_paths_close(struct ax_paths *p, struct ax_path *path)
{
    if (!path)
        return;
    (void)pthread_rwlock_wrlock(&p->lock);
    uint32_t at = first_after(p, path->number - 1);
    memmove((void *)(p->v + at), (void *)(p->v + at + 1), (p->n - at - 1) * sizeof(struct ax_path *));
    p->n--;
    path->closed = true;
    (void)pthread_rwlock_unlock(&p->lock);
    let_go(path);
}

/* Some paths: held, so that their labels stay, and as they are at one moment; copies are in the arena. */
struct batch {
    struct ax_arena arena;
    struct ax_path *held[AT_A_TIME];
    uint32_t held_n;
    struct ax_path_view v[AT_A_TIME];
    uint32_t n;
};

static void *copy(struct ax_arena *arena, const void *from, size_t n, size_t size)
{
    void *to = ax_arena_array(arena, n, size);
    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

static bool copy_path(const struct ax_path *path, struct batch *b)
{
    const struct ax_forecast_spec *spec = path->spec;
    const float *curve = copy(&b->arena, path->curve[0], (size_t)path->n * CURVES, sizeof *curve);
    struct ax_path_view view = {.labels = path->labels,
                                .t_ms = path->t_ms,
                                .step_ms = spec->step_ms,
                                .leads = copy(&b->arena, spec->leads, path->n, sizeof *spec->leads),
                                .n = path->n,
                                .horizons =
                                    copy(&b->arena, spec->horizons, spec->horizons_n, sizeof *spec->horizons),
                                .horizons_n = spec->horizons_n,
                                .level = spec->level,
                                .reason = path->reason};
    if (path->classes)
        view.classes = copy(&b->arena, path->classes, 1, sizeof *path->classes);
    if (!curve || !view.leads || !view.horizons || (path->classes && !view.classes))
        return false;
    view.mean = curve + (size_t)MEAN * path->n;
    view.lower = curve + (size_t)LOWER * path->n;
    view.upper = curve + (size_t)UPPER * path->n;
    view.confidence = curve + (size_t)CONFIDENCE * path->n;
    b->v[b->n++] = view;
    return true;
}

/* Hold the next paths behind number *seen, which moves on; false when there are no more. */
static bool hold_some(struct ax_paths *p, uint64_t *seen, struct batch *b)
{
    b->held_n = 0;
    (void)pthread_rwlock_rdlock(&p->lock);
    uint32_t at = first_after(p, *seen), end = at + AT_A_TIME;
    const bool any = at < p->n;
    for (; at < p->n && at < end; at++) {
        *seen = p->v[at]->number;
        if (!p->v[at]->published)
            continue;
        (void)atomic_fetch_add(&p->v[at]->holders, 1);
        b->held[b->held_n++] = p->v[at];
    }
    (void)pthread_rwlock_unlock(&p->lock);
    return any;
}

/* Let go of those that are not chosen; false when no more are wanted than those that are left. */
static bool choose_some(struct batch *b, ax_path_choose *choose, void *ctx)
{
    enum ax_path_wish wish = AX_PATH_TAKE;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->held_n; i++) {
        if (wish != AX_PATH_STOP)
            wish = choose(ctx, b->held[i]->labels);
        if (wish == AX_PATH_TAKE)
            b->held[kept++] = b->held[i];
        else
            let_go(b->held[i]);
    }
    b->held_n = kept;
    return wish != AX_PATH_STOP;
}

static enum ax_err copy_some(struct ax_paths *p, struct batch *b)
{
    bool ok = true;
    ax_arena_reset(&b->arena);
    b->n = 0;
    (void)pthread_rwlock_rdlock(&p->lock);
    for (uint32_t i = 0; ok && i < b->held_n; i++)
        ok = b->held[i]->closed || copy_path(b->held[i], b);
    (void)pthread_rwlock_unlock(&p->lock);
    return ok ? AX_OK : AX_NOMEM;
}

enum ax_err ax_paths_each(struct ax_paths *p, ax_path_choose *choose, ax_path_visit *visit, void *ctx)
{
    struct batch b;
    uint64_t seen = 0;
    bool more = true;
    enum ax_err err = AX_OK;
    ax_arena_init(&b.arena, COPIES_BYTES_MAX);
    while (more && err == AX_OK && hold_some(p, &seen, &b)) {
        more = !choose || choose_some(&b, choose, ctx);
        if (b.held_n)
            err = copy_some(p, &b);
        for (uint32_t i = 0; err == AX_OK && b.held_n && i < b.n; i++)
            if (!visit(ctx, &b.v[i])) {
                more = false;
                break;
            }
        for (uint32_t i = 0; i < b.held_n; i++)
            let_go(b.held[i]);
    }
    ax_arena_done(&b.arena);
    return err;
}
