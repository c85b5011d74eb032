/* index.c: linear probing at a load of at most 1/2, deletion by shifting back (no tombstones). */
#include "series/index.h"

#include "base/pages.h"

#include <stdlib.h>

#define INDEX_FIRST 256u

static void place(struct ax_index *x, struct ax_index_entry entry)
{
    uint32_t i = ax_index_home(x, entry.hash);
    while (x->slots[i].series)
        i = (i + 1) & (x->cap - 1);
    x->slots[i] = entry;
}

static bool grow(struct ax_index *x)
{
    struct ax_index bigger = {.cap = x->cap ? x->cap * 2 : INDEX_FIRST, .n = x->n};
    bigger.slots = ax_pages_new(bigger.cap * sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (uint32_t i = 0; i < x->cap; i++) {
        if (x->slots[i].series)
            place(&bigger, x->slots[i]);
    }
    ax_pages_free(x->slots, x->cap * sizeof *x->slots);
    *x = bigger;
    return true;
}

bool ax_index_add(struct ax_index *x, struct ax_hash128 hash, struct ax_series *series,
                  struct ax_ha_sender sender)
{
    struct ax_index_entry entry = {hash, series, NULL};
    if (x->n >= x->cap / 2 && !grow(x))
        return false;
    if (sender.cluster) {
        entry.sender = malloc(sizeof *entry.sender);
        if (!entry.sender)
            return false;
        *entry.sender = sender;
    }
    place(x, entry);
    x->n++;
    return true;
}

/* Close the hole at i: move back every later entry of the run that may stand there. */
static void remove_at(struct ax_index *x, uint32_t i)
{
    free(x->slots[i].sender);
    x->n--;
    uint32_t mask = x->cap - 1, hole = i;
    for (uint32_t k = (i + 1) & mask; x->slots[k].series; k = (k + 1) & mask) {
        if (((k - ax_index_home(x, x->slots[k].hash)) & mask) >= ((k - hole) & mask)) {
            x->slots[hole] = x->slots[k];
            hole = k;
        }
    }
    x->slots[hole].series = NULL;
}

void ax_index_remove(struct ax_index *x, bool (*gone)(const struct ax_series *s))
{
    for (uint32_t i = 0; i < x->cap; i++) {
        while (x->slots[i].series && gone(x->slots[i].series))
            remove_at(x, i);
    }
}

void ax_index_done(struct ax_index *x)
{
    for (uint32_t i = 0; i < x->cap; i++) {
        if (x->slots[i].series)
            free(x->slots[i].sender);
    }
    ax_pages_free(x->slots, x->cap * sizeof *x->slots);
    *x = (struct ax_index){0};
}
