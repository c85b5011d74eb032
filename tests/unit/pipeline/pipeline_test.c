/* The pipeline from samples to output series: labels, times, ends, ceilings, reloads, and no future. */
#include "ax_test.h"
#include "base/clock.h"
#include "base/rng.h"
#include "pipeline/pipeline.h"
#include "rig.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static double wave(uint32_t i)
{
    return 1000 + 300 * sin(i * 0.1) + 10 * ((i * 2654435761u) % 97) / 97.0;
}

static const char gauge_job[] = "global: {evaluation_delay: 0s}\n"
                                "jobs:\n"
                                "  - name: load\n"
                                "    expr: node_load1{job=\"node\"}\n"
                                "    forecast: {output: predicted_load, horizons: [15s, 1m]}\n"
                                "    anomaly: {}\n"
                                "    drift: {}\n";
#define GAUGE "node_load1{instance=\"a\",job=\"node\"}"
#define INPUT "instance=\"a\",job=\"node\",source=\"node_load1\"}"

static void feed(struct rig *r, const char *series, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        (void)rig_append(r, series, RIG_START + (int64_t)i * RIG_STEP, wave(i));
        rig_run_to(r, RIG_START + (int64_t)i * RIG_STEP);
    }
}

static void outputs_keep_the_labels_of_the_input_and_add_their_own(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 120);
    const char *expected[] = {
        "predicted_load{for=\"load\",horizon=\"15s\"," INPUT,
        "predicted_load_lower{for=\"load\",horizon=\"1m\"," INPUT,
        "predicted_load_upper{for=\"load\",horizon=\"1m\"," INPUT,
        "prediction_confidence{for=\"load\",horizon=\"15s\"," INPUT,
        "anomaly_score{for=\"load\"," INPUT,
        "anomaly_severity{for=\"load\"," INPUT,
        "anomaly_expected{for=\"load\"," INPUT,
        "prediction_accuracy{for=\"load\",horizon=\"15s\"}",
        "prediction_skill{for=\"load\",horizon=\"1m\"}",
        "drift_score{feature=\"target\",for=\"load\",test=\"ks\"}",
        "drift_score{feature=\"residual\",for=\"load\",test=\"psi\"}",
        "drift_detected{for=\"load\",kind=\"data\"}",
        "data_drift_score{for=\"load\"}",
        "model_ready{for=\"load\"}",
        "model_trained_timestamp_seconds{for=\"load\"}",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (!memory_find(&r.sink, expected[i]))
            fail_msg("no series %s", expected[i]);
    rig_done(&r);
}

static void a_rate_has_no_source_and_colliding_labels_are_exported(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"
                 "jobs: [{name: bandwidth, expr: 'rate(bytes_total[1m])', forecast: {horizons: [15s]}}]\n");
    for (uint32_t i = 0; i < 60; i++) {
        (void)rig_append(&r, "bytes_total{for=\"me\",horizon=\"far\"}", RIG_START + i * RIG_STEP, 100.0 * i);
        rig_run_to(&r, RIG_START + i * RIG_STEP);
    }
    assert_non_null(memory_find(&r.sink, "predicted_bandwidth{exported_for=\"me\",exported_horizon=\"far\","
                                         "for=\"bandwidth\",horizon=\"15s\",site=\"x\"}"));
    rig_done(&r);
}

static void timestamps_are_steps_and_rise_within_a_series(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 200);
    for (uint32_t i = 0; i < r.sink.n; i++)
        for (uint32_t k = 0; k < r.sink.v[i].n; k++) {
            assert_int_equal(r.sink.v[i].v[k].t_ms % RIG_STEP, 0);
            if (k)
                assert_true(r.sink.v[i].v[k].t_ms > r.sink.v[i].v[k - 1].t_ms);
        }
    rig_done(&r);
}

static void a_stale_marker_ends_the_outputs_at_that_step(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 100);
    (void)rig_append(&r, GAUGE, RIG_START + 100 * RIG_STEP, ax_stale());
    rig_run_to(&r, RIG_START + 100 * RIG_STEP);
    const struct memory_series *s =
        memory_find(&r.sink, "anomaly_score{for=\"load\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    assert_non_null(s);
    assert_true(ax_is_stale(s->v[s->n - 1].value));
    assert_int_equal(s->v[s->n - 1].t_ms, RIG_START + 100 * RIG_STEP);
    assert_int_equal(s->open_n, 0);
    rig_done(&r);
}

