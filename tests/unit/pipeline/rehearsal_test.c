/* Rehearsals: what a job takes over of one is what it would have learnt itself, had it been there. */
#include "ax_test.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "pipeline/job_priv.h"
#include "pipeline/lesson.h"
#include "pipeline/pipeline_priv.h"
#include "pipeline/rehearsal.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HISTORY 400 /* steps before the job in service begins */
#define ALONE 6     /* steps that it takes before it takes over */
#define AFTER 20
#define SHOWN 62 /* values of three series at steps 200 to 220; of a gap the look-back leaves one */

#define SERIES                                                                                               \
    "- {name: load, expr: demand, forecast: {output: predicted_load, horizons: [30s, 10m]}, anomaly: {}, "   \
    "drift: {reference: 60, current: 30}}\n"
#define ENTITIES                                                                                             \
    "- {name: cell, by: [instance], features: {cpu: 'max by (instance) (demand)', net: 'max by (instance) "  \
    "(rate(sent_total[1m]))'}, anomaly: {}, drift: {}}\n"
#define YAML "global: {evaluation_delay: 0s}\njobs:\n" SERIES ENTITIES

static const char *const instances[] = {"a", "b", "c"};

static int rough_from; /* step from which noise is ten times what it was; 0: another series */

static double demand(unsigned instance, int i)
{
    const unsigned of[] = {instance, (unsigned)i};
    if (rough_from)
        return 100 * (1 + instance) +
               (i < rough_from ? 1 : 10) * (double)(ax_hash64(of, sizeof of, 0) % 1000) / 500;
    double noise = (double)((unsigned)(i * 7919 + (int)instance * 104729) % 1000) / 500;
    return 100 * (1 + instance) + 10 * sin(i / 9.0) + noise + (i % 97 == 0 ? 60 : 0);
}

/* Series begin at different steps; one has a gap. */
static bool there(unsigned instance, int i)
{
    return i >= (int)instance * 20 && !(instance == 1 && i > 200 && i < 230);
}

static void put(struct ax_db *db, const char *name, unsigned instance, int64_t t_ms, double value)
{
    char text[64];
    struct ax_arena arena;
    struct ax_labels ls;
    struct ax_buf key;
    const struct ax_sample sample = {t_ms, value};
    (void)snprintf(text, sizeof text, "%s{instance=\"%s\"}", name, instances[instance]);
    ax_arena_init(&arena, 4096);
    ax_buf_init(&key, 4096);
    assert_int_equal(ax_labels_parse(ax_str(text), &arena, &ls, NULL), AX_OK);
    ax_labels_key_write(&ls, &key);
    (void)ax_db_append(db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL);
    ax_buf_done(&key);
    ax_arena_done(&arena);
}

static int64_t time_of(int i)
{
    return RIG_START + (int64_t)i * RIG_STEP;
}

static void feed(struct ax_db *db, int i)
{
    for (unsigned k = 0; k < 3; k++) {
        if (!there(k, i))
            continue;
        put(db, "demand", k, time_of(i), demand(k, i));
        put(db, "sent_total", k, time_of(i), i * 1000.0 + demand(k, i));
    }
}

static void step(struct rig *r, int i)
{
    feed(r->db, i);
    rig_run_to(r, time_of(i));
}

/* A rehearsal of a job of the config, in a database of its own. */
struct rehearsed {
    struct ax_config *config;
    struct ax_db *db;
    struct ax_job *job;
    struct ax_buf record;
};

static struct rehearsed rehearse(const struct rig *r, const char *yaml, uint32_t job,
                                 const struct ax_map *only)
{
    struct rehearsed h = {.config = rig_config(yaml)};
    h.db = ax_db_new(&(struct ax_db_options){.seed = ax_db_seed(r->db), .retention_ms = 36000000});
    assert_non_null(h.db);
    const struct ax_job_env env = {.db = h.db, .max_range_ms = 3600000, .seed = 42, .only = only};
    assert_int_equal(ax_job_new(&env, h.config, &h.config->jobs[job], &h.job, NULL), AX_OK);
    ax_buf_init(&h.record, 1 << 20);
    return h;
}

