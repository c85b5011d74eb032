/* ha.c: an array of clusters, found by the hash of their names. */
#include "series/ha.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#define FORGET_MS (30 * 60000)

struct cluster {
    uint64_t key, elected;
    int64_t heard_ms; /* the elected one */
};

struct ax_ha {
    struct ax_ha_options opt;
    pthread_mutex_t lock;
    struct ax_map by_key;
    uint32_t clusters_n;
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
    uint64_t seed = ha->opt.seed + (tenant.n ? ax_hash64(tenant.p, tenant.n, ha->opt.seed) : 0);
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

/* Make a cluster known; NULL when there is no room, or no memory. */
static struct cluster *add(struct ax_ha *ha, struct ax_ha_sender sender, int64_t now_ms)
{
    struct cluster *c = vacate(ha, now_ms);
    if (!c || ax_map_put(&ha->by_key, sender.cluster, c) != AX_OK)
        return NULL;
    if (c == &ha->v[ha->clusters_n])
        ha->clusters_n++;
    else
        (void)ax_map_remove(&ha->by_key, c->key);
    *c = (struct cluster){sender.cluster, sender.replica, now_ms};
    ax_metric_set(ha->clusters, ha->clusters_n);
    return c;
}

enum ax_ha_verdict ax_ha_hear(struct ax_ha *ha, struct ax_ha_sender sender)
{
    enum ax_ha_verdict verdict = AX_HA_ELECTED;
    int64_t now_ms = ax_clock_now(&ha->opt.clock);
    (void)pthread_mutex_lock(&ha->lock);
    struct cluster *c = ax_map_get(&ha->by_key, sender.cluster);
    if (!c)
        c = add(ha, sender, now_ms);
    if (!c) {
        verdict = AX_HA_FULL;
    } else if (c->elected == sender.replica) {
        c->heard_ms = now_ms;
    } else if (now_ms - c->heard_ms < ha->opt.failover_ms) {
        verdict = AX_HA_DUPLICATE;
    } else {
        c->elected = sender.replica;
        c->heard_ms = now_ms;
        ax_metric_add(ha->failovers, 1);
    }
    (void)pthread_mutex_unlock(&ha->lock);
    return verdict;
}
