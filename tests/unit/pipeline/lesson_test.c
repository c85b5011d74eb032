/* What people say of scores reaches the series that they mean, at one place between two steps, which a replay
 * finds again. */
#include "ax_test.h"
#include "base/rng.h"
#include "lasting.h"
#include "pipeline/job_priv.h"
#include "pipeline/lesson.h"
#include "pipeline/pipeline_priv.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>

static const char yaml[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs: [{name: load, expr: node_load1, anomaly: {}},\n"
    "       {name: node, by: [instance], features: {a: node_load1, b: node_load5}, anomaly: {}}]\n";

/* Noise that nothing can foresee, with a bump of some steps at a place; the first bump is the largest. */
static double value_of(uint32_t step, uint32_t bump)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 1000 + step);
    double noise = 0.6 * ax_rng_normal(&rng);
    return step >= bump && step < bump + 5 ? (bump < 400 ? 16 : 15.3) : 10 + noise;
}

/* The highest value of an output from a step on. */
static double most_of(const struct rig *r, const char *output, uint32_t from)
{
    const struct memory_series *s = memory_find(&r->sink, output);
    double most = 0;
    assert_non_null(s);
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i].t_ms >= RIG_START + (int64_t)from * RIG_STEP && s->v[i].value > most)
            most = s->v[i].value;
    return most;
}

/* Steps from..to-1; the highest score of a series meanwhile. */
static double run(struct rig *r, uint32_t from, uint32_t to, uint32_t bump, const char *output)
{
    for (uint32_t i = from; i < to; i++) {
        static const char *const series[] = {"node_load1{instance=\"a\"}", "node_load1{instance=\"b\"}",
                                             "node_load5{instance=\"a\"}", "node_load5{instance=\"b\"}"};
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        for (uint32_t k = 0; k < 4; k++)
            (void)rig_append(r, series[k], t_ms, value_of(i, bump));
        rig_run_to(r, t_ms);
    }
    return most_of(r, output, from);
}

static const char load_a[] = "anomaly_score{for=\"load\",instance=\"a\",source=\"node_load1\"}";
static const char load_b[] = "anomaly_score{for=\"load\",instance=\"b\",source=\"node_load1\"}";
static const char node_a[] = "anomaly_score{for=\"node\",instance=\"a\"}";

static struct ax_lesson lesson(uint64_t id, enum ax_lesson_verdict verdict, const char *selector,
                               uint32_t from, uint32_t to)
{
    return (struct ax_lesson){
        .range = {id, verdict, RIG_START + (int64_t)from * RIG_STEP, RIG_START + (int64_t)to * RIG_STEP},
        .selector = ax_str(selector)};
}

struct heard {
    uint32_t n, taught;
};

static void hear(void *ctx, const struct ax_labels *labels, enum ax_err err, double before, double after)
{
    struct heard *h = ctx;
    (void)before;
    assert_true(labels->n > 0);
    assert_true(err != AX_OK || after > 0);
    h->n++;
    h->taught += err == AX_OK;
}

static enum ax_err teach(struct rig *r, const char *job, const struct ax_lesson *l, struct heard *h)
{
    struct ax_diag diag = {{0}};
    *h = (struct heard){0};
    enum ax_err err = ax_pipeline_teach(r->pipeline, ax_str(job), l, hear, h, &diag);
    assert_true(err == AX_OK || diag.text[0]);
    return err;
}

static void a_bump_that_is_no_anomaly_is_none_the_next_time_until_that_is_revoked(void **state)
{
    (void)state;
    struct rig r;
    struct heard h;
    rig_init(&r, yaml);
    assert_true(run(&r, 0, 400, 300, load_a) > 1);
    struct ax_lesson l = lesson(1, AX_LESSON_NORMAL,
                                "anomaly_score{for=\"load\",instance=\"a\",source=\"node_load1\"}", 295, 310);
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.taught, 1);
    double taught = run(&r, 400, 800, 700, load_a), untaught = most_of(&r, load_b, 400);
    assert_true(taught <= 1 && taught < 0.95 * untaught); /* nobody spoke of the other one */
    l.range.verdict = 0;
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_int_equal(h.taught, 1);
    taught = run(&r, 800, 1200, 1100, load_a);
    rig_done(&r);
    rig_init(&r, yaml);
    for (uint32_t i = 0; i < 3; i++)
        untaught = run(&r, 400 * i, 400 * (i + 1), 400 * i + 300, load_a);
    ax_assert_close(taught, untaught, 0); /* nothing is left of the lesson */
    rig_done(&r);
}

