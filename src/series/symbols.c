/* symbols.c: a map from hashes to texts; lists of texts hash as sums over places. */
#include "series/symbols.h"

#include <stdlib.h>

#define NUMBERS_FIRST 64u
#define TOGETHER 64u /* texts looked up at once */

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

void ax_symbols_init(struct ax_symbols *t, uint64_t seed)
{
    *t = (struct ax_symbols){.seed = seed};
    for (uint32_t i = 0; i < AX_SYMBOL_PLACES; i++)
        t->multipliers[i] = multiplier(seed, i);
}

void ax_symbols_done(struct ax_symbols *t)
{
    for (uint32_t i = 0; i < t->numbers_n; i++)
        free(t->by_number[i]);
    ax_map_done(&t->by_hash);
    free(t->by_number);
    free(t->free_numbers);
    *t = (struct ax_symbols){0};
}

static bool same(const struct ax_symbol *s, struct ax_hash128 hash, struct ax_str text)
{
    return s->hash_hi == hash.hi && ax_str_eq((struct ax_str){s->text, s->n}, text);
}

uint32_t ax_symbols_find(const struct ax_symbols *t, struct ax_hash128 hash, struct ax_str text)
{
    const struct ax_symbol *s = ax_map_get(&t->by_hash, hash.lo);
    return s && same(s, hash, text) ? s->number : 0;
}

/* A number that no text has; the tables grown if there is none. 0 is none. */
static uint32_t take_number(struct ax_symbols *t)
{
    if (t->free_n)
        return t->free_numbers[--t->free_n];
    if (t->numbers_n == t->numbers_cap) {
        uint32_t cap = t->numbers_cap ? t->numbers_cap * 2 : NUMBERS_FIRST;
        struct ax_symbol **by_number = realloc(t->by_number, cap * sizeof(struct ax_symbol *));
        if (!by_number)
            return 0;
        t->by_number = by_number;
        uint32_t *free_numbers = realloc(t->free_numbers, cap * sizeof *free_numbers);
        if (!free_numbers)
            return 0;
        t->free_numbers = free_numbers;
        t->numbers_cap = cap;
    }
    if (t->numbers_n == 0)
        t->by_number[t->numbers_n++] = NULL;
    return t->numbers_n++;
}

uint32_t ax_symbols_add(struct ax_symbols *t, struct ax_hash128 hash, struct ax_str text)
{
    struct ax_symbol *s = ax_map_get(&t->by_hash, hash.lo);
    if (s)
        return same(s, hash, text) ? s->number : 0;
    uint32_t number = take_number(t);
    if (number == 0)
        return 0;
    s = malloc(sizeof *s + text.n);
    if (!s || ax_map_put(&t->by_hash, hash.lo, s) != AX_OK) {
        free(s);
        t->by_number[number] = NULL;
        t->free_numbers[t->free_n++] = number;
        return 0;
    }
    s->hash_lo = hash.lo;
    s->hash_hi = hash.hi;
    s->number = number;
    s->n = (uint32_t)text.n;
    if (text.n)
        memcpy(s->text, text.p, text.n);
    t->by_number[number] = s;
    return number;
}

void ax_symbols_sweep(struct ax_symbols *t, const uint64_t *used)
{
    t->sweeps++;
    for (uint32_t number = 1; number < t->numbers_n; number++) {
        struct ax_symbol *s = t->by_number[number];
        if (!s || used[number / 64] >> number % 64 & 1)
            continue;
        (void)ax_map_remove(&t->by_hash, s->hash_lo);
        t->by_number[number] = NULL;
        t->free_numbers[t->free_n++] = number;
        free(s);
    }
}

enum ax_err ax_seen_begin(struct ax_seen_symbols *s, const struct ax_str *texts, uint32_t n)
{
    if (n > s->cap) {
        uint32_t cap = s->cap ? s->cap : 1024;
        while (cap < n)
            cap = cap > UINT32_MAX / 2 ? n : cap * 2;
        struct ax_seen_symbol *v = realloc(s->v, cap * sizeof *v);
        if (!v)
            return AX_NOMEM;
        s->v = v;
        s->cap = cap;
    }
    s->texts = texts;
    s->n = n;
    return AX_OK;
}

/* Some texts, stage by stage: each asks for the memory that the next one needs of all of them. */
static void find_some(struct ax_seen_symbol *v, const struct ax_str *texts, uint32_t n,
                      const struct ax_symbols *t)
{
    const struct ax_symbol *found[TOGETHER];
    for (uint32_t i = 0; i < n; i++) {
        v[i].hash = ax_hash128(texts[i].p, texts[i].n, t->seed);
        ax_map_prefetch(&t->by_hash, v[i].hash.lo);
    }
    for (uint32_t i = 0; i < n; i++) {
        found[i] = ax_map_get(&t->by_hash, v[i].hash.lo);
        if (found[i]) {
            __builtin_prefetch(found[i]);
            __builtin_prefetch(found[i]->text + texts[i].n);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        v[i].number = found[i] && same(found[i], v[i].hash, texts[i]) ? found[i]->number : 0;
}

void ax_seen_find(struct ax_seen_symbols *s, const struct ax_symbols *t)
{
    s->sweeps = t->sweeps;
    for (uint32_t from = 0; from < s->n; from += TOGETHER) {
        uint32_t n = s->n - from < TOGETHER ? s->n - from : TOGETHER;
        find_some(s->v + from, s->texts + from, n, t);
    }
}

void ax_seen_done(struct ax_seen_symbols *s)
{
    free(s->v);
    *s = (struct ax_seen_symbols){0};
}

bool ax_seen_join(const struct ax_seen_symbols *s, const struct ax_symbols *t, const uint32_t *refs,
                  uint32_t n, uint32_t *numbers, struct ax_hash128 *out)
{
    struct ax_hash128 sum = {mix(t->seed ^ n), mix(t->seed + n)};
    uint32_t near = n < AX_SYMBOL_PLACES ? n : AX_SYMBOL_PLACES;
    bool known = true;
    for (uint32_t i = 0; i < near; i++) {
        const struct ax_seen_symbol *v = &s->v[refs[i]];
        sum.lo += v->hash.lo * t->multipliers[i].lo;
        sum.hi += v->hash.hi * t->multipliers[i].hi;
        numbers[i] = v->number;
        known &= v->number != 0;
    }
    for (uint32_t i = near; i < n; i++) {
        const struct ax_seen_symbol *v = &s->v[refs[i]];
        struct ax_hash128 by = multiplier(t->seed, i);
        sum.lo += v->hash.lo * by.lo;
        sum.hi += v->hash.hi * by.hi;
        numbers[i] = v->number;
        known &= v->number != 0;
    }
    *out = sum;
    return known;
}
