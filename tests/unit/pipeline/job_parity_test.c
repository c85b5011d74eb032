/* A job says, as it runs, how the groups of a label are served, and who of them is not served alike. */
#include "ax_test.h"
#include "base/rng.h"
#include "pipeline/erase.h"
#include "pipeline/lesson.h"
#include "rig.h"

#include <stdio.h>

#define STEP 300000
#define BEGIN (RIG_START / STEP * STEP)
#define DAYS(n) ((n)*288)

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: load\n"
                           "    expr: demand\n"
                           "    window: {fine: 120, coarse: 60}\n"
                           "    forecast: {output: predicted_load, horizons: [5m], members: [last_value]}\n"
                           "    anomaly: {}\n"
                           "    targets: {parity: region, parity_groups: 2}\n";

/* Steps [from, to) of four series, of which those in us have so much noise. All have a bump at a step. */
static void run(struct rig *r, struct ax_rng *rng, uint32_t from, uint32_t to, double noise, uint32_t bump)
{
    static const char *const series[] = {"demand{region=\"eu\",x=\"1\"}", "demand{region=\"eu\",x=\"2\"}",
                                         "demand{region=\"us\",x=\"1\"}", "demand{region=\"us\",x=\"2\"}"};
    for (uint32_t i = from; i < to; i++) {
        const int64_t t_ms = BEGIN + (int64_t)i * STEP;
        for (uint32_t k = 0; k < 4; k++)
            (void)rig_append(r, series[k], t_ms,
                             100 + (k < 2 ? 1 : noise) * ax_rng_normal(rng) + (i == bump ? 60 : 0));
        rig_run_to(r, t_ms);
    }
}

/* The newest value of a series that must be there. */
static double last(const struct rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    if (!s)
        fail_msg("there is no %s", text);
    return s ? s->v[s->n - 1].value : 0;
}

#define PARITY(measure) "model_parity{for=\"load\",label=\"region\",measure=\"" measure "\"}"
#define ERROR_OF(group) "model_group_error_ratio{for=\"load\",group=\"" group "\",label=\"region\"}"
static const char flagged[] = "model_parity_flagged{for=\"load\",label=\"region\"}";

static void groups_that_are_served_alike_are_not_flagged(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 3);
    rig_init(&r, yaml);
    run(&r, &rng, 0, DAYS(2), 1, UINT32_MAX);
    ax_assert_close(last(&r, ERROR_OF("eu")), last(&r, ERROR_OF("us")), 0.002);
    ax_assert_close(last(&r, PARITY("error_ratio")), 1, 0.1);
    ax_assert_close(last(&r, flagged), 0, 0);
    assert_int_equal(memory_count(&r.sink, "equal_opportunity"), 0); /* nobody has said anything */
    rig_done(&r);
}

static void one_that_is_forecast_worse_is_flagged(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 3);
    rig_init(&r, yaml);
    run(&r, &rng, 0, DAYS(1) / 4, 3, UINT32_MAX);
    assert_int_equal(memory_count(&r.sink, "model_group_error_ratio"),
                     0); /* a quarter of a day says nothing */
    ax_assert_close(last(&r, flagged), 0, 0);
    run(&r, &rng, DAYS(1) / 4, DAYS(2), 3, UINT32_MAX);
    ax_assert_close(last(&r, PARITY("error_ratio")), 3, 0.4);
    ax_assert_close(last(&r, flagged), 1, 0);
    rig_done(&r);
}

static void incidents_that_people_tell_of_show_who_is_overlooked(void **state)
{
    struct rig r;
    struct ax_rng rng;
    struct ax_diag diag = {{0}};
    const uint32_t bump = DAYS(1) + 200;
    const struct ax_lesson lesson = {.range = {.id = 1,
                                               .verdict = AX_LESSON_MISSED,
                                               .from_ms = BEGIN + (int64_t)bump * STEP,
                                               .to_ms = BEGIN + (int64_t)bump * STEP},
                                     .selector = ax_str("demand")};
    (void)state;
    ax_rng_seed(&rng, 3);
    rig_init(&r, yaml);
    run(&r, &rng, 0, DAYS(2), 50, bump); /* which nobody sees in so much noise */
    assert_int_equal(ax_pipeline_teach(r.pipeline, ax_str("load"), &lesson, NULL, NULL, &diag), AX_OK);
    run(&r, &rng, DAYS(2), DAYS(2) + 2, 50, bump);
    ax_assert_close(last(&r, PARITY("equal_opportunity")), 1, 0);
    ax_assert_close(last(&r, PARITY("equalized_odds")), 1, 0);
    assert_true(last(&r, "model_group_alarm_ratio{for=\"load\",group=\"eu\",label=\"region\"}") > 0);
    rig_done(&r);
}

static void more_groups_than_wanted_are_left_out_and_an_erased_one_is_forgotten(void **state)
{
    struct rig r;
    struct ax_rng rng;
    struct ax_erased erased;
    struct ax_diag diag = {{0}};
    (void)state;
    ax_rng_seed(&rng, 3);
    rig_init(&r, yaml);
    for (uint32_t i = 0; i < DAYS(2); i++) {
        (void)rig_append(&r, "demand{region=\"ap\"}", BEGIN + (int64_t)i * STEP, 100 + ax_rng_normal(&rng));
        run(&r, &rng, i, i + 1, 1, UINT32_MAX);
    }
    assert_int_equal(memory_count(&r.sink, "model_group_error_ratio"), 2);
    const char *gone = "{region=\"ap\"}";
    assert_int_equal(ax_pipeline_erase(r.pipeline, ax_str(gone), &erased, &diag), AX_OK);
    assert_int_equal(erased.series, 1);
    run(&r, &rng, DAYS(2), DAYS(2) + DAYS(1), 1, UINT32_MAX);
    assert_true(memory_find(&r.sink, ERROR_OF("us")) != NULL && memory_find(&r.sink, ERROR_OF("eu")) != NULL);
    const struct memory_series *s = memory_find(&r.sink, ERROR_OF("ap"));
    assert_true(s && s->open_n == 0);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_that_are_served_alike_are_not_flagged),
        cmocka_unit_test(one_that_is_forecast_worse_is_flagged),
        cmocka_unit_test(incidents_that_people_tell_of_show_who_is_overlooked),
        cmocka_unit_test(more_groups_than_wanted_are_left_out_and_an_erased_one_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
