/* job_drift.c: have the inputs of a job, or its forecasts, moved, or their errors grown?
 *
 * Inputs are its expression and features; errors are the residuals of one-step forecasts; a forecast is the
 * value less its error. All are pooled over a stable sample of the targets (drift/pool.h). Inputs are tested
 * against what the live model learnt from (drift/reference.h) where the job has one, which is of its artifact
 * and so the same in a replay; all else against its own past. A streaming detector (drift/stream.h), where
 * one is asked for, watches the mean error of each step. When errors begin to drift, or have risen, the
 * forecasters of that expression hold their members against what is new (ax_forecaster_review()). */
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LE_N (AX_DRIFT_LE + 1) /* bounds with infinity */

enum ax_err ax_channel_drift_init(struct ax_channel *c)
{
    const struct ax_drift_config *drift = &c->job->config->drift;
    if (!drift->enabled)
        return AX_OK;
    if (drift->distribution) {
        c->distribution = calloc((size_t)2 * LE_N, sizeof *c->distribution);
        if (!c->distribution)
            return AX_NOMEM;
    }
    if (drift->stream != AX_STREAM_NONE && c->kind.forecast) {
        c->stream = malloc(sizeof *c->stream);
        if (!c->stream)
            return AX_NOMEM;
        ax_drift_stream_init(c->stream, (enum ax_drift_stream_kind)drift->stream, c->job->env.seed);
    }
    return AX_OK;
}

void ax_channel_drift_done(struct ax_channel *c)
{
    free(c->distribution);
    free(c->stream);
}

/* The one-step forecasts of a target, as far back as their errors are known; NULL when out of memory. */
static const float *forecasts_of(const struct ax_target *t, struct ax_arena *scratch, uint32_t *out_n)
{
    const struct ax_view values = ax_window_fine(t->window), errors = ax_window_fine(t->residuals);
    const uint32_t n = values.n < errors.n ? values.n : errors.n;
    float *v = ax_arena_array(scratch, n, sizeof *v);
    for (uint32_t i = 0; v && i < n; i++)
        v[i] = values.v[values.n - n + i] - errors.v[errors.n - n + i];
    *out_n = n;
    return v;
}

bool ax_channel_pool_offer(const struct ax_channel *c, const struct ax_target *t, enum ax_drift_source source,
                           struct ax_drift_pool *out)
{
    if (source != AX_DRIFT_INPUTS && !t->residuals)
        return true;
    const struct ax_view view = ax_window_fine(source == AX_DRIFT_RESIDUALS ? t->residuals : t->window),
                         coarse = ax_window_coarse(t->window);
    const bool goes_on = coarse.n && coarse.end_ms + coarse.step_ms > c->job->schedule.last_ms;
    struct ax_drift_member member = {ax_labels_hash(t->labels, 0), view.v, view.n, coarse.v,
                                     goes_on ? coarse.n : 0};
    if (source == AX_DRIFT_PREDICTIONS) {
        member.v = forecasts_of(t, &c->job->scratch, &member.n);
        if (!member.v)
            return false;
    }
    ax_drift_pool_offer(out, &member);
    return true;
}

enum ax_err ax_channel_pool(const struct ax_channel *c, enum ax_drift_source source,
                            struct ax_drift_pool *out)
{
    *out = (struct ax_drift_pool){.errors = source == AX_DRIFT_RESIDUALS};
    for (const struct ax_target *t = c->first; t; t = t->next)
        if (t->sampled && !ax_channel_pool_offer(c, t, source, out))
            return AX_NOMEM;
    return AX_OK;
}

/* Test a feature against what the live model learnt from, if that is known; its residuals, its forecasts, and
 * a feature of which most series are new, against their own past. */
