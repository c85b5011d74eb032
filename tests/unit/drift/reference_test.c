/* Later data against what a model learnt from: quiet while they are as they were, however long ago that is;
 * loud until another model has learnt from what they have become. The shares of false alarms are printed. */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/reference.h"
#include "group.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERIES 4
#define COARSE 20 /* steps of a point of the past */
#define DAY 5760  /* steps of 15 s */
#define LATER (2 * DAY)
#define BEFORE_MAX 20160 /* 3.5 days */

/* Steps before the fit, and the windows. */
struct size {
    uint32_t before;
    struct ax_drift_spec spec;
};

static const struct size usual = {BEFORE_MAX, {.reference_n = 960, .current_n = 240}},
                         small = {3200, {.reference_n = 320, .current_n = 80}};

static const struct size *size;
static struct ax_drift_reference reference, other;
static float values[SERIES][BEFORE_MAX + LATER], coarse[SERIES][BEFORE_MAX / COARSE];

/* What a series is made of, in units of the deviation of its noise. */
struct world {
    double phi;    /* of the noise */
    double common; /* share of it that all have in common */
    double day;    /* amplitude of a daily cycle */
};

/* Of variance 1. */
static double noise(struct ax_rng *rng)
{
    return (ax_rng_double(rng) - 0.5) * 3.4641016151377544;
}

static void fill(const struct world *w, uint64_t seed, uint32_t later)
{
    struct ax_rng rng;
    double own[SERIES] = {0}, shared = 0;
    const double fresh = sqrt(1 - w->phi * w->phi), a = sqrt(w->common), b = sqrt(1 - w->common);
    ax_rng_seed(&rng, seed);
    for (uint32_t t = 0; t < size->before + later; t++) {
        const double day = w->day > 0 ? w->day * sin(6.283185307179586 * t / DAY) : 0;
        shared = w->phi * shared + fresh * noise(&rng);
        for (uint32_t i = 0; i < SERIES; i++) {
            own[i] = w->phi * own[i] + fresh * noise(&rng);
            values[i][t] = (float)((30 + day + a * shared + b * own[i]) * (double)(1u << i));
        }
    }
    for (uint32_t i = 0; i < SERIES; i++)
        for (uint32_t k = 0; k < size->before / COARSE; k++) {
            double sum = 0;
            for (uint32_t t = 0; t < COARSE; t++)
                sum += (double)values[i][k * COARSE + t];
            coarse[i][k] = (float)(sum / COARSE);
        }
}

/* The pool as of the step before `end`, with as much of the past as a window has. */
static struct ax_drift_pool pool_at(uint32_t end, uint32_t series, bool past)
{
    const uint32_t n = size->spec.reference_n + size->spec.current_n;
    struct ax_drift_pool pool = {.n = 0};
    for (uint32_t i = 0; i < series; i++)
        ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = 7 * i + 1,
                                                             .v = values[i] + end - n,
                                                             .n = n,
                                                             .coarse = past ? coarse[i] : NULL,
                                                             .coarse_n = past ? size->before / COARSE : 0});
    return pool;
}

static void learn(uint32_t series, bool past)
{
    const struct ax_drift_pool pool = pool_at(size->before, series, past);
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_reference_make(&size->spec, &pool, past ? COARSE : 0, &group_arena, &reference),
                     AX_OK);
}

static struct ax_drift_result test_at(uint32_t end, uint32_t series)
{
    const struct ax_drift_pool pool = pool_at(end, series, false);
    struct ax_drift_result r;
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_reference_test(&size->spec, &reference, &pool, &group_arena, &r), AX_OK);
    (void)ax_drift_verdict(&size->spec, &r, 1);
    return r;
}

static void shift(uint32_t series, uint32_t from, double by)
{
    for (uint32_t i = 0; i < series; i++)
        for (uint32_t t = from; t < size->before + LATER; t++)
            values[i][t] += (float)(by * (double)(1u << i));
}

