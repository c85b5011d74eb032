/* A series that is never negative: when a fall of it is deep, and what depths it knows. */
#include "anomaly/depth.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define MEMORY 2880
#define POINTS 240
#define RATE 0.0002

/* Traffic about `level`, that varies by as much as itself. */
static double traffic(struct ax_rng *rng, double level)
{
    return level * exp(0.5 * ax_rng_normal(rng));
}

static void start(struct ax_depth *d, struct ax_rng *rng, uint32_t n)
{
    ax_depth_init(d, MEMORY);
    ax_rng_seed(rng, 7);
    for (uint32_t i = 0; i < n; i++)
        ax_depth_learn(d, traffic(rng, 1e6), false, RATE, 0);
}

static double score_of(const struct ax_depth *d, double value, double recent)
{
    return ax_depth_score(d, value, ax_depth_edge(d, recent));
}

static void a_fall_to_nothing_is_deep_and_one_by_a_half_is_not(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, 1000);
    assert_true(score_of(&d, 0, 1e6) > 1);
    assert_true(score_of(&d, 1e4, 1e6) > 1);
    assert_true(score_of(&d, 4e5, 1e6) == 0);
    assert_true(score_of(&d, 0, 1e6) > score_of(&d, 3e4, 1e6));
}

static void an_edge_is_where_depths_begin(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, 1000);
    const double edge = ax_depth_edge(&d, 1e6);
    assert_true(edge > 0 && edge < 5e5);
    assert_true(ax_depth_score(&d, edge, edge) == 0);
    assert_true(ax_depth_score(&d, edge * 0.99, edge) >= 1);
}

static void what_wanes_has_not_fallen(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, 1000);
    assert_true(score_of(&d, 1e4, 1.5e4) == 0);
    assert_true(score_of(&d, 0, 0) == 0);
    assert_true(ax_depth_edge(&d, (double)NAN) == 0);
}

static void depths_that_are_often_visited_are_usual(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    ax_depth_init(&d, MEMORY);
    ax_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < 2000; i++)
        ax_depth_learn(&d, i % 50 == 0 ? 0 : traffic(&rng, 1e6), false, RATE, 0);
    assert_true(score_of(&d, 0, 1e6) <= 1);
}

static void a_young_series_and_one_that_is_negative_at_times_have_no_depths(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, POINTS - 1);
    assert_true(score_of(&d, 0, 1e6) == 0);
    assert_true(isinf(ax_depth_edge(&d, 1e6)));
    start(&d, &rng, 1000);
    ax_depth_learn(&d, -1, false, RATE, 0);
    assert_true(isinf(ax_depth_edge(&d, 1e6)));
    for (uint32_t i = 0; i <= MEMORY; i++)
        ax_depth_learn(&d, traffic(&rng, 1e6), false, RATE, 0);
    assert_true(score_of(&d, 0, 1e6) > 1);
}

static void nothing_but_zeros_is_never_deep(void **state)
{
    (void)state;
    struct ax_depth d;
    ax_depth_init(&d, MEMORY);
    for (uint32_t i = 0; i < 1000; i++)
        ax_depth_learn(&d, 0, false, RATE, 0);
    assert_true(score_of(&d, 0, 0) == 0);
    assert_true(score_of(&d, 0, 1) <= 1);
    ax_depth_learn(&d, 1e38, false, RATE, 0);
    assert_true(isfinite(score_of(&d, 0, 1e38)));
}

static void zeros_that_it_begins_with_are_no_usual_level(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    ax_depth_init(&d, MEMORY);
    ax_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < 60; i++)
        ax_depth_learn(&d, 0, false, RATE, 0);
    for (uint32_t i = 0; i < 500; i++)
        ax_depth_learn(&d, traffic(&rng, 1e6), false, RATE, 0);
    assert_true(score_of(&d, 0, 1e6) > 1);
}

/* Steady traffic of 800 steps, but for four of no more than `dip`, the first of them at `from`. */
static void steady(struct ax_depth *d, double dip, uint32_t from, uint32_t every)
{
    struct ax_rng rng;
    ax_depth_init(d, MEMORY);
    ax_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < 800; i++) {
        const bool dips = i >= from && i < from + 4 * every && (i - from) % every == 0;
        ax_depth_learn(d, dips ? dip : 1e6 * exp(0.2 * ax_rng_normal(&rng)), false, RATE, 0);
    }
}

