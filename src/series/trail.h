/* trail.h: in which order keys came, because most come in that order again.
 *
 * A sender goes through its series in the same order every time. What a look-up has found is noted here, one
 * mark behind another; who has followed the trail to a key finds the next one beside it, in memory that is
 * read in its order anyway, where the tables (series/index.h, series/negative.h) would send him to a place of
 * its own for each. Whoever is off the trail is brought back by the next key that is an anchor, one of 16:
 * it is known where that was noted last. A hint and nothing more: what is not found is looked for in the
 * tables.
 *
 * 128 bits of hash stand for a key, less two, as in series/negative.h. Any number of threads follow and note
 * at once, without a lock, each with a cursor of its own: half of a mark is stored under what it leads to, so
 * that halves of two marks match neither key (Hyatt and Mann, "A Lock-Less Transposition Table Implementation
 * for Parallel Search", ICGA Journal 25, 2002). Series that it leads to must not be freed before
 * ax_trail_clear(): both under `structure` (series/shard.h). */
#ifndef AX_SERIES_TRAIL_H
#define AX_SERIES_TRAIL_H

#include "base/hash.h"
#include "series/ha.h"

#include <stdatomic.h>
#include <stdbool.h>

struct ax_series;

/* What is known of a key: its series, and who sends it (or NULL); or the reason (1 to 3, as in
 * series/negative.h) why it has none. All zero: nothing. */
struct ax_known {
    struct ax_series *series;
    struct ax_ha_sender *sender;
    unsigned reason;
};

/* A key; the reason is in the two lowest bits of hi. */
struct ax_trail_mark {
    _Atomic uint64_t lo, hi;
};

/* What a mark without a reason leads to. */
struct ax_trail_end {
    _Atomic(struct ax_series *) series;
    _Atomic(struct ax_ha_sender *) sender;
};

/* Zero-initialise, then ax_trail_init(). Memory is used as marks are made; when all is, the oldest go. */
struct ax_trail {
    struct ax_trail_mark *v; /* and a few more that stay zero */
    struct ax_trail_end *ends;
    _Atomic uint32_t *anchors; /* where a key was noted */
    uint32_t blocks;           /* of AX_TRAIL_BLOCK marks */
    _Atomic uint32_t next;     /* the block that is written on next, modulo blocks */
    uint64_t salt;             /* marks with another one are void; changes under the exclusive lock */
};

#define AX_TRAIL_BLOCK 1024u

/* Somebody on the trail; zero-initialise. */
struct ax_trail_cursor {
    uint32_t at;       /* where the next key should be */
    uint32_t note, to; /* what is left of the block that is written on */
    uint32_t lost;     /* runs in a row that the trail was of little use for */
};

/* Room for about `entries` keys (at least a block). False when out of memory. */
bool ax_trail_init(struct ax_trail *t, uint32_t entries);

/* Free the memory. */
void ax_trail_done(struct ax_trail *t);

/* All marks are void; nobody follows or notes meanwhile. O(1). */
void ax_trail_clear(struct ax_trail *t);

/* ax_trail_follow() where the next mark is not the right one: behind it, or from an anchor. */
bool ax_trail_search(const struct ax_trail *t, struct ax_trail_cursor *c, struct ax_hash128 hash,
                     struct ax_known *out);

/* What was found of a run of n keys, `missed` of them elsewhere: note it where that may help. One run that is
 * off the trail has only looked for an anchor, so that it takes two in a row; and who is off it for long has
 * no order that comes again, and tries but a quarter of the time. */
void ax_trail_learn(struct ax_trail *t, struct ax_trail_cursor *c, const struct ax_hash128 *hash,
                    const struct ax_known *known, uint32_t n, uint32_t missed);

/* Note what is known of n keys, in their order; those of which nothing is are left out. */
void ax_trail_note(struct ax_trail *t, struct ax_trail_cursor *c, const struct ax_hash128 *hash,
                   const struct ax_known *known, uint32_t n);

/* What the lower half is stored under. */
static inline uint64_t ax_trail_blend(const struct ax_series *series, const struct ax_ha_sender *sender)
{
    return (uint64_t)(uintptr_t)series ^ (uint64_t)(uintptr_t)sender * 0x9e3779b97f4a7c15u;
}

/* Is this the mark of a key, and what does it lead to? */
static inline bool ax_trail_match(const struct ax_trail *t, uint32_t at, struct ax_hash128 hash,
                                  struct ax_known *out)
{
    uint64_t hi = atomic_load_explicit(&t->v[at].hi, memory_order_relaxed);
    if ((hi ^ hash.hi) & ~(uint64_t)3)
        return false;
    uint64_t lo = atomic_load_explicit(&t->v[at].lo, memory_order_relaxed) ^ t->salt ^ hash.lo;
    *out = (struct ax_known){NULL, NULL, (unsigned)(hi & 3)};
    if (out->reason)
        return lo == 0;
    out->series = atomic_load_explicit(&t->ends[at].series, memory_order_relaxed);
    out->sender = atomic_load_explicit(&t->ends[at].sender, memory_order_relaxed);
    return out->series && lo == ax_trail_blend(out->series, out->sender);
}

/* What is known of a key that comes next. False: nothing, out is of no use then. */
static inline bool ax_trail_follow(const struct ax_trail *t, struct ax_trail_cursor *c,
                                   struct ax_hash128 hash, struct ax_known *out)
{
    if (!ax_trail_match(t, c->at, hash, out))
        return ax_trail_search(t, c, hash, out);
    c->at++;
    return true;
}

#endif
