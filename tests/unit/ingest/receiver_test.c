/* The receiver over a real server on loopback, asked by libcurl: every status, header and text; garbage,
 * and after each piece of it the next good request works. */
#include "ax_test.h"
#include "base/metrics.h"
#include "ingest/receiver.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"
#include "write_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#define V1 "Content-Type: application/x-protobuf"
#define V2 "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"
#define SNAPPY "Content-Encoding: snappy"
#define NOW_MS 1700000000000
#define BODY_MAX (1u << 20)
#define PLAIN_MAX (2u << 20)

static struct ax_db *db;
static struct ax_receiver *receiver;
static struct ax_http_server *server;
static struct ax_http_route route;
static struct ax_matcher *matcher;
static int selector;
static int64_t now_ms = NOW_MS;
static char url[64];
static uint8_t packed[6u << 20];

static bool is_own(const void *ctx, const struct ax_labels *ls)
{
    (void)ctx;
    return ax_str_eq(ax_labels_get(ls, ax_str("for")), ax_str("job"));
}

static int start(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    const struct ax_db_options o = {.seed = 1, .series_max = 60, .own_output = is_own};
    db = ax_db_new(&o);
    assert_non_null(db);
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str("__name__"), ax_str("up|full.*"), &matcher, &diag),
                     AX_OK);
    selector = ax_db_add_selector(db, ax_str(""), &matcher, 1, 3600000, NULL);
    assert_true(selector >= 0);
    const struct ax_receiver_options options = {
        .clock = ax_clock_virtual(&now_ms), .body_max = BODY_MAX, .plain_max = PLAIN_MAX};
    assert_int_equal(ax_receiver_new(db, &options, &receiver, &diag), AX_OK);
    route = ax_receiver_route(receiver);
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0"};
    if (ax_http_server_start(&http, &route, 1, &server, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/write", ax_http_server_port(server));
    return curl_global_init(CURL_GLOBAL_DEFAULT) != 0;
}

static int stop(void **state)
{
    (void)state;
    ax_http_server_stop(server, 1000);
    ax_receiver_free(receiver);
    ax_db_free(db);
    ax_matcher_free(matcher);
    curl_global_cleanup();
    return 0;
}

/* ---- a client ---- */

#define ASK(body, ...) write_ask(url, "POST", (const char *const[]){__VA_ARGS__, NULL}, (body))

/* ---- requests ---- */

static struct ax_str snappy(struct ax_str plain)
{
    size_t n = sizeof packed;
    assert_int_equal(snappy_compress(plain.p, plain.n, (char *)packed, &n), SNAPPY_OK);
    return (struct ax_str){(const char *)packed, n};
}

/* Fields of a message, written by hand so that anything can be written. */
static void put_bytes(struct ax_buf *b, uint8_t field, struct ax_str s)
{
    ax_buf_byte(b, (uint8_t)(field << 3 | 2));
    size_t n = s.n;
    for (; n >= 0x80; n >>= 7)
        ax_buf_byte(b, (uint8_t)(n | 0x80));
    ax_buf_byte(b, (uint8_t)n);
    ax_buf_str(b, s);
}

static void put_sample(struct ax_buf *b, double value, int64_t t_ms)
{
    struct ax_buf s;
    ax_buf_init(&s, 64);
    ax_buf_byte(&s, 0x09);
    ax_buf_put(&s, &value, 8);
    ax_buf_byte(&s, 0x10);
    uint64_t t = (uint64_t)t_ms;
    for (; t >= 0x80; t >>= 7)
        ax_buf_byte(&s, (uint8_t)(t | 0x80));
    ax_buf_byte(&s, (uint8_t)t);
    put_bytes(b, 2, ax_buf_view(&s));
    ax_buf_done(&s);
}

static void put_label(struct ax_buf *b, struct ax_str name, struct ax_str value)
{
    struct ax_buf l;
    ax_buf_init(&l, 1u << 20);
    put_bytes(&l, 1, name);
    put_bytes(&l, 2, value);
    put_bytes(b, 1, ax_buf_view(&l));
    ax_buf_done(&l);
}

/* A request being made: series after series. */
static struct ax_buf request, one;

static void begin(void)
{
    ax_buf_init(&request, 8u << 20);
    ax_buf_init(&one, 8u << 20);
}

static void series(const char *metric, const char *instance)
{
    ax_buf_reset(&one);
    if (metric)
        put_label(&one, ax_str("__name__"), ax_str(metric));
    if (instance)
        put_label(&one, ax_str("instance"), ax_str(instance));
}

static void end_series(void)
{
    put_bytes(&request, 1, ax_buf_view(&one));
}

static void add(const char *metric, const char *instance, double value, int64_t t_ms)
{
    series(metric, instance);
    put_sample(&one, value, t_ms);
    end_series();
}

/* Send what was made as 1.0. */
static struct write_answer send_v1(void)
{
    struct write_answer a = ASK(snappy(ax_buf_view(&request)), V1, SNAPPY);
    ax_buf_done(&request);
    ax_buf_done(&one);
    begin();
    return a;
}

static void assert_good_request_works(void)
{
    static int64_t t = NOW_MS - 100000;
    begin();
    add("up", "good", 1, t++);
    struct write_answer a = send_v1();
    write_assert_status(&a, 204);
}

/* Samples of up{instance}, oldest first; at most 16. */
static uint32_t read_back(const char *instance, struct ax_sample out[16])
{
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(db, selector, &n, &epoch);
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_labels *ls = ax_series_labels(members[i]);
        if (ax_str_eq(ax_labels_get(ls, ax_str("instance")), ax_str(instance)))
            return ax_db_read(db, members[i], 0, INT64_MAX, out, 16);
    }
    return 0;
}

