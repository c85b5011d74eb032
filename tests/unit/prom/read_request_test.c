/* ReadRequest: written for protobuf-c, read as protobuf-c reads it, and bytes that are none. */
#include "ax_test.h"
#include "prom/read_request.h"
#include "proto/remote_read.pb-c.h"
#include "read_oracle.h"
#include "runs.h"

#include <stdlib.h>

static const struct ax_read_limits limits = {10, 4};

static const struct ax_read_matcher matchers[] = {
    {AX_MATCH_EQ, {"__name__", 8}, {"up", 2}},
    {AX_MATCH_NRE, {"job", 3}, {"a|\xc2\xb5", 4}},
    {AX_MATCH_NE, {"x", 1}, {NULL, 0}},
};
static const struct ax_read_query queries[] = {{-5, 1700000000000, matchers, 3}, {0, 0, matchers + 1, 1}};

static struct ax_arena arena;
static struct ax_read_request request;
static struct ax_diag diag;

static enum ax_err read_bytes(const void *bytes, size_t n)
{
    ax_arena_reset(&arena);
    diag = (struct ax_diag){{0}};
    request = (struct ax_read_request){0};
    return ax_read_request_read((struct ax_str){bytes, n}, &limits, &arena, &request, &diag);
}

static void protobuf_c_reads_what_is_written(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, 4096);
    ax_read_request_write(queries, 2, &out);
    Prometheus__ReadRequest *p = prometheus__read_request__unpack(NULL, out.n, out.bytes);
    assert_non_null(p);
    assert_int_equal(p->n_queries, 2);
    assert_int_equal(p->queries[0]->start_timestamp_ms, -5);
    assert_int_equal(p->queries[0]->end_timestamp_ms, 1700000000000);
    assert_int_equal(p->queries[0]->n_matchers, 3);
    assert_int_equal(p->queries[0]->matchers[1]->type, PROMETHEUS__LABEL_MATCHER__TYPE__NRE);
    assert_int_equal(p->queries[0]->matchers[1]->value.len, 4);
    assert_memory_equal(p->queries[0]->matchers[1]->value.data, "a|\xc2\xb5", 4);
    assert_int_equal(p->n_accepted_response_types, 2);
    assert_int_equal(p->accepted_response_types[0],
                     PROMETHEUS__READ_REQUEST__RESPONSE_TYPE__STREAMED_XOR_CHUNKS);
    prometheus__read_request__free_unpacked(p, NULL);
    assert_null(read_oracle_request(out.bytes, out.n));
    ax_buf_done(&out);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, 4096);
    ax_read_request_write(queries, 2, &out);
    assert_int_equal(read_bytes(out.bytes, out.n), AX_OK);
    assert_int_equal(request.accepts, AX_READ_STREAMED);
    assert_int_equal(request.queries_n, 2);
    assert_int_equal(request.queries[0].start_ms, -5);
    assert_int_equal(request.queries[0].matchers_n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(request.queries[0].matchers[i].op, matchers[i].op);
        assert_true(ax_str_eq(request.queries[0].matchers[i].value, matchers[i].value));
    }
    ax_buf_done(&out);
}

static void a_request_that_prometheus_answered_is_read(void **state)
{
    (void)state;
    struct ax_buf file = runs_file("golden/remote_read/request.bin");
    assert_int_equal(read_bytes(file.bytes, file.n), AX_OK);
    assert_int_equal(request.queries_n, 3);
    assert_int_equal(request.queries[0].matchers[0].op, AX_MATCH_RE);
    for (size_t n = 0; n < file.n; n++)
        assert_null(read_oracle_request(file.bytes, n));
    ax_buf_done(&file);
}

static void the_first_form_that_is_known_is_taken(void **state)
{
    (void)state;
    assert_int_equal(read_bytes("", 0), AX_OK);
    assert_int_equal(request.accepts, AX_READ_SAMPLES);
    assert_int_equal(read_bytes("\x12\x03\x07\x00\x01", 5), AX_OK); /* packed: 7, samples, streamed */
    assert_int_equal(request.accepts, AX_READ_SAMPLES);
    assert_int_equal(read_bytes("\x10\x01\x10\x00", 4), AX_OK); /* one by one */
    assert_int_equal(request.accepts, AX_READ_STREAMED);
    assert_int_equal(read_bytes("\x12\x01\x07", 3), AX_INVALID);
    assert_non_null(strstr(diag.text, "STREAMED_XOR_CHUNKS"));
}

static void hints_are_passed_over_whatever_they_are(void **state)
{
    (void)state;
    /* A query with a start of 9 and hints that are no message. */
    assert_int_equal(read_bytes("\x0a\x07\x22\x03\xff\xff\xff\x08\x09", 9), AX_OK);
    assert_int_equal(request.queries[0].start_ms, 9);
}

static void ceilings_are_told(void **state)
{
    (void)state;
    char many[22];
    for (int i = 0; i < 22; i += 2)
        memcpy(many + i, "\x0a\x00", 2);
    assert_int_equal(read_bytes(many, 20), AX_OK);
    assert_int_equal(read_bytes(many, 22), AX_LIMIT);
    assert_non_null(strstr(diag.text, "at most 10"));
    assert_int_equal(read_bytes("\x0a\x0a\x1a\x00\x1a\x00\x1a\x00\x1a\x00\x1a\x00", 12), AX_LIMIT);
    assert_non_null(strstr(diag.text, "matchers"));
}

static void a_matcher_of_an_unknown_type_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_bytes("\x0a\x04\x1a\x02\x08\x04", 6), AX_INVALID);
    assert_string_equal(diag.text, "invalid matcher type");
}

static int stop(void **state)
{
    (void)state;
    ax_arena_done(&arena);
    return 0;
}

int main(void)
{
    ax_arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protobuf_c_reads_what_is_written),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_request_that_prometheus_answered_is_read),
        cmocka_unit_test(the_first_form_that_is_known_is_taken),
        cmocka_unit_test(hints_are_passed_over_whatever_they_are),
        cmocka_unit_test(ceilings_are_told),
        cmocka_unit_test(a_matcher_of_an_unknown_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, stop);
}
