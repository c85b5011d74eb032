/* report.c: takes in what a backtest finds and sums it up; report_table.c and its neighbours write it. */
#include "app/report.h"

#include "app/report_data.h"

#include <math.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX (16u << 20)
#define WEEK_MS 604800000.0

struct ax_report *ax_report_new(struct ax_str title, const struct ax_report_job *jobs, uint32_t jobs_n)
{
    struct ax_report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    ax_arena_init(&r->arena, TEXT_BYTES_MAX);
    r->title = ax_arena_str(&r->arena, title);
    r->jobs = calloc(jobs_n ? jobs_n : 1, sizeof *r->jobs);
    r->jobs_n = r->jobs ? jobs_n : 0;
    bool ok = r->jobs && r->title.p;
    for (uint32_t i = 0; i < r->jobs_n; i++) {
        struct ax_report_job *spec = &r->jobs[i].spec;
        int64_t *horizons = ax_arena_array(&r->arena, jobs[i].horizons_n, sizeof *horizons);
        *spec = jobs[i];
        spec->name = ax_arena_str(&r->arena, jobs[i].name);
        spec->output = ax_arena_str(&r->arena, jobs[i].output);
        spec->horizons_ms = horizons;
        ok = ok && horizons && spec->name.p && spec->output.p;
        if (horizons && jobs[i].horizons_n)
            memcpy(horizons, jobs[i].horizons_ms, jobs[i].horizons_n * sizeof *horizons);
    }
    if (ok)
        return r;
    ax_report_free(r);
    return NULL;
}

static void free_series(struct ax_series_report *s, uint32_t horizons_n)
{
    for (uint32_t h = 0; s->forecasts && h < 2 * horizons_n; h++)
        ax_trace_done(&s->forecasts[h]);
    if (s->scores)
        ax_trace_done(s->scores);
    free(s->forecasts);
    free(s->scores);
    free(s->sums);
    free(s->labels);
}

void ax_report_free(struct ax_report *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->jobs_n; i++) {
        struct ax_job_report *job = &r->jobs[i];
        for (uint32_t k = 0; k < job->series_n; k++)
            free_series(&job->series[k], job->spec.horizons_n);
        for (uint32_t k = 0; k < job->drifts_n; k++)
            ax_trace_done(&job->drifts[k].trace);
        free(job->series);
        free(job->slots);
        free(job->scored);
        free(job->drifts);
    }
    free(r->jobs);
    ax_arena_done(&r->arena);
    free(r);
}

/* Slot of a series in the table, or the empty one where it belongs. */
static uint32_t find_slot(const struct ax_job_report *job, const struct ax_labels *labels)
{
    uint32_t i = (uint32_t)ax_labels_hash(labels, 0) & (job->slots_n - 1);
    while (job->slots[i] && !ax_labels_eq(job->series[job->slots[i] - 1].labels, labels))
        i = (i + 1) & (job->slots_n - 1);
    return i;
}

/* Make room for one more series: the array, and a table at most half full. */
static bool grow(struct ax_job_report *job)
{
    if (job->series_n < job->series_cap)
        return true;
    uint32_t cap = job->series_cap ? job->series_cap * 2 : 64;
    struct ax_series_report *series = realloc(job->series, cap * sizeof *series);
    if (series)
        job->series = series;
    uint32_t *slots = series ? calloc((size_t)cap * 2, sizeof *slots) : NULL;
    if (!slots)
        return false;
    free(job->slots);
    job->slots = slots;
    job->slots_n = cap * 2;
    job->series_cap = cap;
    for (uint32_t i = 0; i < job->series_n; i++)
        slots[find_slot(job, job->series[i].labels)] = i + 1;
    return true;
}

uint32_t ax_report_series(struct ax_report *r, uint32_t job_i, const struct ax_labels *labels)
{
    struct ax_job_report *job = &r->jobs[job_i];
    if (!grow(job)) {
        r->nomem = true;
        return UINT32_MAX;
    }
    uint32_t slot = find_slot(job, labels);
    if (job->slots[slot])
        return job->slots[slot] - 1;
    struct ax_series_report *s = &job->series[job->series_n];
    *s = (struct ax_series_report){.labels = ax_labels_dup(labels)};
    s->sums = calloc(job->spec.horizons_n + 1, sizeof *s->sums);
    if (!s->labels || !s->sums) {
        free_series(s, 0);
        r->nomem = true;
        return UINT32_MAX;
    }
    job->slots[slot] = ++job->series_n;
    return job->series_n - 1;
}

/* The series with that number; NULL for UINT32_MAX. */
static struct ax_series_report *series_of(struct ax_job_report *job, uint32_t series)
{
    return series < job->series_n ? &job->series[series] : NULL;
}

