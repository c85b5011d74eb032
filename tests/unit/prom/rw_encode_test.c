/* The remote-write encoders: byte for byte what protobuf-c packs, and read back by the decoder. */
#include "ax_test.h"
#include "base/rng.h"
#include "net/compress.h"
#include "prom/labels.h"
#include "prom/rw_decode.h"
#include "prom/rw_encode.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"

#include <math.h>
#include <stdio.h>

#define RUNS 300u
#define BODY_MAX ((size_t)16 << 20)

/* Random series; keys live in the buffer, samples in the array. */
struct made {
    struct ax_buf keys;
    size_t key_ends[RUNS];
    struct ax_sample samples[RUNS * 5];
    struct ax_rw_run runs[RUNS];
    uint32_t runs_n;
};

static struct made made;
static struct ax_rw_encoder encoder;
static struct ax_buf compressed, body;

static int start(void **state)
{
    (void)state;
    ax_buf_init(&made.keys, BODY_MAX);
    ax_buf_init(&compressed, BODY_MAX);
    ax_buf_init(&body, BODY_MAX);
    ax_rw_encoder_init(&encoder, BODY_MAX);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_buf_done(&made.keys);
    ax_buf_done(&compressed);
    ax_buf_done(&body);
    ax_rw_encoder_done(&encoder);
    return 0;
}

static void make_key(struct ax_rng *rng, struct ax_buf *out)
{
    char values[8][24];
    static const char *const names[8] = {"__name__", "a.b", "for", "horizon",
                                         "instance", "job", "x",   "z\xC3\xA4"};
    struct ax_label v[8];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 8; i++) {
        if (i && ax_rng_below(rng, 3) == 0)
            continue;
        (void)snprintf(values[i], sizeof values[i], "value-%u",
                       (unsigned)ax_rng_below(rng, i < 4 ? 3 : 1000));
        v[n++] = (struct ax_label){ax_str(names[i]), ax_str(values[i])};
    }
    struct ax_labels labels = {n, v};
    ax_labels_key_write(&labels, out);
}

/* negative_zero: whether -0.0 occurs, which protobuf-c takes for an absent zero. */
static void make(uint64_t seed, bool negative_zero)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    ax_buf_reset(&made.keys);
    made.runs_n = (uint32_t)ax_rng_below(&rng, RUNS);
    uint32_t sample = 0;
    const double special[] = {0.0, 1.0, NAN, INFINITY, -INFINITY, 5e-324, ax_stale(), -0.0};
    for (uint32_t i = 0; i < made.runs_n; i++) {
        make_key(&rng, &made.keys);
        made.key_ends[i] = made.keys.n;
        made.runs[i].samples = &made.samples[sample];
        made.runs[i].samples_n = (uint32_t)ax_rng_below(&rng, 6);
        for (uint32_t k = 0; k < made.runs[i].samples_n; k++, sample++) {
            static const int64_t bases[] = {0, 1, -1, 127, 128, 1700000000000, INT64_MIN, INT64_MAX};
            made.samples[sample].t_ms = bases[ax_rng_below(&rng, 8)];
            memcpy(&made.samples[sample].value, &special[ax_rng_below(&rng, negative_zero ? 8 : 7)],
                   sizeof(double));
        }
    }
    for (uint32_t i = 0, from = 0; i < made.runs_n; from = (uint32_t)made.key_ends[i++])
        made.runs[i].key = (struct ax_str){(const char *)made.keys.bytes + from, made.key_ends[i] - from};
}

static void encode(int version)
{
    ax_buf_reset(&compressed);
    assert_int_equal(ax_rw_encode(&encoder, version, made.runs, made.runs_n, &compressed), AX_OK);
    assert_int_equal(ax_snappy_decompress(ax_buf_view(&compressed), &body, NULL), AX_OK);
}

static struct ax_rw_decoder decoder;

static enum ax_err check_series(void *ctx, const struct ax_rw_series *series, const struct ax_rw_fault *fault)
{
    uint32_t *i = ctx;
    assert_null(fault);
    const struct ax_rw_run *run = &made.runs[(*i)++];
    struct ax_str key = series->key;
    if (series->refs_n)
        assert_int_equal(ax_rw_spell(&decoder, series->refs, series->refs_n, &key, NULL), AX_OK);
    assert_true(ax_str_eq(key, run->key));
    assert_int_equal(series->samples_n, run->samples_n);
    for (uint32_t k = 0; k < run->samples_n; k++) {
        assert_true(series->samples[k].t_ms == run->samples[k].t_ms);
        assert_true(ax_double_bits(series->samples[k].value) == ax_double_bits(run->samples[k].value));
    }
    return AX_OK;
}