static void rehearse_step(struct rehearsed *h, int i)
{
    assert_int_equal(ax_job_evaluate(h->job, time_of(i), &h->record), AX_OK);
    assert_int_equal(ax_job_take(h->job, ax_buf_view(&h->record)), AX_OK);
}

static void rehearsed_done(struct rehearsed *h)
{
    ax_job_free(h->job, INT64_MIN);
    ax_db_free(h->db);
    ax_config_free(h->config);
    ax_buf_done(&h->record);
}

/* A hand-over through the pipeline. */
struct visit {
    struct rehearsed *rehearsal;
    struct ax_map settled;
    struct ax_handover out;
    enum ax_err err;
};

static bool take_over(void *ctx, struct ax_job *job)
{
    struct visit *v = ctx;
    v->err = ax_job_take_over(job, v->rehearsal->job, &v->settled, &v->out);
    return v->out.taken > 0;
}

static bool copy(void *ctx, struct ax_job *job)
{
    assert_int_equal(ax_job_copy_samples(job, 0, INT64_MAX, ctx), AX_OK);
    return false;
}

/* Everything that the two have emitted after a step is the same, bit for bit. */
static void assert_same_after(const struct rig *a, const struct rig *b, int from, const char *part)
{
    uint32_t series = 0;
    for (uint32_t i = 0; i < a->sink.n; i++) {
        const struct memory_series *x = &a->sink.v[i], *y = memory_find(&b->sink, x->text);
        uint32_t at = 0;
        if (!strstr(x->text, part) || strstr(x->text, "drift") || strstr(x->text, "model_"))
            continue;
        series++;
        for (uint32_t k = 0; k < x->n; k++) {
            if (x->v[k].t_ms <= time_of(from))
                continue;
            if (!y)
                fail_msg("%s is missing", x->text);
            while (at < y->n && y->v[at].t_ms < x->v[k].t_ms)
                at++;
            if (at == y->n || y->v[at].t_ms != x->v[k].t_ms ||
                memcmp(&x->v[k].value, &y->v[at].value, sizeof x->v[k].value) != 0)
                fail_msg("%s differs at %lld", x->text, (long long)x->v[k].t_ms);
        }
    }
    assert_true(series >= 6);
}

static void a_job_goes_on_as_if_it_had_been_there(uint32_t job, const char *name, const char *part,
                                                  uint32_t series)
{
    struct rig whole, late;
    rig_init(&whole, YAML);
    rig_init(&late, YAML);
    struct rehearsed h = rehearse(&late, YAML, job, NULL);
    struct visit v = {.rehearsal = &h};
    int last = HISTORY + ALONE - 1;
    for (int i = 0; i <= last; i++) {
        step(&whole, i);
        if (i >= HISTORY - 5) /* a little before its first step, so that rates are whole */
            feed(late.db, i);
        if (i >= HISTORY)
            rig_run_to(&late, time_of(i));
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    assert_true(ax_pipeline_with_job(late.pipeline, ax_str(name), take_over, &v));
    assert_int_equal(v.err, AX_OK);
    assert_int_equal(v.out.taken, series);
    for (int i = last + 1; i <= last + AFTER; i++) {
        step(&whole, i);
        step(&late, i);
    }
    assert_same_after(&whole, &late, last, part);
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&whole);
    rig_done(&late);
}

/* Values that the windows of a job's series show of steps 200 to 220. */
static bool count_shown(void *ctx, struct ax_job *job)
{
    uint32_t *n = ctx;
    *n = 0;
    for (const struct ax_target *t = job->channels[0].first; t; t = t->next) {
        const struct ax_view v = ax_window_fine(t->window);
        for (uint32_t i = 0; i < v.n; i++) {
            const int64_t t_ms = v.end_ms - (int64_t)(v.n - 1 - i) * v.step_ms;
            *n += t_ms >= time_of(200) && t_ms <= time_of(220) && !isnan(v.v[i]);
        }
    }
    return false;
}