/* Add a point to a curve, which is made with its first point. */
static void trace_outcome(struct ax_report *r, struct ax_trace *t, bool recent, int64_t t_ms,
                          const double *values)
{
    const uint32_t maxima = 1u << FT_ACTUAL_HI | 1u << FT_MEAN_HI | 1u << FT_UPPER | 1u << FT_ERROR_HI;
    if (!t->t_ms && !ax_trace_init(t, FT_N, maxima)) {
        r->nomem = true;
        return;
    }
    t->recent = recent;
    ax_trace_add(t, t_ms, values);
}

/* Add an outcome to the two curves of its series and horizon. */
static void trace_series(struct ax_report *r, const struct ax_job_report *job, struct ax_series_report *s,
                         uint32_t h, const struct ax_forecast_outcome *o)
{
    const double error = o->actual - o->mean;
    const double values[FT_N] = {o->actual, o->actual, o->mean, o->mean, o->lower, o->upper, error, error};
    if (!s->forecasts)
        s->forecasts = calloc((size_t)2 * job->spec.horizons_n, sizeof *s->forecasts);
    if (!s->forecasts) {
        r->nomem = true;
        return;
    }
    trace_outcome(r, &s->forecasts[h], false, o->t_actual_ms, values);
    trace_outcome(r, &s->forecasts[job->spec.horizons_n + h], true, o->t_actual_ms, values);
}

void ax_report_outcome(struct ax_report *r, uint32_t job_i, uint32_t series, uint32_t horizon,
                       const struct ax_forecast_outcome *o)
{
    struct ax_job_report *job = &r->jobs[job_i];
    struct ax_series_report *s = series_of(job, series);
    if (!s || horizon >= job->spec.horizons_n)
        return;
    ax_forecast_sums_add(&s->sums[horizon], o, 1 - job->spec.level);
    if (series < AX_REPORT_TRACED)
        trace_series(r, job, s, horizon, o);
}

void ax_report_confidence(struct ax_report *r, uint32_t job_i, uint32_t horizon, double confidence,
                          bool within)
{
    struct ax_job_report *job = &r->jobs[job_i];
    if (horizon >= job->spec.horizons_n || !(confidence >= 0 && confidence <= 1))
        return;
    uint32_t bin = (uint32_t)(confidence * AX_REPORT_BINS);
    bin = bin < AX_REPORT_BINS ? bin : AX_REPORT_BINS - 1;
    job->confidence_n[bin]++;
    job->within_n[bin] += within;
    job->confidence_sum[bin] += confidence;
}

/* Keep a labelled point. */
static void keep_scored(struct ax_report *r, struct ax_job_report *job, double score, bool abnormal)
{
    if (job->scored_n == job->scored_cap) {
        uint64_t cap = job->scored_cap ? job->scored_cap * 2 : 4096;
        struct ax_scored *more = realloc(job->scored, cap * sizeof *more);
        if (!more) {
            r->nomem = true;
            return;
        }
        job->scored = more;
        job->scored_cap = cap;
    }
    job->scored[job->scored_n++] = (struct ax_scored){score, abnormal};
}

void ax_report_score(struct ax_report *r, uint32_t job_i, uint32_t series,
                     const struct ax_report_score *point)
{
    struct ax_job_report *job = &r->jobs[job_i];
    struct ax_series_report *s = series_of(job, series);
    if (!s || isnan(point->score))
        return;
    struct ax_report_alarms *a = &s->alarms;
    bool above = point->score > 1;
    if (a->n++ == 0)
        a->first_ms = point->t_ms;
    a->last_ms = point->t_ms;
    a->above += above;
    a->episodes += above && !a->on;
    a->on = above;
    if (point->label >= 0) {
        keep_scored(r, job, point->score, point->label == 1);
        a->labelled++;
        a->abnormal += point->label == 1;
        a->true_positive += above && point->label == 1;
        a->false_positive += above && point->label == 0;
    }
    if (series >= AX_REPORT_TRACED)
        return;
    if (!s->scores) {
        s->scores = calloc(1, sizeof *s->scores);
        if (!s->scores ||
            !ax_trace_init(s->scores, ST_N,
                           1u << ST_VALUE_HI | 1u << ST_UPPER | 1u << ST_SCORE | 1u << ST_LABEL)) {
            free(s->scores);
            s->scores = NULL;
            r->nomem = true;
            return;
        }
    }
    ax_trace_add(s->scores, point->t_ms,
                 (const double[ST_N]){point->value, point->value, point->lower, point->upper, point->score,
                                      point->label == 1});
}

