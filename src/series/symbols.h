/* symbols.h: the labels of a 2.0 request, which names them by places in a list of texts.
 *
 * Each text is hashed once for a request (base/key_hash.h), and a series is known by the joint hash of its
 * texts in their order: as a key of 1.0 is by its own, without being spelled out. Series mostly differ from
 * the one before in few places, so that only these are computed anew. Not locked: belongs to a request. */
#ifndef AX_SERIES_SYMBOLS_H
#define AX_SERIES_SYMBOLS_H

#include "base/err.h"
#include "base/key_hash.h"
#include "base/str.h"

#include <stdbool.h>

/* Places in a list of labels for which the multipliers are kept, and that are remembered of the series
 * before. */
#define AX_SYMBOL_PLACES 64u

/* What lists of texts are multiplied by; immutable once made. */
struct ax_symbol_keys {
    uint64_t seed;
    struct ax_hash128 multipliers[AX_SYMBOL_PLACES];
    struct ax_hash128 lengths[AX_SYMBOL_PLACES + 1]; /* what lists of so many texts have more */
};

/* Make them of a seed. */
void ax_symbol_keys_init(struct ax_symbol_keys *k, uint64_t seed);

/* A reference of a packed list: what its text is multiplied by, what that came to, and which bits of its two
 * bytes, shifted, are its upper half. */
struct ax_seen_term {
    struct ax_hash128 by, term;
    uint32_t upper;
};

/* The texts of one request; zero-initialise, use again and again. */
struct ax_seen_symbols {
    struct ax_hash128 *v; /* of each text */
    uint32_t n, cap;
    uint32_t before_n; /* references of the series before; 0: none yet */
    struct ax_hash128 before;
    uint32_t before_refs[AX_SYMBOL_PLACES];
    const uint8_t *packed; /* the same for packed references, in the request; packed_n 0: none yet */
    uint32_t packed_n;
    struct ax_hash128 packed_sum;
    uint64_t begins; /* bytes of the list where a reference begins, as bits; what it is: */
    struct ax_seen_term at[AX_SYMBOL_PLACES];
};

/* Take the texts of a request. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_seen_begin(struct ax_seen_symbols *s, const struct ax_key_hash *h,
                                      const struct ax_str *texts, uint32_t n);

/* Free the memory. */
void ax_seen_done(struct ax_seen_symbols *s);

/* Joint hash of n references into the texts of a request. Multilinear in the hashes of the texts, with odd
 * multipliers from the seed for each place, in two independent halves: lists that differ collide as random
 * ones do, for whoever does not know the seed. */
struct ax_hash128 ax_seen_join(struct ax_seen_symbols *s, const struct ax_symbol_keys *k,
                               const uint32_t *refs, uint32_t n);

/* The same of references as they stand in a request: n bytes, behind which 15 more may be read, until its
 * end. False when they are not pairs of symbols, AX_SYMBOL_PLACES at most, of one or two bytes each; what
 * such a list means is for others to say. Of a series like the one before only what differs is looked at. */
bool ax_seen_join_packed(struct ax_seen_symbols *s, const struct ax_symbol_keys *k, const uint8_t *refs,
                         uint32_t n, struct ax_hash128 *out);

#endif
