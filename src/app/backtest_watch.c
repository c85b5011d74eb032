/* backtest_watch.c: from the pipeline's callbacks to the report.
 *
 * Forecasts wait in a ring for each series and horizon, one slot a step; the slot of the forecast whose
 * actual arrives is read before that step's own forecast overwrites it. */
#include "app/backtest_watch.h"

#include "app/baseline.h"
#include "base/map.h"

#include <math.h>
#include <stdlib.h>

#define LINEAR_MS 3600000
#define LINEAR_STEPS_MIN 10
#define LINEAR_STEPS_MAX 960
#define LABELS_MAX 64

/* What waits for its actual. */
struct pending {
    int64_t made_ms;
    double linear, confidence;
};

/* One forecast series. */
struct watched {
    struct pending *slots[AX_PATH_MAX]; /* for each horizon, leads[h] of them */
    uint32_t leads[AX_PATH_MAX];
    uint32_t horizons_n, number; /* number: of the series in the report */
};

/* The newest row of an instance. */
struct truth {
    int64_t t_ms;
    int label;
};

struct ax_backtest_watch {
    const struct ax_config *config;
    struct ax_report *report;
    int64_t from_ms;
    struct ax_map watched; /* by job, feature and labels */
    struct ax_map truths;  /* by instance */
};

struct ax_backtest_watch *ax_backtest_watch_new(const struct ax_config *config, struct ax_str title,
                                                int64_t from_ms)
{
    struct ax_backtest_watch *w = calloc(1, sizeof *w);
    struct ax_report_job *jobs = calloc(config->jobs_n ? config->jobs_n : 1, sizeof *jobs);
    for (uint32_t i = 0; jobs && i < config->jobs_n; i++) {
        const struct ax_job_config *c = &config->jobs[i];
        jobs[i] =
            (struct ax_report_job){.name = c->name, .output = c->forecast.output, .level = c->forecast.level};
        if (c->forecast.enabled) {
            jobs[i].horizons_ms = c->forecast.horizons_ms;
            jobs[i].horizons_n = c->forecast.horizons_n;
        }
    }
    if (w && jobs) {
        w->config = config;
        w->from_ms = from_ms;
        w->report = ax_report_new(title, jobs, config->jobs_n);
    }
    free(jobs);
    if (w && w->report)
        return w;
    free(w);
    return NULL;
}

void ax_backtest_watch_free(struct ax_backtest_watch *w)
{
    if (!w)
        return;
    uint32_t cursor = 0;
    for (struct watched *s; (s = ax_map_next(&w->watched, &cursor));) {
        for (uint32_t h = 0; h < s->horizons_n; h++)
            free(s->slots[h]);
        free(s);
    }
    cursor = 0;
    for (struct truth *t; (t = ax_map_next(&w->truths, &cursor));)
        free(t);
    ax_map_done(&w->watched);
    ax_map_done(&w->truths);
    ax_report_free(w->report);
    free(w);
}

struct ax_report *ax_backtest_watch_report(struct ax_backtest_watch *w)
{
    return w->report;
}

static uint32_t job_number(const struct ax_backtest_watch *w, const struct ax_job_config *job)
{
    return (uint32_t)(job - w->config->jobs);
}

/* The number in the report of a series; a feature's forecasts carry its name, as their outputs do. */
static uint32_t number_of(struct ax_backtest_watch *w, const struct ax_job_config *job, struct ax_str feature,
                          const struct ax_labels *labels)
{
    struct ax_label v[LABELS_MAX + 1];
    uint32_t n = labels->n < LABELS_MAX ? labels->n : LABELS_MAX;
    memcpy(v, labels->v, n * sizeof *v);
    if (feature.n)
        v[n++] = (struct ax_label){ax_str("feature"), feature};
    if (ax_labels_canonical(v, &n, NULL) != AX_OK) /* the input has a label `feature` of its own */
        n = labels->n < LABELS_MAX ? labels->n : LABELS_MAX;
    return ax_report_series(w->report, job_number(w, job), &(struct ax_labels){n, v});
}

static struct watched *make_watched(const struct ax_forecast_spec *spec)
{
    struct watched *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    for (uint32_t h = 0; h < spec->horizons_n; h++) {
        s->leads[h] = spec->leads[spec->horizons[h]];
        s->slots[h] = calloc(s->leads[h], sizeof *s->slots[h]);
        s->horizons_n++;
        if (!s->slots[h])
            break;
        for (uint32_t i = 0; i < s->leads[h]; i++)
            s->slots[h][i].made_ms = INT64_MIN;
    }
    if (s->horizons_n && s->slots[s->horizons_n - 1])
        return s;
    for (uint32_t h = 0; h < s->horizons_n; h++)
        free(s->slots[h]);
    free(s);
    return NULL;
}

static uint64_t identity(const struct ax_backtest_watch *w, const struct ax_job_config *job,
                         struct ax_str feature, const struct ax_labels *labels)
{
    uint64_t seed = job_number(w, job);
    for (size_t i = 0; i < feature.n; i++)
        seed = seed * 31 + (unsigned char)feature.p[i];
    return ax_labels_hash(labels, seed);
}

