/* The panel of an entity's voices: what it says of them together, its vote, and how it keeps to the
 * false-alarm rate, which is checked by what is known of the log-normal voices that it hears. */
#include "anomaly/panel.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

static const struct ax_detector_spec spec = {.false_alarm_rate = 0.001};

#define MEMBERS 0x0f
#define GROWN 864 /* points: three days */

static struct ax_verdict features_at(double score)
{
    return (struct ax_verdict){.ready = true, .score = score, .upper = 1, .severity = ax_severity_of(score)};
}

#define POINT 5

/* What all voices say alike, of an ensemble that learnt from so many points. */
static struct ax_verdict heard_of(struct ax_panel *p, double features, double member, uint32_t learnt_points,
                                  int64_t generation, double *vote)
{
    struct ax_verdict said = features_at(features), out;
    const struct ax_ensemble_ratios ratios = {{member, member, member, member, 99, 99}};
    const struct ax_panel_voices voices = {.features = &said,
                                           .members = MEMBERS,
                                           .ratios = &ratios,
                                           .level = 1,
                                           .generation = generation,
                                           .learnt_points = learnt_points,
                                           .unheard = 3};
    (void)ax_panel_step(p, &voices, &out, vote);
    return out;
}

static struct ax_verdict heard(struct ax_panel *p, double features, double member, double *vote)
{
    return heard_of(p, features, member, GROWN, 1, vote);
}

static struct ax_verdict features_heard(struct ax_panel *p, double score)
{
    const struct ax_verdict said = features_at(score);
    const struct ax_panel_voices voices = {.features = &said};
    struct ax_verdict out;
    double vote;
    (void)ax_panel_step(p, &voices, &out, &vote);
    return out;
}

static void without_an_ensemble_the_features_say_it(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    struct ax_verdict said = {.reason = "warming_up"}, out;
    const struct ax_panel_voices voices = {.features = &said};
    double vote;
    (void)ax_panel_step(p, &voices, &out, &vote);
    assert_true(!out.ready && out.score == 0 && vote == 0);
    for (uint32_t i = 0; i < 5000; i++)
        (void)features_heard(p, 0.1);
    out = features_heard(p, 2.75);
    assert_true(out.score > 2.74 && out.score <= 2.75 && out.severity == AX_HIGH);
    ax_panel_free(p);
}

static void the_first_steps_of_an_entity_cannot_tell_what_is_rare(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    for (uint32_t i = 0; i < 3; i++)
        (void)features_heard(p, 0.5);
    assert_true(features_heard(p, 4).score < 0.3);
    ax_panel_free(p);
    p = ax_panel_new(&spec, POINT);
    for (uint32_t i = 0; i < 90; i++)
        (void)features_heard(p, 0.5);
    assert_true(features_heard(p, 4).score == 1 &&
                features_heard(p, 4).score == 1); /* a blip or two: not believed */
    assert_true(fabs(features_heard(p, 4).score - 2) <
                0.1); /* after 122 steps, those of the features' own too */
    assert_true(features_heard(p, 0.5).score < 1);
    for (uint32_t i = 0; i < 150; i++)
        (void)features_heard(p, 0.5);
    assert_true(features_heard(p, 4).score > 3); /* of a known one each step is */
    ax_panel_free(p);
}

/* Steps of usual voices, of so large a median, a point's steps alike; returns how many are above 1 after the
 * first `skip`. */
static uint32_t steps_above(struct ax_panel *p, uint32_t n, uint32_t skip, double median,
                            uint32_t learnt_points)
{
    struct ax_rng rng;
    double vote, usual = 0;
    uint32_t above = 0;
    ax_rng_seed(&rng, 4);
    for (uint32_t i = 0; i < n; i++) {
        if (i % POINT == 0)
            usual = median * exp(0.15 * ax_rng_normal(&rng));
        above += heard_of(p, usual, usual, learnt_points, 1, &vote).score > 1 && i >= skip;
    }
    return above;
}

static void voices_at_their_levels_are_a_score_of_1_and_the_vote_counts_them(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(p, 40000, 0, 0.3, GROWN);
    assert_true(fabs(heard(p, 1, 1, &vote).score - 1) < 0.01);
    assert_true(vote == 0);
    assert_true(heard(p, 3, 3, &vote).severity == AX_HIGH && vote == 1);
    assert_true(heard(p, 0, 4, &vote).score > 1 && vote == 0.8);
    assert_true(heard(p, 4, 0.3, &vote).score < 1 && vote == 0.2); /* one against four that see nothing */
    assert_true(fabs(heard(p, 100, 0.3, &vote).score - heard(p, 10, 0.3, &vote).score) <
                0.01); /* however loud */
    ax_panel_free(p);
}

