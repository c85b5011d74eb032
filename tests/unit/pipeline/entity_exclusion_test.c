/* A past window that is excluded afterwards, or was an incident, is taken out of what an ensemble learnt
 * from: it is fitted again soon, without these points, and with them once that is revoked. */
#include "ax_test.h"
#include "base/rng.h"
#include "math/blas.h"
#include "pipeline/lesson.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define LESSON 230 /* steps; a fit was at 150, the next is due at about 300 */
#define REVOKED 275

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: node\n"
                           "    by: [instance]\n"
                           "    features: {cpu: cpu, net: net, disk: disk}\n"
                           "    anomaly: {ensemble: {members: [forest, pca]}}\n"
                           "    models: {watch_samples: 0}\n"
                           "    window: {fine: 400, coarse: 400}\n";

static void run(struct rig *r, uint32_t from, uint32_t to)
{
    static const char *const features[] = {"cpu", "net", "disk"};
    for (uint32_t i = from; i < to; i++) {
        for (uint32_t e = 0; e < 2; e++)
            for (uint32_t f = 0; f < 3; f++) {
                struct ax_rng rng;
                char series[64];
                ax_rng_seed(&rng, i * 6 + e * 3 + f);
                (void)snprintf(series, sizeof series, "%s{instance=\"%c\"}", features[f], (char)('a' + e));
                (void)rig_append(r, series, START + i * STEP,
                                 (10 + sin(i * 0.1)) * (1 + f) + 0.2 * ax_rng_normal(&rng));
            }
        rig_run_to(r, START + i * STEP);
    }
}

/* Newest value of an output. */
static double newest(const struct rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    assert_true(s && s->n);
    return s->v[s->n - 1].value;
}

static double samples(const struct rig *r)
{
    return newest(r, "model_training_samples{for=\"node\",model=\"ensemble\"}");
}

/* Step up to which the live generation learnt. */
static double learnt_to(const struct rig *r)
{
    return (newest(r, "model_training_timestamp_seconds{for=\"node\",model=\"ensemble\"}") * 1000 - START) /
           STEP;
}

static void count(void *ctx, const struct ax_labels *labels, enum ax_err err, double before, double after)
{
    assert_true(labels->n == 1 && err == AX_OK && before == after);
    ++*(uint32_t *)ctx;
}

static void an_excluded_window_is_unlearnt_by_a_refit_and_learnt_again_when_revoked(void **state)
{
    (void)state;
    struct rig r;
    uint32_t taught = 0;
    struct ax_lesson lesson = {.range = {1, AX_LESSON_EXCLUDED, START + 20 * STEP, START + 160 * STEP},
                               .selector = ax_str("")};
    rig_init(&r, yaml);
    run(&r, 0, LESSON);
    const double before = samples(&r);
    assert_true(learnt_to(&r) < LESSON - 24);
    assert_int_equal(ax_pipeline_teach(r.pipeline, ax_str("node"), &lesson, count, &taught, NULL), AX_OK);
    assert_int_equal(taught, 2); /* the entities, and no series of their features */
    run(&r, LESSON, REVOKED);
    const double first = learnt_to(&r), without = samples(&r);
    assert_true(first >= LESSON);
    assert_true(without < before); /* though there are more points */
    lesson.range.verdict = 0;
    assert_int_equal(ax_pipeline_teach(r.pipeline, ax_str("node"), &lesson, count, &taught, NULL), AX_OK);
    assert_int_equal(taught, 4);
    run(&r, REVOKED, REVOKED + 40);
    assert_true(learnt_to(&r) >= REVOKED);
    assert_true(samples(&r) > without + 40);
    run(&r, REVOKED + 40, REVOKED + 60);
    assert_true(learnt_to(&r) < REVOKED + 40); /* once is enough */
    rig_done(&r);
}

static int begin(void **state)
{
    (void)state;
    return ax_blas_setup(NULL) != AX_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excluded_window_is_unlearnt_by_a_refit_and_learnt_again_when_revoked),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
