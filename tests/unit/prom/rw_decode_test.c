/* The remote-write decoder: against protobuf-c on random requests, whole and damaged; the stale marker,
 * faults of one series, and ceilings. */
#include "ax_test.h"
#include "base/rng.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"
#include "rw_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 3000

static struct ax_rng rng;
static struct ax_arena arena;
static struct ax_rw_decoder decoder;

static int start(void **state)
{
    (void)state;
    ax_rng_seed(&rng, 20);
    ax_arena_init(&arena, 64u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_arena_done(&arena);
    ax_rw_decoder_done(&decoder);
    return 0;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)ax_rng_below(&rng, n);
}

static void *make(size_t count, size_t size)
{
    void *p = ax_arena_array(&arena, count, size);
    assert_non_null(p);
    return p;
}

static ProtobufCBinaryData random_bytes(void)
{
    static const char *words[] = {"", "__name__", "up", "instance", "job", "a", "\xC3\xA4", "\xff", "node:1"};
    const char *word = words[below(sizeof words / sizeof words[0])];
    ProtobufCBinaryData b = {strlen(word), make(256, 1)};
    memcpy(b.data, word, b.len);
    if (below(20) == 0) {
        b.len = 100 + below(156);
        memset(b.data, 'x', b.len);
    }
    return b;
}

static double random_value(void)
{
    const double special[] = {0, 1, -1.5, INFINITY, -INFINITY, NAN, 1e300};
    uint32_t i = below(10);
    return i == 8 ? ax_stale() : i == 9 ? ax_rng_normal(&rng) : special[i % 7];
}

static int64_t random_time(void)
{
    const int64_t times[] = {0, 1, -1, INT64_MIN, INT64_MAX, 1700000000000, 1700000015000};
    return times[below(7)];
}

/* An array of n pointers to fresh messages, each initialised. */
#define MESSAGES(type, init, n) random_array((n), sizeof(type), &(const type)init)

static void *random_array(size_t n, size_t size, const void *init)
{
    void **v = make(n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        v[i] = make(1, size);
        memcpy(v[i], init, size);
    }
    return v;
}

static Prometheus__Label **random_labels(size_t *n)
{
    *n = below(10);
    Prometheus__Label **v = MESSAGES(Prometheus__Label, PROMETHEUS__LABEL__INIT, *n);
    for (size_t i = 0; i < *n; i++) {
        v[i]->name = random_bytes();
        v[i]->value = random_bytes();
    }
    return v;
}

typedef Io__Prometheus__Write__V2__Histogram histogram;
typedef Io__Prometheus__Write__V2__BucketSpan span;

/* One or two spans, of which now and then one has an offset that may not be; returns their buckets, mostly.
 */
static size_t random_spans(span ***out, size_t *n)
{
    size_t buckets = below(20) == 0;
    *n = 1 + below(2);
    *out = MESSAGES(span, IO__PROMETHEUS__WRITE__V2__BUCKET_SPAN__INIT, *n);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i]->offset = (int32_t)below(3) - (i == 0 || below(20) == 0);
        (*out)[i]->length = below(4);
        buckets += (*out)[i]->length;
    }
    return buckets;
}

/* Counts of n buckets, as deltas and absolute, now and then a negative one. */
static uint64_t random_buckets(size_t n, int64_t **deltas, double **counts)
{
    uint64_t total = 0;
    int64_t last = 0;
    *deltas = make(n, sizeof **deltas);
    *counts = make(n, sizeof **counts);
    for (size_t i = 0; i < n; i++) {
        int64_t count = (int64_t)below(300) - (below(40) == 0 ? 300 : 0);
        (*deltas)[i] = count - last;
        (*counts)[i] = (double)count;
        total += (uint64_t)count;
        last = count;
    }
    return total;
}