static void
the_level_rises_to_the_false_alarm_rate_when_what_comes_is_louder_than_what_was_held_out(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    /* a third of all points is above the level given; a step in a thousand may be */
    assert_true(steps_above(p, 30000, 0, 0.93, GROWN) <= 60);
    assert_true(heard(p, 40, 40, &vote).score > 3);
    assert_true(heard(p, 1.2, 1.2, &vote).score < 1);
    ax_panel_free(p);
}

static void
nobody_believes_a_first_generation_that_was_not_heard_and_the_next_begins_where_it_ended(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    for (uint32_t i = 0; i < 2000; i++)
        (void)features_heard(p, 0.3);
    assert_true(heard_of(p, 2.9, 2.9, 24, 1, &vote).score < 1);
    assert_true(steps_above(p, 3000, 1000, 2, 24) <= 10); /* it knows nothing: twice its level is usual */
    double before = heard_of(p, 6, 6, 24, 1, &vote).score, after = heard_of(p, 6, 6, 48, 2, &vote).score;
    assert_true(before > 1 && fabs(before - after) < 0.01);
    ax_panel_free(p);
}

static void what_an_entity_does_every_day_is_not_forgotten_when_another_generation_speaks(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    uint32_t above = 0;
    for (uint32_t day = 0; day < 20; day++)
        for (uint32_t point = 0; point < 288; point++)
            for (uint32_t k = 0; k < POINT; k++) {
                double vote, usual = point == 144 ? 1.5 : 0.3;
                const double score = heard_of(p, usual, usual, GROWN, day < 12 ? 1 : 2, &vote).score;
                above += day >= 12 && score > 1;
            }
    assert_int_equal(above, 0);
    ax_panel_free(p);
}

static void a_generation_that_says_nothing_for_a_while_is_not_forgotten(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(p, 30000, 0, 0.93, GROWN);
    const double before = heard(p, 3, 3, &vote).score;
    for (uint32_t i = 0; i < 12 * POINT; i++)
        assert_true(fabs(features_heard(p, 2).score - 2) < 0.01); /* as it is */
    assert_true(fabs(heard(p, 3, 3, &vote).score - before) < 0.01);
    for (uint32_t i = 0; i < 12 * POINT + 1; i++)
        (void)features_heard(p, 2);
    assert_true(heard(p, 3, 3, &vote).score < 0.9 * before); /* it was gone */
    ax_panel_free(p);
}

static void what_lasts_is_usual_to_a_young_generation_and_not_to_one_of_three_days(void **state)
{
    (void)state;
    struct ax_panel *young = ax_panel_new(&spec, POINT), *grown = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(young, 5000, 0, 0.5, 96);
    (void)steps_above(grown, 5000, 0, 0.5, GROWN);
    assert_true(steps_above(young, 12 * POINT, 0, 5, 96) >= 11 * POINT);
    assert_int_equal(steps_above(young, 4000, 2000, 5, 96), 0);
    assert_int_equal(steps_above(grown, 160 * POINT, 0, 5, GROWN), 160 * POINT); /* 13 hours */
    assert_true(heard(grown, 5, 5, &vote).score > 2.4);
    ax_panel_free(young);
    ax_panel_free(grown);
}

static void the_level_of_a_generation_of_three_days_rises_by_half_at_most(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(p, 40000, 0, 1.2, GROWN); /* one of fourteen points is above one and a half */
    assert_true(heard(p, 1.55, 1.55, &vote).score > 1);
    assert_true(heard(p, 1.45, 1.45, &vote).score < 1);
    ax_panel_free(p);
}