/* Let a job exclude, or include again, steps of the series that are meant. */
static void exclude_of(struct rig *r, const char *job, uint64_t id, bool revoke, int from, int to,
                       const char *selector)
{
    const struct ax_lesson lesson = {
        .range = {id, revoke ? 0 : AX_LESSON_EXCLUDED, time_of(from), time_of(to)},
        .selector = ax_str(selector)};
    assert_int_equal(ax_pipeline_teach(r->pipeline, ax_str(job), &lesson, NULL, NULL, NULL), AX_OK);
}

static void exclude(struct rig *r, uint64_t id, bool revoke, int from, int to, const char *selector)
{
    exclude_of(r, "load", id, revoke, from, to, selector);
}

static uint32_t shown(const struct rig *r)
{
    uint32_t n;
    (void)ax_pipeline_with_job(r->pipeline, ax_str("load"), count_shown, &n);
    return n;
}

/* A job in service whose series have no history, and a rehearsal that has. */
static struct rehearsed job_without_history(struct rig *r, uint32_t job)
{
    struct rehearsed h = rehearse(r, YAML, job, NULL);
    for (int i = 0; i <= HISTORY + ALONE - 1; i++) {
        if (i >= HISTORY)
            step(r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    return h;
}

static struct rehearsed without_history(struct rig *r)
{
    return job_without_history(r, 0);
}

static void take_all_over(struct rig *r, struct rehearsed *h)
{
    struct visit v = {.rehearsal = h};
    assert_true(ax_pipeline_with_job(r->pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.err, AX_OK);
    assert_int_equal(v.out.taken, 3);
    ax_map_done(&v.settled);
}

/* Taught before the job's first step, when no series is there, or once they are. */
static void is_excluded_of_history(bool first, const char *selector, uint32_t left)
{
    struct rig late;
    rig_init(&late, YAML);
    if (first)
        exclude(&late, 1, false, 200, 220, selector);
    struct rehearsed h = without_history(&late);
    if (!first)
        exclude(&late, 1, false, 200, 220, selector);
    take_all_over(&late, &h);
    assert_int_equal(shown(&late), left);
    exclude(&late, 1, true, 0, 0, "");
    assert_int_equal(shown(&late), SHOWN);
    rehearsed_done(&h);
    rig_done(&late);
}

static void what_was_excluded_before_history_came_is_excluded_of_it(void **state)
{
    (void)state;
    is_excluded_of_history(false, "", 0);
    is_excluded_of_history(false, "{instance=\"a\"}", SHOWN - 21);
}

static void what_was_excluded_before_the_first_step_is_excluded_of_history(void **state)
{
    (void)state;
    is_excluded_of_history(true, "", 0);
    is_excluded_of_history(true, "{instance=\"a\"}", SHOWN - 21);
}

/* Which of the entities "a", "b" and "c" leave steps 200 to 220 out of what is learnt of them, a bit each. */
static bool find_left_out(void *ctx, struct ax_job *job)
{
    uint32_t *bits = ctx;
    *bits = 0;
    for (const struct ax_entity *e = job->first; e; e = e->next)
        if (ax_said_of(e->said, time_of(200), time_of(220)) == AX_LESSON_EXCLUDED)
            *bits |= 1u << (*ax_labels_get(e->labels, ax_str("instance")).p - 'a');
    return false;
}

static uint32_t left_out(const struct rig *r)
{
    uint32_t bits;
    (void)ax_pipeline_with_job(r->pipeline, ax_str("cell"), find_left_out, &bits);
    return bits;
}

static void entities_that_came_after_an_exclusion_have_it_once_they_have_a_past(void **state)
{
    (void)state;
    struct rig late;
    rig_init(&late, YAML);
    exclude_of(&late, "cell", 1, false, 200, 220, "{instance=~\"a|c\"}");
    struct rehearsed h = job_without_history(&late, 1);
    struct visit v = {.rehearsal = &h};
    assert_int_equal(left_out(&late), 0); /* of a time that they know nothing of */
    exclude_of(&late, "cell", 2, false, 210, 230, "{instance=\"b\"}");
    assert_int_equal(left_out(&late), 2);
    assert_true(ax_pipeline_with_job(late.pipeline, ax_str("cell"), take_over, &v));
    assert_int_equal(left_out(&late), 7);
    exclude_of(&late, "cell", 1, true, 0, 0, "");
    assert_int_equal(left_out(&late), 2);
    exclude_of(&late, "cell", 2, true, 0, 0, "");
    assert_int_equal(left_out(&late), 0);
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&late);
}

static double dropped(const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_EXCLUSIONS_DROPPED, "load", reason));
}

