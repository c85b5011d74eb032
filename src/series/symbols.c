/* symbols.c: lists of texts hash as sums over places. */
#include "series/symbols.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/* What a sum of n places begins with. */
static struct ax_hash128 of_length(uint64_t seed, uint32_t n)
{
    return (struct ax_hash128){mix(seed ^ n), mix(seed + n)};
}

void ax_symbol_keys_init(struct ax_symbol_keys *k, uint64_t seed)
{
    k->seed = seed;
    for (uint32_t i = 0; i < AX_SYMBOL_PLACES; i++)
        k->multipliers[i] = multiplier(seed, i);
    for (uint32_t n = 0; n <= AX_SYMBOL_PLACES; n++)
        k->lengths[n] = of_length(seed, n);
}

enum ax_err ax_seen_begin(struct ax_seen_symbols *s, const struct ax_key_hash *h, const struct ax_str *texts,
                          uint32_t n)
{
    s->before_n = s->packed_n = 0;
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
    ax_key_hash_each(h, texts, n, s->v);
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
    struct ax_hash128 sum = n <= AX_SYMBOL_PLACES ? k->lengths[n] : of_length(k->seed, n);
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

/* ---- packed references ---- */

#define UPPER_HALF 0x3f80u           /* of a reference of two bytes, shifted by one */
#define CHANGES_MAX AX_SYMBOL_PLACES /* bytes of lists that are compared: they have bits */

/* The reference at p, of one or two bytes, without a guess at how many. */
static uint32_t ref_at(const uint8_t *p)
{
    uint32_t two = p[0] >> 7;
    return (p[0] & 0x7fu) | ((uint32_t)p[1] << 7 & (0 - two));
}

/* The sum of all places, and the layout of the list: where its references begin. */
static bool sum_packed(struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *refs,
                       uint32_t n, struct ax_hash128 *out)
{
    struct ax_hash128 sum = {0, 0};
    uint32_t i = 0, at = 0;
    s->begins = 0;
    for (; at < n && i < AX_SYMBOL_PLACES; i++) {
        uint32_t ref = ref_at(refs + at), size = 1 + (refs[at] >> 7);
        if (ref >= s->n || at + size > n || (size == 2 && refs[at + 1] & 0x80))
            return false;
        struct ax_hash128 by = k->multipliers[i], term = {s->v[ref].lo * by.lo, s->v[ref].hi * by.hi};
        if (at < CHANGES_MAX) {
            s->begins |= 1ull << at;
            s->at[at] = (struct ax_seen_term){by, term, size == 2 ? UPPER_HALF : 0};
        }
        at += size;
        sum.lo += term.lo;
        sum.hi += term.hi;
    }
    out->lo = sum.lo + k->lengths[i].lo;
    out->hi = sum.hi + k->lengths[i].hi;
    return at == n && i % 2 == 0;
}

/* Which bytes differ, as bits; and of which the upper bit does. 16 bytes are looked at. */
#if defined(__SSE2__)
static uint32_t compare(const uint8_t *a, const uint8_t *b, uint32_t *out_upper)
{
    __m128i x = _mm_loadu_si128((const void *)a), y = _mm_loadu_si128((const void *)b);
    *out_upper = (uint32_t)_mm_movemask_epi8(_mm_xor_si128(x, y));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) ^ 0xffff;
}
#else
static uint32_t compare(const uint8_t *a, const uint8_t *b, uint32_t *out_upper)
{
    uint32_t differ = 0, upper = 0;
    for (uint32_t i = 0; i < 16; i++) {
        differ |= (uint32_t)(a[i] != b[i]) << i;
        upper |= (uint32_t)((a[i] ^ b[i]) >> 7) << i;
    }
    *out_upper = upper;
    return differ;
}
#endif

/* The sum, by what differs from the list before. False when their layouts differ, or a reference is wrong. */
static bool sum_changes(struct ax_seen_symbols *s, const uint8_t *refs, uint32_t n, struct ax_hash128 *out)
{
    uint64_t differ = 0, moved = 0, mine = UINT64_MAX >> (CHANGES_MAX - n);
    for (uint32_t from = 0; from < n; from += 16) {
        uint32_t upper;
        differ |= (uint64_t)compare(refs + from, s->packed + from, &upper) << from;
        moved |= (uint64_t)upper << from;
    }
    if (moved & mine)
        return false;
    struct ax_hash128 sum = s->packed_sum;
    const struct ax_hash128 *v = s->v;
    uint32_t symbols_n = s->n;
    differ &= mine;
    for (uint64_t changed = (differ & s->begins) | (differ & ~s->begins) >> 1; changed;
         changed &= changed - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(changed),
                 bytes = (uint32_t)refs[i] | (uint32_t)refs[i + 1] << 8;
        struct ax_seen_term *at = &s->at[i];
        uint32_t ref = (bytes & 0x7f) | (bytes >> 1 & at->upper);
        if (ref >= symbols_n)
            return false;
        struct ax_hash128 term = {v[ref].lo * at->by.lo, v[ref].hi * at->by.hi};
        sum.lo += term.lo - at->term.lo;
        sum.hi += term.hi - at->term.hi;
        at->term = term;
    }
    *out = sum;
    return true;
}

bool ax_seen_join_packed(struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *refs,
                         uint32_t n, struct ax_hash128 *out)
{
    bool alike = n == s->packed_n && n > 0 && n <= CHANGES_MAX;
    if (!(alike && sum_changes(s, refs, n, out)) && !sum_packed(s, k, refs, n, out)) {
        s->packed_n = 0;
        return false;
    }
    s->packed = refs;
    s->packed_n = n;
    s->packed_sum = *out;
    return true;
}
