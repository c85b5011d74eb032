/* job.c: building a job, and its steps in order. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/job_priv.h"
#include "pipeline/step_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HOLD_MIN_MS INT64_C(3600000)
#define HOLD_MAX_MS (4 * HOLD_MIN_MS)
#define HOLD_STEPS 240
#define HOLD_STEPS_MIN 24
#define MEMORY_MS 43200000
#define MEMORY_STEPS_MIN 2880
#define SCRATCH_BYTES (256u << 20)
#define FEATURES_MAX (AX_CHANNELS_MAX - 1)
#define REPEAT_MS 60000
#define MEAN_OF 8 /* steps, about */

int64_t ax_job_absence_ms(const struct ax_job *job)
{
    int64_t steps = 3 * job->config->step_ms;
    return steps > AX_LOOKBACK_MS ? steps : AX_LOOKBACK_MS;
}

struct ax_cell *ax_job_cell(const struct ax_job *job, enum ax_metric id)
{
    return ax_job_rehearses(job) ? ax_metric_void() : ax_metric(id, job->name, NULL);
}

void ax_job_error(const struct ax_job *job, const char *stage)
{
    if (!ax_job_rehearses(job))
        ax_metric_count(AX_M_JOB_ERRORS, job->name, stage);
}

static void init_cells(struct ax_job *job)
{
    job->watch.late = ax_job_cell(job, AX_M_LATE_SAMPLES);
    job->targets_cell = ax_job_cell(job, AX_M_JOB_TARGETS);
    job->refused = ax_job_cell(job, AX_M_JOB_TARGETS_REFUSED);
    job->steps = ax_job_cell(job, AX_M_JOB_STEPS);
    job->skipped = ax_job_cell(job, AX_M_JOB_STEPS_SKIPPED);
    job->last_step = ax_job_cell(job, AX_M_JOB_LAST_STEP);
    job->seconds = ax_job_cell(job, AX_M_JOB_STEP_SECONDS);
}

static enum ax_direction direction_of(struct ax_str s)
{
    if (ax_str_eq(s, ax_str("above_expected")))
        return AX_ABOVE;
    return ax_str_eq(s, ax_str("below_expected")) ? AX_BELOW : AX_BOTH;
}

/* A new level is abnormal for 240 steps, but for one hour at least and four at most, or for 24 steps when
 * those are more. */
static uint32_t hold_steps(int64_t step_ms)
{
    const int64_t most = HOLD_MAX_MS / step_ms, least = HOLD_MIN_MS / step_ms;
    int64_t steps = HOLD_STEPS < most ? HOLD_STEPS : most;
    steps = steps > HOLD_STEPS_MIN ? steps : HOLD_STEPS_MIN;
    return (uint32_t)(steps > least ? steps : least);
}

/* Scores are calibrated on half a day, and on 2,880 steps at least. */
static uint32_t memory_steps(int64_t step_ms)
{
    int64_t steps = MEMORY_MS / step_ms;
    return steps > MEMORY_STEPS_MIN ? (uint32_t)steps : MEMORY_STEPS_MIN;
}

/* The last step of the least duration is the first that may score above 1. */
static uint32_t min_steps(const struct ax_job_config *cfg)
{
    return (uint32_t)((cfg->anomaly.min_duration_ms + cfg->step_ms - 1) / cfg->step_ms);
}

/* The bits of the members that are named. */
static uint32_t members_of(const struct ax_anomaly_config *a)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < a->members_n; i++)
        for (unsigned id = 0; id < AX_MEMBER_IDS; id++)
            if (ax_str_eq(a->members[i], ax_str(ax_member_name((enum ax_member_id)id))))
                bits |= 1u << id;
    return bits;
}

