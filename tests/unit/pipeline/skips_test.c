/* During an event of a calendar there are no alerts, nothing is learnt, or both. */
#include "ax_test.h"
#include "prom/sample.h"
#include "rig.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* RIG_START is 2023-11-14 22:13:30 UTC: an event lasts from 23:30 to 23:45 UTC, steps 306 to 365. */
#define JOBS(calendars, names)                                                                               \
    "global: {evaluation_delay: 0s}\n" calendars                                                             \
    "jobs: [{name: load, expr: node_load1, anomaly: {}, forecast: {horizons: [1m]}, calendars: " names       \
    "},\n"                                                                                                   \
    "       {name: node, by: [instance], features: {a: node_load1}, anomaly: {}, calendars: " names "}]\n"
#define EVERY_NIGHT(skip)                                                                                    \
    "calendars: [{name: night, cron: '30 0 * * *', duration: 15m, time_zone: Europe/Berlin, skip: " skip     \
    "}]\n"
#define BEGIN 306
#define END 366
#define STEPS 700

static const char load[] = "anomaly_score{for=\"load\",instance=\"a\",source=\"node_load1\"}";
static const char node[] = "anomaly_score{for=\"node\",instance=\"a\"}";

static double usual(uint32_t i)
{
    return 10 + sin(i * 2.399) + 0.5 * sin(i * 1.1);
}

/* All steps, with a level of its own from 310 to 359; NaN: no samples during the event. */
static void run(struct rig *r, const char *yaml, double level)
{
    rig_init(r, yaml);
    for (uint32_t i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        bool odd = i >= 310 && i < 360, event = i >= BEGIN && i < END;
        if (isnan(level) && event) /* seen nevertheless, so that the clock goes on */
            (void)rig_append(r, "node_load1{instance=\"b\"}", t_ms, 1);
        else
            (void)rig_append(r, "node_load1{instance=\"a\"}", t_ms, odd ? level : usual(i));
        if (isnan(level) && event)
            (void)rig_append(r, "node_load1{instance=\"a\"}", t_ms, ax_stale());
        rig_run_to(r, t_ms);
    }
}

static double most(const struct rig *r, const char *series, uint32_t from, uint32_t to)
{
    const struct memory_series *s = memory_find(&r->sink, series);
    double found = 0;
    uint32_t n = 0;
    assert_non_null(s);
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t step = (s->v[i].t_ms - RIG_START) / RIG_STEP;
        if (step < from || step >= to || isnan(s->v[i].value))
            continue;
        n++;
        found = fmax(found, s->v[i].value);
    }
    assert_int_equal(n, to - from); /* there is a score at each step */
    return found;
}

static void without_alerts_scores_stay_at_most_1_and_the_level_is_learnt(void **state)
{
    (void)state;
    struct rig r, plain;
    run(&plain, JOBS("", "[]"), 40);
    run(&r, JOBS(EVERY_NIGHT("[alerts]"), "[night]"), 40);
    assert_true(most(&plain, load, BEGIN, END) > 4 && most(&plain, node, BEGIN, END) > 1);
    assert_true(most(&r, load, BEGIN, END) <= 1);
    assert_true(most(&r, node, BEGIN, END) <= 1);
    ax_assert_close(most(&r, load, END, STEPS), most(&plain, load, END, STEPS), 0);
    ax_assert_close(most(&r, node, 100, BEGIN), most(&plain, node, 100, BEGIN), 0);
    rig_done(&r);
    rig_done(&plain);
}

static void without_learning_scores_tell_and_models_see_a_gap(void **state)
{
    (void)state;
    struct rig r, gap;
    run(&r, JOBS(EVERY_NIGHT("[learning]"), "[night]"), 40);
    assert_true(most(&r, load, BEGIN, END) > 4);
    assert_true(most(&r, node, BEGIN, END) > 1);
    run(&gap, JOBS("", "[]"), (double)NAN);
    const char *const series[] = {
        load, node, "predicted_load{for=\"load\",horizon=\"1m\",instance=\"a\",source=\"node_load1\"}",
        "anomaly_upper{for=\"load\",instance=\"a\",source=\"node_load1\"}"};
    for (size_t k = 0; k < sizeof series / sizeof series[0]; k++) {
        const struct memory_series *x = memory_find(&r.sink, series[k]),
                                   *y = memory_find(&gap.sink, series[k]);
        assert_non_null(x);
        assert_non_null(y);
        for (uint32_t i = END + 1; i < STEPS; i++) {
            double a = x->v[x->n - STEPS + i].value, b = y->v[y->n - STEPS + i].value;
            if (ax_double_bits(a) != ax_double_bits(b))
                fail_msg("%s at step %u: %.17g, not %.17g", series[k], i, a, b);
        }
    }
    rig_done(&r);
    rig_done(&gap);
}

