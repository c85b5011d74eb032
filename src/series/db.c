/* db.c: the way of samples into the rings and out of them; see series/shard.h for the locks. */
#include "series/db.h"

#include "base/arena.h"
#include "base/assert.h"
#include "series/journal.h"
#include "series/shard.h"

#include <stdlib.h>

#define SERIES_MAX 1000000u
#define RING_SAMPLES_MAX 65536u
#define NEGATIVE_MAX 2097152u
#define HISTOGRAM_BYTES_MAX (1u << 20)
#define HISTOGRAM_BYTES_ALL ((uint64_t)256 << 20)
#define RETENTION_MS 360000
#define APPEND_RUN 32u /* keys looked up together */

struct ax_hash128 ax_db_hash(const struct ax_db *db, struct ax_str tenant, struct ax_str key)
{
    uint64_t seed = db->opt.seed;
    if (tenant.n)
        seed += ax_hash64(tenant.p, tenant.n, seed);
    return ax_hash128(key.p, key.n, seed);
}

struct ax_shard *ax_db_shard(struct ax_db *db, struct ax_hash128 hash)
{
    return &db->shards[hash.lo >> 58];
}

struct ax_series *ax_db_find(struct ax_db *db, struct ax_str tenant, struct ax_str canonical)
{
    struct ax_hash128 hash = ax_db_hash(db, tenant, canonical);
    const struct ax_index_entry *e = ax_index_find(&ax_db_shard(db, hash)->index, hash.lo, tenant, canonical);
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
    struct ax_ha_options ha = *o->ha;
    ha.seed = o->seed;
    db->ha = ax_ha_new(&ha);
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
    struct ax_db *db = calloc(1, sizeof *db);
    if (!db)
        return NULL;
    db->opt = *options;
    db->next_ref = 1;
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
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        pthread_mutex_init(&db->shards[i].lock, NULL);
        ok = ok && ax_negative_init(&db->shards[i].unwanted, negative / AX_SHARDS);
    }
    if (!ok) {
        ax_db_free(db);
        return NULL;
    }
    return db;
}

void ax_series_free(struct ax_db *db, struct ax_series *s)
{
    ax_wants_drop(&db->wants, s->wants);
    ax_ring_done(&s->ring);
    ax_series_drop_histograms(db, s);
    free(s->labels);
    free(s);
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
        ax_index_done(&sh->index);
        ax_negative_done(&sh->unwanted);
        pthread_mutex_destroy(&sh->lock);
    }
    ax_want_done(&db->wants);
    ax_ha_free(db->ha);
    free_drop(db);
    pthread_rwlock_destroy(&db->structure);
    free(db);
}

void ax_db_tell(const struct ax_wants *w, int64_t t_ms, bool again)
{
    for (uint32_t i = 0; i < w->watches_n; i++) {
        struct ax_watch *watch = w->watches[i];
        int64_t seen = atomic_load_explicit(&watch->newest_ms, memory_order_relaxed);
        while (t_ms > seen && !atomic_compare_exchange_weak(&watch->newest_ms, &seen, t_ms))
            continue;
        if (t_ms > atomic_load_explicit(&watch->evaluated_ms, memory_order_relaxed)) {
            seen = atomic_load_explicit(&watch->oldest_ms, memory_order_relaxed);
            while (t_ms < seen && !atomic_compare_exchange_weak(&watch->oldest_ms, &seen, t_ms))
                continue;
        } else if (!again && watch->late) {
            ax_metric_add(watch->late, 1);
        }
    }
}

/* Put a zero sample where a counter began, for each sample that says so. One that began before the newest
 * sample was there already, and one that began out of the ring's reach helps nobody. False when out of
 * memory. */
