/* What a remote-write sender must do, case by case, over a real connection: the cases of the sender suite of
 * prometheus/compliance. Requests are read by protobuf-c. What becomes of a request by its answer, and the
 * pauses between tries, are in retry_test.c and sender_test.c. */
#include "ax_test.h"
#include "base/metrics.h"
#include "emitting.h"
#include "net/compress.h"
#include "prom/sample.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"
#include "receiver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_MS 1700000000000
#define COUNT(v) (sizeof(v) / sizeof *(v))

typedef Io__Prometheus__Write__V2__Request request_2;

static const struct answer accept[] = {{.status = 204}};

/* Says that a sample was written, so that 2.0 goes on. */
static const struct answer accept_2[] = {
    {.status = 204, .header = "X-Prometheus-Remote-Write-Samples-Written", .value = "1"}};

/* ---- reading what came ---- */

static struct ax_str decompress(const struct got *g, struct ax_buf *body)
{
    ax_buf_init(body, 64u << 20);
    assert_int_equal(ax_snappy_decompress(ax_buf_view(&g->body), body, NULL), AX_OK); /* the block format */
    return ax_buf_view(body);
}

static request_2 *read_2(const struct got *g)
{
    struct ax_buf body;
    struct ax_str plain = decompress(g, &body);
    request_2 *r = io__prometheus__write__v2__request__unpack(NULL, plain.n, (const uint8_t *)plain.p);
    assert_non_null(r);
    ax_buf_done(&body);
    return r;
}

static Prometheus__WriteRequest *read_1(const struct got *g)
{
    struct ax_buf body;
    struct ax_str plain = decompress(g, &body);
    Prometheus__WriteRequest *r = prometheus__write_request__unpack(NULL, plain.n, (const uint8_t *)plain.p);
    assert_non_null(r);
    ax_buf_done(&body);
    return r;
}

static struct ax_str view(ProtobufCBinaryData b)
{
    return (struct ax_str){(const char *)b.data, b.len};
}

/* Labels: sorted without repetition, no empty name or value, a metric's name. */
static void check_labels(const struct ax_label *v, size_t n)
{
    bool named = false;
    for (size_t i = 0; i < n; i++) {
        assert_true(v[i].name.n > 0 && v[i].value.n > 0);
        assert_true(i == 0 || ax_str_cmp(v[i - 1].name, v[i].name) < 0);
        named = named || ax_str_eq(v[i].name, ax_str("__name__"));
    }
    assert_true(named);
}

static void labels_2(const request_2 *r, const Io__Prometheus__Write__V2__TimeSeries *ts,
                     struct ax_label *out)
{
    assert_int_equal(ts->n_labels_refs % 2, 0);
    for (size_t i = 0; i < ts->n_labels_refs; i++)
        assert_true(ts->labels_refs[i] < r->n_symbols);
    for (size_t i = 0; i < ts->n_labels_refs / 2; i++)
        out[i] = (struct ax_label){view(r->symbols[ts->labels_refs[2 * i]]),
                                   view(r->symbols[ts->labels_refs[2 * i + 1]])};
}

/* ---- headers ---- */

static void the_request_is_what_its_headers_say(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct receiver *r = receiver_start(0, version == 1 ? accept : accept_2, 1);
        struct ax_remote_write w = emitting_endpoint(receiver_url(r));
        w.protocol = version == 1 ? AX_RW_1 : AX_RW_2;
        struct emitting e = emitting_start(&w, 1, NULL);
        emitting_put(&e, emitting_open(&e, "up{instance=\"a\",job=\"b\"}"), NOW_MS, 1);
        emitting_commit(&e);
        const struct got *g = receiver_wait(r, 1, 0);
        assert_string_equal(g->method, "POST");
        assert_string_equal(g->content_encoding, "snappy");
        assert_string_equal(g->content_type,
                            version == 1 ? "application/x-protobuf"
                                         : "application/x-protobuf;proto=io.prometheus.write.v2.Request");
        assert_string_equal(g->version, version == 1 ? "0.1.0" : "2.0.0");
        assert_true(strlen(g->user_agent) > 0);
        static const uint8_t framed[] = {0xff, 0x06, 0x00, 0x00, 's', 'N', 'a', 'P', 'p', 'Y'};
        assert_true(g->body.n < sizeof framed || memcmp(g->body.bytes, framed, sizeof framed) != 0);
        if (version == 1)
            prometheus__write_request__free_unpacked(read_1(g), NULL);
        else
            io__prometheus__write__v2__request__free_unpacked(read_2(g), NULL);
        emitting_stop(&e, SOON_MS);
        receiver_stop(r);
    }
}

/* ---- labels and symbols ---- */

