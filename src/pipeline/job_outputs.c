/* job_outputs.c: what a job says of itself: its scorecard, whether its model is ready, which it is. */
#include "pipeline/job_priv.h"

#include <math.h>

static void emit_scorecard(struct ax_channel *c, int64_t t_ms)
{
    static const enum ax_output ids[AX_SCORES] = {AX_OUTPUT_ACCURACY,    AX_OUTPUT_MAPE,     AX_OUTPUT_WAPE,
                                                  AX_OUTPUT_CORRELATION, AX_OUTPUT_COVERAGE, AX_OUTPUT_SKILL};
    for (uint32_t h = 0; h < c->forecast.horizons_n; h++) {
        struct ax_score s = ax_scorecard_read(c->kind.scorecard, t_ms, h);
        const double values[AX_SCORES] = {s.accuracy, s.mape, s.wape, s.correlation, s.coverage, s.skill};
        const struct ax_label added[] = {{ax_str("horizon"), ax_str(c->horizon_names[h])},
                                         {ax_str("feature"), c->feature}};
        for (uint32_t i = 0; i < AX_SCORES; i++)
            ax_outlet_put(&c->job->outlets, &c->scores[h * AX_SCORES + i], ids[i], NULL, added,
                          c->feature.n ? 2 : 1, t_ms, values[i]);
    }
}

/* Is the target ready to serve, as far as its channel's models go? */
static bool target_ready(const struct ax_channel *c, const struct ax_target *t)
{
    return (!c->kind.emit_forecast || t->forecast_ready) && (!c->kind.anomaly || t->verdict.ready);
}

/* A job is ready when more than half of its present targets are; NULL, or why not. */
static const char *why_not_ready(const struct ax_job *job, int64_t t_ms)
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
        return "no_data";
    return ready * 2 > present ? NULL : "warming_up";
}

static void emit_ready(struct ax_job *job, int64_t t_ms)
{
    const char *reason = why_not_ready(job, t_ms);
    if (reason != job->reason)
        ax_outlet_end(&job->outlets, &job->model_ready, t_ms); /* another reason is another series */
    job->reason = reason;
    const struct ax_label added = {ax_str("reason"), ax_str(reason ? reason : "")};
    ax_outlet_put(&job->outlets, &job->model_ready, AX_OUTPUT_MODEL_READY, NULL, &added, reason ? 1 : 0, t_ms,
                  reason ? 0 : 1);
    const struct ax_label info[] = {{ax_str("version"), ax_str(AX_VERSION)},
                                    {ax_str("role"), ax_str("champion")}};
    ax_outlet_put(&job->outlets, &job->model_info, AX_OUTPUT_MODEL_INFO, NULL, info, 2, t_ms, 1);
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
        ax_outlet_put(&job->outlets, &job->model_trained, AX_OUTPUT_MODEL_TRAINED, NULL, NULL, 0, t_ms,
                      (double)newest_ms / 1000);
}

void ax_job_outputs(struct ax_job *job, int64_t t_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++)
        if (job->channels[i].kind.scorecard)
            emit_scorecard(&job->channels[i], t_ms);
    emit_ready(job, t_ms);
    emit_trained(job, t_ms);
}

/* Do the same to every outlet of the job as a whole. */
static void each_outlet(struct ax_job *job, void (*act)(struct ax_outlets *, struct ax_outlet *, int64_t),
                        int64_t t_ms)
{
    struct ax_outlet *own[] = {&job->drift_detected[0], &job->drift_detected[1], &job->drifted_features,
                               &job->data_drift_score,  &job->model_ready,       &job->model_info,
                               &job->model_trained};
    for (uint32_t i = 0; i < sizeof own / sizeof own[0]; i++)
        act(&job->outlets, own[i], t_ms);
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        for (uint32_t k = 0; k < 2 * AX_DRIFT_TESTS; k++)
            act(&job->outlets, &c->drift[k / AX_DRIFT_TESTS][k % AX_DRIFT_TESTS], t_ms);
        for (uint32_t k = 0; c->scores && k < c->forecast.horizons_n * AX_SCORES; k++)
            act(&job->outlets, &c->scores[k], t_ms);
    }
}

void ax_job_outputs_end(struct ax_job *job, int64_t t_ms)
{
    each_outlet(job, ax_outlet_end, t_ms);
}

void ax_job_outputs_repeat(struct ax_job *job, int64_t t_ms)
{
    each_outlet(job, ax_outlet_repeat, t_ms);
}
