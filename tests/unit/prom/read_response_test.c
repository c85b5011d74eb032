/* Answers to a remote-read, as a real Prometheus gave them (tests/golden/remote_read), and damaged ones. */
#include "ax_test.h"
#include "base/hash.h"
#include "prom/chunk.h"
#include "prom/read_response.h"
#include "prom/wire_put.h"
#include "proto/remote_read.pb-c.h"
#include "read_oracle.h"
#include "runs.h"

#include <stdlib.h>

#define FRAME_MAX (1u << 20)

struct world {
    struct ax_buf request_bytes, frames, samples;
    struct ax_arena arena;
    struct ax_read_request request;
    struct ax_read_reader reader;
    struct runs runs;
    struct ax_diag diag;
};

static struct world w;

static int start(void **state)
{
    static const struct ax_read_limits limits = {100, 100};
    (void)state;
    w = (struct world){0};
    w.request_bytes = runs_file("golden/remote_read/request.bin");
    w.frames = runs_file("golden/remote_read/streamed.frames");
    w.samples = runs_file("golden/remote_read/samples.bin");
    ax_arena_init(&w.arena, 1 << 20);
    ax_read_reader_init(&w.reader, FRAME_MAX, runs_visit, &w.runs);
    return ax_read_request_read(ax_buf_view(&w.request_bytes), &limits, &w.arena, &w.request, NULL) != AX_OK;
}

static int stop(void **state)
{
    (void)state;
    ax_read_reader_done(&w.reader);
    runs_done(&w.runs);
    ax_arena_done(&w.arena);
    ax_buf_done(&w.request_bytes);
    ax_buf_done(&w.frames);
    ax_buf_done(&w.samples);
    return 0;
}

static void begin(void)
{
    runs_done(&w.runs);
    w.diag = (struct ax_diag){{0}};
    ax_read_begin(&w.reader, w.request.queries, w.request.queries_n);
}

static enum ax_err frames_in_pieces(const uint8_t *bytes, size_t n, size_t size)
{
    enum ax_err err = AX_OK;
    begin();
    for (size_t at = 0; at < n && err == AX_OK; at += size) {
        size_t left = n - at;
        err = ax_read_frames(&w.reader, (struct ax_str){(const char *)bytes + at, size < left ? size : left},
                             &w.diag);
    }
    return err == AX_OK ? ax_read_frames_end(&w.reader, &w.diag) : err;
}

static void both_forms_of_prometheus_hold_the_same(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ax_read_samples(&w.reader, ax_buf_view(&w.samples), &w.diag), AX_OK);
    char *expected = strdup(runs_text(&w.runs));
    assert_non_null(expected);
    assert_non_null(strstr(expected, "0 walk{cluster=\"eu\",job=\"a\"} 1700000060000 "));
    assert_non_null(strstr(
        expected, "1 odd{cluster=\"eu\",job=\"b\",size=\"µ\\n\\\"x\"} 1700000183000 7ff0000000000002\n"));
    static const size_t sizes[] = {1, 2, 7, 100, 1447, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(frames_in_pieces(w.frames.bytes, w.frames.n, sizes[i]), AX_OK);
        assert_string_equal(runs_text(&w.runs), expected);
    }
    free(expected);
}

static void samples_beyond_the_times_of_the_query_are_left_out(void **state)
{
    (void)state;
    struct ax_read_query queries[3];
    memcpy(queries, w.request.queries, sizeof queries);
    queries[0].start_ms = queries[0].end_ms = 1700000120000;
    queries[1].start_ms = 5;
    queries[1].end_ms = 4;
    runs_done(&w.runs);
    ax_read_begin(&w.reader, queries, 3);
    assert_int_equal(ax_read_frames(&w.reader, ax_buf_view(&w.frames), &w.diag), AX_OK);
    assert_non_null(strstr(runs_text(&w.runs), "0 walk{cluster=\"eu\",job=\"a\"} 1700000120000 "));
    assert_int_equal(w.runs.visits, 1);
}

static void a_flipped_byte_anywhere_is_noticed(void **state)
{
    (void)state;
    for (size_t at = 0; at < w.frames.n; at++) {
        w.frames.bytes[at] ^= 0x10;
        enum ax_err err = frames_in_pieces(w.frames.bytes, w.frames.n, w.frames.n);
        w.frames.bytes[at] ^= 0x10;
        assert_true(err == AX_CORRUPT || err == AX_LIMIT);
        assert_true(w.diag.text[0] != '\0');
    }
}

static void an_answer_cut_short_is_noticed(void **state)
{
    (void)state;
    size_t ends[8], ends_n = 0;
    for (size_t n = 0; n <= w.frames.n; n++) {
        enum ax_err err = frames_in_pieces(w.frames.bytes, n, 4096);
        if (err == AX_OK)
            ends[ends_n++] = n; /* between two frames nobody can tell */
        else
            assert_string_equal(w.diag.text, "the answer ended within a frame");
        assert_true(ends_n < 8);
    }
    assert_int_equal(ends_n, 5); /* of four series */
    assert_int_equal(ends[4], w.frames.n);
    for (size_t n = 0; n < w.samples.n; n++) {
        begin();
        assert_int_equal(ax_read_samples(&w.reader, (struct ax_str){(char *)w.samples.bytes, n}, &w.diag),
                         AX_CORRUPT);
    }
}

