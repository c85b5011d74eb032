/* How often the detectors are wrong on data that does not change, over 1,000 draws, and after how many steps
 * they notice a change of mean, variance or shape. The figures are printed. */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/drift.h"
#include "drift/stream.h"
#include "group.h"

#include <math.h>
#include <stdio.h>

#define DRAWS 1000
#define REFERENCE 320
#define CURRENT 80
#define STEPS (REFERENCE + CURRENT)
#define TRIALS 100
#define PATIENCE 320
#define STREAMS 100

static const struct ax_drift_spec spec = {.reference_n = REFERENCE, .current_n = CURRENT};

/* What a value is drawn from; all have mean 0 and variance 1 but where that is the change. */
enum shape { NORMAL, SHIFTED, WIDE, TWO_HUMPS, SKEWED, COIN, COIN_MORE };

static double draw(struct ax_rng *rng, enum shape shape)
{
    const double x = ax_rng_normal(rng), u = ax_rng_double(rng);
    switch (shape) {
    case SHIFTED:
        return x + 1;
    case WIDE:
        return 3 * x;
    case TWO_HUMPS:
        return (u < 0.5 ? -1 : 1) * 0.95 + x * sqrt(1 - 0.95 * 0.95);
    case SKEWED:
        return -log(1 - u) - 1;
    case COIN:
        return u < 0.2 ? 1 : 0;
    case COIN_MORE:
        return u < 0.6 ? 1 : 0;
    default:
        return x;
    }
}

static struct ax_drift_result test_of(const double *v)
{
    struct ax_drift_result r;
    ax_arena_reset(&group_arena);
    assert_int_equal(ax_drift_test_feature(&spec, v, STEPS, &group_arena, &r), AX_OK);
    return r;
}

/* Draws of 1,000 in which data of one shape is significant, and drifted. */
static void false_alarms(enum shape shape, const char *name)
{
    struct ax_rng rng;
    double v[STEPS];
    uint32_t significant = 0, drifted = 0;
    ax_rng_seed(&rng, 5);
    for (uint32_t k = 0; k < DRAWS; k++) {
        for (uint32_t i = 0; i < STEPS; i++)
            v[i] = draw(&rng, shape);
        struct ax_drift_result r = test_of(v);
        significant += r.p_value <= 0.05;
        drifted += ax_drift_verdict(&spec, &r, 1);
    }
    (void)printf("%s: %u of %d significant at 0.05, %u drifted\n", name, significant, DRAWS, drifted);
    /* the level, and what chance may add to it once in 1,000 times */
    assert_true(significant <= 0.05 * DRAWS + 3.1 * sqrt(0.05 * 0.95 * DRAWS));
    assert_true(drifted <= significant);
}

static void data_that_does_not_change_is_significant_no_more_often_than_the_level(void **state)
{
    (void)state;
    false_alarms(NORMAL, "normal");
    false_alarms(SKEWED, "exponential");
    false_alarms(COIN, "two values");
}

/* Steps after a change until it is told, in the median of trials. */
static void delay(enum shape after, enum shape before, const char *name, uint32_t at_most)
{
    struct ax_rng rng;
    uint32_t delays[TRIALS], found = 0;
    double v[STEPS + PATIENCE];
    ax_rng_seed(&rng, 6);
    for (uint32_t k = 0; k < TRIALS; k++) {
        for (uint32_t i = 0; i < STEPS + PATIENCE; i++)
            v[i] = draw(&rng, i < STEPS ? before : after);
        for (uint32_t d = 4; d <= PATIENCE; d += 4) {
            struct ax_drift_result r = test_of(v + d);
            if (ax_drift_verdict(&spec, &r, 1)) {
                delays[found++] = d;
                break;
            }
        }
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < found; i++)
        sum += delays[i];
    (void)printf("%s: found in %u of %d, after %.0f steps in the mean (current window: %d)\n", name, found,
                 TRIALS, found ? (double)sum / found : 0, CURRENT);
    assert_true(found >= TRIALS * 95 / 100);
    assert_true(sum <= (uint64_t)at_most * found);
}

