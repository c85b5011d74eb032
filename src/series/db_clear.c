/* db_clear.c: samples of series that somebody chooses are forgotten. To choose takes as long as it takes
 * (people do it by regular expressions), so it is done over copies, and what is meant is found again by ref.
 */
#include "series/shard.h"

#include <stdlib.h>

/* A series of a shard as it was when it was looked at. */
struct candidate {
    uint64_t ref;
    struct ax_labels *labels; /* a copy; NULL: there was no memory for it */
    bool meant;
};

/* Those of one shard. */
struct candidates {
    struct candidate *v;
    uint32_t n, cap;
};

static uint32_t count_series(const struct ax_shard *sh)
{
    uint32_t n = 0;
    for (const struct ax_series *s = sh->series; s; s = s->next)
        n++;
    return n;
}

/* Copy the labels of a shard's series. False when there is no memory for as many. */
static bool copy(struct ax_db *db, const struct ax_shard *sh, struct candidates *c)
{
    pthread_rwlock_rdlock(&db->structure);
    uint32_t n = count_series(sh);
    if (n > c->cap) {
        struct candidate *v = realloc(c->v, n * sizeof *v);
        c->v = v ? v : c->v;
        c->cap = v ? n : c->cap;
    }
    bool room = n <= c->cap;
    c->n = 0;
    for (const struct ax_series *s = sh->series; room && s; s = s->next)
        c->v[c->n++] = (struct candidate){s->ref, ax_labels_dup(s->labels), false};
    pthread_rwlock_unlock(&db->structure);
    return room;
}

static int by_ref(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

/* Is a series meant? Without memory for its labels it is asked about here and now. */
static bool is_meant(const struct candidates *c, const struct ax_series *s, ax_db_choose *choose, void *ctx)
{
    const struct candidate key = {.ref = s->ref};
    const struct candidate *found = c->n ? bsearch(&key, c->v, c->n, sizeof key, by_ref) : NULL;
    return found && (found->labels ? found->meant : choose(ctx, s->labels));
}

/* Empty those that are meant. */
static uint32_t empty(struct ax_db *db, struct ax_shard *sh, const struct candidates *c, bool all,
                      ax_db_choose *choose, void *ctx)
{
    uint32_t n = 0;
    pthread_rwlock_rdlock(&db->structure);
    pthread_mutex_lock(&sh->lock);
    for (struct ax_series *s = sh->series; s; s = s->next) {
        if (!(all ? choose(ctx, s->labels) : is_meant(c, s, choose, ctx)))
            continue;
        n += ax_series_newest(s) != INT64_MIN;
        ax_series_empty(db, s);
    }
    pthread_mutex_unlock(&sh->lock);
    pthread_rwlock_unlock(&db->structure);
    return n;
}

uint32_t ax_db_clear(struct ax_db *db, ax_db_choose *choose, void *ctx)
{
    struct candidates c = {NULL, 0, 0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        bool copied = copy(db, &db->shards[i], &c);
        for (uint32_t k = 0; k < c.n; k++)
            c.v[k].meant = c.v[k].labels && choose(ctx, c.v[k].labels);
        if (c.n)
            qsort(c.v, c.n, sizeof *c.v, by_ref);
        n += empty(db, &db->shards[i], &c, !copied, choose, ctx);
        for (uint32_t k = 0; k < c.n; k++)
            free(c.v[k].labels);
    }
    free(c.v);
    return n;
}
