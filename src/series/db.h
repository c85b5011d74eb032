/* db.h: the wanted input series: an index from label keys to series, their rings of raw samples, and
 * the selectors that say what is wanted.
 *
 * State lives in AX_SHARDS virtual shards (hash of tenant and labels), each behind its own lock; a
 * series never leaves its shard. A key that was seen before costs one hash and one lookup: 128 bits under a
 * secret seed stand for its bytes (base/key_hash.h). A key that no selector wants is remembered by its
 * 128-bit hash alone in a bounded cache. Rings keep what the longest range that wants them needs, and grow
 * only by doubling, to a ceiling. Thread-safe: any number of ingest threads, one evaluating thread per
 * expression. */
#ifndef AX_SERIES_DB_H
#define AX_SERIES_DB_H

#include "base/metrics.h"
#include "prom/histogram.h"
#include "prom/labels.h"
#include "prom/matcher.h"
#include "prom/plain_series.h"
#include "series/ha.h"
#include "series/histogram_ring.h"

#include <stdatomic.h>

#define AX_SHARDS 64

struct ax_db;
struct ax_journal;
struct ax_seen_symbols; /* series/symbols.h */
struct ax_trail_cursor; /* series/trail.h */
struct ax_series;       /* opaque; lives until evicted (see ax_db_evict) */

/* Who waits for samples: one for each job, shared by its selectors. The db moves newest_ms forward and
 * oldest_ms back, and counts samples at or before evaluated_ms. Owned by the job, which outlives its
 * selectors. */
struct ax_watch {
    _Atomic int64_t newest_ms;    /* newest accepted sample; INT64_MIN at first */
    _Atomic int64_t oldest_ms;    /* oldest one after evaluated_ms since the owner set this to INT64_MAX */
    _Atomic int64_t evaluated_ms; /* newest evaluated step; INT64_MIN at first */
    struct ax_cell *late;         /* counter; may be NULL */
    /* How samples came since the watch was made, but for those of a replay and those that were known already:
     * all of them; those of a time that had another value; those at or before evaluated_ms, or out of reach.
     */
    _Atomic uint64_t samples, twice, disorder;
};

/* What a database is made with; 0 takes the default. */
struct ax_db_options {
    uint64_t seed;                /* of the hashes; secret in service */
    uint32_t series_max;          /* ceiling on wanted series in all; default 1,000,000 */
    uint32_t ring_samples_max;    /* ceiling on raw samples of one series; default 65,536 */
    uint32_t histogram_bytes_max; /* ceiling on native histograms of one series; default 1 MiB */
    uint64_t histogram_bytes_all; /* the same of all series; default 256 MiB */
    uint32_t negative_max; /* entries of the cache of unwanted keys, and of the trail; default 2,097,152 */
    /* Samples that lie further behind the newest of their series are too old; < 0: all that lie behind it.
     * Default: those that the ring does not keep, which are too old in any case. */
    int64_t out_of_order_ms;
    int64_t retention_ms; /* kept beyond the longest range: lookback, delay and slack; default 6 min */
    int64_t
        catch_up_ms; /* kept beyond that at most, as long as a watch is behind with its steps; default 0 */
    const struct ax_str *drop_labels; /* removed from every incoming label set (global.drop_labels); copied */
    uint32_t drop_labels_n;
    /* Replicas of a cluster (global.ha_tracker); NULL: they are not told apart. */
    const struct ax_ha_options *ha;
    /* Is this Auspex's own output coming back? NULL for never. Called for unknown keys only. */
    bool (*own_output)(const void *ctx, const struct ax_labels *ls);
    const void *own_output_ctx;
};

/* Make an empty database; NULL when out of memory. */
struct ax_db *ax_db_new(const struct ax_db_options *options);

/* Free everything; no thread may use it any more. */
void ax_db_free(struct ax_db *db);

/* What became of a key. Anything but WANTED is counted by the caller and goes no further. */
enum ax_fate {
    AX_FATE_WANTED,
    AX_FATE_UNWANTED, /* no selector matches */
    AX_FATE_OWN,      /* our own output */
    AX_FATE_FULL,     /* series_max reached, or no new series are taken */
    AX_FATE_REPLICA,  /* another replica of its cluster is listened to */
    AX_FATE_CLUSTERS, /* of a cluster beyond the most that there may be */
    AX_FATE_NOMEM,    /* no memory for it now; the same again may succeed */
    AX_FATE_INVALID,  /* labels are not acceptable: no __name__, repeated or empty name, not UTF-8 */
};

