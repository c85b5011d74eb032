/* What a remote-write receiver must do, case by case, over a real server: the cases of the receiver suite of
 * prometheus/compliance and of the tests of Prometheus's own write handler. Where those tolerate 400, the
 * answer asked for here is the right one. Labels come in random order. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"

#include <math.h>
#include <snappy-c.h>
#include <stdio.h>

#define COUNT(v) (sizeof(v) / sizeof *(v))
static struct write_request *const req = &endpoint.req;

static int start(void **state)
{
    (void)state;
    const struct ax_db_options o = {.seed = 1, .series_max = 1000};
    return endpoint_start(&o);
}

static int stop(void **state)
{
    (void)state;
    return endpoint_stop();
}

static void values(double out[5])
{
    const double v[5] = {1, ax_stale(), NAN, INFINITY, -INFINITY};
    memcpy(out, v, sizeof v);
}

/* ---- negotiation and bodies ---- */

static void other_content_types_are_415(void **state)
{
    (void)state;
    static const char *const types[] = {"Content-Type: application/json", "Content-Type: image/png",
                                        "Content-Type: application/x-protobuf;proto=yolo"};
    for (size_t i = 0; i < COUNT(types); i++) {
        write_series(req, PAIRS("__name__", "up"));
        write_sample(req, 1, NOW_MS);
        struct ax_str packed = endpoint_compress(2);
        endpoint.body[0] = '0';
        struct write_answer a = write_ask(endpoint.url, "POST", PAIRS(types[i], SNAPPY, V2_VERSION), packed);
        write_assert_status(&a, 415);
    }
}

static void other_content_encodings_are_415(void **state)
{
    (void)state;
    static const char *const encodings[] = {"Content-Encoding: gzip", "Content-Encoding: deflate"};
    for (size_t i = 0; i < COUNT(encodings); i++) {
        write_series(req, PAIRS("__name__", "up"));
        write_sample(req, 1, NOW_MS);
        struct write_answer a =
            write_ask(endpoint.url, "POST", PAIRS(V2_TYPE, encodings[i], V2_VERSION), endpoint_compress(2));
        write_assert_status(&a, 415);
    }
}

static void a_corrupt_body_is_400_and_nothing_written(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        write_series(req, PAIRS("__name__", "up"));
        write_sample(req, 1, NOW_MS);
        struct ax_str packed = endpoint_compress(version);
        endpoint.body[0] = (char)0xff;
        struct write_answer a =
            write_ask(endpoint.url, "POST", PAIRS(version == 1 ? V1_TYPE : V2_TYPE, SNAPPY), packed);
        write_assert_status(&a, 400);
        assert_int_equal(a.samples, version == 1 ? -1 : 0);
        assert_int_equal(a.histograms, version == 1 ? -1 : 0);
        assert_int_equal(a.exemplars, version == 1 ? -1 : 0);
    }
}

static void headers_of_1_0_may_be_left_out(void **state)
{
    (void)state;
    const char *const *cases[] = {
        PAIRS(V1_TYPE, SNAPPY, "X-Prometheus-Remote-Write-Version: 0.1.0"),
        PAIRS(V1_TYPE, SNAPPY),
        NO_PAIRS,
        PAIRS(SNAPPY),
        PAIRS(V1_TYPE),
        PAIRS("Content-Type: application/x-protobuf;proto=prometheus.WriteRequest", SNAPPY),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_series(req, PAIRS("__name__", "up"));
        write_sample(req, 1, NOW_MS);
        struct write_answer a = write_ask(endpoint.url, "POST", cases[i], endpoint_compress(1));
        write_assert_status(&a, 204);
    }
    struct write_answer a =
        write_ask(endpoint.url, "POST", PAIRS(V2_TYPE, SNAPPY), endpoint_compress(2)); /* no version */
    write_assert_status(&a, 204);
    a = write_ask(endpoint.url, "GET", PAIRS(V2_TYPE, SNAPPY), endpoint_compress(2));
    write_assert_status(&a, 405);
}

/* ---- samples and labels ---- */