static void symbols_are_distinct_and_labels_are_sorted_complete_and_whole(void **state)
{
    (void)state;
    static char value[4001], text[4400];
    memset(value, 'v', sizeof value - 1);
    (void)snprintf(text, sizeof text, "long_values{z=\"%s\",a=\"%.300s\"}", value, value + 1000);
    const char *const series[] = {
        "up{job=\"b\",instance=\"a\"}",
        "ten{j=\"0\",i=\"1\",h=\"2\",g=\"3\",f=\"4\",e=\"5\",d=\"6\",c=\"7\",b=\"8\",a=\"9\"}",
        "unicode{city=\"München 🚀 测试\",path=\"/a?b=\\\"c\\\"&d=\\\\e\\n\"}",
        "up{job=\"b\",instance=\"c\"}",
        text,
        "_name:with_colons{_under=\"x\",B=\"y\",a=\"z\"}",
    };
    struct receiver *r = receiver_start(0, accept_2, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.protocol = AX_RW_2;
    struct emitting e = emitting_start(&w, 1, NULL);
    for (size_t i = 0; i < COUNT(series); i++)
        emitting_put(&e, emitting_open(&e, series[i]), NOW_MS, (double)i);
    emitting_commit(&e);
    request_2 *q = read_2(receiver_wait(r, 1, 0));
    assert_true(q->n_symbols > 0 && q->symbols[0].len == 0);
    for (size_t i = 0; i < q->n_symbols; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(ax_str_eq(view(q->symbols[i]), view(q->symbols[k])));
    assert_int_equal(q->n_timeseries, COUNT(series)); /* together in one request */
    for (size_t i = 0; i < q->n_timeseries; i++) {
        const Io__Prometheus__Write__V2__TimeSeries *ts = q->timeseries[i];
        struct ax_label v[16];
        struct ax_arena arena;
        struct ax_labels want;
        assert_true(ts->n_labels_refs / 2 <= COUNT(v));
        labels_2(q, ts, v);
        check_labels(v, ts->n_labels_refs / 2);
        ax_arena_init(&arena, 1u << 20);
        assert_int_equal(ax_labels_parse(ax_str(series[i]), &arena, &want, NULL), AX_OK);
        assert_true(ax_labels_eq(&want, &(struct ax_labels){(uint32_t)ts->n_labels_refs / 2, v}));
        ax_arena_done(&arena);
    }
    io__prometheus__write__v2__request__free_unpacked(q, NULL);
    emitting_stop(&e, SOON_MS);
    receiver_stop(r);
}

/* ---- samples ---- */

static void values_keep_their_bits_and_times_are_milliseconds(void **state)
{
    (void)state;
    static const double values[] = {123.45,   42,      0,        -15.5,     1.79e308,
                                    2.2e-308, 1.23e-4, INFINITY, -INFINITY, NAN};
    for (int version = 1; version <= 2; version++) {
        struct receiver *r = receiver_start(0, version == 1 ? accept : accept_2, 1);
        struct ax_remote_write w = emitting_endpoint(receiver_url(r));
        w.protocol = version == 1 ? AX_RW_1 : AX_RW_2;
        struct emitting e = emitting_start(&w, 1, NULL);
        char text[64];
        for (size_t i = 0; i < COUNT(values); i++) {
            (void)snprintf(text, sizeof text, "m{i=\"%zu\"}", i);
            emitting_put(&e, emitting_open(&e, text), NOW_MS, values[i]);
        }
        emitting_commit(&e);
        const struct got *g = receiver_wait(r, 1, 0);
        if (version == 1) {
            Prometheus__WriteRequest *q = read_1(g);
            assert_int_equal(q->n_timeseries, COUNT(values));
            for (size_t i = 0; i < COUNT(values); i++) {
                const Prometheus__TimeSeries *ts = q->timeseries[i];
                assert_true(ts->n_samples == 1 && ts->n_histograms == 0 && ts->n_exemplars == 0);
                assert_int_equal(ax_double_bits(ts->samples[0]->value), ax_double_bits(values[i]));
                assert_true(ts->samples[0]->timestamp == NOW_MS);
            }
            prometheus__write_request__free_unpacked(q, NULL);
        } else {
            request_2 *q = read_2(g);
            assert_int_equal(q->n_timeseries, COUNT(values));
            for (size_t i = 0; i < COUNT(values); i++) {
                const Io__Prometheus__Write__V2__TimeSeries *ts = q->timeseries[i];
                assert_true(ts->n_samples == 1 && ts->n_histograms == 0 && ts->n_exemplars == 0);
                assert_int_equal(ax_double_bits(ts->samples[0]->value), ax_double_bits(values[i]));
                assert_true(ts->samples[0]->timestamp == NOW_MS && ts->samples[0]->start_timestamp == 0);
                for (size_t k = 0; k < ts->n_metadata; k++)
                    assert_true(ts->metadata[k]->help_ref < q->n_symbols &&
                                ts->metadata[k]->unit_ref < q->n_symbols);
            }
            io__prometheus__write__v2__request__free_unpacked(q, NULL);
        }
        emitting_stop(&e, SOON_MS);
        receiver_stop(r);
    }
}

/* ---- batches ---- */

static void many_series_go_in_batches_in_order_and_each_series_once(void **state)
{
    (void)state;
    enum { SERIES = 12000, AT_MOST = 10000 };
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.max_samples_per_send = 2000; /* the defaults */
    w.batch_send_deadline_ms = 5000;
    struct emitting e = emitting_start(&w, 1, NULL);
    char text[64];
    for (int i = 0; i < SERIES; i++) {
        (void)snprintf(text, sizeof text, "m{i=\"%d\"}", i);
        emitting_put(&e, emitting_open(&e, text), NOW_MS, i);
    }
    emitting_commit(&e);
    emitting_drain(&e);
    emitting_stop(&e, SOON_MS);
    int next = 0;
    for (uint32_t i = 0; i < receiver_count(r); i++) {
        Prometheus__WriteRequest *q = read_1(receiver_wait(r, i + 1, i));
        assert_true(q->n_timeseries >= 3 && q->n_timeseries <= AT_MOST);
        for (size_t k = 0; k < q->n_timeseries; k++)
            assert_true(q->timeseries[k]->samples[0]->value == next++);
        prometheus__write_request__free_unpacked(q, NULL);
    }
    assert_int_equal(next, SERIES);
    receiver_stop(r);
}

/* ---- answers ---- */

/* The first request gets an answer; the second sample must arrive, and the first at most `most` times. */
static void goes_on_after(int version, const struct answer *first, uint32_t most)
{
    const struct answer script[] = {*first, version == 1 ? accept[0] : accept_2[0]};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.protocol = version == 1 ? AX_RW_1 : AX_RW_2;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    emitting_put(&e, out, NOW_MS, 1);
    emitting_commit(&e);
    (void)receiver_wait(r, 1, 0);
    emitting_drain(&e);
    uint32_t tries = receiver_count(r);
    assert_in_range(tries, 1, most);
    emitting_put(&e, out, NOW_MS + 1, 2);
    emitting_commit(&e);
    (void)receiver_wait(r, tries + 1, tries);
    emitting_stop(&e, SOON_MS);
    receiver_stop(r);
}

static void whatever_is_answered_the_sender_goes_on(void **state)
{
    (void)state;
    char *long_text = malloc(1u << 20);
    assert_non_null(long_text);
    memset(long_text, 'e', (1u << 20) - 1);
    long_text[(1u << 20) - 1] = '\0';
    const struct answer once[] = {
        {.status = 200, .body = "{\"status\":\"success\"}"},
        {.status = 202},
        {.status = 204},
        {.status = 400,
         .body = "partial write",
         .header = "X-Prometheus-Remote-Write-Samples-Written",
         .value = "0"},
        {.status = 400, .body = long_text},
        {.status = 401},
        {.status = 403},
        {.status = 404},
        {.status = 409},
        {.status = 413},
        {.status = 422},
        {.status = 999, .body = "what?"},
    };
    for (size_t i = 0; i < COUNT(once); i++)
        goes_on_after(1, &once[i], 1);
    static const unsigned again[] = {429, 500, 502, 503, 504};
    for (size_t i = 0; i < COUNT(again); i++)
        for (int version = 1; version <= 2; version++) {
            const struct answer a = {.status = again[i], .body = long_text};
            goes_on_after(version, &a, 2);
        }
    const struct answer ignored = {.status = 200,
                                   .body = "not even protobuf",
                                   .header = "X-Prometheus-Remote-Write-Samples-Written",
                                   .value = "1"};
    goes_on_after(2, &ignored, 1);
    free(long_text);
}

static void an_endpoint_that_cannot_be_reached_holds_up_no_other(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct receiver *gone = receiver_start(0, accept, 1);
    char refused[128];
    (void)snprintf(refused, sizeof refused, "%s", receiver_url(gone));
    receiver_stop(gone); /* nobody listens there now */
    struct ax_remote_write w[] = {
        emitting_endpoint(refused),
        emitting_endpoint("http://receiver.invalid/write"), /* RFC 6761: no address */
        emitting_endpoint(receiver_url(r))};
    struct emitting e = emitting_start(w, 3, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    for (int i = 0; i < 3; i++) {
        emitting_put(&e, out, NOW_MS + i, i);
        emitting_commit(&e);
        (void)receiver_wait(r, (uint32_t)i + 1, (uint32_t)i);
    }
    emitting_await(ax_metric(AX_M_SEND_RETRIES, refused, NULL), 2);
    emitting_await(ax_metric(AX_M_SEND_RETRIES, "http://receiver.invalid/write", NULL), 2);
    assert_true(emitting_sent(refused) == 0);
    emitting_stop(&e, 10);
    receiver_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_what_its_headers_say),
        cmocka_unit_test(symbols_are_distinct_and_labels_are_sorted_complete_and_whole),
        cmocka_unit_test(values_keep_their_bits_and_times_are_milliseconds),
        cmocka_unit_test(many_series_go_in_batches_in_order_and_each_series_once),
        cmocka_unit_test(whatever_is_answered_the_sender_goes_on),
        cmocka_unit_test(an_endpoint_that_cannot_be_reached_holds_up_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