static void an_absent_series_ends_after_five_minutes_and_comes_back(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 100);
    /* Another series keeps the job's time going. */
    for (uint32_t i = 100; i < 160; i++) {
        (void)rig_append(&r, "node_load1{instance=\"b\",job=\"node\"}", RIG_START + i * RIG_STEP, wave(i));
        rig_run_to(&r, RIG_START + i * RIG_STEP);
    }
    const struct memory_series *s =
        memory_find(&r.sink, "anomaly_score{for=\"load\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    assert_true(ax_is_stale(s->v[s->n - 1].value));
    int64_t ended_ms = s->v[s->n - 1].t_ms;
    assert_true(ended_ms > RIG_START + 99 * RIG_STEP + 300000);
    assert_true(ended_ms <= RIG_START + 99 * RIG_STEP + 2 * 300000 + 2 * RIG_STEP);
    (void)rig_append(&r, GAUGE, RIG_START + 160 * RIG_STEP, wave(160));
    rig_run_to(&r, RIG_START + 160 * RIG_STEP);
    s = memory_find(&r.sink, "anomaly_score{for=\"load\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    assert_false(ax_is_stale(s->v[s->n - 1].value));
    assert_int_equal(s->v[s->n - 1].t_ms, RIG_START + 160 * RIG_STEP);
    rig_done(&r);
}

static bool same_bits(double a, double b)
{
    return ax_double_bits(a) == ax_double_bits(b);
}

static void the_future_does_not_change_the_past(void **state)
{
    (void)state;
    struct rig a, b;
    const uint32_t split = 400, end = 450;
    rig_init(&a, gauge_job);
    feed(&a, GAUGE, 0, end);
    rig_init(&b, gauge_job);
    for (uint32_t i = 0; i < end; i++) {
        (void)rig_append(&b, GAUGE, RIG_START + i * RIG_STEP, i < split ? wave(i) : 50 * wave(i + 31));
        rig_run_to(&b, RIG_START + i * RIG_STEP);
    }
    uint64_t compared = 0;
    for (uint32_t i = 0; i < a.sink.n; i++) {
        const struct memory_series *other = memory_find(&b.sink, a.sink.v[i].text);
        for (uint32_t k = 0; k < a.sink.v[i].n && a.sink.v[i].v[k].t_ms < RIG_START + split * RIG_STEP;
             k++, compared++) {
            assert_non_null(other);
            assert_int_equal(other->v[k].t_ms, a.sink.v[i].v[k].t_ms);
            if (!same_bits(other->v[k].value, a.sink.v[i].v[k].value))
                fail_msg("%s differs at step %u", a.sink.v[i].text, k);
        }
    }
    assert_true(compared > 5000);
    rig_done(&b);
    rig_done(&a);
}

static void its_own_output_coming_back_is_recognised(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    assert_int_equal(rig_append(&r, "predicted_load{for=\"load\",horizon=\"1m\"}", RIG_START, 1),
                     AX_FATE_OWN);
    assert_int_equal(rig_append(&r, "anomaly_score{for=\"load\"}", RIG_START, 1), AX_FATE_OWN);
    assert_int_equal(rig_append(&r, "anomaly_score{for=\"elsewhere\"}", RIG_START, 1), AX_FATE_UNWANTED);
    rig_done(&r);
}

static void ceilings_refuse_what_is_above_them(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: few, expr: m, max_series: 3, max_output_series: 5, anomaly: {}}]\n");
    for (uint32_t i = 0; i < 50; i++) {
        for (int k = 0; k < 10; k++) {
            char series[32];
            (void)snprintf(series, sizeof series, "m{i=\"%d\"}", k);
            (void)rig_append(&r, series, RIG_START + i * RIG_STEP, wave(i));
        }
        rig_run_to(&r, RIG_START + i * RIG_STEP);
    }
    struct ax_job_status status;
    char name[32];
    assert_true(ax_pipeline_job_status(r.pipeline, 0, name, sizeof name, &status));
    assert_int_equal(status.targets_n, 3);
    assert_int_equal(status.outputs_n, 5);
    assert_true(ax_metric_get(ax_metric(AX_M_JOB_TARGETS_REFUSED, "few", NULL)) > 0);
    assert_true(ax_metric_get(ax_metric(AX_M_JOB_OUTPUT_REFUSED, "few", NULL)) > 0);
    rig_done(&r);
}

