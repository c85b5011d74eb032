/* Chunks of native histograms: those that Prometheus's own encoder made (tests/golden/histogram_chunk) are
 * read as its own reader reads them, and bytes that are none harm nobody. */
#include "ax_test.h"
#include "prom/float_histogram.h"
#include "prom/histogram.h"
#include "prom/histogram_chunk.h"
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES_MAX (1u << 20)

static struct ax_buf text;
static struct ax_histogram_chunk chunk;

static int read_golden(void **state)
{
    (void)state;
    text = runs_file("golden/histogram_chunk/chunks.txt");
    ax_buf_byte(&text, 0);
    return 0;
}

static int free_golden(void **state)
{
    (void)state;
    ax_buf_done(&text);
    ax_histogram_chunk_done(&chunk);
    return 0;
}

/* The bytes of a number in hex, which ends a line. */
static struct ax_buf bytes_of(const char *hex)
{
    struct ax_buf b;
    ax_buf_init(&b, MESSAGE_BYTES_MAX);
    for (; hex[0] > ' '; hex += 2) {
        const char digits[3] = {hex[0], hex[1], 0};
        ax_buf_byte(&b, (uint8_t)strtoul(digits, NULL, 16));
    }
    return b;
}

/* Call for each chunk of the recording, with the lines that follow it. */
static uint32_t each_chunk(void (*use)(int type, struct ax_str bytes, const char *lines))
{
    uint32_t n = 0;
    for (const char *line = (const char *)text.bytes; line && *line;) {
        int type, at;
        const char *next = strchr(line, '\n') + 1;
        if (sscanf(line, "chunk %d %n", &type, &at) == 1) {
            struct ax_buf bytes = bytes_of(line + at);
            use(type, ax_buf_view(&bytes), next);
            ax_buf_done(&bytes);
            n++;
        }
        line = next;
    }
    return n;
}

static void require_same_side(const struct ax_histogram_side *a, const struct ax_histogram_side *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        assert_int_equal(a->v[i].index, b->v[i].index);
        assert_true(ax_double_bits(a->v[i].count) == ax_double_bits(b->v[i].count));
    }
}

static void require_same(struct ax_str got, struct ax_str want)
{
    struct ax_histogram g, w;
    struct ax_float_histogram a, b;
    struct ax_arena arena;
    assert_true(ax_histogram_read(got, &g) && ax_histogram_read(want, &w));
    assert_string_equal(g.fault, "");
    assert_int_equal(g.sample.t_ms, w.sample.t_ms);
    assert_int_equal(g.sample.ended, w.sample.ended);
    ax_arena_init(&arena, 16 << 20);
    assert_int_equal(ax_float_histogram_read(got, &arena, &a), AX_OK);
    assert_int_equal(ax_float_histogram_read(want, &arena, &b), AX_OK);
    assert_int_equal(a.schema, b.schema);
    assert_int_equal(a.reset, b.reset);
    assert_true(ax_double_bits(a.zero_threshold) == ax_double_bits(b.zero_threshold));
    assert_true(ax_double_bits(a.zero_count) == ax_double_bits(b.zero_count));
    assert_true(ax_double_bits(a.count) == ax_double_bits(b.count));
    assert_true(ax_double_bits(a.sum) == ax_double_bits(b.sum));
    require_same_side(&a.positive, &b.positive);
    require_same_side(&a.negative, &b.negative);
    assert_int_equal(a.bounds_n, b.bounds_n);
    for (uint32_t i = 0; i < a.bounds_n; i++)
        assert_true(ax_double_bits(a.bounds[i]) == ax_double_bits(b.bounds[i]));
    ax_arena_done(&arena);
}

static void compare(int type, struct ax_str bytes, const char *line)
{
    struct ax_buf message;
    int64_t t_ms;
    ax_buf_init(&message, MESSAGE_BYTES_MAX);
    assert_int_equal(ax_histogram_chunk_open(&chunk, type, bytes), AX_OK);
    for (; *line && *line != 'c'; line = strchr(line, '\n') + 1) {
        assert_true(ax_histogram_chunk_next(&chunk, &t_ms));
        ax_buf_reset(&message);
        ax_histogram_chunk_message(&chunk, &message);
        struct ax_buf want = bytes_of(strchr(line, ' ') + 1);
        assert_int_equal(t_ms, strtoll(line, NULL, 10));
        require_same(ax_buf_view(&message), ax_buf_view(&want));
        ax_buf_done(&want);
    }
    assert_false(ax_histogram_chunk_next(&chunk, &t_ms));
    assert_int_equal(chunk.err, AX_OK);
    assert_int_equal(chunk.read, chunk.n);
    ax_buf_done(&message);
}

static void chunks_of_prometheus_are_read_as_it_reads_them(void **state)
{
    (void)state;
    assert_int_equal(each_chunk(compare), 14);
}

static void cut(int type, struct ax_str bytes, const char *line)
{
    int64_t t_ms;
    (void)line;
    for (size_t n = 0; n < bytes.n; n += 1 + bytes.n / 97) {
        const enum ax_err err = ax_histogram_chunk_open(&chunk, type, (struct ax_str){bytes.p, n});
        while (err == AX_OK && ax_histogram_chunk_next(&chunk, &t_ms))
            continue;
        assert_int_equal(err == AX_OK ? chunk.err : err, AX_CORRUPT);
    }
}