/* Draws of 1,000 that are significant at 0.05, each tested some time after the fit. */
static void false_alarms(const struct world *w, bool past, const char *name)
{
    const uint32_t draws = ax_test_rounds(1000), later = 2 * small.spec.current_n;
    uint32_t significant = 0, drifted = 0;
    size = &small;
    for (uint32_t k = 0; k < draws; k++) {
        fill(w, 1000 + k, later);
        learn(SERIES, past);
        const struct ax_drift_result r = test_at(size->before + later, SERIES);
        significant += r.p_value <= 0.05;
        drifted += r.drifted;
    }
    (void)printf("%s: %u of %u significant at 0.05, %u drifted\n", name, significant, draws, drifted);
    assert_true(significant <= 0.05 * draws + 3.1 * sqrt(0.05 * 0.95 * draws));
    assert_true(drifted <= significant);
}

static void data_that_stay_as_they_were_are_significant_no_more_often_than_the_level(void **state)
{
    (void)state;
    false_alarms(&(struct world){0, 0, 0}, false, "noise");
    false_alarms(&(struct world){0.9, 0.5, 0}, true, "correlated, half in common, with the past");
    false_alarms(&(struct world){0.99, 1, 0}, true,
                 "correlated over 25 minutes, all in common, with the past");
}

static void a_change_stays_one_however_long_ago_it_was(void **state)
{
    (void)state;
    size = &usual;
    fill(&(struct world){0.5, 0.2, 0}, 1, LATER);
    shift(SERIES, size->before + 960, 1);
    learn(SERIES, true);
    assert_false(test_at(size->before + 960, SERIES).drifted);
    for (uint32_t end = size->before + 960 + 120; end <= size->before + LATER; end += 480)
        assert_true(test_at(end, SERIES).drifted);
}

/* Four hours of a day were learnt from; the 3.5 days before say how the level goes. */
static void a_daily_cycle_that_the_past_knows_is_no_drift_and_a_level_beyond_it_is(void **state)
{
    static const double days[] = {0.5, 2, 10};
    (void)state;
    size = &usual;
    for (uint32_t k = 0; k < 3; k++) {
        const struct world w = {.phi = 0.5, .common = 0.2, .day = days[k]};
        uint32_t drifted = 0, tests = 0;
        fill(&w, 2 + k, LATER);
        learn(SERIES, true);
        for (uint32_t end = size->before + 240; end <= size->before + LATER; end += 120, tests++)
            drifted += test_at(end, SERIES).drifted;
        (void)printf("a daily cycle of %g deviations: drifted in %u of %u tests over two days\n", days[k],
                     drifted, tests);
        assert_true(drifted <= tests / 20);
        shift(SERIES, size->before, 3 + 4 * days[k]);
        drifted = 0;
        for (uint32_t end = size->before + 240; end <= size->before + LATER; end += 120)
            drifted += test_at(end, SERIES).drifted;
        assert_true(drifted >= tests * 9 / 10);
    }
}

static void a_variance_that_has_grown_is_drift(void **state)
{
    (void)state;
    size = &usual;
    fill(&(struct world){0, 0, 0}, 9, 480);
    for (uint32_t i = 0; i < SERIES; i++)
        for (uint32_t t = size->before; t < size->before + 480; t++)
            values[i][t] = (float)(30.0 * (1u << i) + 4 * ((double)values[i][t] - 30.0 * (1u << i)));
    learn(SERIES, true);
    assert_true(test_at(size->before + 240, SERIES).drifted);
}

static void what_was_constant_is_no_drift_until_it_moves(void **state)
{
    (void)state;
    size = &usual;
    for (uint32_t i = 0; i < SERIES; i++)
        for (uint32_t t = 0; t < size->before + LATER; t++)
            values[i][t] = (float)i;
    learn(SERIES, false);
    assert_int_equal(reference.sketch.n, 0);
    struct ax_drift_result r = test_at(size->before + 240, SERIES);
    assert_true(r.ready && !r.drifted);
    ax_assert_close(r.score[AX_DRIFT_KS], 0, 0);
    shift(SERIES, size->before + 10, 2);
    r = test_at(size->before + 250, SERIES);
    assert_true(r.drifted);
    ax_assert_close(r.score[AX_DRIFT_KS], 1, 0);
}

