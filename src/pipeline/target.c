/* target.c: one step of one series: window, score, forecast, outputs, in that order. */
#include "pipeline/target.h"

#include "anomaly/spec.h"
#include "forecast/scorecard.h"

#include <math.h>
#include <stdlib.h>

#define BILL_AGAIN_MS 3600000

struct ax_target *ax_target_new(const struct ax_target_kind *kind, const struct ax_job_config *job,
                                uint64_t id, const struct ax_labels *labels, int64_t t_ms)
{
    struct ax_target *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->id = id;
    t->made_ms = t_ms;
    t->first_ms = t->seen_ms = t->stepped_ms = t->ended_ms = INT64_MIN;
    t->value = t->expected = t->lower = t->upper = t->residual = (double)NAN;
    t->labels = ax_labels_dup(labels);
    t->sampled = t->was_sampled = kind->drift_n > 0 && *kind->sample_left > 0;
    if (t->sampled)
        --*kind->sample_left;
    uint32_t fine_n = t->sampled && kind->drift_n > job->window_fine ? kind->drift_n : job->window_fine;
    if (!kind->values_only)
        t->window = ax_window_new(job->step_ms, fine_n, job->window_coarse);
    bool whole = t->labels && (t->window || kind->values_only);
    if (kind->billing) {
        t->billing = ax_billing_new(kind->billing);
        whole = whole && t->billing;
    }
    if (kind->outlook) {
        t->outlook = ax_outlook_new(kind->outlook);
        whole = whole && t->outlook;
    }
    if (kind->forecast) {
        t->forecaster = ax_forecaster_new(kind->forecast, (uint32_t)ax_labels_hash(labels, 0));
        t->forecast_outlets = calloc((size_t)kind->forecast->horizons_n * AX_SERIES_FORECAST_OUTPUTS,
                                     sizeof *t->forecast_outlets);
        whole = whole && t->forecaster && t->forecast_outlets;
    }
    if (t->sampled && kind->forecast) {
        t->residuals = ax_window_new(job->step_ms, kind->drift_n, 1);
        whole = whole && t->residuals;
    }
    if (kind->anomaly) {
        t->detector = ax_detector_new(kind->anomaly);
        whole = whole && t->detector;
    }
    if (kind->emit_anomaly) {
        t->hindsight = ax_hindsight_new(kind->min_steps);
        whole = whole && t->hindsight;
    }
    if (whole)
        return t;
    ax_target_free(t, kind, INT64_MIN);
    return NULL;
}

/* What an output of a forecast is called. */
static struct ax_outlet_name forecast_name(const struct ax_target *t, const struct ax_target_kind *kind,
                                           uint32_t horizon, uint32_t i)
{
    static const enum ax_output ids[AX_SERIES_FORECAST_OUTPUTS] = {
        AX_OUTPUT_PREDICTED, AX_OUTPUT_PREDICTED_LOWER, AX_OUTPUT_PREDICTED_UPPER, AX_OUTPUT_CONFIDENCE};
    return (struct ax_outlet_name){.id = ids[i],
                                   .input = t->labels,
                                   .added = {{ax_str("horizon"), ax_str(kind->horizon_names[horizon])},
                                             {ax_str("feature"), kind->feature}},
                                   .added_n = kind->feature.n ? 2 : 1};
}

/* What that of the challenger is called. */
static struct ax_outlet_name challenger_name(const struct ax_target *t, const struct ax_target_kind *kind,
                                             uint32_t horizon)
{
    return ax_challenger_name(forecast_name(t, kind, horizon, 0), AX_OUTPUT_CHALLENGER);
}

/* What an output of a score is called. */
static struct ax_outlet_name anomaly_name(const struct ax_target *t, uint32_t i)
{
    static const enum ax_output ids[AX_SERIES_ANOMALY_OUTPUTS] = {
        AX_OUTPUT_SCORE, AX_OUTPUT_SEVERITY, AX_OUTPUT_DIRECTION, AX_OUTPUT_EXPECTED,
        AX_OUTPUT_LOWER, AX_OUTPUT_UPPER,    AX_OUTPUT_ABSENT};
    return (struct ax_outlet_name){.id = ids[i], .input = t->labels};
}