static void every_value_of_every_kind_of_name_is_kept_bit_by_bit(void **state)
{
    (void)state;
    double v[5];
    values(v);
    for (size_t i = 0; i < COUNT(v); i++) {
        static const char *const names[] = {"up_bare",   "up_labelled",      "up_lines",
                                            "r.cpu.use", "name with spaces", "größe.😀"};
        write_series(req, PAIRS("__name__", names[0]));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        write_series(req, PAIRS("__name__", names[1], "instance", "localhost:9090", "job", "prometheus"));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        write_series(req, PAIRS("__name__", names[2], "text", "line1\nline2\tand \"quotes\" \\"));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        write_series(req, PAIRS("__name__", names[3], "job.name", "a.b", "service.name", "x"));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        write_series(req, PAIRS("__name__", names[4], "label with spaces", "v"));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        write_series(req, PAIRS("__name__", names[5], "ключ", "测试"));
        write_sample(req, v[i], NOW_MS + (int64_t)i);
        expect_v2(204, 6, 0, 0);
        for (size_t k = 0; k < COUNT(names); k++) {
            struct ax_sample got[8];
            assert_int_equal(kept(names[k], got), i + 1);
            assert_int_equal(ax_double_bits(got[i].value), ax_double_bits(v[i]));
        }
    }
}

static void a_series_without_a_name_is_refused(void **state)
{
    (void)state;
    double v[5];
    values(v);
    static const char *const no_name[] = {"job", "x", "instance", "y", NULL};
    static const char *const empty_name[] = {"__name__", "", "job", "x", NULL};
    static const char *const longer_name[] = {"__name__x", "up", "__name", "up", NULL};
    const char *const *labels[] = {no_name, empty_name, longer_name, NO_PAIRS};
    for (size_t k = 0; k < COUNT(labels); k++) {
        for (size_t i = 0; i < COUNT(v); i++) {
            write_series(req, labels[k]);
            write_sample(req, v[i], NOW_MS);
            expect_v2(400, 0, 0, 0);
        }
        write_series(req, labels[k]);
        write_sample(req, 1, NOW_MS);
        write_exemplar(req, 1, NOW_MS, PAIRS("trace_id", "1"));
        write_metadata(req, 1, "help", NULL);
        expect_v2(400, 0, 0, 0);
        write_series(req, labels[k]);
        write_metadata(req, 2, "help", NULL);
        expect_v2(400, 0, 0, 0);
        write_series(req, labels[k]);
        write_sample(req, 1, NOW_MS);
        expect_v1(400);
    }
}

static void the_good_series_beside_bad_ones_are_written(void **state)
{
    (void)state;
    double v[5];
    values(v);
    for (size_t i = 0; i < COUNT(v); i++) {
        for (int bad = 0; bad <= 4; bad++) { /* none, one, ... all four without a name */
            char job[24];
            for (int k = 0; k < 4; k++) {
                (void)snprintf(job, sizeof job, "%zu-%d-%d", i, bad, k);
                if (k < bad)
                    write_series(req, PAIRS("job", job));
                else
                    write_series(req, PAIRS("job", job, "__name__", "mixed"));
                write_sample(req, v[i], NOW_MS);
            }
            expect_v2(bad ? 400 : 204, 4 - bad, 0, 0);
        }
    }
}

static void bad_labels_are_refused_and_empty_values_are_absent(void **state)
{
    (void)state;
    write_series(req, PAIRS("__name__", "twice", "job", "a", "job", "b"));
    write_sample(req, 1, NOW_MS);
    expect_v2(400, 0, 0, 0);
    write_series(req, PAIRS("__name__", "no_utf8", "job", "\xff\xfe"));
    write_sample(req, 1, NOW_MS);
    expect_v2(400, 0, 0, 0);
    write_series(req, PAIRS("__name__", "empty_name", "", "b"));
    write_sample(req, 1, NOW_MS);
    expect_v2(400, 0, 0, 0);
    const char *name = fresh();
    write_series(req, PAIRS("__name__", name, "a", "", "job", "x"));
    write_sample(req, 1, NOW_MS);
    write_series(req, PAIRS("__name__", name, "job", "x"));
    write_sample(req, 2, NOW_MS + 1);
    expect_v2(204, 2, 0, 0);
    struct ax_sample got[8];
    assert_int_equal(kept(name, got), 2);
}