static double metric(enum ax_metric id, const char *label)
{
    return ax_metric_get(ax_metric(id, label, NULL));
}

/* A 2.0 request with the given series; symbols: "" __name__ up instance a nobody help. */
static struct write_answer send_v2(Io__Prometheus__Write__V2__TimeSeries **ts, size_t n)
{
    static const char *texts[] = {"", "__name__", "up", "instance", "v2", "nobody", "help"};
    ProtobufCBinaryData symbols[7];
    for (size_t i = 0; i < 7; i++) {
        uint8_t *p;
        memcpy(&p, &texts[i], sizeof p);
        symbols[i] = (ProtobufCBinaryData){strlen(texts[i]), p};
    }
    Io__Prometheus__Write__V2__Request req = IO__PROMETHEUS__WRITE__V2__REQUEST__INIT;
    req.n_symbols = 7;
    req.symbols = symbols;
    req.n_timeseries = n;
    req.timeseries = ts;
    static uint8_t plain[65536];
    assert_true(io__prometheus__write__v2__request__get_packed_size(&req) <= sizeof plain);
    size_t plain_n = io__prometheus__write__v2__request__pack(&req, plain);
    return ASK(snappy((struct ax_str){(char *)plain, plain_n}), V2, SNAPPY,
               "X-Prometheus-Remote-Write-Version: 2.0.0");
}

/* One 2.0 series with one sample. */
struct v2_series {
    Io__Prometheus__Write__V2__TimeSeries ts;
    Io__Prometheus__Write__V2__Sample sample, *samples[1];
    Io__Prometheus__Write__V2__Exemplar exemplar, *exemplars[1];
    Io__Prometheus__Write__V2__Histogram histogram, *histograms[1];
    uint32_t refs[4];
};

static Io__Prometheus__Write__V2__TimeSeries *v2(struct v2_series *s, uint32_t name, int64_t t_ms)
{
    *s = (struct v2_series){.ts = IO__PROMETHEUS__WRITE__V2__TIME_SERIES__INIT,
                            .sample = IO__PROMETHEUS__WRITE__V2__SAMPLE__INIT,
                            .exemplar = IO__PROMETHEUS__WRITE__V2__EXEMPLAR__INIT,
                            .histogram = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__INIT,
                            .refs = {1, name, 3, 4}};
    s->samples[0] = &s->sample;
    s->exemplars[0] = &s->exemplar;
    s->histograms[0] = &s->histogram;
    s->sample.value = 7;
    s->sample.timestamp = t_ms;
    s->ts.n_labels_refs = 4;
    s->ts.labels_refs = s->refs;
    s->ts.n_samples = 1;
    s->ts.samples = s->samples;
    s->ts.exemplars = s->exemplars;
    s->ts.histograms = s->histograms;
    return &s->ts;
}

