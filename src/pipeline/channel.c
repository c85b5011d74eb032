/* channel.c: building one expression of a job: what is forecast, scored and tested of it, and its names. */
#include "base/parse.h"
#include "pipeline/job_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define SCORECARD_MS (24 * 3600000LL)
#define TOLERANCE 0.15

/* Is this feature named in forecast.targets? */
static bool is_forecast_target(const struct ax_forecast_config *f, struct ax_str feature)
{
    for (uint32_t i = 0; i < f->targets_n; i++)
        if (ax_str_eq(f->targets[i], feature))
            return true;
    return false;
}

/* What forecasts of the channel are made of. Those of a feature that are not sent are there for the drift of
 * their errors: one step ahead the plain members are as good, and of so many features they have to be cheap.
 */
static uint32_t members_of(const struct ax_channel *c, bool emitted)
{
    const struct ax_forecast_config *f = &c->job->config->forecast;
    return c->feature.n && !emitted && f->members_n == 0 ? AX_MEMBERS_PLAIN
                                                         : ax_portfolio_members(f->members, f->members_n);
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
    c->forecast.refit_steps = refit < AX_FORECAST_REFIT_MIN ? AX_FORECAST_REFIT_MIN : (uint32_t)refit;
    c->forecast.seed = c->job->env.seed;
    c->forecast.members = members_of(c, emitted);
    c->forecast.given = (emitted && job->forecast.lstm.enabled ? 1U << AX_MEMBER_lstm : 0) |
                        (emitted && job->forecast.trees.enabled ? 1U << AX_MEMBER_trees : 0);
    c->shared.clocks.zone = c->job->days;
    c->shared.holidays = &c->job->holidays;
    c->forecast.shared = &c->shared;
    if (c->forecast.members & 1U << AX_MEMBER_ridge_pooled) {
        uint32_t tracked[AX_PATH_MAX];
        c->shared.pooled = ax_pooled_new(ax_forecast_spec_tracked(&c->forecast, tracked));
        if (!c->shared.pooled)
            return ax_fail(diag, AX_NOMEM, "out of memory");
    }

    c->horizon_text = calloc(n, sizeof *c->horizon_text);
    c->horizon_names = calloc(n, sizeof *c->horizon_names);
    if (emitted)
        c->kind.scorecard = ax_scorecard_new(n, SCORECARD_MS, TOLERANCE);
    if (!c->horizon_text || !c->horizon_names || (emitted && !c->kind.scorecard))
        return ax_fail(diag, AX_NOMEM, "out of memory");
    c->scores = calloc((size_t)n * AX_SCORES, sizeof *c->scores); /* not without their names */
    if (!c->scores)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        int64_t ms = (int64_t)c->forecast.leads[c->forecast.horizons[i]] * job->step_ms;
        ax_format_duration(ms, c->horizon_text[i], AX_HORIZON_NAME);
        c->horizon_names[i] = c->horizon_text[i];
    }
    c->kind.forecast = &c->forecast;
    c->kind.horizon_names = c->outlook.horizon_names = c->horizon_names;
    c->kind.emit_forecast = emitted;
    return AX_OK;
}

/* What is sent beside a forecast; horizon names follow with the forecast itself. */
static void init_outlook(struct ax_channel *c)
{
    struct ax_job *job = c->job;
    const struct ax_capacity_config *capacity = &job->config->capacity;
    c->outlook = (struct ax_outlook_spec){.outlets = &job->outlets,
                                          .forecast = &c->forecast,
                                          .feature = c->feature,
                                          .peak = job->config->forecast.peak,
                                          .has_capacity = capacity->enabled && c->feature.n == 0,
                                          .capacity_share = capacity->share,
                                          .capacity_value = capacity->value,
                                          .classes = {.enabled = job->config->forecast.classes.enabled,
                                                      .good = job->config->forecast.classes.good,
                                                      .bad = job->config->forecast.classes.bad}};
    c->kind.outlook = &c->outlook;
    if (c->outlook.classes.enabled)
        c->kind.classes = &c->outlook.classes;
    if (!job->capacity || c->feature.n)
        return;
    c->capacities =
        (struct ax_capacities){&job->capacity->targets, job->capacity->join, ax_db_seed(job->env.db)};
    c->kind.capacities = &c->capacities;
}

/* How many targets are sampled for drift: those of a feature, which are one of an entity each, as many as
 * there are entities to test; of an expression the first that come. */
