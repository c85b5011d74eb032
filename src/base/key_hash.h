/* key_hash.h: 128 bits that stand for bytes which others choose.
 *
 * An almost-xor-universal hash under secret keys: who does not know the seed cannot make two texts that
 * collide with more than about 2^-113 of probability, so that the hash may be compared instead of the text.
 * A text of more than 16 bytes is read by windows of 1, 2 or 4 blocks of 16 bytes (where two of these are
 * enough) or 8, one behind another, but the last one ends where the text does; a shorter text is a block,
 * made by its length. Each block goes, under a mask of its number, through four AES rounds with independent
 * keys, the sum of them and of the length through four more (Minematsu and Tsunoo, "Provably Secure MACs from
 * Differentially-Uniform Permutations and AES-Based Implementations", FSE 2006: four rounds differ by any
 * given value with a probability of at most 1.88 * 2^-114). Where the processor has no such instructions it
 * is SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012). Values hang on seed and processor: they are
 * never written down. */
#ifndef AX_BASE_KEY_HASH_H
#define AX_BASE_KEY_HASH_H

#include "base/hash.h"
#include "base/str.h"

#include <stdbool.h>

#define AX_KEY_HASH_CHUNK 64u /* blocks that have masks of their own */

/* How it is computed. */
enum ax_key_hash_way {
    AX_KEY_HASH_SIP,
    AX_KEY_HASH_AES,  /* AES-NI */
    AX_KEY_HASH_VAES, /* two blocks at a time; the same values */
};

/* The keys made of a seed. Immutable once made: any thread. */
struct ax_key_hash {
    _Alignas(32) uint8_t masks[AX_KEY_HASH_CHUNK][16];
    _Alignas(32) uint8_t rounds[8][16];
    uint64_t sip[2];
    enum ax_key_hash_way way;
};

/* Make the keys, for the fastest way that this processor has. */
void ax_key_hash_init(struct ax_key_hash *k, uint64_t seed);

/* Can this processor go that way? */
bool ax_key_hash_can(enum ax_key_hash_way way);

/* Hash n bytes; p may be NULL when n is 0. About 15 ns for 300 bytes. */
struct ax_hash128 ax_key_hash(const struct ax_key_hash *k, const void *p, size_t n);

/* The same for each of n texts; out has room for as many. */
void ax_key_hash_each(const struct ax_key_hash *k, const struct ax_str *texts, uint32_t n,
                      struct ax_hash128 *out);

#endif
