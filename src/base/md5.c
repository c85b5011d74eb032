/* md5.c: the algorithm of RFC 1321, section 3; its sine table is computed as the RFC defines it. */
#include "base/md5.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static uint32_t sines[64]; /* floor(2^32 * |sin(i + 1)|) */
static pthread_once_t sines_once = PTHREAD_ONCE_INIT;

static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static void fill_sines(void)
{
    for (unsigned i = 0; i < 64; i++)
        sines[i] = (uint32_t)floor(4294967296.0 * fabs(sin((double)i + 1)));
}

static uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void digest_block(uint32_t state[4], const uint8_t *block)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f;
        unsigned word;
        switch (i / 16) {
        case 0:
            f = (b & c) | (~b & d);
            word = i;
            break;
        case 1:
            f = (b & d) | (c & ~d);
            word = (5 * i + 1) % 16;
            break;
        case 2:
            f = b ^ c ^ d;
            word = (3 * i + 5) % 16;
            break;
        default:
            f = c ^ (b | ~d);
            word = (7 * i) % 16;
            break;
        }
        uint32_t sum = a + f + sines[i] + load_le32(block + 4 * (size_t)word);
        unsigned shift = shifts[i / 16][i % 4];
        a = d;
        d = c;
        c = b;
        b += sum << shift | sum >> (32 - shift);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void ax_md5(const void *p, size_t n, uint8_t out[16])
{
    (void)pthread_once(&sines_once, fill_sines);
    const uint8_t *bytes = p;
    uint32_t state[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
    size_t whole = n / 64, rest = n % 64;
    for (size_t i = 0; i < whole; i++)
        digest_block(state, bytes + 64 * i);

    uint8_t tail[128] = {0};
    if (rest)
        memcpy(tail, bytes + 64 * whole, rest);
    tail[rest] = 0x80;
    size_t tail_n = rest < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)n * 8;
    store_le32(tail + tail_n - 8, (uint32_t)bits);
    store_le32(tail + tail_n - 4, (uint32_t)(bits >> 32));
    for (size_t i = 0; i < tail_n; i += 64)
        digest_block(state, tail + i);
    for (unsigned i = 0; i < 4; i++)
        store_le32(out + 4 * (size_t)i, state[i]);
}
