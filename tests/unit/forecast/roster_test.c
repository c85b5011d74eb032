/* A member that a job has no use for rests, is heard again after a while, and comes back when it has become
 * of use. */
#include "ax_test.h"
#include "forecast/roster.h"

#include <string.h>

#define SERIES 10
#define ROUND (4 * SERIES)
#define EVERY (AX_MEMBERS_ALL & ~(1U << AX_MEMBER_LAST_VALUE))
#define ETS (1U << AX_MEMBER_ets)

static void note(struct ax_roster *r, uint32_t of_use, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        ax_roster_note(r, of_use);
}

static void who_has_weight_nowhere_rests_after_a_round_and_not_before(void **state)
{
    (void)state;
    struct ax_roster r = {.series = SERIES};
    note(&r, EVERY & ~ETS, ROUND - 1);
    assert_int_equal(r.resting, 0);
    note(&r, EVERY & ~ETS, 1);
    assert_int_equal(r.resting, ETS);
}

static void one_series_that_needs_a_member_keeps_it_for_all(void **state)
{
    (void)state;
    struct ax_roster r = {.series = SERIES};
    for (int round = 0; round < 20; round++) {
        note(&r, EVERY & ~ETS, ROUND - 1); /* 2.5 % of the refits */
        note(&r, EVERY, 1);
        assert_int_equal(r.resting, 0);
    }
}

static void who_rests_is_heard_for_a_round_in_nine(void **state)
{
    (void)state;
    struct ax_roster r = {.series = SERIES};
    uint32_t awake = 0;
    for (int round = 0; round < 27; round++) {
        awake += !(r.resting & ETS);
        note(&r, EVERY & ~ETS, ROUND);
    }
    assert_int_equal(awake, 3);
    while (r.resting)
        note(&r, EVERY & ~ETS, ROUND);
    for (int round = 0; round < 20; round++) {
        note(&r, EVERY, ROUND); /* it has become of use */
        assert_int_equal(r.resting, 0);
    }
}

static void the_last_value_never_rests(void **state)
{
    (void)state;
    struct ax_roster r = {.series = 1};
    note(&r, 0, 1000);
    assert_int_equal(r.resting & ~EVERY, 0);
}

static void what_was_saved_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    struct ax_roster a = {.series = SERIES}, b = {.series = SERIES};
    struct ax_buf out;
    ax_buf_init(&out, 1U << 16);
    note(&a, EVERY & ~ETS, 3 * ROUND + 7);
    ax_roster_save(&a, &out);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&out));
    ax_roster_load(&b, &in);
    assert_int_equal(in.err, AX_OK);
    assert_memory_equal(&a, &b, sizeof a);
    ax_buf_done(&out);
}

static void counts_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct ax_roster a = {.series = SERIES, .refits = 3}, b = {0};
    struct ax_buf out;
    ax_buf_init(&out, 1U << 16);
    a.of_use[AX_MEMBER_ar] = 4; /* more than there were */
    ax_roster_save(&a, &out);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&out));
    ax_roster_load(&b, &in);
    assert_int_equal(in.err, AX_CORRUPT);
    ax_buf_reset(&out);
    a = (struct ax_roster){.rests = {1}}; /* the last value */
    ax_roster_save(&a, &out);
    in = ax_bytes_of(ax_buf_view(&out));
    ax_roster_load(&b, &in);
    assert_int_equal(in.err, AX_CORRUPT);
    ax_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_weight_nowhere_rests_after_a_round_and_not_before),
        cmocka_unit_test(one_series_that_needs_a_member_keeps_it_for_all),
        cmocka_unit_test(who_rests_is_heard_for_a_round_in_nine),
        cmocka_unit_test(the_last_value_never_rests),
        cmocka_unit_test(what_was_saved_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(counts_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