static void series_that_the_model_did_not_see_are_left_out_and_too_many_leave_nothing(void **state)
{
    struct ax_drift_result r;
    (void)state;
    size = &usual;
    fill(&(struct world){0, 0, 0}, 10, 480);
    shift(SERIES, size->before, 0);
    learn(2, false);
    for (uint32_t t = size->before; t < size->before + 480; t++)
        values[2][t] = values[3][t] = 1e9F; /* which are not known */
    assert_false(test_at(size->before + 240, 4).drifted);
    learn(1, false);
    const struct ax_drift_pool pool = pool_at(size->before + 240, 4, false);
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_reference_test(&size->spec, &reference, &pool, &group_arena, &r), AX_NOTFOUND);
    assert_false(r.ready);
}

static void too_short_a_past_is_no_reference(void **state)
{
    struct ax_drift_pool pool = {.n = 0};
    (void)state;
    size = &usual;
    fill(&(struct world){0, 0, 0}, 11, 0);
    assert_int_equal(ax_drift_reference_make(&size->spec, &pool, 0, &group_arena, &reference), AX_NOTREADY);
    ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = 1, .v = values[0], .n = 29});
    assert_int_equal(ax_drift_reference_make(&size->spec, &pool, 0, &group_arena, &reference), AX_NOTREADY);
}

static void references_are_read_back_as_they_were_written_and_not_if_they_were_damaged(void **state)
{
    struct ax_buf bytes;
    struct ax_drift_references *refs;
    (void)state;
    size = &usual;
    fill(&(struct world){0.5, 0.2, 1}, 12, 480);
    ax_buf_init(&bytes, 1 << 20);
    assert_int_equal(ax_drift_references_read(ax_buf_view(&bytes), &refs), AX_OK);
    assert_null(refs);
    learn(SERIES, true);
    ax_drift_references_add(&bytes, ax_str("a"), &reference);
    learn(1, false);
    ax_drift_references_add(&bytes, ax_str("target"), &reference);
    (void)printf("two references have %zu bytes\n", bytes.n);
    assert_int_equal(ax_drift_references_read(ax_buf_view(&bytes), &refs), AX_OK);
    assert_null(ax_drift_references_find(refs, ax_str("b")));
    const struct ax_drift_reference *found = ax_drift_references_find(refs, ax_str("target"));
    assert_non_null(found);
    const struct ax_drift_result before = test_at(size->before + 240, 1);
    other = *found;
    reference = other;
    const struct ax_drift_result after = test_at(size->before + 240, 1);
    assert_memory_equal(before.score, after.score, sizeof before.score);
    assert_memory_equal(&before.p_value, &after.p_value, sizeof before.p_value);
    ax_drift_references_free(refs);
    for (size_t n = 1; n < bytes.n; n += 13) /* the one place between two of them is whole */
        if (ax_drift_references_read((struct ax_str){(const char *)bytes.bytes, n}, &refs) == AX_OK)
            ax_drift_references_free(refs);
        else
            assert_null(refs);
    ax_buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_stay_as_they_were_are_significant_no_more_often_than_the_level),
        cmocka_unit_test(a_change_stays_one_however_long_ago_it_was),
        cmocka_unit_test(a_daily_cycle_that_the_past_knows_is_no_drift_and_a_level_beyond_it_is),
        cmocka_unit_test(a_variance_that_has_grown_is_drift),
        cmocka_unit_test(what_was_constant_is_no_drift_until_it_moves),
        cmocka_unit_test(series_that_the_model_did_not_see_are_left_out_and_too_many_leave_nothing),
        cmocka_unit_test(too_short_a_past_is_no_reference),
        cmocka_unit_test(references_are_read_back_as_they_were_written_and_not_if_they_were_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
