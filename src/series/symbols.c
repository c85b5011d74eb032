/* symbols.c: lists of texts hash as sums over places. */
#include "series/symbols.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_FIRST 1024u

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Odd, so that no difference of two texts is lost. */
static struct ax_hash128 multiplier(uint64_t seed, uint64_t place)
{
    uint64_t x = mix(seed ^ mix(place));
    return (struct ax_hash128){x | 1, mix(x) | 1};
}

void ax_symbol_keys_init(struct ax_symbol_keys *k, uint64_t seed)
{
    k->seed = seed;
    for (uint32_t i = 0; i < AX_SYMBOL_PLACES; i++)
        k->multipliers[i] = multiplier(seed, i);
}

enum ax_err ax_seen_begin(struct ax_seen_symbols *s, const struct ax_key_hash *h, const struct ax_str *texts,
                          uint32_t n)
{
    s->before_n = 0;
    if (n > s->cap) {
        uint32_t cap = s->cap ? s->cap : TEXTS_FIRST;
        while (cap < n)
            cap = cap > UINT32_MAX / 2 ? n : cap * 2;
        struct ax_hash128 *v = realloc(s->v, cap * sizeof *v);
        if (!v)
            return AX_NOMEM;
        s->v = v;
        s->cap = cap;
    }
    s->n = n;
    for (uint32_t i = 0; i < n; i++)
        s->v[i] = ax_key_hash(h, texts[i].p, texts[i].n);
    return AX_OK;
}

void ax_seen_done(struct ax_seen_symbols *s)
{
    free(s->v);
    *s = (struct ax_seen_symbols){0};
}

/* The sum of places from..n, all of them. */
static struct ax_hash128 sum_of(const struct ax_seen_symbols *s, const struct ax_symbol_keys *k,
                                const uint32_t *refs, uint32_t n)
{
    struct ax_hash128 sum = {mix(k->seed ^ n), mix(k->seed + n)};
    for (uint32_t i = 0; i < n; i++) {
        struct ax_hash128 v = s->v[refs[i]],
                          by = i < AX_SYMBOL_PLACES ? k->multipliers[i] : multiplier(k->seed, i);
        sum.lo += v.lo * by.lo;
        sum.hi += v.hi * by.hi;
    }
    return sum;
}

static bool same_pair(const uint32_t *a, const uint32_t *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x == y;
}

struct ax_hash128 ax_seen_join(struct ax_seen_symbols *s, const struct ax_symbol_keys *k,
                               const uint32_t *refs, uint32_t n)
{
    if (n > AX_SYMBOL_PLACES || n % 2)
        return sum_of(s, k, refs, n);
    if (n != s->before_n || n == 0) {
        s->before = sum_of(s, k, refs, n);
        s->before_n = n;
        if (n)
            memcpy(s->before_refs, refs, n * sizeof *refs);
        return s->before;
    }
    struct ax_hash128 sum = s->before;
    for (uint32_t i = 0; i < n; i++) {
        if (i % 2 == 0 && same_pair(refs + i, s->before_refs + i)) {
            i++;
            continue;
        }
        if (refs[i] == s->before_refs[i])
            continue;
        struct ax_hash128 v = s->v[refs[i]], was = s->v[s->before_refs[i]], by = k->multipliers[i];
        sum.lo += (v.lo - was.lo) * by.lo;
        sum.hi += (v.hi - was.hi) * by.hi;
        s->before_refs[i] = refs[i];
    }
    s->before = sum;
    return sum;
}