static enum ax_err test_channel(struct ax_channel *c, enum ax_drift_source source,
                                struct ax_drift_result *out)
{
    struct ax_drift_pool pool;
    struct ax_arena *scratch = &c->job->scratch;
    const struct ax_drift_reference *reference = source == AX_DRIFT_INPUTS ? ax_channel_reference(c) : NULL;
    *out = (struct ax_drift_result){.ready = false};
    enum ax_err err = ax_channel_pool(c, source, &pool);
    if (err != AX_OK)
        return err;
    err = reference ? ax_drift_reference_test(&c->job->drift, reference, &pool, scratch, out) : AX_NOTFOUND;
    return err == AX_NOTFOUND ? ax_drift_pool_test(&c->job->drift, &pool, scratch, out) : err;
}

/* ---- names ---- */

struct ax_outlet_name ax_drift_score_name(const struct ax_channel *c, enum ax_drift_source source,
                                          enum ax_drift_test test)
{
    return (struct ax_outlet_name){.id = AX_OUTPUT_DRIFT_SCORE,
                                   .added = {{ax_str("feature"), ax_str(c->drift_name[source])},
                                             {ax_str("test"), ax_str(ax_drift_test_name(test))}},
                                   .added_n = 2};
}

struct ax_outlet_name ax_drift_detected_name(enum ax_drift_kind kind)
{
    static const char *const kinds[AX_DRIFT_KINDS] = {"data", "concept", "target", "prediction", "accuracy"};
    return (struct ax_outlet_name){
        .id = AX_OUTPUT_DRIFT_DETECTED, .added = {{ax_str("kind"), ax_str(kinds[kind])}}, .added_n = 1};
}

/* The share of a window that is at most a bound; text is where that is put into words. */
static struct ax_outlet_name distribution_name(const struct ax_channel *c, uint32_t window, uint32_t i,
                                               char text[16])
{
    static const char *const windows[] = {"reference", "current"};
    if (i < AX_DRIFT_LE)
        (void)snprintf(text, 16, "%g", ax_drift_le(i));
    return (struct ax_outlet_name){.id = AX_OUTPUT_FEATURE_DISTRIBUTION,
                                   .added = {{ax_str("feature"), ax_str(c->drift_name[AX_DRIFT_INPUTS])},
                                             {ax_str("window"), ax_str(windows[window])},
                                             {ax_str("le"), ax_str(i < AX_DRIFT_LE ? text : "+Inf")}},
                                   .added_n = 3};
}

static const struct ax_outlet_name features_name = {.id = AX_OUTPUT_DRIFTED_FEATURES};
static const struct ax_outlet_name share_name = {.id = AX_OUTPUT_DATA_DRIFT_SCORE};

static void channel_outlets(struct ax_channel *c, const struct ax_outlet_deed *deed)
{
    char text[16];
    for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++)
        for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++) {
            const struct ax_outlet_name name = ax_drift_score_name(c, source, test);
            ax_outlet_do(&c->job->outlets, &c->drift[source][test], &name, deed);
        }
    for (uint32_t i = 0; c->distribution && i < 2 * LE_N; i++) {
        const struct ax_outlet_name name = distribution_name(c, i / LE_N, i % LE_N, text);
        ax_outlet_do(&c->job->outlets, &c->distribution[i], &name, deed);
    }
}

void ax_job_drift_outlets(struct ax_job *job, const struct ax_outlet_deed *deed)
{
    for (enum ax_drift_kind kind = 0; kind < AX_DRIFT_KINDS; kind++) {
        const struct ax_outlet_name name = ax_drift_detected_name(kind);
        ax_outlet_do(&job->outlets, &job->drift_detected[kind], &name, deed);
    }
    ax_outlet_do(&job->outlets, &job->drifted_features, &features_name, deed);
    ax_outlet_do(&job->outlets, &job->data_drift_score, &share_name, deed);
    ax_job_labels_outlets(job, deed);
    for (uint32_t i = 0; i < job->channels_n; i++)
        channel_outlets(&job->channels[i], deed);
}

/* ---- tests ---- */

