/* key_hash.c: blocks are independent of each other, so that the processor has many of them under way. */
#include "base/key_hash.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define BLOCK ((size_t)16)
#define WINDOW ((size_t)8)       /* blocks read together */
#define WINDOW_SMALL ((size_t)4) /* of texts that are no longer than two of these */

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* ---- SipHash-2-4-128 ---- */

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int n)
{
    for (int i = 0; i < n; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t word(const uint8_t *p, size_t n)
{
    uint64_t w = 0;
    for (size_t i = 0; i < n; i++)
        w |= (uint64_t)p[i] << 8 * i;
    return w;
}

static struct ax_hash128 by_sip(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    uint64_t v[4] = {0x736f6d6570736575u ^ k->sip[0], 0x646f72616e646f6du ^ k->sip[1] ^ 0xee,
                     0x6c7967656e657261u ^ k->sip[0], 0x7465646279746573u ^ k->sip[1]};
    uint64_t last = (uint64_t)n << 56;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t m;
        memcpy(&m, p, 8);
        m = le64toh(m);
        v[3] ^= m;
        sip_rounds(v, 2);
        v[0] ^= m;
    }
    last |= word(p, n);
    v[3] ^= last;
    sip_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xee;
    sip_rounds(v, 4);
    uint64_t lo = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    sip_rounds(v, 4);
    return (struct ax_hash128){lo, v[0] ^ v[1] ^ v[2] ^ v[3]};
}

/* ---- four rounds of AES ---- */

#if defined(__x86_64__)
#define AES __attribute__((target("aes,sse4.1")))
#define VAES __attribute__((target("vaes,aes,avx2")))

static inline AES __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline AES __m128i four_rounds(__m128i x, const uint8_t keys[4][BLOCK])
{
    for (int i = 0; i < 4; i++)
        x = _mm_aesenc_si128(x, _mm_load_si128((const void *)keys[i]));
    return x;
}

static inline VAES __m128i halves(__m256i x)
{
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

/* A text no longer than a block: told by this and its length. */
static inline AES __m128i load_short(const uint8_t *p, size_t n)
{
    uint64_t first = 0, last = 0;
    if (n >= 8) {
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
    } else if (n) {
        first = (uint64_t)p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16;
    }
    return _mm_set_epi64x((long long)last, (long long)first);
}

/* What a block adds to a sum as the i-th. */
static inline AES __m128i term(const struct ax_key_hash *k, __m128i block, size_t i)
{
    return four_rounds(_mm_xor_si128(block, load(k->masks[i])), k->rounds);
}

static inline AES __m128i fold(const struct ax_key_hash *k, __m128i state, __m128i sum)
{
    return four_rounds(_mm_xor_si128(state, sum), k->rounds + 4);
}

/* Texts are read by windows of so many blocks that those of like lengths have as many: the last window ends
 * where the text does, and begins within the one before. With the length that tells as much as the rest
 * alone, and what the processor guesses of the number of windows is mostly right. */
static inline AES __m128i by_windows_aes(const struct ax_key_hash *k, const uint8_t *p, size_t n,
                                         size_t blocks)
{
    __m128i state = _mm_cvtsi64_si128((long long)n), sum = _mm_setzero_si128();
    size_t i = 0, size = blocks * BLOCK;
    for (bool last = false; !last; p += size, n -= size, i += blocks) {
        if (i == AX_KEY_HASH_CHUNK) {
            state = fold(k, state, sum);
            sum = _mm_setzero_si128();
            i = 0;
        }
        last = n <= size;
        const uint8_t *from = last ? p + n - size : p;
        for (size_t b = 0; b < blocks; b++)
            sum = _mm_xor_si128(sum, term(k, load(from + b * BLOCK), i + b));
    }
    return fold(k, state, sum);
}

static inline VAES __m128i by_windows_vaes(const struct ax_key_hash *k, const uint8_t *p, size_t n,
                                           size_t blocks)
{
    __m128i state = _mm_cvtsi64_si128((long long)n);
    __m256i keys[4], sum = _mm256_setzero_si256();
    size_t i = 0, size = blocks * BLOCK;
    for (int r = 0; r < 4; r++)
        keys[r] = _mm256_broadcastsi128_si256(_mm_load_si128((const void *)k->rounds[r]));
    for (bool last = false; !last; p += size, n -= size, i += blocks) {
        if (i == AX_KEY_HASH_CHUNK) {
            state = fold(k, state, halves(sum));
            sum = _mm256_setzero_si256();
            i = 0;
        }
        last = n <= size;
        const uint8_t *from = last ? p + n - size : p;
        for (size_t b = 0; b < blocks; b += 2) {
            __m256i x = _mm256_xor_si256(_mm256_loadu_si256((const void *)(from + b * BLOCK)),
                                         _mm256_load_si256((const void *)k->masks[i + b]));
            for (int r = 0; r < 4; r++)
                x = _mm256_aesenc_epi128(x, keys[r]);
            sum = _mm256_xor_si256(sum, x);
        }
    }
    return fold(k, state, halves(sum));
}

static AES __m128i long_aes(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    return n <= 2 * WINDOW_SMALL * BLOCK ? by_windows_aes(k, p, n, WINDOW_SMALL)
                                         : by_windows_aes(k, p, n, WINDOW);
}

static VAES __m128i long_vaes(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    return n <= 2 * WINDOW_SMALL * BLOCK ? by_windows_vaes(k, p, n, WINDOW_SMALL)
                                         : by_windows_vaes(k, p, n, WINDOW);
}

/* The same for at most 64 bytes: windows of one block or two. */
static inline AES __m128i short_aes(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    __m128i state = _mm_cvtsi64_si128((long long)n), sum;
    if (n <= BLOCK)
        return fold(k, state, term(k, load_short(p, n), 0));
    if (n <= 2 * BLOCK)
        return fold(k, state, _mm_xor_si128(term(k, load(p), 0), term(k, load(p + n - BLOCK), 1)));
    sum = _mm_xor_si128(term(k, load(p), 0), term(k, load(p + BLOCK), 1));
    sum = _mm_xor_si128(sum, term(k, load(p + n - 2 * BLOCK), 2));
    return fold(k, state, _mm_xor_si128(sum, term(k, load(p + n - BLOCK), 3)));
}

static AES struct ax_hash128 by_aes(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    __m128i h = n <= 4 * BLOCK               ? short_aes(k, p, n)
                : k->way == AX_KEY_HASH_VAES ? long_vaes(k, p, n)
                                             : long_aes(k, p, n);
    return (struct ax_hash128){(uint64_t)_mm_cvtsi128_si64(h), (uint64_t)_mm_extract_epi64(h, 1)};
}

static AES void each_by_aes(const struct ax_key_hash *k, const struct ax_str *texts, uint32_t n,
                            struct ax_hash128 *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = (const uint8_t *)texts[i].p;
        if (texts[i].n <= 4 * BLOCK)
            _mm_storeu_si128((void *)&out[i], short_aes(k, p, texts[i].n));
        else
            out[i] = by_aes(k, p, texts[i].n);
    }
}
#endif

#if defined(__x86_64__)
/* Bits of CPUID (clang 14 knows no names for these); whether the system keeps wide registers is what "avx2"
 * asks. */
static bool has_aes(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_AES && c & bit_SSE4_1;
}

static bool has_vaes(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 1u << 9;
}
#endif

bool ax_key_hash_can(enum ax_key_hash_way way)
{
#if defined(__x86_64__)
    if (way != AX_KEY_HASH_SIP)
        return has_aes() && (way == AX_KEY_HASH_AES || has_vaes());
#endif
    return way == AX_KEY_HASH_SIP;
}

void ax_key_hash_init(struct ax_key_hash *k, uint64_t seed)
{
    uint64_t state = seed;
    uint8_t *const parts[] = {k->masks[0], k->rounds[0], (uint8_t *)k->sip};
    const size_t sizes[] = {sizeof k->masks, sizeof k->rounds, sizeof k->sip};
    for (int i = 0; i < 3; i++)
        for (size_t at = 0; at < sizes[i]; at += sizeof state) {
            uint64_t bits = next(&state);
            memcpy(parts[i] + at, &bits, sizeof bits);
        }
    k->way = ax_key_hash_can(AX_KEY_HASH_VAES)  ? AX_KEY_HASH_VAES
             : ax_key_hash_can(AX_KEY_HASH_AES) ? AX_KEY_HASH_AES
                                                : AX_KEY_HASH_SIP;
}

struct ax_hash128 ax_key_hash(const struct ax_key_hash *k, const void *p, size_t n)
{
#if defined(__x86_64__)
    if (k->way != AX_KEY_HASH_SIP)
        return by_aes(k, p, n);
#endif
    return by_sip(k, p, n);
}

void ax_key_hash_each(const struct ax_key_hash *k, const struct ax_str *texts, uint32_t n,
                      struct ax_hash128 *out)
{
#if defined(__x86_64__)
    if (k->way != AX_KEY_HASH_SIP) {
        each_by_aes(k, texts, n, out);
        return;
    }
#endif
    for (uint32_t i = 0; i < n; i++)
        out[i] = by_sip(k, (const uint8_t *)texts[i].p, texts[i].n);
}
