/* A past window that is excluded afterwards, or was an incident, is taken out of what an ensemble learnt
 * from: it is fitted again soon, without these points, and with them once that is revoked. */
#include "ax_test.h"
#include "base/rng.h"
#include "group.h"
#include "lasting.h"
#include "pipeline/lesson.h"
#include "rig.h"
#include "series_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP 300000LL
#define START (5666666LL * STEP)
#define LESSON 230 /* steps; a fit was at 150, the next is due at about 300 */
#define REVOKED 275
#define SERIES 6

static const char yaml[] = "global: {step: 5m, evaluation_delay: 0s}\n"
                           "jobs:\n"
                           "  - name: node\n"
                           "    by: [instance]\n"
                           "    features: {cpu: cpu, net: net, disk: disk}\n"
                           "    anomaly: {ensemble: {members: [forest, pca]}}\n"
                           "    models: {watch_samples: 0}\n"
                           "    window: {fine: 400, coarse: 400}\n";

/* Three features of each of two entities. */
static const char *series_of(uint32_t k, char to[64])
{
    static const char *const features[] = {"cpu", "net", "disk"};
    (void)snprintf(to, 64, "%s{instance=\"%c\"}", features[k % 3], (char)('a' + k / 3));
    return to;
}

static double value_of(uint32_t i, uint32_t k)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, i * SERIES + k);
    return (10 + sin(i * 0.1)) * (1 + k % 3) + 0.2 * ax_rng_normal(&rng);
}

static void run(struct rig *r, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        for (uint32_t k = 0; k < SERIES; k++) {
            char series[64];
            (void)rig_append(r, series_of(k, series), START + i * STEP, value_of(i, k));
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

/* The same two entities as a feed, and what a process says of it that is killed after some of the steps, and
 * told of a window to leave out. */
#define ROWS 276

static void make_feed(struct lasting_feed *f)
{
    *f = (struct lasting_feed){.v = calloc(ROWS, sizeof *f->v), .n = ROWS, .series_n = SERIES};
    f->keys = calloc(SERIES, sizeof *f->keys);
    assert_true(f->v && f->keys);
    for (uint32_t k = 0; k < SERIES; k++) {
        char series[64];
        (void)series_world_key(&f->keys[k], series_of(k, series));
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        struct lasting_request *r = &f->v[i];
        *r = (struct lasting_request){START + i * STEP, calloc(SERIES, sizeof *r->v), SERIES};
        assert_non_null(r->v);
        for (uint32_t k = 0; k < SERIES; k++)
            r->v[k] = (struct lasting_sample){k, {r->at_ms, value_of(i, k)}};
    }
}

static void kill_and_start(struct lasting *l)
{
    lasting_kill(l);
    lasting_start(l, yaml);
    (void)ax_pipeline_run_due(l->pipeline);
}

static void pass_to(struct lasting *l, int64_t t_ms)
{
    l->now_ms = t_ms;
    (void)ax_pipeline_run_due(l->pipeline);
}

/* Kills after each of the steps [from, to), and with a snapshot before each third of them. */
static struct ledger live(const struct lasting_feed *feed, uint32_t from, uint32_t to)
{
    const struct ax_lesson lesson = {.range = {1, AX_LESSON_EXCLUDED, START + 20 * STEP, START + 160 * STEP},
                                     .selector = ax_str("")};
    struct lasting l;
    uint32_t taught = 0;
    lasting_init(&l, feed);
    l.now_ms = START;
    kill_and_start(&l); /* with the job that is meant */
    for (uint32_t i = 0; i < feed->n; i++) {
        pass_to(&l, feed->v[i].at_ms);
        assert_true(lasting_send(&l, i));
        pass_to(&l, feed->v[i].at_ms + 1000);
        if (i == LESSON)
            assert_int_equal(ax_pipeline_teach(l.pipeline, ax_str("node"), &lesson, count, &taught, NULL),
                             AX_OK);
        if (i >= from && i < to) {
            if (i % 3 == 0)
                assert_true(ax_pipeline_snapshot(l.pipeline));
            kill_and_start(&l);
        }
    }
    struct ledger ledger = l.ledger;
    l.ledger = (struct ledger){0};
    lasting_done(&l);
    return ledger;
}

static double sample_at(const struct ledger *l, const char *text, uint32_t row)
{
    const struct memory_series *s = memory_find(&l->taken, text);
    for (uint32_t i = 0; s && i < s->n; i++)
        if (s->v[i].t_ms == START + row * STEP)
            return s->v[i].value;
    return (double)NAN; /* which no comparison holds with */
}

static void
a_process_that_is_killed_between_an_exclusion_and_the_refit_says_the_same_as_one_that_is_not(void **state)
{
    (void)state;
    static const char text[] = "model_training_samples{for=\"node\",model=\"ensemble\"}";
    struct lasting_feed feed;
    make_feed(&feed);
    struct ledger whole = live(&feed, 0, 0), killed = live(&feed, LESSON - 1, LESSON + 20);
    assert_true(sample_at(&whole, text, LESSON + 40) < sample_at(&whole, text, LESSON));
    assert_true(ledger_require_equal(&whole, &killed) > 3000);
    ledger_done(&whole);
    ledger_done(&killed);
    lasting_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excluded_window_is_unlearnt_by_a_refit_and_learnt_again_when_revoked),
        cmocka_unit_test(
            a_process_that_is_killed_between_an_exclusion_and_the_refit_says_the_same_as_one_that_is_not),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