/* What an append did with its samples, or its histograms. conflicts: duplicates (which count them too) of
 * other bits than what is there; created: zero samples put in where a counter began; full: histograms above
 * their ceilings; nomem: those for which there was no memory now. */
struct ax_append_result {
    uint32_t appended, duplicates, conflicts, too_old, created, full, nomem;
};

/* Find or make the series of a label key and append samples to it.
 *
 * tenant   "" unless multi-tenancy is on.
 * key      labels in remote-write 1.0 wire form, any order.
 * samples  any order; inserted by time. The same time twice keeps the first; out of the ring's reach
 *          is dropped. Stale markers keep their bits.
 * appended / duplicates / conflicts / too_old   in out, may be NULL. diag says why a key is invalid.
 * Cost     O(1) a sample in order; no allocation for a known series but the ring's doubling. */
enum ax_fate ax_db_append(struct ax_db *db, struct ax_str tenant, struct ax_str key,
                          const struct ax_sample *samples, uint32_t n, struct ax_append_result *out,
                          struct ax_diag *diag);

/* One key and its samples for the calls below, and what became of them. Where a sample says when its counter
 * began, a sample of zero is put in for that time, if it lies behind the newest of the series: the counter
 * was reset then, or is new, and rates rise from there. */
struct ax_append {
    struct ax_str key; /* of the labels; of a 2.0 series only ax_db_append_one() needs it */
    /* 2.0: the labels as references to the symbols of the request, which ax_db_see() was given; NULL: key
     * says all. */
    struct ax_seen_symbols *symbols;
    const uint32_t *refs;
    uint32_t refs_n;
    const struct ax_sample *samples;
    const int64_t *starts; /* of each sample, 0: not known; NULL: of none */
    uint32_t n;
    const struct ax_histogram_sample *histograms; /* native ones; a series may have both */
    uint32_t histograms_n;
    enum ax_fate fate;                                /* out */
    struct ax_append_result result, histogram_result; /* out; zero before the call */
};

/* Take the symbols of a 2.0 request for its appends; texts stay the caller's. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_db_see(const struct ax_db *db, struct ax_seen_symbols *s,
                                  const struct ax_str *texts, uint32_t n);

/* What became of plain series: those of `unread` (a bit each) are as before, and the others done with. */
struct ax_plain_result {
    uint32_t unread;
    uint32_t ingested, unwanted, own, replica; /* samples, each of a series */
};

/* ax_db_append() for at most AX_PLAIN_RUN plain series that are known, where that is simplest: a wanted
 * series gets a sample that is newer than all of it. symbols: of their 2.0 request; NULL: it is 1.0. cursor:
 * where the runs before have come to (series/trail.h); of requests that follow each other. What is
 * wanted goes into the journal (NULL: there is none). What is left unread is for the calls below; it may be
 * unknown, late, twice there, or no list of labels at all. */
void ax_db_append_plain(struct ax_db *db, struct ax_str tenant, struct ax_seen_symbols *symbols,
                        struct ax_trail_cursor *cursor, const struct ax_plain_series *v, uint32_t n,
                        struct ax_journal *journal, struct ax_plain_result *out);

/* ax_db_append() for n keys in turn, as far as they are known: stops before the first key that was not seen
 * before (or was forgotten), which ax_db_append_one() takes. What is wanted goes into the journal too (NULL:
 * there is none). Returns how many were done. Faster than one at a time, because the memory of many keys is
 * waited for at once. */
uint32_t ax_db_append_known(struct ax_db *db, struct ax_str tenant, struct ax_append *v, uint32_t n,
                            struct ax_journal *journal);

/* ax_db_append() for one key, known or not, into the journal too; diag says why it is invalid. */
void ax_db_append_one(struct ax_db *db, struct ax_str tenant, struct ax_append *a, struct ax_journal *journal,
                      struct ax_diag *diag);

/* May several senders mean the same series by keys like this one, because labels of it are dropped, or
 * because it is a replica's? Reads the key. */
bool ax_db_merges(const struct ax_db *db, struct ax_str tenant, struct ax_str key);

/* Declare a want: series matching all matchers are kept with at least range_ms of raw samples. The
 * matchers stay the caller's and outlive the selector. Known series are matched at once; unwanted keys
 * are forgotten, so that they are looked at again. Returns an id >= 0, or -1 when out of memory. */
