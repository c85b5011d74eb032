/* channel.c: one expression of a job, from its vector to its targets.
 *
 * Each result finds its target by the hash of its labels (of the `by` labels for a feature), a new one
 * makes one, and a target without a result has a gap. */
#include "base/log.h"
#include "base/parse.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCORECARD_MS (24 * 3600000LL)
#define TOLERANCE 0.15
#define ENTITY_LABELS_MAX 32

/* Is this feature named in forecast.targets? */
static bool is_forecast_target(const struct ax_forecast_config *f, struct ax_str feature)
{
    for (uint32_t i = 0; i < f->targets_n; i++)
        if (ax_str_eq(f->targets[i], feature))
            return true;
    return false;
}

/* Horizons of the channel: the job's when it forecasts here, else one step for the detector's sake. */
static enum ax_err init_forecast(struct ax_channel *c, bool emitted, struct ax_diag *diag)
{
    const struct ax_job_config *job = c->job->config;
    const int64_t *horizons = emitted ? job->forecast.horizons_ms : &job->step_ms;
    uint32_t n = emitted ? job->forecast.horizons_n : 1;
    enum ax_err err = ax_forecast_spec_init(&c->forecast, job->step_ms, horizons, n, diag);
    if (err != AX_OK)
        return err;
    c->forecast.level = job->forecast.level > 0 ? job->forecast.level : 0.90;
    c->forecast.tolerance = TOLERANCE;
    c->forecast.nonnegative = job->forecast.nonnegative;
    int64_t refit = job->forecast.refit_ms > 0 ? job->forecast.refit_ms / job->step_ms : 240;
    c->forecast.refit_steps = refit < 1 ? 1 : (uint32_t)refit;
    c->forecast.seed = c->job->env.seed;

    c->horizon_text = calloc(n, sizeof *c->horizon_text);
    c->horizon_names = calloc(n, sizeof *c->horizon_names);
    c->scores = calloc((size_t)n * AX_SCORES, sizeof *c->scores);
    if (emitted)
        c->kind.scorecard = ax_scorecard_new(n, SCORECARD_MS, TOLERANCE);
    if (!c->horizon_text || !c->horizon_names || !c->scores || (emitted && !c->kind.scorecard))
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        int64_t ms = (int64_t)c->forecast.leads[c->forecast.horizons[i]] * job->step_ms;
        ax_format_duration(ms, c->horizon_text[i], AX_HORIZON_NAME);
        c->horizon_names[i] = c->horizon_text[i];
    }
    c->kind.forecast = &c->forecast;
    c->kind.horizon_names = c->horizon_names;
    c->kind.emit_forecast = emitted;
    return AX_OK;
}

static enum ax_err init_models(struct ax_channel *c, struct ax_diag *diag)
{
    struct ax_job *job = c->job;
    bool own = c->feature.n == 0;
    bool scored = job->config->anomaly.enabled && (own || job->scores_entities);
    bool forecast =
        job->config->forecast.enabled && (own || is_forecast_target(&job->config->forecast, c->feature));
    c->kind.outlets = &job->outlets;
    c->kind.observer = job->env.observer;
    c->kind.feature = c->feature;
    c->kind.nonfinite = ax_metric(AX_M_MODEL_NONFINITE, job->name, NULL);
    if (scored) {
        c->kind.anomaly = &job->detector;
        c->kind.emit_anomaly = own;
    }
    bool drifts = job->config->drift.enabled && (own || scored || forecast);
    c->sample_left = AX_DRIFT_POOL_MAX;
    c->kind.sample_left = &c->sample_left;
    if (job->config->drift.enabled)
        c->kind.drift_n = job->drift.reference_n + job->drift.current_n;
    return scored || forecast || drifts ? init_forecast(c, forecast, diag) : AX_OK;
}

enum ax_err ax_channel_init(struct ax_channel *c, struct ax_job *job, int config_i, struct ax_diag *diag)
{
    const struct ax_job_config *cfg = job->config;
    bool own = config_i < 0;
    c->job = job;
    c->end = &c->first;
    c->feature = own ? (struct ax_str){NULL, 0} : cfg->features[config_i].name;
    struct ax_str text = own ? cfg->expr.text : cfg->features[config_i].expr.text;
    if (own) {
        (void)snprintf(c->drift_name[0], sizeof c->drift_name[0], "%s", AX_TARGET_NAME);
        (void)snprintf(c->drift_name[1], sizeof c->drift_name[1], "%s", AX_RESIDUAL_SUFFIX);
    } else {
        (void)snprintf(c->drift_name[0], sizeof c->drift_name[0], AX_STR_FMT, AX_STR_ARG(c->feature));
        (void)snprintf(c->drift_name[1], sizeof c->drift_name[1], AX_STR_FMT "_" AX_RESIDUAL_SUFFIX,
                       AX_STR_ARG(c->feature));
    }
    enum ax_err err = ax_expr_parse(text, job->env.max_range_ms, &c->expr, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "%s", own ? "expr" : c->drift_name[0]);
    err = init_models(c, diag);
    if (err != AX_OK)
        return err;
    err = ax_expr_bind(c->expr, job->env.db, ax_str(""), &job->watch, &c->bound);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "out of memory while binding an expression");
}