static void entities_are_scored_over_their_features_and_explained(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: node, by: [instance], features: {cpu: cpu_ratio, memory: memory_ratio}, "
                 "anomaly: {}}]\n");
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    for (uint32_t i = 0; i < 700; i++) {
        bool fault = i >= 650 && i < 670;
        double noise = ax_rng_normal(&rng);
        (void)rig_append(&r, "cpu_ratio{instance=\"a\",core=\"all\"}", RIG_START + i * RIG_STEP,
                         0.3 + 0.01 * noise + (fault ? 0.6 : 0));
        (void)rig_append(&r, "memory_ratio{instance=\"a\"}", RIG_START + i * RIG_STEP,
                         0.5 + 0.01 * ax_rng_normal(&rng));
        rig_run_to(&r, RIG_START + i * RIG_STEP);
    }
    const struct memory_series *score = memory_find(&r.sink, "anomaly_score{for=\"node\",instance=\"a\"}");
    const struct memory_series *why =
        memory_find(&r.sink, "anomaly_contribution{feature=\"cpu\",for=\"node\",instance=\"a\"}");
    assert_non_null(score);
    assert_non_null(why);
    double worst = 0;
    for (uint32_t k = 0; k < score->n; k++)
        if (score->v[k].t_ms == RIG_START + 650 * RIG_STEP)
            worst = score->v[k].value;
    assert_true(worst > 1);
    bool named = false;
    for (uint32_t k = 0; k < why->n; k++)
        named = named || (why->v[k].t_ms == RIG_START + 650 * RIG_STEP && why->v[k].value > 0.5);
    assert_true(named);
    assert_true(ax_is_stale(why->v[why->n - 1].value)); /* it ends when the score comes down */
    rig_done(&r);
}

static void an_entity_ends_when_stale_markers_have_ended_its_features(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: node, by: [instance], features: {cpu: cpu_ratio, memory: memory_ratio}, "
                 "anomaly: {}}]\n");
    int64_t t_ms = RIG_START;
    for (uint32_t i = 0; i < 50; i++, t_ms += RIG_STEP) {
        (void)rig_append(&r, "cpu_ratio{instance=\"a\"}", t_ms, wave(i));
        (void)rig_append(&r, "memory_ratio{instance=\"a\"}", t_ms, wave(i + 5));
        rig_run_to(&r, t_ms);
    }
    (void)rig_append(&r, "cpu_ratio{instance=\"a\"}", t_ms, ax_stale());
    (void)rig_append(&r, "memory_ratio{instance=\"a\"}", t_ms, wave(50));
    rig_run_to(&r, t_ms);
    const struct memory_series *s = memory_find(&r.sink, "anomaly_score{for=\"node\",instance=\"a\"}");
    assert_non_null(s);
    assert_false(ax_is_stale(s->v[s->n - 1].value)); /* one feature is left */
    t_ms += RIG_STEP;
    (void)rig_append(&r, "memory_ratio{instance=\"a\"}", t_ms, ax_stale());
    rig_run_to(&r, t_ms);
    s = memory_find(&r.sink, "anomaly_score{for=\"node\",instance=\"a\"}");
    assert_true(ax_is_stale(s->v[s->n - 1].value));
    assert_int_equal(s->v[s->n - 1].t_ms, t_ms);
    rig_done(&r);
}