static struct ax_outlet_name billing_name(const struct ax_target *t, uint32_t i)
{
    static const enum ax_output ids[AX_SERIES_BILLING_OUTPUTS] = {
        AX_OUTPUT_BILLING, AX_OUTPUT_BILLING_PREDICTED, AX_OUTPUT_BILLING_OBSERVED};
    return (struct ax_outlet_name){.id = ids[i], .input = t->labels};
}

/* All but those of the score. */
static void other_outlets(struct ax_target *t, const struct ax_target_kind *kind,
                          const struct ax_outlet_deed *deed)
{
    uint32_t n = t->forecast_outlets ? kind->forecast->horizons_n * AX_SERIES_FORECAST_OUTPUTS : 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_outlet_name name =
            forecast_name(t, kind, i / AX_SERIES_FORECAST_OUTPUTS, i % AX_SERIES_FORECAST_OUTPUTS);
        ax_outlet_do(kind->outlets, &t->forecast_outlets[i], &name, deed);
    }
    for (uint32_t h = 0; h < t->challenged.n; h++) {
        const struct ax_outlet_name name = challenger_name(t, kind, h);
        ax_outlet_do(kind->outlets, &t->challenged.v[h], &name, deed);
    }
    for (uint32_t i = 0; t->billing && i < AX_SERIES_BILLING_OUTPUTS; i++) {
        const struct ax_outlet_name name = billing_name(t, i);
        ax_outlet_do(kind->outlets, &t->billing_outlets[i], &name, deed);
    }
    if (t->outlook)
        ax_outlook_outlets(t->outlook, kind->outlook, t->labels, deed);
}

static void anomaly_outlets(struct ax_target *t, const struct ax_target_kind *kind,
                            const struct ax_outlet_deed *deed)
{
    for (uint32_t i = 0; i < AX_SERIES_ANOMALY_OUTPUTS; i++) {
        const struct ax_outlet_name name = anomaly_name(t, i);
        ax_outlet_do(kind->outlets, &t->anomaly_outlets[i], &name, deed);
    }
}

void ax_target_outlets(struct ax_target *t, const struct ax_target_kind *kind,
                       const struct ax_outlet_deed *deed)
{
    other_outlets(t, kind, deed);
    anomaly_outlets(t, kind, deed);
}

void ax_target_end(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms)
{
    const struct ax_outlet_deed deed = {.verb = AX_OUTLET_END, .t_ms = t_ms};
    other_outlets(t, kind, &deed);
    if (!t->verdict.absent)
        anomaly_outlets(t, kind, &deed);
    if (kind->challenger)
        ax_challenged_leave(kind->challenger, &t->challenged, t_ms);
    if (kind->paths)
        ax_paths_close(kind->paths, t->path);
    t->path = NULL;
}

void ax_target_leave_sample(struct ax_target *t, const struct ax_target_kind *kind)
{
    if (!t->sampled)
        return;
    t->sampled = false;
    ++*kind->sample_left;
    ax_window_free(t->residuals);
    t->residuals = NULL;
}

int64_t ax_target_absent_ms(const struct ax_target *t, int64_t t_ms)
{
    return t_ms - (t->seen_ms == INT64_MIN ? t->made_ms : t->seen_ms);
}

void ax_target_free(struct ax_target *t, const struct ax_target_kind *kind, int64_t end_ms)
{
    if (!t)
        return;
    t->verdict.absent = false;
    ax_target_end(t, kind, end_ms);
    ax_detector_free(t->detector);
    ax_hindsight_free(t->hindsight);
    ax_forecaster_free(t->forecaster);
    ax_window_free(t->window);
    ax_target_leave_sample(t, kind);
    free(t->forecast_outlets);
    free(t->outlook);
    free(t->billing);
    free(t->labels);
    free(t);
}

/* Let readers see the path, or why there is none. */
static void publish(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                    const struct ax_forecast *f)
{
    const struct ax_outlet_name name = {.id = AX_OUTPUT_FUTURE,
                                        .input = t->labels,
                                        .added = {{ax_str("feature"), kind->feature}},
                                        .added_n = kind->feature.n ? 1 : 0};
    struct ax_labels labels;
    if (!t->path && ax_outlet_labels(kind->outlets, &name, &labels) == AX_OK)
        t->path = ax_paths_open(kind->paths, &labels, kind->forecast, kind->classes);
    if (t->path && f->ready)
        ax_paths_put(kind->paths, t->path, t_ms, f);
    else if (t->path)
        ax_paths_wait(kind->paths, t->path, t_ms, f->reason);
}