static void what_nobody_asks_for_makes_no_score_and_no_vote_beyond_those_of_the_features(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    (void)steps_above(p, 40000, 0, 0.3, GROWN);
    static const double features[] = {0.5, 2.5};
    for (uint32_t i = 0; i < 2; i++) {
        const struct ax_verdict said = features_at(features[i]);
        const struct ax_ensemble_ratios ratios = {{9, 9, 9, 9, 9, 9}};
        struct ax_panel_voices voices = {.features = &said,
                                         .members = MEMBERS,
                                         .ratios = &ratios,
                                         .level = 1,
                                         .generation = 1,
                                         .learnt_points = GROWN,
                                         .unheard = 3,
                                         .judge_only = true};
        struct ax_verdict out;
        double vote;
        assert_true(ax_panel_step(p, &voices, &out, &vote) && out.score > 4 && vote >= 0.8 && !out.unasked);
        voices.unasked = true;
        assert_true(ax_panel_step(p, &voices, &out, &vote)); /* it is no example of what is usual, though */
        ax_assert_close(out.score, fmax(features[i], 1), 0.01);
        assert_true(out.unasked == (i == 0));
        ax_assert_close(vote, i == 0 ? 0 : 0.2, 1e-12);
    }
    ax_panel_free(p);
}

/* Points until the panel says that a new level has settled, of steps of so large a median; at most `most`. */
static uint32_t points_to_settle(struct ax_panel *p, double median, uint32_t most)
{
    for (uint32_t i = 0; i < most; i++)
        for (uint32_t k = 0; k < POINT; k++) {
            double vote;
            (void)heard(p, median, median, &vote);
            if (ax_panel_settled(p))
                return i + 1;
        }
    return UINT32_MAX;
}

static void
what_lasts_for_more_than_half_a_day_begins_a_new_level_beside_which_more_is_still_abnormal(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(p, 5000, 0, 0.5, GROWN);
    const uint32_t above = steps_above(p, 288 * POINT, 0, 5, GROWN); /* a day of a shift */
    assert_true(above > 12 * 12 * POINT && above < 16 * 12 * POINT);
    assert_true(steps_above(p, 14 * 288 * POINT, 0, 5, GROWN) <= 40); /* 0.2 % of two weeks */
    assert_true(heard(p, 40, 40, &vote).score > 1.5);
    ax_panel_free(p);
}

static void
a_shift_that_comes_and_goes_for_days_begins_a_new_level_too_and_half_a_day_of_incidents_does_not(void **state)
{
    (void)state;
    struct ax_panel *shifts = ax_panel_new(&spec, POINT), *has = ax_panel_new(&spec, POINT);
    uint32_t late = 0;
    (void)steps_above(shifts, 5000, 0, 0.5, GROWN);
    (void)steps_above(has, 5000, 0, 0.5, GROWN);
    for (uint32_t i = 0; i < 8 * 24; i++) { /* eight days: half of every hour */
        const uint32_t above = steps_above(shifts, 6 * POINT, 0, 5, GROWN);
        late += i >= 2 * 24 ? above : 0;
        (void)steps_above(shifts, 6 * POINT, 0, 0.5, GROWN);
    }
    assert_true(late <= 40);
    for (uint32_t i = 0; i < 8; i++) { /* and two hours of each day */
        assert_int_equal(steps_above(has, 24 * POINT, 0, 5, GROWN), 24 * POINT);
        (void)steps_above(has, 264 * POINT, 0, 0.5, GROWN);
        assert_false(ax_panel_settled(has));
    }
    ax_panel_free(shifts);
    ax_panel_free(has);
}

static void half_a_day_after_a_new_level_was_accepted_it_has_settled_once(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    (void)steps_above(p, 5000, 0, 0.5, GROWN);
    const uint32_t points = points_to_settle(p, 5, 1000);
    assert_true(points > 300 && points < 400); /* 14 hours and 12, and what flickers between */
    assert_int_equal(points_to_settle(p, 5, 3000), UINT32_MAX);
    ax_panel_free(p);
}

static void an_incident_does_not_hide_the_next(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    double vote;
    (void)steps_above(p, 20000, 0, 0.5, GROWN);
    const double once = heard(p, 4, 4, &vote).score;
    for (uint32_t i = 0; i < 20; i++) {
        (void)steps_above(p, 12 * POINT, 0, 4, GROWN);
        (void)steps_above(p, 100 * POINT, 0, 0.5, GROWN);
    }
    assert_true(heard(p, 4, 4, &vote).score > 0.6 * once);
    ax_panel_free(p);
}

