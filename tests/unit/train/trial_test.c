/* What is better is promoted, what is as good is not, and what is worse goes; and a trial that was saved and
 * read goes on as if nothing had been. */
#include "ax_test.h"
#include "base/rng.h"
#include "train/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS 200

static const struct ax_trial_rule rule = {
    .shadows = true, .canary = true, .compare = {.samples_min = 240}, .canary_n = 240, .watch_n = 240};

/* Add pairs until there is a verdict: errors in common, and a tenth of each one's own. */
static enum ax_trial_verdict run(struct ax_trial *t, const struct ax_trial_rule *r, enum ax_phase phase,
                                 struct ax_rng *rng, double live, double shadow)
{
    enum ax_trial_verdict v = AX_TRIAL_GOES_ON;
    assert_int_equal(ax_trial_reserve(t, r), AX_OK);
    for (uint32_t i = 0; i < 5000 && v == AX_TRIAL_GOES_ON; i++) {
        const double x = ax_rng_normal(rng), y = ax_rng_normal(rng), z = ax_rng_normal(rng);
        ax_trial_add(t, r, phase, live * fabs(sqrt(0.9) * x + sqrt(0.1) * y),
                     shadow * fabs(sqrt(0.9) * x + sqrt(0.1) * z));
        v = ax_trial_judge(t, r, phase);
    }
    return v;
}

/* How many of RUNS challengers pass. */
static uint32_t passed(double shadow)
{
    struct ax_rng rng;
    uint32_t n = 0;
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < RUNS; i++) {
        struct ax_trial t = {0};
        n += run(&t, &rule, AX_PHASE_SHADOW, &rng, 1, shadow) == AX_TRIAL_PASSED;
        ax_trial_done(&t);
    }
    (void)printf("loss times %.2f: %u of %d pass\n", shadow, n, RUNS);
    return n;
}

static void an_equal_one_passes_in_at_most_5_percent_and_a_better_one_in_at_least_90(void **state)
{
    (void)state;
    assert_true(passed(1) <= RUNS / 20);
    assert_true(passed(0.95) >= RUNS * 9 / 10);
    assert_true(passed(1.05) == 0);
}

static void what_is_worse_is_found_long_before_a_watch_is_over(void **state)
{
    struct ax_trial t = {0};
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 5);
    assert_int_equal(run(&t, &rule, AX_PHASE_WATCH, &rng, 3, 1), AX_TRIAL_FAILED);
    assert_true(t.n <= 30 && t.result.effect < -1);
    ax_trial_clear(&t);
    assert_int_equal(run(&t, &rule, AX_PHASE_WATCH, &rng, 1, 1), AX_TRIAL_PASSED);
    assert_int_equal(t.n, 240);
    ax_trial_clear(&t);
    assert_int_equal(run(&t, &rule, AX_PHASE_CANARY, &rng, 1, 3), AX_TRIAL_FAILED);
    assert_true(t.n <= 30);
    ax_trial_clear(&t);
    ax_trial_broken(&t, false, true);
    assert_int_equal(ax_trial_judge(&t, &rule, AX_PHASE_WATCH), AX_TRIAL_GOES_ON); /* of the reference */
    assert_int_equal(ax_trial_judge(&t, &rule, AX_PHASE_SHADOW), AX_TRIAL_FAILED);
    ax_trial_done(&t);
}

static void equal_ones_are_rolled_back_in_at_most_5_percent(void **state)
{
    struct ax_rng rng;
    uint32_t n = 0;
    (void)state;
    ax_rng_seed(&rng, 9);
    for (uint32_t i = 0; i < RUNS; i++) {
        struct ax_trial t = {0};
        n += run(&t, &rule, AX_PHASE_WATCH, &rng, 1, 1) == AX_TRIAL_FAILED;
        ax_trial_done(&t);
    }
    (void)printf("%u of %d are rolled back\n", n, RUNS);
    assert_true(n <= RUNS / 20);
}

