/* A score above 1 means: at most twice the configured rate of points on data like the past, whatever the
 * series is like. Plain families that nothing was chosen for, with the last value as forecast; what a job's
 * forecasts make of them is in docs/detection.md (tests/bench/run detect). */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"

#include <math.h>

#define WARM 2880 /* one memory */
#define STEPS 8880
#define SEEDS 2
#define STEP_MS 60000
#define RATE 0.001

static struct ax_rng rng;
static float past[STEPS];
static double last; /* state of the family that is made */

static double student_3(void)
{
    double squares = 0;
    for (int i = 0; i < 3; i++) {
        const double x = ax_rng_normal(&rng);
        squares += x * x;
    }
    return ax_rng_normal(&rng) / sqrt(squares / 3);
}

static double poisson(double mean)
{
    double n = -1, product = 1;
    for (; product > exp(-mean); n++)
        product *= ax_rng_double(&rng);
    return n;
}

static double white(uint32_t i)
{
    (void)i;
    return 100 + 10 * ax_rng_normal(&rng);
}

static double autoregressive(uint32_t i)
{
    last = (i ? 0.9 * last : 0) + ax_rng_normal(&rng);
    return 100 + last;
}

static double random_walk(uint32_t i)
{
    last = (i ? last : 5000) + ax_rng_normal(&rng);
    return last;
}

static double heavy_tails(uint32_t i)
{
    (void)i;
    return 100 + 10 * student_3();
}

static double few_counts(uint32_t i)
{
    (void)i;
    return poisson(0.5);
}

static double many_counts(uint32_t i)
{
    (void)i;
    return poisson(40);
}

static double seasonal(uint32_t i)
{
    return 100 + 40 * sin(2 * 3.141592653589793 * i / 1440) + 5 * ax_rng_normal(&rng);
}

static double on_and_off(uint32_t i)
{
    const bool on = i && last > 0;
    last = ax_rng_double(&rng) < (on ? 0.9 : 0.03);
    return 10 + 90 * last + 3 * ax_rng_normal(&rng);
}

static double lognormal(uint32_t i)
{
    (void)i;
    return exp(3 + ax_rng_normal(&rng));
}

static double idle_with_bursts(uint32_t i)
{
    const bool on = i && last > 0;
    last = ax_rng_double(&rng) < (on ? 0.8 : 0.004);
    return last * exp(4 + ax_rng_normal(&rng));
}

static double quantised(uint32_t i)
{
    last = (i ? 0.95 * last : 0) + 0.4 * ax_rng_normal(&rng);
    return round(40 + last);
}

static const struct family {
    const char *name;
    double (*next)(uint32_t i);
} families[] = {
    {"white noise", white},         {"AR(1)", autoregressive},
    {"random walk", random_walk},   {"heavy tails", heavy_tails},
    {"few counts", few_counts},     {"many counts", many_counts},
    {"seasonal", seasonal},         {"on and off", on_and_off},
    {"lognormal rates", lognormal}, {"idle with bursts", idle_with_bursts},
    {"quantised gauge", quantised},
};

/* Points above 1 of one series, between two steps. */
static uint32_t above(const struct family *f, uint64_t seed, uint32_t from, uint32_t to)
{
    struct ax_detector *d = ax_detector_new(&(struct ax_detector_spec){.false_alarm_rate = RATE});
    assert_non_null(d);
    ax_rng_seed(&rng, seed);
    last = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < to; i++) {
        const double value = f->next(i);
        past[i] = (float)value;
        const struct ax_observation o = {.value = value,
                                         .expected = (double)NAN,
                                         .lower = (double)NAN,
                                         .upper = (double)NAN,
                                         .past = {past, i + 1, (int64_t)(i + 1) * STEP_MS, STEP_MS}};
        struct ax_verdict v;
        ax_detector_step(d, &o, &v);
        n += i >= from && v.score > 1;
    }
    ax_detector_free(d);
    return n;
}

static void no_family_is_above_one_more_often_than_twice_the_rate(void **state)
{
    (void)state;
    for (unsigned k = 0; k < sizeof families / sizeof families[0]; k++) {
        uint32_t n = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            n += above(&families[k], seed, WARM, STEPS);
        if (n > 2 * RATE * (STEPS - WARM) * SEEDS)
            fail_msg("%s: %u of %d points are above 1", families[k].name, n, (STEPS - WARM) * SEEDS);
    }
}

/* A walk leaves for good where it was: that is as it always was, and no onset of anything. */
static void where_a_walk_never_was_is_not_new_for_ever(void **state)
{
    (void)state;
    const struct family walk = {"random walk", random_walk};
    uint32_t n = 0;
    for (uint64_t seed = 1; seed <= 3; seed++)
        n += above(&walk, seed, 1000, 6000);
    assert_true(n <= 2 * RATE * 3 * 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_family_is_above_one_more_often_than_twice_the_rate),
        cmocka_unit_test(where_a_walk_never_was_is_not_new_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