static void of_more_exclusions_than_a_window_takes_the_newest_hold(void **state)
{
    (void)state;
    const double before = dropped("series");
    struct rig late;
    rig_init(&late, YAML);
    struct rehearsed h = without_history(&late);
    exclude(&late, 1, false, 200, 220, "");
    for (int i = 0; i < AX_WINDOW_EXCLUDED_MAX; i++)
        exclude(&late, (uint64_t)i + 2, false, 240 + 5 * i, 241 + 5 * i, "");
    take_all_over(&late, &h);
    assert_int_equal(shown(&late), SHOWN);
    ax_assert_close(dropped("series") - before, 3, 0); /* one of each series */
    exclude(&late, 2, true, 0, 0, "");
    exclude(&late, 100, false, 200, 220, "");
    assert_int_equal(shown(&late), 0);
    rehearsed_done(&h);
    rig_done(&late);
}

static void of_more_exclusions_than_a_job_keeps_those_that_go_are_counted(void **state)
{
    (void)state;
    const double before = dropped("job");
    struct rig late;
    rig_init(&late, YAML);
    for (int i = 0; i < AX_EXCLUSIONS_MAX + 2; i++)
        exclude(&late, (uint64_t)i + 1, false, i, i + 1, "");
    ax_assert_close(dropped("job") - before, 2, 0);
    rig_done(&late);
}

static void series_go_on_bit_for_bit(void **state)
{
    (void)state;
    a_job_goes_on_as_if_it_had_been_there(0, "load", "for=\"load\"", 3);
}

static void entities_go_on_bit_for_bit(void **state)
{
    (void)state;
    a_job_goes_on_as_if_it_had_been_there(1, "cell", "for=\"cell\"", 6);
}

static void samples_of_the_job_in_service_close_the_gap(void **state)
{
    (void)state;
    struct rig whole, late;
    rig_init(&whole, YAML);
    rig_init(&late, YAML);
    struct rehearsed h = rehearse(&late, YAML, 0, NULL);
    struct visit v = {.rehearsal = &h};
    int last = HISTORY + ALONE - 1;
    for (int i = 0; i <= last; i++) {
        step(&whole, i);
        if (i >= HISTORY)
            step(&late, i);
        else
            feed(h.db, i); /* the endpoint lags behind: it has nothing newer */
    }
    assert_true(ax_pipeline_with_job(late.pipeline, ax_str("load"), copy, h.db));
    for (int i = 0; i <= last; i++)
        rehearse_step(&h, i);
    assert_true(ax_pipeline_with_job(late.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.out.taken, 3);
    for (int i = last + 1; i <= last + AFTER; i++) {
        step(&whole, i);
        step(&late, i);
    }
    assert_same_after(&whole, &late, last, "for=\"load\"");
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&whole);
    rig_done(&late);
}

static double reviews(void)
{
    return ax_metric_get(ax_metric(AX_M_FORECAST_REVIEWS, "load", NULL));
}

/* Is the newest value of a kind of drift, of the newest step, 1? */
static bool is_drifted(const struct rig *r, const char *kind)
{
    char text[64];
    (void)snprintf(text, sizeof text, "drift_detected{for=\"load\",kind=\"%s\"}", kind);
    const struct memory_series *s = memory_find(&r->sink, text);
    return s && s->v[s->n - 1].t_ms == r->now_ms && s->v[s->n - 1].value > 0;
}