static void changes_of_mean_variance_and_shape_are_found(void **state)
{
    (void)state;
    delay(SHIFTED, NORMAL, "mean, by one deviation", CURRENT);
    delay(WIDE, NORMAL, "variance, threefold deviation", CURRENT * 3 / 2);
    delay(TWO_HUMPS, NORMAL, "shape, two humps", CURRENT * 3 / 2);
    delay(COIN_MORE, COIN, "shares of two values", CURRENT);
}

/* The mean error of a step of some series, each of 2 % in the mean, grown to a multiple. */
static double error_of(struct ax_rng *rng, uint32_t series, double growth)
{
    double sum = 0;
    for (uint32_t i = 0; i < series; i++)
        sum += fabs(ax_rng_normal(rng));
    return growth * 0.025 * sum / series;
}

/* Of a detector over errors of so many series: streams of 1,000 steps in which it fires, and the share of
 * those in which it tells a growth within 1,000 steps, and after how many. */
static void stream(enum ax_drift_stream_kind kind, const char *name, uint32_t series, double growth,
                   uint32_t alarms_at_most, double found_at_least, uint32_t delay_at_most)
{
    static struct ax_drift_stream s;
    struct ax_rng rng;
    uint32_t alarms = 0, found = 0;
    uint64_t sum = 0;
    const uint32_t draws = ax_test_rounds(STREAMS);
    ax_rng_seed(&rng, 9);
    for (uint32_t k = 0; k < draws; k++) {
        int any = 0;
        ax_drift_stream_init(&s, kind, k);
        for (uint32_t i = 0; i < 1000 && !any; i++)
            any = ax_drift_stream_update(&s, error_of(&rng, series, 1));
        alarms += any != 0;
        for (uint32_t i = 1; i <= 1000 && !any; i++) {
            if (ax_drift_stream_update(&s, error_of(&rng, series, growth)) > 0) {
                found++;
                sum += i;
                break;
            }
        }
    }
    const uint32_t asked = draws - alarms;
    const double delay = found ? (double)sum / found : 0;
    (void)printf(
        "%s, %u series, errors x %.1f: told in %u of %u, after %.0f steps; fires in %u of %u that do "
        "not change\n",
        name, series, growth, found, asked, delay, alarms, draws);
    assert_true(alarms <= alarms_at_most);
    assert_true(found >= found_at_least * asked && delay <= delay_at_most);
}

static void streaming_detectors_are_quiet_until_errors_grow(void **state)
{
    (void)state;
    stream(AX_STREAM_ADWIN, "ADWIN", 1, 1.2, 0, 0.2, 800);
    stream(AX_STREAM_ADWIN, "ADWIN", 1, 1.5, 0, 0.95, 300);
    stream(AX_STREAM_ADWIN, "ADWIN", 1, 2, 0, 0.95, 130);
    stream(AX_STREAM_ADWIN, "ADWIN", 10, 1.2, 0, 0.95, 370);
    stream(AX_STREAM_ADWIN, "ADWIN", 10, 1.5, 0, 0.95, 120);
    stream(AX_STREAM_ADWIN, "ADWIN", 10, 2, 0, 0.95, 80);
    /* It takes what is less than a sixth above the mean for none. */
    stream(AX_STREAM_PAGE_HINKLEY, "Page-Hinkley", 1, 1.2, 0, 0, 1000);
    stream(AX_STREAM_PAGE_HINKLEY, "Page-Hinkley", 1, 1.5, 0, 0.95, 200);
    stream(AX_STREAM_PAGE_HINKLEY, "Page-Hinkley", 1, 2, 0, 0.95, 70);
    stream(AX_STREAM_PAGE_HINKLEY, "Page-Hinkley", 10, 1.5, 0, 0.95, 200);
    stream(AX_STREAM_PAGE_HINKLEY, "Page-Hinkley", 10, 2, 0, 0.95, 70);
    /* KSWIN tests at each value: its level of 0.005 is that of one test. */
    stream(AX_STREAM_KSWIN, "KSWIN", 1, 2, STREAMS * 85 / 100, 0.85, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_does_not_change_is_significant_no_more_often_than_the_level),
        cmocka_unit_test(changes_of_mean_variance_and_shape_are_found),
        cmocka_unit_test(streaming_detectors_are_quiet_until_errors_grow),
    };
    return cmocka_run_group_tests(tests, NULL, group_end_arena);
}
