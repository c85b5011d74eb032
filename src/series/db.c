/* db.c: the life of a database, what its keys are, and the way of samples out of the rings; see
 * series/shard.h for the locks. */
#include "series/db.h"

#include "base/pool.h"
#include "series/shard.h"

#include <stdlib.h>

#define SERIES_MAX 1000000u
#define RING_SAMPLES_MAX 65536u
#define NEGATIVE_MAX 2097152u
#define HISTOGRAM_BYTES_MAX (1u << 20)
#define HISTOGRAM_BYTES_ALL ((uint64_t)256 << 20)
#define RETENTION_MS 360000

struct ax_hash128 ax_db_of_tenant(const struct ax_db *db, struct ax_str tenant, struct ax_hash128 hash)
{
    if (tenant.n == 0)
        return hash;
    struct ax_hash128 of = ax_key_hash(&db->hash, tenant.p, tenant.n);
    const uint64_t both[] = {hash.lo, hash.hi, of.lo, of.hi};
    return ax_key_hash(&db->hash, both, sizeof both);
}

struct ax_hash128 ax_db_hash(const struct ax_db *db, struct ax_str tenant, struct ax_str key)
{
    return ax_db_of_tenant(db, tenant, ax_key_hash(&db->hash, key.p, key.n));
}

struct ax_shard *ax_db_shard(struct ax_db *db, struct ax_hash128 hash)
{
    return &db->shards[hash.lo >> 58];
}

struct ax_hash128 ax_db_look(const struct ax_db *db, struct ax_str tenant, const struct ax_append *a)
{
    if (!a->symbols)
        return ax_db_hash(db, tenant, a->key);
    return ax_db_of_tenant(db, tenant, ax_seen_join(a->symbols, &db->symbols, a->refs, a->refs_n));
}

enum ax_err ax_db_see(const struct ax_db *db, struct ax_seen_symbols *s, const struct ax_str *texts,
                      uint32_t n)
{
    return ax_seen_begin(s, &db->hash, texts, n);
}

struct ax_series *ax_db_find(struct ax_db *db, struct ax_str tenant, struct ax_str canonical)
{
    const struct ax_index_entry *e = ax_index_find(&db->index, ax_db_hash(db, tenant, canonical));
    return e ? e->series : NULL;
}

/* Own copies of the names to drop, and behind them the label of replicas. */
static bool copy_drop(struct ax_db *db, const struct ax_db_options *o)
{
    db->opt.drop_labels_n = 0;
    db->opt.drop_labels = db->drop = calloc(o->drop_labels_n + 1, sizeof *db->drop);
    if (!db->drop)
        return false;
    for (uint32_t i = 0; i < o->drop_labels_n; i++) {
        char *p = malloc(o->drop_labels[i].n + 1);
        if (!p)
            return false;
        memcpy(p, o->drop_labels[i].p, o->drop_labels[i].n);
        db->drop[i] = (struct ax_str){p, o->drop_labels[i].n};
        db->opt.drop_labels_n = i + 1;
    }
    return true;
}

/* Replicas are told apart, if that is wanted. */
static bool init_ha(struct ax_db *db, const struct ax_db_options *o)
{
    if (!o->ha)
        return true;
    db->ha = ax_ha_new(o->ha);
    db->opt.ha = NULL; /* the caller's */
    if (db->ha)
        db->drop[db->opt.drop_labels_n] = ax_ha_replica_label(db->ha);
    return db->ha != NULL;
}

static void free_drop(struct ax_db *db)
{
    for (uint32_t i = 0; i < db->opt.drop_labels_n; i++) {
        char *p;
        memcpy(&p, &db->drop[i].p, sizeof p);
        free(p);
    }
    free(db->drop);
}

