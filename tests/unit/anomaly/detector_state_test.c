/* A detector, or a combiner, that was saved and loaded judges what comes as if nothing had been. */
#include "anomaly/detector.h"
#include "ax_test.h"
#include "base/rng.h"
#include "damage.h"

#include <math.h>

#define BYTES_MAX (1u << 20)
#define FEATURES 5

#define STEPS_MAX 1000
#define STEP_MS 300000

static const struct ax_detector_spec spec = {.hold_steps = 60,
                                             .memory_steps = 500,
                                             .absence = true,
                                             .range_max = 200,
                                             .members = (1u << AX_MEMBER_IDS) - 1};

/* Noise with spikes, some in quick succession, a level that comes and stays, gaps, and forecasts that are
 * missing at first. */
static struct ax_observation observation(uint32_t i)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 1000 + i);
    double value = 50 + 3 * ax_rng_normal(&rng) + (i % 90 == 80 ? 60 : 0) + (i % 400 > 300 ? 40 : 0) +
                   (i % 400 > 200 && i % 400 < 240 && i % 3 == 0 ? 50 : 0);
    double expected = i < 20 ? (double)NAN : 50 + ax_rng_normal(&rng);
    if (i % 37 == 5 || (i % 200 > 150 && i % 200 < 165))
        value = (double)NAN;
    static float past[STEPS_MAX];
    past[i] = (float)value;
    return (struct ax_observation){.value = value,
                                   .expected = expected,
                                   .lower = expected - 5,
                                   .upper = expected + 5,
                                   .past = {past, i + 1, (int64_t)(i + 1) * STEP_MS, STEP_MS},
                                   .ended = i % 74 == 5};
}

static void same_verdict(const struct ax_verdict *a, const struct ax_verdict *b)
{
    assert_true(a->ready == b->ready && a->severity == b->severity && a->direction == b->direction);
    assert_true(a->reason == b->reason || strcmp(a->reason, b->reason) == 0);
    const double x[] = {a->score, a->expected, a->lower, a->upper};
    const double y[] = {b->score, b->expected, b->lower, b->upper};
    assert_memory_equal(x, y, sizeof x);
}

static struct ax_detector *trained(uint32_t steps)
{
    struct ax_detector *d = ax_detector_new(&spec);
    assert_non_null(d);
    for (uint32_t i = 0; i < steps; i++) {
        struct ax_observation o = observation(i);
        struct ax_verdict v;
        ax_detector_step(d, &o, &v);
    }
    return d;
}

static void a_detector_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    /* Among them: warming up, right after a spike, within a hold, long after. */
    for (uint32_t stop = 0; stop < 900; stop += 7) {
        struct ax_detector *a = trained(stop), *b = ax_detector_new(&spec);
        struct ax_buf bytes, again;
        ax_buf_init(&bytes, BYTES_MAX);
        ax_buf_init(&again, BYTES_MAX);
        ax_detector_save(a, &bytes);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
        assert_int_equal(ax_detector_load(b, &in), AX_OK);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        for (uint32_t i = stop; i < stop + 90; i++) {
            struct ax_observation o = observation(i);
            struct ax_verdict x, y;
            ax_detector_step(a, &o, &x);
            ax_detector_step(b, &o, &y);
            same_verdict(&x, &y);
        }
        ax_buf_reset(&bytes);
        ax_detector_save(a, &bytes);
        ax_detector_save(b, &again);
        damage_assert_same(ax_buf_view(&bytes), ax_buf_view(&again));
        ax_buf_done(&again);
        ax_buf_done(&bytes);
        ax_detector_free(b);
        ax_detector_free(a);
    }
}

/* Values of any magnitude, of series that rest, wander, change their unit, and are told a number that is
 * none. */
static double any_value(struct ax_rng *rng, uint32_t kind, double unit)
{
    const double u = ax_rng_double(rng);
    if (u < 0.01)
        return (ax_rng_double(rng) < 0.5 ? -1 : 1) * pow(10, 78 * ax_rng_double(rng) - 39.9);
    if (u < 0.02)
        return ax_rng_double(rng) < 0.5 ? 1e38 : 3.4e38;
    return kind % 3 == 0   ? (u < 0.5 ? 0 : unit)
           : kind % 3 == 1 ? unit * ax_rng_normal(rng)
           : u < 0.95      ? 0
                           : unit * u;
}