static void init_specs(struct ax_job *job)
{
    const struct ax_job_config *cfg = job->config;
    job->detector = (struct ax_detector_spec){
        .false_alarm_rate = cfg->anomaly.false_alarm_rate,
        .hold_steps = hold_steps(cfg->step_ms),
        .memory_steps = memory_steps(cfg->step_ms),
        .direction = direction_of(cfg->anomaly.detection_direction),
        .min_dev_from_expected = cfg->anomaly.min_dev_from_expected,
        .min_rel_dev_from_expected = cfg->anomaly.min_rel_dev_from_expected,
        .range_min = cfg->anomaly.range_min,
        .range_max = cfg->anomaly.range_max,
        .absence = cfg->anomaly.score_absence,
        .members = members_of(&cfg->anomaly),
    };
    job->min_steps = min_steps(cfg);
    job->drift = (struct ax_drift_spec){.reference_n = cfg->drift.reference, .current_n = cfg->drift.current};
}

static enum ax_err init_billing(struct ax_job *job, struct ax_diag *diag)
{
    const struct ax_billing_config *cfg = &job->config->billing;
    if (!cfg->enabled)
        return AX_OK;
    enum ax_err err = ax_zone_load(cfg->time_zone, &job->zone, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "billing: time_zone");
    job->billing = (struct ax_billing_spec){.percentile = cfg->percentile,
                                            .interval_ms = cfg->interval_ms,
                                            .step_ms = job->config->step_ms,
                                            .day = (int)cfg->day,
                                            .zone = job->zone};
    return AX_OK;
}

/* A rehearsal says nothing of capacities, so it does not ask for them. */
static enum ax_err init_capacity(struct ax_job *job, struct ax_diag *diag)
{
    if (!job->config->capacity.enabled || job->config->capacity.expr.text.n == 0 || ax_job_rehearses(job))
        return AX_OK;
    job->capacity = calloc(1, sizeof *job->capacity);
    if (!job->capacity)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    return ax_channel_init_capacity(job->capacity, job, diag);
}

