/* index.c: linear probing at a load of at most 3/4, deletion by shifting back (no tombstones). */
#include "series/index.h"

#include "base/pages.h"

#include <stdlib.h>

#define INDEX_FIRST 256u
#define CACHE_LINE 64u

static bool same(const struct ax_index_entry *e, struct ax_str tenant, struct ax_str key)
{
    return e->tenant_n == tenant.n && e->key_n == key.n &&
           memcmp(e->bytes + e->tenant_n, key.p, key.n) == 0 &&
           (tenant.n == 0 || memcmp(e->bytes, tenant.p, tenant.n) == 0);
}

const struct ax_index_entry *ax_index_find(const struct ax_index *x, uint64_t hash, struct ax_str tenant,
                                           struct ax_str key)
{
    if (x->cap == 0)
        return NULL;
    for (uint32_t i = (uint32_t)hash & (x->cap - 1); x->slots[i].entry; i = (i + 1) & (x->cap - 1)) {
        if (x->slots[i].hash == hash && same(x->slots[i].entry, tenant, key))
            return x->slots[i].entry;
    }
    return NULL;
}

void ax_index_prefetch(const struct ax_index *x, uint64_t hash)
{
    if (x->cap)
        __builtin_prefetch(&x->slots[(uint32_t)hash & (x->cap - 1)]);
}

bool ax_index_prefetch_key(const struct ax_index *x, uint64_t hash, size_t key_n)
{
    if (x->cap == 0)
        return false;
    uint32_t i = (uint32_t)hash & (x->cap - 1);
    while (x->slots[i].entry && x->slots[i].hash != hash)
        i = (i + 1) & (x->cap - 1);
    const char *entry = (const char *)x->slots[i].entry;
    if (!entry)
        return false;
    const char *end = entry + sizeof *x->slots[i].entry + key_n - 1;
    for (const char *p = entry; p < end; p += CACHE_LINE)
        __builtin_prefetch(p);
    __builtin_prefetch(end);
    return true;
}

static void place(struct ax_index_slot *slots, uint32_t cap, struct ax_index_slot slot)
{
    uint32_t i = (uint32_t)slot.hash & (cap - 1);
    while (slots[i].entry)
        i = (i + 1) & (cap - 1);
    slots[i] = slot;
}

static bool grow(struct ax_index *x)
{
    uint32_t cap = x->cap ? x->cap * 2 : INDEX_FIRST;
    struct ax_index_slot *slots = ax_pages_new(cap * sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < x->cap; i++) {
        if (x->slots[i].entry)
            place(slots, cap, x->slots[i]);
    }
    ax_pages_free(x->slots, x->cap * sizeof *x->slots);
    x->slots = slots;
    x->cap = cap;
    return true;
}

bool ax_index_add(struct ax_index *x, uint64_t hash, struct ax_str tenant, struct ax_str key,
                  struct ax_series *series, struct ax_ha_sender sender)
{
    if ((uint64_t)x->n * 4 + 4 > (uint64_t)x->cap * 3 && !grow(x))
        return false;
    struct ax_index_entry *e = malloc(sizeof *e + tenant.n + key.n);
    if (!e)
        return false;
    e->series = series;
    e->sender = sender;
    e->tenant_n = (uint32_t)tenant.n;
    e->key_n = (uint32_t)key.n;
    if (tenant.n)
        memcpy(e->bytes, tenant.p, tenant.n);
    memcpy(e->bytes + tenant.n, key.p, key.n);
    place(x->slots, x->cap, (struct ax_index_slot){hash, e});
    x->n++;
    return true;
}

/* Close the hole at i: move back every later entry of the run that may stand there. */
static void remove_at(struct ax_index *x, uint32_t i)
{
    struct ax_index_entry *removed = x->slots[i].entry;
    x->n--;
    uint32_t mask = x->cap - 1, hole = i;
    for (uint32_t k = (i + 1) & mask; x->slots[k].entry; k = (k + 1) & mask) {
        uint32_t home = (uint32_t)x->slots[k].hash & mask;
        if (((k - home) & mask) >= ((k - hole) & mask)) {
            x->slots[hole] = x->slots[k];
            hole = k;
        }
    }
    x->slots[hole].entry = NULL;
    free(removed);
}

void ax_index_remove(struct ax_index *x, bool (*gone)(const struct ax_series *s))
{
    for (uint32_t i = 0; i < x->cap; i++) {
        while (x->slots[i].entry && gone(x->slots[i].entry->series))
            remove_at(x, i);
    }
}

void ax_index_done(struct ax_index *x)
{
    for (uint32_t i = 0; i < x->cap; i++)
        free(x->slots[i].entry);
    ax_pages_free(x->slots, x->cap * sizeof *x->slots);
    *x = (struct ax_index){0};
}
