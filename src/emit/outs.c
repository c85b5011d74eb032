/* outs.c: a hash table with chains, swept when many of its series are closed. */
#include "emit/outs.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdlib.h>

#define SWEEP_LEAST 1024u
#define FIRST_BUCKETS 1024u

enum ax_err ax_outs_init(struct ax_outs *t, uint64_t seed)
{
    *t = (struct ax_outs){
        .buckets_n = FIRST_BUCKETS, .sweep_at = SWEEP_LEAST, .newest_ms = INT64_MIN, .seed = seed};
    t->buckets = calloc(t->buckets_n, sizeof(struct ax_out *));
    return t->buckets ? AX_OK : AX_NOMEM;
}

void ax_outs_done(struct ax_outs *t)
{
    for (uint32_t i = 0; t->buckets && i < t->buckets_n; i++)
        for (struct ax_out *o = t->buckets[i], *next; o; o = next) {
            next = o->next;
            free(o);
        }
    free(t->buckets);
    *t = (struct ax_outs){0};
}

static struct ax_out **bucket_of(const struct ax_outs *t, uint64_t hash)
{
    return &t->buckets[hash & (t->buckets_n - 1)];
}

static void grow(struct ax_outs *t)
{
    struct ax_outs bigger = {.buckets_n = t->buckets_n * 2};
    bigger.buckets = bigger.buckets_n ? calloc(bigger.buckets_n, sizeof(struct ax_out *)) : NULL;
    if (!bigger.buckets)
        return; /* longer chains */
    for (uint32_t i = 0; i < t->buckets_n; i++)
        for (struct ax_out *o = t->buckets[i], *next; o; o = next) {
            struct ax_out **bucket = bucket_of(&bigger, o->hash);
            next = o->next;
            o->next = *bucket;
            *bucket = o;
        }
    free(t->buckets);
    t->buckets = bigger.buckets;
    t->buckets_n = bigger.buckets_n;
}

bool ax_outs_is_past(const struct ax_outs *t, int64_t t_ms)
{
    return t_ms == INT64_MIN ||
           (t_ms <= t->newest_ms && (uint64_t)t->newest_ms - (uint64_t)t_ms >= (uint64_t)AX_OUTS_REMEMBER_MS);
}

static struct ax_out *add(struct ax_outs *t, uint64_t hash, struct ax_str key)
{
    struct ax_out *out = key.n < UINT32_MAX ? calloc(1, sizeof *out + key.n) : NULL;
    if (!out)
        return NULL;
    out->hash = hash;
    out->last_ms = INT64_MIN;
    out->key_n = (uint32_t)key.n;
    if (key.n)
        memcpy(out->key, key.p, key.n);
    if (t->n >= t->buckets_n)
        grow(t);
    struct ax_out **bucket = bucket_of(t, hash);
    out->next = *bucket;
    *bucket = out;
    t->n++;
    t->closed_n++;
    return out;
}

struct ax_out *ax_outs_find(struct ax_outs *t, struct ax_str key)
{
    uint64_t hash = ax_hash64(key.p, key.n, t->seed);
    for (struct ax_out *o = *bucket_of(t, hash); o; o = o->next)
        if (o->hash == hash && ax_str_eq(ax_out_key(o), key))
            return o;
    return add(t, hash, key);
}

void ax_outs_open(struct ax_outs *t, struct ax_out *out)
{
    if (out->handles++ == 0)
        t->closed_n--;
}

void ax_outs_close(struct ax_outs *t, struct ax_out *out)
{
    AX_ASSERT(out->handles > 0);
    if (--out->handles == 0)
        t->closed_n++;
}

void ax_outs_saw(struct ax_outs *t, struct ax_out *out, int64_t t_ms)
{
    if (t_ms > out->last_ms)
        out->last_ms = t_ms;
    if (t_ms > t->newest_ms)
        t->newest_ms = t_ms;
}

void ax_outs_sweep(struct ax_outs *t)
{
    if (t->closed_n < t->sweep_at)
        return;
    for (uint32_t i = 0; i < t->buckets_n; i++)
        for (struct ax_out **at = &t->buckets[i]; *at;) {
            struct ax_out *o = *at;
            if (o->handles || !ax_outs_is_past(t, o->last_ms)) {
                at = &o->next;
                continue;
            }
            *at = o->next;
            t->n--;
            t->closed_n--;
            free(o);
        }
    t->sweep_at = t->closed_n * 2 > SWEEP_LEAST ? t->closed_n * 2 : SWEEP_LEAST;
}

struct ax_str ax_out_key(const struct ax_out *out)
{
    return (struct ax_str){out->key, out->key_n};
}