static void fill_histogram(histogram *h)
{
    static const int32_t schemas[] = {0, 8, -4, 9, 52, -53, -53, -53, -5, 53, INT32_MIN};
    uint64_t total = 0;
    h->schema = schemas[below(below(4) ? 8 : 11)];
    h->timestamp = random_time();
    h->sum = random_value();
    if (below(4)) {
        h->n_positive_deltas = h->n_positive_counts = random_spans(&h->positive_spans, &h->n_positive_spans);
        total += random_buckets(h->n_positive_deltas, &h->positive_deltas, &h->positive_counts);
    }
    if (h->schema != -53 ? below(2) : below(20) == 0) {
        h->n_negative_deltas = h->n_negative_counts = random_spans(&h->negative_spans, &h->n_negative_spans);
        total += random_buckets(h->n_negative_deltas, &h->negative_deltas, &h->negative_counts);
    }
    h->n_custom_values = h->schema == -53 ? below(12) : below(20) == 0;
    h->custom_values = make(h->n_custom_values, sizeof *h->custom_values);
    for (size_t i = 0; i < h->n_custom_values; i++)
        h->custom_values[i] = below(40) ? (double)i : random_value();
    if (h->schema != -53 || below(20) == 0) {
        h->zero_threshold = below(2) ? 0.5 : below(20) ? 0 : -0.5;
        h->zero_count_int = below(10);
        h->zero_count_case = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_INT;
        total += h->zero_count_int;
    }
    h->count_int = total + (below(10) == 0 ? below(3) - 1 : 0);
    h->count_case = below(3) ? IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_INT
                             : IO__PROMETHEUS__WRITE__V2__HISTOGRAM__COUNT_COUNT_FLOAT;
}

static void *arena_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return make(1, n);
}

static void arena_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

/* The same as a message of 1.0, which numbers the fields alike. */
static Prometheus__Histogram *random_histogram_v1(void)
{
    static ProtobufCAllocator in_arena = {arena_alloc, arena_free, NULL};
    histogram h = IO__PROMETHEUS__WRITE__V2__HISTOGRAM__INIT;
    fill_histogram(&h);
    uint8_t bytes[4096];
    assert_true(io__prometheus__write__v2__histogram__get_packed_size(&h) <= sizeof bytes);
    size_t n = io__prometheus__write__v2__histogram__pack(&h, bytes);
    return prometheus__histogram__unpack(&in_arena, n, bytes);
}

static void fill_v1(Prometheus__TimeSeries *ts)
{
    ts->labels = random_labels(&ts->n_labels);
    ts->n_samples = below(4);
    ts->samples = MESSAGES(Prometheus__Sample, PROMETHEUS__SAMPLE__INIT, ts->n_samples);
    for (size_t i = 0; i < ts->n_samples; i++) {
        ts->samples[i]->value = random_value();
        ts->samples[i]->timestamp = random_time();
    }
    ts->n_exemplars = below(10) == 0;
    ts->exemplars = MESSAGES(Prometheus__Exemplar, PROMETHEUS__EXEMPLAR__INIT, ts->n_exemplars);
    for (size_t i = 0; i < ts->n_exemplars; i++)
        ts->exemplars[i]->labels = random_labels(&ts->exemplars[i]->n_labels);
    ts->n_histograms = below(4) == 0 ? 1 + below(2) : 0;
    ts->histograms = make(ts->n_histograms, sizeof *ts->histograms);
    for (size_t k = 0; k < ts->n_histograms; k++)
        ts->histograms[k] = random_histogram_v1();
}

static size_t random_v1(uint8_t *out, size_t cap)
{
    Prometheus__WriteRequest req = PROMETHEUS__WRITE_REQUEST__INIT;
    req.n_timeseries = below(6);
    req.timeseries = MESSAGES(Prometheus__TimeSeries, PROMETHEUS__TIME_SERIES__INIT, req.n_timeseries);
    for (size_t i = 0; i < req.n_timeseries; i++)
        fill_v1(req.timeseries[i]);
    req.n_metadata = below(3);
    req.metadata = MESSAGES(Prometheus__MetricMetadata, PROMETHEUS__METRIC_METADATA__INIT, req.n_metadata);
    for (size_t i = 0; i < req.n_metadata; i++)
        req.metadata[i]->help = random_bytes();
    assert_true(prometheus__write_request__get_packed_size(&req) <= cap);
    return prometheus__write_request__pack(&req, out);
}

