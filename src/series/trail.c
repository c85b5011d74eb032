/* trail.c: marks are written in blocks that belong to one cursor, so that what one request brought stays
 * together. */
#include "series/trail.h"

#include "base/pages.h"

#define LOOK_AHEAD 3u     /* marks that are passed over: of series that have gone */
#define ANCHOR_BITS 4     /* one key of 16, so that their places stay in a cache */
#define MARKS_A_PLACE 16u /* there are as many places for anchors as marks that are anchors */
#define LOST_SHARE 8u     /* a run is lost when more than one key of so many was missed */
#define TRY_RUNS 65536u   /* for so many runs it is tried, and then not for thrice as many */

static size_t marks_of(const struct ax_trail *t)
{
    return (size_t)t->blocks * AX_TRAIL_BLOCK;
}

static size_t bytes_of_marks(const struct ax_trail *t)
{
    return (marks_of(t) + 1 + LOOK_AHEAD) * sizeof *t->v;
}

static size_t bytes_of_ends(const struct ax_trail *t)
{
    return (marks_of(t) + 1 + LOOK_AHEAD) * sizeof *t->ends;
}

static size_t bytes_of_anchors(const struct ax_trail *t)
{
    return marks_of(t) / MARKS_A_PLACE * sizeof *t->anchors;
}

bool ax_trail_init(struct ax_trail *t, uint32_t entries)
{
    t->blocks = entries / AX_TRAIL_BLOCK ? entries / AX_TRAIL_BLOCK : 1;
    t->v = ax_pages_new(bytes_of_marks(t));
    t->ends = ax_pages_new(bytes_of_ends(t));
    t->anchors = ax_pages_new(bytes_of_anchors(t));
    ax_trail_clear(t);
    return t->v && t->ends && t->anchors;
}

void ax_trail_done(struct ax_trail *t)
{
    ax_pages_free(t->v, bytes_of_marks(t));
    ax_pages_free(t->ends, bytes_of_ends(t));
    ax_pages_free(t->anchors, bytes_of_anchors(t));
    *t = (struct ax_trail){0};
}

void ax_trail_clear(struct ax_trail *t)
{
    t->salt += 0x9e3779b97f4a7c15u;
}

static bool is_anchor(struct ax_hash128 hash)
{
    return hash.lo >> (64 - ANCHOR_BITS) == 0;
}

static _Atomic uint32_t *anchor_of(const struct ax_trail *t, struct ax_hash128 hash)
{
    return &t->anchors[(hash.hi >> 32) * (marks_of(t) / MARKS_A_PLACE) >> 32];
}

bool ax_trail_search(const struct ax_trail *t, struct ax_trail_cursor *c, struct ax_hash128 hash,
                     struct ax_known *out)
{
    for (uint32_t i = 1; i <= LOOK_AHEAD; i++) {
        if (ax_trail_match(t, c->at + i, hash, out)) {
            c->at += i + 1;
            return true;
        }
    }
    if (!is_anchor(hash))
        return false;
    uint32_t at = atomic_load_explicit(anchor_of(t, hash), memory_order_relaxed);
    if (!ax_trail_match(t, at, hash, out))
        return false;
    c->at = at + 1;
    return true;
}

static void write_mark(struct ax_trail *t, uint32_t at, struct ax_hash128 hash, const struct ax_known *known)
{
    uint64_t lo = hash.lo ^ t->salt;
    if (known->series) {
        lo ^= ax_trail_blend(known->series, known->sender);
        atomic_store_explicit(&t->ends[at].series, known->series, memory_order_relaxed);
        atomic_store_explicit(&t->ends[at].sender, known->sender, memory_order_relaxed);
    }
    atomic_store_explicit(&t->v[at].lo, lo, memory_order_relaxed);
    atomic_store_explicit(&t->v[at].hi, (hash.hi & ~(uint64_t)3) | (known->series ? 0 : known->reason),
                          memory_order_relaxed);
    if (is_anchor(hash))
        atomic_store_explicit(anchor_of(t, hash), at, memory_order_relaxed);
}

void ax_trail_note(struct ax_trail *t, struct ax_trail_cursor *c, const struct ax_hash128 *hash,
                   const struct ax_known *known, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!known[i].series && !known[i].reason)
            continue;
        if (c->note == c->to) {
            c->note =
                atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed) % t->blocks * AX_TRAIL_BLOCK;
            c->to = c->note + AX_TRAIL_BLOCK;
        }
        write_mark(t, c->note++, hash[i], &known[i]);
    }
}

void ax_trail_learn(struct ax_trail *t, struct ax_trail_cursor *c, const struct ax_hash128 *hash,
                    const struct ax_known *known, uint32_t n, uint32_t missed)
{
    c->lost = missed * LOST_SHARE > n ? c->lost + 1 : 0;
    if (c->lost > 1 && c->lost / TRY_RUNS % 4 == 0)
        ax_trail_note(t, c, hash, known, n);
}
