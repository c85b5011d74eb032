/* A pool of series drifts when the series move, not when its composition does. */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/pool.h"
#include "group.h"

#include <math.h>
#include <stdlib.h>

#define STEPS (AX_DRIFT_REFERENCE + AX_DRIFT_CURRENT)
#define SERIES 24

static const struct ax_drift_spec plain = {0};
static float values[SERIES][STEPS];

/* SERIES series whose levels are powers of two apart; shift, in standard deviations of each, moves the
 * current window; common is the share of variance that all have in common. */
static void fill(uint64_t seed, double phi, double common, double shift)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    double own[SERIES] = {0}, shared = 0, fresh = sqrt(1 - phi * phi);
    for (uint32_t t = 0; t < STEPS; t++) {
        shared = phi * shared + fresh * ax_rng_normal(&rng);
        for (uint32_t i = 0; i < SERIES; i++) {
            own[i] = phi * own[i] + fresh * ax_rng_normal(&rng);
            double z = sqrt(common) * shared + sqrt(1 - common) * own[i];
            values[i][t] = (float)ldexp(20 + z + (t >= AX_DRIFT_REFERENCE ? shift : 0), (int)i);
        }
    }
}

static struct ax_drift_result test_of(const struct ax_drift_pool *pool)
{
    struct ax_drift_result r;
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_pool_test(&plain, pool, &group_arena, &r), AX_OK);
    ax_drift_verdict(&plain, &r, 1);
    return r;
}

static struct ax_drift_pool all(void)
{
    struct ax_drift_pool pool = {.n = 0};
    for (uint32_t i = 0; i < SERIES; i++)
        ax_drift_pool_offer(&pool,
                            &(struct ax_drift_member){.id = UINT64_C(31) * i, .v = values[i], .n = STEPS});
    return pool;
}

static void series_of_any_size_that_all_move_drift(void **state)
{
    (void)state;
    fill(1, 0.5, 0, 1);
    struct ax_drift_pool pool = all();
    struct ax_drift_result r = test_of(&pool);
    assert_true(r.ready && r.drifted);
}

/* Errors about 0, with a size of `before` in the reference and `after` in the current window; in the first
 * steps of the reference there is an incident, in which they are so many times as large. */
static struct ax_drift_result errors_with(double before, double after, double incident)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < SERIES; i++)
        for (uint32_t t = 0; t < STEPS; t++)
            values[i][t] = (float)((t < AX_DRIFT_REFERENCE ? before : after) *
                                   (t < AX_DRIFT_REFERENCE / 20 ? incident : 1) * ax_rng_normal(&rng));
    struct ax_drift_pool pool = all();
    pool.errors = true;
    return test_of(&pool);
}

static struct ax_drift_result errors_of(double before, double after)
{
    return errors_with(before, after, 1);
}

static void errors_drift_when_they_grow_and_not_when_they_become_smaller(void **state)
{
    (void)state;
    assert_true(errors_of(1, 2).drifted);
    const struct ax_drift_result halved = errors_of(2, 1);
    assert_true(halved.ready && halved.p_value < 0.001); /* they are others, and better ones */
    assert_false(halved.drifted);
}

static void an_incident_in_the_reference_does_not_hide_that_errors_grow(void **state)
{
    (void)state;
    assert_true(errors_with(1, 3, 100).drifted); /* their mean has become smaller */
    assert_false(errors_with(2, 1, 100).drifted);
}

static void series_that_come_and_go_are_no_drift(void **state)
{
    (void)state;
    fill(2, 0.5, 0, 0);
    for (uint32_t i = 0; i < SERIES / 2; i++) {
        for (uint32_t t = 0; t < STEPS; t++) {
            /* The small ones end half way through the reference, one more half way through the current
             * window; the large ones begin late. */
            if (i < SERIES / 4 ? t > STEPS / 2 : t < AX_DRIFT_REFERENCE - 30 * i)
                values[i < SERIES / 4 ? i : SERIES - 1 - i + SERIES / 4][t] = NAN;
        }
    }
    struct ax_drift_pool pool = all();
    struct ax_drift_result r = test_of(&pool);
    assert_true(r.ready);
    assert_false(r.drifted);
    assert_true(r.score[AX_DRIFT_KS] < 0.1);
}

static void series_that_move_together_count_as_few(void **state)
{
    (void)state;
    uint32_t significant = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        fill(100 + seed, 0.9, 0.5, 0);
        struct ax_drift_pool pool = all();
        significant += test_of(&pool).p_value <= 0.05;
    }
    /* 0.05 of 60 is 3; three binomial standard deviations above it are 8. */
    assert_true(significant <= 8);
}

/* The windows (5 h at 15 s) see a part of the day only: where the cycle turns, after hours that were flat,
 * the level does move. What matters is that it never stays so for the 2 h after which the rule alerts. */
