/* shard.h: the inside of the database, shared by the files that implement series/db.h.
 *
 * Locks: `structure` orders what changes the selectors, the series with their wants, the indexes of keys and
 * the texts of labels (exclusive) against what relies on them (shared). A shard's lock guards the rings of
 * its series. Order: structure before a shard; never two shards. A series lives in the shard of its canonical
 * key. The memory of unwanted keys and the trail take no lock; they are cleared under the exclusive one. */
#ifndef AX_SERIES_SHARD_H
#define AX_SERIES_SHARD_H

#include "series/ha.h"
#include "series/index.h"
#include "series/negative.h"
#include "series/ring.h"
#include "series/symbols.h"
#include "series/trail.h"
#include "series/want.h"

#include <pthread.h>

/* Keys remembered of one series: its canonical one, those of a few replicas, other orders of its labels. A
 * sender could make up new ones without end, so that what is beyond is read anew each time. */
#define AX_SPELLINGS_MAX 16u

#define AX_CACHE_LINE 64u

/* One wanted series; what every sample needs stands in its first cache line. */
struct ax_series {
    struct ax_wants *wants; /* NULL: nobody wants it any more */
    struct ax_ring ring;
    _Atomic(const struct ax_sample *) next_sample; /* ax_ring_next(), readable without the shard's lock */
    uint64_t ref;                                  /* its number, from 1 in order of arrival; lasts */
    _Atomic bool defined;                          /* the log, or a snapshot, says what ref stands for */
    uint8_t shard;
    bool gone;          /* being evicted */
    uint32_t spellings; /* keys that lead to it; changes under the exclusive lock */
    uint32_t tenant_n;
    struct ax_labels *labels;
    struct ax_series *next;                         /* of the shard */
    _Atomic(struct ax_histogram_ring *) histograms; /* native ones; NULL: it never had any */
    char tenant[];
};

/* One of AX_SHARDS parts of the state; series is a list. */
struct ax_shard {
    pthread_mutex_t lock;
    struct ax_series *series;
};

/* The database. */
struct ax_db {
    struct ax_db_options opt;
    struct ax_str *drop; /* owned copies; behind them the replica label of ha */
    struct ax_ha *ha;    /* NULL: replicas are not told apart */
    pthread_rwlock_t structure;
    struct ax_want_table wants;
    struct ax_key_hash hash;       /* of keys, and of the texts of 2.0 requests, */
    struct ax_symbol_keys symbols; /* whose series have joint hashes */
    struct ax_index index;
    struct ax_negative unwanted;
    struct ax_trail trail;
    _Atomic uint32_t series_n;
    atomic_bool refuses_new;
    _Atomic uint64_t histogram_bytes; /* of all rings of histograms */
    uint64_t next_ref;                /* of the next series */
    uint64_t evictions;               /* that have freed series */
    struct ax_shard shards[AX_SHARDS];
};

/* The hash of something that a tenant has. */
struct ax_hash128 ax_db_of_tenant(const struct ax_db *db, struct ax_str tenant, struct ax_hash128 hash);

/* Hash of a key. */
struct ax_hash128 ax_db_hash(const struct ax_db *db, struct ax_str tenant, struct ax_str key);

/* The shard of a canonical key's hash: its top bits. */
struct ax_shard *ax_db_shard(struct ax_db *db, struct ax_hash128 hash);

/* Bytes of a series of a tenant, whole cache lines; of ax_pool_take(). */
size_t ax_series_bytes(size_t tenant_n);

/* Free one series, which nothing refers to any more. */
void ax_series_free(struct ax_db *db, struct ax_series *s);

/* Forget the samples and histograms of a series; its shard's lock is held, or `structure` exclusively. */
void ax_series_empty(struct ax_db *db, struct ax_series *s);

/* What the labels of a key say. */
struct ax_reading {
    struct ax_labels labels; /* canonical, without what is dropped */
    struct ax_ha_sender sender;
};

/* How far behind its newest sample a series reaches: as far as expressions look back, and further while steps
 * wait to be evaluated. */
int64_t ax_db_keep_ms(const struct ax_db *db, const struct ax_series *s, int64_t newest_ms);

/* Put samples into a wanted series, and tell those who wait; `structure` is held. again: they were received
 * before, and counted. */
void ax_db_put(struct ax_db *db, struct ax_series *s, const struct ax_sample *samples, uint32_t n, bool again,
               struct ax_append_result *out);

/* The same for native histograms. */
void ax_db_put_histograms(struct ax_db *db, struct ax_series *s, const struct ax_histogram_sample *v,
                          uint32_t n, bool again, struct ax_append_result *out);

/* Write to the journal what the rings have at the times of these histograms, and where their counters began.
 */
void ax_db_journal_histograms(struct ax_db *db, const struct ax_series *s,
                              const struct ax_histogram_sample *v, uint32_t n, struct ax_journal *journal);

/* Time of the newest sample or histogram, INT64_MIN when there is none; under the lock of the shard. */
int64_t ax_series_newest(const struct ax_series *s);

/* Let go the native histograms of a series. */
void ax_series_drop_histograms(struct ax_db *db, struct ax_series *s);

/* Is a sample further behind the newest than is allowed, though the ring may reach so far? */
bool ax_db_is_late(const struct ax_db *db, int64_t newest_ms, int64_t t_ms);

/* Tell those who wait that n samples of one time have arrived; again: as before. */
void ax_db_tell(const struct ax_wants *w, int64_t t_ms, uint32_t n, bool again);

/* Who was heard last: the series of a run mostly come from one. Zero-initialise. */
struct ax_heard {
    struct ax_ha_sender sender;
    enum ax_ha_verdict verdict; /* on it */
};

/* Are samples of this sender taken: WANTED, REPLICA or CLUSTERS? */
enum ax_fate ax_db_hear(const struct ax_db *db, struct ax_heard *h, struct ax_ha_sender sender);

/* The series of a key of canonical labels, or NULL; `structure` is held. */
struct ax_series *ax_db_find(struct ax_db *db, struct ax_str tenant, struct ax_str canonical);

/* Make known, under the key, a series that somebody wants; under the exclusive lock. AX_FATE_WANTED also
 * when another thread was faster, AX_FATE_FULL at the ceiling, AX_FATE_NOMEM, AX_FATE_UNWANTED
 * when the selectors have changed meanwhile. */
enum ax_fate ax_db_adopt(struct ax_db *db, struct ax_str tenant, const struct ax_append *a,
                         const struct ax_reading *reading);

/* By what the labels of an append are looked up. */
struct ax_hash128 ax_db_look(const struct ax_db *db, struct ax_str tenant, const struct ax_append *a);

/* The series that a ref was given to, made if it is not there; under the exclusive lock. *out is NULL when no
 * selector wants it, or when its labels have a higher ref since. Labels that have a lower one were evicted
 * and came back: the series takes this ref, and loses its samples. AX_CORRUPT when the key is none, AX_NOMEM.
 */
AX_MUST_USE enum ax_err ax_db_define(struct ax_db *db, uint64_t ref, struct ax_str tenant, struct ax_str key,
                                     struct ax_series **out);

#endif
