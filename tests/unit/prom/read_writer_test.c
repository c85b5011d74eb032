/* Answers that Auspex makes: protobuf-c and the reader find in them what was put in. */
#include "ax_test.h"
#include "prom/labels.h"
#include "prom/read_response.h"
#include "prom/read_writer.h"
#include "prom/wire.h"
#include "proto/remote_read.pb-c.h"
#include "runs.h"

#include <stdlib.h>

#define LONG_N 200000u

static const struct ax_read_query queries[] = {
    {INT64_MIN, INT64_MAX, NULL, 0}, {INT64_MIN, INT64_MAX, NULL, 0}, {INT64_MIN, INT64_MAX, NULL, 0}};
static struct ax_sample long_run[LONG_N];
static struct ax_buf out, keys;
static struct ax_str key_a, key_b;

static struct ax_str add_key(const char *text)
{
    struct ax_arena arena;
    struct ax_labels labels;
    size_t at = keys.n;
    ax_arena_init(&arena, 4096);
    assert_int_equal(ax_labels_parse(ax_str(text), &arena, &labels, NULL), AX_OK);
    ax_labels_key_write(&labels, &keys);
    ax_arena_done(&arena);
    return (struct ax_str){(char *)keys.bytes + at, keys.n - at};
}

static int start(void **state)
{
    (void)state;
    ax_buf_init(&out, 64 << 20);
    ax_buf_init(&keys, 4096);
    (void)ax_buf_reserve(&keys, 4096);
    key_a = add_key("a{for=\"x\"}");
    key_b = add_key("b");
    for (uint32_t i = 0; i < LONG_N; i++) {
        uint64_t bits = 0x3ff0000000000000u + i * 0x123456789abcdu;
        long_run[i].t_ms = (int64_t)i * 15000 - 45000;
        memcpy(&long_run[i].value, &bits, sizeof bits);
    }
    long_run[2].value = ax_stale();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_buf_done(&out);
    ax_buf_done(&keys);
    return 0;
}

static enum ax_err write_answer(enum ax_read_form form, uint32_t b_n)
{
    struct ax_read_writer w;
    ax_buf_reset(&out);
    ax_read_writer_init(&w, form, &out);
    ax_read_writer_query(&w);
    ax_read_writer_series(&w, key_a, long_run, 5);
    ax_read_writer_series(&w, key_b, long_run, b_n);
    ax_read_writer_query(&w);
    ax_read_writer_query(&w);
    ax_read_writer_series(&w, key_b, long_run + 1, 1);
    return ax_read_writer_end(&w);
}

static void both_forms_are_read_back_alike(void **state)
{
    (void)state;
    struct runs runs = {0};
    struct ax_read_reader r;
    struct ax_diag diag = {{0}};
    ax_read_reader_init(&r, 2 << 20, runs_visit, &runs);
    ax_read_begin(&r, queries, 3);
    assert_int_equal(write_answer(AX_READ_SAMPLES, 1000), AX_OK);
    assert_int_equal(ax_read_samples(&r, ax_buf_view(&out), &diag), AX_OK);
    char *expected = strdup(runs_text(&runs));
    assert_non_null(expected);
    assert_non_null(strstr(expected, "0 a{for=\"x\"} -15000 7ff0000000000002\n"));
    assert_non_null(strstr(expected, "2 b -30000 "));
    runs_done(&runs);
    assert_int_equal(write_answer(AX_READ_STREAMED, 1000), AX_OK);
    assert_int_equal(ax_read_frames(&r, ax_buf_view(&out), &diag), AX_OK);
    assert_int_equal(ax_read_frames_end(&r, &diag), AX_OK);
    assert_string_equal(runs_text(&runs), expected);
    free(expected);
    runs_done(&runs);
    ax_read_reader_done(&r);
}

