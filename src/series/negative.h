/* negative.h: a bounded memory of keys that nobody wants, and why: 128 bits of hash each, no bytes.
 *
 * Set-associative; a key that finds its set full takes the place of another one, and forgetting a key costs
 * one parse, nothing else. Two bits of the hash give way to the reason; the 126 others make a wrong
 * answer a matter of 2^-63 even at a billion keys. Finding and adding take no lock, and run beside
 * each other: the halves of two keys are found together no sooner than two keys collide. */
#ifndef AX_SERIES_NEGATIVE_H
#define AX_SERIES_NEGATIVE_H

#include "base/hash.h"

#include <stdatomic.h>
#include <stdbool.h>

/* One key; {0, 0} is free. */
struct ax_negative_key {
    _Atomic uint64_t lo, hi;
};

/* Zero-initialise, then ax_negative_init(). */
struct ax_negative {
    struct ax_negative_key *v; /* sets of AX_NEGATIVE_WAYS */
    uint32_t sets;
    atomic_bool any[4]; /* [reason] added since those were forgotten */
};

#define AX_NEGATIVE_WAYS 8u

/* Room for about `entries` keys (at least one set). False when out of memory. Memory is used as keys come. */
bool ax_negative_init(struct ax_negative *c, uint32_t entries);

/* The reason (1 to 3) under which a key is remembered, or 0. O(1). */
unsigned ax_negative_find(const struct ax_negative *c, struct ax_hash128 hash);

/* Bring what is mostly read for a hash into the cache. */
void ax_negative_prefetch(const struct ax_negative *c, struct ax_hash128 hash);

/* Remember a key under a reason of 1 to 3. O(1). */
void ax_negative_add(struct ax_negative *c, struct ax_hash128 hash, unsigned reason);

/* Forget all keys; nobody finds or adds meanwhile. */
void ax_negative_clear(struct ax_negative *c);

/* Forget those of one reason, likewise; O(1) when there are none. */
void ax_negative_forget(struct ax_negative *c, unsigned reason);

/* Free the memory. */
void ax_negative_done(struct ax_negative *c);

#endif
