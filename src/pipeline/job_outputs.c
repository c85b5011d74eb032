/* job_outputs.c: what a job says of itself: its scorecard, whether its model is ready, which it is. */
#include "pipeline/health.h"
#include "pipeline/job_priv.h"

#include <math.h>

const char *ax_job_reason_text(enum ax_job_reason reason)
{
    static const char *const texts[AX_JOB_REASONS] = {NULL, "no_data", "warming_up"};
    return texts[reason];
}

/* What a figure of the scorecard is called. */
static struct ax_outlet_name score_name(const struct ax_channel *c, uint32_t horizon, uint32_t i)
{
    static const enum ax_output ids[AX_SCORES] = {AX_OUTPUT_ACCURACY,    AX_OUTPUT_MAPE,     AX_OUTPUT_WAPE,
                                                  AX_OUTPUT_CORRELATION, AX_OUTPUT_COVERAGE, AX_OUTPUT_SKILL};
    return (struct ax_outlet_name){
        .id = ids[i],
        .added = {{ax_str("horizon"), ax_str(c->horizon_names[horizon])}, {ax_str("feature"), c->feature}},
        .added_n = c->feature.n ? 2 : 1};
}

/* What the job's readiness is called as it stands. */
static struct ax_outlet_name ready_name(const struct ax_job *job)
{
    struct ax_outlet_name name = {.id = AX_OUTPUT_MODEL_READY};
    if (job->reason != AX_JOB_READY)
        name.added[name.added_n++] =
            (struct ax_label){ax_str("reason"), ax_str(ax_job_reason_text(job->reason))};
    return name;
}

static struct ax_outlet_name info_name(void)
{
    return (struct ax_outlet_name){
        .id = AX_OUTPUT_MODEL_INFO,
        .added = {{ax_str("version"), ax_str(AX_VERSION)}, {ax_str("role"), ax_str("champion")}},
        .added_n = 2};
}

static const struct ax_outlet_name trained_name = {.id = AX_OUTPUT_MODEL_TRAINED};
static const struct ax_outlet_name health_name = {.id = AX_OUTPUT_MODEL_HEALTH};
static const struct ax_outlet_name precision_name = {.id = AX_OUTPUT_ALARM_PRECISION};
static const struct ax_outlet_name recall_name = {.id = AX_OUTPUT_ALARM_RECALL};

void ax_job_outlets(struct ax_job *job, const struct ax_outlet_deed *deed)
{
    const struct ax_outlet_name ready = ready_name(job), info = info_name();
    ax_outlet_do(&job->outlets, &job->model_ready, &ready, deed);
    ax_outlet_do(&job->outlets, &job->model_info, &info, deed);
    ax_outlet_do(&job->outlets, &job->model_trained, &trained_name, deed);
    ax_outlet_do(&job->outlets, &job->model_health, &health_name, deed);
    ax_outlet_do(&job->outlets, &job->alarm_precision, &precision_name, deed);
    ax_outlet_do(&job->outlets, &job->alarm_recall, &recall_name, deed);
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        for (uint32_t k = 0; c->scores && k < c->forecast.horizons_n * AX_SCORES; k++) {
            const struct ax_outlet_name name = score_name(c, k / AX_SCORES, k % AX_SCORES);
            ax_outlet_do(&job->outlets, &c->scores[k], &name, deed);
        }
    }
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_outlets(l, &job->outlets, deed);
    ax_job_drift_outlets(job, deed);
    ax_job_parity_outlets(job, deed);
}

static void emit_scorecard(struct ax_channel *c, int64_t t_ms)
{
    for (uint32_t h = 0; h < c->forecast.horizons_n; h++) {
        struct ax_score s = ax_scorecard_read(c->kind.scorecard, t_ms, h);
        const double values[AX_SCORES] = {s.accuracy, s.mape, s.wape, s.correlation, s.coverage, s.skill};
        for (uint32_t i = 0; i < AX_SCORES; i++) {
            const struct ax_outlet_name name = score_name(c, h, i);
            ax_outlet_put(&c->job->outlets, &c->scores[h * AX_SCORES + i], &name, t_ms, values[i]);
        }
    }
}

/* Is the target ready to serve, as far as its channel's models go? */
static bool target_ready(const struct ax_channel *c, const struct ax_target *t)
{
    return (!c->kind.emit_forecast || t->forecast_ready) && (!c->kind.anomaly || t->verdict.ready);
}