static void a_reload_keeps_what_did_not_change_and_ends_what_is_gone(void **state)
{
    (void)state;
    struct rig r;
    rig_init(
        &r,
        "global: {evaluation_delay: 0s}\n"
        "jobs:\n - {name: a, expr: node_load1, anomaly: {}}\n - {name: b, expr: node_load1, anomaly: {}}\n");
    feed(&r, GAUGE, 0, 100);
    rig_load(&r, "global: {evaluation_delay: 0s}\njobs:\n - {name: a, expr: node_load1, anomaly: {}}\n");
    const struct memory_series *gone =
        memory_find(&r.sink, "anomaly_score{for=\"b\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    assert_true(ax_is_stale(gone->v[gone->n - 1].value));
    feed(&r, GAUGE, 100, 110);
    const struct memory_series *kept =
        memory_find(&r.sink, "anomaly_score{for=\"a\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    for (uint32_t k = 0; k < kept->n; k++)
        assert_false(ax_is_stale(kept->v[k].value));
    assert_int_equal(kept->n, 110);
    struct ax_buf page;
    ax_buf_init(&page, 1 << 20);
    ax_metrics_write(&page);
    ax_buf_byte(&page, '\0');
    assert_non_null(strstr((char *)page.bytes, "auspex_job_steps_total{for=\"a\"}"));
    assert_null(strstr((char *)page.bytes, "auspex_job_steps_total{for=\"b\"}"));
    ax_buf_done(&page);
    rig_done(&r);
}

static void a_changed_job_goes_on_after_the_last_step_of_the_one_before(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "jobs: [{name: a, expr: node_load1, anomaly: {}}]\n");
    feed(&r, GAUGE, 0, 100);
    rig_load(&r, "jobs: [{name: a, expr: node_load1, anomaly: {false_alarm_rate: 0.01}}]\n");
    feed(&r, GAUGE, 100, 110);
    const struct memory_series *s =
        memory_find(&r.sink, "anomaly_score{for=\"a\",instance=\"a\",job=\"node\",source=\"node_load1\"}");
    assert_non_null(s);
    uint32_t ends = 0, steps = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        if (k)
            assert_true(s->v[k].t_ms > s->v[k - 1].t_ms);
        ends += ax_is_stale(s->v[k].value);
        steps += !ax_is_stale(s->v[k].value);
    }
    assert_int_equal(ends, 1);
    /* The default delay of 10 s makes a step due with the sample after it. None is missing, none is twice. */
    assert_int_equal(steps, (s->v[s->n - 1].t_ms - s->v[0].t_ms) / RIG_STEP + 1);
    rig_done(&r);
}

static void a_config_that_does_not_build_changes_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 50);
    struct ax_diag diag = {{0}};
    struct ax_config *bad = rig_config("jobs: [{name: load, expr: 'topk(3, node_load1)', anomaly: {}}]\n");
    assert_int_not_equal(ax_pipeline_load(r.pipeline, bad, &diag), AX_OK);
    assert_non_null(strstr(diag.text, "job load"));
    ax_config_free(bad);
    uint32_t before = r.sink.n;
    feed(&r, GAUGE, 50, 60);
    assert_int_equal(r.sink.n, before);
    struct ax_job_status status;
    char name[32];
    assert_true(ax_pipeline_job_status(r.pipeline, 0, name, sizeof name, &status));
    assert_int_equal(status.last_step_ms, RIG_START + 59 * RIG_STEP);
    rig_done(&r);
}

/* What else a config puts in force: counts, and may refuse. */
struct rest {
    uint32_t asked;
    const struct ax_config *now, *next;
    bool refuses;
};

static enum ax_err enact(void *ctx, const struct ax_config *now, const struct ax_config *next,
                         struct ax_diag *diag)
{
    struct rest *r = ctx;
    r->asked++;
    r->now = now;
    r->next = next;
    return r->refuses ? ax_fail(diag, AX_IO, "the rest cannot be had") : AX_OK;
}

