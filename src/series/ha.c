/* ha.c: an array of clusters, found by the hash of their names. */
#include "series/ha.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_MS INT64_C(1800000)
#define VERSION 2
#define TERM_MAX (UINT64_MAX / 2) /* of an election that was read: those to come have room above */

/* Elections last, and so do the hashes of names. Whoever can send a name that collides with another one can
 * send that one as well, so that it needs no secret. */
#define SEED 0

struct cluster {
    uint64_t key, elected;
    uint64_t term;    /* of its election; a later one has a higher term */
    int64_t heard_ms; /* the elected one */
    uint64_t gone;    /* the cluster that gave way to it; 0: none */
};

/* Places of clusters with an election that does not last yet. */
struct news {
    uint32_t *v;
    uint32_t n, cap;
    uint64_t until; /* number of the last one; the first is until - n + 1 */
};

struct ax_ha {
    struct ax_ha_options opt;
    pthread_mutex_t lock;
    struct ax_map by_key;
    uint32_t clusters_n;
    uint64_t
        gone_term; /* the highest of clusters that gave way, or were read: those that come have higher ones */
    struct news news;
    atomic_bool has_news;
    struct ax_cell *clusters, *failovers;
    struct ax_arena names;
    struct cluster v[];
};

static int64_t mono_ms(const void *ctx)
{
    (void)ctx;
    return ax_mono_ns() / 1000000;
}

struct ax_ha *ax_ha_new(const struct ax_ha_options *options)
{
    struct ax_ha *ha = calloc(1, sizeof *ha + options->clusters_max * sizeof *ha->v);
    if (!ha)
        return NULL;
    ha->opt = *options;
    ax_arena_init(&ha->names, SIZE_MAX);
    ha->opt.cluster_label = ax_arena_str(&ha->names, options->cluster_label);
    ha->opt.replica_label = ax_arena_str(&ha->names, options->replica_label);
    if (!ha->opt.clock.now_ms)
        ha->opt.clock.now_ms = mono_ms;
    (void)pthread_mutex_init(&ha->lock, NULL);
    ha->clusters = ax_metric(AX_M_HA_CLUSTERS, NULL, NULL);
    ha->failovers = ax_metric(AX_M_HA_FAILOVERS, NULL, NULL);
    if (ha->opt.cluster_label.p && ha->opt.replica_label.p)
        return ha;
    ax_ha_free(ha);
    return NULL;
}

void ax_ha_free(struct ax_ha *ha)
{
    if (!ha)
        return;
    ax_map_done(&ha->by_key);
    free(ha->news.v);
    ax_arena_done(&ha->names);
    (void)pthread_mutex_destroy(&ha->lock);
    free(ha);
}

struct ax_str ax_ha_replica_label(const struct ax_ha *ha)
{
    return ha->opt.replica_label;
}

struct ax_ha_sender ax_ha_sender_of(const struct ax_ha *ha, struct ax_str tenant, const struct ax_labels *ls)
{
    struct ax_str cluster = ax_labels_get(ls, ha->opt.cluster_label);
    struct ax_str replica = ax_labels_get(ls, ha->opt.replica_label);
    if (cluster.n == 0 || replica.n == 0)
        return (struct ax_ha_sender){0, 0};
    uint64_t seed = SEED + (tenant.n ? ax_hash64(tenant.p, tenant.n, SEED) : 0);
    return (struct ax_ha_sender){ax_hash64(cluster.p, cluster.n, seed) | 1,
                                 ax_hash64(replica.p, replica.n, seed)};
}

/* The place of a cluster that is not known: a free one, or that of the one which is silent for longest. */
static struct cluster *vacate(struct ax_ha *ha, int64_t now_ms)
{
    if (ha->clusters_n < ha->opt.clusters_max)
        return &ha->v[ha->clusters_n];
    struct cluster *oldest = &ha->v[0];
    for (uint32_t i = 1; i < ha->clusters_n; i++) {
        if (ha->v[i].heard_ms < oldest->heard_ms)
            oldest = &ha->v[i];
    }
    return now_ms - oldest->heard_ms > FORGET_MS ? oldest : NULL;
}

/* Listen to a replica from now on. Without memory for the news the next snapshot tells of it. */
static void elect(struct ax_ha *ha, struct cluster *c, uint64_t replica, int64_t now_ms)
{
    struct news *news = &ha->news;
    c->elected = replica;
    c->heard_ms = now_ms;
    c->term++;
    if (news->n == news->cap) {
        uint32_t cap = news->cap ? news->cap * 2 : 16;
        uint32_t *v = realloc(news->v, cap * sizeof *v);
        if (!v)
            return;
        news->v = v;
        news->cap = cap;
    }
    news->v[news->n++] = (uint32_t)(c - ha->v);
    news->until++;
    atomic_store_explicit(&ha->has_news, true, memory_order_release);
}

/* Make a cluster known; NULL when there is no room, or no memory. */
static struct cluster *add(struct ax_ha *ha, uint64_t key, int64_t now_ms)
{
    struct cluster *c = vacate(ha, now_ms);
    if (!c || ax_map_put(&ha->by_key, key, c) != AX_OK)
        return NULL;
    if (c == &ha->v[ha->clusters_n])
        ha->clusters_n++;
    else
        (void)ax_map_remove(&ha->by_key, c->key);
    if (c->term > ha->gone_term)
        ha->gone_term = c->term;
    *c = (struct cluster){.key = key, .heard_ms = now_ms, .term = ha->gone_term, .gone = c->key};
    ax_metric_set(ha->clusters, ha->clusters_n);
    return c;
}

