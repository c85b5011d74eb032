/* The panel of an entity's voices: what it says of them together, its vote, and how it keeps to the
 * false-alarm rate. */
#include "anomaly/panel.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

static const struct ax_detector_spec spec = {.false_alarm_rate = 0.001};

#define MEMBERS 0x0f

static struct ax_verdict features_at(double score)
{
    return (struct ax_verdict){.ready = true, .score = score, .upper = 1, .severity = ax_severity_of(score)};
}

static struct ax_verdict heard(struct ax_panel *p, double features, double member, double *vote)
{
    struct ax_verdict said = features_at(features), out;
    const struct ax_ensemble_ratios ratios = {{member, member, member, member, 99, 99}};
    const struct ax_panel_voices voices = {
        .features = &said, .members = MEMBERS, .ratios = &ratios, .level = 1};
    (void)ax_panel_step(p, &voices, &out, vote);
    return out;
}

static void without_an_ensemble_the_features_say_it(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec);
    struct ax_verdict said = features_at(2.75), out;
    const struct ax_panel_voices voices = {.features = &said};
    double vote;
    (void)ax_panel_step(p, &voices, &out, &vote);
    assert_true(out.score == 2.75 && out.severity == AX_HIGH && vote == 1);
    said = (struct ax_verdict){.reason = "warming_up"};
    (void)ax_panel_step(p, &voices, &out, &vote);
    assert_true(!out.ready && out.score == 0 && vote == 0);
    ax_panel_free(p);
}

static void voices_at_their_levels_are_a_score_of_1_and_the_vote_counts_them(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec);
    double vote;
    assert_true(fabs(heard(p, 1, 1, &vote).score - 1) < 1e-12 && vote == 0);
    assert_true(heard(p, 3, 3, &vote).severity == AX_HIGH && vote == 1);
    assert_true(heard(p, 0, 4, &vote).score > 1 && vote == 0.8);
    assert_true(heard(p, 4, 0.3, &vote).score < 1 && vote == 0.2); /* one against four that see nothing */
    ax_panel_free(p);
}

/* Steps of usual voices, of so large a median; returns how many are above 1 after the first 2,000. */
static uint32_t steps_above(struct ax_panel *p, uint32_t n, double median)
{
    struct ax_rng rng;
    double vote;
    uint32_t above = 0;
    ax_rng_seed(&rng, 4);
    for (uint32_t i = 0; i < n; i++) {
        double usual = median * exp(0.15 * ax_rng_normal(&rng));
        above += heard(p, usual, usual, &vote).score > 1 && i >= 2000;
    }
    return above;
}

static void the_level_rises_to_the_false_alarm_rate_when_voices_have_become_louder(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec);
    double vote;
    assert_int_equal(steps_above(p, 6000, 0.5), 0);
    assert_true(steps_above(p, 22000, 0.9) <= 60); /* 20 are expected; a quarter was above the level given */
    assert_true(heard(p, 40, 40, &vote).score > 3);
    assert_true(heard(p, 1.2, 1.2, &vote).score < 1);
    struct ax_verdict said = features_at(1.2),
                      out; /* what was learnt of one generation says nothing of the next */
    const struct ax_ensemble_ratios ratios = {{1.2, 1.2, 1.2, 1.2}};
    const struct ax_panel_voices other = {
        .features = &said, .members = MEMBERS, .ratios = &ratios, .level = 1, .generation = 7};
    (void)ax_panel_step(p, &other, &out, &vote);
    assert_true(fabs(out.score - 1.2) < 1e-12);
    ax_panel_free(p);
}

static void an_incident_does_not_become_usual_by_lasting(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec);
    (void)steps_above(p, 3000, 0.5);
    assert_int_equal(steps_above(p, 9000, 5), 7000);
    double vote;
    assert_true(heard(p, 5, 5, &vote).score > 2.4);
    ax_panel_free(p);
}

static void what_was_learnt_is_saved_and_read(void **state)
{
    (void)state;
    struct ax_panel *p = ax_panel_new(&spec), *q = ax_panel_new(&spec);
    struct ax_rng rng;
    struct ax_buf b;
    double vote;
    ax_rng_seed(&rng, 4);
    for (uint32_t i = 0; i < 700; i++)
        (void)heard(p, ax_rng_double(&rng), ax_rng_double(&rng), &vote);
    ax_buf_init(&b, 1u << 16);
    ax_panel_save(p, &b);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&b));
    assert_int_equal(ax_panel_load(q, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (uint32_t i = 0; i < 700; i++) {
        double a = ax_rng_double(&rng), m = ax_rng_double(&rng);
        struct ax_verdict x = heard(p, a, m, &vote), y = heard(q, a, m, &vote);
        assert_true(x.score == y.score && x.severity == y.severity);
    }
    in = ax_bytes_of((struct ax_str){(const char *)b.bytes, b.n / 2});
    struct ax_panel *half = ax_panel_new(&spec);
    assert_int_equal(ax_panel_load(half, &in), AX_CORRUPT);
    ax_buf_done(&b);
    ax_panel_free(p);
    ax_panel_free(q);
    ax_panel_free(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_ensemble_the_features_say_it),
        cmocka_unit_test(voices_at_their_levels_are_a_score_of_1_and_the_vote_counts_them),
        cmocka_unit_test(the_level_rises_to_the_false_alarm_rate_when_voices_have_become_louder),
        cmocka_unit_test(an_incident_does_not_become_usual_by_lasting),
        cmocka_unit_test(what_was_learnt_is_saved_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
