/* What users of such scores complain of, on real recordings (tests/data), with the forecasts that a job
 * makes: alarms of trivial deviations, jobs of every day that are flagged, a spike that blinds, the first
 * day, series that die, senders that stall. That it is said why, and that people can say "this is fine", is
 * tested end to end (tests/e2e/teach). */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/forecast.h"
#include "recording.h"

#include <math.h>
#include <string.h>

#define DAY 288 /* steps of CPU */
#define CPU "story/ec2-cpu-5f5533.csv"

/* The score of each step, and what else was said. */
struct said {
    struct ax_verdict v[RECORDING_ROWS];
};

/* Walk over it; NaN is a scrape that failed, or the end. */
static void walk(const struct recording *r, const struct ax_detector_spec *spec, struct said *out)
{
    static struct ax_forecast f;
    const int64_t step_ms = r->t_ms[1] - r->t_ms[0];
    struct ax_forecast_spec forecast;
    struct ax_diag diag;
    struct ax_outcome outcomes[1];
    struct ax_arena scratch;
    uint32_t n = 0;
    assert_int_equal(ax_forecast_spec_init(&forecast, step_ms, &step_ms, 1, &diag), AX_OK);
    forecast.nonnegative = -1;
    struct ax_window *w = ax_window_new(step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *forecaster = ax_forecaster_new(&forecast, 0);
    struct ax_detector_spec whole = *spec;
    whole.hold_steps = step_ms == 60000 ? 240 : 48; /* as the pipeline has it */
    struct ax_detector *d = ax_detector_new(&whole);
    ax_arena_init(&scratch, 64U << 20);
    for (uint32_t i = 0; i < r->n; i++) {
        const int64_t t_ms = 1700006400000 + (int64_t)i * step_ms; /* from a midnight on */
        assert_int_equal(ax_window_push(w, t_ms, r->value[i]), AX_OK);
        const struct ax_observation o = {.value = r->value[i],
                                         .expected = f.ready && i ? f.mean[0] : (double)NAN,
                                         .lower = f.ready && i ? f.lower[0] : (double)NAN,
                                         .upper = f.ready && i ? f.upper[0] : (double)NAN,
                                         .past = ax_window_fine(w)};
        ax_detector_step(d, &o, &out->v[i]);
        assert_int_equal(ax_forecaster_step(forecaster, w, t_ms, NULL, &scratch, &f, outcomes, &n), AX_OK);
        ax_arena_reset(&scratch);
    }
    ax_arena_done(&scratch);
    ax_detector_free(d);
    ax_forecaster_free(forecaster);
    ax_window_free(w);
}

/* Steps above 1 without a label. */
static uint32_t above(const struct recording *r, const struct said *s, uint32_t from, uint32_t to)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        n += !r->label[i] && s->v[i].score > 1;
    return n;
}

static struct recording r;
static struct said s;

static void trivial_deviations_are_few_and_guards_leave_none(void **state)
{
    (void)state;
    recording_read(CPU, &r);
    walk(&r, &(struct ax_detector_spec){0}, &s);
    assert_true(above(&r, &s, 0, r.n) <= r.n * 0.002);
    r.value[1900] *= 3;
    walk(&r, &(struct ax_detector_spec){.min_rel_dev_from_expected = 0.5}, &s);
    assert_int_equal(above(&r, &s, 0, 1900), 0);
    assert_true(s.v[1900].score > 1);
}

/* A backup: at six every morning the processor is twice as busy, for half an hour. */
static void a_job_of_every_morning_is_flagged_three_times_and_no_more(void **state)
{
    (void)state;
    recording_read(CPU, &r);
    const uint32_t six = DAY / 4, steps = 6;
    for (uint32_t day = 0; day < 7; day++)
        for (uint32_t i = 0; i < steps; i++)
            r.value[day * DAY + six + i] += 50;
    const uint32_t noon = 6 * DAY + DAY / 2;
    r.value[noon] += 50;
    walk(&r, &(struct ax_detector_spec){0}, &s);
    assert_true(above(&r, &s, DAY + six, DAY + six + steps) > 0);
    for (uint32_t day = 3; day < 7; day++)
        assert_int_equal(above(&r, &s, day * DAY + six, day * DAY + six + steps), 0);
    assert_true(s.v[noon].score > 1);
}