static uint32_t *random_refs(size_t *n, size_t symbols)
{
    *n = 2 * below(8) + (below(30) == 0);
    uint32_t *refs = make(*n, sizeof *refs);
    for (size_t i = 0; i < *n; i++)
        refs[i] = below((uint32_t)symbols + (below(50) == 0));
    return refs;
}

static void fill_v2(Io__Prometheus__Write__V2__TimeSeries *ts, size_t symbols)
{
    ts->labels_refs = random_refs(&ts->n_labels_refs, symbols);
    ts->n_samples = below(4);
    ts->samples =
        MESSAGES(Io__Prometheus__Write__V2__Sample, IO__PROMETHEUS__WRITE__V2__SAMPLE__INIT, ts->n_samples);
    for (size_t i = 0; i < ts->n_samples; i++) {
        ts->samples[i]->value = random_value();
        ts->samples[i]->timestamp = random_time();
        ts->samples[i]->start_timestamp = below(2) ? random_time() : 0;
    }
    if (below(4) == 0) { /* created_timestamp, as drafts had it */
        static uint8_t varint[] = {0x85, 0x80, 0x01};
        ProtobufCMessageUnknownField *created = make(1, sizeof *created);
        *created = (ProtobufCMessageUnknownField){6, PROTOBUF_C_WIRE_TYPE_VARINT, sizeof varint, varint};
        ts->base.n_unknown_fields = 1;
        ts->base.unknown_fields = created;
    }
    ts->n_exemplars = below(10) == 0;
    ts->exemplars = MESSAGES(Io__Prometheus__Write__V2__Exemplar, IO__PROMETHEUS__WRITE__V2__EXEMPLAR__INIT,
                             ts->n_exemplars);
    for (size_t i = 0; i < ts->n_exemplars; i++)
        ts->exemplars[i]->labels_refs = random_refs(&ts->exemplars[i]->n_labels_refs, symbols);
    ts->n_histograms = below(4) == 0 ? 1 + below(2) : 0;
    ts->histograms = MESSAGES(Io__Prometheus__Write__V2__Histogram,
                              IO__PROMETHEUS__WRITE__V2__HISTOGRAM__INIT, ts->n_histograms);
    for (size_t k = 0; k < ts->n_histograms; k++)
        fill_histogram(ts->histograms[k]);
    if (below(3) == 0) {
        Io__Prometheus__Write__V2__Metadata **m =
            MESSAGES(Io__Prometheus__Write__V2__Metadata, IO__PROMETHEUS__WRITE__V2__METADATA__INIT, 1);
        m[0]->type = below(3);
        m[0]->help_ref = below((uint32_t)symbols);
        m[0]->unit_ref = below((uint32_t)symbols + 1);
        ts->n_metadata = 1;
        ts->metadata = m;
    }
}

static size_t random_v2(uint8_t *out, size_t cap)
{
    Io__Prometheus__Write__V2__Request req = IO__PROMETHEUS__WRITE__V2__REQUEST__INIT;
    req.n_symbols = 1 + below(30);
    req.symbols = make(req.n_symbols, sizeof *req.symbols);
    for (size_t i = 0; i < req.n_symbols; i++)
        req.symbols[i] = i ? random_bytes() : (ProtobufCBinaryData){0, NULL};
    req.n_timeseries = below(6);
    req.timeseries = MESSAGES(Io__Prometheus__Write__V2__TimeSeries,
                              IO__PROMETHEUS__WRITE__V2__TIME_SERIES__INIT, req.n_timeseries);
    for (size_t i = 0; i < req.n_timeseries; i++)
        fill_v2(req.timeseries[i], req.n_symbols);
    assert_true(io__prometheus__write__v2__request__get_packed_size(&req) <= cap);
    return io__prometheus__write__v2__request__pack(&req, out);
}

/* Change, remove, insert or repeat some bytes; returns the new length. */
static size_t damage(uint8_t *p, size_t n, size_t cap)
{
    for (uint32_t times = 1 + below(4); times > 0 && n > 0; times--) {
        size_t at = below((uint32_t)n);
        switch (below(5)) {
        case 0:
            p[at] = (uint8_t)below(256);
            break;
        case 1:
            p[at] ^= (uint8_t)(1u << below(8));
            break;
        case 2:
            n = at;
            break;
        case 3:
            memmove(p + at, p + at + 1, n - at - 1);
            n--;
            break;
        default:
            if (n < cap) {
                memmove(p + at + 1, p + at, n - at);
                n++;
            }
        }
    }
    return n;
}

