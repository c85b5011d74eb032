/* db_plain.c: the way of most samples: of series that are known, in order, one each. Everything that a series
 * touches lies somewhere else in memory, so a run goes from stage to stage together, and each stage asks for
 * what the next one needs. */
#include "base/assert.h"
#include "series/journal.h"
#include "series/shard.h"

/* A run on its way; `structure` is held shared. */
struct plain_run {
    struct ax_db *db;
    const struct ax_plain_series *v;
    uint32_t n;
    struct ax_hash128 hash[AX_PLAIN_RUN];
    const struct ax_index_entry *entry[AX_PLAIN_RUN]; /* NULL: no series of that hash */
    struct ax_kept kept[AX_PLAIN_RUN];                /* what went into rings */
    uint32_t kept_n;
    struct ax_heard heard;
    const struct ax_wants *told; /* of the samples whose arrival is still to be told */
    int64_t told_ms;
    uint32_t told_n;
    struct ax_plain_result *out;
};

static void leave(struct plain_run *r, uint32_t i)
{
    r->out->unread |= 1u << i;
}

/* Hash the labels of all. early: ask at once for what is known of unwanted ones. */
static void hash_labels(struct plain_run *r, struct ax_str tenant, struct ax_seen_symbols *symbols,
                        bool early)
{
    struct ax_db *db = r->db;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ax_plain_series *s = &r->v[i];
        r->hash[i] = (struct ax_hash128){0, 0};
        if (!symbols)
            r->hash[i] = ax_key_hash(&db->hash, s->labels, s->labels_n);
        else if (!ax_seen_join_packed(symbols, &db->symbols, s->labels, s->labels_n, &r->hash[i]))
            leave(r, i);
        if (tenant.n)
            r->hash[i] = ax_db_of_tenant(db, tenant, r->hash[i]);
        ax_index_prefetch(&db->index, r->hash[i]);
        if (early)
            ax_negative_prefetch(&db->unwanted, r->hash[i]);
    }
}

static void find_series(struct plain_run *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        r->entry[i] = ax_index_find(&r->db->index, r->hash[i]);
        if (r->entry[i])
            __builtin_prefetch(r->entry[i]->series, 1);
        else
            ax_negative_prefetch(&r->db->unwanted, r->hash[i]);
    }
    for (uint32_t i = 0; i < r->n; i++)
        if (r->entry[i])
            __builtin_prefetch(atomic_load_explicit(&r->entry[i]->series->next_sample, memory_order_relaxed),
                               1);
}

static void tell(struct plain_run *r)
{
    if (r->told_n)
        ax_db_tell(r->told, r->told_ms, r->told_n, false);
    r->told_n = 0;
}

/* Put a sample that is the newest of its series into the ring. */
static bool put_newest(struct ax_db *db, struct ax_series *s, struct ax_sample sample)
{
    struct ax_shard *sh = &db->shards[s->shard];
    pthread_mutex_lock(&sh->lock);
    bool put = ax_ring_push(&s->ring, sample);
    if (!put && sample.t_ms > ax_ring_newest(&s->ring))
        put = ax_ring_put(&s->ring, sample, ax_db_keep_ms(db, s, ax_ring_newest(&s->ring)),
                          db->opt.ring_samples_max) == AX_RING_ADDED;
    atomic_store_explicit(&s->next_sample, ax_ring_next(&s->ring), memory_order_relaxed);
    pthread_mutex_unlock(&sh->lock);
    return put;
}

static void take_wanted(struct plain_run *r, uint32_t i, const struct ax_index_entry *e)
{
    const struct ax_sample *sample = &r->v[i].sample;
    enum ax_fate fate = e->sender ? ax_db_hear(r->db, &r->heard, *e->sender) : AX_FATE_WANTED;
    if (fate == AX_FATE_REPLICA) {
        r->out->replica++;
        return;
    }
    if (fate != AX_FATE_WANTED || !put_newest(r->db, e->series, *sample)) {
        leave(r, i);
        return;
    }
    r->out->ingested++;
    r->kept[r->kept_n++] = (struct ax_kept){e->series, sample};
    if (r->told != e->series->wants || r->told_ms != sample->t_ms) {
        tell(r);
        r->told = e->series->wants;
        r->told_ms = sample->t_ms;
    }
    r->told_n++;
}

static void settle(struct plain_run *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ax_index_entry *e = r->entry[i];
        if (r->out->unread & 1u << i)
            continue;
        if (e && e->series->wants) {
            take_wanted(r, i, e);
            continue;
        }
        unsigned reason = e ? (unsigned)AX_FATE_UNWANTED : ax_negative_find(&r->db->unwanted, r->hash[i]);
        if (reason == AX_FATE_UNWANTED)
            r->out->unwanted++;
        else if (reason == AX_FATE_OWN)
            r->out->own++;
        else
            leave(r, i);
    }
    tell(r);
}

void ax_db_append_plain(struct ax_db *db, struct ax_str tenant, struct ax_seen_symbols *symbols,
                        const struct ax_plain_series *v, uint32_t n, struct ax_journal *journal,
                        struct ax_plain_result *out)
{
    AX_ASSERT(n <= AX_PLAIN_RUN);
    struct plain_run r;
    r.db = db;
    r.v = v;
    r.n = n;
    r.kept_n = 0;
    r.heard = (struct ax_heard){{0, 0}, AX_HA_ELECTED};
    r.told = NULL;
    r.told_ms = 0;
    r.told_n = 0;
    r.out = out;
    bool early = out->unwanted > out->ingested;
    *out = (struct ax_plain_result){0};
    pthread_rwlock_rdlock(&db->structure);
    hash_labels(&r, tenant, symbols, early);
    find_series(&r);
    settle(&r);
    if (journal && r.kept_n)
        ax_journal_add_each(journal, r.kept, r.kept_n);
    pthread_rwlock_unlock(&db->structure);
}
