/* What was written of a step is read back; what was not written by it is refused. */
#include "ax_test.h"
#include "base/rng.h"
#include "pipeline/step_record.h"
#include "prom/sample.h"

#include <math.h>

static const struct ax_step_head head = {{"nod\"e", 5}, 7, 0xfedcba9876543210u, -1500, 2, 3, 140};

/* A record of two channels: the first with targets, an end and newcomers, the second with nothing. */
static void write(struct ax_buf *b)
{
    int64_t serial;
    ax_buf_init(b, 1 << 20);
    ax_step_put_head(b, &head);
    ax_step_put_channel(b, &(struct ax_step_channel){300, 4}, &serial);
    ax_step_put(b, &(struct ax_step_result){.serial = 0, .value = -0.0}, &serial);
    ax_step_put(b, &(struct ax_step_result){.serial = 1, .ended = true}, &serial);
    ax_step_put(b, &(struct ax_step_result){.serial = 299, .value = ax_stale()}, &serial);
    ax_step_put(b, &(struct ax_step_result){.is_new = true, .key = {"", 0}, .value = INFINITY}, &serial);
    ax_step_put(b, &(struct ax_step_result){.is_new = true, .key = {"key", 3}, .value = 5e-324}, &serial);
    ax_step_put_end(b);
    ax_step_put_channel(b, &(struct ax_step_channel){0, 0}, &serial);
    ax_step_put_end(b);
    assert_int_equal(b->err, AX_OK);
}

static void require(struct ax_bytes *in, int64_t *serial, const struct ax_step_result *expected)
{
    struct ax_step_result r;
    assert_true(ax_step_get(in, &r, serial));
    assert_int_equal(r.is_new, expected->is_new);
    assert_int_equal(r.ended, expected->ended);
    assert_int_equal(r.serial, expected->serial);
    assert_true(ax_str_eq(r.key, expected->key));
    assert_int_equal(ax_double_bits(r.value), ax_double_bits(expected->value));
}

static void a_record_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct ax_buf b;
    struct ax_step_head h;
    struct ax_step_result r;
    struct ax_step_channel channel;
    int64_t serial;
    write(&b);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    assert_int_equal(ax_step_get_head(&in, &h), AX_OK);
    assert_true(ax_str_eq(h.job, head.job));
    assert_int_equal(h.generation, head.generation);
    assert_int_equal(h.identity, head.identity);
    assert_int_equal(h.t_ms, head.t_ms);
    assert_int_equal(h.channels_n, head.channels_n);
    assert_int_equal(h.skip, head.skip);
    assert_int_equal(h.busy, head.busy);
    ax_step_get_channel(&in, &channel, &serial);
    assert_int_equal(channel.next_serial, 300);
    assert_int_equal(channel.spared, 4);
    require(&in, &serial, &(struct ax_step_result){.serial = 0, .value = -0.0});
    require(&in, &serial, &(struct ax_step_result){.serial = 1, .ended = true});
    require(&in, &serial, &(struct ax_step_result){.serial = 299, .value = ax_stale()});
    require(&in, &serial, &(struct ax_step_result){.is_new = true, .key = {"", 0}, .value = INFINITY});
    require(&in, &serial, &(struct ax_step_result){.is_new = true, .key = {"key", 3}, .value = 5e-324});
    assert_false(ax_step_get(&in, &r, &serial));
    ax_step_get_channel(&in, &channel, &serial);
    assert_int_equal(channel.next_serial, 0);
    assert_false(ax_step_get(&in, &r, &serial));
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    assert_int_equal(ax_step_check(ax_buf_view(&b), 2), AX_OK);
    ax_buf_done(&b);
}

static void a_result_in_the_steady_state_is_nine_bytes(void **state)
{
    (void)state;
    struct ax_buf b;
    int64_t serial;
    ax_buf_init(&b, 1 << 20);
    ax_step_put_channel(&b, &(struct ax_step_channel){.next_serial = 1000}, &serial);
    size_t before = b.n;
    for (uint32_t i = 0; i < 1000; i++)
        ax_step_put(&b, &(struct ax_step_result){.serial = i, .value = i}, &serial);
    assert_int_equal(b.n - before, 9000);
    ax_buf_done(&b);
}

static void every_cut_and_every_other_number_of_channels_is_refused(void **state)
{
    (void)state;
    struct ax_buf b;
    write(&b);
    struct ax_str whole = ax_buf_view(&b);
    for (size_t n = 0; n < whole.n; n++)
        assert_int_equal(ax_step_check((struct ax_str){whole.p, n}, 2), AX_CORRUPT);
    assert_int_equal(ax_step_check(whole, 1), AX_CORRUPT);
    assert_int_equal(ax_step_check(whole, 3), AX_CORRUPT);
    ax_buf_byte(&b, 0);
    assert_int_equal(ax_step_check(ax_buf_view(&b), 2), AX_CORRUPT);
    ax_buf_done(&b);
}

static void results_out_of_order_are_refused(void **state)
{
    (void)state;
    struct ax_buf b;
    int64_t serial;
    ax_buf_init(&b, 1 << 20);
    const struct ax_step_head one = {{"j", 1}, 1, 1, 0, 1, 0, 0};
    ax_step_put_head(&b, &one);
    ax_step_put_channel(&b, &(struct ax_step_channel){.next_serial = 9}, &serial);
    ax_step_put(&b, &(struct ax_step_result){.is_new = true, .key = {"k", 1}, .value = 1}, &serial);
    ax_step_put(&b, &(struct ax_step_result){.serial = 3, .value = 1}, &serial); /* after a new one */
    ax_step_put_end(&b);
    assert_int_equal(ax_step_check(ax_buf_view(&b), 1), AX_CORRUPT);
    ax_buf_reset(&b);
    ax_step_put_head(&b, &one);
    ax_step_put_channel(&b, &(struct ax_step_channel){.next_serial = 9}, &serial);
    ax_step_put(&b, &(struct ax_step_result){.serial = 9, .value = 1}, &serial); /* not made yet */
    ax_step_put_end(&b);
    assert_int_equal(ax_step_check(ax_buf_view(&b), 1), AX_CORRUPT);
    ax_buf_done(&b);
}

static void no_bytes_make_the_reader_leave_them(void **state)
{
    (void)state;
    struct ax_rng rng;
    uint8_t bytes[64];
    ax_rng_seed(&rng, 5);
    for (int i = 0; i < 200000; i++) {
        size_t n = (size_t)ax_rng_below(&rng, sizeof bytes);
        for (size_t k = 0; k < n; k++) /* small ones, so that they get far */
            bytes[k] = (uint8_t)(ax_rng_below(&rng, 3) ? ax_rng_below(&rng, 4) : ax_rng_below(&rng, 256));
        bytes[0] = 1;
        enum ax_err err = ax_step_check((struct ax_str){(const char *)bytes, n}, 1);
        assert_true(err == AX_OK || err == AX_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(a_result_in_the_steady_state_is_nine_bytes),
        cmocka_unit_test(every_cut_and_every_other_number_of_channels_is_refused),
        cmocka_unit_test(results_out_of_order_are_refused),
        cmocka_unit_test(no_bytes_make_the_reader_leave_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
