/* paths.c: an array of paths by the number that each got when it was opened, behind a reader-writer lock. */
#include "pipeline/paths.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 64 /* paths that a reader sees before it lets the lock go */

enum { MEAN, LOWER, UPPER, CONFIDENCE, CURVES };

struct ax_path {
    uint64_t number;
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
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 64;
        struct ax_path **v = realloc((void *)p->v, cap * sizeof(struct ax_path *));
        if (!v) {
            (void)pthread_rwlock_unlock(&p->lock);
            path_free(path);
            return NULL;
        }
        p->v = v;
        p->cap = cap;
    }
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
    (void)pthread_rwlock_unlock(&p->lock);
    path_free(path);
}

static struct ax_path_view view_of(const struct ax_path *path)
{
    return (struct ax_path_view){.labels = path->labels,
                                 .t_ms = path->t_ms,
                                 .step_ms = path->spec->step_ms,
                                 .leads = path->spec->leads,
                                 .n = path->n,
                                 .horizons = path->spec->horizons,
                                 .horizons_n = path->spec->horizons_n,
                                 .level = path->spec->level,
                                 .classes = path->classes,
                                 .reason = path->reason,
                                 .mean = path->curve[MEAN],
                                 .lower = path->curve[LOWER],
                                 .upper = path->curve[UPPER],
                                 .confidence = path->curve[CONFIDENCE]};
}

void ax_paths_each(struct ax_paths *p, ax_path_visit *visit, void *ctx)
{
    uint64_t seen = 0;
    bool more = true;
    while (more) {
        (void)pthread_rwlock_rdlock(&p->lock);
        uint32_t at = first_after(p, seen), end = at + AT_A_TIME;
        more = at < p->n;
        for (; more && at < p->n && at < end; at++) {
            const struct ax_path *path = p->v[at];
            const struct ax_path_view view = view_of(path);
            seen = path->number;
            if (path->published)
                more = visit(ctx, &view);
        }
        (void)pthread_rwlock_unlock(&p->lock);
    }
}