/* The errors of a channel's forecasts are not what they were: who is believed is to be asked anew. */
static void review(struct ax_channel *c)
{
    if (c->reviews)
        ax_metric_add(c->reviews, 1);
    for (struct ax_target *t = c->first; t; t = t->next)
        if (t->forecaster)
            ax_forecaster_review(t->forecaster);
}

/* Test all channels for one source of drift and decide over them together. */
static void run_source(struct ax_job *job, enum ax_drift_source source, int64_t t_ms)
{
    struct ax_drift_result results[AX_CHANNELS_MAX + AX_JOB_LABELS_MAX];
    struct ax_channel *channels[AX_CHANNELS_MAX];
    uint32_t n = 0, labels[AX_JOB_LABELS_MAX], labels_n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        c->drift_result[source].ready = false;
        ax_arena_reset(&job->scratch);
        if (test_channel(c, source, &results[n]) != AX_OK) {
            ax_job_error(job, "drift");
            continue;
        }
        if (results[n].ready)
            channels[n++] = c;
    }
    if (source == AX_DRIFT_INPUTS)
        labels_n = ax_job_labels_test(job, t_ms, results + n, labels);
    job->drift_drifted[source] = ax_drift_verdict(&job->drift, results, n + labels_n);
    job->drift_ready[source] = n + labels_n;
    for (uint32_t i = 0; i < labels_n; i++)
        ax_job_labels_take(job, labels[i], &results[n + i]);
    for (uint32_t i = 0; i < n; i++) {
        if (source == AX_DRIFT_RESIDUALS && results[i].drifted && !channels[i]->drift_result[source].drifted)
            review(channels[i]);
        channels[i]->drift_result[source] = results[i];
    }
}

/* The mean error of this step over the channel's sample, each as a share of value and forecast together (from
 * 0 to 2, so that no series outweighs the others); NaN without one. */
static double mean_error(const struct ax_channel *c, int64_t t_ms)
{
    double sum = 0;
    uint32_t n = 0;
    for (const struct ax_target *t = c->first; t; t = t->next) {
        const double size = fabs(t->value) + fabs(t->value - t->residual);
        if (!t->residuals || t->stepped_ms != t_ms || !isfinite(size) || !(size > 0))
            continue;
        sum += 2 * fabs(t->residual) / size;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

static void run_streams(struct ax_job *job, int64_t t_ms)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        if (!c->stream || ax_drift_stream_update(c->stream, mean_error(c, t_ms)) <= 0)
            continue;
        job->accuracy_fell_ms = t_ms;
        review(c);
    }
}

bool ax_job_drifted(const struct ax_job *job, enum ax_drift_kind kind, int64_t t_ms)
{
    switch (kind) {
    case AX_DRIFT_DATA:
        return job->drift_drifted[AX_DRIFT_INPUTS] > 0;
    case AX_DRIFT_CONCEPT:
        return job->drift_drifted[AX_DRIFT_RESIDUALS] > 0;
    case AX_DRIFT_PREDICTION:
        return job->drift_drifted[AX_DRIFT_PREDICTIONS] > 0;
    case AX_DRIFT_ACCURACY:
        return job->accuracy_fell_ms != AX_NEVER &&
               t_ms - job->accuracy_fell_ms < job->config->drift.current * job->config->step_ms;
    default:
        for (uint32_t i = 0; i < job->channels_n; i++) {
            const struct ax_drift_result *r = &job->channels[i].drift_result[AX_DRIFT_INPUTS];
            if (job->channels[i].kind.emit_forecast && r->ready && r->drifted)
                return true;
        }
        return false;
    }
}