static uint32_t sample_of(const struct ax_drift_config *drift)
{
    const bool more = drift->per == AX_DRIFT_PER_ENTITY && drift->max_entities > AX_DRIFT_POOL_MAX;
    return more ? drift->max_entities : AX_DRIFT_POOL_MAX;
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
    c->kind.paths = job->env.paths;
    c->kind.feature = c->feature;
    c->kind.parity = job->parity && forecast ? job->parity->card : NULL;
    if (own && job->config->billing.enabled)
        c->kind.billing = &job->billing;
    if (forecast)
        init_outlook(c);
    c->kind.nonfinite = ax_job_cell(job, AX_M_MODEL_NONFINITE);
    c->reviews = ax_job_cell(job, AX_M_FORECAST_REVIEWS);
    if (scored) {
        c->kind.anomaly = &job->detector;
        c->kind.min_steps = job->min_steps;
        c->kind.spare = ax_detector_new(&job->detector);
        if (!c->kind.spare)
            return ax_fail(diag, AX_NOMEM, "out of memory");
        c->kind.emit_anomaly = own;
    }
    bool drifts = job->config->drift.enabled && (own || scored || forecast);
    c->sample_left = sample_of(&job->config->drift);
    c->kind.sample_left = &c->sample_left;
    if (job->config->drift.enabled)
        c->kind.drift_n = job->drift.reference_n + job->drift.current_n;
    /* The detector of a feature is as good without: the last value is what it expects then. */
    enum ax_err err = (scored && own) || forecast || drifts ? init_forecast(c, forecast, diag) : AX_OK;
    if (err == AX_OK && ax_channel_drift_init(c) != AX_OK)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    return err;
}

static enum ax_err bind(struct ax_channel *c, struct ax_diag *diag)
{
    enum ax_err err = ax_expr_bind(c->expr, c->job->env.db, ax_str(""), &c->job->watch, &c->bound);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "out of memory while binding an expression");
}

enum ax_err ax_channel_init(struct ax_channel *c, struct ax_job *job, int config_i, struct ax_diag *diag)
{
    const struct ax_job_config *cfg = job->config;
    bool own = config_i < 0;
    c->job = job;
    c->end = &c->first;
    c->feature = own ? (struct ax_str){NULL, 0} : cfg->features[config_i].name;
    c->joins = !own;
    c->join = (struct ax_join){cfg->by, cfg->by_n};
    struct ax_str text = own ? cfg->expr.text : cfg->features[config_i].expr.text;
    if (own) {
        (void)snprintf(c->drift_name[0], sizeof c->drift_name[0], "%s", AX_TARGET_NAME);
        (void)snprintf(c->drift_name[1], sizeof c->drift_name[1], "%s", AX_RESIDUAL_SUFFIX);
        (void)snprintf(c->drift_name[2], sizeof c->drift_name[2], "%s", AX_PREDICTION_SUFFIX);
    } else {
        (void)snprintf(c->drift_name[0], sizeof c->drift_name[0], AX_STR_FMT, AX_STR_ARG(c->feature));
        (void)snprintf(c->drift_name[1], sizeof c->drift_name[1], AX_STR_FMT "_" AX_RESIDUAL_SUFFIX,
                       AX_STR_ARG(c->feature));
        (void)snprintf(c->drift_name[2], sizeof c->drift_name[2], AX_STR_FMT "_" AX_PREDICTION_SUFFIX,
                       AX_STR_ARG(c->feature));
    }
    enum ax_err err = ax_expr_parse(text, job->env.max_range_ms, &c->expr, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "%s", own ? "expr" : c->drift_name[0]);
    err = init_models(c, diag);
    if (err == AX_OK && c->kind.emit_forecast && cfg->forecast.lstm.enabled)
        err = ax_channel_given_new(c, &ax_lstm_speaker, &c->given[AX_GIVEN_LSTM], diag);
    if (err == AX_OK && c->kind.emit_forecast && cfg->forecast.trees.enabled)
        err = ax_channel_given_new(c, &ax_trees_speaker, &c->given[AX_GIVEN_TREES], diag);
    return err == AX_OK ? bind(c, diag) : err;
}

enum ax_err ax_channel_init_capacity(struct ax_channel *c, struct ax_job *job, struct ax_diag *diag)
{
    const struct ax_capacity_config *cfg = &job->config->capacity;
    c->job = job;
    c->end = &c->first;
    c->joins = true;
    c->join = (struct ax_join){cfg->on, cfg->on_n};
    c->kind = (struct ax_target_kind){
        .outlets = &job->outlets, .values_only = true, .sample_left = &c->sample_left};
    (void)snprintf(c->drift_name[0], sizeof c->drift_name[0], "%s", "capacity");
    enum ax_err err = ax_expr_parse(cfg->expr.text, job->env.max_range_ms, &c->expr, diag);
    return err == AX_OK ? bind(c, diag) : ax_wrap(diag, err, "capacity");
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
    ax_pooled_free(c->shared.pooled);
    ax_detector_free(c->kind.spare);
    free(c->horizon_text);
    free((void *)c->horizon_names);
    free(c->scores);
    ax_channel_drift_done(c);
    for (uint32_t i = 0; i < AX_GIVEN_N; i++)
        ax_channel_given_free(c->given[i]);
}
