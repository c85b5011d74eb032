/* hash.c: XXH3 from libxxhash; CRC-32C with the processor's instruction where there is one. */
#include "base/hash.h"

#include <string.h>
#include <xxhash.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

uint64_t ax_hash64(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

struct ax_hash128 ax_hash128(const void *p, size_t n, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(p, n, seed);
    return (struct ax_hash128){h.low64, h.high64};
}

/* Slicing by 8: row[k][b] is what byte b with k zeros behind it does to a checksum. That is linear in b, so
 * the compiler makes each row from the values of its eight single bits. */
#define BIT(b, i, v) ((b) >> (i)&1u ? (v) : 0u)
#define BASIS(b, v0, v1, v2, v3, v4, v5, v6, v7)                                                             \
    (BIT(b, 0, v0) ^ BIT(b, 1, v1) ^ BIT(b, 2, v2) ^ BIT(b, 3, v3) ^ BIT(b, 4, v4) ^ BIT(b, 5, v5) ^         \
     BIT(b, 6, v6) ^ BIT(b, 7, v7))
#define BASIS_0(b)                                                                                           \
    BASIS(b, 0xF26B8303u, 0xE13B70F7u, 0xC79A971Fu, 0x8AD958CFu, 0x105EC76Fu, 0x20BD8EDEu, 0x417B1DBCu,      \
          0x82F63B78u)
#define BASIS_1(b)                                                                                           \
    BASIS(b, 0x13A29877u, 0x274530EEu, 0x4E8A61DCu, 0x9D14C3B8u, 0x3FC5F181u, 0x7F8BE302u, 0xFF17C604u,      \
          0xFBC3FAF9u)
#define BASIS_2(b)                                                                                           \
    BASIS(b, 0xA541927Eu, 0x4F6F520Du, 0x9EDEA41Au, 0x38513EC5u, 0x70A27D8Au, 0xE144FB14u, 0xC76580D9u,      \
          0x8B277743u)
#define BASIS_3(b)                                                                                           \
    BASIS(b, 0xDD45AAB8u, 0xBF672381u, 0x7B2231F3u, 0xF64463E6u, 0xE964B13Du, 0xD725148Bu, 0xABA65FE7u,      \
          0x52A0C93Fu)
#define BASIS_4(b)                                                                                           \
    BASIS(b, 0x38116FACu, 0x7022DF58u, 0xE045BEB0u, 0xC5670B91u, 0x8F2261D3u, 0x1BA8B557u, 0x37516AAEu,      \
          0x6EA2D55Cu)
#define BASIS_5(b)                                                                                           \
    BASIS(b, 0xEF306B19u, 0xDB8CA0C3u, 0xB2F53777u, 0x6006181Fu, 0xC00C303Eu, 0x85F4168Du, 0x0E045BEBu,      \
          0x1C08B7D6u)
#define BASIS_6(b)                                                                                           \
    BASIS(b, 0x68032CC8u, 0xD0065990u, 0xA5E0C5D1u, 0x4E2DFD53u, 0x9C5BFAA6u, 0x3D5B83BDu, 0x7AB7077Au,      \
          0xF56E0EF4u)
#define BASIS_7(b)                                                                                           \
    BASIS(b, 0x493C7D27u, 0x9278FA4Eu, 0x211D826Du, 0x423B04DAu, 0x847609B4u, 0x0D006599u, 0x1A00CB32u,      \
          0x34019664u)
#define ROW_4(f, b) f(b), f((b) + 1u), f((b) + 2u), f((b) + 3u)
#define ROW_16(f, b) ROW_4(f, b), ROW_4(f, (b) + 4u), ROW_4(f, (b) + 8u), ROW_4(f, (b) + 12u)
#define ROW_64(f, b) ROW_16(f, b), ROW_16(f, (b) + 16u), ROW_16(f, (b) + 32u), ROW_16(f, (b) + 48u)
#define ROW(f)                                                                                               \
    {                                                                                                        \
        ROW_64(f, 0u), ROW_64(f, 64u), ROW_64(f, 128u), ROW_64(f, 192u)                                      \
    }

static const uint32_t row[8][256] = {ROW(BASIS_0), ROW(BASIS_1), ROW(BASIS_2), ROW(BASIS_3),
                                     ROW(BASIS_4), ROW(BASIS_5), ROW(BASIS_6), ROW(BASIS_7)};

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t ax_crc32c_portable(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t lo = crc ^ le32(p), hi = le32(p + 4);
        crc = row[7][lo & 255] ^ row[6][lo >> 8 & 255] ^ row[5][lo >> 16 & 255] ^ row[4][lo >> 24] ^
              row[3][hi & 255] ^ row[2][hi >> 8 & 255] ^ row[1][hi >> 16 & 255] ^ row[0][hi >> 24];
    }
    for (; n; p++, n--)
        crc = crc >> 8 ^ row[0][(crc ^ *p) & 255];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = _mm_crc32_u64(c, word);
    }
    crc = (uint32_t)c;
    for (; n; p++, n--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}
#endif

uint32_t ax_crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_sse42(~crc, p, n);
#endif
    return ax_crc32c_portable(crc, p, n);
}
