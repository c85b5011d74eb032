/* Native histograms: each rule with one that keeps it and ones that break it; what is malformed; and that
 * neither the order of fields nor packing matters. */
#include "ax_test.h"
#include "prom/histogram.h"
#include "write_request.h"

#include <math.h>

#define COUNT(v) (sizeof(v) / sizeof *(v))

static struct ax_arena arena;

static int start(void **state)
{
    (void)state;
    ax_arena_init(&arena, 1u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_arena_done(&arena);
    return 0;
}

static struct ax_str pack(const Io__Prometheus__Write__V2__Histogram *h)
{
    uint8_t *bytes = ax_arena_array(&arena, io__prometheus__write__v2__histogram__get_packed_size(h) + 1, 1);
    assert_non_null(bytes);
    return (struct ax_str){(char *)bytes, io__prometheus__write__v2__histogram__pack(h, bytes)};
}

struct expected {
    const char *fault; /* part of the text; NULL: good */
    struct histogram_spec spec;
};

static void expect(const struct expected *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ax_histogram h;
        if (!ax_histogram_read(pack(histogram_message(&v[i].spec, &arena)), &h))
            fail_msg("case %zu is malformed", i);
        if (v[i].fault ? !strstr(h.fault, v[i].fault) : h.fault[0] != '\0')
            fail_msg("case %zu: '%s' instead of '%s'", i, h.fault, v[i].fault ? v[i].fault : "");
    }
}

/* Two spans with the counts 1, 3, 2. */
#define SPANS(from)                                                                                          \
    {                                                                                                        \
        .spans_n = 2, .spans = {{(from), 2}, {1, 1}}, .buckets_n = 3, .buckets = { 1, 2, -1 }                \
    }

static void the_schema_is_one_that_prometheus_knows(void **state)
{
    (void)state;
    static const struct {
        int32_t schema;
        bool good;
    } cases[] = {{-4, true},  {0, true},   {8, true},   {9, true},          {52, true},         {-53, true},
                 {-5, false}, {-9, false}, {53, false}, {INT32_MIN, false}, {INT32_MAX, false}, {-52, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct expected e = {cases[i].good ? NULL : "is neither -4 to 8 nor -53",
                             {.schema = cases[i].schema}};
        expect(&e, 1);
    }
}

static void spans_stand_for_the_buckets_that_are_there(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {NULL, {.count = 12, .positive = SPANS(-3), .negative = SPANS(0)}},
        {NULL,
         {.count = 1,
          .positive = {.spans_n = 3, .spans = {{0, 0}, {0, 0}, {5, 1}}, .buckets_n = 1, .buckets = {1}}}},
        {"a positive span behind the first has the offset -1",
         {.count = 3,
          .positive = {.spans_n = 2, .spans = {{0, 1}, {-1, 1}}, .buckets_n = 2, .buckets = {1, 1}}}},
        {"a negative span behind the first has the offset -2",
         {.count = 3,
          .negative = {.spans_n = 2, .spans = {{0, 1}, {-2, 1}}, .buckets_n = 2, .buckets = {1, 1}}}},
        {"the positive spans are for 2 buckets, and there are 1",
         {.count = 1, .positive = {.spans_n = 1, .spans = {{0, 2}}, .buckets_n = 1, .buckets = {1}}}},
        {"the negative spans are for 0 buckets, and there are 1",
         {.count = 1, .negative = {.buckets_n = 1, .buckets = {1}}}},
        {"the positive spans are for 8589934590 buckets",
         {.positive = {.spans_n = 2, .spans = {{0, UINT32_MAX}, {0, UINT32_MAX}}}}},
        {"the positive spans are for 2 buckets, and there are 0",
         {.is_float = true, .positive = {.spans_n = 1, .spans = {{0, 2}}}}},
    };
    expect(cases, COUNT(cases));
}

