/* The score of a series: calibrated on noise of every kind, up while an abnormality lasts, down after it. */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

/* A plain forecaster for the tests: the last value, with a 90 % interval from a running mean absolute error.
 */
struct naive {
    double last, scale;
    uint32_t n;
};

#define STEP_MS 15000

static struct ax_observation observe(const struct naive *f, double value)
{
    struct ax_observation o = {.value = value, .expected = NAN, .lower = NAN, .upper = NAN};
    if (f->n >= 10) {
        o.expected = f->last;
        o.lower = f->last - 2.06 * f->scale;
        o.upper = f->last + 2.06 * f->scale;
    }
    return o;
}

static void learn(struct naive *f, double value)
{
    if (!isfinite(value))
        return;
    double error = f->n ? fabs(value - f->last) : 0, count = f->n < 200 ? f->n + 1 : 200;
    if (f->n > 10 && f->scale > 0)
        error = fmin(error, 4 * f->scale);
    f->scale += (error - f->scale) / count;
    f->last = value;
    f->n++;
}

/* A detector with its window and forecaster; every verdict is checked for what holds always. */
struct bench {
    struct ax_detector *detector;
    struct ax_window *window;
    struct naive forecaster;
    int64_t step_ms, t_ms;
};

static void start_at(struct bench *b, const struct ax_detector_spec *spec, int64_t step_ms)
{
    *b = (struct bench){.detector = ax_detector_new(spec),
                        .window = ax_window_new(step_ms, AX_WINDOW_FINE, 1),
                        .step_ms = step_ms};
    assert_non_null(b->detector);
    assert_non_null(b->window);
}

static void start(struct bench *b, const struct ax_detector_spec *spec)
{
    start_at(b, spec, STEP_MS);
}

static void done(struct bench *b)
{
    ax_detector_free(b->detector);
    ax_window_free(b->window);
}

static struct ax_verdict step(struct bench *b, double value)
{
    struct ax_observation o = observe(&b->forecaster, value);
    struct ax_verdict v;
    b->t_ms += b->step_ms;
    assert_int_equal(ax_window_push(b->window, b->t_ms, value), AX_OK);
    o.past = ax_window_fine(b->window);
    ax_detector_step(b->detector, &o, &v);
    learn(&b->forecaster, value);
    assert_true(v.score >= 0 && v.score <= 100);
    assert_int_equal(v.severity, ax_severity_of(v.score));
    if (v.ready) {
        assert_null(v.reason);
        assert_true(isfinite(v.lower) && isfinite(v.upper));
        assert_true(v.lower <= v.expected && v.expected <= v.upper);
        assert_int_equal(v.direction != 0, v.score > 1);
    } else {
        assert_non_null(v.reason);
        assert_true(v.score == 0);
    }
    return v;
}

static const struct ax_detector_spec plain = {0};

enum noise { NORMAL, HEAVY, CORRELATED, WALK, BURSTY, DAILY, SPARSE, NOISES };

struct source {
    struct ax_rng rng;
    double x;
    uint32_t t;
};

static double t3(struct ax_rng *rng)
{
    double z = ax_rng_normal(rng), squares = 0;
    for (int i = 0; i < 3; i++) {
        double q = ax_rng_normal(rng);
        squares += q * q;
    }
    return z / sqrt(squares / 3);
}

static double poisson(struct ax_rng *rng, double mean)
{
    double limit = exp(-mean), product = ax_rng_double(rng);
    uint32_t count = 0;
    for (; product > limit; count++)
        product *= ax_rng_double(rng);
    return (double)count;
}

static double draw(struct source *s, enum noise kind)
{
    s->t++;
    switch (kind) {
    case NORMAL:
        return 100 + ax_rng_normal(&s->rng);
    case HEAVY:
        return 100 + t3(&s->rng);
    case CORRELATED:
        s->x = 0.9 * s->x + ax_rng_normal(&s->rng);
        return 50 + s->x;
    case WALK:
        s->x += ax_rng_normal(&s->rng);
        return 1000 + s->x;
    case BURSTY: /* counts whose rate wanders within a factor of about 6 */
        s->x = 0.95 * s->x + 0.3 * ax_rng_normal(&s->rng);
        return poisson(&s->rng, 3 * exp(fmin(s->x, 3)));
    case SPARSE: /* mostly nothing, now and then one */
        return ax_rng_double(&s->rng) < 0.03;
    default:
        return 100 + 50 * sin(6.283185307179586 * s->t / 1440) + 3 * ax_rng_normal(&s->rng);
    }
}

