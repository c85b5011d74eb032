/* db_append.c: the way of samples into the rings; see series/shard.h for the locks. */
#include "base/arena.h"
#include "base/assert.h"
#include "series/journal.h"
#include "series/shard.h"

#define APPEND_RUN 32u /* keys looked up together */

void ax_db_tell(const struct ax_wants *w, int64_t t_ms, uint32_t n, bool again)
{
    for (uint32_t i = 0; i < w->watches_n; i++) {
        struct ax_watch *watch = w->watches[i];
        int64_t seen = atomic_load_explicit(&watch->newest_ms, memory_order_relaxed);
        if (!again)
            atomic_fetch_add_explicit(&watch->samples, n, memory_order_relaxed);
        while (t_ms > seen && !atomic_compare_exchange_weak(&watch->newest_ms, &seen, t_ms))
            continue;
        if (t_ms > atomic_load_explicit(&watch->evaluated_ms, memory_order_relaxed)) {
            seen = atomic_load_explicit(&watch->oldest_ms, memory_order_relaxed);
            while (t_ms < seen && !atomic_compare_exchange_weak(&watch->oldest_ms, &seen, t_ms))
                continue;
        } else if (!again) {
            atomic_fetch_add_explicit(&watch->disorder, n, memory_order_relaxed);
            if (watch->late)
                ax_metric_add(watch->late, n);
        }
    }
}

/* Tell the watches of samples that were not taken as they came. */
static void tell_disorder(const struct ax_wants *w, const struct ax_append_result *r)
{
    const uint32_t n = r->conflicts + r->too_old;
    for (uint32_t i = 0; n && i < w->watches_n; i++) {
        atomic_fetch_add_explicit(&w->watches[i]->samples, n, memory_order_relaxed);
        atomic_fetch_add_explicit(&w->watches[i]->twice, r->conflicts, memory_order_relaxed);
        atomic_fetch_add_explicit(&w->watches[i]->disorder, r->too_old, memory_order_relaxed);
    }
}

int64_t ax_db_keep_ms(const struct ax_db *db, const struct ax_series *s, int64_t newest_ms)
{
    uint64_t behind = 0, most = (uint64_t)db->opt.catch_up_ms;
    for (uint32_t i = 0; most && i < s->wants->watches_n; i++) {
        int64_t done = atomic_load_explicit(&s->wants->watches[i]->evaluated_ms, memory_order_relaxed);
        if (done != INT64_MIN && newest_ms > done && (uint64_t)newest_ms - (uint64_t)done > behind)
            behind = (uint64_t)newest_ms - (uint64_t)done;
    }
    int64_t keep_ms = s->wants->range_ms + db->opt.retention_ms;
    if (behind <= (uint64_t)db->opt.retention_ms / 2) /* which has room for it */
        return keep_ms;
    return keep_ms + (int64_t)(behind < most ? behind : most);
}

/* Put a zero sample where a counter began, for each sample that says so. One that began before the newest
 * sample was there already, and one that began out of the ring's reach helps nobody. False when out of
 * memory. */
static bool put_created(struct ax_db *db, struct ax_series *s, struct ax_append *a)
{
    struct ax_shard *sh = &db->shards[s->shard];
    bool ok = true;
    pthread_mutex_lock(&sh->lock);
    int64_t newest = ax_ring_newest(&s->ring);
    uint64_t keep_ms = (uint64_t)ax_db_keep_ms(db, s, newest);
    for (uint32_t i = 0; i < a->n && ok; i++) {
        int64_t t = a->samples[i].t_ms, start = a->starts[i];
        if (start && start > newest && start < t && (uint64_t)t - (uint64_t)start < keep_ms) {
            const struct ax_sample zero = {start, 0};
            enum ax_ring_put put = ax_ring_put(&s->ring, zero, (int64_t)keep_ms, db->opt.ring_samples_max);
            a->result.created += put == AX_RING_ADDED;
            ok = put != AX_RING_NOMEM;
        }
        newest = t > newest ? t : newest;
    }
    pthread_mutex_unlock(&sh->lock);
    return ok;
}

