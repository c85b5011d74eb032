/* The hash that stands for keys: the same by every way that has the same values, SipHash's published ones,
 * and no two texts alike that differ little. The AES rounds are checked against FIPS 197, written down here
 * by its definition. */
#include "ax_test.h"
#include "base/key_hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- FIPS 197, by its definition ---- */

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1, a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0)))
        if (b & 1)
            product ^= a;
    return product;
}

/* S-box: the inverse in GF(2^8), then the affine map. */
static uint8_t sub(uint8_t a)
{
    uint8_t inverse = 0, out = 0x63;
    for (int b = 1; b < 256 && a; b++)
        if (times(a, (uint8_t)b) == 1)
            inverse = (uint8_t)b;
    for (int i = 0; i < 5; i++)
        out ^= (uint8_t)(inverse << i | inverse >> (8 - i));
    return out;
}

static void aes_round(uint8_t s[16], const uint8_t key[16])
{
    uint8_t t[16];
    for (int c = 0; c < 4; c++)
        for (int r = 0; r < 4; r++)
            t[4 * c + r] = sub(s[4 * ((c + r) % 4) + r]);
    for (int c = 0; c < 4; c++)
        for (int r = 0; r < 4; r++)
            s[4 * c + r] = (uint8_t)(times(t[4 * c + r], 2) ^ times(t[4 * c + (r + 1) % 4], 3) ^
                                     t[4 * c + (r + 2) % 4] ^ t[4 * c + (r + 3) % 4] ^ key[4 * c + r]);
}

static void four_rounds(uint8_t s[16], const uint8_t keys[4][16])
{
    for (int i = 0; i < 4; i++)
        aes_round(s, keys[i]);
}

/* A text of at most 16 bytes as a block. */
static void short_block(const uint8_t *p, size_t n, uint8_t out[16])
{
    memset(out, 0, 16);
    if (n >= 8) {
        memcpy(out, p, 8);
        memcpy(out + 8, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(out, p, 4);
        memcpy(out + 8, p + n - 4, 4);
    } else if (n) {
        memcpy(out, (const uint8_t[]){p[0], p[n / 2], p[n - 1]}, 3);
    }
}

/* The hash as its header says it. */
static struct ax_hash128 defined(const struct ax_key_hash *k, const uint8_t *p, size_t n)
{
    uint8_t state[16] = {0}, block[16];
    struct ax_hash128 out;
    for (int i = 0; i < 8; i++)
        state[i] = (uint8_t)((uint64_t)n >> 8 * i);
    size_t window = n <= 32 ? 16 : n <= 64 ? 32 : n <= 128 ? 64 : 128, i = 0;
    for (size_t at = 0; at == 0 || at < n; at += window) {
        size_t from = n - at > window ? at : n - window;
        if (i == AX_KEY_HASH_CHUNK) {
            four_rounds(state, k->rounds + 4);
            i = 0;
        }
        for (size_t in = 0; in < window; in += 16, i++) {
            if (n <= 16)
                short_block(p, n, block);
            else
                memcpy(block, p + from + in, 16);
            for (int b = 0; b < 16; b++)
                block[b] ^= k->masks[i][b];
            four_rounds(block, k->rounds);
            for (int b = 0; b < 16; b++)
                state[b] ^= block[b];
        }
    }
    four_rounds(state, k->rounds + 4);
    memcpy(&out.lo, state, 8);
    memcpy(&out.hi, state + 8, 8);
    return out;
}

static void it_is_what_its_definition_says(void **state)
{
    (void)state;
    static struct ax_key_hash k;
    static const size_t lengths[] = {0,   1,   2,    3,    4,    7,    8,    9,    15,   16,  17,  31,
                                     32,  33,  47,   63,   64,   65,   100,  127,  128,  129, 255, 256,
                                     257, 340, 1023, 1024, 1025, 1039, 1040, 2048, 2049, 3000};
    uint8_t bytes[3001];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)ax_hash64(&i, sizeof i, 0);
    ax_key_hash_init(&k, 1234);
    for (int way = AX_KEY_HASH_AES; way <= AX_KEY_HASH_VAES; way++) {
        if (!ax_key_hash_can((enum ax_key_hash_way)way))
            continue;
        k.way = (enum ax_key_hash_way)way;
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct ax_hash128 a = ax_key_hash(&k, bytes + 1, lengths[i]),
                              b = defined(&k, bytes + 1, lengths[i]);
            assert_true(a.lo == b.lo && a.hi == b.hi);
        }
    }
}