static void after_a_bad_answer_the_next_one_is_read(void **state)
{
    (void)state;
    assert_int_equal(frames_in_pieces(w.frames.bytes, w.frames.n / 2, 64), AX_CORRUPT);
    begin();
    assert_int_equal(ax_read_frames(&w.reader, (struct ax_str){"\x7f\0\0", 3}, &w.diag), AX_OK);
    assert_int_equal(frames_in_pieces(w.frames.bytes, w.frames.n, 64), AX_OK);
    assert_non_null(strstr(runs_text(&w.runs), "1 constant"));
}

static void a_frame_above_the_ceiling_takes_no_memory(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ax_read_frames(&w.reader, (struct ax_str){"\xff\xff\xff\xff\x7f", 5}, &w.diag),
                     AX_LIMIT);
    assert_non_null(strstr(w.diag.text, "at most 1048576"));
    begin();
    assert_int_equal(ax_read_frames(&w.reader,
                                    (struct ax_str){"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
                                    &w.diag),
                     AX_CORRUPT);
}

static void what_a_visitor_says_ends_the_reading(void **state)
{
    (void)state;
    w.runs.answer = AX_BUSY;
    assert_int_equal(frames_in_pieces(w.frames.bytes, w.frames.n, w.frames.n), AX_BUSY);
    assert_int_equal(w.runs.visits, 1);
    begin();
    assert_int_equal(ax_read_samples(&w.reader, ax_buf_view(&w.samples), &w.diag), AX_BUSY);
}