/* Is there anything to say of this kind? */
static bool is_known(const struct ax_job *job, enum ax_drift_kind kind)
{
    switch (kind) {
    case AX_DRIFT_CONCEPT:
        return job->drift_ready[AX_DRIFT_RESIDUALS] > 0;
    case AX_DRIFT_PREDICTION:
        return job->config->forecast.enabled && job->drift_ready[AX_DRIFT_PREDICTIONS] > 0;
    case AX_DRIFT_TARGET:
        return job->config->forecast.enabled && job->drift_ready[AX_DRIFT_INPUTS] > 0;
    case AX_DRIFT_ACCURACY:
        return job->config->drift.stream != AX_STREAM_NONE && job->drift_ready[AX_DRIFT_RESIDUALS] > 0;
    default:
        return job->drift_ready[AX_DRIFT_INPUTS] > 0;
    }
}

/* ---- output ---- */

static void emit_scores(struct ax_channel *c, enum ax_drift_source source, int64_t t_ms)
{
    struct ax_job *job = c->job;
    const struct ax_drift_result *r = &c->drift_result[source];
    const struct ax_observer *o = job->env.observer;
    for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++) {
        const struct ax_outlet_name name = ax_drift_score_name(c, source, test);
        ax_outlet_put(&job->outlets, &c->drift[source][test], &name, t_ms, r->score[test]);
        if (o && o->drift)
            o->drift(o->ctx, job->config, c->drift_name[source], ax_drift_test_name(test), t_ms,
                     r->score[test], r->drifted);
    }
}

static void emit_distribution(struct ax_channel *c, int64_t t_ms)
{
    char text[16];
    for (uint32_t i = 0; i < 2 * LE_N; i++) {
        const struct ax_outlet_name name = distribution_name(c, i / LE_N, i % LE_N, text);
        const float share =
            i % LE_N < AX_DRIFT_LE ? c->drift_result[AX_DRIFT_INPUTS].share[i / LE_N][i % LE_N] : 1;
        ax_outlet_put(&c->job->outlets, &c->distribution[i], &name, t_ms, (double)share);
    }
}

/* The newest results; they hold until the next tests, so that the series have no gaps. */
static void emit(struct ax_job *job, int64_t t_ms)
{
    const uint32_t n = job->drift_ready[AX_DRIFT_INPUTS], drifted = job->drift_drifted[AX_DRIFT_INPUTS];
    for (uint32_t i = 0; i < job->channels_n; i++) {
        struct ax_channel *c = &job->channels[i];
        for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++)
            if (c->drift_result[source].ready)
                emit_scores(c, source, t_ms);
        if (c->distribution && c->drift_result[AX_DRIFT_INPUTS].ready)
            emit_distribution(c, t_ms);
    }
    ax_job_labels_emit(job, t_ms);
    for (enum ax_drift_kind kind = 0; kind < AX_DRIFT_KINDS; kind++) {
        const struct ax_outlet_name name = ax_drift_detected_name(kind);
        if (is_known(job, kind))
            ax_outlet_put(&job->outlets, &job->drift_detected[kind], &name, t_ms,
                          ax_job_drifted(job, kind, t_ms));
    }
    if (n == 0)
        return;
    ax_outlet_put(&job->outlets, &job->drifted_features, &features_name, t_ms, drifted);
    ax_outlet_put(&job->outlets, &job->data_drift_score, &share_name, t_ms, (double)drifted / n);
}

void ax_job_drift(struct ax_job *job, int64_t t_ms)
{
    if (!job->config->drift.enabled)
        return;
    const bool due = t_ms >= job->drift_due_ms;
    run_streams(job, t_ms);
    if (due) {
        for (enum ax_drift_source source = 0; source < AX_DRIFT_SOURCES; source++)
            if (source != AX_DRIFT_PREDICTIONS || job->config->forecast.enabled)
                run_source(job, source, t_ms);
        if (job->drift_ready[AX_DRIFT_INPUTS]) /* until there is something to say, ask at every step */
            job->drift_due_ms = t_ms + job->config->drift.interval_ms;
    }
    if (ax_job_rehearses(job)) /* its forecasters are asked anew where they would have been */
        return;
    emit(job, t_ms);
    if (job->config->drift.per == AX_DRIFT_PER_ENTITY)
        ax_drift_entities_step(job, t_ms);
}