void ax_channel_done(struct ax_channel *c, int64_t end_ms)
{
    for (struct ax_target *t; (t = c->first);) {
        c->first = t->next;
        ax_target_free(t, &c->kind, end_ms);
    }
    ax_map_done(&c->targets);
    ax_bound_free(c->bound);
    ax_expr_free(c->expr);
    ax_scorecard_free(c->kind.scorecard);
    free(c->horizon_text);
    free((void *)c->horizon_names);
    free(c->scores);
}

/* The entity's labels of a result: the `by` labels that it has, in their sorted order. */
static struct ax_labels entity_labels(const struct ax_job *job, const struct ax_labels *ls,
                                      struct ax_label *room)
{
    struct ax_labels out = {0, room};
    for (uint32_t i = 0; i < ls->n && out.n < ENTITY_LABELS_MAX; i++)
        for (uint32_t k = 0; k < job->config->by_n; k++)
            if (ax_str_eq(ls->v[i].name, job->config->by[k]))
                room[out.n++] = ls->v[i];
    return out;
}

static struct ax_target *make_target(struct ax_channel *c, uint64_t id, const struct ax_labels *labels,
                                     int64_t t_ms)
{
    struct ax_job *job = c->job;
    if (c->targets.n >= job->config->max_series) {
        ax_metric_add(job->refused, 1);
        ax_log(AX_LOG_WARN, "targets_refused",
               "job %s models max_series (%u) series already: raise it, or narrow the expression", job->name,
               job->config->max_series);
        return NULL;
    }
    struct ax_target *t = ax_target_new(&c->kind, job->config, id, labels, t_ms);
    if (t && ax_map_put(&c->targets, id, t) == AX_OK) {
        t->serial = c->next_serial++;
        *c->end = t;
        c->end = &t->next;
        return t;
    }
    ax_target_free(t, &c->kind, INT64_MIN);
    ax_metric_count(AX_M_JOB_ERRORS, job->name, "memory");
    return NULL;
}

static void step_target(struct ax_channel *c, struct ax_target *t, int64_t t_ms, double value)
{
    if (ax_target_step(t, &c->kind, t_ms, value, &c->job->scratch) != AX_OK)
        ax_metric_count(AX_M_JOB_ERRORS, c->job->name, "memory");
}

static void take_result(struct ax_channel *c, const struct ax_result *r, int64_t t_ms)
{
    struct ax_label room[ENTITY_LABELS_MAX];
    struct ax_labels labels = *r->labels;
    uint64_t id = r->id;
    if (c->feature.n) {
        labels = entity_labels(c->job, r->labels, room);
        id = ax_labels_hash(&labels, c->job->env.seed);
    }
    struct ax_target *t = ax_map_get(&c->targets, id);
    if (r->ended) {
        if (t && t->stepped_ms < t_ms) {
            step_target(c, t, t_ms, (double)NAN);
            ax_target_end(t, &c->kind, t_ms);
            t->ended_ms = t_ms;
        }
        return;
    }
    if (!t)
        t = make_target(c, id, &labels, t_ms);
    if (!t)
        return;
    if (t->stepped_ms == t_ms || !ax_labels_eq(t->labels, &labels)) {
        ax_metric_count(AX_M_JOB_ERRORS, c->job->name, "duplicate");
        ax_log(AX_LOG_WARN, "duplicate_feature",
               "job %s: %s gives several series for one entity; aggregate it by the job's `by` labels",
               c->job->name, c->drift_name[0]);
        return;
    }
    step_target(c, t, t_ms, r->value);
}

/* Targets that had no result: a gap; then the end of their outputs, then of themselves. */
static void sweep_absent(struct ax_channel *c, int64_t t_ms)
{
    struct ax_target **at = &c->first;
    for (struct ax_target *t; (t = *at);) {
        if (t->stepped_ms != t_ms)
            step_target(c, t, t_ms, (double)NAN);
        int64_t absent_ms = ax_target_absent_ms(t, t_ms);
        if (absent_ms > ax_job_absence_ms(c->job)) {
            ax_target_end(t, &c->kind, t_ms);
            ax_target_leave_sample(t, &c->kind);
        }
        if (absent_ms <= c->job->config->series_retention_ms) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        (void)ax_map_remove(&c->targets, t->id);
        ax_target_free(t, &c->kind, t_ms);
    }
    c->end = at;
}

void ax_channel_step(struct ax_channel *c, int64_t t_ms)
{
    struct ax_vector v = {0, NULL};
    struct ax_diag diag = {{0}};
    if (ax_bound_eval(c->bound, t_ms, &v, &diag) != AX_OK) {
        ax_metric_count(AX_M_JOB_ERRORS, c->job->name, "expr");
        ax_log(AX_LOG_WARN, "expression_failed", "job %s, %s: %s", c->job->name, c->drift_name[0], diag.text);
        v.n = 0;
    }
    for (uint32_t i = 0; i < v.n; i++)
        take_result(c, &v.v[i], t_ms);
    sweep_absent(c, t_ms);
}