static void bad_references_are_refused_and_the_rest_is_written(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        write_series(req, PAIRS("__name__", "refs", "bad", "yes"));
        write_sample(req, 1, NOW_MS);
        write_exemplar(req, 1, NOW_MS, PAIRS("trace_id", "1"));
        write_metadata(req, 1, "help", "unit");
        write_series(req, PAIRS("__name__", "refs", "bad", "no"));
        write_sample(req, 1, NOW_MS);
        Io__Prometheus__Write__V2__TimeSeries *ts = req->message.timeseries[0];
        switch (i) {
        case 0:
            ts->n_labels_refs = 3;
            break;
        case 1:
            ts->labels_refs[1] = (uint32_t)req->message.n_symbols;
            break;
        case 2:
            ts->metadata[0]->help_ref = 1000;
            break;
        case 3:
            ts->metadata[0]->unit_ref = 1000;
            break;
        case 4:
            ts->exemplars[0]->n_labels_refs = 1;
            break;
        default:
            ts->exemplars[0]->labels_refs[1] = UINT32_MAX;
        }
        expect_v2(400, 1, 0, 0);
    }
}

/* One sample of a counter that says when it began; field_6: as the drafts before rc.4 said it. */
static void send_counter(const char *name, int64_t t_ms, double value, int64_t start_ms, bool field_6)
{
    write_series(req, PAIRS("__name__", name, "job", "test"));
    write_sample(req, value, t_ms);
    write_metadata(req, 1, "A counter", NULL);
    if (field_6)
        write_created(req, start_ms);
    else
        req->message.timeseries[0]->samples[0]->start_timestamp = start_ms;
    expect_v2(204, 1, 0, 0);
}

static void a_counter_begins_at_zero_where_it_was_created(void **state)
{
    (void)state;
    for (int field_6 = 0; field_6 <= 1; field_6++) {
        const char *name = fresh();
        double created = ax_metric_get(ax_metric(AX_M_CREATED_SAMPLES, NULL, NULL));
        send_counter(name, NOW_MS - 60000, 100, NOW_MS - 70000, field_6);
        send_counter(name, NOW_MS - 60000, 100, NOW_MS - 70000, field_6); /* again */
        send_counter(name, NOW_MS - 45000, 103, NOW_MS - 70000, field_6);
        send_counter(name, NOW_MS - 30000, 107, NOW_MS - 40000, field_6); /* reset, though it rose */
        send_counter(name, NOW_MS - 15000, 9, NOW_MS - 40000, field_6);   /* reset, and nobody says so */
        send_counter(name, NOW_MS, 10, NOW_MS, field_6);                  /* not before the sample */
        static const double want[][2] = {{-70000, 0},   {-60000, 100}, {-45000, 103}, {-40000, 0},
                                         {-30000, 107}, {-15000, 9},   {0, 10}};
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), COUNT(want));
        for (size_t i = 0; i < COUNT(want); i++) {
            assert_int_equal(got[i].t_ms - NOW_MS, (int64_t)want[i][0]);
            assert_true(got[i].value == want[i][1]);
        }
        assert_true(ax_metric_get(ax_metric(AX_M_CREATED_SAMPLES, NULL, NULL)) == created + 2);
    }
}

static void a_counter_created_long_ago_begins_nowhere(void **state)
{
    (void)state;
    const char *name = fresh();
    struct ax_sample got[8];
    send_counter(name, NOW_MS, 100, NOW_MS - 72 * HOUR_MS, false);
    assert_int_equal(kept(name, got), 1);
}

