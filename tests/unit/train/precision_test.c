/* Average precision is scikit-learn's, and the paired test promotes a sharper detector and hardly an equal
 * one. */
#include "../../golden/compare/vectors.h"
#include "ax_test.h"
#include "base/rng.h"
#include "group.h"
#include "train/precision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS 200
#define INCIDENTS 12
#define LENGTH 3 /* points of an incident, and of a stretch of normal time */
#define NORMAL 30
#define UNITS (INCIDENTS + NORMAL)
#define POINTS (UNITS * LENGTH)
#define DRAWS 200 /* the least with which a look can say anything */

static void average_precision_is_scikit_learns(void **state)
{
    (void)state;
    ax_assert_close(ax_average_precision(ap0_scores, ap0_labels, ap0_scores_n, &group_arena), ap0[0], 1e-12);
    ax_assert_close(ax_average_precision(ap1_scores, ap1_labels, ap1_scores_n, &group_arena), ap1[0], 1e-12);
    const uint8_t none[2] = {0, 0};
    assert_true(isnan(ax_average_precision(ap0_scores, none, 2, &group_arena)));
}

/* Points as both see them: what is common to the points of a unit, to both detectors, and noise of each. */
struct points {
    double a[POINTS], b[POINTS];
    uint8_t labels[POINTS];
    uint32_t units[POINTS];
};

static struct ax_scored_points view(const struct points *p)
{
    return (struct ax_scored_points){p->a, p->b, p->labels, p->units, POINTS, UNITS};
}

static void make(struct points *p, struct ax_rng *rng, double sharpness, double sharper)
{
    for (uint32_t u = 0; u < UNITS; u++) {
        const bool incident = u < INCIDENTS;
        const double common = 0.5 * ax_rng_normal(rng),
                     own[2] = {0.5 * ax_rng_normal(rng), 0.5 * ax_rng_normal(rng)};
        for (uint32_t k = 0; k < LENGTH; k++) {
            const uint32_t i = u * LENGTH + k;
            p->labels[i] = incident;
            p->units[i] = u;
            p->a[i] = sharpness * incident + common + own[0] + 0.7 * ax_rng_normal(rng);
            p->b[i] =
                exp(sharper * incident + common + own[1] + 0.7 * ax_rng_normal(rng)); /* another scale */
        }
    }
}

/* How many of RUNS challengers are promoted at any of the looks, each with points of its own. */
static uint32_t promoted(double sharpness, double sharper, uint32_t looks)
{
    static struct points p;
    const struct ax_promotion_rule rule = {.samples_min = 1};
    struct ax_rng rng;
    uint32_t n = 0;
    ax_rng_seed(&rng, 3);
    for (uint32_t run = 0; run < RUNS; run++) {
        bool wins = false;
        for (uint32_t look = 0; look < looks && !wins; look++) {
            struct ax_comparison c;
            make(&p, &rng, sharpness, sharper);
            const struct ax_scored_points v = view(&p);
            ax_arena_reset(&group_arena);
            assert_int_equal(ax_compare_detectors(&v, DRAWS, run, &group_arena, &c), AX_OK);
            wins = ax_promotion_judge(&rule, &c) == AX_PROMOTION_PROMOTED;
        }
        n += wins;
    }
    (void)printf("sharpness %.1f and %.1f, %u look(s): %u of %d promoted\n", sharpness, sharper, looks, n,
                 RUNS);
    return n;
}

static void equal_detectors_are_promoted_in_at_most_5_percent(void **state)
{
    (void)state;
    assert_true(promoted(1.5, 1.5, AX_PROMOTION_LOOKS) <= RUNS / 20);
}

static void a_sharper_one_is_promoted_in_at_least_90_percent(void **state)
{
    (void)state;
    assert_true(promoted(1, 2.2, AX_PROMOTION_LOOKS) >= RUNS * 9 / 10);
    assert_int_equal(promoted(2.2, 1, 1), 0);
}

/* What is as good as what was found is as bad too: it counts for both, which no share less another does. */
static void worse_is_told_by_what_better_would_be_with_ties_for_both(void **state)
{
    static struct points p;
    struct ax_comparison there, back;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 6);
    make(&p, &rng, 1.5, 1.5);
    for (uint32_t i = 0; i < POINTS; i++) { /* all alike but for two incidents, which one of them sees */
        p.a[i] = p.labels[i];
        p.b[i] = p.labels[i] && p.units[i] > 1;
    }
    const struct ax_scored_points v = view(&p);
    const struct ax_scored_points turned = {p.b, p.a, p.labels, p.units, POINTS, UNITS};
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &there), AX_OK);
    assert_int_equal(ax_compare_detectors(&turned, DRAWS, 1, &group_arena, &back), AX_OK);
    ax_assert_close(there.p_worse, back.p_value, 0);
    ax_assert_close(there.p_value, back.p_worse, 0);
    assert_true(there.effect < -0.02 && there.p_worse + there.p_value > 1);
}

