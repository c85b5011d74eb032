/* negative.c: sets of eight hashes; one set is two cache lines. */
#include "series/negative.h"

#include <stdlib.h>
#include <string.h>

#define REASON_MASK 3u

bool ax_negative_init(struct ax_negative *c, uint32_t entries)
{
    c->sets = entries / AX_NEGATIVE_WAYS ? entries / AX_NEGATIVE_WAYS : 1;
    c->turn = 1;
    c->v = calloc((size_t)c->sets * AX_NEGATIVE_WAYS, sizeof *c->v);
    return c->v != NULL;
}

static struct ax_hash128 *set_of(const struct ax_negative *c, struct ax_hash128 hash)
{
    uint64_t set = ((hash.hi >> 32) * c->sets) >> 32;
    return c->v + set * AX_NEGATIVE_WAYS;
}

void ax_negative_prefetch(const struct ax_negative *c, struct ax_hash128 hash)
{
    const struct ax_hash128 *set = set_of(c, hash);
    __builtin_prefetch(set);
    __builtin_prefetch(set + AX_NEGATIVE_WAYS / 2);
}

unsigned ax_negative_find(const struct ax_negative *c, struct ax_hash128 hash)
{
    const struct ax_hash128 *set = set_of(c, hash);
    for (unsigned i = 0; i < AX_NEGATIVE_WAYS; i++) {
        if (set[i].lo == hash.lo && ((set[i].hi ^ hash.hi) & ~(uint64_t)REASON_MASK) == 0)
            return (unsigned)(set[i].hi & REASON_MASK);
    }
    return 0;
}

void ax_negative_add(struct ax_negative *c, struct ax_hash128 hash, unsigned reason)
{
    struct ax_hash128 *set = set_of(c, hash);
    /* xorshift32 (Marsaglia, 2003): cheap and good enough to pick a victim. */
    c->turn ^= c->turn << 13;
    c->turn ^= c->turn >> 17;
    c->turn ^= c->turn << 5;
    unsigned victim = c->turn % AX_NEGATIVE_WAYS;
    for (unsigned i = 0; i < AX_NEGATIVE_WAYS; i++) {
        if ((set[i].hi & REASON_MASK) == 0)
            victim = i;
    }
    set[victim].lo = hash.lo;
    set[victim].hi = (hash.hi & ~(uint64_t)REASON_MASK) | (reason & REASON_MASK);
}

void ax_negative_clear(struct ax_negative *c)
{
    memset(c->v, 0, (size_t)c->sets * AX_NEGATIVE_WAYS * sizeof *c->v);
}

void ax_negative_done(struct ax_negative *c)
{
    free(c->v);
    *c = (struct ax_negative){0};
}
