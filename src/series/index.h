/* index.h: from the hash of a key to the series it names.
 *
 * The hash stands for the key: 128 bits under a secret seed (base/key_hash.h), which nobody can make collide,
 * so that a look-up touches one line of memory and no bytes of a key. Open addressing; several keys may lead
 * to one series (another order of the labels, labels that are dropped). Not locked: see series/shard.h. */
#ifndef AX_SERIES_INDEX_H
#define AX_SERIES_INDEX_H

#include "base/hash.h"
#include "series/ha.h"

#include <stdbool.h>
#include <stdint.h>

struct ax_series;

/* One known key. Who sends it is in the labels, so it goes with the key and not with the series. */
struct ax_index_entry {
    struct ax_hash128 hash;
    struct ax_series *series;    /* NULL: the place is free */
    struct ax_ha_sender *sender; /* NULL: no replica of anything */
};

/* Zero-initialise for an empty index. */
struct ax_index {
    struct ax_index_entry *slots;
    uint32_t cap, n; /* cap is a power of two, or 0 */
};

/* Where a hash is looked for first. */
static inline uint32_t ax_index_home(const struct ax_index *x, struct ax_hash128 hash)
{
    return (uint32_t)hash.lo & (x->cap - 1);
}

/* The entry of a key with this hash; NULL when unknown. Valid until the index changes. O(1). */
static inline const struct ax_index_entry *ax_index_find(const struct ax_index *x, struct ax_hash128 hash)
{
    if (x->cap == 0)
        return NULL;
    for (uint32_t i = ax_index_home(x, hash); x->slots[i].series; i = (i + 1) & (x->cap - 1)) {
        if (x->slots[i].hash.lo == hash.lo && x->slots[i].hash.hi == hash.hi)
            return &x->slots[i];
    }
    return NULL;
}

/* Bring the place of a hash into the cache, so that what comes next does not wait for it. */
static inline void ax_index_prefetch(const struct ax_index *x, struct ax_hash128 hash)
{
    if (x->cap)
        __builtin_prefetch(&x->slots[ax_index_home(x, hash)]);
}

/* Add a key that is not in it. False when out of memory (nothing changes). */
bool ax_index_add(struct ax_index *x, struct ax_hash128 hash, struct ax_series *series,
                  struct ax_ha_sender sender);

/* Remove the keys of every series for which gone() says so. O(cap). */
void ax_index_remove(struct ax_index *x, bool (*gone)(const struct ax_series *s));

/* Free everything; the index is empty afterwards. */
void ax_index_done(struct ax_index *x);

#endif
