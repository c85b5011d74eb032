/* hash.h: seeded hashes of bytes (XXH3, libxxhash) and the checksum of files (CRC-32C). */
#ifndef AX_BASE_HASH_H
#define AX_BASE_HASH_H

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

#endif
