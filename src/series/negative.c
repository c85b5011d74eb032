/* negative.c: sets of eight hashes; one set is two cache lines, of which a hash is looked for in its own one
 * first.
 */
#include "series/negative.h"

#include "base/pages.h"

#define REASON_MASK 3u
#define WAYS_OF_LINE (64u / sizeof(struct ax_negative_key))

static size_t bytes_of(const struct ax_negative *c)
{
    return (size_t)c->sets * AX_NEGATIVE_WAYS * sizeof *c->v;
}

bool ax_negative_init(struct ax_negative *c, uint32_t entries)
{
    c->sets = entries / AX_NEGATIVE_WAYS ? entries / AX_NEGATIVE_WAYS : 1;
    c->v = ax_pages_new(bytes_of(c));
    return c->v != NULL;
}

static struct ax_negative_key *set_of(const struct ax_negative *c, struct ax_hash128 hash)
{
    uint64_t set = ((hash.hi >> 32) * c->sets) >> 32;
    return c->v + set * AX_NEGATIVE_WAYS;
}

/* The way that a hash takes in a full set, by bits that have not chosen the set. */
static unsigned way_of(struct ax_hash128 hash)
{
    return (unsigned)(hash.hi >> 2) % AX_NEGATIVE_WAYS;
}

/* The first way of the line of that way. */
static unsigned first_of(struct ax_hash128 hash)
{
    return way_of(hash) / WAYS_OF_LINE * WAYS_OF_LINE;
}

void ax_negative_prefetch(const struct ax_negative *c, struct ax_hash128 hash)
{
    __builtin_prefetch(set_of(c, hash) + first_of(hash));
}

static uint64_t load(const _Atomic uint64_t *half)
{
    return atomic_load_explicit(half, memory_order_relaxed);
}

static void store(struct ax_negative_key *k, uint64_t lo, uint64_t hi)
{
    atomic_store_explicit(&k->lo, lo, memory_order_relaxed);
    atomic_store_explicit(&k->hi, hi, memory_order_relaxed);
}

/* The upper half of a key if it is this one, else 0: such a key has a reason. */
static uint64_t match(const struct ax_negative_key *k, struct ax_hash128 hash)
{
    if (load(&k->lo) != hash.lo)
        return 0;
    uint64_t hi = load(&k->hi);
    return ((hi ^ hash.hi) & ~(uint64_t)REASON_MASK) == 0 ? hi : 0;
}

/* The same for a line of keys, without a guess at which of them it is. */
static uint64_t match_line(const struct ax_negative_key *line, struct ax_hash128 hash)
{
    uint64_t hi = 0;
    for (unsigned i = 0; i < WAYS_OF_LINE; i++) {
        uint64_t upper = load(&line[i].hi);
        uint64_t differ = (load(&line[i].lo) ^ hash.lo) | ((upper ^ hash.hi) & ~(uint64_t)REASON_MASK);
        hi = differ == 0 && hi == 0 ? upper : hi;
    }
    return hi;
}

unsigned ax_negative_find(const struct ax_negative *c, struct ax_hash128 hash)
{
    const struct ax_negative_key *set = set_of(c, hash);
    unsigned first = first_of(hash);
    uint64_t hi = match_line(set + first, hash);
    if (hi == 0)
        hi = match_line(set + (first ^ WAYS_OF_LINE), hash);
    return (unsigned)(hi & REASON_MASK);
}

/* Where a key goes: its own place, else the first free one, else that of another. */
static struct ax_negative_key *place_of(const struct ax_negative *c, struct ax_hash128 hash)
{
    struct ax_negative_key *set = set_of(c, hash), *free = NULL;
    unsigned first = first_of(hash);
    for (unsigned i = 0; i < AX_NEGATIVE_WAYS; i++) {
        struct ax_negative_key *k = &set[(first + i) % AX_NEGATIVE_WAYS];
        if (match(k, hash))
            return k;
        if (!free && (load(&k->hi) & REASON_MASK) == 0)
            free = k;
    }
    return free ? free : &set[way_of(hash)];
}

void ax_negative_add(struct ax_negative *c, struct ax_hash128 hash, unsigned reason)
{
    struct ax_negative_key *k = place_of(c, hash);
    atomic_store_explicit(&c->any[reason & REASON_MASK], true, memory_order_relaxed);
    store(k, hash.lo, (hash.hi & ~(uint64_t)REASON_MASK) | (reason & REASON_MASK));
}

void ax_negative_forget(struct ax_negative *c, unsigned reason)
{
    if (!atomic_load_explicit(&c->any[reason & REASON_MASK], memory_order_relaxed))
        return; /* memory that was never touched stays so */
    for (size_t i = 0; i < (size_t)c->sets * AX_NEGATIVE_WAYS; i++)
        if ((load(&c->v[i].hi) & REASON_MASK) == reason)
            store(&c->v[i], 0, 0);
    atomic_store_explicit(&c->any[reason & REASON_MASK], false, memory_order_relaxed);
}

void ax_negative_clear(struct ax_negative *c)
{
    for (unsigned reason = 1; reason <= REASON_MASK; reason++)
        ax_negative_forget(c, reason);
}

void ax_negative_done(struct ax_negative *c)
{
    ax_pages_free(c->v, bytes_of(c));
    c->v = NULL;
}