enum ax_ha_verdict ax_ha_hear(struct ax_ha *ha, struct ax_ha_sender sender)
{
    enum ax_ha_verdict verdict = AX_HA_ELECTED;
    int64_t now_ms = ax_clock_now(&ha->opt.clock);
    (void)pthread_mutex_lock(&ha->lock);
    struct cluster *c = ax_map_get(&ha->by_key, sender.cluster);
    if (!c) {
        c = add(ha, sender.cluster, now_ms);
        if (c)
            elect(ha, c, sender.replica, now_ms);
    }
    if (!c) {
        verdict = AX_HA_FULL;
    } else if (c->elected == sender.replica) {
        c->heard_ms = now_ms;
    } else if (now_ms - c->heard_ms < ha->opt.failover_ms) {
        verdict = AX_HA_DUPLICATE;
    } else {
        elect(ha, c, sender.replica, now_ms);
        ax_metric_add(ha->failovers, 1);
    }
    (void)pthread_mutex_unlock(&ha->lock);
    return verdict;
}

static void put(struct ax_buf *out, const struct cluster *c)
{
    ax_put_u64(out, c->key);
    ax_put_u64(out, c->elected);
    ax_put_varint(out, c->term);
    ax_put_u64(out, c->gone);
}

void ax_ha_save(struct ax_ha *ha, struct ax_buf *out)
{
    ax_put_u8(out, VERSION);
    (void)pthread_mutex_lock(&ha->lock);
    for (uint32_t i = 0; i < ha->clusters_n; i++)
        put(out, &ha->v[i]);
    (void)pthread_mutex_unlock(&ha->lock);
}

bool ax_ha_has_news(const struct ax_ha *ha)
{
    return atomic_load_explicit(&ha->has_news, memory_order_acquire);
}

void ax_ha_save_news(struct ax_ha *ha, struct ax_buf *out, uint64_t *out_until)
{
    ax_put_u8(out, VERSION);
    (void)pthread_mutex_lock(&ha->lock);
    for (uint32_t i = 0; i < ha->news.n; i++)
        put(out, &ha->v[ha->news.v[i]]);
    *out_until = ha->news.until;
    (void)pthread_mutex_unlock(&ha->lock);
}

void ax_ha_saved(struct ax_ha *ha, uint64_t until)
{
    (void)pthread_mutex_lock(&ha->lock);
    struct news *news = &ha->news;
    uint64_t before = news->until - news->n;
    if (until > before) { /* else another thread has saved them, too */
        uint32_t n = (uint32_t)(until - before);
        news->n -= n;
        if (news->n)
            memmove(news->v, news->v + n, news->n * sizeof *news->v);
        atomic_store_explicit(&ha->has_news, news->n > 0, memory_order_release);
    }
    (void)pthread_mutex_unlock(&ha->lock);
}

/* The place of an election that was read; NULL when there is none. The cluster that had given way gives way
 * again, unless it was elected later than this. */
static struct cluster *place_of(struct ax_ha *ha, const struct cluster *read)
{
    struct cluster *c = ax_map_get(&ha->by_key, read->key);
    if (c || ha->clusters_n < ha->opt.clusters_max)
        return c ? c : &ha->v[ha->clusters_n];
    c = read->gone ? ax_map_get(&ha->by_key, read->gone) : NULL;
    return c && c->term < read->term ? c : NULL;
}

/* Take an election that was read. False: no memory. */
static bool take(struct ax_ha *ha, const struct cluster *read)
{
    struct cluster *c = place_of(ha, read);
    if (read->term > ha->gone_term)
        ha->gone_term = read->term;
    if (!c || (c->key == read->key && c->term > read->term))
        return true;
    if (c->key != read->key) {
        if (ax_map_put(&ha->by_key, read->key, c) != AX_OK)
            return false;
        if (c == &ha->v[ha->clusters_n])
            ha->clusters_n++;
        else
            (void)ax_map_remove(&ha->by_key, c->key);
        ax_metric_set(ha->clusters, ha->clusters_n);
    }
    *c = *read;
    return true;
}

enum ax_err ax_ha_load(struct ax_ha *ha, struct ax_str body)
{
    struct ax_bytes in = ax_bytes_of(body);
    enum ax_err err = ax_get_u8(&in) == VERSION ? AX_OK : AX_CORRUPT;
    (void)pthread_mutex_lock(&ha->lock);
    while (err == AX_OK && ax_bytes_left(&in)) {
        struct cluster read = {.key = ax_get_u64(&in), .heard_ms = ax_clock_now(&ha->opt.clock)};
        read.elected = ax_get_u64(&in);
        read.term = ax_get_varint(&in);
        read.gone = ax_get_u64(&in);
        if (in.err != AX_OK || read.key == 0 || read.term == 0 || read.term > TERM_MAX)
            err = AX_CORRUPT;
        else if (!take(ha, &read))
            err = AX_NOMEM;
    }
    (void)pthread_mutex_unlock(&ha->lock);
    return err;
}
