/* What a job says of drift: which kinds, their distributions, and one number for its health. */
#include "ax_test.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "pipeline/health.h"
#include "pipeline/pipeline_priv.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>

static const char yaml[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: load\n"
    "    expr: demand\n"
    "    forecast: {output: predicted_load, horizons: [15s]}\n"
    "    drift: {reference: 120, current: 40, interval: 1m, distribution: true, stream: adwin}\n";

/* Run steps [from, to) of two series whose level is at `level` and whose noise is `noise`. */
static void run(struct rig *r, struct ax_rng *rng, uint32_t from, uint32_t to, double level, double noise)
{
    for (uint32_t i = from; i < to; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)rig_append(r, "demand{instance=\"a\"}", t_ms, level + noise * ax_rng_normal(rng));
        (void)rig_append(r, "demand{instance=\"b\"}", t_ms, 3 * level + noise * ax_rng_normal(rng));
        rig_run_to(r, t_ms);
    }
}

static double last(const struct rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    if (!s)
        fail_msg("there is no %s", text);
    return s ? s->v[s->n - 1].value : 0;
}

static void a_level_that_moves_is_drift_of_data_target_and_forecast(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, yaml);
    run(&r, &rng, 0, 240, 100, 5);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"data\"}"), 0, 0);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"target\"}"), 0, 0);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"prediction\"}"), 0, 0);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"accuracy\"}"), 0, 0);
    const double before = last(&r, "model_health_score{for=\"load\"}");
    run(&r, &rng, 240, 270, 140, 5);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"data\"}"), 1, 0);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"target\"}"), 1, 0);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"prediction\"}"), 1, 0);
    assert_true(last(&r, "drift_score{feature=\"target\",for=\"load\",test=\"js\"}") > 0.3);
    assert_true(last(&r, "drift_score{feature=\"prediction\",for=\"load\",test=\"ks\"}") > 0.3);
    assert_true(last(&r, "model_health_score{for=\"load\"}") < before);
    rig_done(&r);
}

static void errors_of_a_percent_that_double_are_told_and_for_a_while(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, yaml);
    const double reviews = ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL));
    static const char fell[] = "drift_detected{for=\"load\",kind=\"accuracy\"}";
    uint32_t i = 500;
    run(&r, &rng, 0, i, 100, 2);
    ax_assert_close(last(&r, fell), 0, 0);
    assert_true(ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL)) == reviews);
    for (; i < 700 && last(&r, fell) == 0; i++)
        run(&r, &rng, i, i + 1, 100, 4);
    assert_true(i < 700);
    run(&r, &rng, i, i + 4, 100, 4); /* the series take turns */
    assert_true(ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL)) > reviews);
    run(&r, &rng, i + 4, i + 60, 100, 4);
    ax_assert_close(last(&r, fell), 0, 0);
    rig_done(&r);
}

/* The step at which the first series was last fitted. */
static int64_t fitted(const struct rig *r)
{
    return ax_forecaster_fitted_ms(r->pipeline->jobs[0]->channels[0].first->forecaster);
}

static void errors_that_drift_have_the_weights_refreshed_once_before_the_schedule_would(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs:\n"
                 "  - name: load\n"
                 "    expr: demand\n"
                 "    forecast: {output: predicted_load, horizons: [15s], refit: 1d}\n"
                 "    drift: {reference: 120, current: 40, interval: 1m}\n");
    const double reviews = ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL));
    uint32_t i = 1600;
    run(&r, &rng, 0, i, 100, 2);
    for (const int64_t before = fitted(&r); fitted(&r) == before; i++)
        run(&r, &rng, i, i + 1, 100, 2);
    const int64_t before =
        fitted(&r); /* by the schedule: the next is due a fifth of 1600 steps later at least */
    assert_true(ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL)) == reviews);
    run(&r, &rng, i, i + 50, 100, 40);
    ax_assert_close(last(&r, "drift_detected{for=\"load\",kind=\"concept\"}"), 1, 0);
    assert_true(ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL)) == reviews + 1);
    run(&r, &rng, i + 50, i + 50 + AX_FORECAST_REVIEW_MAX, 100, 40);
    assert_true(fitted(&r) > before);
    rig_done(&r);
}

static void distributions_are_cumulative_and_bounded(void **state)
{
    struct rig r;
    struct ax_rng rng;
    char text[128];
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, yaml);
    run(&r, &rng, 0, 240, 100, 5);
    assert_int_equal(memory_count(&r.sink, "feature_distribution"), 20);
    static const char *const le[] = {"-4", "-2", "-1", "-0.5", "0", "0.5", "1", "2", "4", "+Inf"};
    double before = 0;
    for (uint32_t i = 0; i < 10; i++) {
        (void)snprintf(text, sizeof text,
                       "feature_distribution{feature=\"target\",for=\"load\",le=\"%s\",window=\"reference\"}",
                       le[i]);
        assert_true(last(&r, text) >= before);
        before = last(&r, text);
        if (i == 4)
            ax_assert_close(before, 0.5, 0.02); /* half lie below the median */
    }
    ax_assert_close(before, 1, 0);
    rig_done(&r);
}

/* A job as above, with a network or without; models says how another version comes into service. */
static void run_change(struct rig *r, const char *lstm, const char *models, uint32_t steps)
{
    char text[1024];
    struct ax_rng rng;
    ax_rng_seed(&rng, 6);
    (void)snprintf(text, sizeof text,
                   "global: {evaluation_delay: 0s}\n"
                   "jobs:\n"
                   "  - name: load\n"
                   "    expr: demand\n"
                   "    window: {fine: 120, coarse: 120}\n"
                   "    forecast: {output: predicted_load, horizons: [15s]%s}\n"
                   "    drift: {reference: 120, current: 40, interval: 1m, distribution: true}\n"
                   "    models: {drift_above: 1, fit_at: '', %s}\n",
                   lstm, models);
    rig_init(r, text);
    run(r, &rng, 0, 200, 100, 5);
    run(r, &rng, 200, 200 + steps, 140, 5);
}