static void a_chunk_that_was_cut_is_corrupt(void **state)
{
    (void)state;
    assert_int_equal(each_chunk(cut), 14);
}

/* Bits one after the other, from a text of 0 and 1; others are passed over. */
static struct ax_str bits(const char *digits)
{
    static uint8_t bytes[256];
    size_t n = 0;
    memset(bytes, 0, sizeof bytes);
    for (; *digits; digits++)
        if (*digits == '0' || *digits == '1') {
            bytes[n / 8] |= (uint8_t)((*digits - '0') << (7 - n % 8));
            n++;
        }
    return (struct ax_str){(const char *)bytes, (n + 7) / 8};
}

#define HEADER "0000000000000001 00000000 " /* one histogram, nothing known of resets */
#define NO_THRESHOLD "00000000 "
#define SCHEMA_0 "0 "

static void what_is_too_large_or_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        enum ax_err err;
    } cases[] = {
        {"", AX_CORRUPT},
        {"0000000000000001", AX_CORRUPT},
        {HEADER, AX_CORRUPT},
        {HEADER NO_THRESHOLD SCHEMA_0 "10 001 111110 000100111000100000 0 0", AX_LIMIT}, /* 20,000 buckets */
        {HEADER NO_THRESHOLD SCHEMA_0 "111110 000100111000100000", AX_LIMIT},            /* as many spans */
        /* a schema of 40 bits */
        {HEADER NO_THRESHOLD "11111110 00000000 00000001 00000000 00000000 00000000 00000000 00000000 0 0",
         AX_CORRUPT},
        /* a second span that goes back by one; 65,535 histograms with 17 bounds each */
        {HEADER NO_THRESHOLD SCHEMA_0 "10 010 10 001 0 10 001 10 111 0", AX_CORRUPT},
        {"1111111111111111 00000000 " NO_THRESHOLD "1110 111001011 0 0 110 010001", AX_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ax_histogram_chunk_open(&chunk, AX_CHUNK_HISTOGRAM, bits(cases[i].digits)) != cases[i].err)
            fail_msg("case %zu", i);
    assert_int_equal(ax_histogram_chunk_open(&chunk, AX_CHUNK_XOR, bits(HEADER)), AX_UNSUPPORTED);
    assert_int_equal(ax_histogram_chunk_open(&chunk, AX_CHUNK_HISTOGRAM_ST, bits(HEADER)), AX_UNSUPPORTED);
}

/* The message of the first histogram. */
static struct ax_buf first_of(struct ax_str bytes)
{
    struct ax_buf out;
    int64_t t_ms;
    ax_buf_init(&out, MESSAGE_BYTES_MAX);
    assert_int_equal(ax_histogram_chunk_open(&chunk, AX_CHUNK_HISTOGRAM, bytes), AX_OK);
    assert_true(ax_histogram_chunk_next(&chunk, &t_ms));
    ax_histogram_chunk_message(&chunk, &out);
    assert_int_equal(out.err, AX_OK);
    return out;
}

#define SUM_64 "0000000000000000000000000000000000000000000000000000000000000000 "
#define ONE_EACH "10 001 10 001 "            /* two buckets */
#define VALUES "0 10 010 0 " SUM_64 ONE_EACH /* time, count, zero count, sum, buckets */
#define SPAN(length, offset) "10 " length " 10 " offset " "
#define EMPTY(offset) "0 10 " offset " "

static void spans_without_buckets_only_move_the_next_one_on(void **state)
{
    (void)state;
    struct ax_buf with = first_of(bits(HEADER NO_THRESHOLD SCHEMA_0 "10 101 " EMPTY("111") EMPTY("001")
                                           SPAN("001", "001") EMPTY("011") SPAN("001", "000") "0 " VALUES));
    struct ax_buf without = first_of(
        bits(HEADER NO_THRESHOLD SCHEMA_0 "10 010 " SPAN("001", "001") SPAN("001", "011") "0 " VALUES));
    assert_int_equal(with.n, without.n);
    assert_memory_equal(with.bytes, without.bytes, with.n);
    ax_buf_done(&with);
    ax_buf_done(&without);
}

/* 16,384 spans without buckets take 4 KiB, and were 160 KB of each of up to 65,535 messages. */
static void few_bytes_stand_for_few(void **state)
{
    (void)state;
    static uint8_t bytes[8192];
    static const char head[] =
        "1111111111111111 00000000 " NO_THRESHOLD SCHEMA_0 "111110 000100000000000000 ";
    struct ax_str begin = bits(head);
    memcpy(bytes, begin.p,
           begin.n); /* all that follows are zeros: the spans, none of the other side, the values */
    struct ax_buf out = first_of((struct ax_str){(const char *)bytes, sizeof bytes});
    assert_true(out.n < 64);
    ax_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_prometheus_are_read_as_it_reads_them),
        cmocka_unit_test(a_chunk_that_was_cut_is_corrupt),
        cmocka_unit_test(what_is_too_large_or_makes_no_sense_is_refused),
        cmocka_unit_test(spans_without_buckets_only_move_the_next_one_on),
        cmocka_unit_test(few_bytes_stand_for_few),
    };
    return cmocka_run_group_tests(tests, read_golden, free_golden);
}