/* The tail of these depths is drawn beyond that of zero. */
static void no_level_is_deeper_than_a_fall_to_nothing(void **state)
{
    (void)state;
    struct ax_depth d;
    steady(&d, 1e5, 100, 150);
    assert_true(score_of(&d, 0, 1e6) > 1.05);
    assert_true(score_of(&d, 1e3, 1e6) > 1);
    assert_true(score_of(&d, 1e5, 1e6) == 0);
}

/* A host is idle for some minutes before its traffic begins. */
static void what_was_at_the_start_says_little_of_what_is_rare(void **state)
{
    (void)state;
    struct ax_depth d;
    steady(&d, 3e4, 10, 3);
    assert_true(score_of(&d, 1e5, 1e6) > 1);
    assert_true(score_of(&d, 6e5, 1e6) == 0);
}

static void pauses_that_last_and_come_back_are_usual(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, 1000);
    for (uint32_t i = 0; i < 2000; i++) {
        const bool pause = i % 60 < 5;
        const double value = pause ? 0 : traffic(&rng, 1e6);
        ax_depth_learn(&d, value, score_of(&d, value, 1e6) > 1, RATE, 0);
    }
    assert_true(score_of(&d, 0, 1e6) <= 1);
}

static void an_outage_that_lasts_does_not_make_depths_usual(void **state)
{
    (void)state;
    struct ax_depth d;
    struct ax_rng rng;
    start(&d, &rng, 1500);
    for (uint32_t i = 0; i < 72; i++)
        ax_depth_learn(&d, 0, true, RATE, 0);
    for (uint32_t i = 0; i < 500; i++)
        ax_depth_learn(&d, traffic(&rng, 1e6), false, RATE, 0);
    assert_true(score_of(&d, 0, 1e6) > 1);
}

static void what_was_saved_goes_on_alike(void **state)
{
    (void)state;
    struct ax_depth d, again;
    struct ax_rng rng;
    struct ax_buf b;
    start(&d, &rng, 700);
    ax_depth_learn(&d, -1, false, RATE, 0); /* all that there is to be lost: it was negative, */
    for (uint32_t i = 0; i < MEMORY; i++)
        ax_depth_learn(&d, i % 1000 == 500 ? 0 : traffic(&rng, 1e6), false, RATE, 0); /* was at zero, */
    ax_depth_learn(&d, 0, true, RATE, 0); /* and something abnormal goes on */
    ax_depth_learn(&d, 1e3, true, RATE, 0);
    ax_depth_init(&again, MEMORY);
    ax_buf_init(&b, 1 << 16);
    ax_depth_save(&d, &b);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    ax_depth_load(&again, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (uint32_t i = 0; i < 500; i++) {
        const double value = i % 100 == 99 ? 0 : traffic(&rng, 1e6);
        assert_true(score_of(&d, value, 1e6) == score_of(&again, value, 1e6));
        ax_depth_learn(&d, value, false, RATE, 0);
        ax_depth_learn(&again, value, false, RATE, 0);
    }
    ax_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fall_to_nothing_is_deep_and_one_by_a_half_is_not),
        cmocka_unit_test(an_edge_is_where_depths_begin),
        cmocka_unit_test(what_wanes_has_not_fallen),
        cmocka_unit_test(depths_that_are_often_visited_are_usual),
        cmocka_unit_test(a_young_series_and_one_that_is_negative_at_times_have_no_depths),
        cmocka_unit_test(nothing_but_zeros_is_never_deep),
        cmocka_unit_test(zeros_that_it_begins_with_are_no_usual_level),
        cmocka_unit_test(no_level_is_deeper_than_a_fall_to_nothing),
        cmocka_unit_test(what_was_at_the_start_says_little_of_what_is_rare),
        cmocka_unit_test(pauses_that_last_and_come_back_are_usual),
        cmocka_unit_test(an_outage_that_lasts_does_not_make_depths_usual),
        cmocka_unit_test(what_was_saved_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
