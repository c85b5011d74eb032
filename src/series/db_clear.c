/* db_clear.c: samples of series that somebody chooses are forgotten. To choose takes as long as it takes
 * (people do it by regular expressions), so it is done over copies, and what is meant is found again by ref,
 * which is never used twice. */
#include "series/shard.h"

#include <stdlib.h>

/* A series that is asked about, and the answer. */
struct question {
    uint64_t ref;
    struct ax_labels *labels; /* a copy until it was asked */
    bool meant;
};

struct ax_db_asked {
    struct question *v; /* by ref */
    uint32_t n, cap;
};

static bool make_room(struct ax_db_asked *a, uint32_t n)
{
    if (a->n + n <= a->cap)
        return true;
    const uint32_t cap = a->n + n + a->n / 2;
    struct question *v = realloc(a->v, cap * sizeof *v);
    if (!v)
        return false;
    a->v = v;
    a->cap = cap;
    return true;
}

static uint32_t count_series(const struct ax_shard *sh)
{
    uint32_t n = 0;
    for (const struct ax_series *s = sh->series; s; s = s->next)
        n++;
    return n;
}

/* Copy the labels of a shard's series, as far as there is memory. */
static void copy(struct ax_db *db, const struct ax_shard *sh, struct ax_db_asked *a)
{
    pthread_rwlock_rdlock(&db->structure);
    const bool room = make_room(a, count_series(sh));
    for (const struct ax_series *s = sh->series; room && s; s = s->next) {
        struct ax_labels *labels = ax_labels_dup(s->labels);
        if (labels)
            a->v[a->n++] = (struct question){s->ref, labels, false};
    }
    pthread_rwlock_unlock(&db->structure);
}

static int by_ref(const void *a, const void *b)
{
    const struct question *x = a, *y = b;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

struct ax_db_asked *ax_db_ask(struct ax_db *db, ax_db_choose *choose, void *ctx)
{
    struct ax_db_asked *a = calloc(1, sizeof *a);
    for (uint32_t i = 0; a && i < AX_SHARDS; i++) {
        uint32_t k = a->n;
        for (copy(db, &db->shards[i], a); k < a->n; k++) {
            a->v[k].meant = choose(ctx, a->v[k].labels);
            free(a->v[k].labels);
            a->v[k].labels = NULL;
        }
    }
    if (a && a->n)
        qsort(a->v, a->n, sizeof *a->v, by_ref);
    return a;
}

void ax_db_asked_free(struct ax_db_asked *asked)
{
    if (asked)
        free(asked->v);
    free(asked);
}

static bool is_meant(const struct ax_db_asked *a, const struct ax_series *s, ax_db_choose *choose, void *ctx)
{
    const struct question key = {.ref = s->ref};
    const struct question *found = a && a->n ? bsearch(&key, a->v, a->n, sizeof key, by_ref) : NULL;
    return found ? found->meant : choose(ctx, s->labels);
}

uint32_t ax_db_clear(struct ax_db *db, const struct ax_db_asked *asked, ax_db_choose *choose, void *ctx)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        pthread_rwlock_rdlock(&db->structure);
        pthread_mutex_lock(&db->shards[i].lock);
        for (struct ax_series *s = db->shards[i].series; s; s = s->next) {
            if (!is_meant(asked, s, choose, ctx))
                continue;
            n += ax_series_newest(s) != INT64_MIN;
            ax_series_empty(db, s);
        }
        pthread_mutex_unlock(&db->shards[i].lock);
        pthread_rwlock_unlock(&db->structure);
    }
    return n;
}
