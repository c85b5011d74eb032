/* slots.h: the label sets that one node of an expression has given its results so far.
 *
 * A slot is made once and kept, so that an element of a vector is a slot's number and a value, and no
 * label is touched in the steady state. Slots with equal labels are of one class: that of the first. */
#ifndef AX_EXPR_SLOTS_H
#define AX_EXPR_SLOTS_H

#include "prom/labels.h"

/* One label set. labels belong to the bound expression's arena or to a series. */
struct ax_slot {
    const struct ax_labels *labels;
    uint64_t id;    /* seeded hash of the labels */
    uint32_t class; /* lowest slot with these labels */
};

/* Zero-initialise. */
struct ax_slots {
    struct ax_slot *v;
    uint32_t n, cap;
    uint32_t *table; /* open addressing: slot + 1, 0 is free; of first slots of a class */
    uint32_t table_cap;
    bool duplicates; /* some class has two slots */
};

/* The slot of a label set, AX_NO_SLOT when there is none. */
uint32_t ax_slots_find(const struct ax_slots *s, const struct ax_labels *labels, uint64_t id);

#define AX_NO_SLOT UINT32_MAX

/* Add a slot (also when its labels are there). AX_NOMEM leaves it as it was. Amortised O(1). */
AX_MUST_USE enum ax_err ax_slots_add(struct ax_slots *s, const struct ax_labels *labels, uint64_t id);

/* Forget all slots; keeps the memory. */
void ax_slots_reset(struct ax_slots *s);

/* Free the memory. */
void ax_slots_done(struct ax_slots *s);

#endif
