/* A job of latencies learns an LSTM autoencoder beside it: a course in an order that never was is an anomaly
 * of its entity and of no other, though every value of it is usual, and its feature is named; and a job that
 * was saved and read goes on with it as if nothing had been. What the features find by themselves it does not
 * learn. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "group.h"
#include "pipeline/entity_points.h"
#include "scratch.h"

#include <math.h>

#define STEP 15000LL
#define START (113333333LL * STEP)
#define STEPS 340
#define BROKEN 300 /* from here on "a" compacts at other times, as long and as slow as ever */
#define RESTART 250
#define PERIOD 12

/* At the default rate the level of a model as young as this one is about as high as such a course scores. */
static const char yaml[] = "global: {step: 15s, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: consensus\n"
                           "    by: [instance]\n"
                           "    features: {fsync: fsync, commit: commit}\n"
                           "    anomaly: {model: latency, false_alarm_rate: 0.003}\n"
                           "    window: {fine: 240, coarse: 60}\n";

/* Milliseconds: slow for 3 steps of every 12, and never exactly. */
static double latency(struct ax_rng *rng, uint32_t at)
{
    return (at % PERIOD < 3 ? 16 : 4) * exp(0.05 * ax_rng_normal(rng));
}

static void step(struct entity_rig *r, uint32_t i)
{
    static const char *const features[] = {"fsync", "commit"};
    for (uint32_t e = 0; e < 2; e++)
        for (uint32_t f = 0; f < 2; f++) {
            struct ax_rng rng;
            ax_rng_seed(&rng, i * 4 + e * 2 + f);
            bool broken = e == 0 && f == 1 && i >= BROKEN;
            entity_rig_append(r, features[f], e ? "b" : "a", START + i * STEP,
                              latency(&rng, broken ? i + 5 * (i / 4) : i + 4 * e));
        }
    entity_rig_step(r, START + i * STEP);
}

static double largest(const struct entity_rig *r, const char *text, uint32_t from)
{
    return entity_rig_largest(r, text, START + from * STEP, START + STEPS * STEP);
}

static void an_order_that_never_was_is_found_in_its_entity_and_its_feature_is_named(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], snapshots[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    scratch_make(snapshots, "snapshots");
    entity_rig_init(&r, yaml, dir);
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i == RESTART)
            entity_rig_restart(&r, snapshots, i);
        step(&r, i);
    }
    assert_int_equal(r.swaps, 1); /* what was read serves: no fit is needed */
    assert_true(largest(&r, "model_training_samples{for=\"consensus\",model=\"latency\"}", RESTART) > 200);
    assert_true(largest(&r, "anomaly_score{for=\"consensus\",instance=\"a\"}", BROKEN) > 1);
    assert_true(largest(&r, "anomaly_score{for=\"consensus\",instance=\"b\"}", BROKEN - 60) < 1);
    assert_true(largest(&r, "anomaly_contribution{feature=\"commit\",for=\"consensus\",instance=\"a\"}",
                        BROKEN) > 0.5);
    entity_rig_done(&r);
    scratch_remove(dir);
    scratch_remove(snapshots);
}

/* Does a step teach the model, at which it finds nothing, and the features by themselves so much? */
static bool teaches(struct entity_rig *r, double features)
{
    const struct ax_learner *l = &r->job->ensemble_learner;
    struct ax_entity *e = r->job->first;
    struct ax_answer answer = {.ensemble = l->live->model, .learnt_ms = l->live->scores.until_ms};
    const struct ax_asked asked = {.n = 1, .entities = &e, .answers = &answer};
    e->verdict = (struct ax_verdict){.ready = true, .score = features};
    return !ax_entity_hear(r->job, e, &asked, 0);
}

/* Marks of the newest n steps of "a" as they are learnt from, the newest last. */
static void read_marks(struct entity_rig *r, uint32_t n, uint8_t *marks)
{
    struct ax_past_copy copy;
    const int64_t now_ms = ax_job_stepped_ms(r->job);
    assert_int_equal(ax_entities_copy(r->job, now_ms, AX_FIT_MANUAL, 64u << 20, &copy), AX_OK);
    const struct ax_ensemble_past *past = copy.data;
    const struct ax_ensemble_segment *s = &past->data.segments[0];
    assert_true(s->n >= n && s->newest && s->end_ms == now_ms);
    memcpy(marks, past->data.marks + s->first + s->n - n, n);
    ax_latency_kind.free_data(copy.data);
}

static void what_features_find_and_what_is_next_to_it_is_not_learnt(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    uint8_t marks[40];
    scratch_make(dir, NULL);
    entity_rig_init(&r, yaml, dir);
    for (uint32_t i = 0; i < 260; i++)
        step(&r, i);
    assert_non_null(r.job->ensemble_learner.live);
    assert_true(teaches(&r, 0.5));
    assert_false(teaches(&r, 1.1)); /* though both together are not above 1 */
    for (uint32_t f = 0; f < 2; f++) {
        entity_rig_append(&r, f ? "commit" : "fsync", "a", START + 260 * STEP, 4000);
        entity_rig_append(&r, f ? "commit" : "fsync", "b", START + 260 * STEP, 4);
    }
    entity_rig_step(&r, START + 260 * STEP);
    for (uint32_t i = 261; i < 290; i++)
        step(&r, i);
    read_marks(&r, 40, marks); /* of steps 250 to 289 */
    for (uint32_t i = 7; i <= 13; i++)
        assert_int_equal(marks[i], AX_POINT_FLAGGED);
    assert_int_equal(marks[6], AX_POINT_USUAL);
    assert_int_equal(marks[39], AX_POINT_USUAL);
    entity_rig_done(&r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_that_never_was_is_found_in_its_entity_and_its_feature_is_named),
        cmocka_unit_test(what_features_find_and_what_is_next_to_it_is_not_learnt),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
