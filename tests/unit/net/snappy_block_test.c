/* Our decoder of snappy's elements refuses what libsnappy refuses, and makes of the rest what it makes. */
#include "ax_test.h"
#include "base/rng.h"
#include "net/snappy_block.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#define N_MAX 5000u

/* Elements for n bytes by both; the verdict, when it is one. */
static bool decode(const uint8_t *elements, size_t elements_n, size_t n)
{
    uint8_t block[3 * N_MAX + 8];
    size_t head = 0;
    for (size_t v = n;; v >>= 7) {
        block[head++] = (uint8_t)((v & 0x7f) | (v >= 0x80 ? 0x80 : 0));
        if (v < 0x80)
            break;
    }
    assert_true(elements_n <= sizeof block - head);
    if (elements_n)
        memcpy(block + head, elements, elements_n);
    uint8_t *in = malloc(elements_n + 1), *ours = malloc(n + 1), *theirs = malloc(n + 1);
    assert_true(in && ours && theirs);
    if (elements_n)
        memcpy(in, elements, elements_n);
    memset(ours, 0xa5, n + 1);
    size_t made = n;
    bool sound =
        snappy_uncompress((const char *)block, head + elements_n, (char *)theirs, &made) == SNAPPY_OK;
    assert_int_equal(ax_snappy_elements(in, elements_n, ours, n), sound);
    if (sound)
        assert_memory_equal(ours, theirs, n);
    assert_int_equal(ours[n], 0xa5); /* nothing is written behind */
    free(in);
    free(ours);
    free(theirs);
    return sound;
}

/* Text whose compression has literals and copies of all kinds: pieces of itself, near and far, and noise. */
static size_t make_text(struct ax_rng *rng, uint8_t *out)
{
    size_t n = 1 + (size_t)ax_rng_below(rng, N_MAX), at = 0;
    while (at < n) {
        size_t piece = 1 + (size_t)ax_rng_below(rng, ax_rng_below(rng, 4) ? 80 : 400);
        size_t from = at ? (size_t)ax_rng_below(rng, at < 20 || ax_rng_below(rng, 2) ? at : 20) : 0;
        from = ax_rng_below(rng, 2) ? from : at - from;
        bool noise = at == 0 || ax_rng_below(rng, 3) == 0;
        for (size_t i = 0; i < piece && at < n; i++, at++)
            out[at] = noise ? (uint8_t)ax_rng_below(rng, 256) : out[from < at ? from++ : at - 1];
    }
    return n;
}

static void blocks_of_libsnappy_come_back_and_damaged_ones_are_judged_alike(void **state)
{
    (void)state;
    static uint8_t text[N_MAX], block[2 * N_MAX];
    struct ax_rng rng;
    uint32_t refused = 0;
    ax_rng_seed(&rng, 17);
    for (int round = 0; round < 400; round++) {
        size_t n = make_text(&rng, text), block_n = sizeof block;
        assert_int_equal(snappy_compress((const char *)text, n, (char *)block, &block_n), SNAPPY_OK);
        uint8_t *elements = block;
        while (*elements & 0x80)
            elements++;
        elements++;
        block_n -= (size_t)(elements - block);
        assert_true(decode(elements, block_n, n));
        for (int damage = 0; damage < 20; damage++) {
            size_t at = (size_t)ax_rng_below(&rng, block_n);
            uint8_t was = elements[at];
            elements[at] = (uint8_t)ax_rng_below(&rng, 256);
            refused += !decode(elements, block_n, n);
            elements[at] = was;
            refused += !decode(elements, (size_t)ax_rng_below(&rng, block_n), n);
        }
        refused += !decode(elements, block_n, n - 1);
        refused += !decode(elements, block_n, n + 1);
    }
    assert_true(refused > 8000);
}

static void every_kind_of_element_is_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t elements[16];
        size_t n, out_n;
        bool sound;
    } cases[] = {
        {{0}, 0, 0, true},
        {{0}, 0, 1, false},
        {{0x00, 'a'}, 2, 1, true},
        {{0x00}, 1, 1, false},
        {{0x00, 'a', 0x05, 1}, 4, 6, true},              /* one byte of distance: 5 */
        {{0x00, 'a', 0x05, 0}, 4, 6, false},             /* a distance of nothing */
        {{0x00, 'a', 0x05, 2}, 4, 6, false},             /* before the begin */
        {{0x00, 'a', 0x05}, 3, 6, false},                /* cut off */
        {{0x00, 'a', 0x12, 1, 0}, 5, 6, true},           /* two bytes */
        {{0x00, 'a', 0x12, 1, 1}, 5, 6, false},          /* 257 back */
        {{0x00, 'a', 0x13, 1, 0, 0, 0}, 7, 6, true},     /* four */
        {{0x00, 'a', 0x13, 1, 0, 0, 0x80}, 7, 6, false}, /* far back */
        {{0x00, 'a', 0x13, 0, 0, 0, 0}, 7, 6, false},
        {{0xf0, 1, 'a', 'b'}, 4, 2, true},                       /* a literal with one byte of length, */
        {{0xf4, 1, 0, 'a', 'b'}, 5, 2, true},                    /* two, */
        {{0xf8, 1, 0, 0, 'a', 'b'}, 6, 2, true},                 /* three, */
        {{0xfc, 1, 0, 0, 0, 'a', 'b'}, 7, 2, true},              /* four */
        {{0xfc, 0xff, 0xff, 0xff, 0xff, 'a', 'b'}, 7, 2, false}, /* 4 GiB */
        {{0xfc, 1, 0, 0}, 4, 2, false},
        {{0x04, 'a', 'b'}, 3, 1, false}, /* too much */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(decode(cases[i].elements, cases[i].n, cases[i].out_n), cases[i].sound);
}

/* libsnappy takes it, as nothing: its length overflows. */
static void a_literal_of_4_gib_is_refused(void **state)
{
    (void)state;
    static const uint8_t elements[] = {0x04, 'a', 'b', 0xfc, 0xff, 0xff, 0xff, 0xff};
    uint8_t out[2];
    assert_true(ax_snappy_elements(elements, 3, out, 2));
    assert_false(ax_snappy_elements(elements, sizeof elements, out, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_libsnappy_come_back_and_damaged_ones_are_judged_alike),
        cmocka_unit_test(every_kind_of_element_is_read),
        cmocka_unit_test(a_literal_of_4_gib_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
