/* negative.c: sets of eight hashes; one set is two cache lines. */
#include "series/negative.h"

#include "base/pages.h"

#define REASON_MASK 3u

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

void ax_negative_prefetch(const struct ax_negative *c, struct ax_hash128 hash)
{
    const struct ax_negative_key *set = set_of(c, hash);
    __builtin_prefetch(set);
    __builtin_prefetch(set + AX_NEGATIVE_WAYS / 2);
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

unsigned ax_negative_find(const struct ax_negative *c, struct ax_hash128 hash)
{
    const struct ax_negative_key *set = set_of(c, hash);
    for (unsigned i = 0; i < AX_NEGATIVE_WAYS; i++) {
        if (load(&set[i].lo) != hash.lo)
            continue;
        uint64_t hi = load(&set[i].hi);
        if (((hi ^ hash.hi) & ~(uint64_t)REASON_MASK) == 0)
            return (unsigned)(hi & REASON_MASK);
    }
    return 0;
}

void ax_negative_add(struct ax_negative *c, struct ax_hash128 hash, unsigned reason)
{
    struct ax_negative_key *set = set_of(c, hash);
    /* Bits that have not chosen the set choose whose place it takes when none is free. */
    unsigned place = (unsigned)(hash.hi >> 2) % AX_NEGATIVE_WAYS;
    for (unsigned i = 0; i < AX_NEGATIVE_WAYS; i++) {
        uint64_t lo = load(&set[i].lo), hi = load(&set[i].hi);
        if ((hi & REASON_MASK) == 0)
            place = i;
        if (lo == hash.lo && ((hi ^ hash.hi) & ~(uint64_t)REASON_MASK) == 0) {
            place = i;
            break;
        }
    }
    atomic_store_explicit(&c->any, true, memory_order_relaxed);
    store(&set[place], hash.lo, (hash.hi & ~(uint64_t)REASON_MASK) | (reason & REASON_MASK));
}

void ax_negative_clear(struct ax_negative *c)
{
    if (!atomic_load_explicit(&c->any, memory_order_relaxed))
        return; /* memory that was never touched stays so */
    for (size_t i = 0; i < (size_t)c->sets * AX_NEGATIVE_WAYS; i++)
        store(&c->v[i], 0, 0);
    atomic_store_explicit(&c->any, false, memory_order_relaxed);
}

void ax_negative_done(struct ax_negative *c)
{
    ax_pages_free(c->v, bytes_of(c));
    c->v = NULL;
}
