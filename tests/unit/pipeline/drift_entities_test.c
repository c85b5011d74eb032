/* Drift of each entity of a job: who has moved is told by its own series, and those of the job stay. */
#include "ax_test.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "pipeline/pipeline_priv.h"
#include "prom/sample.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>

#define ENTITIES 4

/* What a job with features is built from; %s: keys of its drift. */
static void begin(struct rig *r, const char *keys)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof yaml,
                   "global: {evaluation_delay: 0s}\n"
                   "jobs:\n"
                   "  - name: node\n"
                   "    by: [instance]\n"
                   "    features: {cpu: cpu, memory: memory}\n"
                   "    anomaly: {}\n"
                   "    drift: {reference: 120, current: 40, interval: 1m%s}\n",
                   keys);
    rig_init(r, yaml);
}

/* Steps [from, to) of all entities but `without`; the cpu of entity `moved` is at another level. */
static void run(struct rig *r, struct ax_rng *rng, uint32_t from, uint32_t to, uint32_t moved,
                uint32_t without)
{
    for (uint32_t i = from; i < to; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        for (uint32_t k = 0; k < ENTITIES; k++) {
            char text[64];
            const double cpu = (k == moved ? 180 : 100) + 5 * ax_rng_normal(rng);
            const double memory = 50 + 5 * ax_rng_normal(rng);
            if (k == without)
                continue;
            (void)snprintf(text, sizeof text, "cpu{instance=\"i%u\"}", k);
            (void)rig_append(r, text, t_ms, cpu);
            (void)snprintf(text, sizeof text, "memory{instance=\"i%u\"}", k);
            (void)rig_append(r, text, t_ms, memory);
        }
        rig_run_to(r, t_ms);
    }
}

static const struct memory_series *of(const struct rig *r, const char *metric, const char *before, uint32_t k,
                                      const char *after)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%s{%sfor=\"node\",instance=\"i%u\"%s,per=\"entity\"%s}", metric,
                   before, k, *after == 'k' ? ",kind=\"data\"" : "", *after == 't' ? ",test=\"ks\"" : "");
    return memory_find(&r->sink, text);
}

static double last(const struct memory_series *s)
{
    assert_non_null(s);
    return s ? s->v[s->n - 1].value : 0;
}

static void who_has_moved_is_told_and_nobody_else(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    begin(&r, ", per: entity");
    run(&r, &rng, 0, 200, UINT32_MAX, UINT32_MAX);
    for (uint32_t k = 0; k < ENTITIES; k++)
        ax_assert_close(last(of(&r, "drifted_features", "", k, "")), 0, 0);
    run(&r, &rng, 200, 230, 2, UINT32_MAX);
    for (uint32_t k = 0; k < ENTITIES; k++) {
        ax_assert_close(last(of(&r, "drift_detected", "", k, "k")), k == 2, 0);
        ax_assert_close(last(of(&r, "drifted_features", "", k, "")), k == 2, 0);
        ax_assert_close(last(of(&r, "data_drift_score", "", k, "")), k == 2 ? 0.5 : 0, 0);
        assert_true((last(of(&r, "drift_score", "feature=\"cpu\",", k, "t")) > 0.5) == (k == 2));
        assert_true(last(of(&r, "drift_score", "feature=\"memory\",", k, "t")) < 0.4);
    }
    rig_done(&r);
}

/* The same samples with and without: the series of the job as a whole are the same. */
static void the_series_of_the_job_stay_as_they_are(void **state)
{
    struct rig r[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ax_rng rng;
        ax_rng_seed(&rng, 4);
        begin(&r[i], i ? ", per: entity" : "");
        run(&r[i], &rng, 0, 200, UINT32_MAX, UINT32_MAX);
        run(&r[i], &rng, 200, 240, 1, UINT32_MAX);
    }
    assert_int_equal(memory_count(&r[0].sink, "per=\"entity\""), 0);
    assert_true(memory_count(&r[1].sink, "per=\"entity\"") > 0);
    assert_int_equal(r[0].sink.n, r[1].sink.n - memory_count(&r[1].sink, "per=\"entity\""));
    for (uint32_t i = 0; i < r[0].sink.n; i++) {
        const struct memory_series *x = &r[0].sink.v[i], *y = memory_find(&r[1].sink, x->text);
        assert_non_null(y);
        assert_int_equal(x->n, y->n);
        for (uint32_t k = 0; k < x->n; k++)
            assert_true(ax_double_bits(x->v[k].value) == ax_double_bits(y->v[k].value));
    }
    rig_done(&r[0]);
    rig_done(&r[1]);
}

static void those_beyond_the_limit_are_counted(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    const double before = ax_metric_get(ax_metric(AX_M_DRIFT_UNTESTED, "node", NULL));
    begin(&r, ", per: entity, max_entities: 3");
    run(&r, &rng, 0, 120, UINT32_MAX, UINT32_MAX);
    assert_int_equal(memory_count(&r.sink, "drifted_features{for=\"node\",instance="), 3);
    const double untested = ax_metric_get(ax_metric(AX_M_DRIFT_UNTESTED, "node", NULL)) - before;
    assert_true(untested > 0 && fmod(untested, 2) == 0); /* two series, at each test */
    rig_done(&r);
}

