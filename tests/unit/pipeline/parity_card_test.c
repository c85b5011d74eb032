/* Groups of a job are told apart, counted over seven days, and are the same after a restart. */
#include "ax_test.h"
#include "base/metrics.h"
#include "pipeline/parity_card.h"

#include <string.h>

#define HOUR 3600000
#define START (INT64_C(1700006400000) / AX_PARITY_BUCKET_MS * AX_PARITY_BUCKET_MS)

static uint16_t group_of(struct ax_parity_card *c, const char *region)
{
    struct ax_label v[] = {{{"region", 6}, ax_str(region)}};
    const struct ax_labels labels = {1, v};
    return ax_parity_card_group(c, &labels);
}

static struct ax_parity_card *card(uint32_t groups_max)
{
    struct ax_parity_card *c =
        ax_parity_card_new(ax_str("region"), groups_max, ax_metric(AX_M_PARITY_DROPPED, "test", NULL));
    assert_non_null(c);
    return c;
}

static struct ax_parity_group read_one(const struct ax_parity_card *c, int64_t t_ms, uint16_t group)
{
    struct ax_parity_group all[AX_PARITY_GROUPS_MAX];
    ax_parity_card_read(c, t_ms, all);
    return all[group];
}

/* Two groups: a of which every tenth hour is an alarm, b of which every fifth is, for so many hours. */
static void fill(struct ax_parity_card *c, uint32_t hours)
{
    const uint16_t a = group_of(c, "a"), b = group_of(c, "b");
    for (uint32_t i = 0; i < hours; i++) {
        const int64_t t_ms = START + (int64_t)i * HOUR;
        ax_parity_card_unit(c, t_ms, a, i % 10 == 0);
        ax_parity_card_unit(c, t_ms, b, i % 5 == 0);
        ax_parity_card_error(c, t_ms, a, -1, 10);
        ax_parity_card_error(c, t_ms, b, 2, -10);
    }
}

static void sums_are_of_the_last_seven_days(void **state)
{
    (void)state;
    struct ax_parity_card *c = card(4);
    fill(c, 400);
    const int64_t end_ms = START + (int64_t)400 * HOUR - 1;
    const struct ax_parity_group a = read_one(c, end_ms, 0), b = read_one(c, end_ms, 1);
    assert_true(ax_str_eq(a.name, ax_str("a")) && ax_str_eq(b.name, ax_str("b")));
    assert_true(a.points >= 162 && a.points <= 168);
    assert_true(b.alarms >= 32 && b.alarms <= 34);
    ax_assert_close(ax_parity_error(&a), 0.1, 1e-12);
    ax_assert_close(ax_parity_error(&b), 0.2, 1e-12);
    const struct ax_parity p = ax_parity_of((const struct ax_parity_group[]){a, b}, 2);
    ax_assert_close(p.error_ratio, 2, 1e-12);
    ax_assert_close(p.disparate_impact, 0.5, 0.05);
    assert_int_equal(read_one(c, end_ms + (int64_t)170 * HOUR, 0).points, 0);
    ax_parity_card_free(c);
}

static void errors_of_a_few_hours_are_not_compared(void **state)
{
    (void)state;
    struct ax_parity_card *c = card(4);
    fill(c, 18);
    ax_assert_close(read_one(c, START + 17 * (int64_t)HOUR, 0).actual, 0, 0);
    fill(c, 19);
    assert_true(read_one(c, START + 18 * (int64_t)HOUR, 0).actual > 0);
    ax_parity_card_free(c);
}

static void what_people_say_was_abnormal_is_known_of_hours_that_were_counted(void **state)
{
    (void)state;
    struct ax_parity_card *c = card(4);
    fill(c, 24);
    ax_parity_card_abnormal(c, START, 0, true);
    ax_parity_card_abnormal(c, START + HOUR, 0, false);
    ax_parity_card_abnormal(c, START - 400 * (int64_t)HOUR, 0, true); /* too long ago */
    ax_parity_card_abnormal(c, START + 40 * (int64_t)HOUR, 0, true);  /* still to come */
    for (int i = 0; i < 20; i++)
        ax_parity_card_abnormal(c, START, 1, true); /* no more than there were alarms */
    const struct ax_parity_group a = read_one(c, START + 23 * (int64_t)HOUR, 0),
                                 b = read_one(c, START + 23 * (int64_t)HOUR, 1);
    assert_int_equal(a.abnormal, 2);
    assert_int_equal(a.true_positive, 1);
    assert_int_equal(a.false_positive, a.alarms - 1);
    assert_int_equal(b.true_positive, 2);
    ax_parity_card_free(c);
}

static void values_beyond_the_ceiling_are_counted_and_those_that_are_forgotten_make_room(void **state)
{
    (void)state;
    struct ax_parity_card *c = card(2);
    struct ax_cell *dropped = ax_metric(AX_M_PARITY_DROPPED, "test", NULL);
    const double before = ax_metric_get(dropped);
    fill(c, 10);
    assert_int_equal(group_of(c, ""), AX_PARITY_NO_GROUP);
    assert_int_equal(group_of(c, "c"), AX_PARITY_NO_GROUP);
    ax_assert_close(ax_metric_get(dropped), before + 1, 0);
    ax_parity_card_unit(c, START, AX_PARITY_NO_GROUP, true); /* of none of them */
    ax_parity_card_forget(c, (const bool[]){false, true});
    assert_int_equal(ax_parity_card_n(c), 1);
    assert_int_equal(group_of(c, "b"), 0);
    assert_int_equal(read_one(c, START + 9 * (int64_t)HOUR, 0).alarms, 2);
    assert_int_equal(group_of(c, "c"), 1);
    assert_int_equal(read_one(c, START + 9 * (int64_t)HOUR, 1).points, 0);
    ax_parity_card_free(c);
}

static void it_is_the_same_after_a_restart_and_damage_is_refused(void **state)
{
    (void)state;
    struct ax_parity_card *c = card(4), *d = card(4);
    struct ax_buf one, two;
    ax_buf_init(&one, 100000);
    ax_buf_init(&two, 100000);
    fill(c, 200);
    ax_parity_card_abnormal(c, START + 199 * (int64_t)HOUR, 1, false);
    ax_parity_card_save(c, &one);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&one));
    assert_int_equal(ax_parity_card_load(d, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_parity_card_save(d, &two);
    assert_true(one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0);
    ax_parity_card_free(d);
    for (size_t n = 0; n < one.n; n++) {
        d = card(4);
        in = ax_bytes_of((struct ax_str){(const char *)one.bytes, n});
        assert_int_equal(ax_parity_card_load(d, &in), AX_CORRUPT);
        ax_parity_card_free(d);
    }
    d = card(1);
    in = ax_bytes_of(ax_buf_view(&one));
    assert_int_equal(ax_parity_card_load(d, &in), AX_CORRUPT); /* more groups than it takes */
    ax_parity_card_free(d);
    ax_parity_card_free(c);
    ax_buf_done(&one);
    ax_buf_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_of_the_last_seven_days),
        cmocka_unit_test(errors_of_a_few_hours_are_not_compared),
        cmocka_unit_test(what_people_say_was_abnormal_is_known_of_hours_that_were_counted),
        cmocka_unit_test(values_beyond_the_ceiling_are_counted_and_those_that_are_forgotten_make_room),
        cmocka_unit_test(it_is_the_same_after_a_restart_and_damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