/* ---- tests ---- */

static void a_good_1_0_request_is_204_without_written_headers(void **state)
{
    (void)state;
    double received = metric(AX_M_RECEIVED_SAMPLES, "1.0"), ingested = metric(AX_M_INGESTED_SAMPLES, NULL);
    begin();
    add("up", "one", 1, NOW_MS - 2000);
    add("up", "one", ax_stale(), NOW_MS - 1000);
    struct write_answer a = send_v1();
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, -1);
    assert_int_equal(a.histograms, -1);
    assert_int_equal(a.exemplars, -1);
    struct ax_sample got[16];
    assert_int_equal(read_back("one", got), 2);
    assert_true(got[0].value == 1 && got[0].t_ms == NOW_MS - 2000);
    assert_true(ax_is_stale(got[1].value));
    assert_true(metric(AX_M_RECEIVED_SAMPLES, "1.0") == received + 2);
    assert_true(metric(AX_M_INGESTED_SAMPLES, NULL) == ingested + 2);
    assert_true(metric(AX_M_LAST_RECEIVED, NULL) == NOW_MS / 1000);
}

static void a_good_2_0_request_is_204_with_what_was_written(void **state)
{
    (void)state;
    struct v2_series s[3];
    Io__Prometheus__Write__V2__TimeSeries *ts[] = {v2(&s[0], 2, NOW_MS), v2(&s[1], 2, NOW_MS + 1),
                                                   v2(&s[2], 2, 0)};
    s[0].ts.n_exemplars = 1;
    s[2].ts.n_samples = 0;
    s[2].ts.n_histograms = 1;
    struct write_answer a = send_v2(ts, 3);
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, 2);
    assert_int_equal(a.exemplars, 1);
    assert_int_equal(a.histograms, 1);
    struct ax_sample got[16];
    assert_int_equal(read_back("v2", got), 2);
    a = send_v2(ts, 3); /* the same again: duplicates count as written */
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, 2);
    assert_int_equal(read_back("v2", got), 2);
}

static void unwanted_and_own_samples_count_as_written(void **state)
{
    (void)state;
    double unwanted = metric(AX_M_DROPPED_SAMPLES, "unwanted"),
           own = metric(AX_M_DROPPED_SAMPLES, "own_output");
    struct v2_series s[1];
    Io__Prometheus__Write__V2__TimeSeries *ts[] = {v2(&s[0], 5, NOW_MS)};
    for (int i = 0; i < 2; i++) { /* unknown at first, then known to be unwanted */
        struct write_answer a = send_v2(ts, 1);
        write_assert_status(&a, 204);
        assert_int_equal(a.samples, 1);
    }
    assert_true(metric(AX_M_DROPPED_SAMPLES, "unwanted") == unwanted + 2);
    begin();
    series("up", "own");
    put_label(&one, ax_str("for"), ax_str("job"));
    put_sample(&one, 1, NOW_MS);
    end_series();
    struct write_answer a = send_v1();
    write_assert_status(&a, 204);
    assert_true(metric(AX_M_DROPPED_SAMPLES, "own_output") == own + 1);
}

static void empty_metadata_only_and_exemplar_only_requests_are_204(void **state)
{
    (void)state;
    struct write_answer a = ASK(snappy(ax_str("")), V1, SNAPPY);
    write_assert_status(&a, 204);
    a = ASK(snappy(ax_str("")), V2, SNAPPY);
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, 0);
    double metadata = metric(AX_M_RECEIVED_METADATA, NULL);
    a = ASK(snappy((struct ax_str){"\x1a\x06\x08\x01\x12\x02up", 8}), V1, SNAPPY);
    write_assert_status(&a, 204);
    assert_true(metric(AX_M_RECEIVED_METADATA, NULL) == metadata + 1);
    struct v2_series s[1];
    Io__Prometheus__Write__V2__TimeSeries *ts[] = {v2(&s[0], 2, NOW_MS)};
    s[0].ts.n_samples = 0;
    s[0].ts.n_exemplars = 1;
    a = send_v2(ts, 1);
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, 0);
    assert_int_equal(a.exemplars, 1);
}