static void what_else_a_config_says_is_enacted_with_its_jobs_or_not_at_all(void **state)
{
    (void)state;
    struct rig r;
    struct rest rest = {0};
    struct ax_diag diag = {{0}};
    struct ax_job_status status;
    char name[32];
    rig_init(&r, gauge_job);
    feed(&r, GAUGE, 0, 50);
    /* Jobs that cannot be built: the rest is not touched. */
    struct ax_config *bad = rig_config("jobs: [{name: load, expr: 'topk(3, node_load1)', anomaly: {}}]\n");
    assert_int_not_equal(ax_pipeline_load_with(r.pipeline, bad, enact, &rest, &diag), AX_OK);
    assert_int_equal(rest.asked, 0);
    ax_config_free(bad);
    /* A rest that cannot be had: neither the job that is new nor the lack of the old one is in force. */
    rest.refuses = true;
    struct ax_config *next = rig_config("jobs: [{name: other, expr: node_load1, anomaly: {}}]\n");
    assert_int_equal(ax_pipeline_load_with(r.pipeline, next, enact, &rest, &diag), AX_IO);
    assert_string_equal(diag.text, "the rest cannot be had");
    assert_int_equal(rest.asked, 1);
    assert_ptr_equal(rest.next, next);
    uint32_t before = r.sink.n;
    feed(&r, GAUGE, 50, 60);
    assert_int_equal(r.sink.n, before);
    assert_true(ax_pipeline_job_status(r.pipeline, 0, name, sizeof name, &status));
    assert_string_equal(name, "load");
    assert_int_equal(status.last_step_ms, RIG_START + 59 * RIG_STEP);
    /* Both can be had. */
    rest.refuses = false;
    const struct ax_config *of_before = rest.now;
    assert_int_equal(ax_pipeline_load_with(r.pipeline, next, enact, &rest, &diag), AX_OK);
    assert_ptr_equal(rest.now, of_before);
    assert_true(ax_pipeline_job_status(r.pipeline, 0, name, sizeof name, &status));
    assert_string_equal(name, "other");
    rig_done(&r);
}

/* Asks for the status in the middle of a step. */
static void ask_status(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                       const struct ax_labels *labels, int64_t t_ms, const struct ax_window *window,
                       const struct ax_forecast_spec *spec, const struct ax_forecast *forecast)
{
    struct rig *r = ctx;
    struct ax_job_status status;
    char name[32];
    (void)job, (void)feature, (void)labels, (void)window, (void)spec, (void)forecast;
    assert_true(ax_pipeline_job_status(r->pipeline, 0, name, sizeof name, &status));
    assert_string_equal(name, "load");
    assert_true(status.last_step_ms == INT64_MIN || status.last_step_ms == t_ms - RIG_STEP);
}

static void the_status_does_not_wait_for_a_step(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, gauge_job);
    ax_pipeline_free(r.pipeline);
    const struct ax_observer observer = {.ctx = &r, .step = ask_status};
    r.pipeline = ax_pipeline_new(&(struct ax_pipeline_options){.db = r.db,
                                                               .sink = memory_sink(&r.sink),
                                                               .observer = &observer,
                                                               .clock = ax_clock_virtual(&r.now_ms),
                                                               .max_range_ms = 3600000,
                                                               .seed = 42});
    rig_load(&r, gauge_job);
    feed(&r, GAUGE, 0, 5);
    rig_done(&r);
}

static atomic_bool asking;
static _Atomic uint64_t answered;

static void *ask_whether_own(void *pipeline)
{
    struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("anomaly_score")},
                           {ax_str("for"), ax_str("load")}};
    const struct ax_labels ls = {2, v};
    bool own = true; /* one job of that name is there at any moment */
    while (atomic_load(&asking)) {
        own = own && ax_pipeline_is_own(pipeline, &ls);
        (void)atomic_fetch_add(&answered, 1);
    }
    return own ? pipeline : NULL;
}

static void the_loop_guard_can_be_asked_while_configs_come_and_go(void **state)
{
    (void)state;
    struct rig r;
    pthread_t thread;
    rig_init(&r, gauge_job);
    atomic_store(&asking, true);
    assert_int_equal(pthread_create(&thread, NULL, ask_whether_own, r.pipeline), 0);
    while (atomic_load(&answered) == 0) /* both are at it before the configs change */
        ax_sleep_ns(100000);
    for (int i = 0; i < 500; i++)
        rig_load(&r, i % 2 ? gauge_job : "jobs: [{name: load, expr: node_load5, anomaly: {}}]\n");
    atomic_store(&asking, false);
    void *asked;
    assert_int_equal(pthread_join(thread, &asked), 0);
    assert_non_null(asked);
    rig_done(&r);
}

/* Step i of a job in which series from to to-1 have values. */
static void feed_many(struct rig *r, uint32_t i, int from, int to)
{
    for (int k = from; k < to; k++) {
        char series[32];
        (void)snprintf(series, sizeof series, "m{pod=\"%d\"}", k);
        (void)rig_append(r, series, RIG_START + (int64_t)i * RIG_STEP, wave(i + (uint32_t)k));
    }
    rig_run_to(r, RIG_START + (int64_t)i * RIG_STEP);
}

