/* Whole snapshots come when those told by the last have become dear, early ones no more often than they may.
 */
#include "ax_test.h"
#include "pipeline/snapshot_plan.h"

#define MIB (1u << 20)

/* Snapshots every `every_ms` for an hour whose changes grow by `grows` bytes from one to the next; returns
 * the bytes. */
static uint64_t bytes_of(int64_t hours, uint64_t whole, uint64_t grows, uint64_t rate, uint32_t *whole_n)
{
    struct ax_snapshot_plan p = {0};
    uint64_t written = 0, since = 0;
    *whole_n = 0;
    for (int64_t t = 1000000; t < 1000000 + hours * 3600000; t += 15000) {
        const bool is_whole = p.n == 0 || ax_snapshot_plan_whole(&p, t, rate);
        since = is_whole ? 0 : since + 1;
        const uint64_t bytes = is_whole ? whole : grows * since;
        ax_snapshot_plan_note(&p, is_whole, bytes, t, 0);
        written += bytes;
        *whole_n += is_whole;
    }
    return written;
}

static void a_whole_one_comes_when_that_makes_the_average_least(void **state)
{
    (void)state;
    uint32_t n, other_n;
    const uint64_t day = 24 * 240, best = bytes_of(24, 300 * MIB, MIB, 0, &n);
    /* The average of a cycle of k is (whole + grows * k * (k - 1) / 2) / k: least at sqrt(2 * 300) = 24.5. */
    assert_in_range(n, day / 26, day / 23);
    for (uint64_t k = 5; k < 120; k++) {
        const uint64_t cycle = 300ull * MIB + MIB * k * (k - 1) / 2;
        assert_true((double)best < 1.01 * (double)(cycle / k) * (double)day);
    }
    (void)bytes_of(24, 300 * MIB, 150 * MIB, 0, &other_n); /* they are dear at once */
    assert_true(other_n > 5 * n);
    (void)bytes_of(24, 300 * MIB, 0, 0, &other_n);
    assert_int_equal(other_n, 1);
}

static void whole_ones_write_half_of_what_may_be_written(void **state)
{
    (void)state;
    uint32_t n;
    (void)bytes_of(1, 300 * MIB, 150 * MIB, 2 * MIB, &n);
    assert_int_equal(n, 12); /* one each 300 s, for the changes are dear from the first on */
}

static void early_ones_wait_until_their_bytes_are_earned(void **state)
{
    (void)state;
    struct ax_snapshot_plan p = {0};
    assert_true(ax_snapshot_plan_early(&p, 0, 1, true)); /* the first one */
    ax_snapshot_plan_note(&p, true, 300 * MIB, 0, 0);
    assert_true(ax_snapshot_plan_early(&p, 1, 2 * MIB, false)); /* how much has changed is not known yet */
    assert_false(ax_snapshot_plan_early(&p, 299999, 2 * MIB, true));
    assert_true(ax_snapshot_plan_early(&p, 300000, 2 * MIB, true));
    ax_snapshot_plan_note(&p, false, 30 * MIB, 1000, 0);
    assert_false(ax_snapshot_plan_early(&p, 30999, 2 * MIB, false));
    assert_true(ax_snapshot_plan_early(&p, 31000, 2 * MIB, false));
    assert_true(ax_snapshot_plan_early(&p, 1001, 0, false)); /* no limit */
}

static void early_ones_take_a_sixteenth_of_a_processor(void **state)
{
    (void)state;
    struct ax_snapshot_plan p = {0};
    ax_snapshot_plan_note(&p, true, 100, 0, 500);
    assert_false(ax_snapshot_plan_early(&p, 7999, 0, false));
    assert_true(ax_snapshot_plan_early(&p, 8000, 0, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one_comes_when_that_makes_the_average_least),
        cmocka_unit_test(whole_ones_write_half_of_what_may_be_written),
        cmocka_unit_test(early_ones_wait_until_their_bytes_are_earned),
        cmocka_unit_test(early_ones_take_a_sixteenth_of_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