/* Pairs of shares of alarms, all alike. */
static enum ax_trial_verdict run_alarms(enum ax_phase phase, double live, double shadow, double alike,
                                        uint32_t *n)
{
    const struct ax_trial_rule r = {.shadows = true,
                                    .alarms = true,
                                    .compare = {.samples_min = 24},
                                    .watch_n = 240,
                                    .lags = 7,
                                    .alarms_max = 0.001};
    struct ax_trial t = {0};
    struct ax_rng rng;
    enum ax_trial_verdict v = AX_TRIAL_GOES_ON;
    ax_rng_seed(&rng, 1);
    assert_int_equal(ax_trial_reserve(&t, &r), AX_OK);
    for (uint32_t i = 0; i < 5000 && v == AX_TRIAL_GOES_ON; i++) {
        t.judged += 100;
        t.agreed += (uint64_t)(100 * alike);
        ax_trial_add(&t, &r, phase, live * (0.5 + ax_rng_double(&rng)), shadow * (0.5 + ax_rng_double(&rng)));
        v = ax_trial_judge(&t, &r, phase);
    }
    *n = t.n;
    ax_trial_done(&t);
    return v;
}

static void a_detector_passes_when_it_alarms_no_more_and_judges_alike(void **state)
{
    uint32_t n;
    (void)state;
    assert_int_equal(run_alarms(AX_PHASE_SHADOW, 0.01, 0.008, 0.99, &n), AX_TRIAL_PASSED);
    assert_int_equal(n, 24);
    assert_int_equal(run_alarms(AX_PHASE_SHADOW, 0, 0.0005, 0.99, &n), AX_TRIAL_PASSED);
    assert_int_equal(run_alarms(AX_PHASE_SHADOW, 0.01, 0.05, 0.99, &n), AX_TRIAL_FAILED);
    assert_int_equal(run_alarms(AX_PHASE_SHADOW, 0.5, 0.01, 0.5, &n), AX_TRIAL_FAILED);
    assert_int_equal(n, 24 * 16);
    assert_int_equal(run_alarms(AX_PHASE_WATCH, 0.05, 0, 0.95, &n), AX_TRIAL_FAILED);
    assert_int_equal(n, 240); /* rows have points in common: before that nothing is significant */
    assert_int_equal(run_alarms(AX_PHASE_WATCH, 0.5, 0.01, 0.5, &n), AX_TRIAL_FAILED);
    assert_int_equal(n, 15); /* but this is plain */
    assert_int_equal(run_alarms(AX_PHASE_WATCH, 0.0002, 0, 0.99, &n), AX_TRIAL_PASSED);
}

static void shares_of_a_canary_follow_each_other(void **state)
{
    (void)state;
    assert_int_equal(ax_trial_next_share(0), 5);
    assert_int_equal(ax_trial_next_share(5), 25);
    assert_int_equal(ax_trial_next_share(25), 50);
    assert_int_equal(ax_trial_next_share(50), 100);
    assert_int_equal(ax_trial_next_share(100), 0);
}