/* Share of ready points above 1. */
static double share_above(enum noise kind, uint64_t seed, uint32_t series, uint32_t steps)
{
    uint64_t ready = 0, above = 0;
    for (uint32_t i = 0; i < series; i++) {
        struct source s = {.t = 0};
        ax_rng_seed(&s.rng, seed + i);
        struct bench b;
        start(&b, &plain);
        for (uint32_t t = 0; t < steps; t++) {
            struct ax_verdict v = step(&b, draw(&s, kind));
            ready += v.ready;
            above += v.score > 1;
        }
        done(&b);
    }
    return (double)above / (double)ready;
}

/* 200,000 points at 0.1 % are 200, with a binomial standard deviation of 14 (7 %). Alarms come in runs of
 * about 2, so three standard deviations are 30 %; twice the rate leaves room for the error of the level. */
static void noise_of_every_kind_exceeds_1_at_no_more_than_twice_the_rate(void **state)
{
    (void)state;
    for (enum noise kind = 0; kind < NOISES; kind++) {
        double share = share_above(kind, 500, 4 + ax_test_rounds(6), 20000);
        assert_true(share <= 0.002);
        assert_true(share >= 0.0001); /* and the score is no constant 0 either */
    }
}

/* The first minutes, when the level is extrapolated from a few dozen points. */
static void young_detectors_are_not_much_louder(void **state)
{
    (void)state;
    assert_true(share_above(NORMAL, 900, 300, 200) <= 0.001);
    assert_true(share_above(CORRELATED, 900, 300, 200) <= 0.001);
    assert_true(share_above(DAILY, 900, 300, 200) <= 0.001);
    assert_true(share_above(HEAVY, 900, 300, 200) <= 0.004);
}

static void warmup_is_over_after_30_steps(void **state)
{
    (void)state;
    struct bench b;
    start(&b, &plain);
    struct source s = {.t = 0};
    ax_rng_seed(&s.rng, 1);
    struct ax_verdict v = step(&b, NAN);
    assert_string_equal(v.reason, "no_data");
    for (uint32_t i = 0; i < 30; i++) {
        v = step(&b, draw(&s, NORMAL));
        assert_false(v.ready);
        assert_string_equal(v.reason, "warming_up");
    }
    double lowest = 1, highest = 0;
    for (uint32_t i = 0; i < 30; i++) {
        v = step(&b, draw(&s, NORMAL));
        assert_true(v.ready);
        lowest = fmin(lowest, v.score);
        highest = fmax(highest, v.score);
    }
    assert_true(highest > lowest + 0.1);
    done(&b);
}

/* A warm bench over noise about 100 with standard deviation 1. */
static void warm(struct bench *b, struct source *s, const struct ax_detector_spec *spec, uint32_t steps)
{
    *s = (struct source){.t = 0};
    ax_rng_seed(&s->rng, 77);
    start(b, spec);
    for (uint32_t i = 0; i < steps; i++)
        step(b, draw(s, NORMAL));
}

static void a_spike_is_seen_with_its_direction_and_gone_at_once(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 500);
    struct ax_verdict v = step(&b, 120);
    assert_true(v.score > 2.5 && v.direction == 1);
    assert_true(v.upper < 120 && v.expected > 95 && v.expected < 105);
    for (uint32_t i = 0; i < 20; i++)
        assert_true(step(&b, draw(&s, NORMAL)).score <= 1);
    v = step(&b, 80);
    assert_true(v.score > 2.5 && v.direction == -1);
    done(&b);
}

static void a_large_spike_does_not_hide_a_small_one_an_hour_later(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 500);
    assert_true(step(&b, 5000).score >= 50);
    for (uint32_t i = 0; i < 240; i++)
        step(&b, draw(&s, NORMAL));
    assert_true(step(&b, 115).score > 1.5);
    done(&b);
}