static void each_of_many_texts_gets_its_own_hash(void **state)
{
    (void)state;
    static struct ax_key_hash k;
    static struct ax_str texts[200];
    static struct ax_hash128 out[200];
    static const char bytes[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    ax_key_hash_init(&k, 99);
    for (uint32_t i = 0; i < 200; i++)
        texts[i] = (struct ax_str){i ? bytes + i % 7 : NULL, i ? i % 140 : 0};
    for (int way = AX_KEY_HASH_SIP; way <= AX_KEY_HASH_VAES; way++) {
        if (!ax_key_hash_can((enum ax_key_hash_way)way))
            continue;
        k.way = (enum ax_key_hash_way)way;
        ax_key_hash_each(&k, texts, 200, out);
        for (uint32_t i = 0; i < 200; i++) {
            struct ax_hash128 alone = ax_key_hash(&k, texts[i].p, texts[i].n);
            assert_true(alone.lo == out[i].lo && alone.hi == out[i].hi);
        }
    }
}

static void sip_hash_gives_the_values_of_its_authors(void **state)
{
    (void)state;
    /* vectors_sip128 of https://github.com/veorq/SipHash: key 00..0f, texts of the bytes 0, 1, 2, ... */
    static const struct {
        size_t n;
        uint8_t out[16];
    } vectors[] = {
        {0, {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93}},
        {1, {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45}},
        {2,
         {0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff, 0xe4}}};
    static struct ax_key_hash k;
    uint8_t bytes[16];
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = i;
    memcpy(k.sip, bytes, sizeof k.sip);
    k.way = AX_KEY_HASH_SIP;
    for (size_t i = 0; i < 3; i++) {
        struct ax_hash128 h = ax_key_hash(&k, bytes, vectors[i].n);
        assert_memory_equal(&h.lo, vectors[i].out, 8);
        assert_memory_equal(&h.hi, vectors[i].out + 8, 8);
    }
}

static int by_lo(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every text of up to two bits in 40 bytes, and zeros of every length: all differ, and every bit of the hash
 * is set in about half of them. */
static void texts_that_differ_little_differ_in_hash(void **state)
{
    (void)state;
    enum { BITS = 40 * 8, TEXTS = 1 + BITS + BITS * (BITS - 1) / 2 + 40 };
    uint64_t *lo = calloc(TEXTS, sizeof *lo);
    static struct ax_key_hash k;
    assert_non_null(lo);
    ax_key_hash_init(&k, 99);
    for (int way = AX_KEY_HASH_SIP; way <= AX_KEY_HASH_VAES; way++) {
        if (!ax_key_hash_can((enum ax_key_hash_way)way))
            continue;
        k.way = (enum ax_key_hash_way)way;
        uint32_t n = 0, set[128] = {0};
        uint8_t text[40] = {0};
        for (int a = -1; a < BITS; a++)
            for (int b = a < 0 ? BITS - 1 : a; b < BITS; b++) {
                memset(text, 0, sizeof text);
                if (a >= 0) {
                    text[a / 8] |= (uint8_t)(1 << a % 8);
                    text[b / 8] |= (uint8_t)(1 << b % 8);
                }
                struct ax_hash128 h = ax_key_hash(&k, text, sizeof text);
                for (int i = 0; i < 64; i++) {
                    set[i] += h.lo >> i & 1;
                    set[64 + i] += h.hi >> i & 1;
                }
                lo[n++] = h.lo;
            }
        memset(text, 0, sizeof text);
        for (size_t length = 0; length < 40; length++)
            lo[n++] = ax_key_hash(&k, text, length).lo;
        assert_int_equal(n, TEXTS);
        for (int i = 0; i < 128; i++) /* five standard deviations */
            assert_true(set[i] > n / 2 - 600 && set[i] < n / 2 + 600);
        qsort(lo, n, sizeof *lo, by_lo);
        for (uint32_t i = 1; i < n; i++)
            assert_true(lo[i] != lo[i - 1]);
    }
    free(lo);
}

static void seeds_make_other_hashes(void **state)
{
    (void)state;
    static struct ax_key_hash a, b;
    ax_key_hash_init(&a, 1);
    ax_key_hash_init(&b, 2);
    struct ax_hash128 x = ax_key_hash(&a, "text", 4), y = ax_key_hash(&b, "text", 4);
    assert_true(x.lo != y.lo && x.hi != y.hi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_its_definition_says),
        cmocka_unit_test(each_of_many_texts_gets_its_own_hash),
        cmocka_unit_test(sip_hash_gives_the_values_of_its_authors),
        cmocka_unit_test(texts_that_differ_little_differ_in_hash),
        cmocka_unit_test(seeds_make_other_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
