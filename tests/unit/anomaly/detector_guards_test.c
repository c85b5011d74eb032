/* What a job asks of a score beside its calibration: values that can be, how long, which members, absence;
 * and the abnormalities that a forecast alone does not show. */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define STEP_MS 60000
#define DAY 1440

/* A detector over noise about a level, with the last value as its forecast. */
struct bench {
    struct ax_detector *detector;
    struct ax_window *window;
    struct ax_rng rng;
    double last;
    int64_t t_ms;
};

static struct ax_verdict take(struct bench *b, double value, bool ended)
{
    struct ax_verdict v;
    b->t_ms += STEP_MS;
    assert_int_equal(ax_window_push(b->window, b->t_ms, value), AX_OK);
    const struct ax_observation o = {.value = value,
                                     .expected = b->last,
                                     .lower = b->last - 2,
                                     .upper = b->last + 2,
                                     .past = ax_window_fine(b->window),
                                     .ended = ended};
    ax_detector_step(b->detector, &o, &v);
    if (!isnan(value))
        b->last = value;
    return v;
}

static struct ax_verdict noise(struct bench *b, double level)
{
    return take(b, level + ax_rng_normal(&b->rng), false);
}

static void start(struct bench *b, const struct ax_detector_spec *spec, uint32_t steps)
{
    *b = (struct bench){.detector = ax_detector_new(spec),
                        .window = ax_window_new(STEP_MS, AX_WINDOW_FINE, 1),
                        .last = (double)NAN};
    assert_non_null(b->detector);
    ax_rng_seed(&b->rng, 41);
    for (uint32_t i = 0; i < steps; i++)
        (void)noise(b, 100);
}

static void done(struct bench *b)
{
    ax_detector_free(b->detector);
    ax_window_free(b->window);
}

static void a_value_that_cannot_be_is_abnormal_whatever_the_other_guards_say(void **state)
{
    (void)state;
    const struct ax_detector_spec spec = {
        .range_min = 90, .range_max = 105, .direction = AX_BELOW, .min_dev_from_expected = 50};
    struct bench b;
    start(&b, &spec, 500);
    struct ax_verdict v = take(&b, 105.5, false);
    assert_true(v.score > 1 && v.severity >= AX_MEDIUM && v.direction == 1 && v.least == 3 && !v.unasked);
    assert_true(take(&b, 104, false).score <= 1);
    done(&b);
}

static void a_value_that_cannot_be_is_abnormal_however_far_away_it_is(void **state)
{
    (void)state;
    struct bench b;
    static const double above[] = {300, 1e37, 2e38, 1e300, (double)INFINITY};
    const struct ax_detector_spec spec = {.range_min = 0, .range_max = 200};
    start(&b, &spec, 400);
    for (unsigned i = 0; i < sizeof above / sizeof above[0]; i++) {
        struct ax_verdict v = take(&b, above[i], false);
        assert_true(v.score >= 3 && v.least == 3 && v.direction == 1 && v.severity >= AX_HIGH);
        v = take(&b, -above[i], false);
        assert_true(v.score >= 3 && v.least == 3 && v.direction == -1 && v.severity >= AX_HIGH);
        b.last = 100;
        for (uint32_t k = 0; k < 20; k++)
            v = noise(&b, 100);
        assert_true(v.score <= 1);
    }
    done(&b);
    start(&b, &(struct ax_detector_spec){0}, 400); /* nobody has said that it cannot be: a gap */
    assert_true(take(&b, (double)INFINITY, false).score <= 1);
    done(&b);
}

static void a_deviation_that_is_not_asked_for_is_said_to_be_so(void **state)
{
    (void)state;
    const struct ax_detector_spec spec = {.direction = AX_ABOVE, .min_dev_from_expected = 10};
    struct bench b;
    start(&b, &spec, 500);
    struct ax_verdict v = take(&b, 50, false);
    assert_true(v.unasked && v.score == 1 && v.least == 0);
    for (uint32_t i = 0; i < 50; i++)
        (void)noise(&b, 100);
    v = take(&b, 109, false);
    assert_true(v.unasked && v.score == 1);
    for (uint32_t i = 0; i < 50; i++)
        (void)noise(&b, 100);
    v = take(&b, 150, false);
    assert_true(!v.unasked && v.score > 2);
    done(&b);
}