static bool put_created(struct ax_db *db, struct ax_series *s, struct ax_append *a)
{
    uint64_t keep_ms = (uint64_t)(s->wants->range_ms + db->opt.retention_ms);
    struct ax_shard *sh = &db->shards[s->shard];
    bool ok = true;
    pthread_mutex_lock(&sh->lock);
    int64_t newest = ax_ring_newest(&s->ring);
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
    int64_t keep_ms = s->wants->range_ms + db->opt.retention_ms;
    struct ax_shard *sh = &db->shards[s->shard];
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < n; i++) {
        if (!again && ax_db_is_late(db, ax_ring_newest(&s->ring), samples[i].t_ms) &&
            !ax_ring_find(&s->ring, samples[i].t_ms)) {
            out->too_old++;
            continue;
        }
        switch (ax_ring_put(&s->ring, samples[i], keep_ms, db->opt.ring_samples_max)) {
        case AX_RING_ADDED:
            out->appended++;
            ax_db_tell(s->wants, samples[i].t_ms, again);
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
    atomic_store_explicit(&s->next_sample, ax_ring_next(&s->ring), memory_order_relaxed);
    pthread_mutex_unlock(&sh->lock);
}

/* Why a key without a series goes no further; 0 when it is not known. */
static unsigned refused(struct ax_db *db, struct ax_hash128 hash)
{
    struct ax_shard *sh = ax_db_shard(db, hash);
    pthread_mutex_lock(&sh->lock);
    unsigned reason = ax_negative_find(&sh->unwanted, hash);
    pthread_mutex_unlock(&sh->lock);
    return reason;
}

/* What the appends of a run share. */
struct feed {
    struct ax_db *db;
    struct ax_str tenant;
    struct ax_journal *journal; /* or NULL */
    struct ax_ha_sender sender; /* heard last: the series of a run mostly come from one */
    enum ax_ha_verdict verdict; /* on it */
};

static struct feed feed_of(struct ax_db *db, struct ax_str tenant, struct ax_journal *journal)
{
    return (struct feed){.db = db, .tenant = tenant, .journal = journal, .verdict = AX_HA_ELECTED};
}

/* Are samples of this sender taken? */
static enum ax_fate hear(struct feed *f, struct ax_ha_sender sender)
{
    if (sender.cluster == 0)
        return AX_FATE_WANTED;
    if (sender.cluster != f->sender.cluster || sender.replica != f->sender.replica) {
        f->sender = sender;
        f->verdict = ax_ha_hear(f->db->ha, sender);
    }
    return f->verdict == AX_HA_ELECTED     ? AX_FATE_WANTED
           : f->verdict == AX_HA_DUPLICATE ? AX_FATE_REPLICA
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
        a->fate = hear(f, e->sender);
        a->result = a->histogram_result = (struct ax_append_result){0};
        if (a->fate == AX_FATE_WANTED && a->starts && !put_created(f->db, e->series, a))
            a->fate = AX_FATE_NOMEM;
        if (a->fate == AX_FATE_WANTED)
            ax_db_put(f->db, e->series, a->samples, a->n, false, &a->result);
        if (a->fate == AX_FATE_WANTED && f->journal)
            write_journal(f, e->series, a);
        if (a->fate == AX_FATE_WANTED && a->histograms_n)
            take_histograms(f, e->series, a);
        return true;
    }
    unsigned reason = e ? (unsigned)AX_FATE_UNWANTED : refused(f->db, hash);
    a->fate = (enum ax_fate)reason;
    return reason != 0;
}

/* Append a run of known keys; `structure` is held shared. Everything that a key touches lies somewhere else
 * in memory, so the run goes from stage to stage together, and each stage asks for what the next one
 * needs. */
static uint32_t append_run(struct feed *f, struct ax_append *v, uint32_t n)
{
    struct ax_db *db = f->db;
    struct ax_str tenant = f->tenant;
    struct ax_hash128 hash[APPEND_RUN];
    const struct ax_index_entry *entry[APPEND_RUN];
    for (uint32_t i = 0; i < n; i++) {
        hash[i] = ax_db_hash(db, tenant, v[i].key);
        ax_index_prefetch(&ax_db_shard(db, hash[i])->index, hash[i].lo);
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_shard *sh = ax_db_shard(db, hash[i]);
        if (!ax_index_prefetch_key(&sh->index, hash[i].lo, tenant.n + v[i].key.n))
            ax_negative_prefetch(&sh->unwanted, hash[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        entry[i] = ax_index_find(&ax_db_shard(db, hash[i])->index, hash[i].lo, tenant, v[i].key);
        if (entry[i])
            __builtin_prefetch(entry[i]->series, 1);
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

/* Remember why a key goes no further. Selectors cannot change meanwhile: `structure` is held. */
static void remember(struct ax_db *db, struct ax_hash128 hash, enum ax_fate fate)
{
    struct ax_shard *sh = ax_db_shard(db, hash);
    pthread_mutex_lock(&sh->lock);
    if (!ax_negative_find(&sh->unwanted, hash))
        ax_negative_add(&sh->unwanted, hash, (unsigned)fate);
    pthread_mutex_unlock(&sh->lock);
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
    struct ax_hash128 hash = ax_db_hash(f->db, f->tenant, canonical);
    const struct ax_index_entry *e = NULL;
    if (buf.err == AX_OK)
        e = ax_index_find(&ax_db_shard(f->db, hash)->index, hash.lo, f->tenant, canonical);
    if (!e || e->series->spellings >= AX_SPELLINGS_MAX) {
        a->fate = hear(f, reading->sender);
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
    struct ax_hash128 hash = ax_db_hash(db, tenant, a->key);
    /* Between the shared and the exclusive lock an eviction may pass; then it is all done again. */
    for (;;) {
        pthread_rwlock_rdlock(&db->structure);
        bool known = append_run(&f, a, 1) == 1;
        if (!known) {
            ax_arena_reset(&arena);
            a->fate = judge(db, tenant, a->key, &arena, &reading, diag);
            if (a->fate == AX_FATE_UNWANTED || a->fate == AX_FATE_OWN)
                remember(db, hash, a->fate);
            else if (a->fate == AX_FATE_WANTED)
                known = append_by_labels(&f, &reading, a);
        }
        pthread_rwlock_unlock(&db->structure);
        /* A series is made by its first sample, not by its bare labels. */
        if (known || a->fate != AX_FATE_WANTED || a->n + a->histograms_n == 0)
            break;
        pthread_rwlock_wrlock(&db->structure);
        a->fate = ax_db_adopt(db, tenant, a->key, &reading);
        pthread_rwlock_unlock(&db->structure);
        if (a->fate != AX_FATE_WANTED)
            break;
    }
    ax_arena_done(&arena);
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
        out->too_old += a.result.too_old;
    }
    return a.fate;
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