static void each_sample_of_a_series_has_its_own_start(void **state)
{
    (void)state;
    const char *name = fresh();
    struct ax_sample got[8];
    static const int64_t starts[] = {0, -50000, -50000, -25000, 0};
    write_series(req, PAIRS("__name__", name));
    for (int64_t i = 0; i < 5; i++) {
        write_sample(req, 1, NOW_MS - 60000 + i * 15000);
        req->message.timeseries[0]->samples[i]->start_timestamp = starts[i] ? NOW_MS + starts[i] : 0;
    }
    expect_v2(204, 5, 0, 0);
    static const int64_t want[] = {-60000, -50000, -45000, -30000, -25000, -15000, 0};
    assert_int_equal(kept(name, got), COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++)
        assert_int_equal(got[i].t_ms - NOW_MS, want[i]);
}

static void fields_of_later_versions_are_ignored(void **state)
{
    (void)state;
    const char *name = fresh();
    write_series(req, PAIRS("__name__", name));
    write_sample(req, 1, NOW_MS);
    uint8_t number[] = {1, 2, 3, 4}, text[] = {2, 'a', 'b'};
    ProtobufCMessageUnknownField fixed = {111, PROTOBUF_C_WIRE_TYPE_32BIT, sizeof number, number};
    ProtobufCMessageUnknownField bytes = {112, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof text, text};
    req->message.base.n_unknown_fields = 1;
    req->message.base.unknown_fields = &fixed;
    ProtobufCMessage *sample = &req->message.timeseries[0]->samples[0]->base;
    sample->n_unknown_fields = 1;
    sample->unknown_fields = &bytes;
    expect_v2(204, 1, 0, 0);
    struct ax_sample got[8];
    assert_int_equal(kept(name, got), 1);
}

static void empty_requests_are_204(void **state)
{
    (void)state;
    expect_v1(204);
    expect_v2(204, 0, 0, 0);
}

/* ---- time ---- */

static void one_series_in_three_pieces_is_put_together_by_time(void **state)
{
    (void)state;
    static const int64_t orders[][3] = {{-HOUR_MS, -MINUTE_MS, 0}, {0, -MINUTE_MS, -HOUR_MS}};
    for (size_t k = 0; k < COUNT(orders); k++) {
        const char *name = fresh();
        for (int i = 0; i < 3; i++) {
            write_series(req, PAIRS("__name__", name, "job", "test", "instance", "a"));
            write_sample(req, (double)orders[k][i], NOW_MS + orders[k][i]);
            write_exemplar(req, 1, NOW_MS + orders[k][i], PAIRS("trace_id", "abc"));
        }
        expect_v2(204, 3, 0, 3);
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(got[i].t_ms, NOW_MS + orders[0][i]);
            assert_true(got[i].value == (double)orders[0][i]);
        }
    }
}

static void what_comes_late_or_twice_is_taken(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh();
        static const double sent[] = {1, 2, 2, 1};
        static const int64_t at[] = {0, -MINUTE_MS, -MINUTE_MS, 0}; /* out of order, again */
        for (size_t i = 0; i < COUNT(sent); i++) {
            write_series(req, PAIRS("__name__", name));
            write_sample(req, sent[i], NOW_MS + at[i]);
            if (version == 1)
                expect_v1(204);
            else
                expect_v2(204, 1, 0, 0);
        }
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), 2);
        assert_true(got[0].value == 2 && got[1].value == 1);
        for (int i = 0; i < 2; i++) { /* another value of a time is refused, and the first stays */
            write_series(req, PAIRS("__name__", name));
            write_sample(req, i ? NAN : 9, NOW_MS);
            write_sample(req, 3, NOW_MS + 1 + i);
            struct write_answer a = endpoint_send(version);
            write_assert_status(&a, 400);
            write_assert_says(&a, "1 sample(s) with another value for a time that has one");
            assert_int_equal(a.samples, version == 1 ? -1 : 1);
        }
        assert_int_equal(kept(name, got), 4);
        assert_true(got[0].value == 2 && got[1].value == 1 && got[2].value == 3);
    }
}