static void a_spike_while_warming_up_does_not_blind(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 12);
    step(&b, 5000);
    for (uint32_t i = 0; i < 200; i++)
        step(&b, draw(&s, NORMAL));
    assert_true(step(&b, 140).score > 1);
    done(&b);
}

static void a_moved_level_stays_abnormal_until_it_ends(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 1000);
    for (uint32_t i = 0; i < 120; i++) {
        struct ax_verdict v = step(&b, draw(&s, NORMAL) + 15);
        assert_true(v.score > 1 && v.direction == 1);
        assert_true(v.expected > 96 && v.expected < 104); /* that of before, not the forecast's */
    }
    uint32_t after = 0;
    for (uint32_t i = 0; i < 60; i++)
        after += step(&b, draw(&s, NORMAL)).score > 1;
    assert_true(after <= 1);
    done(&b);
}

static void a_level_that_stays_is_accepted_as_normal(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 1000);
    uint32_t above = 0;
    for (uint32_t i = 0; i < 1000; i++)
        above += step(&b, draw(&s, NORMAL) + 15).score > 1;
    assert_true(above >= 235 && above <= 250);
    assert_true(step(&b, 100).score > 1); /* and its end is a change again */
    done(&b);
}

static void a_job_says_how_long_a_new_level_is_abnormal(void **state)
{
    (void)state;
    const struct ax_detector_spec patient = {.hold_steps = 900};
    struct bench b;
    struct source s;
    warm(&b, &s, &patient, 4000);
    uint32_t above = 0;
    for (uint32_t i = 0; i < 2000; i++)
        above += step(&b, draw(&s, NORMAL) + 15).score > 1;
    assert_true(above >= 895 && above <= 930);
    done(&b);
}

/* What is known for a few minutes only says little of what is abnormal for hours. */
static void a_young_series_accepts_a_new_level_sooner(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 100);
    uint32_t above = 0;
    for (uint32_t i = 0; i < 400; i++)
        above += step(&b, draw(&s, NORMAL) + 15).score > 1;
    assert_true(above >= 20 && above <= 60);
    done(&b);
}

/* Without a seasonal forecast a step that comes every day surprises at first; not for hours once it is known.
 */
static void a_level_of_every_day_is_accepted_soon(void **state)
{
    (void)state;
    struct bench b;
    struct source s = {.t = 0};
    ax_rng_seed(&s.rng, 12);
    start(&b, &plain);
    uint32_t first = 0, later = 0;
    for (uint32_t i = 0; i < 288 * 8; i++) {
        double level = i % 288 >= 100 && i % 288 < 200 ? 80 : 20;
        double score = step(&b, level + ax_rng_normal(&s.rng)).score;
        first += i < 288 && score > 1;
        later += i >= 288 * 6 && score > 1;
    }
    assert_true(first >= 20);
    assert_true(later <= 2 * 2 * 22);
    done(&b);
}

static void a_wider_noise_is_abnormal_and_is_learnt(void **state)
{
    (void)state;
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 1000);
    uint32_t soon = 0, late = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        double score = step(&b, 100 + 8 * ax_rng_normal(&s.rng)).score;
        soon += i >= 10 && i < 110 && score > 1;
        late += i >= 3000 && score > 1;
    }
    assert_true(soon >= 40);
    assert_true(late <= 10);
    done(&b);
}

static void a_random_walk_is_not_held_at_a_level_it_left(void **state)
{
    (void)state;
    uint32_t seen = 0, above = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct bench b;
        struct source s = {.t = 0};
        ax_rng_seed(&s.rng, seed);
        start(&b, &plain);
        for (uint32_t i = 0; i < 1000; i++)
            step(&b, draw(&s, WALK));
        s.x += 14;
        seen += step(&b, draw(&s, WALK)).score > 1;
        for (uint32_t i = 0; i < 100; i++)
            above += step(&b, draw(&s, WALK)).score > 1;
        done(&b);
    }
    assert_true(seen >= 7);
    assert_true(above <= 60);
}

static void a_gap_holds_the_verdict_and_teaches_nothing(void **state)
{
    (void)state;
    const double gaps[] = {NAN, INFINITY, -INFINITY};
    struct bench b;
    struct source s;
    warm(&b, &s, &plain, 500);
    struct ax_verdict before = step(&b, 130), v;
    for (uint32_t i = 0; i < 30; i++) {
        v = step(&b, gaps[i % 3]);
        assert_memory_equal(&v, &before, sizeof v);
    }
    for (uint32_t i = 0; i < 100; i++)
        assert_true(step(&b, draw(&s, NORMAL)).score <= 1);
    done(&b);
}