static void one_that_goes_ends_and_makes_room(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    begin(&r, ", per: entity, max_entities: 3");
    run(&r, &rng, 0, 100, UINT32_MAX, UINT32_MAX);
    const struct memory_series *gone = of(&r, "drifted_features", "", 0, "");
    assert_non_null(gone);
    assert_null(of(&r, "drifted_features", "", 3, ""));
    run(&r, &rng, 100, 150, UINT32_MAX, 0); /* 5 min until it is stale, 5 more until it is over */
    gone = of(&r, "drifted_features", "", 0, "");
    assert_true(ax_is_stale(gone->v[gone->n - 1].value));
    assert_int_equal(gone->open_n, 0);
    ax_assert_close(last(of(&r, "drifted_features", "", 3, "")), 0, 0);
    rig_done(&r);
}

/* A scrape that fails is one stale marker of each series: nothing is lost, and nobody takes the place. */
static void one_whose_scrape_fails_once_goes_on(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    begin(&r, ", per: entity, max_entities: 3");
    run(&r, &rng, 0, 100, UINT32_MAX, UINT32_MAX);
    const int64_t t_ms = RIG_START + (int64_t)100 * RIG_STEP;
    (void)rig_append(&r, "cpu{instance=\"i0\"}", t_ms, ax_stale());
    (void)rig_append(&r, "memory{instance=\"i0\"}", t_ms, ax_stale());
    rig_run_to(&r, t_ms);
    run(&r, &rng, 101, 110, UINT32_MAX, UINT32_MAX);
    assert_null(of(&r, "drifted_features", "", 3, ""));
    const struct memory_series *s = of(&r, "drifted_features", "", 0, "");
    for (uint32_t i = 1; i < s->n; i++) {
        assert_false(ax_is_stale(s->v[i].value));
        assert_int_equal(s->v[i].t_ms - s->v[i - 1].t_ms, RIG_STEP);
    }
    assert_true(s->v[s->n - 1].t_ms == r.now_ms);
    rig_done(&r);
}

/* A job without `by`: an entity is a series of its expression. */
static void without_by_each_series_is_one(void **state)
{
    struct rig r;
    struct ax_rng rng;
    (void)state;
    ax_rng_seed(&rng, 4);
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs:\n"
                 "  - name: node\n"
                 "    expr: cpu\n"
                 "    forecast: {output: predicted_cpu, horizons: [15s]}\n"
                 "    drift: {reference: 120, current: 40, interval: 1m, per: entity}\n");
    run(&r, &rng, 0, 200, UINT32_MAX, UINT32_MAX);
    run(&r, &rng, 200, 230, 1, UINT32_MAX);
    for (uint32_t k = 0; k < ENTITIES; k++)
        ax_assert_close(last(of(&r, "data_drift_score", "", k, "")), k == 1, 0);
    assert_int_equal(memory_count(&r.sink, "drift_score{feature=\"residual\",for=\"node\",instance="),
                     ENTITIES * 4);
    assert_int_equal(memory_count(&r.sink, "drift_score{feature=\"prediction\",for=\"node\",instance="),
                     ENTITIES * 4);
    rig_done(&r);
}

/* Each is asked at every step until there is something to say; then so many a step as there is time for. */
static void many_that_become_ready_together_are_tested_in_turn(void **state)
{
    enum { MANY = 120, TESTS = 200 };
    struct rig r;
    struct ax_rng rng;
    uint32_t ready = 0, first = 0;
    (void)state;
    ax_rng_seed(&rng, 4);
    begin(&r, ", per: entity, max_entities: 1000");
    for (uint32_t i = 0; i < 60; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        for (uint32_t k = 0; k < 2 * MANY; k++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s{instance=\"i%u\"}", k % 2 ? "cpu" : "memory", k / 2);
            (void)rig_append(&r, text, t_ms, 100 + 5 * ax_rng_normal(&rng));
        }
        rig_run_to(&r, t_ms);
        const uint32_t now = memory_count(&r.sink, "drifted_features{for=\"node\",instance=");
        first = now && !first ? i : first;
        assert_true(now - ready <= TESTS / (2 * 2)); /* features, each with its errors */
        ready = now;
        if (first && i == first + 2)
            assert_int_equal(ready, MANY);
    }
    assert_int_equal(ready, MANY);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_that_become_ready_together_are_tested_in_turn),
        cmocka_unit_test(who_has_moved_is_told_and_nobody_else),
        cmocka_unit_test(the_series_of_the_job_stay_as_they_are),
        cmocka_unit_test(those_beyond_the_limit_are_counted),
        cmocka_unit_test(one_that_goes_ends_and_makes_room),
        cmocka_unit_test(one_whose_scrape_fails_once_goes_on),
        cmocka_unit_test(without_by_each_series_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