/* Feed the outputs of one forecast, every horizon. */
static void emit_forecast(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                          const struct ax_forecast *f)
{
    for (uint32_t h = 0; h < kind->forecast->horizons_n; h++) {
        uint32_t lead = kind->forecast->horizons[h];
        const double values[AX_SERIES_FORECAST_OUTPUTS] = {f->mean[lead], f->lower[lead], f->upper[lead],
                                                           f->confidence[lead]};
        for (uint32_t i = 0; i < AX_SERIES_FORECAST_OUTPUTS; i++) {
            const struct ax_outlet_name name = forecast_name(t, kind, h, i);
            ax_outlet_put(kind->outlets, &t->forecast_outlets[h * AX_SERIES_FORECAST_OUTPUTS + i], &name,
                          t_ms, values[i]);
        }
    }
}

void ax_target_challenge(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                         const double *said)
{
    const uint32_t n = kind->forecast->horizons_n;
    if (!kind->emit_forecast || isnan(t->value) || !ax_challenged_join(kind->challenger, &t->challenged, n))
        return;
    for (uint32_t h = 0; h < n; h++) {
        const struct ax_outlet_name name = challenger_name(t, kind, h);
        ax_outlet_put(kind->outlets, &t->challenged.v[h], &name, t_ms, said[h]);
    }
}

/* What the job's expression says of its capacity at this step; NaN for nothing. */
static double capacity_of(const struct ax_target *t, const struct ax_capacities *capacities)
{
    struct ax_label room[AX_JOIN_LABELS_MAX];
    if (!capacities)
        return (double)NAN;
    struct ax_labels joined = ax_join_labels(&capacities->join, t->labels, room);
    const struct ax_target *c = ax_map_get(capacities->targets, ax_labels_hash(&joined, capacities->seed));
    return c && c->stepped_ms == t->stepped_ms && ax_labels_eq(c->labels, &joined) ? c->value : (double)NAN;
}

/* Say what the forecast means. */
static void look_out(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                     const struct ax_forecast *f)
{
    const struct ax_outlook_input in = {t->labels, t_ms, t->value, capacity_of(t, kind->capacities), f};
    ax_outlook_step(t->outlook, kind->outlook, &in);
}

static void emit_anomaly(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms)
{
    const struct ax_verdict *v = &t->verdict;
    double band = v->ready ? 1 : (double)NAN; /* while warming up there is a score of 0, and no band */
    const double values[AX_SERIES_ANOMALY_OUTPUTS] = {v->score,
                                                      v->severity,
                                                      v->direction,
                                                      v->expected * band,
                                                      v->lower * band,
                                                      v->upper * band,
                                                      kind->anomaly->absence ? v->absent : (double)NAN};
    for (uint32_t i = 0; i < AX_SERIES_ANOMALY_OUTPUTS; i++) {
        const struct ax_outlet_name name = anomaly_name(t, i);
        ax_outlet_put(kind->outlets, &t->anomaly_outlets[i], &name, t_ms, values[i]);
    }
}

static void score_step(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms)
{
    struct ax_observation o = {.value = t->infinite ? t->infinite * (double)INFINITY : t->value,
                               .expected = t->expected,
                               .lower = t->lower,
                               .upper = t->upper,
                               .past = ax_window_fine(t->window),
                               .ended = t->ended_ms == t_ms,
                               .spared = kind->spared,
                               .turn = t->serial};
    struct ax_verdict now, passed;
    const bool outside = t->infinite && ax_detector_spec_beyond(kind->anomaly, o.value) != 0;
    if (kind->skip & AX_SKIP_LEARNING) {
        ax_detector_copy(kind->spare, t->detector);
        ax_detector_step(kind->spare, &o, &now);
        o.value = (double)NAN;
        ax_detector_step(t->detector, &o, &passed);
    } else {
        ax_detector_step(t->detector, &o, &now);
    }
    const bool gap = isnan(t->value) && !now.absent && !outside;
    if (gap && now.ready)
        return; /* what was judged before stands */
    t->verdict = now;
    if (gap || !t->hindsight) /* a feature's score is its entity's affair */
        return;
    ax_hindsight_judge(t->hindsight, t_ms, kind->outlets->job->step_ms, t->value, &t->verdict);
    if (kind->skip & AX_SKIP_ALERTS)
        ax_verdict_calm(&t->verdict);
    ax_episodes_note(&t->hindsight->episodes, t_ms, kind->outlets->job->step_ms, t->seen_ms, t->value,
                     &t->verdict, NULL);
    emit_anomaly(t, kind, t_ms);
    if (kind->observer && kind->observer->verdict)
        kind->observer->verdict(kind->observer->ctx, kind->outlets->job, t->labels, t_ms, t->value,
                                &t->verdict);
}