static void a_daily_cycle_is_no_drift_for_two_hours(void **state)
{
    (void)state;
    const uint32_t day = 5760, quarter = 60; /* steps of 15 s */
    const double noises[] = {1, 10, 50};
    struct ax_rng rng;
    ax_rng_seed(&rng, 8);
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t run = 0;
        for (uint32_t start_at = 0; start_at < day; start_at += quarter) {
            struct ax_drift_pool pool = {.n = 0};
            for (uint32_t i = 0; i < 6; i++) {
                for (uint32_t t = 0; t < STEPS; t++) {
                    double level = 100 + 50 * sin(6.283185307179586 * (double)(t + start_at) / day);
                    values[i][t] = (float)ldexp(level + noises[k] * ax_rng_normal(&rng), (int)i);
                }
                ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = i, .v = values[i], .n = STEPS});
            }
            run = test_of(&pool).drifted ? run + 1 : 0;
            assert_true(run < 8);
        }
    }
}

/* At 15 s, tested every 5 min over the 960 steps that a window keeps: a rule asks for 2 h, while the change
 * moves from the current window into the reference. */
static void a_moved_level_is_drift_for_longer_than_two_hours(void **state)
{
    (void)state;
    static float past[6][2600];
    struct ax_rng rng;
    ax_rng_seed(&rng, 21);
    for (uint32_t i = 0; i < 6; i++) {
        double x = 0;
        for (uint32_t t = 0; t < 2600; t++) {
            x = 0.5 * x + sqrt(0.75) * ax_rng_normal(&rng);
            past[i][t] = (float)ldexp(20 + x + (t >= 1000 ? 3 : 0), (int)i);
        }
    }
    uint32_t run = 0, longest = 0;
    for (uint32_t end = 960; end <= 2600; end += 20) {
        struct ax_drift_pool pool = {.n = 0};
        for (uint32_t i = 0; i < 6; i++)
            ax_drift_pool_offer(&pool,
                                &(struct ax_drift_member){.id = i, .v = &past[i][end - 960], .n = 960});
        run = test_of(&pool).drifted ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    assert_true(longest >= 30); /* 2.5 h */
    assert_int_equal(run, 0);   /* and it is over when the reference is new */
}

static void the_same_series_are_used_in_any_order(void **state)
{
    (void)state;
    struct ax_drift_pool up = {.n = 0}, down = {.n = 0};
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t id = (uint64_t)i * 2654435761u % 1009, other = (uint64_t)(199 - i) * 2654435761u % 1009;
        ax_drift_pool_offer(&up, &(struct ax_drift_member){.id = id, .v = values[0], .n = 1});
        ax_drift_pool_offer(&down, &(struct ax_drift_member){.id = other, .v = values[0], .n = 1});
    }
    assert_int_equal(up.n, AX_DRIFT_POOL_MAX);
    for (uint32_t i = 0; i < AX_DRIFT_POOL_MAX; i++) {
        assert_true(up.members[i].id == down.members[i].id);
        assert_true(i == 0 || up.members[i].id > up.members[i - 1].id);
    }
}

static void constants_are_ready_and_quiet(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SERIES; i++) {
        for (uint32_t t = 0; t < STEPS; t++)
            values[i][t] = (float)i;
    }
    struct ax_drift_pool pool = all();
    struct ax_drift_result r = test_of(&pool);
    assert_true(r.ready);
    assert_false(r.drifted);
    for (uint32_t i = 0; i < AX_DRIFT_TESTS; i++)
        assert_true(r.score[i] == 0);
}

static void too_little_is_not_ready(void **state)
{
    (void)state;
    struct ax_drift_pool pool = {.n = 0};
    assert_false(test_of(&pool).ready);
    fill(3, 0, 0, 0);
    ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = 1, .v = values[0], .n = 29});
    assert_false(test_of(&pool).ready);
    ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = 2, .v = values[1], .n = 60});
    assert_true(test_of(&pool).ready);
}

static void a_scratch_that_is_too_small_is_an_error(void **state)
{
    (void)state;
    fill(4, 0, 0, 0);
    struct ax_drift_pool pool = all();
    struct ax_arena tiny;
    ax_arena_init(&tiny, 1000);
    struct ax_drift_result r;
    assert_int_equal(ax_drift_pool_test(&plain, &pool, &tiny, &r), AX_NOMEM);
    assert_false(r.ready);
    ax_arena_done(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_of_any_size_that_all_move_drift),
        cmocka_unit_test(errors_drift_when_they_grow_and_not_when_they_become_smaller),
        cmocka_unit_test(an_incident_in_the_reference_does_not_hide_that_errors_grow),
        cmocka_unit_test(series_that_come_and_go_are_no_drift),
        cmocka_unit_test(series_that_move_together_count_as_few),
        cmocka_unit_test(a_daily_cycle_is_no_drift_for_two_hours),
        cmocka_unit_test(a_moved_level_is_drift_for_longer_than_two_hours),
        cmocka_unit_test(the_same_series_are_used_in_any_order),
        cmocka_unit_test(constants_are_ready_and_quiet),
        cmocka_unit_test(too_little_is_not_ready),
        cmocka_unit_test(a_scratch_that_is_too_small_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