int ax_db_add_selector(struct ax_db *db, struct ax_str tenant, struct ax_matcher *const *matchers,
                       uint32_t matchers_n, int64_t range_ms, struct ax_watch *watch);

/* Withdraw a want. Series that nothing else wants are evicted by the next ax_db_evict(). */
void ax_db_remove_selector(struct ax_db *db, int selector);

/* Forget series whose newest sample is older than before_ms, or that no selector wants; members of
 * selectors change, so no expression may be evaluated meanwhile. Returns how many went. */
uint32_t ax_db_evict(struct ax_db *db, int64_t before_ms);

/* Means these labels? */
typedef bool ax_db_choose(void *ctx, const struct ax_labels *labels);

/* What ax_db_choose said of series. */
struct ax_db_asked;

/* Ask about all series, which may take as long as it takes: it is asked about copies of the labels, of a
 * shard at a time, and no lock is held. NULL, or not all of them, when there is no memory. Thread-safe. */
struct ax_db_asked *ax_db_ask(struct ax_db *db, ax_db_choose *choose, void *ctx);

/* Free it; NULL is fine. */
void ax_db_asked_free(struct ax_db_asked *asked);

/* Forget all samples and histograms of the series that are meant; they stay known, empty, until an eviction.
 * Returns how many had any. O(series). Those that were not asked about (NULL: none was) are now, while
 * nothing is appended to their shard. */
uint32_t ax_db_clear(struct ax_db *db, const struct ax_db_asked *asked, ax_db_choose *choose, void *ctx);

/* Take no series any more that it does not know (memory is tight), or take them again: AX_FATE_FULL
 * meanwhile. Samples of known series are taken as always. A switch waits for appends under way. */
void ax_db_refuse_new(struct ax_db *db, bool refuse);

/* Does it take no new series? Lock-free. */
bool ax_db_refuses_new(const struct ax_db *db);

/* The seed of its hashes, for others that hash labels of its series. */
uint64_t ax_db_seed(const struct ax_db *db);

/* Wanted series in memory. */
uint32_t ax_db_series_n(const struct ax_db *db);

/* Memory for native histograms, of all series. */
uint64_t ax_db_histogram_bytes(const struct ax_db *db);

/* The members of a selector, in the order of their refs: new ones come at the end. An eviction bumps
 * *out_epoch, and so does a series that comes in between (at a restore). The array is valid until the next
 * call for the same selector by the same thread. */
struct ax_series *const *ax_db_members(struct ax_db *db, int selector, uint32_t *out_n, uint64_t *out_epoch);

/* Labels of a series (canonical); live as long as the series. */
const struct ax_labels *ax_series_labels(const struct ax_series *s);

/* Its number: from 1, in order of arrival; the same after a restart. */
uint64_t ax_series_ref(const struct ax_series *s);

/* Copy the samples with after_ms < t <= until_ms, oldest first, into out (room for cap; the newest cap
 * when there are more). Returns how many. Takes the shard's lock; no allocation. */
uint32_t ax_db_read(struct ax_db *db, const struct ax_series *s, int64_t after_ms, int64_t until_ms,
                    struct ax_sample *out, uint32_t cap);

/* Has the series native histograms? Without a lock. */
bool ax_series_has_histograms(const struct ax_series *s);

/* Native histograms as they are read: messages one behind another. Zero-initialise; for one reader. */
struct ax_histograms {
    struct ax_histogram_place *v; /* at and n: within bytes */
    uint32_t n, cap;
    struct ax_buf bytes;
};

/* Copy the histograms with after_ms < t <= until_ms, oldest first, the newest `most` of them. AX_NOMEM leaves
 * out empty. Takes the shard's lock; allocates only to grow. */
AX_MUST_USE enum ax_err ax_db_read_histograms(struct ax_db *db, const struct ax_series *s, int64_t after_ms,
                                              int64_t until_ms, uint32_t most, struct ax_histograms *out);

/* The message of the i-th; valid until the next read. */
struct ax_str ax_histograms_message(const struct ax_histograms *h, uint32_t i);

/* Free the memory. */
void ax_histograms_done(struct ax_histograms *h);

/* Samples that a read of any member may return at most (for sizing scratch). */
uint32_t ax_db_ring_max(const struct ax_db *db);

#endif
