/* What a challenger says of each series is sent while it is tried, and no longer; of no more series than it
 * may; and a job that was saved and read in the middle of a trial goes on as if nothing had been. */
#include "ax_test.h"
#include "base/metrics.h"
#include "entity_rig.h"
#include "group.h"
#include "pipeline/job_priv.h"
#include "prom/sample.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>

#define START INT64_C(1700000100000) /* a multiple of 5 min */
#define STEPS 240
#define CHANGED 70
#define SERIES 4

#define FORECAST_JOB(more)                                                                                   \
    "jobs:\n"                                                                                                \
    "  - name: load\n"                                                                                       \
    "    expr: x\n"                                                                                          \
    "    evaluation_delay: 0s\n"                                                                             \
    "    window: {fine: 60, coarse: 60}\n"                                                                   \
    "    models: {min_samples: 20, watch_samples: 48" more "}\n"                                             \
    "    forecast: {horizons: [15s, 30s], lstm: {preset: internet, sequence: 3, epochs: 6}}\n"

static const char entity_job[] =
    "global: {step: 5m, evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: load\n"
    "    by: [instance]\n"
    "    features: {x: x, y: y}\n"
    "    window: {fine: 200, coarse: 300}\n"
    "    models: {min_samples: 400, watch_samples: 20}\n"
    "    anomaly: {model: ensemble, ensemble: {retrain: 4h, members: [pca, kmeans]}}\n";

static double value_of(uint32_t series, uint32_t i)
{
    const double noise = (double)((i * 7919 + series * 104729) % 101) / 50;
    return i < CHANGED ? 100 + 30 * sin(0.5 * i + series) + noise
                       : 300 + ((i + series) % 5 < 2 ? -90 : 90) + noise;
}

static void run(struct entity_rig *r, uint32_t i, bool entities)
{
    char name[8];
    for (uint32_t s = 0; s < SERIES; s++) {
        (void)snprintf(name, sizeof name, "%u", s);
        entity_rig_append(r, "x", name, START + i * r->step_ms, value_of(s, i));
        if (entities)
            entity_rig_append(r, "y", name, START + i * r->step_ms, value_of(s + 7, i));
    }
    entity_rig_step(r, START + i * r->step_ms);
}

static const struct memory_series *phase_of(const struct entity_rig *r, const char *model, const char *phase)
{
    char name[128];
    (void)snprintf(name, sizeof name, "model_phase{for=\"load\",model=\"%s\",phase=\"%s\"}", model, phase);
    const struct memory_series *s = memory_find(&r->sink, name);
    if (!s)
        fail_msg("there is no %s", name);
    return s;
}

/* Steps at which that was its phase. */
static uint32_t steps_in(const struct entity_rig *r, const char *model, const char *phase)
{
    const struct memory_series *s = phase_of(r, model, phase);
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->n; k++)
        n += s->v[k].value > 0;
    return n;
}

/* Was the model in shadow at that time? */
static bool is_tried(const struct memory_series *shadow, int64_t t_ms)
{
    for (uint32_t k = 0; k < shadow->n; k++)
        if (shadow->v[k].t_ms == t_ms)
            return shadow->v[k].value > 0;
    return false;
}

/* There is a sample at each step of a trial and none at others but the marker that ends the series; returns
 * how many there are. */
static uint32_t require_tried_only(const struct entity_rig *r, const char *text,
                                   const struct memory_series *shadow)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    uint32_t said = 0, ends = 0;
    if (!s)
        fail_msg("there is no %s", text);
    for (uint32_t k = 0; k < s->n; k++) {
        const bool tried = is_tried(shadow, s->v[k].t_ms);
        if (tried != isfinite(s->v[k].value))
            fail_msg("%s: %g at %lld", text, s->v[k].value, (long long)s->v[k].t_ms);
        said += tried;
        ends += ax_is_stale(s->v[k].value);
    }
    assert_true(ends > 0);
    return said;
}