static void entities_learn_as_series_do(void **state)
{
    (void)state;
    struct rig r;
    struct heard h;
    rig_init(&r, yaml);
    assert_true(run(&r, 0, 400, 300, node_a) > 1);
    const struct ax_lesson l = lesson(1, AX_LESSON_NORMAL, "", 295, 310);
    assert_int_equal(teach(&r, "node", &l, &h), AX_OK);
    assert_int_equal(h.n, 2);
    assert_true(run(&r, 400, 800, 700, node_a) <= 1);
    rig_done(&r);
}

/* Both at 10, at 30 for a while, at 10 again for hours, and at 30 once more. */
static double twice_at_30(uint32_t step)
{
    return value_of(step, UINT32_MAX - 5) + ((step >= 300 && step < 340) || step >= 800 ? 20 : 0);
}

static void run_twice_at_30(struct rig *r, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)rig_append(r, "node_load1{instance=\"a\"}", t_ms, twice_at_30(i));
        (void)rig_append(r, "node_load1{instance=\"b\"}", t_ms, twice_at_30(i));
        rig_run_to(r, t_ms);
    }
}

static void what_was_in_an_excluded_window_is_not_known_the_next_time(void **state)
{
    (void)state;
    struct rig r;
    struct heard h;
    rig_init(&r, yaml);
    run_twice_at_30(&r, 0, 700);
    const struct ax_lesson l = lesson(1, AX_LESSON_EXCLUDED, "{instance=\"a\"}", 298, 342);
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.taught, 1);
    run_twice_at_30(&r, 700, 803);
    assert_true(most_of(&r, load_a, 800) > 1.1 * most_of(&r, load_b, 800)); /* which has seen the like */
    rig_done(&r);
}

static void what_cannot_be_learnt_is_refused_with_a_text(void **state)
{
    (void)state;
    struct rig r;
    struct heard h;
    rig_init(&r, yaml);
    (void)run(&r, 0, 100, 50, load_a);
    struct ax_lesson l = lesson(5, AX_LESSON_NORMAL, "", 0, 100);
    assert_int_equal(teach(&r, "nobody", &l, &h), AX_NOTFOUND);
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_int_equal(teach(&r, "load", &l, &h), AX_CONFLICT);
    l = lesson(6, AX_LESSON_NORMAL, "rate(node_load1[1m])", 0, 100);
    assert_int_equal(teach(&r, "load", &l, &h), AX_INVALID);
    l = lesson(6, AX_LESSON_NORMAL, "{instance=", 0, 100);
    assert_int_equal(teach(&r, "load", &l, &h), AX_INVALID);
    assert_int_equal(ax_lesson_check(l.selector, NULL), AX_INVALID);
    l = lesson(6, AX_LESSON_EXCLUDED, "{instance=~\"\\\\pL{90}\"}", 0, 100); /* dear to compile */
    assert_int_equal(teach(&r, "load", &l, &h), AX_INVALID);
    assert_int_equal(ax_lesson_check(l.selector, NULL), AX_INVALID);
    l = lesson(6, 0, "", 0, 100);
    assert_int_equal(teach(&r, "load", &l, &h), AX_CONFLICT);
    l = lesson(6, AX_LESSON_MISSED, "{instance=\"c\"}", 0, 100);
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_int_equal(h.n, 0);
    uint64_t ids[AX_JOB_LESSONS_MAX];
    uint32_t n;
    assert_int_equal(ax_pipeline_lessons(r.pipeline, ax_str("load"), ids, &n), AX_OK);
    assert_int_equal(n, 2);
    assert_true(ids[0] == 5 && ids[1] == 6);
    rig_done(&r);
}

static void alarms_of_which_people_spoke_have_a_precision_and_a_recall(void **state)
{
    (void)state;
    static const char precision[] = "alarm_precision{for=\"load\"}", recall[] = "alarm_recall{for=\"load\"}";
    struct rig r;
    struct heard h;
    rig_init(&r, yaml);
    (void)run(&r, 0, 400, 300, load_a);
    assert_true(most_of(&r, load_b, 295) > 1);
    const struct ax_job *job = r.pipeline->jobs[0];
    struct ax_lesson l = lesson(1, AX_LESSON_NORMAL, "{instance=\"b\"}", 295, 310); /* a wrong alarm */
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    l = lesson(2, AX_LESSON_MISSED, "{instance=\"b\"}", 350, 370); /* without one */
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    for (uint32_t id = 3; id < 9; id++) {
        (void)run(&r, 397 + id, 398 + id, 300, load_a);
        assert_null(memory_find(&r.sink, precision)); /* too few of them say nothing */
        assert_true(isnan(ax_job_accuracy(job, r.now_ms)));
        l = lesson(id, AX_LESSON_MISSED, "{instance=\"a\"}", 295, 310); /* one that was right */
        assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    }
    (void)run(&r, 406, 410, 300, load_a);
    ax_assert_close(most_of(&r, precision, 406), 6.0 / 7, 1e-12);
    ax_assert_close(most_of(&r, recall, 406), 6.0 / 7, 1e-12);
    ax_assert_close(ax_job_accuracy(job, r.now_ms), 6.0 / 7, 1e-12);
    l.range.verdict = 0;
    assert_int_equal(teach(&r, "load", &l, &h), AX_OK);
    assert_true(isnan(ax_job_accuracy(job, r.now_ms)));
    rig_done(&r);
}