static void content_type_and_encoding_are_negotiated(void **state)
{
    (void)state;
    begin();
    add("up", "types", 1, NOW_MS);
    struct ax_str plain = ax_buf_view(&request), body = snappy(plain);
    const char *const none[] = {NULL};
    struct write_answer a = write_ask(url, "POST", none, body);
    write_assert_status(&a, 204);
    a = ASK(body, "Content-Type: Application/X-Protobuf ; Proto=\"prometheus.WriteRequest\"",
            "Content-Encoding: SNAPPY");
    write_assert_status(&a, 204);
    a = ASK(body, V1, SNAPPY, "X-Prometheus-Remote-Write-Version: 0.1.0", "Expect: 100-continue");
    write_assert_status(&a, 204);
    a = ASK(body, V1, SNAPPY, "Transfer-Encoding: chunked");
    write_assert_status(&a, 204);
    const char *types[] = {"Content-Type: application/json", "Content-Type: image/png",
                           "Content-Type: application/x-protobuf;proto=yolo"};
    for (size_t i = 0; i < 3; i++) {
        a = ASK(body, types[i], SNAPPY);
        write_assert_status(&a, 415);
        write_assert_says(&a, "is not supported: send application/x-protobuf");
        assert_int_equal(a.samples, -1);
    }
    const char *encodings[] = {"Content-Encoding: gzip", "Content-Encoding: deflate"};
    for (size_t i = 0; i < 2; i++) {
        a = ASK(body, V2, encodings[i]);
        write_assert_status(&a, 415);
        write_assert_says(&a, "send snappy (block format) or zstd");
    }
    char zstd[1024];
    size_t n = ZSTD_compress(zstd, sizeof zstd, plain.p, plain.n, 3);
    assert_false(ZSTD_isError(n));
    a = ASK(((struct ax_str){zstd, n}), V1, "Content-Encoding: zstd",
            "X-VictoriaMetrics-Remote-Write-Version: 1");
    write_assert_status(&a, 204);
    ax_buf_done(&request);
    ax_buf_done(&one);
}

static void other_methods_are_405(void **state)
{
    (void)state;
    const char *methods[] = {"GET", "PUT", "DELETE"};
    const char *const headers[] = {V1, SNAPPY, NULL};
    for (size_t i = 0; i < 3; i++) {
        struct write_answer a = write_ask(url, methods[i], headers, ax_str(""));
        write_assert_status(&a, 405);
        assert_string_equal(a.allow, "POST");
    }
}

static void order_of_labels_and_samples_does_not_matter(void **state)
{
    (void)state;
    begin();
    add("up", "order", 3, NOW_MS);
    ax_buf_reset(&one);
    put_label(&one, ax_str("instance"), ax_str("order"));
    put_label(&one, ax_str("gone"), ax_str(""));
    put_label(&one, ax_str("__name__"), ax_str("up"));
    put_sample(&one, 1, NOW_MS - 3600000 + 1000);
    put_sample(&one, 2, NOW_MS - 60000);
    end_series();
    struct write_answer a = send_v1();
    write_assert_status(&a, 204);
    struct ax_sample got[16];
    assert_int_equal(read_back("order", got), 3);
    for (int i = 0; i < 3; i++)
        assert_true(got[i].value == i + 1);
}