/* predict_linear from the newest values of the window, NaN when there are too few. */
static double linear_from(const struct ax_view *v, int64_t t_ms, int64_t lead_ms)
{
    int64_t t[LINEAR_STEPS_MAX];
    double x[LINEAR_STEPS_MAX];
    int64_t steps = LINEAR_MS / v->step_ms;
    uint32_t want = steps < LINEAR_STEPS_MIN   ? LINEAR_STEPS_MIN
                    : steps > LINEAR_STEPS_MAX ? LINEAR_STEPS_MAX
                                               : (uint32_t)steps;
    uint32_t n = v->n < want ? v->n : want;
    for (uint32_t i = 0; i < n; i++) {
        t[i] = v->end_ms - (int64_t)(n - 1 - i) * v->step_ms;
        x[i] = (double)v->v[v->n - n + i];
    }
    return ax_predict_linear(t, x, n, t_ms, lead_ms);
}

static void on_step(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                    const struct ax_labels *labels, int64_t t_ms, const struct ax_window *window,
                    const struct ax_forecast_spec *spec, const struct ax_forecast *forecast)
{
    struct ax_backtest_watch *w = ctx;
    uint64_t id = identity(w, job, feature, labels);
    struct watched *s = ax_map_get(&w->watched, id);
    if (!forecast)
        return;
    if (!s) {
        s = make_watched(spec);
        if (!s || ax_map_put(&w->watched, id, s) != AX_OK)
            return; /* this series stays without its baseline */
        s->number = number_of(w, job, feature, labels);
    }
    struct ax_view view = ax_window_fine(window);
    for (uint32_t h = 0; h < s->horizons_n; h++) {
        struct pending *p = &s->slots[h][(uint64_t)(t_ms / spec->step_ms) % s->leads[h]];
        *p = (struct pending){t_ms, linear_from(&view, t_ms, (int64_t)s->leads[h] * spec->step_ms),
                              forecast->confidence[spec->horizons[h]]};
    }
}

static void on_outcome(void *ctx, const struct ax_job_config *job, struct ax_str feature,
                       const struct ax_labels *labels, int64_t t_ms, const struct ax_outcome *o)
{
    struct ax_backtest_watch *w = ctx;
    const struct watched *s = ax_map_get(&w->watched, identity(w, job, feature, labels));
    if (t_ms <= w->from_ms || !s)
        return;
    int64_t made_ms = t_ms - (int64_t)s->leads[o->horizon] * job->step_ms;
    const struct pending *p =
        &s->slots[o->horizon][(uint64_t)(made_ms / job->step_ms) % s->leads[o->horizon]];
    bool same = p->made_ms == made_ms;
    const struct ax_forecast_outcome outcome = {.t_made_ms = made_ms,
                                                .t_actual_ms = t_ms,
                                                .actual = o->actual,
                                                .mean = o->mean,
                                                .lower = o->lower,
                                                .upper = o->upper,
                                                .last_value = o->last_value,
                                                .linear = same ? p->linear : (double)NAN};
    ax_report_outcome(w->report, job_number(w, job), s->number, o->horizon, &outcome);
    if (same)
        ax_report_confidence(w->report, job_number(w, job), o->horizon, p->confidence,
                             fabs(o->actual - o->mean) <= 0.15 * fabs(o->mean));
}

static uint64_t instance_of(const struct ax_labels *labels)
{
    struct ax_str instance = ax_labels_get(labels, ax_str("instance"));
    const struct ax_label v = {ax_str("instance"), instance};
    return ax_labels_hash(&(struct ax_labels){instance.n ? 1 : 0, &v}, 0);
}

void ax_backtest_watch_truth(struct ax_backtest_watch *w, const struct ax_labels *labels, int64_t t_ms,
                             int label)
{
    uint64_t id = instance_of(labels);
    struct truth *t = ax_map_get(&w->truths, id);
    if (!t) {
        t = calloc(1, sizeof *t);
        if (!t || ax_map_put(&w->truths, id, t) != AX_OK) {
            free(t);
            return;
        }
        t->label = -1;
    }
    /* Several rows of one time: abnormal when one of them says so. */
    t->label = t->t_ms == t_ms && t->label > label ? t->label : label;
    t->t_ms = t_ms;
}

static void on_verdict(void *ctx, const struct ax_job_config *job, const struct ax_labels *labels,
                       int64_t t_ms, double value, const struct ax_verdict *v)
{
    struct ax_backtest_watch *w = ctx;
    if (t_ms <= w->from_ms || !v->ready)
        return;
    const struct truth *truth = ax_map_get(&w->truths, instance_of(labels));
    const struct ax_report_score score = {.t_ms = t_ms,
                                          .score = v->score,
                                          .value = value,
                                          .expected = v->expected,
                                          .lower = v->lower,
                                          .upper = v->upper,
                                          .label = truth ? truth->label : -1};
    uint32_t number = number_of(w, job, (struct ax_str){NULL, 0}, labels);
    ax_report_score(w->report, job_number(w, job), number, &score);
}

static void on_drift(void *ctx, const struct ax_job_config *job, const char *feature, const char *test,
                     int64_t t_ms, double score, bool drifted)
{
    struct ax_backtest_watch *w = ctx;
    (void)drifted;
    if (t_ms > w->from_ms)
        ax_report_drift(w->report, job_number(w, job), ax_str(feature), ax_str(test), t_ms, score);
}

struct ax_observer ax_backtest_watch_observer(struct ax_backtest_watch *w)
{
    return (struct ax_observer){w, on_step, on_outcome, on_verdict, on_drift};
}
