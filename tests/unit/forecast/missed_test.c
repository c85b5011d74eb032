/* Misses are counted over the newest 2,000 outcomes, and so much is owed that no run of 2,000 is further from
 * the level than it must be. */
#include "ax_test.h"
#include "forecast/missed.h"

#define RUN (AX_MISSED_SPANS * AX_MISSED_SPAN)

static void add(struct ax_missed *m, int n, int missed_of_10)
{
    for (int i = 0; i < n; i++)
        ax_missed_add(m, i % 10 < missed_of_10);
}

static void nothing_is_owed_at_the_level(void **state)
{
    (void)state;
    struct ax_missed m = {0};
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), 0, 1e-9);
    add(&m, 2 * RUN, 1);
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), 0, 1);
}

static void half_of_a_burst_is_owed_so_that_neither_it_nor_its_end_is_further_off(void **state)
{
    (void)state;
    struct ax_missed m = {0};
    add(&m, RUN, 1);
    add(&m, 40, 10); /* 36 beyond the level */
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), 18, 1);
    add(&m, 200, 0); /* 20 repaid: the burst with them is 16 off, they without it 20 the other way */
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), -2, 1);
    add(&m, RUN - 200, 1); /* the burst has left, and what was repaid for it is about to */
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), -10, 1);
    add(&m, 240, 1);
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), 0, 1);
}

static void what_falls_out_before_the_forecast_comes_due_is_not_owed(void **state)
{
    (void)state;
    struct ax_missed m = {0};
    add(&m, 40, 10);
    add(&m, RUN - 120, 1);
    ax_assert_close(ax_missed_owed(&m, 1, 0.1, 0), 18, 1);
    ax_assert_close(ax_missed_owed(&m, 200, 0.1, 0), 0, 1);
    /* At leads beyond any run the newest half still counts. */
    add(&m, 40, 10);
    ax_assert_close(ax_missed_owed(&m, 5 * RUN, 0.1, 0), 18, 1);
}

static void what_is_on_its_way_counts(void **state)
{
    (void)state;
    struct ax_missed m = {0};
    add(&m, RUN, 1);
    ax_assert_close(ax_missed_owed(&m, 60, 0.1, 54), 27, 1);
    ax_assert_close(ax_missed_owed(&m, 60, 0.1, -6), -3, 1);
}

static void it_is_saved_and_what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct ax_missed m = {0}, back = {0};
    struct ax_buf buf;
    ax_buf_init(&buf, 1024);
    add(&m, 1234, 3);
    ax_missed_save(&m, &buf);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&buf));
    ax_missed_load(&back, &in);
    assert_int_equal(in.err, AX_OK);
    assert_memory_equal(&m, &back, sizeof m);
    for (int i = 0; i < 3; i++) { /* no such span, too many, more outcomes than it has room for */
        buf.bytes[i] = 51;
        in = ax_bytes_of(ax_buf_view(&buf));
        ax_missed_load(&back, &in);
        assert_int_equal(in.err, AX_CORRUPT);
        buf.bytes[i] = 1;
    }
    ax_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_owed_at_the_level),
        cmocka_unit_test(half_of_a_burst_is_owed_so_that_neither_it_nor_its_end_is_further_off),
        cmocka_unit_test(what_falls_out_before_the_forecast_comes_due_is_not_owed),
        cmocka_unit_test(what_is_on_its_way_counts),
        cmocka_unit_test(it_is_saved_and_what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
