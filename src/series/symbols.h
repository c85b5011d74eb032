/* symbols.h: the texts of the labels by which wanted series are known from 2.0 requests, each once.
 *
 * A 2.0 request names its labels by places in a list of texts. That list is looked up once for a request:
 * every text gets its number here (0: it is in no wanted series that was known so) and 128 bits of seeded
 * hash. A series is then known by the numbers of its texts: as exact as to compare the texts, and
 * at a cost that does not grow with them. What is not wanted is known by hashes alone, as other keys are
 * (series/negative.h). Not locked: see series/shard.h. */
#ifndef AX_SERIES_SYMBOLS_H
#define AX_SERIES_SYMBOLS_H

#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"

/* Places in a list of labels for which the multipliers are kept. */
#define AX_SYMBOL_PLACES 64u

/* One text. */
struct ax_symbol {
    uint64_t hash_lo, hash_hi;
    uint32_t number, n;
    char text[];
};

/* All texts. Zero-initialise, then ax_symbols_init(). */
struct ax_symbols {
    uint64_t seed;
    struct ax_map by_hash;        /* to struct ax_symbol, by the lower half */
    struct ax_symbol **by_number; /* NULL: the number is free */
    uint32_t *free_numbers;
    uint32_t numbers_n, numbers_cap, free_n;
    uint64_t sweeps; /* after a sweep numbers may be given to other texts */
    struct ax_hash128 multipliers[AX_SYMBOL_PLACES];
};

/* Set the seed. Allocates nothing. */
void ax_symbols_init(struct ax_symbols *t, uint64_t seed);

/* Free everything. */
void ax_symbols_done(struct ax_symbols *t);

/* The number of a text with this hash, its bytes compared; 0 when it is not there. O(1). */
uint32_t ax_symbols_find(const struct ax_symbols *t, struct ax_hash128 hash, struct ax_str text);

/* The number of a text, which is added if it is not there; 0 when out of memory, or when another text has the
 * same lower half of the hash: once in 2^64 pairs. */
uint32_t ax_symbols_add(struct ax_symbols *t, struct ax_hash128 hash, struct ax_str text);

/* Forget every text whose number is not marked in a bit set of numbers_n bits. O(numbers_n). */
void ax_symbols_sweep(struct ax_symbols *t, const uint64_t *used);

/* One text of a request. */
struct ax_seen_symbol {
    struct ax_hash128 hash;
    uint32_t number;
};

/* The texts of one request as they were looked up; zero-initialise, use again and again. */
struct ax_seen_symbols {
    const struct ax_str *texts; /* the request's */
    uint32_t n, cap;
    struct ax_seen_symbol *v;
    uint64_t sweeps; /* at the look-up */
};

/* Note the texts of a request. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_seen_begin(struct ax_seen_symbols *s, const struct ax_str *texts, uint32_t n);

/* Hash all of them, and look them up. */
void ax_seen_find(struct ax_seen_symbols *s, const struct ax_symbols *t);

/* Free the memory. */
void ax_seen_done(struct ax_seen_symbols *s);

/* Numbers and joint hash of n references into the texts of a request; true when every text has a number.
 * Multilinear in the hashes of the texts, with odd multipliers from the seed for each place, in two
 * independent halves: lists that differ collide as random ones do, for whoever does not know the seed. */
bool ax_seen_join(const struct ax_seen_symbols *s, const struct ax_symbols *t, const uint32_t *refs,
                  uint32_t n, uint32_t *numbers, struct ax_hash128 *out);

#endif