bool ax_db_is_late(const struct ax_db *db, int64_t newest_ms, int64_t t_ms)
{
    int64_t window = db->opt.out_of_order_ms;
    if (window == 0 || t_ms >= newest_ms)
        return false;
    return window < 0 || (uint64_t)newest_ms - (uint64_t)t_ms > (uint64_t)window;
}

void ax_db_put(struct ax_db *db, struct ax_series *s, const struct ax_sample *samples, uint32_t n, bool again,
               struct ax_append_result *out)
{
    struct ax_shard *sh = &db->shards[s->shard];
    struct ax_ring_late late;
    late.n = 0;
    late.moved = 0;
    pthread_mutex_lock(&sh->lock);
    int64_t keep_ms = ax_db_keep_ms(db, s, ax_ring_newest(&s->ring));
    for (uint32_t i = 0; i < n; i++) {
        if (!again && ax_db_is_late(db, ax_ring_newest(&s->ring), samples[i].t_ms) &&
            !ax_ring_has(&s->ring, &late, samples[i].t_ms)) {
            out->too_old++;
            continue;
        }
        switch (ax_ring_put_late(&s->ring, &late, samples[i], keep_ms, db->opt.ring_samples_max)) {
        case AX_RING_ADDED:
            out->appended++;
            ax_db_tell(s->wants, samples[i].t_ms, 1, again);
            break;
        case AX_RING_CONFLICT:
            out->conflicts++;
            out->duplicates++;
            break;
        case AX_RING_DUPLICATE:
            out->duplicates++;
            break;
        case AX_RING_TOO_OLD:
        case AX_RING_FULL:
            out->too_old++;
            break;
        case AX_RING_NOMEM:
            out->nomem++;
            break;
        }
    }
    ax_ring_merge(&s->ring, &late);
    atomic_store_explicit(&s->next_sample, ax_ring_next(&s->ring), memory_order_relaxed);
    pthread_mutex_unlock(&sh->lock);
}

/* What the appends of a run share. */
struct feed {
    struct ax_db *db;
    struct ax_str tenant;
    struct ax_journal *journal; /* or NULL */
    struct ax_heard heard;
};

static struct feed feed_of(struct ax_db *db, struct ax_str tenant, struct ax_journal *journal)
{
    return (struct feed){.db = db, .tenant = tenant, .journal = journal};
}

enum ax_fate ax_db_hear(const struct ax_db *db, struct ax_heard *h, struct ax_ha_sender sender)
{
    if (sender.cluster == 0)
        return AX_FATE_WANTED;
    if (sender.cluster != h->sender.cluster || sender.replica != h->sender.replica) {
        h->sender = sender;
        h->verdict = ax_ha_hear(db->ha, sender);
    }
    return h->verdict == AX_HA_ELECTED     ? AX_FATE_WANTED
           : h->verdict == AX_HA_DUPLICATE ? AX_FATE_REPLICA
                                           : AX_FATE_CLUSTERS;
}

/* Write what the ring has now at a time, if it has something. */
static void write_kept(struct feed *f, const struct ax_series *s, int64_t t_ms)
{
    const struct ax_sample *kept = ax_ring_find(&s->ring, t_ms);
    if (kept)
        ax_journal_add(f->journal, s, kept, 1);
}

/* Write what was put into a ring to the journal. Duplicates are written too: the record of those who came
 * first may have failed, so it is the ring that says what they are. */
static void write_journal(struct feed *f, struct ax_series *s, const struct ax_append *a)
{
    if (a->result.appended == a->n && a->result.created == 0) {
        if (a->n)
            ax_journal_add(f->journal, s, a->samples, a->n);
        return;
    }
    struct ax_shard *sh = &f->db->shards[s->shard];
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->starts && a->starts[i])
            write_kept(f, s, a->starts[i]);
        write_kept(f, s, a->samples[i].t_ms);
    }
    pthread_mutex_unlock(&sh->lock);
}

static void take_histograms(struct feed *f, struct ax_series *s, struct ax_append *a)
{
    ax_db_put_histograms(f->db, s, a->histograms, a->histograms_n, false, &a->histogram_result);
    if (f->journal)
        ax_db_journal_histograms(f->db, s, a->histograms, a->histograms_n, f->journal);
}