static void decoder_and_protobuf_c_read_the_same(void **state)
{
    (void)state;
    static uint8_t bytes[1u << 17];
    for (int round = 0; round < ROUNDS; round++) {
        int version = 1 + round % 2;
        ax_arena_reset(&arena);
        size_t n = version == 1 ? random_v1(bytes, sizeof bytes) : random_v2(bytes, sizeof bytes);
        const char *differ = rw_oracle_compare(&decoder, version, bytes, n);
        for (int again = 0; !differ && again < 10; again++) {
            n = damage(bytes, n, sizeof bytes);
            differ = rw_oracle_compare(&decoder, version, bytes, n);
        }
        if (differ)
            fail_msg("round %d, version %d: %s", round, version, differ);
    }
}

/* What a visitor saw. */
struct seen {
    uint32_t series, faults;
    struct ax_sample samples[16];
    uint32_t samples_n, histograms_n, exemplars_n;
    const char *key_at;
    char key[256];
    size_t key_n;
    char reason[16], text[160];
    enum ax_err answer;
    struct ax_diag *diag;
};

static enum ax_err see(void *ctx, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    struct seen *seen = ctx;
    seen->series++;
    seen->samples_n = s->samples_n;
    seen->histograms_n += s->histograms_n;
    seen->exemplars_n += s->exemplars_n;
    for (uint32_t i = 0; i < s->samples_n && i < 16; i++)
        seen->samples[i] = s->samples[i];
    struct ax_str key = s->key;
    enum ax_err err = s->refs_n ? ax_rw_spell(&decoder, s->refs, s->refs_n, &key, seen->diag) : AX_OK;
    seen->key_at = key.p;
    seen->key_n = key.n;
    if (key.n && key.n <= sizeof seen->key)
        memcpy(seen->key, key.p, key.n);
    if (fault) {
        seen->faults++;
        (void)snprintf(seen->reason, sizeof seen->reason, "%s", fault->reason);
        (void)snprintf(seen->text, sizeof seen->text, "%s", fault->text);
    }
    return err == AX_OK ? seen->answer : err;
}

static const struct ax_rw_limits limits = {.labels_max = 4,
                                           .label_bytes_max = 100,
                                           .key_bytes_max = 300,
                                           .symbols_max = 20,
                                           .samples_max = 3,
                                           .spelled_max = 1000};

static enum ax_err decode(int version, struct ax_str body, struct seen *seen, struct ax_diag *diag)
{
    struct ax_rw_stats stats;
    *seen = (struct seen){.answer = AX_OK, .diag = diag};
    return ax_rw_decode(&decoder, version, body, &limits, see, seen, &stats, diag);
}

#define BODY(literal) ((struct ax_str){literal, sizeof literal - 1})
#define LABEL                                                                                                \
    "\x0a\x06\x0a\x01"                                                                                       \
    "a"                                                                                                      \
    "\x12\x01"                                                                                               \
    "b"
#define SAMPLE "\x12\x0b\x09\x02\x00\x00\x00\x00\x00\xf0\x7f\x10\x05"

static void stale_markers_keep_their_bits_and_keys_are_not_copied(void **state)
{
    (void)state;
    struct seen seen;
    struct ax_str body = BODY("\x0a\x15" LABEL SAMPLE);
    assert_int_equal(decode(1, body, &seen, NULL), AX_OK);
    assert_int_equal(seen.series, 1);
    assert_true(ax_is_stale(seen.samples[0].value));
    assert_int_equal(seen.samples[0].t_ms, 5);
    assert_ptr_equal(seen.key_at, body.p + 2);
    assert_int_equal(seen.key_n, 8);
}

static void labels_that_other_fields_interrupt_make_one_key(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(decode(1, BODY("\x0a\x25" LABEL SAMPLE LABEL LABEL), &seen, NULL), AX_OK);
    assert_int_equal(seen.key_n, 24);
    assert_memory_equal(seen.key, LABEL LABEL LABEL, 24);
    assert_int_equal(seen.samples_n, 1);
}

