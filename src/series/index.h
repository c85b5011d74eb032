/* index.h: from the bytes of a label key to the series it names.
 *
 * Open addressing over pointers to entries; several keys may lead to one series (another order of the
 * labels, labels that are dropped). Not locked: see series/shard.h. */
#ifndef AX_SERIES_INDEX_H
#define AX_SERIES_INDEX_H

#include "base/str.h"
#include "series/ha.h"

#include <stdint.h>

struct ax_series;

/* One known key: the tenant's bytes, then the key's. Who sends it is in the labels, so it goes with the key
 * and not with the series. */
struct ax_index_entry {
    struct ax_series *series;
    struct ax_ha_sender sender;
    uint32_t tenant_n, key_n;
    char bytes[];
};

/* A place in the table, the hash beside the pointer so that a miss touches one line. */
struct ax_index_slot {
    uint64_t hash;
    struct ax_index_entry *entry; /* NULL: free */
};

/* Zero-initialise for an empty index. */
struct ax_index {
    struct ax_index_slot *slots;
    uint32_t cap, n; /* cap is a power of two, or 0 */
};

/* The entry of a key with this hash, its bytes verified; NULL when unknown. O(1). */
const struct ax_index_entry *ax_index_find(const struct ax_index *x, uint64_t hash, struct ax_str tenant,
                                           struct ax_str key);

/* Bring the place of a hash into the cache, so that what comes next does not wait for it. */
void ax_index_prefetch(const struct ax_index *x, uint64_t hash);

/* Is there a key with this hash? Brings its bytes (key_n of them) into the cache for ax_index_find(). */
bool ax_index_prefetch_key(const struct ax_index *x, uint64_t hash, size_t key_n);

/* Add a key that is not in it; bytes are copied. False when out of memory (nothing changes). */
bool ax_index_add(struct ax_index *x, uint64_t hash, struct ax_str tenant, struct ax_str key,
                  struct ax_series *series, struct ax_ha_sender sender);

/* Remove the keys of every series for which gone() says so. O(cap). */
void ax_index_remove(struct ax_index *x, bool (*gone)(const struct ax_series *s));

/* Free everything; the index is empty afterwards. */
void ax_index_done(struct ax_index *x);

#endif
