/* Chunks: those that Prometheus's own encoder made (tests/golden/chunk), and bytes that are none. */
#include "ax_test.h"
#include "base/rng.h"
#include "prom/chunk.h"
#include "runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CASES_MAX 64
#define SAMPLES_MAX 256

struct golden {
    int type;
    uint8_t bytes[8192];
    size_t n;
    struct ax_sample samples[SAMPLES_MAX];
    uint32_t samples_n;
};

static struct golden golden[CASES_MAX];
static uint32_t golden_n;

static void take_line(char *line)
{
    char hex[2 * sizeof golden[0].bytes + 1];
    uint64_t bits;
    int64_t t;
    struct golden *g = &golden[golden_n ? golden_n - 1 : 0];
    int type;
    if (sscanf(line, "chunk %d %16384s", &type, hex) == 2) {
        g = &golden[golden_n++];
        g->type = type;
        for (g->n = 0; hex[2 * g->n]; g->n++) {
            const char digits[3] = {hex[2 * g->n], hex[2 * g->n + 1], 0};
            g->bytes[g->n] = (uint8_t)strtoul(digits, NULL, 16);
        }
        return;
    }
    assert_int_equal(sscanf(line, "%" SCNd64 " %" SCNx64, &t, &bits), 2);
    assert_true(g->samples_n < SAMPLES_MAX);
    g->samples[g->samples_n].t_ms = t;
    memcpy(&g->samples[g->samples_n++].value, &bits, sizeof bits);
}

static int read_golden(void **state)
{
    (void)state;
    struct ax_buf text = runs_file("golden/chunk/chunks.txt");
    ax_buf_byte(&text, 0);
    char *rest = NULL;
    for (char *line = strtok_r((char *)text.bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        take_line(line);
    ax_buf_done(&text);
    return 0;
}

static struct ax_str bytes_of(const struct golden *g)
{
    return (struct ax_str){(const char *)g->bytes, g->n};
}

static bool same_samples(const struct ax_sample *a, const struct ax_sample *b)
{
    return a->t_ms == b->t_ms && ax_double_bits(a->value) == ax_double_bits(b->value);
}

static void chunks_of_prometheus_are_read_bit_for_bit(void **state)
{
    (void)state;
    assert_int_equal(golden_n, 24);
    for (uint32_t i = 0; i < golden_n; i++) {
        const struct golden *g = &golden[i];
        struct ax_chunk c;
        struct ax_sample s;
        assert_int_equal(ax_chunk_open(&c, g->type, bytes_of(g)), AX_OK);
        assert_int_equal(c.n, g->samples_n);
        for (uint32_t k = 0; k < g->samples_n; k++) {
            if (!ax_chunk_next(&c, &s) || !same_samples(&s, &g->samples[k]))
                fail_msg("chunk %u (type %d) differs at sample %u", i, g->type, k);
        }
        assert_false(ax_chunk_next(&c, &s));
        assert_int_equal(c.err, AX_OK);
    }
}

static void chunks_are_written_as_prometheus_writes_them(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, 1 << 20);
    for (uint32_t i = 0; i < golden_n; i++) {
        const struct golden *g = &golden[i];
        if (g->type != AX_CHUNK_XOR)
            continue;
        ax_buf_reset(&out);
        ax_chunk_xor(g->samples, g->samples_n, &out);
        assert_int_equal(out.err, AX_OK);
        assert_int_equal(out.n, g->n);
        assert_memory_equal(out.bytes, g->bytes, g->n);
    }
    ax_buf_done(&out);
}

static void a_chunk_cut_short_is_corrupt_and_gives_what_came_before(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < golden_n; i++) {
        const struct golden *g = &golden[i];
        for (size_t n = 0; n < g->n; n++) {
            struct ax_chunk c;
            struct ax_sample s;
            uint32_t k = 0;
            char *exact = malloc(n ? n : 1); /* a sanitizer sees a read behind it */
            assert_non_null(exact);
            memcpy(exact, g->bytes, n);
            enum ax_err err = ax_chunk_open(&c, g->type, (struct ax_str){exact, n});
            while (err == AX_OK && ax_chunk_next(&c, &s))
                assert_true(same_samples(&s, &g->samples[k++]));
            assert_int_equal(err == AX_OK ? c.err : err, AX_CORRUPT);
            free(exact);
        }
    }
}