static void what_no_job_looks_back_at_is_refused(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh();
        double too_old = ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "too_old", NULL));
        write_series(req, PAIRS("__name__", name));
        write_sample(req, 1, NOW_MS);
        write_sample(req, 2, NOW_MS - 3 * HOUR_MS);
        write_sample(req, 3, NOW_MS - HOUR_MS);
        struct write_answer a = endpoint_send(version);
        write_assert_status(&a, 400);
        write_assert_says(&a, "1 sample(s) further behind the newest than --storage.out-of-order-window");
        assert_int_equal(a.samples, version == 1 ? -1 : 2);
        assert_true(ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, "too_old", NULL)) == too_old + 1);
        struct ax_sample got[8];
        assert_int_equal(kept(name, got), 2);
    }
}

static void more_than_ten_minutes_ahead_is_refused(void **state)
{
    (void)state;
    static const int64_t ahead[] = {10 * MINUTE_MS, 10 * MINUTE_MS + 1};
    for (int version = 1; version <= 2; version++)
        for (size_t i = 0; i < COUNT(ahead); i++)
            for (int histogram = 0; histogram <= 1; histogram++) {
                const struct histogram_spec spec = {.t_ms = NOW_MS + ahead[i]};
                const struct histogram_spec now = {.t_ms = NOW_MS};
                write_series(req, PAIRS("__name__", fresh()));
                if (histogram) {
                    write_histogram(req, &spec);
                    write_histogram(req, &now);
                } else {
                    write_sample(req, 1, NOW_MS + ahead[i]);
                    write_sample(req, 1, NOW_MS);
                }
                int written = i == 0 ? 2 : 1;
                if (version == 1)
                    expect_v1(i == 0 ? 204 : 400);
                else
                    expect_v2(i == 0 ? 204 : 400, histogram ? 0 : written, histogram ? written : 0, 0);
            }
}

/* ---- histograms ---- */

#define SPANS(from, ...)                                                                                     \
    {                                                                                                        \
        .spans_n = 2, .spans = {{(from), 2}, {1, 1}}, .buckets_n = 3, .buckets = { __VA_ARGS__ }             \
    }
#define BOUNDS .bounds_n = 3, .bounds = {0.1, 1, 10}

static const struct histogram_spec basic = {.schema = 1,
                                            .count = 14,
                                            .zero_count = 2,
                                            .zero_threshold = 1e-128,
                                            .sum = 18.4,
                                            .positive = SPANS(0, 1, 2, -1),
                                            .negative = SPANS(-2, 1, 2, -1),
                                            .t_ms = NOW_MS,
                                            .start_ms = NOW_MS - HOUR_MS};
static const struct histogram_spec custom = {
    .schema = -53, .count = 6, .sum = 9, BOUNDS, .positive = SPANS(0, 1, 2, -1), .t_ms = NOW_MS};

static void good_histograms_are_written(void **state)
{
    (void)state;
    const struct histogram_spec cases[] = {
        basic,
        custom,
        {.count = 6, .sum = 3, .positive = SPANS(0, 1, 2, -1)},
        {.count = 6, .sum = -3, .negative = SPANS(0, 1, 2, -1)},
        {.count = 5, .zero_count = 5, .zero_threshold = 0.001},
        {.schema = 0},
        {.sum = ax_stale()},
        {.is_float = true, .schema = 3, .count = 9, .zero_count = 3, .positive = SPANS(-9, 1, 3, 2)},
        {.is_float = true, .schema = -53, .count = 6, BOUNDS, .positive = SPANS(0, 1, 3, 2)},
        {.schema = 20, .count = 6, .positive = SPANS(0, 1, 2, -1)}, /* taken at the resolution of 8 */
        {.count = 9, .sum = NAN, .positive = SPANS(0, 1, 2, -1)},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double refused = ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "histogram", NULL));
        double ingested = ax_metric_get(ax_metric(AX_M_INGESTED_SAMPLES, NULL, NULL));
        double received = ax_metric_get(ax_metric(AX_M_RECEIVED_HISTOGRAMS, NULL, NULL));
        struct histogram_spec spec = cases[i];
        spec.t_ms = NOW_MS + (int64_t)i;
        spec.start_ms = 0;
        for (int again = 0; again <= 1; again++) {
            write_series(req, PAIRS("__name__", "duration_seconds", "job", "test"));
            write_histogram(req, &spec);
            if (again)
                expect_v1(204);
            else
                expect_v2(204, 0, 1, 0);
        }
        assert_true(ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "histogram", NULL)) == refused);
        assert_true(ax_metric_get(ax_metric(AX_M_INGESTED_SAMPLES, NULL, NULL)) == ingested + 1);
        assert_true(ax_metric_get(ax_metric(AX_M_RECEIVED_HISTOGRAMS, NULL, NULL)) == received + 2);
    }
}