static void series_that_only_look_plain_are_read_whole(void **state)
{
    (void)state;
    struct ax_sample got[16];
    begin();
    for (int again = 0; again < 2; again++) {
        add("up", "plain", 0, NOW_MS); /* known by its bytes from here on */
        series("up", "plain");         /* two samples */
        put_sample(&one, 1, NOW_MS + 1);
        put_sample(&one, 2, NOW_MS + 2);
        end_series();
        series("up", "plain"); /* an exemplar before the sample */
        put_bytes(&one, 3, (struct ax_str){"\x11\0\0\0\0\0\0\0\0", 9});
        put_sample(&one, 3, NOW_MS + 3);
        end_series();
        series("up", "plain"); /* a label behind a sample */
        put_sample(&one, 4, NOW_MS + 4);
        put_label(&one, ax_str("zone"), ax_str("other"));
        put_sample(&one, 5, NOW_MS + 5);
        end_series();
        series("up", "plain"); /* an unknown field that ends like a sample */
        put_bytes(&one, 9, (struct ax_str){"\x12\x10\x09........\x10\x80\x80\x80\x80\x80\x01", 18});
        end_series();
        struct write_answer a = send_v1();
        write_assert_status(&a, 204);
        assert_int_equal(read_back("plain", got), 4);
        for (int i = 0; i < 4; i++)
            assert_true(got[i].value == i && got[i].t_ms == NOW_MS + i);
    }
    assert_good_request_works();
}

/* Close a series that is about to be refused. */
static void end_bad_series(void)
{
    put_sample(&one, 1, NOW_MS);
    end_series();
}

static void a_malformed_series_among_known_ones_ends_the_request(void **state)
{
    (void)state;
    struct ax_sample got[16];
    begin();
    add("up", "before", 1, NOW_MS);
    add("up", "behind", 1, NOW_MS);
    struct write_answer a = send_v1();
    write_assert_status(&a, 204);
    add("up", "before", 2, NOW_MS + 1);
    ax_buf_reset(&one);
    ax_buf_str(&one, (struct ax_str){"\x0a\x7f", 2}); /* a label that is longer than the series */
    end_bad_series();
    add("up", "behind", 2, NOW_MS + 1); /* of the same run: it is taken with the first */
    add("up", "new", 1, NOW_MS);
    a = send_v1();
    write_assert_status(&a, 400);
    write_assert_says(&a, "TimeSeries 2 is malformed; beside that 2 series kept, 0 refused");
    assert_int_equal(read_back("before", got), 2);
    assert_int_equal(read_back("behind", got), 2);
    assert_int_equal(read_back("new", got), 0);
    assert_good_request_works();
}

static void bad_series_are_refused_by_name_and_the_others_kept(void **state)
{
    (void)state;
    const struct {
        const char *name, *value, *says, *reason;
        int repeat;
    } cases[] = {
        {"zone", "z", "no metric name", "labels", 1},
        {"__name__", "", "no metric name", "labels", 1},
        {"", "x", "a label name is empty", "labels", 1},
        {"twice", "x", "\"twice\" is there twice", "labels", 2},
        {"utf", "\xff", "the value of label \"utf\" is not UTF-8", "labels", 1},
        {"\xff", "utf", "a label name is not UTF-8", "labels", 1},
        {"many", "x", "more than 128 labels", "limit", 10000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double refused = metric(AX_M_REJECTED_SERIES, cases[i].reason);
        char first[16], third[16];
        (void)snprintf(first, sizeof first, "first%zu", i);
        (void)snprintf(third, sizeof third, "third%zu", i);
        begin();
        add("up", first, 1, NOW_MS);
        series(NULL, "bad");
        for (int k = 0; k < cases[i].repeat; k++)
            put_label(&one, ax_str(cases[i].name), ax_str(cases[i].value));
        end_bad_series();
        add("up", third, 1, NOW_MS);
        struct write_answer a = send_v1();
        write_assert_status(&a, 400);
        write_assert_says(&a, "1 of 3 series were refused, the others are kept");
        write_assert_says(&a, cases[i].says);
        struct ax_sample got[16];
        assert_int_equal(read_back(first, got), 1);
        assert_int_equal(read_back(third, got), 1);
        assert_true(metric(AX_M_REJECTED_SERIES, cases[i].reason) == refused + 1);
        assert_good_request_works();
    }
}

static void a_refused_series_is_named_and_only_the_first_few_are(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 5; i++) {
        char instance[16];
        (void)snprintf(instance, sizeof instance, "n%d", i);
        series(NULL, instance);
        end_bad_series();
    }
    struct write_answer a = send_v1();
    write_assert_status(&a, 400);
    write_assert_says(&a, "5 of 5 series were refused");
    write_assert_says(&a, "{instance=\"n0\"}: the series has no metric name");
    write_assert_says(&a, "{instance=\"n2\"}");
    assert_null(strstr(a.text, "n3"));
    write_assert_says(&a, "; ...");
}