static void protobuf_c_reads_the_samples(void **state)
{
    (void)state;
    assert_int_equal(write_answer(AX_READ_SAMPLES, 300), AX_OK);
    Prometheus__ReadResponse *p = prometheus__read_response__unpack(NULL, out.n, out.bytes);
    assert_non_null(p);
    assert_int_equal(p->n_results, 3);
    assert_int_equal(p->results[0]->n_timeseries, 2);
    assert_int_equal(p->results[1]->n_timeseries, 0);
    assert_int_equal(p->results[0]->timeseries[1]->n_samples, 300);
    assert_int_equal(p->results[0]->timeseries[1]->samples[299]->timestamp, 299 * 15000 - 45000);
    assert_memory_equal(p->results[0]->timeseries[0]->labels[1]->name.data, "for", 3);
    prometheus__read_response__free_unpacked(p, NULL);
}

/* Pass over one frame: what protobuf-c reads of it. */
static Prometheus__ChunkedReadResponse *next_frame(struct ax_wire *w)
{
    uint64_t n;
    assert_true(ax_wire_varint(w, &n));
    assert_true(ax_wire_left(w) >= n + 4);
    assert_true(n < (1u << 20) + 4096);
    Prometheus__ChunkedReadResponse *p = prometheus__chunked_read_response__unpack(NULL, (size_t)n, w->p + 4);
    assert_non_null(p);
    w->p += n + 4;
    return p;
}

static void a_long_series_fills_frames_of_a_mebibyte(void **state)
{
    (void)state;
    assert_int_equal(write_answer(AX_READ_STREAMED, LONG_N), AX_OK);
    struct ax_wire w = ax_wire_of(ax_buf_view(&out));
    unsigned frames = 0, last_query = 0;
    int64_t newest = INT64_MIN;
    while (w.p < w.end) {
        Prometheus__ChunkedReadResponse *p = next_frame(&w);
        const Prometheus__ChunkedSeries *s = p->chunked_series[0];
        assert_int_equal(p->n_chunked_series, 1);
        assert_int_equal(s->n_labels, frames == 0 ? 2 : 1);
        if (frames == 0)
            assert_int_equal(s->n_chunks, 1);
        for (size_t i = 0; frames && p->query_index == 0 && i < s->n_chunks; i++) {
            assert_true(s->chunks[i]->min_time_ms > newest && s->chunks[i]->type == 1);
            newest = s->chunks[i]->max_time_ms;
        }
        last_query = (unsigned)p->query_index;
        frames++;
        prometheus__chunked_read_response__free_unpacked(p, NULL);
    }
    assert_int_equal(newest, long_run[LONG_N - 1].t_ms);
    assert_int_equal(last_query, 2);
    assert_true(frames >= 4);
}

static void an_answer_above_its_ceiling_is_told(void **state)
{
    (void)state;
    for (int form = AX_READ_SAMPLES; form <= AX_READ_STREAMED; form++) {
        ax_buf_done(&out);
        ax_buf_init(&out, 5000);
        assert_int_equal(write_answer((enum ax_read_form)form, 10), AX_OK);
        assert_int_equal(write_answer((enum ax_read_form)form, LONG_N), AX_LIMIT);
    }
}

static void an_empty_answer_has_a_result_for_each_query(void **state)
{
    (void)state;
    struct ax_read_writer w;
    ax_read_writer_init(&w, AX_READ_SAMPLES, &out);
    ax_read_writer_query(&w);
    ax_read_writer_query(&w);
    assert_int_equal(ax_read_writer_end(&w), AX_OK);
    assert_int_equal(out.n, 4);
    assert_memory_equal(out.bytes, "\x0a\0\x0a\0", 4);
    ax_buf_reset(&out);
    ax_read_writer_init(&w, AX_READ_STREAMED, &out);
    ax_read_writer_query(&w);
    assert_int_equal(ax_read_writer_end(&w), AX_OK);
    assert_int_equal(out.n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(both_forms_are_read_back_alike),
        TEST(protobuf_c_reads_the_samples),
        TEST(a_long_series_fills_frames_of_a_mebibyte),
        TEST(an_answer_above_its_ceiling_is_told),
        TEST(an_empty_answer_has_a_result_for_each_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