/* Eight incidents, each found by one of the two alone, and nothing else is told from normal: of the 256 ways
 * in which that can fall out, equally likely for equal detectors, one is significant to each side. */
static void tied_scores_find_no_more_than_their_level(void **state)
{
    static struct points p;
    struct ax_comparison c;
    uint32_t better = 0, worse = 0;
    (void)state;
    for (uint32_t u = 0, n = 8; u < UNITS; u++)
        for (uint32_t i = u * LENGTH; i < (u + 1) * LENGTH; i++) {
            p.labels[i] = u < n;
            p.units[i] = u;
        }
    for (uint32_t outcome = 0; outcome < 256; outcome++) {
        for (uint32_t i = 0; i < POINTS; i++) {
            p.a[i] = p.labels[i] && !(outcome >> p.units[i] & 1);
            p.b[i] = p.labels[i] && (outcome >> p.units[i] & 1);
        }
        const struct ax_scored_points v = view(&p);
        ax_arena_reset(&group_arena);
        assert_int_equal(ax_compare_detectors(&v, 2 * DRAWS, outcome, &group_arena, &c), AX_OK);
        better += c.p_value < 0.005;
        worse += c.p_worse < 0.005;
    }
    assert_in_range(better, 0, 1);
    assert_in_range(worse, 0, 1);
}

static void what_is_identical_is_neither_better_nor_worse(void **state)
{
    static struct points p;
    const struct ax_promotion_rule rule = {.samples_min = 1000};
    struct ax_comparison c;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 1);
    make(&p, &rng, 2, 2);
    memcpy(p.b, p.a, sizeof p.b);
    const struct ax_scored_points v = view(&p);
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &c), AX_OK);
    ax_assert_close(c.p_value, 1, 0);
    ax_assert_close(c.p_worse, 1, 0);
    ax_assert_close(c.effect, 0, 0);
    ax_assert_close(c.low, 0, 0);
    ax_assert_close(c.high, 0, 0);
    assert_false(ax_promotion_is_worse(&rule, &c));
    assert_int_equal(ax_promotion_judge(&rule, &c), AX_PROMOTION_WAITS);
}

static void its_areas_are_those_of_the_detectors_and_its_draws_are_seeded(void **state)
{
    static struct points p;
    struct ax_comparison c, again, other;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 2);
    make(&p, &rng, 1, 2);
    const struct ax_scored_points v = view(&p);
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &c), AX_OK);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &again), AX_OK);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 2, &group_arena, &other), AX_OK);
    ax_assert_close(again.p_value, c.p_value, 0);
    ax_assert_close(again.low, c.low, 0);
    ax_assert_close(again.high, c.high, 0);
    assert_true(other.low < c.low || other.low > c.low);
    ax_assert_close(c.champion, ax_average_precision(p.a, p.labels, POINTS, &group_arena), 1e-12);
    ax_assert_close(c.challenger, ax_average_precision(p.b, p.labels, POINTS, &group_arena), 1e-12);
    assert_true(c.low < c.effect && c.effect < c.high);
}

static void with_few_incidents_nothing_is_said(void **state)
{
    static struct points p;
    struct ax_comparison c;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    make(&p, &rng, 1, 2);
    struct ax_scored_points v = view(&p);
    memset(p.labels + (size_t)(AX_PRECISION_INCIDENTS - 1) * LENGTH, 0, sizeof p.labels / 2);
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &c), AX_NOTREADY);
    memset(p.labels, 1, sizeof p.labels);
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &c), AX_NOTREADY);
    v.units_n = 3;
    assert_int_equal(ax_compare_detectors(&v, DRAWS, 1, &group_arena, &c), AX_INVALID);
    assert_int_equal(ax_compare_detectors(&v, 0, 1, &group_arena, &c), AX_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(average_precision_is_scikit_learns),
        cmocka_unit_test(equal_detectors_are_promoted_in_at_most_5_percent),
        cmocka_unit_test(a_sharper_one_is_promoted_in_at_least_90_percent),
        cmocka_unit_test(worse_is_told_by_what_better_would_be_with_ties_for_both),
        cmocka_unit_test(tied_scores_find_no_more_than_their_level),
        cmocka_unit_test(what_is_identical_is_neither_better_nor_worse),
        cmocka_unit_test(its_areas_are_those_of_the_detectors_and_its_draws_are_seeded),
        cmocka_unit_test(with_few_incidents_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