static void without_a_forecast_the_difference_still_warns(void **state)
{
    (void)state;
    struct ax_detector *d = ax_detector_new(&plain);
    struct ax_rng rng;
    ax_rng_seed(&rng, 4);
    struct ax_verdict v;
    for (uint32_t i = 0; i < 300; i++) {
        struct ax_observation o = {.value = 100 + ax_rng_normal(&rng), .expected = NAN};
        ax_detector_step(d, &o, &v);
    }
    assert_true(v.ready && isfinite(v.expected) && isfinite(v.lower) && isfinite(v.upper));
    struct ax_observation jump = {.value = 130, .expected = NAN};
    ax_detector_step(d, &jump, &v);
    assert_true(v.score > 1);
    ax_detector_free(d);
}

/* A day is 288 steps; the forecast knows the job that comes at its 100th. */
static struct ax_verdict forecast_step(struct bench *b, struct ax_rng *rng, double level, double known)
{
    double value = level + ax_rng_normal(rng);
    struct ax_observation o = {
        .value = value, .expected = known, .lower = known - 1.645, .upper = known + 1.645};
    struct ax_verdict v;
    b->t_ms += b->step_ms;
    assert_int_equal(ax_window_push(b->window, b->t_ms, value), AX_OK);
    o.past = ax_window_fine(b->window);
    ax_detector_step(b->detector, &o, &v);
    return v;
}

static void a_jump_that_is_forecast_and_known_is_normal_and_its_absence_is_not(void **state)
{
    (void)state;
    struct bench b;
    struct ax_rng rng;
    ax_rng_seed(&rng, 6);
    start_at(&b, &plain, 300000);
    struct ax_verdict v;
    uint32_t late = 0;
    for (uint32_t i = 0; i < 288 * 8 + 110; i++) {
        double level = i % 288 >= 100 && i % 288 < 130 ? 200 : 100;
        v = forecast_step(&b, &rng, level, level);
        late += i > 288 * 5 && v.score > 1;
    }
    assert_true(late <= 4);
    v = forecast_step(&b, &rng, 100, 200); /* as before, but not as forecast */
    assert_true(v.score > 1 && v.direction == -1);
    done(&b);
}

static void a_change_after_a_long_constant_is_bounded(void **state)
{
    (void)state;
    const double levels[] = {0, 5, -1e9, 1e-9};
    for (uint32_t k = 0; k < 4; k++) {
        struct bench b;
        start(&b, &plain);
        for (uint32_t i = 0; i < 1000; i++)
            assert_true(step(&b, levels[k]).score < 0.1);
        /* within the resolution of a 32-bit float: nothing */
        assert_true(step(&b, levels[k] * (1 + 1e-7)).score <= 1);
        assert_true(step(&b, levels[k] + fmax(fabs(levels[k]), 1)).score > 1);
        assert_true(step(&b, levels[k]).score <= 1);
        done(&b);
    }
}

static void extreme_values_stay_finite(void **state)
{
    (void)state;
    const double values[] = {1e300, -1e300, 0, 1e-300, 5e-324, 1.7e308, -1.7e308, 3e38, 1};
    struct bench b;
    start(&b, &plain);
    for (uint32_t i = 0; i < 3000; i++)
        step(&b, values[(i * 7 + i / 13) % 9]);
    done(&b);
}

static void the_direction_that_is_not_asked_for_never_exceeds_1(void **state)
{
    (void)state;
    const struct ax_detector_spec above = {.direction = AX_ABOVE}, below = {.direction = AX_BELOW};
    struct bench b;
    struct source s;
    warm(&b, &s, &above, 500);
    for (uint32_t i = 0; i < 20; i++)
        assert_true(step(&b, 60).score <= 1);
    done(&b);
    warm(&b, &s, &above, 500);
    assert_true(step(&b, 140).score > 1);
    done(&b);
    warm(&b, &s, &below, 500);
    assert_true(step(&b, 140).score <= 1);
    done(&b);
    warm(&b, &s, &below, 500);
    assert_true(step(&b, 60).score > 1);
    done(&b);
}

