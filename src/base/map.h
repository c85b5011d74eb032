/* map.h: from 64-bit keys to pointers; open addressing, for keys that are hashes already.
 *
 * Not thread-safe. The pointers belong to the caller. Lookup O(1); growth doubles. */
#ifndef AX_BASE_MAP_H
#define AX_BASE_MAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ax_map_slot;

/* Zero-initialise for an empty map. */
struct ax_map {
    struct ax_map_slot *slots;
    uint32_t cap, n;
};

/* The pointer of a key, or NULL. */
void *ax_map_get(const struct ax_map *m, uint64_t key);

/* Set the pointer (not NULL) of a key. AX_NOMEM leaves the map as it was. */
AX_MUST_USE enum ax_err ax_map_put(struct ax_map *m, uint64_t key, void *pointer);

/* Remove a key; returns its pointer or NULL. */
void *ax_map_remove(struct ax_map *m, uint64_t key);

/* Walk all entries: *cursor starts at 0; NULL ends. Nothing may be put meanwhile; removing the entry
 * just returned may move another one past the cursor, so collect first, then remove. */
void *ax_map_next(const struct ax_map *m, uint32_t *cursor);

/* Free the table, not what it points to. */
void ax_map_done(struct ax_map *m);

#endif