static void what_is_encoded_is_decoded_with_every_bit(void **state)
{
    (void)state;
    struct ax_rw_limits limits = {100, 65536, 1u << 20, 1000000, 1000, 1u << 30};
    for (uint64_t seed = 0; seed < 60; seed++)
        for (int version = 1; version <= 2; version++) {
            make(seed, true);
            encode(version);
            struct ax_rw_stats stats = {0};
            uint32_t seen = 0;
            assert_int_equal(ax_rw_decode(&decoder, version, ax_buf_view(&body), &limits, check_series, &seen,
                                          &stats, NULL),
                             AX_OK);
            assert_int_equal(seen, made.runs_n);
        }
    ax_rw_decoder_done(&decoder);
}

static void version_1_is_byte_for_byte_what_protobuf_c_packs(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 130; seed++) {
        make(seed, false);
        encode(1);
        Prometheus__WriteRequest *request = prometheus__write_request__unpack(NULL, body.n, body.bytes);
        assert_non_null(request);
        assert_int_equal(request->n_timeseries, made.runs_n);
        ax_buf_reset(&compressed);
        size_t n = prometheus__write_request__get_packed_size(request);
        assert_true(ax_buf_reserve(&compressed, n + 1));
        assert_int_equal(prometheus__write_request__pack(request, compressed.bytes), body.n);
        assert_memory_equal(compressed.bytes, body.bytes, body.n);
        prometheus__write_request__free_unpacked(request, NULL);
    }
}

static void version_2_is_byte_for_byte_what_protobuf_c_packs_and_symbols_are_distinct(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 230; seed++) {
        make(seed, false);
        encode(2);
        Io__Prometheus__Write__V2__Request *request =
            io__prometheus__write__v2__request__unpack(NULL, body.n, body.bytes);
        assert_non_null(request);
        assert_int_equal(request->n_timeseries, made.runs_n);
        assert_true(request->n_symbols > 0 && request->symbols[0].len == 0);
        for (size_t i = 0; i < request->n_symbols; i++)
            for (size_t k = 0; k < i; k++)
                assert_true(
                    request->symbols[i].len != request->symbols[k].len ||
                    memcmp(request->symbols[i].data, request->symbols[k].data, request->symbols[i].len) != 0);
        ax_buf_reset(&compressed);
        size_t n = io__prometheus__write__v2__request__get_packed_size(request);
        assert_true(ax_buf_reserve(&compressed, n + 1));
        assert_int_equal(io__prometheus__write__v2__request__pack(request, compressed.bytes), body.n);
        assert_memory_equal(compressed.bytes, body.bytes, body.n);
        io__prometheus__write__v2__request__free_unpacked(request, NULL);
    }
}

static void a_request_above_its_ceiling_is_refused_and_the_encoder_goes_on(void **state)
{
    (void)state;
    struct ax_rw_encoder small;
    ax_rw_encoder_init(&small, 300);
    make(7, true);
    assert_true(made.runs_n > 20);
    for (int version = 1; version <= 2; version++) {
        ax_buf_reset(&compressed);
        assert_int_equal(ax_rw_encode(&small, version, made.runs, made.runs_n, &compressed), AX_LIMIT);
        assert_int_equal(compressed.n, 0);
        assert_int_equal(ax_rw_encode(&small, version, made.runs, 1, &compressed), AX_OK);
        assert_true(compressed.n > 0);
    }
    ax_rw_encoder_done(&small);
}

static void bytes_that_are_no_key_are_refused(void **state)
{
    (void)state;
    static const struct ax_str bad[] = {
        {"\x0a", 1},
        {"\x0a\x05\x0a", 3},
        {"\x12\x00", 2},
        {"\x0a\x04\x12\x00\x0a\x00", 6},
        {"\x0a\x02\x0a\x00", 4},
        {"\x0a\x05\x0a\x00\x12\x00\x00", 7},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int version = 1; version <= 2; version++) {
            struct ax_rw_run run = {bad[i], NULL, 0};
            ax_buf_reset(&compressed);
            assert_int_equal(ax_rw_encode(&encoder, version, &run, 1, &compressed), AX_INVALID);
        }
}

static void headers_are_those_of_the_specifications(void **state)
{
    (void)state;
    struct ax_rw_headers one = ax_rw_headers(1), two = ax_rw_headers(2);
    assert_string_equal(one.content_type, "application/x-protobuf");
    assert_string_equal(one.content_encoding, "snappy");
    assert_string_equal(one.version, "0.1.0");
    assert_string_equal(two.content_type, "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    assert_string_equal(two.content_encoding, "snappy");
    assert_string_equal(two.version, "2.0.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded_with_every_bit),
        cmocka_unit_test(version_1_is_byte_for_byte_what_protobuf_c_packs),
        cmocka_unit_test(version_2_is_byte_for_byte_what_protobuf_c_packs_and_symbols_are_distinct),
        cmocka_unit_test(a_request_above_its_ceiling_is_refused_and_the_encoder_goes_on),
        cmocka_unit_test(bytes_that_are_no_key_are_refused),
        cmocka_unit_test(headers_are_those_of_the_specifications),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
