/* What a job's guards do not ask for is no anomaly of its entities either, whichever of the detectors sees
 * it: not when all features do it at once, not to an ensemble, and not after somebody said that something was
 * missed; what they ask for is one, with its direction, once it has lasted. */
#include "ax_test.h"
#include "base/rng.h"
#include "entity_rig.h"
#include "group.h"
#include "scratch.h"

#include <math.h>
#include <stdio.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define STEPS 318
#define BROKEN 300 /* from here on the features of "a" are elsewhere */
#define FEATURES 4

#define JOB(model, guards)                                                                                   \
    "global: {step: 5m, evaluation_delay: 0s}\n"                                                             \
    "jobs:\n"                                                                                                \
    "  - name: node\n"                                                                                       \
    "    by: [instance]\n"                                                                                   \
    "    features: {cpu: cpu, net: net, disk: disk, queue: queue}\n"                                         \
    "    anomaly: {model: " model ", " guards ", ensemble: {members: [covariance, pca, kmeans]}}\n"          \
    "    window: {fine: 200, coarse: 300}\n"

#define SCORE "anomaly_score{for=\"node\",instance=\"a\"}"

/* All features of three entities for so many steps, each noise about a level of its own; from BROKEN on all
 * of "a" are `by` times as high. */
static void run(struct entity_rig *r, const char *yaml, const char *dir, double by)
{
    static const char *const features[FEATURES] = {"cpu", "net", "disk", "queue"};
    struct ax_rng rng;
    ax_rng_seed(&rng, 7);
    entity_rig_init(r, yaml, dir);
    for (uint32_t i = 0; i < STEPS; i++) {
        for (uint32_t e = 0; e < 3; e++) {
            const char instance[] = {(char)('a' + e), 0};
            for (uint32_t f = 0; f < FEATURES; f++) {
                double value = 100 * (e + 1.0) * (f + 1.0) * (1 + 0.02 * ax_rng_normal(&rng));
                entity_rig_append(r, features[f], instance, START + i * STEP,
                                  e == 0 && i >= BROKEN ? value * by : value);
            }
        }
        entity_rig_step(r, START + i * STEP);
    }
}

static double most(const struct entity_rig *r, const char *text, uint32_t from, uint32_t to)
{
    return entity_rig_largest(r, text, START + from * STEP, START + to * STEP);
}

/* The highest score of "a" once its features are `by` times as high, and the direction of it. */
static double score_of(const char *yaml, double by, double *direction, double *vote)
{
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    run(&r, yaml, dir, by);
    double score = most(&r, SCORE, BROKEN, STEPS);
    *direction = most(&r, "anomaly_direction{for=\"node\",instance=\"a\"}", BROKEN, STEPS);
    *vote = most(&r, "anomaly_vote{for=\"node\",instance=\"a\"}", BROKEN, STEPS);
    entity_rig_done(&r);
    scratch_remove(dir);
    return score;
}

static void all_features_that_fall_are_no_anomaly_to_who_asks_for_what_rises(void **state)
{
    (void)state;
    double direction, vote;
    static const char *const jobs[] = {JOB("features", "detection_direction: above_expected"),
                                       JOB("ensemble", "detection_direction: above_expected")};
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(score_of(jobs[i], 0.4, &direction, &vote) <= 1);
        assert_true(direction == 0 && vote == 0);
        assert_true(score_of(jobs[i], 1.6, &direction, &vote) > 1.5);
        assert_true(direction == 1 && vote > 0.5);
    }
    assert_true(score_of(JOB("ensemble", "detection_direction: both"), 0.4, &direction, &vote) > 1.5);
}

static void deviations_below_the_least_are_no_anomaly_however_many_they_are(void **state)
{
    (void)state;
    double direction, vote;
    static const char *const jobs[] = {JOB("features", "min_rel_dev_from_expected: 0.7"),
                                       JOB("ensemble", "min_rel_dev_from_expected: 0.7")};
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(score_of(jobs[i], 1.6, &direction, &vote) <= 1);
        assert_true(score_of(jobs[i], 2.5, &direction, &vote) > 1.5);
    }
}

static void an_entity_is_abnormal_once_it_has_lasted_and_no_sooner(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    scratch_make(dir, NULL);
    run(&r, JOB("features", "min_duration: 50m"), dir, 1.6);
    assert_true(most(&r, SCORE, BROKEN, BROKEN + 9) <= 1);
    assert_true(most(&r, SCORE, BROKEN + 9, BROKEN + 10) > 1); /* not ten steps after its features' ten */
    entity_rig_done(&r);
    scratch_remove(dir);
}

static void the_named_features_share_the_score_among_them(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct entity_rig r;
    static const char *const features[FEATURES] = {"cpu", "disk", "net", "queue"};
    scratch_make(dir, NULL);
    run(&r, JOB("ensemble", "contributions: 2"), dir, 1.6);
    uint32_t abnormal = 0;
    for (uint32_t i = BROKEN; i < STEPS; i++) {
        double sum = 0;
        uint32_t named = 0;
        if (!(most(&r, SCORE, i, i + 1) > 1))
            continue;
        abnormal++;
        for (uint32_t f = 0; f < FEATURES; f++) {
            char text[128];
            (void)snprintf(text, sizeof text,
                           "anomaly_contribution{feature=\"%s\",for=\"node\",instance=\"a\"}", features[f]);
            const struct memory_series *s = memory_find(&r.sink, text);
            for (uint32_t k = 0; s && k < s->n; k++)
                if (s->v[k].t_ms == START + i * STEP && !isnan(s->v[k].value)) {
                    sum += s->v[k].value;
                    named++;
                }
        }
        assert_true(named == 2);
        ax_assert_close(sum, 1, 1e-9);
    }
    assert_true(abnormal > 5);
    entity_rig_done(&r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_features_that_fall_are_no_anomaly_to_who_asks_for_what_rises),
        cmocka_unit_test(deviations_below_the_least_are_no_anomaly_however_many_they_are),
        cmocka_unit_test(an_entity_is_abnormal_once_it_has_lasted_and_no_sooner),
        cmocka_unit_test(the_named_features_share_the_score_among_them),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