static void wrong_histograms_refuse_their_series_and_the_rest_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        struct histogram_spec spec;
    } cases[] = {
        {"native histogram: 6 observations in the buckets, but the count is 99",
         {.count = 99, .sum = 3, .positive = SPANS(0, 1, 2, -1)}},
        {"native histogram: custom buckets have a zero count",
         {.schema = -53, .count = 7, .zero_count = 1, BOUNDS, .positive = SPANS(0, 1, 2, -1)}},
        {"there are 3 bounds", {.schema = -53, .count = 6, BOUNDS, .positive = SPANS(1, 1, 2, -1)}},
        {"schema -7 is neither", {.schema = -7}},
        {"schema 53 is neither", {.schema = 53}},
        {"has a negative count", {.count = 0, .positive = SPANS(0, 1, -2, 2)}},
        {"are for 3 buckets, and there are 0",
         {.is_float = true, .positive = {.spans_n = 1, .spans = {{0, 3}}}}},
    };
    for (int version = 1; version <= 2; version++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            double refused = ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "histogram", NULL));
            write_series(req, PAIRS("__name__", "duration_seconds", "job", "good"));
            write_histogram(req, &basic);
            write_series(req, PAIRS("__name__", "duration_seconds", "job", "wrong"));
            write_histogram(req, &cases[i].spec);
            write_series(req, PAIRS("__name__", "up", "job", "good"));
            write_sample(req, 1, NOW_MS);
            struct write_answer a = endpoint_send(version);
            write_assert_status(&a, 400);
            write_assert_says(&a, "1 of 3 series were refused, the others are kept; "
                                  "duration_seconds{job=\"wrong\"}: native histogram: ");
            write_assert_says(&a, cases[i].says);
            assert_int_equal(a.samples, version == 1 ? -1 : 1);
            assert_int_equal(a.histograms, version == 1 ? -1 : 1);
            assert_true(ax_metric_get(ax_metric(AX_M_REJECTED_SERIES, "histogram", NULL)) == refused + 1);
        }
}

static void a_refused_histogram_is_named_wherever_its_labels_stand(void **state)
{
    (void)state;
    /* 1.0, the histogram (count 1, no bucket) before the label __name__="x". */
    static const char plain[] = "\x0a\x13\x22\x02\x08\x01\x0a\x0d\x0a\x08__name__\x12\x01x";
    size_t n = sizeof endpoint.body;
    assert_int_equal(snappy_compress(plain, sizeof plain - 1, endpoint.body, &n), SNAPPY_OK);
    struct write_answer a =
        write_ask(endpoint.url, "POST", PAIRS(V1_TYPE, SNAPPY), (struct ax_str){endpoint.body, n});
    write_assert_status(&a, 400);
    write_assert_says(&a, "; x: native histogram: 0 observations in the buckets, but the count is 1");
}

static void histograms_come_with_everything_else(void **state)
{
    (void)state;
    write_series(req, PAIRS("__name__", "duration_seconds", "job", "a"));
    write_histogram(req, &basic);
    write_created(req, NOW_MS - HOUR_MS);
    expect_v2(204, 0, 1, 0);
    write_series(req, PAIRS("__name__", "duration_seconds", "job", "a"));
    write_histogram(req, &basic);
    write_series(req, PAIRS("__name__", "size_bytes", "job", "a"));
    write_histogram(req, &custom);
    write_metadata(req, 3, "Sizes", "bytes");
    expect_v2(204, 0, 2, 0);
    for (int with = 0; with < 4; with++) { /* neither, an exemplar, metadata, both */
        write_series(req, PAIRS("__name__", "size_bytes", "job", fresh()));
        write_histogram(req, with == 1 ? &custom : &basic);
        if (with & 1)
            write_exemplar(req, 0.5, NOW_MS, PAIRS("trace_id", "abc"));
        if (with & 2)
            write_metadata(req, 3, "Sizes", "bytes");
        expect_v2(204, 0, 1, with & 1);
    }
    write_series(req, PAIRS("__name__", "size_bytes", "job", "a"));
    write_histogram(req, &basic);
    write_sample(req, 1, NOW_MS);
    expect_v2(400, 0, 0, 0); /* not both in one series */
}