/* Errors that have grown in history are known to have: nobody is asked anew for what was seen there, and it
 * is said from the first step on. */
static void a_drift_of_errors_in_history_is_no_new_one(void **state)
{
    (void)state;
    static const char yaml[] =
        "global: {evaluation_delay: 0s}\njobs:\n"
        "- {name: load, expr: demand, forecast: {output: predicted_load, horizons: [30s]}, "
        "drift: {reference: 60, current: 30, interval: 1m, stream: kswin}}\n";
    struct rig r;
    rig_init(&r, yaml);
    struct rehearsed h = rehearse(&r, yaml, 0, NULL);
    struct visit v = {.rehearsal = &h};
    const int last = HISTORY + ALONE - 1;
    rough_from = HISTORY - 25;
    for (int i = 0; i <= last; i++) {
        if (i >= HISTORY)
            step(&r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    const bool drifted = h.job->channels[0].drift_result[AX_DRIFT_RESIDUALS].drifted;
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.out.taken, 3);
    const double then = reviews();
    assert_false(is_drifted(&r, "concept") || is_drifted(&r, "accuracy"));
    step(&r, last + 1);
    assert_true(is_drifted(&r, "concept") && is_drifted(&r, "accuracy"));
    for (int i = last + 2; i <= last + AFTER; i++)
        step(&r, i);
    rough_from = 0;
    assert_true(drifted);
    ax_assert_close(reviews(), then, 0);
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&r);
}

/* The job's own tests, of what it had seen itself, are not due for an hour. */
static void drift_is_tested_anew_once_windows_have_changed(void **state)
{
    (void)state;
    static const char yaml[] =
        "global: {evaluation_delay: 0s}\njobs:\n"
        "- {name: load, expr: demand, forecast: {output: predicted_load, horizons: [30s]}, "
        "drift: {reference: 60, current: 30, interval: 1h}}\n";
    struct rig r;
    rig_init(&r, yaml);
    struct rehearsed h = rehearse(&r, yaml, 0, NULL);
    struct visit v = {.rehearsal = &h};
    const int last = HISTORY + 119;
    rough_from = last - 20;
    for (int i = 0; i <= last; i++) {
        if (i >= HISTORY)
            step(&r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    const bool known = r.pipeline->jobs[0]->drift_ready[AX_DRIFT_RESIDUALS] > 0,
               before = is_drifted(&r, "concept");
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    step(&r, last + 1);
    rough_from = 0;
    assert_true(known && !before && is_drifted(&r, "concept"));
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&r);
}

static void output_series_stay_open(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, YAML);
    struct rehearsed h = rehearse(&r, YAML, 0, NULL);
    struct visit v = {.rehearsal = &h};
    const int own = 40; /* long enough to have sent forecasts of its own */
    for (int i = 0; i < HISTORY + own; i++) {
        if (i >= HISTORY)
            step(&r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    const char *text = "predicted_load{for=\"load\",horizon=\"30s\",instance=\"c\",source=\"demand\"}";
    uint32_t before = memory_find(&r.sink, text)->n;
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.out.taken, 3);
    const struct memory_series *s = memory_find(&r.sink, text);
    assert_int_equal(s->n, before); /* neither a marker nor anything else */
    assert_int_equal(s->open_n, 1);
    step(&r, HISTORY + own);
    s = memory_find(&r.sink, text);
    assert_int_equal(s->n, before + 1);
    assert_int_equal(s->open_n, 1);
    /* Everybody was asked: a second time changes nothing. */
    feed(h.db, HISTORY + own);
    rehearse_step(&h, HISTORY + own);
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_true(v.err == AX_OK && v.out.taken == 0 && v.out.left == 0);
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&r);
}