static void no_bucket_has_less_than_nothing(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {NULL,
         {.count = 1, .positive = {.spans_n = 1, .spans = {{0, 2}}, .buckets_n = 2, .buckets = {1, -1}}}},
        {"a positive bucket has a negative count",
         {.count = 0, .positive = {.spans_n = 1, .spans = {{0, 3}}, .buckets_n = 3, .buckets = {1, -2, 2}}}},
        {"a negative bucket has a negative count",
         {.count = 0, .negative = {.spans_n = 1, .spans = {{0, 1}}, .buckets_n = 1, .buckets = {INT64_MIN}}}},
        {NULL,
         {.is_float = true,
          .positive = {.spans_n = 1, .spans = {{0, 2}}, .buckets_n = 2, .buckets = {1, 0}}}},
        {"a positive bucket has a negative count",
         {.is_float = true,
          .positive = {.spans_n = 1, .spans = {{0, 2}}, .buckets_n = 2, .buckets = {1, -1}}}},
    };
    expect(cases, COUNT(cases));
}

static void the_count_of_an_integer_histogram_is_that_of_its_buckets(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {NULL, {.count = 8, .zero_count = 2, .sum = 1, .positive = SPANS(0)}},
        {"8 observations in the buckets, but the count is 99",
         {.count = 99, .zero_count = 2, .sum = 1, .positive = SPANS(0)}},
        {"the count is 7", {.count = 7, .zero_count = 2, .sum = INFINITY, .positive = SPANS(0)}},
        {NULL, {.count = 99, .zero_count = 2, .sum = NAN, .positive = SPANS(0)}},
        {"the count is 7", {.count = 7, .zero_count = 2, .sum = NAN, .positive = SPANS(0)}},
        {NULL, {.sum = ax_stale()}},
        {NULL,
         {.is_float = true,
          .count = 99,
          .zero_count = 2,
          .sum = 1,
          .positive = {.spans_n = 1, .spans = {{0, 1}}, .buckets_n = 1, .buckets = {1}}}},
        {"more observations than 64 bits can count",
         {.count = 1,
          .zero_count = UINT64_MAX,
          .positive = {.spans_n = 1, .spans = {{0, 1}}, .buckets_n = 1, .buckets = {2}}}},
        {"more observations than 64 bits can count",
         {.count = 1,
          .positive = {.spans_n = 1, .spans = {{0, 3}}, .buckets_n = 3, .buckets = {INT64_MAX, 0, 0}}}},
    };
    expect(cases, COUNT(cases));
}

#define CUSTOM .schema = -53, .count = 6
#define BOUNDS .bounds_n = 4, .bounds = {-1, 0, 2.5, 10}

static void custom_buckets_have_bounds_and_nothing_below_zero(void **state)
{
    (void)state;
    const struct expected cases[] = {
        {NULL, {CUSTOM, BOUNDS, .positive = SPANS(0)}},
        {NULL, {CUSTOM, BOUNDS, .positive = SPANS(1)}}, /* the last bucket reaches to +Inf */
        {"reach to number 6, and there are 4 bounds", {CUSTOM, BOUNDS, .positive = SPANS(2)}},
        {"reach to number 4, and there are 0 bounds", {CUSTOM, .positive = SPANS(0)}},
        {NULL, {.schema = -53}},
        {"the first span of custom buckets has the offset -1", {CUSTOM, BOUNDS, .positive = SPANS(-1)}},
        {"have a zero count", {.schema = -53, .count = 7, .zero_count = 1, BOUNDS, .positive = SPANS(0)}},
        {"have a zero count", {.is_float = true, .schema = -53, .zero_count = 1}},
        {"or a zero threshold", {CUSTOM, BOUNDS, .zero_threshold = 0.1, .positive = SPANS(0)}},
        {"have a negative side", {CUSTOM, BOUNDS, .negative = SPANS(0)}},
        {"have a negative side", {.schema = -53, .negative = {.spans_n = 1}}},
        {"have a negative side", {.schema = -53, .negative = {.buckets_n = 1}}},
        {"not finite and strictly increasing", {.schema = -53, .bounds_n = 2, .bounds = {1, 1}}},
        {"not finite and strictly increasing", {.schema = -53, .bounds_n = 3, .bounds = {1, 3, 2}}},
        {"not finite and strictly increasing", {.schema = -53, .bounds_n = 2, .bounds = {1, INFINITY}}},
        {"not finite and strictly increasing", {.schema = -53, .bounds_n = 2, .bounds = {-INFINITY, 1}}},
        {"not finite and strictly increasing", {.schema = -53, .bounds_n = 1, .bounds = {NAN}}},
        {"the threshold of the zero bucket is not 0 or more", {.zero_threshold = -0.5}},
        {"the threshold of the zero bucket is not 0 or more", {.zero_threshold = NAN}},
        {"bounds of custom buckets, and schema 0", {.count = 6, BOUNDS, .positive = SPANS(0)}},
    };
    expect(cases, COUNT(cases));
}