/* Finish a key that was looked up (e NULL: not found). False when it is not known. */
static bool settle(struct feed *f, const struct ax_index_entry *e, struct ax_hash128 hash,
                   struct ax_append *a)
{
    if (e && e->series->wants) {
        a->fate = e->sender ? ax_db_hear(f->db, &f->heard, *e->sender) : AX_FATE_WANTED;
        a->result = a->histogram_result = (struct ax_append_result){0};
        if (a->fate == AX_FATE_WANTED && a->starts && !put_created(f->db, e->series, a))
            a->fate = AX_FATE_NOMEM;
        if (a->fate == AX_FATE_WANTED)
            ax_db_put(f->db, e->series, a->samples, a->n, false, &a->result);
        tell_disorder(e->series->wants, &a->result);
        if (a->fate == AX_FATE_WANTED && f->journal)
            write_journal(f, e->series, a);
        if (a->fate == AX_FATE_WANTED && a->histograms_n)
            take_histograms(f, e->series, a);
        return true;
    }
    unsigned reason = e ? (unsigned)AX_FATE_UNWANTED : ax_negative_find(&f->db->unwanted, hash);
    a->fate = (enum ax_fate)reason;
    return reason != 0;
}

/* Append a run of known keys; `structure` is held shared. Everything that a key touches lies somewhere else
 * in memory, so the run goes from stage to stage together, and each stage asks for what the next one
 * needs. */