static void a_window_wider_than_a_value_is_corrupt(void **state)
{
    (void)state;
    /* Two samples; the second says 31 leading zeros and 64 bits that changed. */
    static const uint8_t bytes[] = {0,    2,    0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
                                    0xfe, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct ax_chunk c;
    struct ax_sample s;
    assert_int_equal(ax_chunk_open(&c, AX_CHUNK_XOR, (struct ax_str){(const char *)bytes, sizeof bytes}),
                     AX_OK);
    assert_true(ax_chunk_next(&c, &s));
    assert_false(ax_chunk_next(&c, &s));
    assert_int_equal(c.err, AX_CORRUPT);
}

static void a_varint_that_never_ends_is_corrupt(void **state)
{
    (void)state;
    char bytes[64];
    struct ax_chunk c;
    struct ax_sample s;
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ax_chunk_open(&c, AX_CHUNK_XOR, (struct ax_str){bytes, sizeof bytes}), AX_OK);
    assert_false(ax_chunk_next(&c, &s));
    assert_int_equal(c.err, AX_CORRUPT);
}

static void histograms_and_unknown_types_are_told_apart(void **state)
{
    (void)state;
    struct ax_chunk c;
    for (int type = -1; type < 9; type++) {
        bool known = type == AX_CHUNK_XOR || type == AX_CHUNK_XOR2;
        assert_int_equal(ax_chunk_open(&c, type, (struct ax_str){"\0\0\0", 3}),
                         known ? AX_OK : AX_UNSUPPORTED);
    }
    assert_true(ax_chunk_is_histogram(AX_CHUNK_HISTOGRAM) &&
                ax_chunk_is_histogram(AX_CHUNK_FLOAT_HISTOGRAM_ST));
    assert_false(ax_chunk_is_histogram(AX_CHUNK_XOR2) || ax_chunk_is_histogram(7) ||
                 ax_chunk_is_histogram(0));
}

static void any_samples_come_back(void **state)
{
    (void)state;
    struct ax_sample v[300];
    struct ax_buf out;
    struct ax_rng rng = {0};
    ax_rng_seed(&rng, 5);
    ax_buf_init(&out, 1 << 20);
    for (unsigned round = 0; round < 500; round++) {
        uint32_t n = 1 + (uint32_t)(ax_rng_u64(&rng) % 300);
        uint64_t t = ax_rng_u64(&rng) >> (ax_rng_u64(&rng) % 40);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t bits = ax_rng_u64(&rng) >> (ax_rng_u64(&rng) % 64) << (ax_rng_u64(&rng) % 32);
            t += ax_rng_u64(&rng) >> (24 + ax_rng_u64(&rng) % 40);
            v[i].t_ms = (int64_t)t;
            memcpy(&v[i].value, &bits, sizeof bits);
        }
        struct ax_chunk c;
        struct ax_sample s;
        ax_buf_reset(&out);
        ax_chunk_xor(v, n, &out);
        assert_int_equal(ax_chunk_open(&c, AX_CHUNK_XOR, ax_buf_view(&out)), AX_OK);
        for (uint32_t i = 0; i < n; i++)
            assert_true(ax_chunk_next(&c, &s) && same_samples(&s, &v[i]));
        assert_false(ax_chunk_next(&c, &s));
    }
    ax_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_prometheus_are_read_bit_for_bit),
        cmocka_unit_test(chunks_are_written_as_prometheus_writes_them),
        cmocka_unit_test(a_chunk_cut_short_is_corrupt_and_gives_what_came_before),
        cmocka_unit_test(a_window_wider_than_a_value_is_corrupt),
        cmocka_unit_test(a_varint_that_never_ends_is_corrupt),
        cmocka_unit_test(histograms_and_unknown_types_are_told_apart),
        cmocka_unit_test(any_samples_come_back),
    };
    return cmocka_run_group_tests(tests, read_golden, NULL);
}
