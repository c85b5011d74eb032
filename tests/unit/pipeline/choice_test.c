/* Whom a selector means is found out while steps run, and series come and jobs change. */
#include "ax_test.h"
#include "pipeline/choice.h"
#include "pipeline/job_priv.h"
#include "pipeline/pipeline_priv.h"
#include "rig.h"

#include <stdio.h>

static const char yaml[] =
    "global: {evaluation_delay: 0s, external_labels: {site: x}}\n"
    "jobs: [{name: load, expr: node_load1, anomaly: {}},\n"
    "       {name: node, by: [instance], features: {a: node_load1, b: node_load5}, anomaly: {}}]\n";

/* Steps of some series, and a selector that is asked about them. */
struct world {
    struct rig rig;
    struct ax_choice choice;
    const char *next; /* config that is loaded meanwhile; NULL: none */
    uint32_t steps, asked, come;
};

static void step(struct world *w)
{
    const int64_t t_ms = RIG_START + (int64_t)w->steps++ * RIG_STEP;
    for (uint32_t i = 0; i < 4 + w->come; i++) {
        char series[64];
        (void)snprintf(series, sizeof series, "node_load%u{instance=\"%c\"}", i % 2 ? 5u : 1u,
                       (char)('a' + i / 2));
        (void)rig_append(&w->rig, series, t_ms, i);
    }
    rig_run_to(&w->rig, t_ms);
}

/* While it is asked the first times, a step is taken, which brings a series, and a config is loaded. */
static bool live_on(void *ctx, uint64_t steps)
{
    struct world *w = ctx;
    assert_true(steps > 0);
    assert_int_equal(pthread_mutex_trylock(&w->rig.pipeline->run), 0);
    (void)pthread_mutex_unlock(&w->rig.pipeline->run);
    if (w->asked++ < 2) {
        w->come++;
        step(w);
    }
    if (w->next)
        rig_load(&w->rig, w->next);
    w->next = NULL;
    return true;
}

/* Nobody is asked any more. */
static bool refuse(void *ctx, uint64_t steps)
{
    (void)ctx;
    fail_msg("asked once more, for %u steps", (unsigned)steps);
    return false;
}

static void begin(struct world *w, const char *selector)
{
    *w = (struct world){0};
    struct ax_diag diag = {{0}};
    rig_init(&w->rig, yaml);
    step(w);
    step(w);
    if (ax_chooser_init(&w->choice.chooser, ax_str(selector), &diag) != AX_OK)
        fail_msg("%s", diag.text);
    w->choice.chooser.ctx = w;
}

static void end(struct world *w)
{
    ax_choice_done(&w->choice);
    rig_done(&w->rig);
}

/* How many of a job's series and entities are meant; none is asked about now. */
static uint32_t meant(struct world *w, const char *name)
{
    uint32_t n = 0;
    const struct ax_job *job = w->rig.pipeline->jobs[ax_pipeline_find_job(w->rig.pipeline, ax_str(name))];
    w->choice.chooser.goes_on = refuse;
    for (uint32_t i = 0; i < job->channels_n; i++)
        for (const struct ax_target *t = job->channels[i].first; t; t = t->next)
            n += ax_choice_takes(&w->choice, job, t->labels);
    for (const struct ax_entity *e = job->first; e; e = e->next)
        n += ax_choice_takes(&w->choice, job, e->labels);
    w->choice.chooser.goes_on = NULL;
    return n;
}

static void make(struct world *w, const char *job)
{
    (void)pthread_mutex_lock(&w->rig.pipeline->run);
    w->choice.chooser.goes_on = live_on;
    ax_choice_make(&w->choice, w->rig.pipeline, ax_str(job));
    (void)pthread_mutex_unlock(&w->rig.pipeline->run);
}

static void steps_run_while_it_is_asked_and_who_comes_with_them_is_asked_too(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "{instance=~\"[bc]\"}");
    make(&w, "");
    assert_int_equal(w.steps, 4);
    assert_int_equal(meant(&w, "load"), 2);
    assert_int_equal(meant(&w, "node"), 2 + 2 + 2); /* both features and the entity, twice */
    end(&w);
}

static void of_a_job_that_is_named_nobody_else_is_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "{for=~\"lo.*\",instance=\"b\"}");
    make(&w, "load");
    assert_int_equal(w.asked, 1);
    assert_int_equal(meant(&w, "load"), 1);
    end(&w);
}

static void a_job_that_is_built_anew_meanwhile_is_asked_anew(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "{for=\"load\",site=~\"[^x]\"}");
    w.next = "global: {evaluation_delay: 0s, external_labels: {site: \"y\"}}\n"
             "jobs: [{name: load, expr: node_load1, anomaly: {}}]\n";
    make(&w, "load");
    w.choice.chooser.goes_on = NULL;
    step(&w);
    make(&w, "load");
    assert_int_equal(meant(&w, "load"), 3);
    end(&w);
}

static void without_regular_expressions_there_is_nothing_to_ask_before(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "{instance=\"b\"}");
    make(&w, "");
    assert_int_equal(w.choice.answers.n, 0);
    assert_int_equal(w.steps, 2);
    assert_int_equal(meant(&w, "load"), 1);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_run_while_it_is_asked_and_who_comes_with_them_is_asked_too),
        cmocka_unit_test(of_a_job_that_is_named_nobody_else_is_asked),
        cmocka_unit_test(a_job_that_is_built_anew_meanwhile_is_asked_anew),
        cmocka_unit_test(without_regular_expressions_there_is_nothing_to_ask_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