struct ax_db *ax_db_new(const struct ax_db_options *options)
{
    struct ax_db *db =
        aligned_alloc(AX_CACHE_LINE, (sizeof *db + AX_CACHE_LINE - 1) & ~(size_t)(AX_CACHE_LINE - 1));
    if (!db)
        return NULL;
    memset(db, 0, sizeof *db);
    db->opt = *options;
    db->next_ref = 1;
    ax_key_hash_init(&db->hash, options->seed);
    ax_symbol_keys_init(&db->symbols, options->seed);
    bool ok = copy_drop(db, options) && init_ha(db, options);
    db->opt.series_max = options->series_max ? options->series_max : SERIES_MAX;
    db->opt.ring_samples_max = options->ring_samples_max ? options->ring_samples_max : RING_SAMPLES_MAX;
    if (db->opt.ring_samples_max < AX_RING_FIRST)
        db->opt.ring_samples_max = AX_RING_FIRST;
    db->opt.histogram_bytes_max =
        options->histogram_bytes_max ? options->histogram_bytes_max : HISTOGRAM_BYTES_MAX;
    db->opt.histogram_bytes_all =
        options->histogram_bytes_all ? options->histogram_bytes_all : HISTOGRAM_BYTES_ALL;
    db->opt.retention_ms = options->retention_ms > 0 ? options->retention_ms : RETENTION_MS;
    uint32_t negative = options->negative_max ? options->negative_max : NEGATIVE_MAX;
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&db->structure, &attr);
    pthread_rwlockattr_destroy(&attr);
    for (uint32_t i = 0; i < AX_SHARDS; i++)
        pthread_mutex_init(&db->shards[i].lock, NULL);
    ok = ok && ax_negative_init(&db->unwanted, negative) && ax_trail_init(&db->trail, negative);
    if (!ok) {
        ax_db_free(db);
        return NULL;
    }
    return db;
}

size_t ax_series_bytes(size_t tenant_n)
{
    return (sizeof(struct ax_series) + tenant_n + AX_CACHE_LINE - 1) & ~(size_t)(AX_CACHE_LINE - 1);
}

void ax_series_free(struct ax_db *db, struct ax_series *s)
{
    ax_wants_drop(&db->wants, s->wants);
    ax_ring_done(&s->ring);
    ax_series_drop_histograms(db, s);
    free(s->labels);
    ax_pool_give(s, ax_series_bytes(s->tenant_n));
}

void ax_db_free(struct ax_db *db)
{
    if (!db)
        return;
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        struct ax_shard *sh = &db->shards[i];
        while (sh->series) {
            struct ax_series *next = sh->series->next;
            ax_series_free(db, sh->series);
            sh->series = next;
        }
        pthread_mutex_destroy(&sh->lock);
    }
    ax_want_done(&db->wants);
    ax_index_done(&db->index);
    ax_negative_done(&db->unwanted);
    ax_trail_done(&db->trail);
    ax_ha_free(db->ha);
    free_drop(db);
    pthread_rwlock_destroy(&db->structure);
    free(db);
}

uint32_t ax_db_read(struct ax_db *db, const struct ax_series *s, int64_t after_ms, int64_t until_ms,
                    struct ax_sample *out, uint32_t cap)
{
    struct ax_shard *sh = &db->shards[s->shard];
    pthread_mutex_lock(&sh->lock);
    uint32_t n = ax_ring_read(&s->ring, after_ms, until_ms, out, cap);
    pthread_mutex_unlock(&sh->lock);
    return n;
}

uint64_t ax_db_seed(const struct ax_db *db)
{
    return db->opt.seed;
}

uint32_t ax_db_series_n(const struct ax_db *db)
{
    return atomic_load_explicit(&db->series_n, memory_order_relaxed);
}

bool ax_db_refuses_new(const struct ax_db *db)
{
    return atomic_load_explicit(&db->refuses_new, memory_order_relaxed);
}

uint32_t ax_db_ring_max(const struct ax_db *db)
{
    return db->opt.ring_samples_max;
}

const struct ax_labels *ax_series_labels(const struct ax_series *s)
{
    return s->labels;
}

uint64_t ax_series_ref(const struct ax_series *s)
{
    return s->ref;
}