/* A frame with one series `x`, one chunk of this type, for this query. */
static enum ax_err one_frame(int type, int64_t query)
{
    uint8_t label[] = {0x0a, 8, '_', '_', 'n', 'a', 'm', 'e', '_', '_', 0x12, 1, 'x'};
    uint8_t data[] = {0, 1, 2, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}; /* at 1 ms a 1 */
    ProtobufCBinaryData labels = {sizeof label, label};
    Prometheus__Chunk chunk = PROMETHEUS__CHUNK__INIT, *chunks = &chunk;
    Prometheus__ChunkedSeries series = PROMETHEUS__CHUNKED_SERIES__INIT, *all = &series;
    Prometheus__ChunkedReadResponse r = PROMETHEUS__CHUNKED_READ_RESPONSE__INIT;
    chunk.type = (Prometheus__Chunk__Encoding)type;
    chunk.data = (ProtobufCBinaryData){sizeof data, data};
    series.labels = &labels;
    series.n_labels = series.n_chunks = r.n_chunked_series = 1;
    series.chunks = &chunks;
    r.chunked_series = &all;
    r.query_index = query;
    uint8_t bytes[256];
    size_t n = prometheus__chunked_read_response__pack(&r, bytes + 5);
    uint32_t crc = ax_crc32c(0, bytes + 5, n);
    assert_true(n < 128);
    bytes[0] = (uint8_t)n;
    for (unsigned i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(crc >> (24 - 8 * i));
    static const struct ax_read_query any[] = {{0, 10, NULL, 0}, {0, 10, NULL, 0}};
    runs_done(&w.runs);
    w.reader.skipped_n = 0;
    w.diag = (struct ax_diag){{0}};
    ax_read_begin(&w.reader, any, 2);
    return ax_read_frames(&w.reader, (struct ax_str){(char *)bytes, n + 5}, &w.diag);
}

static void chunks_of_histograms_that_are_not_known_are_passed_over_and_counted(void **state)
{
    (void)state;
    assert_int_equal(one_frame(AX_CHUNK_XOR, 1), AX_OK);
    assert_string_equal(runs_text(&w.runs), "1 x 1 3ff0000000000000\n");
    assert_int_equal(w.reader.skipped_n, 0);
    for (int type = AX_CHUNK_HISTOGRAM_ST; type <= AX_CHUNK_FLOAT_HISTOGRAM_ST; type++) {
        assert_int_equal(one_frame(type, 0), AX_OK);
        assert_int_equal(w.runs.visits, 0);
        assert_int_equal(w.reader.skipped_n, 1);
    }
    for (int type = AX_CHUNK_HISTOGRAM; type <= AX_CHUNK_FLOAT_HISTOGRAM; type++)
        assert_int_equal(one_frame(type, 0), AX_CORRUPT); /* what it has is no layout */
}

/* The histograms that were visited, as an answer of the other form, and what they say. */
struct retold {
    struct ax_buf series, said;
    uint32_t n;
};

static enum ax_err retell(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    struct retold *r = ctx;
    assert_int_equal(query, 0);
    assert_int_equal(run->samples_n, 0);
    ax_wire_put_tag(&r->series, 1, AX_WIRE_BYTES);
    size_t n = run->key.n;
    for (uint32_t i = 0; i < run->histograms_n; i++)
        n += 1 + ax_wire_varint_size(run->histograms[i].message.n) + run->histograms[i].message.n;
    ax_wire_put_varint(&r->series, n);
    ax_buf_str(&r->series, run->key);
    for (uint32_t i = 0; i < run->histograms_n; i++) {
        const struct ax_histogram_sample *h = &run->histograms[i];
        ax_wire_put_bytes(&r->series, 4, h->message);
        ax_buf_printf(&r->said, "%d %d ", (int)(h->t_ms - 1700000000000), h->ended);
        ax_buf_str(&r->said, h->message);
        r->n++;
    }
    return AX_OK;
}

static void native_histograms_come_in_both_forms(void **state)
{
    (void)state;
    static const struct ax_read_query any = {0, INT64_MAX, NULL, 0};
    static const uint8_t wrong[] = {0x22, 4, 8, 99, 0x78, 1}; /* 99 observations, and no bucket */
    struct retold first = {0}, second = {0};
    struct ax_buf frames = runs_file("golden/remote_read/histograms.frames"), answer;
    struct ax_read_reader r;
    struct ax_diag diag = {{0}};
    struct ax_buf *const buffers[] = {&first.series, &first.said, &second.series, &second.said, &answer};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        ax_buf_init(buffers[i], 16 << 20);
    ax_read_reader_init(&r, FRAME_MAX, retell, &first);
    ax_read_begin(&r, &any, 1);
    assert_int_equal(ax_read_frames(&r, ax_buf_view(&frames), &diag), AX_OK);
    assert_int_equal(ax_read_frames_end(&r, &diag), AX_OK);
    assert_int_equal(first.n, 400);
    assert_int_equal(r.histograms_n, 400);
    assert_int_equal(r.skipped_n, 0);
    ax_read_reader_done(&r);

    ax_wire_put_tag(&first.series, 1, AX_WIRE_BYTES); /* a series of one wrong histogram */
    ax_wire_put_varint(&first.series, sizeof wrong);
    ax_buf_put(&first.series, wrong, sizeof wrong);
    ax_wire_put_bytes(&answer, 1, ax_buf_view(&first.series));
    ax_read_reader_init(&r, FRAME_MAX, retell, &second);
    ax_read_begin(&r, &any, 1);
    assert_int_equal(ax_read_samples(&r, ax_buf_view(&answer), &diag), AX_OK);
    assert_int_equal(second.n, 400);
    assert_int_equal(r.skipped_n, 1);
    assert_int_equal(first.said.n, second.said.n);
    assert_memory_equal(first.said.bytes, second.said.bytes, first.said.n);
    ax_read_reader_done(&r);
    ax_buf_done(&frames);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        ax_buf_done(buffers[i]);
}

static void a_chunk_or_a_query_that_nobody_knows_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(one_frame(7, 0), AX_UNSUPPORTED);
    assert_non_null(strstr(w.diag.text, "type 7"));
    assert_int_equal(one_frame(0, 0), AX_UNSUPPORTED);
    assert_int_equal(one_frame(AX_CHUNK_XOR, 2), AX_CORRUPT);
    assert_int_equal(one_frame(AX_CHUNK_XOR, -1), AX_CORRUPT);
}

static void every_query_needs_its_result(void **state)
{
    (void)state;
    begin();
    assert_int_equal(ax_read_samples(&w.reader, (struct ax_str){"\x0a\x00\x0a\x00", 4}, &w.diag), AX_CORRUPT);
    assert_non_null(strstr(w.diag.text, "2 results"));
    assert_int_equal(ax_read_samples(&w.reader, (struct ax_str){"\x0a\0\x0a\0\x0a\0\x0a\0", 8}, &w.diag),
                     AX_CORRUPT);
    assert_int_equal(ax_read_samples(&w.reader, (struct ax_str){"\x0a\0\x0a\0\x0a\0", 6}, &w.diag), AX_OK);
}

static void protobuf_c_agrees(void **state)
{
    (void)state;
    assert_null(read_oracle_frames(w.frames.bytes, w.frames.n));
    for (size_t at = 0; at < w.frames.n; at += 3)
        assert_null(read_oracle_frames(w.frames.bytes + at, w.frames.n - at));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(both_forms_of_prometheus_hold_the_same),
        TEST(samples_beyond_the_times_of_the_query_are_left_out),
        TEST(a_flipped_byte_anywhere_is_noticed),
        TEST(an_answer_cut_short_is_noticed),
        TEST(after_a_bad_answer_the_next_one_is_read),
        TEST(a_frame_above_the_ceiling_takes_no_memory),
        TEST(what_a_visitor_says_ends_the_reading),
        TEST(native_histograms_come_in_both_forms),
        TEST(chunks_of_histograms_that_are_not_known_are_passed_over_and_counted),
        TEST(a_chunk_or_a_query_that_nobody_knows_is_an_error),
        TEST(every_query_needs_its_result),
        TEST(protobuf_c_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