static uint32_t append_run(struct feed *f, struct ax_append *v, uint32_t n)
{
    struct ax_hash128 hash[APPEND_RUN];
    const struct ax_index_entry *entry[APPEND_RUN];
    for (uint32_t i = 0; i < n; i++) {
        hash[i] = ax_db_look(f->db, f->tenant, &v[i]);
        ax_index_prefetch(&f->db->index, hash[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        entry[i] = ax_index_find(&f->db->index, hash[i]);
        if (entry[i])
            __builtin_prefetch(entry[i]->series, 1);
        else
            ax_negative_prefetch(&f->db->unwanted, hash[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (entry[i])
            __builtin_prefetch(atomic_load_explicit(&entry[i]->series->next_sample, memory_order_relaxed), 1);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!settle(f, entry[i], hash[i], &v[i]))
            return i;
    }
    return n;
}

uint32_t ax_db_append_known(struct ax_db *db, struct ax_str tenant, struct ax_append *v, uint32_t n,
                            struct ax_journal *journal)
{
    struct feed f = feed_of(db, tenant, journal);
    uint32_t done = 0, run, finished;
    do {
        run = n - done < APPEND_RUN ? n - done : APPEND_RUN;
        pthread_rwlock_rdlock(&db->structure);
        finished = append_run(&f, v + done, run);
        pthread_rwlock_unlock(&db->structure);
        done += finished;
    } while (done < n && finished == run);
    return done;
}

/* Read an unknown key: its canonical labels without the dropped ones, and whether they are wanted. */
static enum ax_fate judge(struct ax_db *db, struct ax_str tenant, struct ax_str key, struct ax_arena *arena,
                          struct ax_reading *out, struct ax_diag *diag)
{
    struct ax_labels all, *ls = &out->labels;
    enum ax_err err = ax_labels_key_parse(key, arena, &all, diag);
    if (err != AX_OK)
        return err == AX_NOMEM ? AX_FATE_NOMEM : AX_FATE_INVALID;
    out->sender = (struct ax_ha_sender){0, 0};
    if (db->ha)
        out->sender = ax_ha_sender_of(db->ha, tenant, &all);
    uint32_t drop_n = db->opt.drop_labels_n + (out->sender.cluster != 0);
    if (ax_labels_with(&all, db->drop, drop_n, NULL, 0, arena, ls) != AX_OK)
        return AX_FATE_NOMEM;
    if (ax_labels_get(ls, ax_str(AX_METRIC_NAME)).n == 0) {
        ax_fail(diag, AX_INVALID, "the series has no metric name (label __name__)");
        return AX_FATE_INVALID;
    }
    if (db->opt.own_output && db->opt.own_output(db->opt.own_output_ctx, ls))
        return AX_FATE_OWN;
    return ax_want_any(&db->wants, tenant, ls) ? AX_FATE_WANTED : AX_FATE_UNWANTED;
}

/* A key whose labels are wanted, and that is not known. The canonical key of its labels tells whether their
 * series is: then the key is only another spelling, which is remembered unless there are too many. A new
 * series is made for a replica that is listened to, for the others would leave it empty. True when the key is
 * done with, false when it is to be adopted. */
static bool append_by_labels(struct feed *f, const struct ax_reading *reading, struct ax_append *a)
{
    bool done = false;
    struct ax_buf buf;
    ax_buf_init(&buf, SIZE_MAX);
    ax_labels_key_write(&reading->labels, &buf);
    struct ax_str canonical = ax_buf_view(&buf);
    const struct ax_append as_canonical = {.key = canonical};
    struct ax_hash128 hash = ax_db_look(f->db, f->tenant, &as_canonical);
    const struct ax_index_entry *e = NULL;
    if (buf.err == AX_OK)
        e = ax_index_find(&f->db->index, hash);
    if (!e || e->series->spellings >= AX_SPELLINGS_MAX) {
        a->fate = ax_db_hear(f->db, &f->heard, reading->sender);
        done = a->fate != AX_FATE_WANTED || (e && settle(f, e, hash, a));
    }
    ax_buf_done(&buf);
    return done;
}

/* A key that is perhaps unknown is judged then, and remembered or adopted. */
void ax_db_append_one(struct ax_db *db, struct ax_str tenant, struct ax_append *a, struct ax_journal *journal,
                      struct ax_diag *diag)
{
    struct ax_arena arena;
    ax_arena_init(&arena, a->key.n * 64 + 65536);
    struct ax_reading reading;
    struct feed f = feed_of(db, tenant, journal);
    /* Between the shared and the exclusive lock an eviction may pass; then it is all done again. */
    for (;;) {
        pthread_rwlock_rdlock(&db->structure);
        bool known = append_run(&f, a, 1) == 1;
        if (!known) {
            ax_arena_reset(&arena);
            a->fate = judge(db, tenant, a->key, &arena, &reading, diag);
            if (a->fate == AX_FATE_UNWANTED || a->fate == AX_FATE_OWN)
                ax_negative_add(&db->unwanted, ax_db_look(db, tenant, a), (unsigned)a->fate);
            else if (a->fate == AX_FATE_WANTED)
                known = append_by_labels(&f, &reading, a);
        }
        pthread_rwlock_unlock(&db->structure);
        /* A series is made by its first sample, not by its bare labels. */
        if (known || a->fate != AX_FATE_WANTED || a->n + a->histograms_n == 0)
            break;
        pthread_rwlock_wrlock(&db->structure);
        a->fate = ax_db_adopt(db, tenant, a, &reading);
        pthread_rwlock_unlock(&db->structure);
        if (a->fate != AX_FATE_WANTED)
            break;
    }
    ax_arena_done(&arena);
}

bool ax_db_merges(const struct ax_db *db, struct ax_str tenant, struct ax_str key)
{
    struct ax_arena arena;
    struct ax_labels ls;
    bool merges = false;
    ax_arena_init(&arena, key.n * 64 + 65536);
    if (ax_labels_key_parse(key, &arena, &ls, NULL) == AX_OK) {
        merges = db->ha && ax_ha_sender_of(db->ha, tenant, &ls).cluster;
        for (uint32_t i = 0; i < db->opt.drop_labels_n; i++)
            merges = merges || ax_labels_get(&ls, db->drop[i]).n;
    }
    ax_arena_done(&arena);
    return merges;
}

/* Both are indices into what ax_negative remembers. */
_Static_assert(AX_FATE_UNWANTED > 0 && AX_FATE_FULL < 4, "reasons fit two bits");

enum ax_fate ax_db_append(struct ax_db *db, struct ax_str tenant, struct ax_str key,
                          const struct ax_sample *samples, uint32_t n, struct ax_append_result *out,
                          struct ax_diag *diag)
{
    struct ax_append a = {.key = key, .samples = samples, .n = n};
    ax_db_append_one(db, tenant, &a, NULL, diag);
    if (out) {
        out->appended += a.result.appended;
        out->duplicates += a.result.duplicates;
        out->conflicts += a.result.conflicts;
        out->too_old += a.result.too_old;
        out->created += a.result.created;
        out->nomem += a.result.nomem;
    }
    return a.fate;
}