static void a_rehearsal_that_knows_less_or_stands_elsewhere_is_refused(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, YAML);
    struct rehearsed h = rehearse(&r, YAML, 0, NULL),
                     other = rehearse(&r, "global: {evaluation_delay: 1s}\njobs:\n" SERIES, 0, NULL);
    struct visit v = {.rehearsal = &h}, w = {.rehearsal = &other};
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.err, AX_CONFLICT); /* neither has taken a step */
    for (int i = 0; i < 100; i++) {
        step(&r, i);
        if (i < 50)
            continue;
        feed(h.db, i);
        feed(other.db, i);
        rehearse_step(&other, i);
        if (i < 99)
            rehearse_step(&h, i);
    }
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.err, AX_CONFLICT); /* a step behind */
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &w));
    assert_int_equal(w.err, AX_CONFLICT); /* another block */
    rehearse_step(&h, 99);
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_int_equal(v.err, AX_OK);
    assert_true(v.out.taken == 0 && v.out.left == 3); /* it has seen half of what the job has */
    assert_false(ax_pipeline_with_job(r.pipeline, ax_str("nobody"), take_over, &v));
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rehearsed_done(&other);
    rig_done(&r);
}

static void a_series_without_a_value_is_asked_again(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, YAML);
    struct rehearsed h = rehearse(&r, YAML, 0, NULL);
    struct visit v = {.rehearsal = &h};
    for (int i = 150; i < 210; i++) { /* "b" has a gap from 200 on */
        if (i >= 190)
            step(&r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    /* Looking back, the expression still sees the last sample: end it. */
    put(r.db, "demand", 1, time_of(210), ax_stale());
    put(h.db, "demand", 1, time_of(210), ax_stale());
    step(&r, 210);
    feed(h.db, 210);
    rehearse_step(&h, 210);
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_true(v.out.taken == 2 && v.out.waiting == 1);
    for (int i = 211; i < 232; i++) {
        step(&r, i);
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), take_over, &v));
    assert_true(v.out.taken == 1 && v.out.waiting == 0);
    ax_map_done(&v.settled);
    rehearsed_done(&h);
    rig_done(&r);
}

static bool forget_gone(void *ctx, struct ax_job *job)
{
    struct ax_map *settled = ctx, none = {0};
    static char any;
    assert_int_equal(ax_job_lacking(job, INT64_MAX / 2, &none, settled), 3); /* as if all were settled */
    ax_job_forget_gone(job, settled);
    assert_int_equal(settled->n, 3);
    assert_int_equal(ax_map_put(settled, 12345, &any), AX_OK);
    ax_job_forget_gone(job, settled);
    assert_int_equal(settled->n, 3);
    assert_null(ax_map_get(settled, 12345));
    return false;
}

static void what_became_of_series_that_are_gone_is_forgotten(void **state)
{
    (void)state;
    struct rig r;
    struct ax_map settled = {0};
    rig_init(&r, YAML);
    for (int i = 100; i < 104; i++)
        step(&r, i);
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), forget_gone, &settled));
    ax_map_done(&settled);
    rig_done(&r);
}

static void a_rehearsal_is_seen_by_nobody(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, YAML);
    step(&r, 0);
    struct ax_cell *series = ax_metric(AX_M_JOB_TARGETS, "load", NULL),
                   *last = ax_metric(AX_M_JOB_LAST_STEP, "load", NULL),
                   *outputs = ax_metric(AX_M_JOB_OUTPUT_SERIES, "load", NULL);
    double before[] = {ax_metric_get(series), ax_metric_get(last), ax_metric_get(outputs)};
    struct rehearsed h = rehearse(&r, YAML, 0, NULL);
    for (int i = 0; i < 60; i++) {
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    assert_true(ax_metric_get(series) == before[0] && ax_metric_get(last) == before[1] &&
                ax_metric_get(outputs) == before[2]);
    rehearsed_done(&h);
    rig_done(&r);
}

/* Those that have seen less than 20 steps. */
static bool find_lacking(void *ctx, struct ax_job *job)
{
    static const struct ax_map nobody;
    (void)ax_job_lacking(job, 20LL * RIG_STEP, &nobody, ctx);
    return false;
}