/* Lessons at places of the feed; told after the request of that number was taken. */
struct speaker {
    uint32_t next, kill_every, kills, snapshots, kept;
};

static void speak(struct lasting *l, struct speaker *s)
{
    static const uint32_t places[] = {80, 95, 105, 135, 155};
    if (s->next >= 5 || l->taken < places[s->next])
        return;
    int64_t last_ms = l->now_ms;
    const struct ax_lesson lessons[] = {
        {.range = {7, AX_LESSON_NORMAL, last_ms - 900000, last_ms}, .selector = ax_str("")},
        {.range = {8, AX_LESSON_MISSED, last_ms - 300000, last_ms}, .selector = ax_str("")},
        {.range = {9, AX_LESSON_EXCLUDED, last_ms - 1200000, last_ms - 600000}, .selector = ax_str("")},
        {.range = {7, 0, 0, 0}},
        {.range = {9, 0, 0, 0}}};
    struct heard h = {0};
    assert_int_equal(ax_pipeline_teach(l->pipeline, ax_str("kbps"), &lessons[s->next], hear, &h, NULL),
                     AX_OK);
    assert_true(h.taught > 0);
    s->next++;
}

/* The exclusion is one of the job's from when it was taught until it is revoked. */
static bool keeps_exclusion(const struct lasting *l, const struct speaker *s)
{
    const uint32_t i = ax_pipeline_find_job(l->pipeline, ax_str("kbps"));
    const bool kept = ax_exclusions_has(l->pipeline->jobs[i]->exclusions, 9);
    assert_true(kept == (s->next == 3 || s->next == 4));
    return kept;
}

static void live(struct lasting *l, struct speaker *s)
{
    while (l->taken < l->feed->n) {
        lasting_pass(l, l->feed->v[l->taken].at_ms);
        (void)lasting_send(l, l->taken);
        lasting_pass(l, l->now_ms);
        speak(l, s);
        if (s->kill_every && l->taken % s->kill_every == 0) {
            if (l->taken % (3 * s->kill_every) == 0)
                s->snapshots += ax_pipeline_snapshot(l->pipeline);
            s->kills++;
            lasting_kill(l);
            lasting_start(l, lasting_jobs);
            (void)ax_pipeline_run_due(l->pipeline);
            s->kept += keeps_exclusion(l, s);
        }
    }
    lasting_pass(l, l->now_ms + 205000);
}

static void lessons_outlive_kills_bit_for_bit(void **state)
{
    (void)state;
    struct lasting_feed feed;
    struct lasting whole, silent, killed;
    struct speaker a = {0}, b = {.kill_every = 10}, none = {.next = 5};
    lasting_feed_init(&feed, 11, false);
    lasting_init(&whole, &feed);
    live(&whole, &a);
    lasting_init(&killed, &feed);
    live(&killed, &b);
    assert_true(b.kills > 10 && b.snapshots > 3 && b.kept > 3 && b.next == 5);
    assert_true(ledger_require_equal(&whole.ledger, &killed.ledger) > 10000);
    lasting_init(&silent, &feed);
    live(&silent, &none);
    bool same = true; /* that the lessons matter at all */
    for (uint32_t i = 0; i < whole.ledger.taken.n; i++) {
        const struct memory_series *x = &whole.ledger.taken.v[i],
                                   *y = memory_find(&silent.ledger.taken, x->text);
        assert_non_null(y);
        for (uint32_t k = 0; k < x->n && strstr(x->text, "anomaly_score"); k++)
            same = same && memcmp(&x->v[k].value, &y->v[k].value, sizeof x->v[k].value) == 0;
    }
    assert_false(same);
    lasting_done(&whole);
    lasting_done(&killed);
    lasting_done(&silent);
    lasting_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bump_that_is_no_anomaly_is_none_the_next_time_until_that_is_revoked),
        cmocka_unit_test(entities_learn_as_series_do),
        cmocka_unit_test(what_was_in_an_excluded_window_is_not_known_the_next_time),
        cmocka_unit_test(what_cannot_be_learnt_is_refused_with_a_text),
        cmocka_unit_test(alarms_of_which_people_spoke_have_a_precision_and_a_recall),
        cmocka_unit_test(lessons_outlive_kills_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
