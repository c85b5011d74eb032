/* symbols.c: lists of texts hash as sums over places. */
#include "series/symbols.h"

#include <endian.h>
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

#define UPPER 0x8080808080808080u /* set in each byte behind which its reference goes on */
#define WORD 8u

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

/* How many bytes have their upper bit set; the others are 0. */
static uint32_t count_upper(uint64_t v)
{
    return (uint32_t)((v >> 7) * 0x0101010101010101u >> 56);
}

/* The reference at p, of one or two bytes. */
static uint32_t ref_at(const uint8_t *p)
{
    uint32_t ref = p[0];
    return ref & 0x80 ? (ref & 0x7f) | (uint32_t)p[1] << 7 : ref;
}

/* The sum of all places. */
static bool sum_packed(const struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *p,
                       uint32_t n, struct ax_hash128 *out)
{
    const uint8_t *end = p + n;
    struct ax_hash128 sum = {0, 0};
    uint32_t i = 0;
    for (; p < end && i < AX_SYMBOL_PLACES; i++) {
        uint32_t ref = ref_at(p), size = 1 + (*p >> 7);
        if (ref >= s->n || (size == 2 && (p + 1 == end || p[1] & 0x80)))
            return false;
        p += size;
        sum.lo += s->v[ref].lo * k->multipliers[i].lo;
        sum.hi += s->v[ref].hi * k->multipliers[i].hi;
    }
    out->lo = sum.lo + k->lengths[i].lo;
    out->hi = sum.hi + k->lengths[i].hi;
    return p == end && i % 2 == 0;
}

/* Where two lists of the same layout differ. */
struct change {
    const uint8_t *now, *before; /* the lists */
    uint32_t done;               /* bytes that are looked at */
};

/* Take the reference that byte `at` belongs to, whose place is that of the references that end before it. */
static bool change_at(const struct ax_seen_symbols *s, const struct ax_symbol_keys *k, struct change *c,
                      uint32_t at, uint32_t place, struct ax_hash128 *sum)
{
    uint32_t begin = at > 0 && c->now[at - 1] & 0x80 ? at - 1 : at;
    uint32_t ref = ref_at(c->now + begin), was = ref_at(c->before + begin);
    struct ax_hash128 by = k->multipliers[place];
    if (ref >= s->n)
        return false;
    sum->lo += (s->v[ref].lo - s->v[was].lo) * by.lo;
    sum->hi += (s->v[ref].hi - s->v[was].hi) * by.hi;
    c->done = begin + 1 + (c->now[begin] >> 7);
    return true;
}

/* The sum, by what differs from the list before. False when their layouts differ, or a reference is wrong. */
static bool sum_changes(const struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *refs,
                        uint32_t n, struct ax_hash128 *out)
{
    struct change c = {refs, s->packed, 0};
    struct ax_hash128 sum = s->packed_sum;
    uint32_t ended = 0; /* references that end before this word */
    for (uint32_t from = 0; from < n; from += WORD) {
        uint64_t now = word(refs + from), differ = now ^ word(c.before + from), ends = ~now & UPPER;
        if (n - from < WORD)
            differ &= (1ull << 8 * (n - from)) - 1;
        if (differ & UPPER)
            return false;
        while (differ) {
            uint32_t byte = (uint32_t)__builtin_ctzll(differ) / 8, at = from + byte;
            uint64_t below = (1ull << 8 * byte) - 1;
            differ &= ~(below << 8 | 0xff);
            if (at >= c.done && !change_at(s, k, &c, at, ended + count_upper(ends & below), &sum))
                return false;
        }
        ended += count_upper(ends);
    }
    *out = sum;
    return true;
}

bool ax_seen_join_packed(struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *refs,
                         uint32_t n, struct ax_hash128 *out)
{
    if ((n != s->packed_n || n == 0 || !sum_changes(s, k, refs, n, out)) && !sum_packed(s, k, refs, n, out)) {
        s->packed_n = 0;
        return false;
    }
    s->packed = refs;
    s->packed_n = n;
    s->packed_sum = *out;
    return true;
}