static void a_slide_over_many_steps_is_seen_although_the_forecast_follows(void **state)
{
    (void)state;
    struct bench b;
    for (uint32_t past = 120; past <= 960; past *= 2) {
        start(&b, &(struct ax_detector_spec){0}, past);
        uint32_t above = 0;
        for (uint32_t i = 1; i <= 8; i++)
            above += noise(&b, 100 * pow(0.01, i / 8.0)).score > 1;
        for (uint32_t i = 0; i < 12; i++)
            above += noise(&b, 1).score > 1;
        assert_true(above >= 16);
        done(&b);
    }
}

static void a_spike_of_50_times_does_not_hide_one_of_5_times_an_hour_later(void **state)
{
    (void)state;
    for (uint32_t past = 60; past <= 2000; past += 485) {
        struct bench b;
        start(&b, &(struct ax_detector_spec){0}, past);
        assert_true(take(&b, 5000, false).score > 4);
        for (uint32_t i = 0; i < 60; i++)
            (void)noise(&b, 100);
        assert_true(take(&b, 500, false).score > 1);
        done(&b);
    }
}

static void a_second_spike_like_the_first_is_abnormal_too(void **state)
{
    (void)state;
    struct bench b;
    start(&b, &(struct ax_detector_spec){0}, 1000);
    for (uint32_t k = 0; k < 4; k++) {
        assert_true(take(&b, 140, false).score > 1);
        for (uint32_t i = 0; i < 57; i++)
            (void)noise(&b, 100);
    }
    done(&b);
}

/* No forecast knows of it here. */
static void a_job_of_every_day_is_no_anomaly_from_the_fourth_day_on(void **state)
{
    (void)state;
    struct bench b;
    start(&b, &(struct ax_detector_spec){0}, 0);
    uint32_t first = 0, late = 0, other = 0;
    for (uint32_t i = 0; i < 8 * DAY; i++) {
        uint32_t of_day = i % DAY, day = i / DAY;
        bool job = of_day >= 360 && of_day < 375;
        double score = noise(&b, job ? 160 : 100).score;
        first += job && day < 3 && score > 1;
        late += job && day >= 4 && score > 1;
        other += !job && day >= 4 && score > 1;
    }
    assert_true(first >= 30);
    assert_true(late <= 3);
    assert_true(other <= 4 * DAY / 500);
    for (uint32_t i = 0; i < 600; i++)
        (void)noise(&b, 100);
    assert_true(noise(&b, 160).score > 1); /* but not at another time */
    done(&b);
}

/* Back on the cycle is back to normal, although the cycle has moved on from where the bump began. */
static void a_bump_on_a_cycle_is_over_when_it_ends(void **state)
{
    (void)state;
    for (uint32_t begins = 600; begins < 720; begins += 24) {
        struct bench b;
        start(&b, &(struct ax_detector_spec){0}, 0);
        uint32_t during = 0, after = 0;
        for (uint32_t i = 0; i < begins + 120; i++) {
            bool bump = i >= begins && i < begins + 6;
            double cycle = 100 + 20 * sin(6.283185307179586 * i / 120);
            double score = noise(&b, bump ? cycle + 60 : cycle).score;
            during += bump && score > 1;
            after += i >= begins + 6 && score > 1;
        }
        assert_true(during >= 5);
        assert_true(after <= 12);
        done(&b);
    }
}

/* A gauge that is 0 but for single steps: of a young series nobody can say that they are rare, then they are
 * how it is. */
static void what_comes_again_and_again_for_one_step_becomes_usual(void **state)
{
    (void)state;
    struct bench b;
    start(&b, &(struct ax_detector_spec){0}, 0);
    uint32_t soon = 0, late = 0;
    for (uint32_t i = 0; i < 1200; i++) {
        double score = take(&b, i >= 100 && i % 37 == 0 ? 1 : 0, false).score;
        soon += i < 600 && score > 1;
        late += i >= 600 && score > 1;
    }
    assert_true(soon <= 10);
    assert_int_equal(late, 0);
    assert_true(take(&b, 9, false).score > 1); /* which does not hide what is further off */
    done(&b);
}

