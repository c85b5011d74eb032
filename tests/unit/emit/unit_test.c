/* A record of the outgoing log says what was put into it, and is refused when it is damaged. */
#include "ax_test.h"
#include "base/rng.h"
#include "damage.h"
#include "emit/unit.h"
#include "prom/sample.h"

#include <math.h>

#define BYTES_MAX (1u << 20)

static const int64_t times[] = {1000, 999, INT64_MIN, INT64_MAX, 0};
static const uint32_t numbers[] = {0, 127, 128, 7, (1u << 28)};

static double value_of(int i)
{
    const double values[] = {1.5, -0.0, NAN, INFINITY, ax_stale()};
    double v;
    memcpy(&v, &values[i], sizeof v);
    return v;
}

static void write_one(struct ax_buf *b)
{
    const struct ax_unit u = {.first = true,
                              .before = UINT64_MAX,
                              .name = ax_str("a job"),
                              .t_ms = 1000,
                              .marks_n = 2,
                              .numbered = 7,
                              .keys_n = 3,
                              .samples_n = 5};
    ax_buf_init(b, BYTES_MAX);
    ax_unit_write(b, &u);
    ax_unit_write_mark(b, ax_str("other"), -5);
    ax_unit_write_mark(b, ax_str(""), INT64_MIN);
    ax_unit_write_key(b, ax_str("x"));
    ax_unit_write_key(b, ax_str(""));
    ax_unit_write_key(b, ax_str("zzz"));
    for (int i = 0; i < 5; i++)
        ax_unit_write_sample(b, &u, numbers[i], times[i], value_of(i));
    assert_int_equal(b->err, AX_OK);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct ax_buf b;
    struct ax_unit u;
    struct ax_str text;
    int64_t t_ms;
    uint32_t number;
    double value;
    write_one(&b);
    assert_int_equal(ax_unit_read(ax_buf_view(&b), &u), AX_OK);
    assert_true(u.first && u.before == UINT64_MAX && u.t_ms == 1000 && u.samples_n == 5);
    assert_true(ax_str_eq(u.name, ax_str("a job")));
    assert_true(ax_unit_next_mark(&u, &text, &t_ms) && ax_str_eq(text, ax_str("other")) && t_ms == -5);
    assert_true(ax_unit_next_mark(&u, &text, &t_ms) && text.n == 0 && t_ms == INT64_MIN);
    assert_false(ax_unit_next_mark(&u, &text, &t_ms));
    assert_true(ax_unit_next_key(&u, &text) && ax_str_eq(text, ax_str("x")) && u.numbered == 8);
    assert_true(ax_unit_next_key(&u, &text) && text.n == 0);
    assert_true(ax_unit_next_key(&u, &text) && ax_str_eq(text, ax_str("zzz")) && u.numbered == 10);
    assert_false(ax_unit_next_key(&u, &text));
    for (int i = 0; i < 5; i++) {
        assert_true(ax_unit_next_sample(&u, &number, &t_ms, &value));
        assert_true(number == numbers[i] && t_ms == times[i]);
        assert_true(ax_double_bits(value) == ax_double_bits(value_of(i)));
    }
    assert_false(ax_unit_next_sample(&u, &number, &t_ms, &value));
    assert_int_equal(ax_bytes_end(&u.rest), AX_OK);
    ax_buf_done(&b);
}

static void who_wants_samples_alone_passes_over_the_rest(void **state)
{
    (void)state;
    struct ax_buf b;
    struct ax_unit u;
    int64_t t_ms;
    uint32_t number;
    double value;
    write_one(&b);
    assert_int_equal(ax_unit_read(ax_buf_view(&b), &u), AX_OK);
    assert_true(ax_unit_next_sample(&u, &number, &t_ms, &value));
    assert_true(number == 0 && t_ms == 1000 && value == 1.5);
    assert_int_equal(u.numbered, 10);
    ax_buf_done(&b);
}

static void another_format_is_told_from_damage(void **state)
{
    (void)state;
    struct ax_buf b;
    struct ax_unit u;
    write_one(&b);
    b.bytes[0]++;
    assert_int_equal(ax_unit_read(ax_buf_view(&b), &u), AX_UNSUPPORTED);
    ax_buf_done(&b);
}

static enum ax_err read_all(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_unit u;
    int64_t t_ms;
    uint32_t number;
    double value;
    if (ax_unit_read(bytes, &u) != AX_OK)
        return AX_CORRUPT;
    while (ax_unit_next_sample(&u, &number, &t_ms, &value))
        continue;
    return ax_bytes_end(&u.rest);
}

static void no_more_series_are_numbered_than_there_were_bytes_for(void **state)
{
    (void)state;
    struct ax_unit u = {.numbered = 0};
    assert_true(ax_unit_may_stand(&u, 0));
    u.numbered = 100;
    assert_true(ax_unit_may_stand(&u, 100));
    assert_false(ax_unit_may_stand(&u, 99));
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    struct ax_buf b;
    write_one(&b);
    damage_check(ax_buf_view(&b), read_all, NULL);
    ax_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(who_wants_samples_alone_passes_over_the_rest),
        cmocka_unit_test(another_format_is_told_from_damage),
        cmocka_unit_test(no_more_series_are_numbered_than_there_were_bytes_for),
        cmocka_unit_test(damaged_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