/* The curve of a feature and test, new or known; NULL when there are too many or memory is out. */
static struct ax_drift_report *drift_of(struct ax_report *r, struct ax_job_report *job, struct ax_str feature,
                                        struct ax_str test)
{
    for (uint32_t i = 0; i < job->drifts_n; i++)
        if (ax_str_eq(job->drifts[i].feature, feature) && ax_str_eq(job->drifts[i].test, test))
            return &job->drifts[i];
    if (!job->drifts)
        job->drifts = calloc(AX_REPORT_DRIFTS, sizeof *job->drifts);
    if (!job->drifts || job->drifts_n == AX_REPORT_DRIFTS) {
        r->nomem |= !job->drifts;
        return NULL;
    }
    struct ax_drift_report *d = &job->drifts[job->drifts_n];
    *d = (struct ax_drift_report){.feature = ax_arena_str(&r->arena, feature),
                                  .test = ax_arena_str(&r->arena, test),
                                  .max = -(double)INFINITY};
    if (!d->feature.p || !d->test.p || !ax_trace_init(&d->trace, 2, 2)) {
        r->nomem = true;
        return NULL;
    }
    job->drifts_n++;
    return d;
}

void ax_report_drift(struct ax_report *r, uint32_t job_i, struct ax_str feature, struct ax_str test,
                     int64_t t_ms, double value)
{
    struct ax_drift_report *d = isnan(value) ? NULL : drift_of(r, &r->jobs[job_i], feature, test);
    if (!d)
        return;
    ax_trace_add(&d->trace, t_ms, (const double[]){value, value});
    d->last = value;
    d->max = value > d->max ? value : d->max;
}

double ax_report_per_week(const struct ax_report_alarms *a)
{
    return a->last_ms > a->first_ms ? (double)a->episodes / ((double)(a->last_ms - a->first_ms) / WEEK_MS)
                                    : (double)NAN;
}

struct ax_horizon_summary ax_report_horizon(struct ax_report *r, const struct ax_job_report *job,
                                            uint32_t horizon)
{
    enum { FIELDS = 10 };
    struct ax_horizon_summary out = {0};
    double error = 0, actual = 0, *columns = calloc((size_t)FIELDS * (job->series_n + 1), sizeof *columns);
    uint32_t n = 0;
    if (!columns) {
        r->nomem = true;
        return out;
    }
    for (uint32_t i = 0; i < job->series_n; i++) {
        const struct ax_forecast_sums *s = &job->series[i].sums[horizon];
        if (s->n == 0)
            continue;
        struct ax_forecast_metrics m = ax_forecast_sums_read(s);
        const double fields[FIELDS] = {m.mae,         m.rmse,     m.r2,      m.mape,       m.wape,
                                       m.correlation, m.coverage, m.winkler, m.skill_last, m.skill_linear};
        for (uint32_t f = 0; f < FIELDS; f++)
            columns[(size_t)f * job->series_n + n] = fields[f];
        n++;
        out.median.n += s->n;
        error += s->error;
        actual += s->actual;
    }
    double *const targets[FIELDS] = {&out.median.mae,         &out.median.rmse,    &out.median.r2,
                                     &out.median.mape,        &out.median.wape,    &out.median.correlation,
                                     &out.median.coverage,    &out.median.winkler, &out.median.skill_last,
                                     &out.median.skill_linear};
    for (uint32_t f = 0; f < FIELDS; f++)
        *targets[f] = ax_median_known(columns + (size_t)f * job->series_n, n);
    out.series_n = n;
    out.pooled_wape = actual > 0 ? error / actual : (double)NAN;
    free(columns);
    return out;
}

struct ax_alarm_summary ax_report_alarm_summary(struct ax_job_report *job)
{
    struct ax_alarm_summary out = {.labelled = job->scored_n > 0};
    double per_week = 0;
    uint32_t spans = 0;
    for (uint32_t i = 0; i < job->series_n; i++) {
        const struct ax_report_alarms *a = &job->series[i].alarms;
        double weekly = ax_report_per_week(a);
        out.n += a->n;
        out.above += a->above;
        out.episodes += a->episodes;
        per_week += isnan(weekly) ? 0 : weekly;
        spans += isnan(weekly) ? 0 : 1;
    }
    out.per_week = spans ? per_week / spans : (double)NAN;
    out.detection = ax_detection_read(job->scored, job->scored_n);
    return out;
}

uint32_t ax_report_groups(const struct ax_report *r, uint32_t job, struct ax_str label,
                          struct ax_parity_group *groups, uint32_t max)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->jobs[job].series_n; i++) {
        const struct ax_series_report *s = &r->jobs[job].series[i];
        const struct ax_str name = ax_labels_get(s->labels, label);
        uint32_t k = 0;
        while (k < n && !ax_str_eq(groups[k].name, name))
            k++;
        if (name.n == 0 || k == max)
            continue;
        if (k == n)
            groups[n++] = (struct ax_parity_group){.name = name};
        groups[k].points += s->alarms.n;
        groups[k].alarms += s->alarms.above;
        groups[k].labelled += s->alarms.labelled;
        groups[k].abnormal += s->alarms.abnormal;
        groups[k].true_positive += s->alarms.true_positive;
        groups[k].false_positive += s->alarms.false_positive;
        for (uint32_t h = 0; h < r->jobs[job].spec.horizons_n; h++) {
            groups[k].error += s->sums[h].error;
            groups[k].actual += s->sums[h].actual;
        }
    }
    return n;
}