static void symbols_may_stand_behind_the_series(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(decode(2,
                            BODY("\x2a\x04\x0a\x02\x01\x02\x22\x00\x22\x01"
                                 "a\x22\x01"
                                 "b"),
                            &seen, NULL),
                     AX_OK);
    assert_int_equal(seen.key_n, 8);
    assert_memory_equal(seen.key, LABEL, 8);
    assert_int_equal(seen.faults, 0);
}

static void absent_fields_are_zero(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(decode(1, BODY("\x0a\x02\x12\x00"), &seen, NULL), AX_OK);
    assert_int_equal(seen.samples_n, 1);
    assert_int_equal(seen.samples[0].t_ms, 0);
    assert_true(ax_double_bits(seen.samples[0].value) == 0);
    assert_int_equal(seen.key_n, 0);
    assert_int_equal(decode(1, BODY(""), &seen, NULL), AX_OK);
    assert_int_equal(decode(2, BODY(""), &seen, NULL), AX_OK);
    assert_int_equal(seen.series, 0);
}

static void a_series_with_bad_references_has_a_fault_and_the_next_one_none(void **state)
{
    (void)state;
    struct seen seen;
    struct ax_str odd = BODY("\x22\x00\x22\x01"
                             "a\x2a\x03\x0a\x01\x01\x2a\x04\x0a\x02\x01\x01");
    assert_int_equal(decode(2, odd, &seen, NULL), AX_OK);
    assert_int_equal(seen.series, 2);
    assert_int_equal(seen.faults, 1);
    assert_string_equal(seen.reason, "refs");
    assert_non_null(strstr(seen.text, "odd"));
    struct ax_str range = BODY("\x22\x00\x2a\x04\x0a\x02\x00\x09");
    assert_int_equal(decode(2, range, &seen, NULL), AX_OK);
    assert_int_equal(seen.faults, 1);
    assert_non_null(strstr(seen.text, "labels_refs has 9, and there are 1 symbols"));
    struct ax_str help = BODY("\x22\x00\x2a\x04\x2a\x02\x18\x07");
    assert_int_equal(decode(2, help, &seen, NULL), AX_OK);
    assert_non_null(strstr(seen.text, "help_ref is 7"));
}

