/* slots.c: an array of label sets with an index by hash. */
#include "expr/slots.h"

#include <stdlib.h>

#define SLOTS_FIRST 16u

uint32_t ax_slots_find(const struct ax_slots *s, const struct ax_labels *labels, uint64_t id)
{
    if (s->table_cap == 0)
        return AX_NO_SLOT;
    uint32_t mask = s->table_cap - 1;
    for (uint32_t i = (uint32_t)id & mask; s->table[i]; i = (i + 1) & mask) {
        const struct ax_slot *slot = &s->v[s->table[i] - 1];
        if (slot->id == id && ax_labels_eq(slot->labels, labels))
            return s->table[i] - 1;
    }
    return AX_NO_SLOT;
}

static void enter(struct ax_slots *s, uint32_t slot)
{
    uint32_t mask = s->table_cap - 1, i = (uint32_t)s->v[slot].id & mask;
    while (s->table[i])
        i = (i + 1) & mask;
    s->table[i] = slot + 1;
}

/* Twice the slots, and an index twice as large as them. */
static bool grow(struct ax_slots *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : SLOTS_FIRST;
    struct ax_slot *v = realloc(s->v, cap * sizeof *v);
    if (!v)
        return false;
    s->v = v;
    uint32_t *table = calloc((size_t)cap * 2, sizeof *table);
    if (!table)
        return false;
    free(s->table);
    s->table = table;
    s->table_cap = cap * 2;
    s->cap = cap;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->v[i].class == i)
            enter(s, i);
    }
    return true;
}

enum ax_err ax_slots_add(struct ax_slots *s, const struct ax_labels *labels, uint64_t id)
{
    if (s->n == s->cap && !grow(s))
        return AX_NOMEM;
    uint32_t first = ax_slots_find(s, labels, id);
    s->v[s->n] = (struct ax_slot){labels, id, first == AX_NO_SLOT ? s->n : first};
    if (first == AX_NO_SLOT)
        enter(s, s->n);
    else
        s->duplicates = true;
    s->n++;
    return AX_OK;
}

void ax_slots_reset(struct ax_slots *s)
{
    s->n = 0;
    s->duplicates = false;
    if (s->table)
        memset(s->table, 0, s->table_cap * sizeof *s->table);
}

void ax_slots_done(struct ax_slots *s)
{
    free(s->v);
    free(s->table);
    *s = (struct ax_slots){0};
}
