/* Series that are never negative: a sender that stalls is seen, one that rests every night is not. */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define STEP_MS 60000
#define DAY 1440

/* A detector over a series, with the last value as its forecast. */
struct bench {
    struct ax_detector *detector;
    struct ax_window *window;
    struct ax_rng rng;
    double last;
    int64_t t_ms;
};

static struct ax_verdict take(struct bench *b, double value)
{
    struct ax_verdict v;
    b->t_ms += STEP_MS;
    assert_int_equal(ax_window_push(b->window, b->t_ms, value), AX_OK);
    const struct ax_observation o = {.value = value,
                                     .expected = b->last,
                                     .lower = b->last * 0.5,
                                     .upper = b->last * 2,
                                     .past = ax_window_fine(b->window)};
    ax_detector_step(b->detector, &o, &v);
    assert_true(!v.ready || (v.lower <= v.expected && v.expected <= v.upper));
    b->last = value;
    return v;
}

static void start(struct bench *b)
{
    *b = (struct bench){.detector = ax_detector_new(&(struct ax_detector_spec){0}),
                        .window = ax_window_new(STEP_MS, AX_WINDOW_FINE, 1),
                        .last = (double)NAN};
    assert_non_null(b->detector);
    assert_non_null(b->window);
    ax_rng_seed(&b->rng, 17);
}

static void done(struct bench *b)
{
    ax_detector_free(b->detector);
    ax_window_free(b->window);
}

/* Bytes a second that vary by as much as their mean: the band around what is expected reaches below zero. */
static double traffic(struct bench *b, double level)
{
    return level * exp(0.5 * ax_rng_normal(&b->rng));
}

static void run(struct bench *b, uint32_t steps, double level)
{
    for (uint32_t i = 0; i < steps; i++)
        (void)take(b, traffic(b, level));
}

static void a_sender_that_stalls_is_seen_until_it_sends_again(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    run(&b, 1000, 1e6);
    struct ax_verdict v = take(&b, 1e6);
    assert_true(v.score <= 1);
    for (uint32_t i = 0; i < 60; i++) {
        v = take(&b, 3000 + 100 * ax_rng_double(&b.rng));
        assert_true(v.score > 1 && v.direction == -1);
        assert_true(v.lower > 3100);
    }
    uint32_t above = 0;
    for (uint32_t i = 0; i < 60; i++)
        above += take(&b, traffic(&b, 1e6)).score > 1;
    assert_true(above <= 2);
    done(&b);
}

static void a_rate_that_sinks_over_the_steps_of_its_window_is_seen_too(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    run(&b, 1000, 1e6);
    bool seen = false;
    for (uint32_t i = 1; i <= 10; i++)
        seen |= take(&b, 1e6 * (1 - 0.1 * i)).score > 1;
    assert_true(seen);
    done(&b);
}

/* Steps of a day above 1, when nothing is sent from its 960th step on. */
static uint32_t day_above(struct bench *b)
{
    uint32_t above = 0;
    for (uint32_t i = 0; i < DAY; i++)
        above += take(b, i < 960 ? traffic(b, 1e6) : 0).score > 1;
    return above;
}

static void one_that_idles_every_night_is_normal_after_the_first(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    const uint32_t first = day_above(&b);
    assert_true(first > 60);
    for (uint32_t day = 2; day < 7; day++)
        assert_true(day_above(&b) <= 8);
    done(&b);
}

static void stalls_of_one_day_are_all_told(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    run(&b, 1000, 1e6);
    for (uint32_t fault = 0; fault < 5; fault++) {
        uint32_t above = 0;
        for (uint32_t i = 0; i < 20; i++)
            above += take(&b, 0).score > 1;
        assert_true(above >= 18);
        run(&b, 240, 1e6);
    }
    done(&b);
}

static void a_series_that_goes_below_zero_has_no_floor(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    for (uint32_t i = 0; i < 1000; i++)
        (void)take(&b, 10 + 12 * ax_rng_normal(&b.rng));
    uint32_t above = 0;
    for (uint32_t i = 0; i < 100; i++)
        above += take(&b, 0.1 * ax_rng_normal(&b.rng)).score > 1;
    assert_true(above <= 1);
    done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_that_stalls_is_seen_until_it_sends_again),
        cmocka_unit_test(a_rate_that_sinks_over_the_steps_of_its_window_is_seen_too),
        cmocka_unit_test(one_that_idles_every_night_is_normal_after_the_first),
        cmocka_unit_test(stalls_of_one_day_are_all_told),
        cmocka_unit_test(a_series_that_goes_below_zero_has_no_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