static void what_was_learnt_is_saved_and_read(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT), *q = ax_panel_new(&spec, POINT);
    struct ax_rng rng;
    struct ax_buf b;
    double vote;
    ax_rng_seed(&rng, 4);
    for (uint32_t i = 0; i < 703; i++)
        (void)heard(p, 2 * ax_rng_double(&rng), 2 * ax_rng_double(&rng), &vote);
    ax_buf_init(&b, 1u << 16);
    ax_panel_save(p, &b);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    assert_int_equal(ax_panel_load(q, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (uint32_t i = 0; i < 700; i++) {
        double a = 2 * ax_rng_double(&rng), m = 2 * ax_rng_double(&rng);
        struct ax_verdict x = heard(p, a, m, &vote), y = heard(q, a, m, &vote);
        assert_true(x.score == y.score && x.severity == y.severity);
    }
    in = ax_bytes_of((struct ax_str){(const char *)b.bytes, b.n / 2});
    struct ax_panel *half = ax_panel_new(&spec, POINT);
    assert_int_equal(ax_panel_load(half, &in), AX_CORRUPT);
    ax_buf_done(&b);
    ax_panel_free(p);
    ax_panel_free(q);
    ax_panel_free(half);
}

/* What a model of latencies says beside its features, when it is new. */
static struct ax_verdict heard_along(struct ax_panel *p, double features, double member)
{
    struct ax_verdict said = features_at(features), out;
    const struct ax_ensemble_ratios ratios = {{member}};
    const struct ax_panel_voices voices = {.features = &said,
                                           .members = 1,
                                           .ratios = &ratios,
                                           .level = 1,
                                           .generation = 1,
                                           .learnt_points = 24,
                                           .unheard = 6,
                                           .alone = 0.85};
    double vote;
    (void)ax_panel_step(p, &voices, &out, &vote);
    return out;
}

static void beside_features_that_look_at_the_same_steps_only_members_are_doubted(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec, POINT);
    for (uint32_t i = 0; i < 2000; i++)
        (void)features_heard(p, 0.3);
    assert_true(heard_along(p, 0.3, 5.9).score < 1); /* nobody has heard yet how far off it is, */
    assert_true(heard_along(p, 2.5, 1).score > 1);   /* but features are known, */
    assert_true(heard_along(p, 1.3, 0).score > 1);   /* whatever it says; */
    assert_true(heard_along(p, 0.9, 6).score < 1);
    assert_true(heard_along(p, 1.1, 6).score > 1); /* both together are enough, */
    for (uint32_t i = 0; i < 5000 * POINT; i++)
        (void)heard_along(p, 0.3, 0.3);
    assert_true(heard_along(p, 0.3, 5.9).score > 1); /* and it is believed once it was heard */
    ax_panel_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_features_that_look_at_the_same_steps_only_members_are_doubted),
        cmocka_unit_test(without_an_ensemble_the_features_say_it),
        cmocka_unit_test(the_first_steps_of_an_entity_cannot_tell_what_is_rare),
        cmocka_unit_test(voices_at_their_levels_are_a_score_of_1_and_the_vote_counts_them),
        cmocka_unit_test(
            the_level_rises_to_the_false_alarm_rate_when_what_comes_is_louder_than_what_was_held_out),
        cmocka_unit_test(
            nobody_believes_a_first_generation_that_was_not_heard_and_the_next_begins_where_it_ended),
        cmocka_unit_test(what_an_entity_does_every_day_is_not_forgotten_when_another_generation_speaks),
        cmocka_unit_test(a_generation_that_says_nothing_for_a_while_is_not_forgotten),
        cmocka_unit_test(what_lasts_is_usual_to_a_young_generation_and_not_to_one_of_three_days),
        cmocka_unit_test(the_level_of_a_generation_of_three_days_rises_by_half_at_most),
        cmocka_unit_test(what_nobody_asks_for_makes_no_score_and_no_vote_beyond_those_of_the_features),
        cmocka_unit_test(
            what_lasts_for_more_than_half_a_day_begins_a_new_level_beside_which_more_is_still_abnormal),
        cmocka_unit_test(
            a_shift_that_comes_and_goes_for_days_begins_a_new_level_too_and_half_a_day_of_incidents_does_not),
        cmocka_unit_test(half_a_day_after_a_new_level_was_accepted_it_has_settled_once),
        cmocka_unit_test(an_incident_does_not_hide_the_next),
        cmocka_unit_test(what_was_learnt_is_saved_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