static void it_forecasts_each_series_in_shadow_and_falls_silent_when_that_is_over(void **state)
{
    char dir[SCRATCH_PATH], text[128];
    struct entity_rig r;
    (void)state;
    scratch_make(dir, NULL);
    entity_rig_init(&r, FORECAST_JOB(""), dir);
    for (uint32_t i = 0; i < STEPS; i++)
        run(&r, i, false);
    const struct memory_series *shadow = phase_of(&r, "lstm", "shadow");
    const uint32_t steps = steps_in(&r, "lstm", "shadow");
    assert_true(steps >= 20 && steps_in(&r, "lstm", "watch") > 0);
    for (uint32_t s = 0; s < SERIES; s++) {
        for (int horizon = 15; horizon <= 30; horizon += 15) {
            (void)snprintf(
                text, sizeof text,
                "predicted_load_challenger{for=\"load\",horizon=\"%ds\",instance=\"%u\",role=\"challenger\","
                "source=\"x\"}",
                horizon, s);
            assert_int_equal(require_tried_only(&r, text, shadow), steps);
        }
    }
    assert_int_equal(memory_count(&r.sink, "predicted_load{for=\"load\",horizon=\"15s\",instance=\"0\""), 1);
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void of_series_beyond_the_most_it_is_counted_what_is_not_said(void **state)
{
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    (void)state;
    struct ax_cell *unsent = ax_metric(AX_M_CHALLENGER_UNSENT, "load", NULL);
    const double before = ax_metric_get(unsent);
    scratch_make(dir, NULL);
    entity_rig_init(&r, FORECAST_JOB(", max_shadow_series: 3"), dir);
    for (uint32_t i = 0; i < STEPS; i++)
        run(&r, i, false);
    const uint32_t steps = steps_in(&r, "lstm", "shadow");
    assert_int_equal(memory_count(&r.sink, "role=\"challenger\",source=\"x\"}"), 3 * 2);
    assert_int_equal(memory_count(&r.sink, "instance=\"3\",role=\"challenger\""), 0);
    ax_assert_close(ax_metric_get(unsent) - before, steps * 2.0, 0);
    entity_rig_done(&r);
    scratch_remove(dir);
}

#define PRECISION "model_comparison_average_precision{for=\"load\",model=\"ensemble\",role=\"challenger\"}"

/* People say of a point in 16 that it was an incident. */
static void tell_of_incidents(struct entity_rig *r)
{
    for (struct ax_entity *e = r->job->first; e; e = e->next)
        for (uint32_t i = 0; i < 500; i += 16) {
            const int64_t t_ms = START + i * r->step_ms;
            const struct ax_lesson_range lesson = {
                .id = i + 1, .verdict = AX_LESSON_MISSED, .from_ms = t_ms, .to_ms = t_ms};
            assert_int_equal(ax_said_add(&e->said, &lesson), AX_OK);
        }
}

static void an_ensemble_in_shadow_scores_each_entity_that_it_knows(void **state)
{
    struct entity_twins t;
    char text[128];
    (void)state;
    entity_twins_init(&t, entity_job);
    for (uint32_t i = 0; i < 500; i++) {
        if (i % 50 == 49)
            entity_twins_restart(&t, i);
        run(&t.a, i, true);
        run(&t.b, i, true);
        if (i == 300) {
            tell_of_incidents(&t.a);
            tell_of_incidents(&t.b);
        }
    }
    assert_true(entity_rig_largest(&t.a, PRECISION, START, START + 500 * t.a.step_ms) > 0);
    for (uint32_t s = 0; s < SERIES; s++) {
        (void)snprintf(text, sizeof text,
                       "anomaly_score_challenger{for=\"load\",instance=\"%u\",role=\"challenger\"}", s);
        assert_true(require_tried_only(&t.a, text, phase_of(&t.a, "ensemble", "shadow")) > 10);
    }
    entity_twins_done(&t);
}

static void a_job_that_was_saved_and_read_in_a_trial_goes_on_with_it(void **state)
{
    static const char yaml[] = FORECAST_JOB(", max_shadow_series: 3");
    struct entity_twins t;
    uint32_t steps[AX_PHASES] = {0}, restarts[AX_PHASES] = {0};
    (void)state;
    entity_twins_init(&t, yaml);
    for (uint32_t i = 0; i < STEPS; i++) {
        const enum ax_phase phase = t.a.job->learners->roles.phase;
        const uint32_t n = ++steps[phase];
        if (phase != AX_PHASE_NONE && (n == 9 || n == 16 || n == 17 || n == 32)) {
            entity_twins_restart(&t, i);
            assert_int_equal(t.b.job->learners->roles.phase, phase);
            restarts[phase]++;
        }
        run(&t.a, i, false);
        run(&t.b, i, false);
    }
    assert_true(restarts[AX_PHASE_SHADOW] >= 3 && restarts[AX_PHASE_WATCH] >= 3);
    assert_true(steps_in(&t.a, "lstm", "shadow") > 0 && steps_in(&t.a, "lstm", "watch") > 0);
    assert_true(memory_count(&t.a.sink, "role=\"challenger\",source=\"x\"}") > 0);
    entity_twins_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_forecasts_each_series_in_shadow_and_falls_silent_when_that_is_over),
        cmocka_unit_test(of_series_beyond_the_most_it_is_counted_what_is_not_said),
        cmocka_unit_test(an_ensemble_in_shadow_scores_each_entity_that_it_knows),
        cmocka_unit_test(a_job_that_was_saved_and_read_in_a_trial_goes_on_with_it),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