/* ---- exemplars and metadata ---- */

static void exemplars_of_any_labels_and_values_are_written(void **state)
{
    (void)state;
    const char *const *labels[] = {
        PAIRS("trace_id", "abc123"),
        PAIRS("trace_id", "abc123", "span_id", "def"),
        PAIRS("user", "42"),
        PAIRS("a", "1", "b", "2", "c", "3", "d", "4"),
        NO_PAIRS,
        PAIRS("path", "/a?b=\"c\"&d=\\e\n"),
        PAIRS("emoji", "🚀", "cjk", "测试"),
    };
    static const double v[] = {0, -123.456, 1e10, 1e-10, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(labels); i++) {
        write_series(req, PAIRS("__name__", "requests_total", "job", "a"));
        write_sample(req, 1, NOW_MS);
        write_exemplar(req, v[i], NOW_MS, labels[i]);
        expect_v2(204, 1, 0, 1);
    }
    write_series(req, PAIRS("__name__", "requests_total", "job", "a"));
    write_sample(req, 1, NOW_MS);
    for (int i = 0; i < 3; i++)
        write_exemplar(req, i, NOW_MS - i, PAIRS("trace_id", "x"));
    expect_v2(204, 1, 0, 3);
}

static void exemplars_alone_are_written(void **state)
{
    (void)state;
    write_series(req, PAIRS("__name__", "requests_total", "job", "a"));
    write_exemplar(req, 1, NOW_MS, PAIRS("trace_id", "x"));
    expect_v2(204, 0, 0, 1);
    write_series(req, PAIRS("__name__", "requests_total", "job", "a"));
    write_exemplar(req, 1, NOW_MS, PAIRS("trace_id", "x"));
    expect_v1(204);
}

static void metadata_of_every_kind_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *help, *unit;
    } texts[] = {{"Help", "seconds"}, {NULL, NULL}, {"ä \"quoted\" \\ \n 🚀", NULL}, {NULL, "bytes"}};
    for (uint32_t type = 0; type <= 8; type++) /* 8 is one that nobody knows yet */
        for (size_t i = 0; i < COUNT(texts); i++) {
            write_series(req, PAIRS("__name__", "described", "job", "a"));
            write_sample(req, 1, NOW_MS);
            write_metadata(req, type, texts[i].help, texts[i].unit); /* each contradicts the one before */
            expect_v2(204, 1, 0, 0);
        }
    write_series(req, PAIRS("__name__", "described", "job", "a"));
    write_metadata(req, 1, "Nothing but metadata", NULL);
    expect_v2(204, 0, 0, 0);
}

static void metadata_alone_in_1_0_is_taken(void **state)
{
    (void)state;
    static const char plain[] = "\x1a\x0a\x08\x01\x12\x02up\x22\x02hi"; /* MetricMetadata of up */
    size_t n = sizeof endpoint.body;
    assert_int_equal(snappy_compress(plain, sizeof plain - 1, endpoint.body, &n), SNAPPY_OK);
    struct write_answer a =
        write_ask(endpoint.url, "POST", PAIRS(V1_TYPE, SNAPPY), (struct ax_str){endpoint.body, n});
    write_assert_status(&a, 204);
    assert_int_equal(a.samples, -1);
}

/* ---- all at once ---- */

