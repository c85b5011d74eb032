/* Series that rest at one value: a change that lasts is abnormal until it ends or is accepted, however young
 * the series. */
#include "anomaly/detector.h"
#include "ax_test.h"

#include <math.h>

#define STEP_MS 60000
#define REST 900    /* steps before the change, too few for a rare first move */
#define UNDECIDED 8 /* steps of a move that may still be a common one */
#define HOLD_STEPS 240

/* A detector with the last value as its forecast. */
struct bench {
    struct ax_detector *detector;
    struct ax_window *window;
    double last;
    int64_t t_ms;
};

static void start(struct bench *b)
{
    const struct ax_detector_spec spec = {.hold_steps = HOLD_STEPS};
    *b = (struct bench){.detector = ax_detector_new(&spec),
                        .window = ax_window_new(STEP_MS, AX_WINDOW_FINE, 1),
                        .last = (double)NAN};
    assert_non_null(b->detector);
    assert_non_null(b->window);
}

static void done(struct bench *b)
{
    ax_detector_free(b->detector);
    ax_window_free(b->window);
}

static struct ax_verdict take(struct bench *b, double value)
{
    struct ax_verdict v;
    b->t_ms += STEP_MS;
    assert_int_equal(ax_window_push(b->window, b->t_ms, value), AX_OK);
    const struct ax_observation o = {.value = value,
                                     .expected = b->last,
                                     .lower = b->last,
                                     .upper = b->last,
                                     .past = ax_window_fine(b->window)};
    ax_detector_step(b->detector, &o, &v);
    b->last = value;
    return v;
}

/* How many of so many steps at a value are above 1. */
static uint32_t above(struct bench *b, uint32_t steps, double value)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < steps; i++)
        n += take(b, value).score > 1;
    return n;
}

static void a_change_that_turns_out_to_be_rare_is_abnormal_at_every_step_until_it_ends(void **state)
{
    (void)state;
    const double levels[][2] = {{1e9, 1e8}, {1, 0}, {42, 50}};
    for (uint32_t k = 0; k < 3; k++) {
        struct bench b;
        start(&b);
        assert_int_equal(above(&b, REST, levels[k][0]), 0);
        assert_int_equal(above(&b, UNDECIDED, levels[k][1]), 0);
        for (uint32_t i = 0; i < 60; i++) {
            const struct ax_verdict v = take(&b, levels[k][1]);
            assert_true(v.score > 1);
            assert_true(i == 0 || v.expected == levels[k][0]);
        }
        assert_int_equal(above(&b, 400, levels[k][0]), 0);
        done(&b);
    }
}

static void a_change_for_good_is_abnormal_at_every_step_until_it_is_accepted(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    (void)above(&b, REST, 42);
    assert_int_equal(above(&b, UNDECIDED, 50), 0);
    assert_int_equal(above(&b, REST / 4, 50), REST / 4); /* a young series holds for a quarter of its past */
    (void)above(&b, HOLD_STEPS - REST / 4 + 1, 50);
    assert_int_equal(above(&b, 400, 50), 0);
    done(&b);
}

static void a_night_that_a_series_begins_with_is_no_evidence_against_the_morning(void **state)
{
    (void)state;
    const uint32_t nights[] = {26, 60, 100};
    for (uint32_t k = 0; k < 3; k++) {
        struct bench b;
        start(&b);
        (void)above(&b, nights[k], 0);
        for (uint32_t i = 1; i < 60; i++)
            assert_true(take(&b, 3000 * sin(M_PI * i / 60)).score <= 1);
        assert_int_equal(above(&b, 40, 0), 0);
        done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_turns_out_to_be_rare_is_abnormal_at_every_step_until_it_ends),
        cmocka_unit_test(a_change_for_good_is_abnormal_at_every_step_until_it_is_accepted),
        cmocka_unit_test(a_night_that_a_series_begins_with_is_no_evidence_against_the_morning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