static void deviations_below_the_guard_never_exceed_1(void **state)
{
    (void)state;
    const struct ax_detector_spec absolute = {.min_dev_from_expected = 30},
                                  relative = {.min_rel_dev_from_expected = 0.3};
    const struct ax_detector_spec *specs[] = {&absolute, &relative};
    for (uint32_t k = 0; k < 2; k++) {
        struct bench b;
        struct source s;
        warm(&b, &s, specs[k], 500);
        struct ax_verdict v = step(&b, 120);
        assert_true(v.score <= 1 && v.upper >= 120);
        done(&b);
        warm(&b, &s, specs[k], 500);
        assert_true(step(&b, 140).score > 1);
        done(&b);
    }
}

static void usual_values_are_inside_the_band_and_those_far_outside_are_abnormal(void **state)
{
    (void)state;
    struct source s;
    struct bench b;
    for (uint32_t i = 0; i < 20; i++) {
        warm(&b, &s, &plain, 300 + i);
        struct ax_verdict v = step(&b, 100);
        double width = v.upper - v.lower;
        assert_true(v.lower < 98 && v.upper > 102 && width < 25);
        assert_true(step(&b, i % 2 ? v.upper + width : v.lower - width).score > 1);
        done(&b);
    }
}

static void severities_have_their_thresholds_and_names(void **state)
{
    (void)state;
    const double scores[] = {0, 1, 1.2, 1.5, 2, 2.5, 3, 4, 4.1, NAN};
    const char *names[] = {"normal", "normal", "low",  "low",      "medium",
                           "medium", "high",   "high", "critical", "normal"};
    for (uint32_t i = 0; i < 10; i++)
        assert_string_equal(ax_severity_name(ax_severity_of(scores[i])), names[i]);
}

static void a_detector_fits_into_its_memory(void **state)
{
    (void)state;
    const struct ax_detector_spec all = {.members = (1u << AX_MEMBER_IDS) - 1};
    struct ax_detector *d = ax_detector_new(&plain);
    assert_true(ax_detector_bytes(d) <= 4224);
    ax_detector_free(d);
    d = ax_detector_new(&all);
    assert_true(ax_detector_bytes(d) <= 6656);
    ax_detector_free(d);
    ax_detector_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_of_every_kind_exceeds_1_at_no_more_than_twice_the_rate),
        cmocka_unit_test(young_detectors_are_not_much_louder),
        cmocka_unit_test(warmup_is_over_after_30_steps),
        cmocka_unit_test(a_spike_is_seen_with_its_direction_and_gone_at_once),
        cmocka_unit_test(a_large_spike_does_not_hide_a_small_one_an_hour_later),
        cmocka_unit_test(a_spike_while_warming_up_does_not_blind),
        cmocka_unit_test(a_moved_level_stays_abnormal_until_it_ends),
        cmocka_unit_test(a_level_that_stays_is_accepted_as_normal),
        cmocka_unit_test(a_job_says_how_long_a_new_level_is_abnormal),
        cmocka_unit_test(a_young_series_accepts_a_new_level_sooner),
        cmocka_unit_test(a_level_of_every_day_is_accepted_soon),
        cmocka_unit_test(a_wider_noise_is_abnormal_and_is_learnt),
        cmocka_unit_test(a_random_walk_is_not_held_at_a_level_it_left),
        cmocka_unit_test(a_gap_holds_the_verdict_and_teaches_nothing),
        cmocka_unit_test(without_a_forecast_the_difference_still_warns),
        cmocka_unit_test(a_jump_that_is_forecast_and_known_is_normal_and_its_absence_is_not),
        cmocka_unit_test(a_change_after_a_long_constant_is_bounded),
        cmocka_unit_test(extreme_values_stay_finite),
        cmocka_unit_test(the_direction_that_is_not_asked_for_never_exceeds_1),
        cmocka_unit_test(deviations_below_the_guard_never_exceed_1),
        cmocka_unit_test(usual_values_are_inside_the_band_and_those_far_outside_are_abnormal),
        cmocka_unit_test(severities_have_their_thresholds_and_names),
        cmocka_unit_test(a_detector_fits_into_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