static void fifty_of_each_in_one_request_are_written(void **state)
{
    (void)state;
    for (int histograms = 0; histograms <= 1; histograms++) {
        for (int i = 0; i < 50; i++) {
            char number[24];
            (void)snprintf(number, sizeof number, "%d", i);
            write_series(req,
                         PAIRS("__name__", histograms ? "many_seconds" : "many", "zone", "z", "i", number));
            if (histograms)
                write_histogram(req, i % 2 ? &basic : &custom);
            else
                write_sample(req, i, NOW_MS);
            write_metadata(req, histograms ? 3 : 2, number, NULL);
            write_exemplar(req, i, NOW_MS, PAIRS("trace_id", number));
        }
        expect_v2(204, histograms ? 0 : 50, histograms ? 50 : 0, 50);
    }
}

static void samples_and_exemplars_of_different_times_are_written(void **state)
{
    (void)state;
    const char *name = fresh();
    write_series(req, PAIRS("__name__", name, "special", "äöü 🚀 \"q\"\n"));
    write_sample(req, 1, NOW_MS - HOUR_MS);
    write_exemplar(req, 1, NOW_MS - HOUR_MS / 2, PAIRS("trace_id", "x"));
    write_sample(req, 2, NOW_MS);
    write_metadata(req, 2, "äöü 🚀", NULL);
    expect_v2(204, 2, 0, 1);
    struct ax_sample got[8];
    assert_int_equal(kept(name, got), 2);
}

static void a_1_0_request_has_no_written_headers(void **state)
{
    (void)state;
    const char *name = fresh();
    write_series(req, PAIRS("zone", "z", "__name__", name, "instance", "i", "job", "j"));
    write_sample(req, 1, NOW_MS);
    write_exemplar(req, 1, NOW_MS, PAIRS("trace_id", "x"));
    write_series(req, PAIRS("__name__", "duration_seconds", "job", "j"));
    write_histogram(req, &basic);
    expect_v1(204);
    struct ax_sample got[8];
    assert_int_equal(kept(name, got), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_histograms_are_written), /* first: no sample has made room in the scratch yet */
        cmocka_unit_test(other_content_types_are_415),
        cmocka_unit_test(other_content_encodings_are_415),
        cmocka_unit_test(a_corrupt_body_is_400_and_nothing_written),
        cmocka_unit_test(headers_of_1_0_may_be_left_out),
        cmocka_unit_test(every_value_of_every_kind_of_name_is_kept_bit_by_bit),
        cmocka_unit_test(a_series_without_a_name_is_refused),
        cmocka_unit_test(the_good_series_beside_bad_ones_are_written),
        cmocka_unit_test(bad_labels_are_refused_and_empty_values_are_absent),
        cmocka_unit_test(bad_references_are_refused_and_the_rest_is_written),
        cmocka_unit_test(a_counter_begins_at_zero_where_it_was_created),
        cmocka_unit_test(a_counter_created_long_ago_begins_nowhere),
        cmocka_unit_test(each_sample_of_a_series_has_its_own_start),
        cmocka_unit_test(fields_of_later_versions_are_ignored),
        cmocka_unit_test(empty_requests_are_204),
        cmocka_unit_test(one_series_in_three_pieces_is_put_together_by_time),
        cmocka_unit_test(what_comes_late_or_twice_is_taken),
        cmocka_unit_test(what_no_job_looks_back_at_is_refused),
        cmocka_unit_test(more_than_ten_minutes_ahead_is_refused),
        cmocka_unit_test(wrong_histograms_refuse_their_series_and_the_rest_is_written),
        cmocka_unit_test(a_refused_histogram_is_named_wherever_its_labels_stand),
        cmocka_unit_test(histograms_come_with_everything_else),
        cmocka_unit_test(exemplars_of_any_labels_and_values_are_written),
        cmocka_unit_test(exemplars_alone_are_written),
        cmocka_unit_test(metadata_of_every_kind_is_taken),
        cmocka_unit_test(metadata_alone_in_1_0_is_taken),
        cmocka_unit_test(fifty_of_each_in_one_request_are_written),
        cmocka_unit_test(samples_and_exemplars_of_different_times_are_written),
        cmocka_unit_test(a_1_0_request_has_no_written_headers),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