static void only_the_series_that_are_wanted_are_rehearsed(void **state)
{
    (void)state;
    static const char yaml[] = "global: {evaluation_delay: 0s}\njobs:\n"
                               "- {name: load, expr: demand, forecast: {}, window: {fine: 60}}\n";
    struct rig r;
    struct ax_map ids = {0};
    rig_init(&r, yaml);
    for (int i = 0; i < 55; i++) /* "c" begins at 40 */
        step(&r, i);
    assert_true(ax_pipeline_with_job(r.pipeline, ax_str("load"), find_lacking, &ids));
    assert_int_equal(ids.n, 1);
    struct rehearsed h = rehearse(&r, yaml, 0, &ids);
    struct ax_job_status status;
    for (int i = 0; i < 55; i++) {
        feed(h.db, i);
        rehearse_step(&h, i);
    }
    ax_job_status(h.job, &status);
    assert_int_equal(status.targets_n, 1);
    rehearsed_done(&h);
    ax_map_done(&ids);
    rig_done(&r);
}

/* The fine window of the only series that a job models. */
static bool look(void *ctx, const struct ax_modelled *s)
{
    struct ax_view *views = ctx;
    views[0] = ax_window_fine(s->window);
    views[1] = ax_window_coarse(s->window);
    return false;
}

static void far_history_is_sampled_and_near_history_is_whole(void **state)
{
    (void)state;
    struct rig r;
    struct ax_view sparse[2], whole[2];
    rig_init(&r, YAML);
    struct rehearsed h = rehearse(&r, YAML, 0, NULL);
    ax_job_observe(h.job, true);
    for (int i = 1; i <= 1400; i++) { /* time_of(0) is 10 s past a multiple of 5 min */
        step(&r, i);
        feed(h.db, i);
        if (i < 440 && i % 4)
            continue; /* every minute */
        ax_job_observe(h.job, i < 1300);
        rehearse_step(&h, i);
    }
    (void)ax_pipeline_each_series(r.pipeline, ax_str("load"), look, whole);
    (void)ax_job_each_series(h.job, look, sparse);
    assert_int_equal(sparse[0].n, 960);
    assert_memory_equal(sparse[0].v, whole[0].v, 960 * sizeof *whole[0].v);
    assert_int_equal(sparse[1].n, whole[1].n);
    assert_int_equal(sparse[1].end_ms, whole[1].end_ms);
    for (uint32_t i = 0; i < whole[1].n; i++)
        ax_assert_close((double)sparse[1].v[i], (double)whole[1].v[i], 0.1);
    rehearsed_done(&h);
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_excluded_before_history_came_is_excluded_of_it),
        cmocka_unit_test(what_was_excluded_before_the_first_step_is_excluded_of_history),
        cmocka_unit_test(of_more_exclusions_than_a_window_takes_the_newest_hold),
        cmocka_unit_test(of_more_exclusions_than_a_job_keeps_those_that_go_are_counted),
        cmocka_unit_test(entities_that_came_after_an_exclusion_have_it_once_they_have_a_past),
        cmocka_unit_test(series_go_on_bit_for_bit),
        cmocka_unit_test(entities_go_on_bit_for_bit),
        cmocka_unit_test(samples_of_the_job_in_service_close_the_gap),
        cmocka_unit_test(a_drift_of_errors_in_history_is_no_new_one),
        cmocka_unit_test(drift_is_tested_anew_once_windows_have_changed),
        cmocka_unit_test(output_series_stay_open),
        cmocka_unit_test(a_rehearsal_that_knows_less_or_stands_elsewhere_is_refused),
        cmocka_unit_test(a_series_without_a_value_is_asked_again),
        cmocka_unit_test(what_became_of_series_that_are_gone_is_forgotten),
        cmocka_unit_test(a_rehearsal_is_seen_by_nobody),
        cmocka_unit_test(only_the_series_that_are_wanted_are_rehearsed),
        cmocka_unit_test(far_history_is_sampled_and_near_history_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