static void whatever_was_seen_can_be_read_back(void **state)
{
    (void)state;
    static float past[STEPS_MAX];
    for (uint32_t run = 0; run < 60; run++) {
        struct ax_rng rng;
        struct ax_buf bytes;
        struct ax_detector *d = ax_detector_new(&spec);
        double unit = 1, last = (double)NAN;
        ax_rng_seed(&rng, run);
        ax_buf_init(&bytes, BYTES_MAX);
        for (uint32_t i = 0; i < 400; i++) {
            struct ax_verdict v;
            if (i % 70 == 0)
                unit = pow(10, 77 * ax_rng_double(&rng) - 39.5);
            const double value = any_value(&rng, run + i / 140, unit);
            past[i] = (float)value;
            const struct ax_observation o = {.value = value,
                                             .expected = last,
                                             .lower = last,
                                             .upper = last,
                                             .past = {past, i + 1, (int64_t)(i + 1) * STEP_MS, STEP_MS}};
            ax_detector_step(d, &o, &v);
            assert_true(v.score >= 0 && v.score <= 100);
            last = value;
            if (i % 7 != 0)
                continue;
            struct ax_detector *again = ax_detector_new(&spec);
            ax_buf_reset(&bytes);
            ax_detector_save(d, &bytes);
            struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
            assert_int_equal(ax_detector_load(again, &in), AX_OK);
            ax_detector_free(again);
        }
        ax_buf_done(&bytes);
        ax_detector_free(d);
    }
}

static void feature_scores(uint32_t i, double *scores)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 77 + i);
    for (uint32_t k = 0; k < FEATURES; k++) {
        double score = fabs(ax_rng_normal(&rng)) * 0.3 + (i % 60 == k ? 3 : 0);
        scores[k] = ax_rng_below(&rng, 9) == 0 || i % 50 == 3 ? (double)NAN : score;
    }
}

static void a_combiner_goes_on_as_if_nothing_had_been(void **state)
{
    (void)state;
    for (uint32_t stop = 0; stop < 120; stop += 17) {
        struct ax_combiner *a = ax_combiner_new(&spec, FEATURES), *b = ax_combiner_new(&spec, FEATURES);
        double scores[FEATURES], x[FEATURES], y[FEATURES];
        struct ax_verdict v, w;
        for (uint32_t i = 0; i < stop; i++) {
            feature_scores(i, scores);
            ax_combiner_step(a, scores, &v, x);
        }
        struct ax_buf bytes;
        ax_buf_init(&bytes, BYTES_MAX);
        ax_combiner_save(a, &bytes);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
        assert_int_equal(ax_combiner_load(b, &in), AX_OK);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        for (uint32_t i = stop; i < stop + 300; i++) {
            feature_scores(i, scores);
            ax_combiner_step(a, scores, &v, x);
            ax_combiner_step(b, scores, &w, y);
            same_verdict(&v, &w);
            assert_memory_equal(x, y, sizeof x);
        }
        ax_buf_done(&bytes);
        ax_combiner_free(b);
        ax_combiner_free(a);
    }
}

static void a_combiner_of_other_features_is_refused(void **state)
{
    (void)state;
    struct ax_combiner *a = ax_combiner_new(&spec, FEATURES), *b = ax_combiner_new(&spec, FEATURES + 1);
    struct ax_buf bytes;
    ax_buf_init(&bytes, BYTES_MAX);
    ax_combiner_save(a, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_combiner_load(b, &in), AX_CORRUPT);
    ax_buf_done(&bytes);
    ax_combiner_free(b);
    ax_combiner_free(a);
}

static enum ax_err try_detector(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_detector *d = ax_detector_new(&spec);
    struct ax_bytes in = ax_bytes_of(bytes);
    enum ax_err err = ax_detector_load(d, &in);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    for (uint32_t i = 0; i < 30 && err == AX_OK; i++) {
        struct ax_observation o = observation(i + 60);
        struct ax_verdict v;
        ax_detector_step(d, &o, &v);
        assert_true(v.score >= 0 && v.score <= 100);
    }
    ax_detector_free(d);
    return err;
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    const uint32_t stops[] = {3, 310};
    for (unsigned k = 0; k < 2; k++) {
        struct ax_detector *d = trained(stops[k]);
        struct ax_buf bytes;
        ax_buf_init(&bytes, BYTES_MAX);
        ax_detector_save(d, &bytes);
        damage_check(ax_buf_view(&bytes), try_detector, NULL);
        ax_buf_done(&bytes);
        ax_detector_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(whatever_was_seen_can_be_read_back),
        cmocka_unit_test(a_combiner_goes_on_as_if_nothing_had_been),
        cmocka_unit_test(a_combiner_of_other_features_is_refused),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
