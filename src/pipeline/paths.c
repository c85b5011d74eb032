/* paths.c: an array of paths by the number that each got when it was opened, behind a reader-writer lock. */
#include "pipeline/paths.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 64 /* paths that a reader sees before it lets the lock go */

enum { MEAN, LOWER, UPPER, CURVES };

struct ax_path {
    uint64_t number;
    struct ax_labels *labels;
    int64_t t_ms, step_ms;
    uint32_t n;
    bool published;
    uint32_t *leads;
    float *curve[CURVES]; /* [n] each; one block with leads */
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
    free(path->leads);
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
    path->step_ms = spec->step_ms;
    path->labels = ax_labels_dup(labels);
    path->leads = malloc(n * (sizeof *path->leads + CURVES * sizeof(float)));
    if (!path->labels || !path->leads) {
        path_free(path);
        return NULL;
    }
    memcpy(path->leads, spec->leads, n * sizeof *path->leads);
    for (unsigned i = 0; i < CURVES; i++)
        path->curve[i] = (float *)(void *)(path->leads + n) + i * n;
    return path;
}

struct ax_path *ax_paths_open(struct ax_paths *p, const struct ax_labels *labels,
                              const struct ax_forecast_spec *spec)
{
    struct ax_path *path = path_new(labels, spec);
    if (!path)
        return NULL;
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
    const double *from[CURVES] = {f->mean, f->lower, f->upper};
    (void)pthread_rwlock_wrlock(&p->lock);
    path->t_ms = t_ms;
    path->published = true;
    for (unsigned c = 0; c < CURVES; c++)
        for (uint32_t i = 0; i < path->n; i++)
            path->curve[c][i] = (float)from[c][i];
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
            const struct ax_path_view view = {path->labels,       path->t_ms,        path->step_ms,
                                              path->leads,        path->n,           path->curve[MEAN],
                                              path->curve[LOWER], path->curve[UPPER]};
            seen = path->number;
            if (path->published)
                more = visit(ctx, &view);
        }
        (void)pthread_rwlock_unlock(&p->lock);
    }
}