static void times_and_the_end_of_a_series_are_handed_on(void **state)
{
    (void)state;
    struct ax_histogram h;
    const struct histogram_spec spec = {.sum = ax_stale(), .t_ms = -5, .start_ms = -7};
    struct ax_str message = pack(histogram_message(&spec, &arena));
    assert_true(ax_histogram_read(message, &h));
    assert_true(h.sample.ended);
    assert_int_equal(h.sample.t_ms, -5);
    assert_int_equal(h.sample.start_ms, -7);
    assert_ptr_equal(h.sample.message.p, message.p);
    assert_int_equal(h.sample.message.n, message.n);
    assert_true(ax_histogram_read(ax_str(""), &h)); /* absent fields are zero */
    assert_string_equal(h.fault, "");
    assert_int_equal(h.sample.t_ms, 0);
    assert_int_equal(h.sample.start_ms, 0);
    assert_false(h.sample.ended);
}

#define BYTES(literal) ((struct ax_str){literal, sizeof literal - 1})

static void lists_may_be_unpacked_in_pieces_and_in_any_order(void **state)
{
    (void)state;
    /* Deltas 1, 1 in two fields, one packed; then the spans, an unknown field, the count of 3. */
    const struct ax_str good =
        BYTES("\x62\x01\x02\x60\x02\x5a\x02\x10\x01\x5a\x02\x10\x01\xa2\x06\x01z\x08\x03");
    struct ax_histogram h;
    assert_true(ax_histogram_read(good, &h));
    assert_string_equal(h.fault, "");
    /* Of a oneof the last counts: count_float 1 is there first, count_int 4 wins and is wrong. */
    assert_true(ax_histogram_read(BYTES("\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x08\x04"), &h));
    assert_string_equal(h.fault, "0 observations in the buckets, but the count is 4");
    /* zero_count_int 4, then zero_count_float: nothing of the former is left. */
    assert_true(ax_histogram_read(BYTES("\x30\x04\x39\x00\x00\x00\x00\x00\x00\xf0\x3f"), &h));
    assert_string_equal(h.fault, "");
}

static void what_is_no_histogram_is_malformed(void **state)
{
    (void)state;
    const struct ax_str bad[] = {
        BYTES("\x08"),                                 /* a tag, and no value */
        BYTES("\x09\x00\x00\x00\x00\x00\x00\x00\x00"), /* count_int as fixed64 */
        BYTES("\x18\x01"),                             /* sum as varint */
        BYTES("\x1a\x01\x01"),                         /* sum as a list */
        BYTES("\x58\x01"),                             /* a span as varint */
        BYTES("\x5a\x03\x10\x01"),                     /* a span that is cut */
        BYTES("\x5a\x02\x12\x00"),                     /* a span whose length is bytes */
        BYTES("\x62\x01\x80"),                         /* a delta that is cut */
        BYTES("\x6a\x07\x00\x00\x00\x00\x00\x00\x00"), /* a count of seven bytes */
        BYTES("\x0b"),                                 /* a group */
    };
    struct ax_histogram h;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (ax_histogram_read(bad[i], &h))
            fail_msg("case %zu is taken", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_is_one_that_prometheus_knows),
        cmocka_unit_test(spans_stand_for_the_buckets_that_are_there),
        cmocka_unit_test(no_bucket_has_less_than_nothing),
        cmocka_unit_test(the_count_of_an_integer_histogram_is_that_of_its_buckets),
        cmocka_unit_test(custom_buckets_have_bounds_and_nothing_below_zero),
        cmocka_unit_test(times_and_the_end_of_a_series_are_handed_on),
        cmocka_unit_test(lists_may_be_unpacked_in_pieces_and_in_any_order),
        cmocka_unit_test(what_is_no_histogram_is_malformed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
