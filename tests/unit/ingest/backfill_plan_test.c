/* Which steps of the past are taken. */
#include "ax_test.h"
#include "ingest/backfill_plan.h"

#define DAY 86400000LL
#define MINUTE 60000LL

/* The defaults of a job, as of a time that is no multiple of anything but the step. */
static struct ax_backfill_need need(uint32_t series)
{
    return (struct ax_backfill_need){.end_ms = 1700000010000 + 15000,
                                     .step_ms = 15000,
                                     .coarse_ms = 300000,
                                     .fine_n = 960,
                                     .coarse_n = 4032,
                                     .backfill_ms = 14 * DAY,
                                     .series = series,
                                     .samples_per_s = series / 15.0};
}

/* What the steps of a plan are. */
struct walk {
    uint32_t far, near, lessons;
    int64_t points; /* coarse points between begin and dense that a step falls into */
};

static struct walk take_all(const struct ax_backfill_plan *p, const struct ax_backfill_need *n)
{
    struct walk w = {0};
    int64_t point = INT64_MIN;
    for (int64_t t = ax_backfill_next(p, p->begin_ms); t <= n->end_ms; t = ax_backfill_next(p, t)) {
        assert_true(t % n->step_ms == 0);
        bool far = t <= p->dense_ms;
        w.far += far;
        w.near += !far && t <= p->learn_ms;
        w.lessons += t > p->learn_ms;
        int64_t of = (t - 1) / n->coarse_ms;
        w.points += far && of != point;
        point = of;
    }
    return w;
}

static void a_few_series_learn_from_much_and_are_looked_at_often(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(10);
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    assert_int_equal(p.stride_ms, 15000);
    struct walk w = take_all(&p, &n);
    assert_int_equal(w.lessons, 20000);
    assert_int_equal(w.near, 960);
    assert_true(w.far + w.near + w.lessons >= 14 * 5760);
}

static void one_series_learns_from_all_of_it(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(1);
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    assert_int_equal(p.learn_ms, p.begin_ms);
    assert_int_equal(p.dense_ms, p.begin_ms);
    assert_true(n.end_ms - p.begin_ms >= 14 * DAY && n.end_ms - p.begin_ms < 14 * DAY + 300000);
}

static void many_series_keep_within_the_budget_and_miss_no_coarse_point(void **state)
{
    (void)state;
    for (uint32_t series = 100; series <= 100000; series *= 10) {
        struct ax_backfill_need n = need(series);
        struct ax_backfill_plan p = ax_backfill_plan_make(&n);
        struct walk w = take_all(&p, &n);
        assert_int_equal(w.near, 960);
        assert_int_equal(w.lessons, series == 100 ? 2000 : 480);
        assert_true(w.points >= p.dense_ms / 300000 - p.begin_ms / 300000);
        assert_true((double)w.far * series <= 6e6 || w.far <= w.points + 1);
    }
}

static void steps_that_do_not_divide_a_coarse_point_fall_into_each(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(100000);
    n.step_ms = 7000;
    n.end_ms = n.end_ms / 7000 * 7000;
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    struct walk w = take_all(&p, &n);
    assert_true(w.points >= p.dense_ms / 300000 - p.begin_ms / 300000);
}

static void hourly_jobs_take_every_step(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(1000);
    n.step_ms = n.coarse_ms = 60 * MINUTE;
    n.end_ms = n.end_ms / n.step_ms * n.step_ms;
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    struct walk w = take_all(&p, &n);
    assert_int_equal(w.far + w.near + w.lessons, 14 * 24);
}

static void a_short_backfill_is_all_there_is(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(5);
    n.backfill_ms = 60 * MINUTE;
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    struct walk w = take_all(&p, &n);
    assert_true(w.lessons >= 240 && w.lessons <= 260 && w.far + w.near == 0);
}

static void portions_are_of_a_million_samples(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(100);
    assert_int_equal(ax_backfill_plan_make(&n).portion_ms, DAY);
    n.samples_per_s = 1000;
    assert_int_equal(ax_backfill_plan_make(&n).portion_ms, 900000); /* 1000 s, down to whole coarse points */
    n.samples_per_s = 1e6;
    assert_int_equal(ax_backfill_plan_make(&n).portion_ms, 300000);
}

static void the_share_rises_to_one(void **state)
{
    (void)state;
    struct ax_backfill_need n = need(1000);
    struct ax_backfill_plan p = ax_backfill_plan_make(&n);
    double before = -1;
    for (int64_t t = p.begin_ms; t <= n.end_ms; t += DAY / 10) {
        double share = ax_backfill_share(&p, t, n.end_ms);
        assert_true(share > before && share >= 0 && share <= 1);
        before = share;
    }
    assert_true(ax_backfill_share(&p, p.begin_ms, n.end_ms) == 0);
    assert_true(ax_backfill_share(&p, n.end_ms, n.end_ms) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_series_learn_from_much_and_are_looked_at_often),
        cmocka_unit_test(one_series_learns_from_all_of_it),
        cmocka_unit_test(many_series_keep_within_the_budget_and_miss_no_coarse_point),
        cmocka_unit_test(steps_that_do_not_divide_a_coarse_point_fall_into_each),
        cmocka_unit_test(hourly_jobs_take_every_step),
        cmocka_unit_test(a_short_backfill_is_all_there_is),
        cmocka_unit_test(portions_are_of_a_million_samples),
        cmocka_unit_test(the_share_rises_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
