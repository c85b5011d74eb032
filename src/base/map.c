/* map.c: linear probing at most half full, with backward-shift deletion (no tombstones). */
#include "base/map.h"

#include "base/pages.h"

#include <stdlib.h>

#define PAGES_FROM ((size_t)2 << 20) /* bytes of a table that is worth pages of its own */

struct ax_map_slot {
    uint64_t key;
    void *pointer; /* NULL: free */
};

/* Spread the key: callers' hashes are good, but their low bits may be used up by sharding. */
static uint32_t home(const struct ax_map *m, uint64_t key)
{
    return (uint32_t)((key * 0x9E3779B97F4A7C15u) >> 32) & (m->cap - 1);
}

static uint32_t find(const struct ax_map *m, uint64_t key)
{
    uint32_t i = home(m, key);
    while (m->slots[i].pointer && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *ax_map_get(const struct ax_map *m, uint64_t key)
{
    return m->cap ? m->slots[find(m, key)].pointer : NULL;
}

static struct ax_map_slot *new_slots(uint32_t cap)
{
    size_t bytes = cap * sizeof(struct ax_map_slot);
    return bytes < PAGES_FROM ? calloc(1, bytes) : ax_pages_new(bytes);
}

static void free_slots(struct ax_map *m)
{
    size_t bytes = m->cap * sizeof *m->slots;
    if (bytes < PAGES_FROM)
        free(m->slots);
    else
        ax_pages_free(m->slots, bytes);
}

static enum ax_err grow(struct ax_map *m)
{
    struct ax_map bigger = {.cap = m->cap ? m->cap * 2 : 16, .n = m->n};
    bigger.slots = new_slots(bigger.cap);
    if (!bigger.slots)
        return AX_NOMEM;
    for (uint32_t i = 0; i < m->cap; i++)
        if (m->slots[i].pointer)
            bigger.slots[find(&bigger, m->slots[i].key)] = m->slots[i];
    free_slots(m);
    *m = bigger;
    return AX_OK;
}

enum ax_err ax_map_put(struct ax_map *m, uint64_t key, void *pointer)
{
    if (m->n >= m->cap / 2) {
        enum ax_err err = grow(m);
        if (err != AX_OK)
            return err;
    }
    uint32_t i = find(m, key);
    m->n += m->slots[i].pointer == NULL;
    m->slots[i] = (struct ax_map_slot){key, pointer};
    return AX_OK;
}

void *ax_map_remove(struct ax_map *m, uint64_t key)
{
    if (!m->cap)
        return NULL;
    uint32_t hole = find(m, key), mask = m->cap - 1;
    void *pointer = m->slots[hole].pointer;
    if (!pointer)
        return NULL;
    for (uint32_t i = (hole + 1) & mask; m->slots[i].pointer; i = (i + 1) & mask) {
        /* May the entry at i fill the hole? Only when its home is not between hole and i. */
        uint32_t h = home(m, m->slots[i].key);
        if (((i - h) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole].pointer = NULL;
    m->n--;
    return pointer;
}

void *ax_map_next(const struct ax_map *m, uint32_t *cursor)
{
    while (*cursor < m->cap) {
        void *pointer = m->slots[(*cursor)++].pointer;
        if (pointer)
            return pointer;
    }
    return NULL;
}

void ax_map_done(struct ax_map *m)
{
    free_slots(m);
    *m = (struct ax_map){0};
}
