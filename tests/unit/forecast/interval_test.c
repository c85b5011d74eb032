/* The interval holds its level over every 2,000 steps, also across shifts of the level, and its parts do what
 * their contracts say. */
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/forecaster.h"

#include <math.h>

#define RUN 2000
#define STEPS 4200

/* By horizon: misses 15 steps ahead come in runs. */
static const double allowed[] = {0.02, 0.02, 0.02};

static void coverage_holds_over_any_2000_steps_across_shifts_of_the_level(void **state)
{
    (void)state;
    const int64_t h[] = {60000, 300000, 900000};
    struct ax_forecast_spec spec;
    assert_int_equal(ax_forecast_spec_init(&spec, 60000, h, 3, NULL), AX_OK);
    struct ax_window *w = ax_window_new(60000, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *f = ax_forecaster_new(&spec, 0);
    static struct ax_forecast out;
    static unsigned char hits[3][STEPS];
    struct ax_outcome outcomes[3];
    struct ax_arena scratch;
    struct ax_rng rng;
    uint32_t settled[3] = {0}, inside[3] = {0};
    ax_arena_init(&scratch, 64U << 20);
    ax_rng_seed(&rng, 3);
    double level = 200, size = 1;
    for (int i = 1; i <= STEPS; i++) {
        uint32_t n = 0;
        if (i % 700 == 0) { /* another level, and other noise about it */
            level = 100 + 300 * ax_rng_double(&rng);
            size = 1 + 5 * ax_rng_double(&rng);
        }
        int64_t t_ms = i * spec.step_ms;
        assert_int_equal(ax_window_push(w, t_ms, level + size * ax_rng_normal(&rng)), AX_OK);
        assert_int_equal(ax_forecaster_step(f, w, t_ms, NULL, &scratch, &out, outcomes, &n), AX_OK);
        ax_arena_reset(&scratch);
        for (uint32_t k = 0; k < n; k++) {
            const struct ax_outcome *o = &outcomes[k];
            uint32_t at = settled[o->horizon]++;
            hits[o->horizon][at] = o->actual >= o->lower && o->actual <= o->upper;
            inside[o->horizon] += hits[o->horizon][at];
            inside[o->horizon] -= at >= RUN ? hits[o->horizon][at - RUN] : 0;
            if (at + 1 >= RUN)
                assert_true(fabs((double)inside[o->horizon] / RUN - spec.level) <= allowed[o->horizon]);
        }
    }
    for (int k = 0; k < 3; k++)
        assert_true(settled[k] > 2 * RUN);
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
}

/* Power of the sun: nothing at night but a trace of dusk, clouds by day. */
static double sun(int i, struct ax_rng *rng)
{
    double height = sin(2 * acos(-1.0) * i / 96), cloud = 0.3 + 0.7 * ax_rng_double(rng);
    return height > 0 ? 3000 * height * cloud : i % 5 == 0 ? 0.01 * ax_rng_double(rng) : 0;
}

/* The units of a night are too small for the day that follows. */
static void
after_a_quiet_night_no_point_of_the_path_is_further_than_what_was_seen_and_as_far_again(void **state)
{
    (void)state;
    const int64_t h[] = {900000, 21600000, 86400000};
    struct ax_forecast_spec spec;
    assert_int_equal(ax_forecast_spec_init(&spec, 900000, h, 3, NULL), AX_OK);
    spec.nonnegative = 1;
    struct ax_window *w = ax_window_new(900000, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *f = ax_forecaster_new(&spec, 0);
    static struct ax_forecast out;
    struct ax_outcome outcomes[3];
    struct ax_arena scratch;
    struct ax_rng rng;
    double high = 0;
    ax_arena_init(&scratch, 64U << 20);
    ax_rng_seed(&rng, 9);
    for (int i = 1; i <= 8 * 96; i++) {
        uint32_t n = 0;
        int64_t t_ms = i * spec.step_ms;
        double x = sun(i + 48, &rng);
        high = fmax(high, x);
        assert_int_equal(ax_window_push(w, t_ms, x), AX_OK);
        assert_int_equal(ax_forecaster_step(f, w, t_ms, NULL, &scratch, &out, outcomes, &n), AX_OK);
        ax_arena_reset(&scratch);
        for (uint32_t k = 0; k < spec.leads_n && out.ready; k++) {
            double times = fmax(1, (double)spec.leads[k] / i);
            assert_true(out.lower[k] >= 0 && out.lower[k] <= out.mean[k] && out.mean[k] <= out.upper[k]);
            assert_true(out.upper[k] <= high * (1 + times) * (1 + 1e-6));
        }
    }
    assert_true(out.ready && high > 2000);
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
}

/* A record of so many errors, standard normal. */
static struct ax_lead_record experienced(int n)
{
    struct ax_lead_record r;
    struct ax_rng rng;
    ax_record_init(&r);
    ax_rng_seed(&rng, 5);
    for (int i = 0; i < n; i++) {
        struct ax_waiting w = {.scale = 1, .lower = -1.645, .upper = 1.645};
        ax_record_adapt(&r, 1, 0.9, &w, ax_rng_normal(&rng));
        r.settled++;
    }
    return r;
}

static void what_is_owed_is_repaid_by_width_and_within_bounds(void **state)
{
    (void)state;
    const struct ax_lead_record r = experienced(3000);
    double before = 0.3;
    ax_assert_close(ax_record_factor(&r, 1, 0.9, 0), 1, 1e-9);
    for (int owed = -400; owed <= 400; owed += 10) {
        double factor = ax_record_factor(&r, 1, 0.9, owed);
        assert_true(factor >= before && factor <= 2); /* the more is owed, the wider */
        before = factor;
    }
    assert_true(before > 1.3 && ax_record_factor(&r, 1, 0.9, -400) < 0.4);
    /* The same is repaid faster some steps ahead than at the next, more gently at leads so far that much
     * would be repaid before any of it is heard of, and slower while little is known. */
    assert_true(ax_record_factor(&r, 15, 0.9, 2) > ax_record_factor(&r, 1, 0.9, 2));
    assert_true(ax_record_factor(&r, 90, 0.9, 2) < ax_record_factor(&r, 15, 0.9, 2));
    struct ax_lead_record young = r;
    young.settled = 100;
    assert_true(ax_record_factor(&young, 1, 0.9, 4) < ax_record_factor(&r, 1, 0.9, 4));
}

static void confidence_is_corrected_by_half_of_what_it_was_too_high(void **state)
{
    (void)state;
    struct ax_lead_record r;
    ax_record_init(&r);
    r.claimed = 0.9F;
    for (int i = 0; i < 2000; i++) { /* every second comes true */
        ax_record_claim(&r, 4, i % 2);
        r.settled++;
    }
    ax_assert_close(ax_record_confidence(&r, 0.9), 0.7, 0.01);
    ax_assert_close(ax_record_confidence(&r, 0.1), 0, 1e-9);
}

static void the_last_value_is_left_only_for_what_was_better_by_more_than_luck(void **state)
{
    (void)state;
    struct ax_lead_record r;
    const double weights[AX_MEMBERS] = {[AX_MEMBER_LAST_VALUE] = 0.5, [AX_MEMBER_ets] = 0.5};
    ax_record_init(&r);
    assert_true(ax_record_belief(&r, 12, weights) == 1); /* nothing is known: the weights say what they say */
    r.last_error = r.last_ever = r.member_error[AX_MEMBER_LAST_VALUE] = r.member_error[AX_MEMBER_ets] = 1;
    for (uint32_t n = 0; n < 100000; n = n * 2 + 1) {
        r.settled = n;
        r.together_error = r.together_ever = 1; /* no better, however often that was seen */
        assert_true(ax_record_belief(&r, 12, weights) < 0.2);
        r.together_error = r.together_ever = 0.7F; /* much better: believed at once */
        assert_true(ax_record_belief(&r, 12, weights) > 0.95);
        r.together_error = r.together_ever = 1.03F; /* worse: not at all */
        assert_true(ax_record_belief(&r, 12, weights) == 0);
    }
    r.together_error = r.together_ever = 0.95F; /* a little better: luck in one forecast, not in very many */
    r.settled = 12;
    assert_true(ax_record_belief(&r, 12, weights) == 0);
    r.settled = 100000;
    assert_true(ax_record_belief(&r, 1, weights) > 0.7);
    r.together_ever = 1; /* but over the longest time there was nothing: half as far from it */
    assert_true(ax_record_belief(&r, 1, weights) < 0.4);
}

/* The errors of a recording that no member knows anything of, but for runs of luck. */
static void what_was_said_for_long_weighs_more_than_a_run_of_luck(void **state)
{
    (void)state;
    const uint32_t lead = 12;
    struct ax_lead_record r;
    struct ax_waiting w = {.heard = 1};
    const double weights[AX_MEMBERS] = {[AX_MEMBER_ets] = 1};
    ax_record_init(&r);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        w.pred[m] = m == AX_MEMBER_LAST_VALUE ? 0 : (double)NAN;
    for (uint32_t i = 0; i < 4000; i++) { /* as wrong as the last value */
        w.together = 2;
        ax_record_settle(&r, lead, &w, 1, 1);
    }
    assert_true(ax_record_belief(&r, lead, weights) == 0);
    for (uint32_t i = 0; i < 100; i++) { /* then a fifth better, for eight times its lead */
        w.together = 0.2;
        ax_record_settle(&r, lead, &w, 1, 1);
    }
    struct ax_lead_record forgets = r;
    forgets.together_ever = r.together_error;
    forgets.last_ever = r.last_error;
    assert_true(ax_record_belief(&r, lead, weights) < 0.5 * ax_record_belief(&forgets, lead, weights));
}

static void members_that_joined_late_count_once_they_were_heard_themselves(void **state)
{
    (void)state;
    const uint32_t lead = 48, known = 400;
    struct ax_lead_record r;
    struct ax_waiting w = {.heard = 1};
    double weights[AX_MEMBERS], pred[AX_MEMBERS];
    ax_record_init(&r);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        w.pred[m] = pred[m] = m == AX_MEMBER_LAST_VALUE ? 0 : (double)NAN;
    for (uint32_t i = 0; i < known; i++) /* the last value is wrong by 2, and alone */
        ax_record_settle(&r, lead, &w, 2, 1);
    w.pred[AX_MEMBER_weekly_naive] = pred[AX_MEMBER_weekly_naive] = 1; /* half as wrong */
    uint32_t until_half = 0;
    for (uint32_t i = 1; i <= known; i++) {
        ax_record_weights(&r, lead, pred, weights);
        w.together = weights[AX_MEMBER_weekly_naive];
        until_half += weights[AX_MEMBER_weekly_naive] < 0.5;
        ax_record_settle(&r, lead, &w, 2, 1);
    }
    assert_true(until_half > 1 && until_half < lead); /* one hit is luck, a lead's worth of them is not */
    assert_true(weights[AX_MEMBER_weekly_naive] > 0.9);
    assert_true((double)r.together_error > 1.2); /* its mean remembers the time before */
    assert_true(ax_record_belief(&r, lead, weights) > 0.9);
}

/* A forecaster that knows a level and how it is left: `after` values of another one, then what it says 60
 * steps ahead. */
static void bounds_after_a_shift(int after, double *lower, double *upper)
{
    const int64_t h[] = {60000, 3600000};
    struct ax_forecast_spec spec;
    assert_int_equal(ax_forecast_spec_init(&spec, 60000, h, 2, NULL), AX_OK);
    struct ax_window *w = ax_window_new(60000, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *f = ax_forecaster_new(&spec, 0);
    static struct ax_forecast out;
    struct ax_outcome outcomes[2];
    struct ax_arena scratch;
    struct ax_rng rng;
    ax_arena_init(&scratch, 64U << 20);
    ax_rng_seed(&rng, 11);
    for (int i = 1; i <= 1000 + after; i++) {
        uint32_t n;
        double value = (i <= 1000 ? 500 : 100) + 5 * ax_rng_normal(&rng);
        assert_int_equal(ax_window_push(w, i * spec.step_ms, value), AX_OK);
        assert_int_equal(ax_forecaster_step(f, w, i * spec.step_ms, NULL, &scratch, &out, outcomes, &n),
                         AX_OK);
        ax_arena_reset(&scratch);
    }
    assert_true(out.ready);
    *lower = out.lower[spec.horizons[1]];
    *upper = out.upper[spec.horizons[1]];
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
}

static void after_a_shift_the_interval_reaches_back_to_the_level_before_for_as_long_as_the_lead(void **state)
{
    (void)state;
    double lower, upper;
    bounds_after_a_shift(20, &lower, &upper);
    assert_true(upper > 500); /* what was 20 steps ago may come back */
    bounds_after_a_shift(400, &lower, &upper);
    assert_true(lower < 100 && upper > 100 && upper < 200);
}

static void errors_are_measured_in_more_where_members_differ_more_than_usually(void **state)
{
    (void)state;
    struct ax_lead_record r;
    double pred[AX_MEMBERS];
    ax_record_init(&r);
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        pred[m] = NAN;
    assert_true(ax_record_apart(&r, pred, 10, 2) == 0); /* nobody speaks */
    pred[0] = 10, pred[1] = 16, pred[2] = 1e9;
    r.member_error[0] = 1;
    assert_true(ax_record_apart(&r, pred, 10, 2) == 0); /* one alone whose error is known */
    r.member_error[1] = 2;                              /* half as good: counts a quarter */
    ax_assert_close(ax_record_apart(&r, pred, 10, 2), 0.25 * 3 / 1.25, 1e-6);
    pred[1] = INFINITY;
    assert_true(ax_record_apart(&r, pred, 10, 2) == 0);
    assert_true(ax_record_scale(&r, 7, 5) == 7); /* what is usual is not known */
    for (int i = 0; i < 500; i++)
        ax_record_note_apart(&r, 1, 0.5);
    ax_assert_close(ax_record_scale(&r, 7, 0.5), 7, 1e-6);
    ax_assert_close(ax_record_scale(&r, 7, 3.5), 14, 1e-5);
    ax_assert_close(ax_record_scale(&r, 7, 0), 7 / sqrt(2), 1e-6);
    ax_assert_close(ax_record_scale(&r, 7, 1e9), ax_record_scale(&r, 7, 50), 1e-6); /* within bounds */
    r.settled = 1000;
    for (int i = 0; i < 10000; i++) /* and it is forgotten */
        ax_record_note_apart(&r, 1, 2);
    ax_assert_close(ax_record_scale(&r, 7, 2), 7, 1e-3);
}

static void errors_are_measured_in_more_where_the_forecast_is_high(void **state)
{
    (void)state;
    float v[200];
    for (int i = 0; i < 200; i++)
        v[i] = (float)(100 + i % 3);
    struct ax_past p = {.fine = {.v = v, .n = 200, .end_ms = 200000, .step_ms = 1000}, .t_ms = 200000};
    struct ax_local l = ax_local_of(&p);
    double usual = ax_local_scale(&l, 4, l.level);
    assert_true(usual > 0);
    ax_assert_close(l.level, 101, 0.1);
    ax_assert_close(ax_local_scale(&l, 4, 2 * l.level), 1.5 * usual, 1e-9);
    ax_assert_close(ax_local_scale(&l, 4, 0), 0.75 * usual, 1e-9);
    ax_assert_close(ax_local_scale(&l, 4, 100 * l.level), 2 * usual, 1e-9);
    v[100] = -1; /* a series that may be negative has no level to be measured from */
    l = ax_local_of(&p);
    ax_assert_close(ax_local_scale(&l, 4, 0), ax_local_scale(&l, 4, 1e6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coverage_holds_over_any_2000_steps_across_shifts_of_the_level),
        cmocka_unit_test(
            after_a_quiet_night_no_point_of_the_path_is_further_than_what_was_seen_and_as_far_again),
        cmocka_unit_test(what_is_owed_is_repaid_by_width_and_within_bounds),
        cmocka_unit_test(confidence_is_corrected_by_half_of_what_it_was_too_high),
        cmocka_unit_test(the_last_value_is_left_only_for_what_was_better_by_more_than_luck),
        cmocka_unit_test(what_was_said_for_long_weighs_more_than_a_run_of_luck),
        cmocka_unit_test(members_that_joined_late_count_once_they_were_heard_themselves),
        cmocka_unit_test(after_a_shift_the_interval_reaches_back_to_the_level_before_for_as_long_as_the_lead),
        cmocka_unit_test(errors_are_measured_in_more_where_members_differ_more_than_usually),
        cmocka_unit_test(errors_are_measured_in_more_where_the_forecast_is_high),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