static void settle(const struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                   const struct ax_outcome *outcomes, uint32_t n)
{
    const uint16_t group = n && kind->parity ? ax_parity_card_group(kind->parity, t->labels) : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kind->parity)
            ax_parity_card_error(kind->parity, t_ms, group, outcomes[i].mean - outcomes[i].actual,
                                 outcomes[i].actual);
        if (kind->scorecard)
            ax_scorecard_add(kind->scorecard, t_ms, &outcomes[i]);
        if (kind->emit_forecast && kind->observer && kind->observer->outcome)
            kind->observer->outcome(kind->observer->ctx, kind->outlets->job, kind->feature, t->labels, t_ms,
                                    &outcomes[i]);
    }
}

/* Remember what is expected of the next step, which is the path's first point. */
static void expect_next(struct ax_target *t, const struct ax_target_kind *kind, const struct ax_forecast *f)
{
    t->forecast_ready = f->ready;
    t->expected = f->ready ? f->mean[0] : (double)NAN;
    t->lower = f->ready ? f->lower[0] : (double)NAN;
    t->upper = f->ready ? f->upper[0] : (double)NAN;
    if (f->nonfinite)
        ax_metric_add(kind->nonfinite, f->nonfinite);
}

/* Without a forecast it is expected to stay where it was when it was last learnt from. */
static void expect_the_same(struct ax_target *t, const struct ax_target_kind *kind)
{
    if (t->detector && !isnan(t->value) && (kind->skip & AX_SKIP_LEARNING) == 0)
        t->expected = t->value;
}

/* Say what the month costs so far, and at its end: the latter is looked at anew once an hour, not of all
 * series at the same time. */
static enum ax_err bill(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                        struct ax_arena *scratch)
{
    const struct ax_billing_spec *spec = kind->billing;
    int64_t slot = t->billing->slot_ms / spec->interval_ms;
    int64_t each = spec->interval_ms < BILL_AGAIN_MS ? BILL_AGAIN_MS / spec->interval_ms : 1;
    bool begins = t_ms - spec->step_ms <= t->billing->slot_ms - spec->interval_ms;
    if (begins && (isnan(t->billing->projected) || (slot + t->serial) % each == 0)) {
        ax_arena_reset(scratch);
        enum ax_err err = ax_billing_project(t->billing, spec, t->window, scratch);
        if (err != AX_OK)
            return err;
    }
    const double values[AX_SERIES_BILLING_OUTPUTS] = {ax_billing_value(t->billing, spec),
                                                      (double)t->billing->projected,
                                                      ax_billing_observed(t->billing, spec, t_ms)};
    for (uint32_t i = 0; i < AX_SERIES_BILLING_OUTPUTS && !isnan(t->value); i++) {
        const struct ax_outlet_name name = billing_name(t, i);
        ax_outlet_put(kind->outlets, &t->billing_outlets[i], &name, t_ms, values[i]);
    }
    return AX_OK;
}