static void a_spike_of_50_times_blinds_neither_for_an_hour_nor_for_a_day(void **state)
{
    (void)state;
    recording_read(CPU, &r);
    r.value[800] *= 50;
    r.value[812] *= 5;
    r.value[800 + DAY] *= 2;
    walk(&r, &(struct ax_detector_spec){0}, &s);
    assert_true(s.v[800].score > 4 && s.v[812].score > 1 && s.v[800 + DAY].score > 1);
}

static void the_first_day_is_quiet_and_not_blind(void **state)
{
    (void)state;
    static const char *const names[] = {CPU, "story/ec2-cpu-825cc2.csv", "replay/ingress-01.csv",
                                        "replay/ingress-05.csv"};
    for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++) {
        recording_read(names[k], &r);
        r.n = 182; /* of ingress: then it is down */
        r.value[160] *= 10;
        walk(&r, &(struct ax_detector_spec){0}, &s);
        for (uint32_t i = 0; i < 30; i++)
            assert_true(!s.v[i].ready && s.v[i].score == 0);
        assert_true(above(&r, &s, 0, 160) <= 1);
        assert_true(s.v[160].score > 1);
    }
}

static void a_series_that_dies_is_told_and_then_silent(void **state)
{
    (void)state;
    recording_read(CPU, &r);
    r.n = 1200;
    for (uint32_t i = 1000; i < r.n; i++)
        r.value[i] = (double)NAN;
    walk(&r, &(struct ax_detector_spec){.absence = true}, &s);
    assert_true(s.v[1005].absent && s.v[1005].score > 1 && s.v[1005].direction == -1);
    assert_true(!s.v[1199].ready && s.v[1199].score == 0);
    walk(&r, &(struct ax_detector_spec){0}, &s);
    assert_int_equal(above(&r, &s, 1000, r.n), 0);
}

static void an_outage_is_seen_at_once_and_as_long_as_it_lasts(void **state)
{
    (void)state;
    recording_read("replay/ingress-01.csv", &r);
    uint32_t began = 0;
    while (!r.label[began])
        began++;
    walk(&r, &(struct ax_detector_spec){0}, &s);
    for (uint32_t i = began + 1; i < began + 45; i++) /* of so short a past it is held for a fourth */
        assert_true(s.v[i].score > 1 && s.v[i].direction == -1);
    assert_true(above(&r, &s, began + 80, r.n) <= 1);
}

/* Three hours after its first value a series is down for 72 minutes; a later outage is as bad as that one
 * was. */
static void a_first_outage_of_a_young_series_hides_no_later_one(void **state)
{
    (void)state;
    recording_read("replay/ingress-01.csv", &r);
    uint32_t began = 0, n = 0;
    while (!r.label[began])
        began++;
    while (r.label[began + n])
        n++;
    const uint32_t again = r.n + began; /* as it is played once more */
    memcpy(r.value + r.n, r.value, (began + n) * sizeof r.value[0]);
    r.n = again + n;
    walk(&r, &(struct ax_detector_spec){0}, &s);
    for (uint32_t i = again + 5; i < again + 45; i++)
        assert_true(s.v[i].score > 1 && s.v[i].direction == -1);
}

/* Next to nothing is sent for two hours, by one whose values vary by a half of their mean, as those of rates
 * do. */
static void a_sender_that_stalls_is_seen_as_long_as_it_does(void **state)
{
    (void)state;
    recording_read(CPU, &r);
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < r.n; i++)
        r.value[i] *= exp(0.5 * ax_rng_normal(&rng)) * (i >= 1500 && i < 1524 ? 0.003 : 1);
    walk(&r, &(struct ax_detector_spec){0}, &s);
    for (uint32_t i = 1500; i < 1524; i++)
        assert_true(s.v[i].score > 1 && s.v[i].direction == -1);
    assert_true(above(&r, &s, 0, 1500) <= 4 && above(&r, &s, 1530, r.n) <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trivial_deviations_are_few_and_guards_leave_none),
        cmocka_unit_test(a_job_of_every_morning_is_flagged_three_times_and_no_more),
        cmocka_unit_test(a_spike_of_50_times_blinds_neither_for_an_hour_nor_for_a_day),
        cmocka_unit_test(the_first_day_is_quiet_and_not_blind),
        cmocka_unit_test(a_series_that_dies_is_told_and_then_silent),
        cmocka_unit_test(an_outage_is_seen_at_once_and_as_long_as_it_lasts),
        cmocka_unit_test(a_first_outage_of_a_young_series_hides_no_later_one),
        cmocka_unit_test(a_sender_that_stalls_is_seen_as_long_as_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