static void a_series_above_a_ceiling_has_a_fault_and_the_next_one_none(void **state)
{
    (void)state;
    struct seen seen;
    struct ax_str five = BODY("\x0a\x28" LABEL LABEL LABEL LABEL LABEL "\x0a\x08" LABEL);
    assert_int_equal(decode(1, five, &seen, NULL), AX_OK);
    assert_int_equal(seen.series, 2);
    assert_int_equal(seen.faults, 1);
    assert_string_equal(seen.reason, "limit");
    assert_int_equal(decode(1, BODY("\x0a\x34" SAMPLE SAMPLE SAMPLE SAMPLE), &seen, NULL), AX_OK);
    assert_int_equal(seen.faults, 1);
    assert_int_equal(seen.samples_n, 3);
    char body[200] = "\x0a\x72\x0a\x70\x0a\x6e"; /* a name of 110 bytes */
    memset(body + 6, 'n', 110);
    assert_int_equal(decode(1, (struct ax_str){body, 116}, &seen, NULL), AX_OK);
    assert_non_null(strstr(seen.text, "a label of 110 bytes; at most 100"));
    struct ax_str refs = BODY("\x22\x00\x2a\x0c\x0a\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    assert_int_equal(decode(2, refs, &seen, NULL), AX_OK);
    assert_non_null(strstr(seen.text, "more than 4 labels"));
}

static void too_many_symbols_end_the_walk(void **state)
{
    (void)state;
    char body[64];
    for (size_t i = 0; i < 21; i++)
        memcpy(body + 2 * i, "\x22\x00", 2);
    struct seen seen;
    struct ax_diag diag = {{0}};
    assert_int_equal(decode(2, (struct ax_str){body, 40}, &seen, &diag), AX_OK);
    assert_int_equal(decode(2, (struct ax_str){body, 42}, &seen, &diag), AX_LIMIT);
    assert_non_null(strstr(diag.text, "more than 20 symbols"));
}

static void labels_spelled_again_and_again_end_the_walk(void **state)
{
    (void)state;
    char body[400] = "\x22\x00\x22\x5a"; /* a symbol of 90 bytes, then series of it thrice: 282 bytes each */
    memset(body + 4, 's', 90);
    size_t n = 94;
    struct seen seen;
    struct ax_diag diag = {{0}};
    for (int i = 0; i < 4; i++, n += 10)
        memcpy(body + n, "\x2a\x08\x0a\x06\x01\x00\x01\x00\x01\x00", 10);
    assert_int_equal(decode(2, (struct ax_str){body, n - 10}, &seen, &diag), AX_OK);
    assert_int_equal(seen.faults, 0);
    assert_int_equal(decode(2, (struct ax_str){body, n}, &seen, &diag), AX_LIMIT);
    assert_int_equal(seen.series, 4);
    assert_non_null(strstr(diag.text, "more than 1000 bytes"));
    assert_int_equal(decode(2, (struct ax_str){body, n - 10}, &seen, &diag), AX_OK);
}

static void a_request_of_the_other_version_is_told_apart(void **state)
{
    (void)state;
    struct seen seen;
    struct ax_diag diag = {{0}};
    assert_int_equal(decode(2, BODY("\x0a\x08" LABEL), &seen, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "this is a remote-write 1.0 message"));
    assert_int_equal(decode(1, BODY("\x22\x00\x2a\x04\x0a\x02\x00\x00"), &seen, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "this is a remote-write 2.0 message"));
    assert_int_equal(decode(2,
                            BODY("\x22\x01"
                                 "a"),
                            &seen, &diag),
                     AX_INVALID);
}

static void nothing_of_a_broken_request_reaches_the_next(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(decode(1, BODY("\x0a\x25" LABEL SAMPLE LABEL "\x0a\x08"), &seen, NULL), AX_INVALID);
    assert_int_equal(decode(2,
                            BODY("\x22\x00\x22\x01"
                                 "a\x2a\x07\x0a\x02\x01\x01\x12\x09"),
                            &seen, NULL),
                     AX_INVALID);
    assert_int_equal(decode(2, BODY("\x22\x00\x2a\x04\x0a\x02\x00\x01"), &seen, NULL), AX_OK);
    assert_int_equal(seen.faults, 1); /* the second symbol was the broken request's */
    assert_int_equal(decode(1, BODY("\x0a\x15" LABEL SAMPLE), &seen, NULL), AX_OK);
    assert_int_equal(seen.key_n, 8);
    assert_int_equal(seen.samples_n, 1);
}

static void the_visitors_error_ends_the_walk(void **state)
{
    (void)state;
    struct ax_rw_stats stats;
    struct seen seen = {.answer = AX_BUSY};
    struct ax_str two = BODY("\x0a\x08" LABEL "\x0a\x08" LABEL);
    assert_int_equal(ax_rw_decode(&decoder, 1, two, &limits, see, &seen, &stats, NULL), AX_BUSY);
    assert_int_equal(seen.series, 1);
    assert_int_equal(stats.series, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoder_and_protobuf_c_read_the_same),
        cmocka_unit_test(stale_markers_keep_their_bits_and_keys_are_not_copied),
        cmocka_unit_test(labels_that_other_fields_interrupt_make_one_key),
        cmocka_unit_test(symbols_may_stand_behind_the_series),
        cmocka_unit_test(absent_fields_are_zero),
        cmocka_unit_test(a_series_with_bad_references_has_a_fault_and_the_next_one_none),
        cmocka_unit_test(a_series_above_a_ceiling_has_a_fault_and_the_next_one_none),
        cmocka_unit_test(too_many_symbols_end_the_walk),
        cmocka_unit_test(labels_spelled_again_and_again_end_the_walk),
        cmocka_unit_test(a_request_of_the_other_version_is_told_apart),
        cmocka_unit_test(nothing_of_a_broken_request_reaches_the_next),
        cmocka_unit_test(the_visitors_error_ends_the_walk),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
