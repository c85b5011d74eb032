/* A series that stops is abnormal where a job asks for it, and silent where it does not. */
#include "ax_test.h"
#include "rig.h"

#include <math.h>

#define GONE "node_load1{instance=\"a\",job=\"node\"}"
#define OTHER "node_load1{instance=\"b\",job=\"node\"}"
#define OUTPUT(name) name "{for=\"load\",instance=\"a\",job=\"node\",source=\"node_load1\"}"
#define LIVED 200

static const char asks[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs: [{name: load, expr: node_load1, forecast: {output: predicted_load, horizons: "
    "[1m]}, anomaly: {score_absence: true}}]\n";
static const char does_not[] = "global: {evaluation_delay: 0s}\n"
                               "jobs: [{name: load, expr: node_load1, anomaly: {}}]\n";

static double wave(uint32_t i)
{
    return 10 + 3 * sin(i * 0.7) + sin(i * 1.9);
}

/* Both series until step LIVED; then one stops, with a stale marker or without. */
static void live_and_stop(struct rig *r, const char *yaml, bool marker, uint32_t until)
{
    rig_init(r, yaml);
    for (uint32_t i = 0; i < until; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        if (i < LIVED)
            (void)rig_append(r, GONE, t_ms, wave(i));
        else if (i == LIVED && marker)
            (void)rig_append(r, GONE, t_ms, ax_stale());
        (void)rig_append(r, OTHER, t_ms, wave(i));
        rig_run_to(r, t_ms);
    }
}

static double newest(struct rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    assert_non_null(s);
    return s->v[s->n - 1].value;
}

static void a_series_that_a_stale_marker_ends_is_abnormal_from_then_on(void **state)
{
    (void)state;
    struct rig r;
    live_and_stop(&r, asks, true, LIVED + 40);
    assert_true(newest(&r, OUTPUT("anomaly_score")) >= 3);
    assert_true(newest(&r, OUTPUT("anomaly_severity")) >= 3);
    assert_true(newest(&r, OUTPUT("anomaly_direction")) < 0);
    const struct memory_series *s = memory_find(&r.sink, OUTPUT("anomaly_score"));
    assert_true(ax_is_stale(s->v[LIVED].value)); /* it may have been one scrape that failed */
    assert_true(s->v[LIVED + 1].value >= 3);
    assert_int_equal(s->v[LIVED + 1].t_ms, RIG_START + (LIVED + 1) * (int64_t)RIG_STEP);
    /* There is nothing to forecast. */
    assert_true(ax_is_stale(newest(
        &r,
        "predicted_load{for=\"load\",horizon=\"1m\",instance=\"a\",job=\"node\",source=\"node_load1\"}")));
    rig_done(&r);
}

/* A series that is scraped every `apart` steps; `fails` scrapes fail, the first of which leaves the marker.
 * Returns for how many steps it was absent. */
static uint32_t absent_steps(uint32_t apart, uint32_t fails, uint32_t scrapes)
{
    struct rig r;
    uint32_t absent = 0;
    rig_init(&r, asks);
    for (uint32_t i = 0; i < LIVED; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        const uint32_t scrape = i / apart;
        if (i % apart == 0 && (scrape < scrapes || scrape >= scrapes + fails))
            (void)rig_append(&r, GONE, t_ms, wave(i));
        else if (i % apart == 0 && scrape == scrapes)
            (void)rig_append(&r, GONE, t_ms, ax_stale());
        (void)rig_append(&r, OTHER, t_ms, wave(i));
        rig_run_to(&r, t_ms);
    }
    const struct memory_series *s = memory_find(&r.sink, OUTPUT("anomaly_absent"));
    assert_non_null(s);
    for (uint32_t i = 0; i < s->n; i++)
        absent += s->v[i].value > 0; /* not of a stale marker, which is a NaN */
    rig_done(&r);
    return absent;
}

/* No model learns from it, and it is said all the same. */
static void an_infinite_value_is_abnormal_where_it_cannot_be(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: load, expr: node_load1, anomaly: {data_range: [0, 50]}}]\n");
    for (uint32_t i = 0; i < LIVED + 2; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)rig_append(&r, GONE, t_ms,
                         i < LIVED    ? wave(i)
                         : i == LIVED ? (double)INFINITY
                                      : -(double)INFINITY);
        rig_run_to(&r, t_ms);
        if (i >= LIVED)
            assert_true(newest(&r, OUTPUT("anomaly_score")) >= 3 &&
                        newest(&r, OUTPUT("anomaly_direction")) == (i == LIVED ? 1 : -1));
    }
    rig_done(&r);
}

static void one_scrape_that_fails_is_no_absence_however_far_apart_they_are(void **state)
{
    (void)state;
    assert_int_equal(absent_steps(1, 1, 150), 0);
    assert_int_equal(absent_steps(2, 1, 75), 0);
    assert_int_equal(absent_steps(4, 1, 40), 0); /* a minute, with steps of 15 s */
    assert_int_equal(absent_steps(1, 2, 150), 1);
    assert_int_equal(absent_steps(4, 2, 40), 4);
}

static void a_series_that_is_absent_without_a_marker_is_abnormal_after_the_lookback(void **state)
{
    (void)state;
    struct rig r;
    live_and_stop(&r, asks, false, LIVED + 60);
    const struct memory_series *s = memory_find(&r.sink, OUTPUT("anomaly_score"));
    assert_true(s->v[s->n - 1].value >= 3);
    uint32_t first = 0;
    for (uint32_t i = LIVED; i < s->n && !first; i++)
        if (s->v[i].value >= 3)
            first = i;
    /* 5 minutes of lookback, 20 steps, and more than 3 without a value */
    assert_true(s->v[first].t_ms >= RIG_START + (LIVED + 22) * (int64_t)RIG_STEP);
    assert_true(s->v[first].t_ms <= RIG_START + (LIVED + 26) * (int64_t)RIG_STEP);
    rig_done(&r);
}

static void it_ends_after_its_longest_time_and_a_return_is_judged_anew(void **state)
{
    (void)state;
    struct rig r;
    live_and_stop(&r, asks, true, LIVED + 260);
    assert_true(ax_is_stale(newest(&r, OUTPUT("anomaly_score"))));
    for (uint32_t i = LIVED + 260; i < LIVED + 280; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)rig_append(&r, GONE, t_ms, wave(i));
        rig_run_to(&r, t_ms);
    }
    assert_true(newest(&r, OUTPUT("anomaly_score")) <= 1);
    rig_done(&r);
}

static void a_job_that_does_not_ask_ends_the_score(void **state)
{
    (void)state;
    struct rig r;
    live_and_stop(&r, does_not, true, LIVED + 40);
    assert_true(ax_is_stale(newest(&r, OUTPUT("anomaly_score"))));
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_that_a_stale_marker_ends_is_abnormal_from_then_on),
        cmocka_unit_test(an_infinite_value_is_abnormal_where_it_cannot_be),
        cmocka_unit_test(one_scrape_that_fails_is_no_absence_however_far_apart_they_are),
        cmocka_unit_test(a_series_that_is_absent_without_a_marker_is_abnormal_after_the_lookback),
        cmocka_unit_test(it_ends_after_its_longest_time_and_a_return_is_judged_anew),
        cmocka_unit_test(a_job_that_does_not_ask_ends_the_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
