/* hash.h: seeded hashes of bytes (XXH3, libxxhash), the checksum of files (CRC-32C), and SHA-256 (GnuTLS). */
#ifndef AX_BASE_HASH_H
#define AX_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 128 bits of hash: wide enough to stand for the bytes where their owner cannot be kept. */
struct ax_hash128 {
    uint64_t lo, hi;
};

/* 64-bit hash; a secret seed keeps chosen collisions away. */
uint64_t ax_hash64(const void *p, size_t n, uint64_t seed);

/* 128-bit hash, seeded. */
struct ax_hash128 ax_hash128(const void *p, size_t n, uint64_t seed);

/* CRC-32C (Castagnoli; RFC 3720, B.4) of n bytes; crc is 0 or that of the bytes before. */
uint32_t ax_crc32c(uint32_t crc, const void *p, size_t n);

/* The same without the processor's instruction: what other processors run, and its oracle. */
uint32_t ax_crc32c_portable(uint32_t crc, const void *bytes, size_t n);

#define AX_SHA256_TEXT 65 /* bytes of one in hexadecimal, with a 0 */

/* SHA-256 (FIPS 180-4) of n bytes, in lower case hexadecimal. False when the library has no memory. */
bool ax_sha256_text(const void *p, size_t n, char out[AX_SHA256_TEXT]);

#endif