/* Ten samples of each of twenty series, and between them four that are not plain. */
static struct write_answer send_long_request(void)
{
    char instance[16], wide[4000];
    memset(wide, 'w', sizeof wide);
    begin();
    for (int i = 0; i < 200; i++) {
        (void)snprintf(instance, sizeof instance, "long%d", i % 20);
        add("up", instance, i, NOW_MS - 1000 + i);
        if (i == 50 || i == 120) { /* without a metric's name; with a label twice, too */
            series(NULL, i == 50 ? NULL : "odd");
            put_label(&one, ax_str("instance"), ax_str(instance));
            end_bad_series();
        }
        if (i == 170) {
            add("up", "ahead", 1, NOW_MS + 700000);
            series("up", "wide");
            for (int k = 0; k < 5; k++) {
                const char name[] = {(char)('a' + k), '\0'};
                put_label(&one, ax_str(name), (struct ax_str){wide, sizeof wide});
            }
            end_bad_series();
        }
    }
    return send_v1();
}

static void a_long_request_is_kept_in_its_order_around_what_is_refused(void **state)
{
    (void)state;
    struct ax_sample got[16];
    char instance[16];
    double duplicates = metric(AX_M_DROPPED_SAMPLES, "duplicate");
    for (int round = 0; round < 2; round++) {
        struct write_answer a = send_long_request();
        write_assert_status(&a, 400);
        write_assert_says(&a, "3 of 204 series were refused");
        const char *name = strstr(a.text, "no metric name"), *twice = strstr(a.text, "is there twice");
        assert_true(name && twice > name && strstr(twice, "ahead of the clock"));
        for (int i = 0; i < 20; i++) {
            (void)snprintf(instance, sizeof instance, "long%d", i);
            assert_int_equal(read_back(instance, got), 10);
            for (int k = 0; k < 10; k++)
                assert_true(got[k].value == i + 20 * k && got[k].t_ms == NOW_MS - 1000 + i + 20 * k);
        }
        assert_int_equal(read_back("wide", got), 1);
        assert_true(metric(AX_M_DROPPED_SAMPLES, "duplicate") == duplicates + 201 * round);
    }
}

static void samples_and_histograms_do_not_mix_in_a_series(void **state)
{
    (void)state;
    struct v2_series s[2];
    Io__Prometheus__Write__V2__TimeSeries *ts[] = {v2(&s[0], 2, NOW_MS - 5), v2(&s[1], 2, NOW_MS - 4)};
    s[1].ts.n_histograms = 1;
    struct write_answer a = send_v2(ts, 2);
    write_assert_status(&a, 400);
    write_assert_says(&a, "up{instance=\"v2\"}: samples and histograms in one series");
    assert_int_equal(a.samples, 1);
    assert_int_equal(a.histograms, 0);
}

static void bad_references_refuse_their_series_and_the_written_headers_say_so(void **state)
{
    (void)state;
    struct v2_series s[4];
    Io__Prometheus__Write__V2__TimeSeries *ts[] = {v2(&s[0], 2, NOW_MS - 9), v2(&s[1], 99, NOW_MS),
                                                   v2(&s[2], 2, NOW_MS), v2(&s[3], 2, NOW_MS - 8)};
    s[2].ts.n_labels_refs = 3;
    struct write_answer a = send_v2(ts, 4);
    write_assert_status(&a, 400);
    write_assert_says(&a, "2 of 4 series");
    write_assert_says(&a, "labels_refs has 99, and there are 7 symbols");
    write_assert_says(&a, "odd number of labels_refs");
    assert_int_equal(a.samples, 2);
    assert_int_equal(a.histograms, 0);
    assert_int_equal(a.exemplars, 0);
}