enum ax_err ax_target_observe(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                              double value)
{
    bool learns = (kind->skip & AX_SKIP_LEARNING) == 0;
    t->infinite = isinf(value) ? (value > 0 ? 1 : -1) : 0;
    if (t->infinite)
        value = (double)NAN; /* no model can learn from it: a gap */
    enum ax_err err = AX_OK;
    if (t->window)
        err = ax_window_push(t->window, t_ms, learns ? value : (double)NAN);
    if (err != AX_OK)
        return err;
    t->stepped_ms = t_ms;
    t->value = value;
    t->residual = value - t->expected;
    if (t->residuals)
        err = ax_window_push(t->residuals, t_ms, learns ? t->residual : (double)NAN);
    if (err != AX_OK)
        return err;
    if (t->billing)
        ax_billing_add(t->billing, kind->billing, t_ms, value);
    if (!isnan(value)) {
        t->seen_ms = t_ms;
        if (t->first_ms == INT64_MIN)
            t->first_ms = t_ms;
    }
    return AX_OK;
}

enum ax_err ax_target_step(struct ax_target *t, const struct ax_target_kind *kind, int64_t t_ms,
                           const double *const *given, struct ax_arena *scratch)
{
    enum ax_err err = t->billing ? bill(t, kind, t_ms, scratch) : AX_OK;
    if (err != AX_OK)
        return err;
    if (t->detector)
        score_step(t, kind, t_ms);
    if (!t->forecaster) {
        expect_the_same(t, kind);
        return AX_OK;
    }
    struct ax_forecast f;
    struct ax_outcome outcomes[AX_PATH_MAX];
    uint32_t outcomes_n = 0;
    ax_arena_reset(scratch);
    err = ax_forecaster_step(t->forecaster, t->window, t_ms, given, scratch, &f, outcomes, &outcomes_n);
    if (err != AX_OK)
        return err;
    settle(t, kind, t_ms, outcomes, outcomes_n);
    expect_next(t, kind, &f);
    bool told = kind->emit_forecast && !isnan(t->value);
    if (told && f.ready)
        emit_forecast(t, kind, t_ms, &f);
    if (t->outlook && !isnan(t->value))
        look_out(t, kind, t_ms, &f);
    if (told && kind->paths)
        publish(t, kind, t_ms, &f);
    if (kind->emit_forecast && kind->observer && kind->observer->step)
        kind->observer->step(kind->observer->ctx, kind->outlets->job, kind->feature, t->labels, t_ms,
                             t->window, kind->forecast, f.ready ? &f : NULL);
    return AX_OK;
}

/* Let readers of both windows see a gap. */
static enum ax_err hide(struct ax_target *t, const struct ax_lesson_range *range)
{
    enum ax_err err = ax_window_exclude(t->window, range->id, range->from_ms, range->to_ms);
    if (err != AX_OK || !t->residuals)
        return err;
    err = ax_window_exclude(t->residuals, range->id, range->from_ms, range->to_ms);
    if (err == AX_OK || err == AX_NOTFOUND) /* younger than the series, they may know nothing of that time */
        return AX_OK;
    (void)ax_window_include(t->window, range->id);
    return err;
}

enum ax_err ax_target_exclude(struct ax_target *t, const struct ax_lesson_range *range)
{
    enum ax_err err = hide(t, range);
    if (err == AX_OK && t->detector)
        ax_detector_drop(t->detector);
    return err;
}

bool ax_target_include(struct ax_target *t, uint64_t id)
{
    const bool residuals = t->residuals && ax_window_include(t->residuals, id);
    return (t->window && ax_window_include(t->window, id)) || residuals;
}

bool ax_target_excludes(const struct ax_target *t)
{
    return t->window && (t->hindsight || (!t->detector && t->forecaster));
}

uint64_t ax_target_bytes(const struct ax_target *t, const struct ax_target_kind *kind)
{
    uint64_t n = sizeof *t + sizeof *t->labels;
    if (t->window)
        n += ax_window_bytes(t->window);
    for (uint32_t i = 0; i < t->labels->n; i++)
        n += sizeof *t->labels->v + t->labels->v[i].name.n + t->labels->v[i].value.n;
    if (t->residuals)
        n += ax_window_bytes(t->residuals);
    if (t->outlook)
        n += ax_outlook_bytes(kind->outlook);
    if (t->billing)
        n += ax_billing_bytes(kind->billing);
    if (t->forecaster)
        n += ax_forecaster_bytes(t->forecaster);
    if (t->detector)
        n += ax_detector_bytes(t->detector);
    if (t->hindsight)
        n += ax_hindsight_bytes(t->hindsight);
    return n;
}