/* A job is ready when more than half of its present targets are. */
static enum ax_job_reason reason_of(const struct ax_job *job, int64_t t_ms)
{
    uint32_t present = 0, ready = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (struct ax_target *t = job->channels[i].first; t; t = t->next) {
            if (ax_target_absent_ms(t, t_ms) > ax_job_absence_ms(job))
                continue;
            present++;
            ready += target_ready(&job->channels[i], t);
        }
    }
    if (present == 0)
        return AX_JOB_NO_DATA;
    return ready * 2 > present ? AX_JOB_READY : AX_JOB_WARMING_UP;
}

static void emit_ready(struct ax_job *job, int64_t t_ms)
{
    enum ax_job_reason reason = reason_of(job, t_ms);
    if (reason != job->reason)
        ax_outlet_end(&job->outlets, &job->model_ready, t_ms); /* another reason is another series */
    job->reason = reason;
    const struct ax_outlet_name ready = ready_name(job), info = info_name();
    ax_outlet_put(&job->outlets, &job->model_ready, &ready, t_ms, reason == AX_JOB_READY);
    ax_outlet_put(&job->outlets, &job->model_info, &info, t_ms, 1);
}

/* When any of the job's models was last fitted. */
static void emit_trained(struct ax_job *job, int64_t t_ms)
{
    int64_t newest_ms = INT64_MIN;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (struct ax_target *t = job->channels[i].first; t; t = t->next)
            if (t->forecaster && ax_forecaster_fitted_ms(t->forecaster) > newest_ms)
                newest_ms = ax_forecaster_fitted_ms(t->forecaster);
    }
    if (newest_ms != INT64_MIN)
        ax_outlet_put(&job->outlets, &job->model_trained, &trained_name, t_ms, (double)newest_ms / 1000);
}

/* The least accuracy and skill of the job's shortest horizons; NaN while there is no score. */
static void lowest_scores(const struct ax_job *job, int64_t t_ms, struct ax_health *out)
{
    out->accuracy = out->skill = (double)NAN;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_channel *c = &job->channels[i];
        if (!c->kind.scorecard)
            continue;
        const struct ax_score s = ax_scorecard_read(c->kind.scorecard, t_ms, 0);
        out->accuracy = fmin(s.accuracy, out->accuracy);
        out->skill = fmin(s.skill, out->skill);
    }
}

/* By what people said of alarms since the newest of what serves has learnt. */
static struct ax_alarm_score alarm_score(const struct ax_job *job)
{
    int64_t since_ms = INT64_MIN;
    for (const struct ax_learner *l = job->learners; l; l = l->after)
        if (l->live && l->live->scores.until_ms > since_ms)
            since_ms = l->live->scores.until_ms;
    return ax_alarms_score(&job->alarms, since_ms);
}

double ax_job_accuracy(const struct ax_job *job, int64_t t_ms)
{
    struct ax_health h;
    lowest_scores(job, t_ms, &h);
    return fmin(h.accuracy, alarm_score(job).accuracy);
}

/* A series that has nothing to say any more ends: a newer model has begun with none of them. */
static void emit_or_end(struct ax_job *job, struct ax_outlet *o, const struct ax_outlet_name *name,
                        int64_t t_ms, double value)
{
    if (isnan(value))
        ax_outlet_end(&job->outlets, o, t_ms);
    else
        ax_outlet_put(&job->outlets, o, name, t_ms, value);
}

static void emit_alarms(struct ax_job *job, int64_t t_ms)
{
    const struct ax_alarm_score s = alarm_score(job);
    emit_or_end(job, &job->alarm_precision, &precision_name, t_ms, s.precision);
    emit_or_end(job, &job->alarm_recall, &recall_name, t_ms, s.recall);
}

static void emit_health(struct ax_job *job, int64_t t_ms)
{
    struct ax_health h = {.ready = job->reason == AX_JOB_READY, .latency = job->busy};
    const uint32_t tested = job->drift_ready[AX_DRIFT_INPUTS];
    lowest_scores(job, t_ms, &h);
    for (enum ax_drift_kind kind = 0; kind < AX_DRIFT_KINDS; kind++)
        h.drifted[kind] = ax_job_drifted(job, kind, t_ms);
    h.data_share = tested ? (double)job->drift_drifted[AX_DRIFT_INPUTS] / tested : 0;
    ax_outlet_put(&job->outlets, &job->model_health, &health_name, t_ms, ax_health_score(&h));
}

void ax_job_outputs(struct ax_job *job, int64_t t_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++)
        if (job->channels[i].kind.scorecard)
            emit_scorecard(&job->channels[i], t_ms);
    emit_ready(job, t_ms);
    emit_trained(job, t_ms);
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_emit(l, &job->outlets, t_ms);
    emit_health(job, t_ms);
    if (job->config->anomaly.enabled)
        emit_alarms(job, t_ms);
}