/* As steps of 1 s are judged: a fault of 12 s every minute for an hour. */
static void faults_that_come_every_minute_for_an_hour_are_all_told(void **state)
{
    (void)state;
    struct bench b;
    struct ax_rng rng;
    ax_rng_seed(&rng, 11);
    start(&b, &(struct ax_detector_spec){.memory_steps = 43200, .hold_steps = 3600}, 0);
    for (uint32_t i = 0; i < 480; i++)
        (void)take(&b, 100 + ax_rng_normal(&rng), false);
    uint32_t told = 0, loud = 0;
    for (uint32_t fault = 0; fault < 60; fault++) {
        double highest = 0;
        for (uint32_t i = 0; i < 60; i++) {
            const double score = take(&b, 100 + ax_rng_normal(&rng) + (i < 12 ? 15 : 0), false).score;
            highest = i < 12 ? fmax(highest, score) : highest;
            loud += i >= 14 && score > 1;
        }
        told += highest > 1;
    }
    assert_int_equal(told, 60);
    assert_true(loud <= 6); /* of 2,760 steps between them */
    done(&b);
}

static void absence_is_abnormal_after_twice_the_longest_gap_before(void **state)
{
    (void)state;
    const struct ax_detector_spec spec = {.absence = true};
    struct bench b;
    start(&b, &spec, 200);
    struct ax_verdict v;
    for (uint32_t k = 0; k < 6; k++) {
        v = take(&b, (double)NAN, false);
        assert_int_equal(v.absent, k >= 3); /* there were none before */
    }
    assert_true(v.score >= 3 && v.severity >= AX_HIGH && v.direction == -1);
    assert_false(noise(&b, 100).absent);
    for (uint32_t k = 0; k < 20; k++)
        assert_int_equal(take(&b, (double)NAN, false).absent, k >= 13);
    done(&b);
}

static void absence_ends_after_hold_steps_and_begins_at_the_second_step_after_an_end(void **state)
{
    (void)state;
    const struct ax_detector_spec spec = {.absence = true, .hold_steps = 50};
    struct bench b;
    start(&b, &spec, 200);
    for (uint32_t k = 0; k < 60; k++) {
        struct ax_verdict v = take(&b, (double)NAN, k <= 1);
        assert_int_equal(v.absent, k >= 1 && k < 50);
        assert_int_equal(v.ready, k < 50);
    }
    done(&b);
}

static void members_that_are_asked_for_look_and_others_do_not(void **state)
{
    (void)state;
    const struct ax_detector_spec spec = {.members = 1u << AX_MEMBER_LEVEL | 1u << AX_MEMBER_POLYNOMIAL};
    struct bench b;
    double scores[AX_MEMBER_IDS];
    start(&b, &spec, 500);
    ax_detector_members(b.detector, scores);
    for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
        assert_int_equal(!isnan(scores[id]), spec.members >> id & 1);
    assert_true(noise(&b, 140).score > 1);
    done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_cannot_be_is_abnormal_whatever_the_other_guards_say),
        cmocka_unit_test(a_value_that_cannot_be_is_abnormal_however_far_away_it_is),
        cmocka_unit_test(a_deviation_that_is_not_asked_for_is_said_to_be_so),
        cmocka_unit_test(a_slide_over_many_steps_is_seen_although_the_forecast_follows),
        cmocka_unit_test(a_spike_of_50_times_does_not_hide_one_of_5_times_an_hour_later),
        cmocka_unit_test(a_second_spike_like_the_first_is_abnormal_too),
        cmocka_unit_test(a_job_of_every_day_is_no_anomaly_from_the_fourth_day_on),
        cmocka_unit_test(a_bump_on_a_cycle_is_over_when_it_ends),
        cmocka_unit_test(what_comes_again_and_again_for_one_step_becomes_usual),
        cmocka_unit_test(faults_that_come_every_minute_for_an_hour_are_all_told),
        cmocka_unit_test(absence_is_abnormal_after_twice_the_longest_gap_before),
        cmocka_unit_test(absence_ends_after_hold_steps_and_begins_at_the_second_step_after_an_end),
        cmocka_unit_test(members_that_are_asked_for_look_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