static void without_both_nothing_is_said_and_nothing_learnt(void **state)
{
    (void)state;
    struct rig r, told;
    run(&r, JOBS(EVERY_NIGHT("[alerts, learning]"), "[night]"), 40);
    run(&told, JOBS(EVERY_NIGHT("[learning]"), "[night]"), 40);
    assert_true(most(&r, load, BEGIN, END) <= 1);
    assert_true(most(&r, node, BEGIN, END) <= 1);
    ax_assert_close(most(&r, load, END, STEPS), most(&told, load, END, STEPS), 0);
    ax_assert_close(most(&r, node, END, STEPS), most(&told, node, END, STEPS), 0);
    rig_done(&r);
    rig_done(&told);
}

static void calendars_change_at_a_reload_and_what_was_learnt_stays(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, JOBS("", "[]"));
    for (uint32_t i = 0; i < STEPS; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        if (i == 330)
            rig_load(&r, JOBS(EVERY_NIGHT("[alerts]"), "[night]"));
        if (i == 350)
            rig_load(&r, JOBS(EVERY_NIGHT("[alerts]"), "[]"));
        (void)rig_append(&r, "node_load1{instance=\"a\"}", t_ms, i >= 310 && i < 360 ? 40 : usual(i));
        rig_run_to(&r, t_ms);
    }
    assert_true(most(&r, load, 310, 330) > 4);
    assert_true(most(&r, load, 330, 350) <= 1);
    assert_true(most(&r, load, 350, 360) > 1);
    rig_done(&r);
}

/* What is forecast at 22:00 on December 4th 2023 for six hours later, of a series that is 60 lower on
 * November 20th and 28th; December 5th is the third of these days. */
static double forecast_of_a_holiday(const char *names)
{
    static const char *const lines =
        "global: {evaluation_delay: 0s}\n"
        "calendars: [{name: free, cron: '0 0 5,20,28 11,12 *', duration: 1d, skip: []}]\n";
    const int64_t hour_ms = 3600000, first_ms = 1699920000000, free_ms[] = {1700438400000, 1701129600000},
                  asked_ms = 1701727200000;
    char yaml[600];
    struct rig r;
    double said = NAN;
    (void)snprintf(
        yaml, sizeof yaml,
        "%sjobs: [{name: load, expr: node_load1, step: 1h, calendars: %s, forecast: {horizons: [1h, 6h], "
        "members: [fourier], output: predicted_load}}]\n",
        lines, names);
    rig_init(&r, yaml);
    for (int64_t t_ms = first_ms; t_ms <= asked_ms; t_ms += hour_ms) {
        bool is_free = false;
        for (int k = 0; k < 2; k++)
            is_free = is_free || (t_ms >= free_ms[k] && t_ms < free_ms[k] + 24 * hour_ms);
        (void)rig_append(&r, "node_load1{instance=\"a\"}", t_ms,
                         (is_free ? 40 : 100) + 10 * sin(2 * M_PI * (double)(t_ms / hour_ms) / 24) +
                             sin((double)(t_ms / hour_ms) * 2.399));
        rig_run_to(&r, t_ms);
    }
    const struct memory_series *s = memory_find(
        &r.sink, "predicted_load{for=\"load\",horizon=\"6h\",instance=\"a\",source=\"node_load1\"}");
    assert_non_null(s);
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i].t_ms == asked_ms)
            said = s->v[i].value;
    rig_done(&r);
    return said;
}

static void what_is_different_on_a_holiday_is_expected_of_the_next_one(void **state)
{
    (void)state;
    double known = forecast_of_a_holiday("[free]"), unknown = forecast_of_a_holiday("[]");
    assert_true(unknown > 90);
    assert_true(known < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_alerts_scores_stay_at_most_1_and_the_level_is_learnt),
        cmocka_unit_test(without_learning_scores_tell_and_models_see_a_gap),
        cmocka_unit_test(without_both_nothing_is_said_and_nothing_learnt),
        cmocka_unit_test(what_is_different_on_a_holiday_is_expected_of_the_next_one),
        cmocka_unit_test(calendars_change_at_a_reload_and_what_was_learnt_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
