/* bytes_test.c: what is written is read back bit for bit, and what is cut short is refused. */
#include "ax_test.h"
#include "base/bytes.h"

#include <math.h>
#include <string.h>

static const uint64_t edges[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
static const float floats[] = {1.5f, -0.0f, INFINITY};

static void write_all(struct ax_buf *b)
{
    ax_buf_init(b, 4096);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        ax_put_varint(b, edges[i]);
        ax_put_svarint(b, (int64_t)edges[i]);
        ax_put_u64(b, edges[i]);
        ax_put_u8(b, (uint8_t)(edges[i] & 1));
    }
    ax_put_u32(b, 7);
    ax_put_i64(b, INT64_MIN);
    ax_put_f64(b, -0.0);
    ax_put_f32(b, 0.1f);
    ax_put_str(b, ax_str("up{}"));
    ax_put_f32s(b, floats, 3);
}

static enum ax_err read_all(struct ax_bytes *r)
{
    float got[3];
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        bool same = ax_get_varint(r) == edges[i] && ax_get_svarint(r) == (int64_t)edges[i] &&
                    ax_get_u64(r) == edges[i] && ax_get_bool(r) == ((edges[i] & 1) != 0);
        assert_true(same || r->err != AX_OK);
    }
    bool same = ax_get_u32(r) == 7 && ax_get_i64(r) == INT64_MIN && signbit(ax_get_f64(r)) != 0 &&
                ax_get_f32(r) == 0.1f && ax_str_eq(ax_get_str(r), ax_str("up{}")) &&
                ax_get_f32s(r, got, 3) == 3 && memcmp(got, floats, sizeof got) == 0;
    assert_true(same || r->err != AX_OK);
    return ax_bytes_end(r);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct ax_buf b;
    write_all(&b);
    struct ax_bytes r = ax_bytes_of(ax_buf_view(&b));
    assert_int_equal(read_all(&r), AX_OK);
    ax_buf_done(&b);
}

static void every_shorter_prefix_is_refused(void **state)
{
    (void)state;
    struct ax_buf b;
    write_all(&b);
    for (size_t n = 0; n < b.n; n++) {
        struct ax_bytes r = ax_bytes_of((struct ax_str){(const char *)b.bytes, n});
        assert_int_equal(read_all(&r), AX_CORRUPT);
    }
    ax_buf_done(&b);
}

static void what_is_left_over_is_refused(void **state)
{
    (void)state;
    struct ax_bytes r = ax_bytes_of(ax_str("xy"));
    (void)ax_get_u8(&r);
    assert_int_equal(ax_bytes_end(&r), AX_CORRUPT);
}

static void a_varint_of_more_than_64_bits_is_refused(void **state)
{
    (void)state;
    struct ax_bytes r = ax_bytes_of((struct ax_str){"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10});
    assert_int_equal(ax_get_varint(&r), 0);
    assert_int_equal(r.err, AX_CORRUPT);
}

static void a_count_above_its_ceiling_is_refused(void **state)
{
    (void)state;
    struct ax_bytes r = ax_bytes_of(ax_str("\x05"));
    assert_int_equal(ax_get_count(&r, 4), 0);
    assert_int_equal(r.err, AX_CORRUPT);
}

static void a_signalling_nan_keeps_its_bits(void **state)
{
    (void)state;
    const uint64_t bits = 0x7ff0000000000002;
    double stale, got;
    memcpy(&stale, &bits, sizeof stale);
    struct ax_buf b;
    ax_buf_init(&b, 64);
    ax_buf_put(&b, &stale, sizeof stale);
    struct ax_bytes r = ax_bytes_of(ax_buf_view(&b));
    uint64_t raw = ax_get_u64(&r);
    memcpy(&got, &raw, sizeof got);
    assert_memory_equal(&got, &bits, sizeof bits);
    ax_buf_done(&b);
}

/* What reading one double of these bounds says. */
static enum ax_err read_f64_in(double v, double min, double max)
{
    struct ax_bytes r = ax_bytes_of((struct ax_str){(const char *)&v, sizeof v});
    double got = ax_get_f64_in(&r, min, max);
    assert_true(r.err != AX_OK || got == v);
    return r.err;
}

static enum ax_err read_ms(int64_t t_ms)
{
    struct ax_bytes r = ax_bytes_of((struct ax_str){(const char *)&t_ms, sizeof t_ms});
    int64_t got = ax_get_ms(&r);
    assert_true(r.err != AX_OK || got == t_ms);
    return r.err;
}

static void numbers_out_of_their_bounds_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_f64_in(-1, -1, 2), AX_OK);
    assert_int_equal(read_f64_in(2, -1, 2), AX_OK);
    assert_int_equal(read_f64_in(2.5, -1, 2), AX_CORRUPT);
    assert_int_equal(read_f64_in((double)NAN, -1, 2), AX_CORRUPT);
    assert_int_equal(read_ms(INT64_MIN), AX_OK);
    assert_int_equal(read_ms(1700000000000), AX_OK);
    assert_int_equal(read_ms(INT64_MIN + 1), AX_CORRUPT);
    assert_int_equal(read_ms(INT64_MAX / 2), AX_CORRUPT);
}

static enum ax_err read_floats(uint32_t n, bool gaps)
{
    const float v[] = {1, NAN, 3};
    float got[4];
    struct ax_buf b;
    ax_buf_init(&b, 64);
    ax_put_f32s(&b, v, 3);
    struct ax_bytes r = ax_bytes_of(ax_buf_view(&b));
    ax_get_f32s_in(&r, got, n, 1, 3, gaps);
    if (r.err == AX_OK)
        assert_memory_equal(got, v, sizeof v);
    ax_buf_done(&b);
    return r.err;
}

static void a_run_of_floats_has_its_length_and_no_gaps_unless_allowed(void **state)
{
    (void)state;
    assert_int_equal(read_floats(3, true), AX_OK);
    assert_int_equal(read_floats(3, false), AX_CORRUPT);
    assert_int_equal(read_floats(4, true), AX_CORRUPT);
    assert_int_equal(read_floats(2, true), AX_CORRUPT);
}

static void the_first_error_stays(void **state)
{
    (void)state;
    struct ax_bytes r = ax_bytes_of(ax_str("\x01\x02"));
    ax_get_version(&r, 1);
    assert_int_equal(r.err, AX_OK);
    r.err = AX_NOMEM; /* the reader's own */
    ax_get_version(&r, 1);
    assert_int_equal(ax_bytes_fail(&r), AX_NOMEM);
    assert_int_equal(ax_bytes_end(&r), AX_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_shorter_prefix_is_refused),
        cmocka_unit_test(what_is_left_over_is_refused),
        cmocka_unit_test(a_varint_of_more_than_64_bits_is_refused),
        cmocka_unit_test(a_count_above_its_ceiling_is_refused),
        cmocka_unit_test(a_signalling_nan_keeps_its_bits),
        cmocka_unit_test(numbers_out_of_their_bounds_are_refused),
        cmocka_unit_test(a_run_of_floats_has_its_length_and_no_gaps_unless_allowed),
        cmocka_unit_test(the_first_error_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