static void drift_goes_on_when_all_series_have_been_replaced(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: pods, expr: m, drift: {reference: 30, current: 30, interval: 15s}}]\n");
    for (uint32_t i = 0; i < 70; i++)
        feed_many(&r, i, 0, 70);
    for (uint32_t i = 70; i < 120; i++) /* the old ones are absent for more than 5 minutes */
        feed_many(&r, i, 100, 101);
    for (uint32_t i = 120; i < 200; i++)
        feed_many(&r, i, 200, 203);
    const struct memory_series *s =
        memory_find(&r.sink, "drift_score{feature=\"target\",for=\"pods\",test=\"ks\"}");
    assert_non_null(s);
    assert_int_equal(s->v[s->n - 1].t_ms, RIG_START + 199 * RIG_STEP);
    rig_done(&r);
}

static void emit_chooses_the_outputs(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs: [{name: x, expr: node_load1, emit: [anomaly_score, predicted_x_upper], anomaly: {}, "
                 "forecast: {output: predicted_x, horizons: [1m]}}]\n");
    feed(&r, GAUGE, 0, 60);
    assert_int_equal(r.sink.n, 2);
    assert_int_equal(memory_count(&r.sink, "anomaly_score"), 1);
    assert_int_equal(memory_count(&r.sink, "predicted_x_upper"), 1);
    rig_done(&r);
}

static void a_slow_job_repeats_its_results_once_a_minute(void **state)
{
    (void)state;
    struct rig r;
    rig_init(
        &r,
        "global: {step: 5m, evaluation_delay: 0s}\njobs: [{name: slow, expr: node_load1, anomaly: {}}]\n");
    int64_t start = RIG_START - RIG_START % 300000;
    for (uint32_t i = 0; i < 3; i++) {
        (void)rig_append(&r, GAUGE, start + i * 300000, wave(i));
        rig_run_to(&r, start + i * 300000);
    }
    const char *info = "model_info{for=\"slow\",role=\"champion\",version=\"" AX_VERSION "\"}";
    uint32_t before = memory_find(&r.sink, info)->n;
    r.now_ms += 59999; /* not yet a minute */
    ax_pipeline_repeat(r.pipeline);
    assert_int_equal(memory_find(&r.sink, info)->n, before);
    r.now_ms += 1;
    ax_pipeline_repeat(r.pipeline);
    const struct memory_series *s = memory_find(&r.sink, info);
    assert_int_equal(s->n, before + 1);
    assert_int_equal(s->v[s->n - 1].t_ms, r.now_ms);
    r.now_ms = start + 3 * 300000; /* the next step's time: whatever comes now belongs to it */
    ax_pipeline_repeat(r.pipeline);
    assert_int_equal(memory_find(&r.sink, info)->n, before + 1);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_keep_the_labels_of_the_input_and_add_their_own),
        cmocka_unit_test(a_rate_has_no_source_and_colliding_labels_are_exported),
        cmocka_unit_test(timestamps_are_steps_and_rise_within_a_series),
        cmocka_unit_test(a_stale_marker_ends_the_outputs_at_that_step),
        cmocka_unit_test(an_absent_series_ends_after_five_minutes_and_comes_back),
        cmocka_unit_test(the_future_does_not_change_the_past),
        cmocka_unit_test(its_own_output_coming_back_is_recognised),
        cmocka_unit_test(ceilings_refuse_what_is_above_them),
        cmocka_unit_test(entities_are_scored_over_their_features_and_explained),
        cmocka_unit_test(an_entity_ends_when_stale_markers_have_ended_its_features),
        cmocka_unit_test(a_reload_keeps_what_did_not_change_and_ends_what_is_gone),
        cmocka_unit_test(a_changed_job_goes_on_after_the_last_step_of_the_one_before),
        cmocka_unit_test(a_config_that_does_not_build_changes_nothing),
        cmocka_unit_test(what_else_a_config_says_is_enacted_with_its_jobs_or_not_at_all),
        cmocka_unit_test(the_status_does_not_wait_for_a_step),
        cmocka_unit_test(the_loop_guard_can_be_asked_while_configs_come_and_go),
        cmocka_unit_test(drift_goes_on_when_all_series_have_been_replaced),
        cmocka_unit_test(emit_chooses_the_outputs),
        cmocka_unit_test(a_slow_job_repeats_its_results_once_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