static void samples_far_ahead_of_the_clock_are_refused(void **state)
{
    (void)state;
    begin();
    series("up", "future");
    put_sample(&one, 1, NOW_MS);
    put_sample(&one, 2, NOW_MS + 600001);
    put_sample(&one, 3, NOW_MS + 600000);
    end_series();
    struct write_answer a = send_v1();
    write_assert_status(&a, 400);
    write_assert_says(&a, "up{instance=\"future\"}: 1 sample(s) more than 600 s ahead of the clock");
    struct ax_sample got[16];
    assert_int_equal(read_back("future", got), 2);
    assert_true(got[1].value == 3);
}

static void series_above_the_limit_are_refused_by_name(void **state)
{
    (void)state;
    double dropped = metric(AX_M_DROPPED_SAMPLES, "series_limit");
    begin();
    for (int i = 0; i < 60; i++) {
        char instance[16];
        (void)snprintf(instance, sizeof instance, "f%d", i);
        add("full", instance, 1, NOW_MS);
    }
    struct write_answer a = send_v1();
    write_assert_status(&a, 400);
    write_assert_says(&a, "--storage.max-series are in memory already");
    assert_true(metric(AX_M_DROPPED_SAMPLES, "series_limit") > dropped);
    assert_good_request_works();
}

static void garbage_is_refused_and_the_next_good_request_works(void **state)
{
    (void)state;
    assert_good_request_works();
    static char bytes[2 * PLAIN_MAX];
    memset(bytes, 0, sizeof bytes);
    const struct {
        struct ax_str body;
        long status;
        const char *says;
    } cases[] = {
        {{"", 0}, 400, "no snappy block"},
        {{"hello, this is no snappy", 24}, 400, "snappy"},
        {{"\xff\x06\x00\x00sNaPpY\x00", 11}, 400, "framed format"},
        {{"\x80\x80\x80\x80\x04zzzzzzzzzzzz", 17}, 400, "declares 1073741824 bytes"},
        {{"\x97\xea\xb4\x89\x0a\x17", 6}, 400, "declares 2704094487 bytes"},
        {{"\x04\x0c\x0a\xff\xff\xff", 6}, 400, "not a remote-write"},
        {{"\x02\x04\x0b\x0c", 4}, 400, "not a remote-write"},
        {{bytes, BODY_MAX + 1}, 413, "larger than the limit of 1048576 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int version = 1; version <= 2; version++) {
            struct write_answer a = ASK(cases[i].body, version == 1 ? V1 : V2, SNAPPY);
            write_assert_status(&a, cases[i].status);
            write_assert_says(&a, cases[i].says);
            bool written = version == 2 && cases[i].status == 400;
            assert_int_equal(a.samples, written ? 0 : -1);
            assert_good_request_works();
        }
    struct write_answer a = ASK(snappy((struct ax_str){bytes, sizeof bytes}), V1, SNAPPY);
    write_assert_status(&a, 400);
    write_assert_says(&a, "send smaller batches");
    a = ASK(((struct ax_str){bytes, BODY_MAX + 1}), V1, SNAPPY, "Transfer-Encoding: chunked");
    write_assert_status(&a, 413);
    assert_good_request_works();
}

static void a_request_cut_anywhere_never_breaks_the_next(void **state)
{
    (void)state;
    begin();
    add("up", "cut", 1, NOW_MS - 50);
    add("up", "cut", 2, NOW_MS - 40);
    struct ax_str plain = ax_buf_view(&request);
    for (size_t n = 1; n < plain.n; n++) {
        struct write_answer a = ASK(snappy((struct ax_str){plain.p, n}), V1, SNAPPY);
        if (n == plain.n / 2)
            write_assert_status(&a, 204); /* just the first series */
        else
            write_assert_status(&a, 400);
    }
    struct write_answer a = ASK(snappy((struct ax_str){plain.p, plain.n - 1}), V1, SNAPPY);
    write_assert_says(&a, "malformed protobuf; beside that 1 series kept, 0 refused");
    ax_buf_done(&request);
    ax_buf_done(&one);
    assert_good_request_works();
}

static void a_message_of_the_other_version_is_not_lost_silently(void **state)
{
    (void)state;
    begin();
    add("up", "other", 1, NOW_MS);
    struct write_answer a = ASK(snappy(ax_buf_view(&request)), V2, SNAPPY);
    write_assert_status(&a, 400);
    write_assert_says(&a, "this is a remote-write 1.0 message");
    assert_int_equal(a.samples, 0);
    ax_buf_done(&request);
    ax_buf_done(&one);
}

/* A client of its own series; NULL when all its requests were taken. */
static void *send_many(void *arg)
{
    for (int i = 0; i < 30; i++) {
        struct ax_buf r, s;
        ax_buf_init(&r, 4096);
        ax_buf_init(&s, 4096);
        put_label(&s, ax_str("__name__"), ax_str("up"));
        put_label(&s, ax_str("instance"), ax_str(arg));
        put_sample(&s, i, NOW_MS - 30 + i);
        put_bytes(&r, 1, ax_buf_view(&s));
        char out[4096];
        size_t n = sizeof out;
        bool good = snappy_compress((char *)r.bytes, r.n, out, &n) == SNAPPY_OK;
        if (i % 3 == 2)
            n--; /* every third one is broken */
        struct write_answer a = ASK(((struct ax_str){out, n}), V1, SNAPPY);
        ax_buf_done(&r);
        ax_buf_done(&s);
        if (!good || a.status != (i % 3 == 2 ? 400 : 204))
            return arg;
    }
    return NULL;
}

static void clients_at_once_do_not_disturb_each_other(void **state)
{
    (void)state;
    char names[4][8];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, names[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        struct ax_sample got[16];
        assert_int_equal(read_back(names[i], got), 16); /* the newest 16 of 20 */
        assert_true(got[15].value == 28);
    }
}

static void a_request_of_refused_series_alone_ends_at_their_ceiling(void **state)
{
    (void)state;
    double refused = metric(AX_M_REJECTED_SERIES, "labels");
    begin();
    add("up", "kept_before", 1, NOW_MS);
    for (int i = 0; i < 200000; i++)
        put_bytes(&request, 1, ax_str("")); /* a TimeSeries without anything costs two bytes */
    add("up", "not_looked_at", 1, NOW_MS);
    struct write_answer a = send_v1();
    write_assert_status(&a, 400);
    write_assert_says(&a, "more than 10000 series are refused, so the rest was not looked at");
    write_assert_says(&a, "beside that 1 series kept, 10001 refused");
    assert_true(metric(AX_M_REJECTED_SERIES, "labels") == refused + 10001);
    struct ax_sample got[16];
    assert_int_equal(read_back("kept_before", got), 1);
    assert_int_equal(read_back("not_looked_at", got), 0);
    assert_good_request_works();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_of_refused_series_alone_ends_at_their_ceiling),
        cmocka_unit_test(a_good_1_0_request_is_204_without_written_headers),
        cmocka_unit_test(a_good_2_0_request_is_204_with_what_was_written),
        cmocka_unit_test(unwanted_and_own_samples_count_as_written),
        cmocka_unit_test(empty_metadata_only_and_exemplar_only_requests_are_204),
        cmocka_unit_test(content_type_and_encoding_are_negotiated),
        cmocka_unit_test(other_methods_are_405),
        cmocka_unit_test(order_of_labels_and_samples_does_not_matter),
        cmocka_unit_test(series_that_only_look_plain_are_read_whole),
        cmocka_unit_test(a_malformed_series_among_known_ones_ends_the_request),
        cmocka_unit_test(bad_series_are_refused_by_name_and_the_others_kept),
        cmocka_unit_test(a_refused_series_is_named_and_only_the_first_few_are),
        cmocka_unit_test(a_long_request_is_kept_in_its_order_around_what_is_refused),
        cmocka_unit_test(samples_and_histograms_do_not_mix_in_a_series),
        cmocka_unit_test(bad_references_refuse_their_series_and_the_written_headers_say_so),
        cmocka_unit_test(samples_far_ahead_of_the_clock_are_refused),
        cmocka_unit_test(garbage_is_refused_and_the_next_good_request_works),
        cmocka_unit_test(a_request_cut_anywhere_never_breaks_the_next),
        cmocka_unit_test(a_message_of_the_other_version_is_not_lost_silently),
        cmocka_unit_test(clients_at_once_do_not_disturb_each_other),
        cmocka_unit_test(series_above_the_limit_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
