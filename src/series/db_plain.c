/* db_plain.c: the way of most samples: of series that are known, in order, one each. Everything that a series
 * touches lies somewhere else in memory, so a run goes from stage to stage together, and each stage asks for
 * what the next one needs. */
#include "base/assert.h"
#include "series/journal.h"
#include "series/shard.h"

#define LINES_AHEAD 8u /* keys that are looked at between asking for a series and for its ring */

/* A run on its way; `structure` is held shared. */
struct plain_run {
    struct ax_db *db;
    const struct ax_plain_series *v;
    uint32_t n;
    struct ax_hash128 hash[AX_PLAIN_RUN];
    struct ax_known known[AX_PLAIN_RUN]; /* of the key of that hash */
    uint32_t missed;                     /* not on the trail, a bit each */
    struct ax_kept kept[AX_PLAIN_RUN];   /* what went into rings */
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

/* Ask for where the sample of a key goes; the first line of its series has been asked for. */
static inline void prefetch_ring(const struct ax_known *k)
{
    if (k->series)
        __builtin_prefetch(atomic_load_explicit(&k->series->next_sample, memory_order_relaxed), 1);
}

/* Hash the labels of all, and follow the trail; of what is not on it, ask for what the tables have. */
static void hash_labels(struct plain_run *r, struct ax_str tenant, struct ax_seen_symbols *symbols,
                        struct ax_trail_cursor *cursor)
{
    struct ax_db *db = r->db;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ax_plain_series *s = &r->v[i];
        struct ax_hash128 hash = {0, 0};
        if (!symbols)
            hash = ax_key_hash(&db->hash, s->labels, s->labels_n);
        else if (!ax_seen_join_packed(symbols, &db->symbols, s->labels, s->labels_n, &hash))
            leave(r, i);
        if (tenant.n)
            hash = ax_db_of_tenant(db, tenant, hash);
        r->hash[i] = hash;
        if (i >= LINES_AHEAD)
            prefetch_ring(&r->known[i - LINES_AHEAD]);
        if (ax_trail_follow(&db->trail, cursor, hash, &r->known[i])) {
            __builtin_prefetch(r->known[i].series, 1);
            continue;
        }
        r->known[i] = (struct ax_known){NULL, NULL, 0};
        r->missed |= 1u << i;
        ax_index_prefetch(&db->index, hash);
        ax_negative_prefetch(&db->unwanted, hash);
    }
}

/* Look in the tables for what is not on the trail, which learns of it. */
static void find_missed(struct plain_run *r, struct ax_trail_cursor *cursor)
{
    uint32_t found = 0;
    for (uint32_t missed = r->missed & ~r->out->unread; missed; missed &= missed - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(missed);
        const struct ax_index_entry *e = ax_index_find(&r->db->index, r->hash[i]);
        unsigned reason = e ? 0 : ax_negative_find(&r->db->unwanted, r->hash[i]);
        if (e)
            r->known[i] = (struct ax_known){e->series, e->sender, 0};
        else if (reason == AX_FATE_UNWANTED || reason == AX_FATE_OWN)
            r->known[i].reason = reason;
        else
            continue;
        __builtin_prefetch(r->known[i].series, 1);
        found++;
    }
    ax_trail_learn(&r->db->trail, cursor, r->hash, r->known, r->n, found);
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

static void take_wanted(struct plain_run *r, uint32_t i, const struct ax_known *k)
{
    const struct ax_sample *sample = &r->v[i].sample;
    enum ax_fate fate = k->sender ? ax_db_hear(r->db, &r->heard, *k->sender) : AX_FATE_WANTED;
    if (fate == AX_FATE_REPLICA) {
        r->out->replica++;
        return;
    }
    if (fate != AX_FATE_WANTED || !put_newest(r->db, k->series, *sample)) {
        leave(r, i);
        return;
    }
    r->out->ingested++;
    r->kept[r->kept_n++] = (struct ax_kept){k->series, sample};
    if (r->told != k->series->wants || r->told_ms != sample->t_ms) {
        tell(r);
        r->told = k->series->wants;
        r->told_ms = sample->t_ms;
    }
    r->told_n++;
}

static void settle(struct plain_run *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const struct ax_known *k = &r->known[i];
        if (r->out->unread & 1u << i)
            continue;
        if (k->series && k->series->wants) {
            take_wanted(r, i, k);
            continue;
        }
        unsigned reason = k->series ? (unsigned)AX_FATE_UNWANTED : k->reason;
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
                        struct ax_trail_cursor *cursor, const struct ax_plain_series *v, uint32_t n,
                        struct ax_journal *journal, struct ax_plain_result *out)
{
    AX_ASSERT(n <= AX_PLAIN_RUN);
    struct plain_run r;
    r.db = db;
    r.v = v;
    r.n = n;
    r.missed = 0;
    r.kept_n = 0;
    r.heard = (struct ax_heard){{0, 0}, AX_HA_ELECTED};
    r.told = NULL;
    r.told_ms = 0;
    r.told_n = 0;
    r.out = out;
    *out = (struct ax_plain_result){0};
    pthread_rwlock_rdlock(&db->structure);
    hash_labels(&r, tenant, symbols, cursor);
    find_missed(&r, cursor);
    for (uint32_t i = 0; i < n; i++)
        if (i + LINES_AHEAD >= n || r.missed & 1u << i)
            prefetch_ring(&r.known[i]);
    settle(&r);
    if (journal && r.kept_n)
        ax_journal_add_each(journal, r.kept, r.kept_n);
    pthread_rwlock_unlock(&db->structure);
}