static enum ax_err init_channels(struct ax_job *job, struct ax_diag *diag)
{
    const struct ax_job_config *cfg = job->config;
    bool own = cfg->expr.text.n > 0;
    if (cfg->features_n > FEATURES_MAX)
        return ax_fail(diag, AX_LIMIT, "%u features: at most %u fit in one job; split it", cfg->features_n,
                       FEATURES_MAX);
    job->scores_entities = !own && cfg->anomaly.enabled;
    enum ax_err err = ax_zone_load(cfg->forecast.time_zone, &job->days, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "forecast: time_zone");
    err = init_billing(job, diag);
    if (err == AX_OK)
        err = init_capacity(job, diag);
    if (err != AX_OK)
        return err;
    job->channels = calloc(cfg->features_n + (own ? 1u : 0u), sizeof *job->channels);
    if (!job->channels)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    if (own)
        err = ax_channel_init(&job->channels[job->channels_n++], job, -1, diag);
    for (uint32_t i = 0; i < cfg->features_n && err == AX_OK; i++)
        err = ax_channel_init(&job->channels[job->channels_n++], job, (int)i, diag);
    if (err == AX_OK && job->scores_entities &&
        !(job->spare = ax_combiner_new(&job->detector, job->channels_n)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    return err;
}

enum ax_err ax_job_new(const struct ax_job_env *env, const struct ax_config *config,
                       const struct ax_job_config *job_config, struct ax_job **out, struct ax_diag *diag)
{
    struct ax_job *job = calloc(1, sizeof *job);
    if (!job)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    job->env = *env;
    job->generation = env->generation;
    job->end = &job->first;
    job->identity = ax_labels_hash(&config->external_labels, job_config->hash);
    job->root = config;
    job->config = job_config;
    (void)snprintf(job->name, sizeof job->name, AX_STR_FMT, AX_STR_ARG(job_config->name));
    atomic_init(&job->watch.newest_ms, AX_NEVER);
    atomic_init(&job->watch.oldest_ms, INT64_MAX);
    atomic_init(&job->watch.evaluated_ms, AX_NEVER);
    int64_t delay_ms = env->zero_delay ? 0 : job_config->evaluation_delay_ms;
    job->schedule = (struct ax_schedule){job_config->step_ms, delay_ms, AX_NEVER};
    ax_arrivals_init(&job->arrivals, env->zero_delay ? INT64_MAX : AX_LOOK_MS, delay_ms);
    job->reason = AX_JOB_NO_DATA;
    job->drift_due_ms = job->repeated_ms = job->accuracy_fell_ms = AX_NEVER;
    job->relearn_ms = job->settled_ms = AX_NEVER;
    ax_arena_init(&job->scratch, SCRATCH_BYTES);
    ax_drift_entities_init(job);
    init_cells(job);
    init_specs(job);
    ax_outlets_init(&job->outlets, &job->env.sink, config, job_config);
    enum ax_err err = ax_skips_new(config, job_config, &job->skips, diag);
    ax_skips_holidays(job->skips, &job->holidays);
    if (err == AX_OK && ax_job_parity_init(job) != AX_OK)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = init_channels(job, diag);
    if (err == AX_OK && ax_job_labels_init(job) != AX_OK)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = ax_triggers_init(&job->triggers, &job_config->models, config->time_zone, job_config->step_ms,
                               diag);
    if (err == AX_OK)
        ax_entities_learn(job);
    if (err != AX_OK) {
        ax_job_free(job, INT64_MIN);
        return ax_wrap(diag, err, "job " AX_STR_FMT, AX_STR_ARG(job_config->name));
    }
    *out = job;
    return AX_OK;
}

void ax_job_free(struct ax_job *job, int64_t end_ms)
{
    if (!job)
        return;
    ax_job_outlets(job, &(struct ax_outlet_deed){.verb = AX_OUTLET_END, .t_ms = end_ms});
    ax_entities_done(job, end_ms);
    ax_drift_entities_done(job, end_ms);
    for (struct ax_learner *l = job->learners; l; l = l->after)
        ax_learner_done(l);
    for (uint32_t i = 0; i < job->channels_n; i++)
        ax_channel_done(&job->channels[i], end_ms);
    free(job->channels);
    free(job->lessons);
    ax_exclusions_free(job->exclusions);
    ax_job_labels_done(job);
    ax_job_parity_done(job);
    ax_holidays_reset(&job->holidays);
    ax_skips_free(job->skips);
    ax_triggers_done(&job->triggers);
    ax_combiner_free(job->spare);
    ax_entity_trial_end(&job->scores);
    if (job->capacity)
        ax_channel_done(job->capacity, INT64_MIN);
    free(job->capacity);
    ax_zone_free(job->zone);
    ax_zone_free(job->days);
    ax_outlets_done(&job->outlets);
    ax_arena_done(&job->scratch);
    free(job);
}

void ax_job_set_skips(struct ax_job *job, struct ax_skips *skips)
{
    ax_skips_free(job->skips);
    job->skips = skips;
    ax_skips_holidays(skips, &job->holidays);
}

void ax_job_pass(struct ax_job *job, int64_t t_ms)
{
    if (t_ms == AX_NEVER)
        return;
    int64_t last_ms = ax_schedule_floor(t_ms, job->config->step_ms);
    if (job->schedule.last_ms != AX_NEVER && last_ms <= job->schedule.last_ms)
        return;
    job->schedule.last_ms = last_ms;
    atomic_store_explicit(&job->watch.evaluated_ms, last_ms, memory_order_release);
}

void ax_job_succeed(struct ax_job *job, const struct ax_job *old)
{
    ax_job_pass(job, old->schedule.last_ms);
}

bool ax_job_due(struct ax_job *job, const struct ax_tick *tick, int64_t *out_t_ms, uint64_t *out_skipped)
{
    int64_t oldest_ms = atomic_exchange(&job->watch.oldest_ms, INT64_MAX);
    int64_t newest_ms = atomic_load_explicit(&job->watch.newest_ms, memory_order_acquire);
    ax_arrivals_look(&job->arrivals, newest_ms, oldest_ms, tick->mono_ms);
    const struct ax_moment m = {.newest_ms = newest_ms,
                                .silent_ms = job->arrivals.silent_ms,
                                .settled_ms = ax_arrivals_settled(&job->arrivals),
                                .now_ms = tick->now_ms,
                                .latest_ms = tick->latest_ms,
                                .behind_ms = tick->behind_ms};
    return ax_schedule_due(&job->schedule, &m, out_t_ms, out_skipped);
}

double ax_job_busy(const struct ax_job *job)
{
    return job->mean_seconds * 1000 / (double)job->config->step_ms;
}

/* As it goes into the record of a step; a backtest says the same on any machine. */
static uint8_t busy_percent(const struct ax_job *job)
{
    const double percent = job->env.zero_delay ? 0 : round(100 * ax_job_busy(job));
    return percent < UINT8_MAX ? (uint8_t)percent : UINT8_MAX;
}

void ax_job_excuse(struct ax_job *job)
{
    ax_arrivals_excuse(&job->arrivals);
}

enum ax_err ax_job_evaluate(struct ax_job *job, int64_t t_ms, struct ax_buf *record)
{
    enum ax_err err;
    uint8_t skip = ax_skips_at(job->skips, t_ms, &err);
    const struct ax_step_head head = {.job = job->config->name,
                                      .generation = job->generation,
                                      .identity = job->identity,
                                      .t_ms = t_ms,
                                      .channels_n = ax_job_parts(job),
                                      .skip = skip,
                                      .busy = busy_percent(job)};
    if (err != AX_OK)
        ax_job_error(job, "calendar");
    err = AX_OK;
    job->evaluation++;
    ax_buf_reset(record);
    ax_step_put_head(record, &head);
    if (job->capacity)
        err = ax_channel_evaluate(job->capacity, t_ms, record);
    for (uint32_t i = 0; i < job->channels_n && err == AX_OK; i++)
        err = ax_channel_evaluate(&job->channels[i], t_ms, record);
    return err;
}

uint64_t ax_job_generation(const struct ax_job *job)
{
    return job->generation;
}

uint64_t ax_job_identity(const struct ax_job *job)
{
    return job->identity;
}

bool ax_job_is_blank(const struct ax_job *job)
{
    return !job->learnt;
}

void ax_job_begin(struct ax_job *job, uint64_t generation)
{
    AX_ASSERT(!job->learnt);
    job->generation = generation;
}

enum ax_err ax_job_take(struct ax_job *job, struct ax_str record)
{
    struct ax_bytes in = ax_bytes_of(record);
    struct ax_step_head head;
    uint32_t targets = 0;
    if (ax_step_check(record, ax_job_parts(job)) != AX_OK || ax_step_get_head(&in, &head) != AX_OK ||
        head.t_ms % job->config->step_ms != 0 ||
        (job->schedule.last_ms != AX_NEVER && head.t_ms <= job->schedule.last_ms))
        return AX_CORRUPT;
    job->learnt = true;
    job->skip = head.skip;
    job->busy = (double)head.busy / 100;
    if (job->capacity) {
        ax_channel_observe(job->capacity, head.t_ms, &in);
        ax_channel_step(job->capacity, head.t_ms);
    }
    for (uint32_t i = 0; i < job->channels_n; i++) {
        job->channels[i].kind.skip = head.skip;
        ax_channel_observe(&job->channels[i], head.t_ms, &in);
    }
    for (uint32_t i = 0; i < job->channels_n; i++) {
        ax_channel_step(&job->channels[i], head.t_ms);
        targets += job->channels[i].targets.n;
    }
    if (job->scores_entities && !job->observing)
        ax_entities_step(job, head.t_ms);
    if (!job->observing)
        ax_job_drift(job, head.t_ms);
    if (!ax_job_rehearses(job)) {
        ax_job_parity_step(job, head.t_ms);
        ax_job_outputs(job, head.t_ms);
    }
    ax_job_grow_older(job, head.t_ms);
    ax_metric_set(job->targets_cell, targets);
    job->schedule.last_ms = head.t_ms;
    atomic_store_explicit(&job->watch.evaluated_ms, head.t_ms, memory_order_release);
    ax_metric_set(job->last_step, (double)head.t_ms / 1000);
    return AX_OK;
}

void ax_job_count(struct ax_job *job, double seconds, uint64_t skipped)
{
    job->step_seconds = seconds;
    job->mean_seconds += (seconds - job->mean_seconds) / MEAN_OF;
    ax_metric_observe(job->seconds, seconds);
    ax_metric_add(job->steps, 1);
    ax_metric_add(job->skipped, (double)skipped);
    if (skipped)
        ax_log_about(
            AX_LOG_WARN, "steps_skipped", ax_str(job->name),
            "job %s passed over %llu steps without data: a gap in what is sent, a sleep, or a machine too "
            "slow",
            job->name, (unsigned long long)skipped);
}

bool ax_job_repeat(struct ax_job *job, int64_t now_ms)
{
    int64_t last_ms = job->schedule.last_ms;
    /* The millisecond before the next step is for the end of a job that a reload removes. */
    if (job->config->step_ms <= REPEAT_MS || last_ms == AX_NEVER ||
        now_ms >= last_ms + job->config->step_ms - 1)
        return false;
    int64_t since = job->repeated_ms > last_ms ? job->repeated_ms : last_ms;
    if (now_ms - since < REPEAT_MS)
        return false;
    job->repeated_ms = now_ms;
    const struct ax_outlet_deed again = {.verb = AX_OUTLET_REPEAT, .t_ms = now_ms};
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (struct ax_target *t = job->channels[i].first; t; t = t->next)
            ax_target_outlets(t, &job->channels[i].kind, &again);
    }
    ax_entities_repeat(job, now_ms);
    ax_drift_entities_repeat(job, now_ms);
    ax_job_outlets(job, &again);
    return true;
}

uint64_t ax_job_id(const struct ax_job *job, const struct ax_labels *labels)
{
    return ax_labels_hash(labels, ax_db_seed(job->env.db));
}

void ax_job_note_untold(struct ax_job *job, uint64_t untold)
{
    job->untold = untold;
}

uint64_t ax_job_untold(const struct ax_job *job)
{
    return job->untold;
}

const struct ax_job_config *ax_job_config(const struct ax_job *job)
{
    return job->config;
}

const struct ax_config *ax_job_root(const struct ax_job *job)
{
    return job->root;
}

bool ax_job_each_series(struct ax_job *job, ax_series_visit *visit, void *ctx)
{
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (const struct ax_target *t = job->channels[i].first; t; t = t->next) {
            const struct ax_modelled series = {.labels = t->labels,
                                               .of = ax_job_asked(job),
                                               .config = job->config,
                                               .feature = job->channels[i].feature,
                                               .window = t->window,
                                               .t_ms = t->stepped_ms,
                                               .job = job->generation,
                                               .channel = i,
                                               .serial = t->serial,
                                               .outlets = &job->outlets};
            if (!visit(ctx, &series))
                return false;
        }
    }
    return true;
}

int64_t ax_job_stepped_ms(const struct ax_job *job)
{
    return job->schedule.last_ms;
}

int64_t ax_job_newest_ms(const struct ax_job *job)
{
    return job->repeated_ms > job->schedule.last_ms ? job->repeated_ms : job->schedule.last_ms;
}

void ax_job_status(const struct ax_job *job, struct ax_job_status *out)
{
    *out = (struct ax_job_status){.last_step_ms = job->schedule.last_ms,
                                  .entities_n = job->entities.n,
                                  .outputs_n = job->outlets.open_n,
                                  .ready = job->reason == AX_JOB_READY,
                                  .reason = ax_job_reason_text(job->reason),
                                  .step_seconds = job->step_seconds};
    for (uint32_t i = 0; i < job->channels_n; i++) {
        for (struct ax_target *t = job->channels[i].first; t; t = t->next) {
            out->targets_n++;
            out->ready_n += t->forecast_ready;
            out->bytes += ax_target_bytes(t, &job->channels[i].kind);
        }
    }
}