static const char data_drifted[] = "drift_detected{for=\"load\",kind=\"data\"}",
                  network[] = ", lstm: {preset: internet, sequence: 2, epochs: 1}";

static void without_a_model_the_reference_is_the_past_and_a_change_ends(void **state)
{
    struct rig r;
    (void)state;
    run_change(&r, "", "promotion: shadow", 30);
    ax_assert_close(last(&r, data_drifted), 1, 0);
    rig_done(&r);
    run_change(&r, "", "promotion: shadow", 240);
    ax_assert_close(last(&r, data_drifted), 0, 0);
    rig_done(&r);
}

static void with_one_a_change_stays_until_a_model_that_has_learnt_it_serves(void **state)
{
    struct rig r;
    (void)state;
    run_change(&r, network, "promotion: shadow, min_samples: 10000", 240);
    ax_assert_close(last(&r, data_drifted), 1, 0);
    ax_assert_close(
        last(&r, "feature_distribution{feature=\"target\",for=\"load\",le=\"0\",window=\"reference\"}"), 0.5,
        0.02);
    ax_assert_close(
        last(&r, "feature_distribution{feature=\"target\",for=\"load\",le=\"4\",window=\"current\"}"), 0,
        0.1);
    rig_done(&r);
    run_change(&r, network, "promotion: immediate", 240);
    ax_assert_close(last(&r, data_drifted), 0, 0);
    rig_done(&r);
}

/* What has changed for good, and is forecast as well by who did not learn from it, is no drift for ever. */
static void a_change_that_the_champion_takes_well_ends_with_the_trial_of_who_has_learnt_it(void **state)
{
    static const char since[] = "model_baseline_timestamp_seconds{for=\"load\",model=\"lstm\"}";
    struct rig r;
    (void)state;
    run_change(&r, network, "cooldown: 30m, min_effect: 0.5, min_samples: 20", 60);
    ax_assert_close(last(&r, data_drifted), 1, 0);
    const double before = last(&r, since);
    rig_done(&r);
    run_change(&r, network, "cooldown: 30m, min_effect: 0.5, min_samples: 20", 900);
    ax_assert_close(last(&r, data_drifted), 0, 0);
    assert_true(last(&r, since) > before);
    assert_true(last(&r, "model_training_timestamp_seconds{for=\"load\",model=\"lstm\"}") < last(&r, since));
    rig_done(&r);
}

static void health_is_the_formula_of_its_header(void **state)
{
    struct ax_health h = {.ready = true, .accuracy = 0.9, .skill = 0.2};
    (void)state;
    ax_assert_close(ax_health_score(&h), 100, 0);
    h.accuracy = 0.4;
    ax_assert_close(ax_health_score(&h), 90, 1e-12);
    h.skill = -0.1;
    h.drifted[AX_DRIFT_TARGET] = true;
    h.data_share = 0.5;
    ax_assert_close(ax_health_score(&h), 60, 1e-12);
    h = (struct ax_health){.ready = false, .accuracy = NAN, .skill = NAN};
    ax_assert_close(ax_health_score(&h), 80, 0);
    h = (struct ax_health){.ready = true, .accuracy = 0.9, .skill = 0.2, .latency = 0.5};
    ax_assert_close(ax_health_score(&h), 100, 0);
    h.latency = 0.75;
    ax_assert_close(ax_health_score(&h), 90, 1e-12);
    h.latency = 2.5;
    ax_assert_close(ax_health_score(&h), 80, 0);
    h = (struct ax_health){
        .accuracy = 0, .skill = -1, .data_share = 1, .drifted = {true, true, true, true, true}, .latency = 9};
    ax_assert_close(ax_health_score(&h), 0, 0); /* 100 - 4 * 20 - 3 * 5 - 20 would be below */
}

/* Steps that take long are part of what is recorded of the next one, and of its health. */
static void steps_that_take_most_of_the_time_take_points_off(void **state)
{
    static const char health[] = "model_health_score{for=\"load\"}";
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, yaml);
    run(&r, &rng, 0, 240, 100, 5);
    const double before = last(&r, health);
    for (uint32_t i = 0; i < 100; i++) /* its mean follows within some steps */
        ax_job_count(r.pipeline->jobs[0], 0.8 * RIG_STEP / 1000, 0);
    run(&r, &rng, 240, 241, 100, 5);
    ax_assert_close(last(&r, health), before - 12, 0.5);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_that_moves_is_drift_of_data_target_and_forecast),
        cmocka_unit_test(errors_of_a_percent_that_double_are_told_and_for_a_while),
        cmocka_unit_test(errors_that_drift_have_the_weights_refreshed_once_before_the_schedule_would),
        cmocka_unit_test(distributions_are_cumulative_and_bounded),
        cmocka_unit_test(without_a_model_the_reference_is_the_past_and_a_change_ends),
        cmocka_unit_test(with_one_a_change_stays_until_a_model_that_has_learnt_it_serves),
        cmocka_unit_test(a_change_that_the_champion_takes_well_ends_with_the_trial_of_who_has_learnt_it),
        cmocka_unit_test(steps_that_take_most_of_the_time_take_points_off),
        cmocka_unit_test(health_is_the_formula_of_its_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