static void a_trial_that_was_saved_goes_on(void **state)
{
    struct ax_trial a = {0}, b = {0};
    struct ax_trial_rule r = rule;
    struct ax_rng rng;
    struct ax_buf one, two;
    (void)state;
    r.block = 3;
    r.lags = 2;
    ax_rng_seed(&rng, 11);
    ax_buf_init(&one, 1u << 20);
    ax_buf_init(&two, 1u << 20);
    assert_int_equal(ax_trial_reserve(&a, &r), AX_OK);
    for (int i = 0; i < 100; i++)
        ax_trial_add(&a, &r, AX_PHASE_SHADOW, ax_rng_double(&rng), ax_rng_double(&rng));
    ax_trial_save(&a, &one);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&one));
    assert_int_equal(ax_trial_load(&b, &r, AX_PHASE_SHADOW, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    for (int i = 0; i < 50; i++) {
        const double x = ax_rng_double(&rng), y = ax_rng_double(&rng);
        ax_trial_add(&a, &r, AX_PHASE_SHADOW, x, y);
        ax_trial_add(&b, &r, AX_PHASE_SHADOW, x, y);
    }
    ax_buf_reset(&one);
    ax_trial_save(&a, &one);
    ax_trial_save(&b, &two);
    assert_true(one.n == two.n && memcmp(one.bytes, two.bytes, one.n) == 0);
    assert_int_equal(a.n, 50);
    for (size_t n = 0; n < two.n; n += 7) { /* cut */
        struct ax_trial c = {0};
        in = ax_bytes_of((struct ax_str){(const char *)two.bytes, n});
        assert_int_not_equal(ax_trial_load(&c, &r, AX_PHASE_SHADOW, &in), AX_OK);
        ax_trial_done(&c);
    }
    ax_trial_done(&a);
    ax_trial_done(&b);
    ax_buf_done(&one);
    ax_buf_done(&two);
}

/* Gather pairs of no alarms up to a look, at which labels say that. */
static enum ax_trial_verdict labelled(struct ax_trial *t, const struct ax_trial_rule *r, enum ax_phase phase,
                                      uint32_t until, double effect, double p_value)
{
    const struct ax_comparison c = {.n = 5000,
                                    .champion = 0.5,
                                    .challenger = 0.5 * (1 + effect),
                                    .effect = effect,
                                    .low = effect - 0.01,
                                    .high = effect + 0.01,
                                    .p_value = p_value,
                                    .p_worse = 1 - p_value};
    assert_int_equal(ax_trial_reserve(t, r), AX_OK);
    while (t->n < until) {
        ax_trial_add(t, r, phase, 0, 0);
        t->judged++;
    }
    t->agreed = t->judged;
    assert_true(ax_trial_is_look(t, r, phase));
    ax_trial_label(t, &c);
    return ax_trial_judge(t, r, phase);
}

static void detectors_are_judged_by_labels_where_there_are_any_and_by_their_alarms_where_not(void **state)
{
    const struct ax_trial_rule r = {
        .shadows = true, .alarms = true, .alarms_max = 0.001, .compare = {.samples_min = 20}, .watch_n = 160};
    const struct ax_comparison nothing = {.n = 0};
    struct ax_trial t = {0}, b = {0};
    struct ax_buf saved;
    char text[200];
    (void)state;
    ax_buf_init(&saved, 100000);
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 20, 0.05, 0.2), AX_TRIAL_GOES_ON);
    ax_trial_label(&t, &nothing);
    assert_int_equal(ax_trial_judge(&t, &r, AX_PHASE_SHADOW), AX_TRIAL_PASSED);
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 40, 0.05, 0.001), AX_TRIAL_PASSED);
    ax_trial_describe(&t, &r, text, sizeof text);
    assert_string_equal(text, "5 % more average precision (4 to 6 %), p 0.001, 40 pairs");
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 80, 0.01, 0.001), AX_TRIAL_GOES_ON); /* too little */
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 160, -0.05, 0.999), AX_TRIAL_FAILED);
    ax_trial_describe(&t, &r, text, sizeof text);
    assert_string_equal(text, "5 % less average precision (4 to 6 %), p 0.001, 160 pairs");
    ax_trial_save(&t, &saved);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_trial_load(&b, &r, AX_PHASE_SHADOW, &in), AX_OK);
    assert_int_equal(b.labelled.n, 5000);
    ax_assert_close(b.labelled.effect, t.labelled.effect, 0);
    ax_assert_close(b.labelled.p_value, t.labelled.p_value, 0);
    ax_assert_close(b.labelled.p_worse, t.labelled.p_worse, 0);
    /* the last look: where labels tell neither from the other their alarms decide */
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 320, 0.05, 0.2), AX_TRIAL_PASSED);
    assert_int_equal(labelled(&t, &r, AX_PHASE_SHADOW, 320, -0.05, 0.999), AX_TRIAL_FAILED);
    t.agreed = t.judged / 2;
    ax_trial_label(&t, &nothing);
    assert_int_equal(ax_trial_judge(&t, &r, AX_PHASE_SHADOW), AX_TRIAL_FAILED);
    ax_trial_clear(&t);
    assert_int_equal(labelled(&t, &r, AX_PHASE_WATCH, 10, 0.05, 0.2), AX_TRIAL_GOES_ON);
    assert_int_equal(labelled(&t, &r, AX_PHASE_WATCH, 20, -0.05, 0.999), AX_TRIAL_FAILED);
    ax_trial_done(&t);
    ax_trial_done(&b);
    ax_buf_done(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_one_passes_in_at_most_5_percent_and_a_better_one_in_at_least_90),
        cmocka_unit_test(what_is_worse_is_found_long_before_a_watch_is_over),
        cmocka_unit_test(equal_ones_are_rolled_back_in_at_most_5_percent),
        cmocka_unit_test(a_detector_passes_when_it_alarms_no_more_and_judges_alike),
        cmocka_unit_test(shares_of_a_canary_follow_each_other),
        cmocka_unit_test(a_trial_that_was_saved_goes_on),
        cmocka_unit_test(detectors_are_judged_by_labels_where_there_are_any_and_by_their_alarms_where_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
