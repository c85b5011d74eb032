/* pipeline.c: the thread that steps the jobs, and what others ask of them. */
#include "base/assert.h"
#include "base/log.h"
#include "base/timed_lock.h"
#include "expr/expr.h"
#include "pipeline/outlet.h"
#include "pipeline/pipeline_priv.h"
#include "pipeline/schedule.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_NS 50000000 /* how often due steps are looked for */
#define RETRY_MS 1000    /* what failed is tried again after this */
#define EVICT_EVERY_MS 60000
#define CATCH_UP_BUSY 0.5 /* share of time that the steps of now may take while old ones are made up for */
#define SERIES_RETENTION_MS 3600000 /* after so long without samples a raw series is forgotten */

struct ax_pipeline *ax_pipeline_new(const struct ax_pipeline_options *options)
{
    struct ax_pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->options = *options;
    ax_steady_init(&p->steady, options->clock);
    ax_buf_init(&p->record, AX_SEGLOG_RECORD_MAX);
    p->evicted_ms = INT64_MIN;
    atomic_init(&p->current, true);
    p->series = ax_metric(AX_M_SERIES, NULL, NULL);
    p->histogram_bytes = ax_metric(AX_M_HISTOGRAM_BYTES, NULL, NULL);
    (void)pthread_mutex_init(&p->run, NULL);
    (void)pthread_rwlock_init(&p->names, NULL);
    return p;
}

/* How the fits of its models stand; nothing of them when there is no memory for it. */
static void show_models(struct ax_shown *s, struct ax_job *job)
{
    uint32_t n = 0;
    for (const struct ax_learner *l = ax_job_learners(job); l; l = l->after)
        n++;
    if (n > s->models_n) {
        free(s->models);
        s->models = calloc(n, sizeof *s->models);
    }
    s->models_n = 0;
    for (const struct ax_learner *l = ax_job_learners(job); l && s->models; l = l->after)
        ax_learner_view(l, &s->models[s->models_n++]);
}

void ax_pipeline_shown_free(struct ax_shown *shown, uint32_t n)
{
    for (uint32_t i = 0; shown && i < n; i++)
        free(shown[i].models);
    free(shown);
}

void ax_pipeline_show_job(struct ax_pipeline *p, uint32_t i)
{
    struct ax_str name = ax_job_config(p->jobs[i])->name;
    struct ax_job_status status;
    ax_job_status(p->jobs[i], &status);
    /* Is one asked for? That is the disk's to say, and not for what senders wait for. */
    for (struct ax_learner *l = ax_job_learners(p->jobs[i]); l; l = l->after)
        (void)ax_learner_look(l);
    (void)pthread_rwlock_wrlock(&p->names);
    (void)snprintf(p->shown[i].name, sizeof p->shown[i].name, AX_STR_FMT, AX_STR_ARG(name));
    p->shown[i].status = status;
    show_models(&p->shown[i], p->jobs[i]);
    (void)pthread_rwlock_unlock(&p->names);
}

bool ax_pipeline_is_own(const void *pipeline, const struct ax_labels *ls)
{
    struct ax_pipeline *p = (struct ax_pipeline *)(uintptr_t)pipeline; /* only its lock changes */
    bool own = false;
    (void)pthread_rwlock_rdlock(&p->names);
    if (p->configs_n) {
        const struct ax_config *config = p->configs[p->configs_n - 1];
        for (uint32_t i = 0; i < config->jobs_n && !own; i++)
            own = ax_outlet_is_ours(&config->jobs[i], ls);
    }
    (void)pthread_rwlock_unlock(&p->names);
    return own;
}

/* Forget series that have been idle for long: by the time of steps, which is the same however often the
 * process was started again meanwhile, and not by the clock. */
static void evict_idle(struct ax_pipeline *p)
{
    int64_t retention_ms = p->options.max_range_ms + AX_LOOKBACK_MS, oldest_ms = INT64_MAX;
    if (retention_ms < SERIES_RETENTION_MS)
        retention_ms = SERIES_RETENTION_MS;
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        int64_t last_ms = ax_job_stepped_ms(p->jobs[i]), steps_ms = 3 * ax_job_config(p->jobs[i])->step_ms;
        if (last_ms != INT64_MIN && last_ms < oldest_ms)
            oldest_ms = last_ms;
        if (steps_ms > retention_ms)
            retention_ms = steps_ms;
    }
    if (oldest_ms == INT64_MAX)
        return;
    int64_t before_ms = ax_schedule_floor(oldest_ms, EVICT_EVERY_MS) - retention_ms;
    if (before_ms <= p->evicted_ms)
        return;
    p->evicted_ms = before_ms;
    uint32_t n = ax_db_evict(p->options.db, before_ms);
    ax_metric_add(ax_metric(AX_M_SERIES_EVICTED, NULL, NULL), n);
}

void ax_pipeline_hold_off(struct ax_pipeline *p)
{
    p->retry_ms = ax_clock_mono(&p->options.clock) + RETRY_MS;
    for (uint32_t i = 0; i < p->jobs_n; i++)
        ax_job_excuse(p->jobs[i]);
}

/* Hand over the unit that was put. */
static bool try_commit(struct ax_pipeline *p)
{
    struct ax_diag diag = {{0}};
    p->uncommitted = p->options.sink.commit(p->options.sink.ctx, ax_str(p->unit), p->unit_ms, &diag) != AX_OK;
    if (p->uncommitted) {
        ax_log_about(AX_LOG_WARN, "commit_failed", ax_str(p->unit),
                     "job %s: what it says cannot be queued yet, and no step is run: %s", p->unit, diag.text);
        ax_pipeline_hold_off(p);
    }
    return !p->uncommitted;
}

void ax_pipeline_commit(struct ax_pipeline *p, struct ax_str job, int64_t t_ms)
{
    if (!p->options.sink.commit)
        return;
    (void)snprintf(p->unit, sizeof p->unit, AX_STR_FMT, AX_STR_ARG(job));
    p->unit_ms = t_ms;
    (void)try_commit(p);
}

bool ax_pipeline_settle(struct ax_pipeline *p)
{
    if (p->uncommitted && !try_commit(p))
        return false;
    bool any = p->leaving_n > 0;
    while (p->leaving_n && !p->uncommitted) {
        struct ax_job *old = p->leaving[--p->leaving_n];
        char name[AX_JOB_NAME_MAX + 1];
        (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(ax_job_config(old)->name));
        int64_t end_ms = ax_pipeline_end_job(p, old);
        if (end_ms != INT64_MIN)
            ax_pipeline_commit(p, ax_str(name), end_ms);
    }
    if (any)
        ax_pipeline_drop_configs(p);
    return !p->uncommitted;
}

static void count_error(const struct ax_job *job, const char *stage)
{
    char name[AX_JOB_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(ax_job_config(job)->name));
    ax_metric_count(AX_M_JOB_ERRORS, name, stage);
}

/* Evaluate a step into its record and write that down; nothing has changed when it fails. */
static enum ax_err record_step(struct ax_pipeline *p, struct ax_job *job, int64_t t_ms)
{
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_job_evaluate(job, t_ms, &p->record);
    if (err != AX_OK) {
        count_error(job, "memory");
        (void)ax_fail(&diag, err, "%s", ax_err_text(err));
    } else if (p->options.log) {
        err = ax_seglog_append(p->options.log, AX_WAL_STEP, ax_buf_view(&p->record), NULL, &diag);
        if (err != AX_OK)
            ax_metric_count(AX_M_WAL_FAILURES, NULL, NULL);
    }
    if (err == AX_OK)
        return AX_OK;
    ax_log_about(AX_LOG_WARN, "step_not_recorded", ax_job_config(job)->name,
                 "job " AX_STR_FMT ": a step cannot be recorded, and is tried again: %s",
                 AX_STR_ARG(ax_job_config(job)->name), diag.text);
    ax_pipeline_hold_off(p);
    return err;
}

/* Run the next step of job i, if it is due and can be recorded. */
static bool run_step(struct ax_pipeline *p, uint32_t i, const struct ax_tick *tick)
{
    struct ax_job *job = p->jobs[i];
    int64_t t_ms;
    uint64_t skipped;
    if (!ax_pipeline_is_told(p, ax_job_untold(job)) || !ax_job_due(job, tick, &t_ms, &skipped))
        return false;
    int64_t start_ns = ax_mono_ns();
    const bool swapped = ax_pipeline_swap(p, job);
    ax_pipeline_record_fits(p, job); /* some may be over */
    if (!swapped || record_step(p, job, t_ms) != AX_OK)
        return false;
    enum ax_err err = ax_pipeline_take(p, job, ax_buf_view(&p->record));
    AX_ASSERT(err == AX_OK); /* it has just been written */
    ax_job_count(job, (double)(ax_mono_ns() - start_ns) * 1e-9, skipped);
    ax_pipeline_show_job(p, i);
    ax_pipeline_commit(p, ax_job_config(job)->name, t_ms);
    ax_job_train(job);
    ax_pipeline_record_fits(p, job);
    return true;
}

/* How far behind a job may be without passing over steps. Jobs that take most of the time for the steps of
 * now would never make up for older ones. */
static int64_t may_be_behind(const struct ax_pipeline *p)
{
    double busy = 0;
    for (uint32_t i = 0; i < p->jobs_n; i++)
        busy += ax_job_busy(p->jobs[i]);
    return busy < CATCH_UP_BUSY ? p->options.catch_up_ms : 0;
}

/* What the clocks say. */
static struct ax_tick look(struct ax_pipeline *p)
{
    return (struct ax_tick){.now_ms = ax_clock_now(&p->options.clock),
                            .latest_ms = ax_steady_now(&p->steady),
                            .mono_ms = ax_clock_mono(&p->options.clock),
                            .behind_ms = may_be_behind(p)};
}

/* Can anything be run now? While the log refuses samples their senders wait: they are not silent. */
static bool may_run(struct ax_pipeline *p, const struct ax_tick *tick)
{
    uint64_t failures = p->options.log ? ax_seglog_failures(p->options.log) : 0;
    for (uint32_t i = 0; failures != p->failures && i < p->jobs_n; i++)
        ax_job_excuse(p->jobs[i]);
    p->failures = failures;
    return tick->mono_ms >= p->retry_ms && ax_pipeline_settle(p);
}

/* The next due step of each job. */
static uint32_t run_round(struct ax_pipeline *p)
{
    uint32_t ran = 0;
    (void)pthread_mutex_lock(&p->run);
    const struct ax_tick tick = look(p);
    if (may_run(p, &tick)) {
        for (uint32_t i = 0; i < p->jobs_n && tick.mono_ms >= p->retry_ms; i++)
            ran += run_step(p, i, &tick);
        evict_idle(p);
    }
    if (ran) {
        ax_metric_set(p->series, ax_db_series_n(p->options.db));
        ax_metric_set(p->histogram_bytes, (double)ax_db_histogram_bytes(p->options.db));
    }
    (void)pthread_mutex_unlock(&p->run);
    return ran;
}

uint32_t ax_pipeline_run_due(struct ax_pipeline *p)
{
    uint32_t ran = 0, more;
    while (!ax_pipeline_is_current(p))
        if (!ax_pipeline_replay_some(p) || atomic_load(&p->stop))
            return 0;
    /* Without a thread for it. */
    if (!p->keeps && !ax_pipeline_is_told(p, atomic_load(&p->snapshot.untold)))
        (void)ax_pipeline_snapshot(p);
    do {
        more = run_round(p);
        ran += more;
    } while (more && !atomic_load(&p->stop));
    return ran;
}

void ax_pipeline_repeat(struct ax_pipeline *p)
{
    if (!ax_pipeline_is_current(p))
        return;
    (void)pthread_mutex_lock(&p->run);
    const struct ax_tick tick = look(p);
    for (uint32_t i = 0; i < p->jobs_n && may_run(p, &tick); i++)
        if (ax_job_repeat(p->jobs[i], tick.now_ms))
            ax_pipeline_commit(p, ax_job_config(p->jobs[i])->name, tick.now_ms);
    (void)pthread_mutex_unlock(&p->run);
}

static void *run(void *arg)
{
    struct ax_pipeline *p = arg;
    while (!atomic_load(&p->stop)) {
        if (ax_pipeline_run_due(p) == 0) {
            ax_pipeline_repeat(p);
            ax_sleep_ns(TICK_NS);
        }
    }
    return NULL;
}

enum ax_err ax_pipeline_start(struct ax_pipeline *p)
{
    p->keeps = p->options.log && pthread_create(&p->keeper, NULL, ax_pipeline_keep, p) == 0;
    p->started = (p->keeps || !p->options.log) && pthread_create(&p->thread, NULL, run, p) == 0;
    return p->started ? AX_OK : AX_IO;
}

static void end_thread(struct ax_pipeline *p)
{
    atomic_store(&p->stop, true);
    if (p->started)
        (void)pthread_join(p->thread, NULL);
    if (p->keeps)
        (void)pthread_join(p->keeper, NULL);
    p->started = p->keeps = false;
}

void ax_pipeline_stop(struct ax_pipeline *p)
{
    bool started = p && p->started;
    if (started)
        end_thread(p);
    if (!started || !ax_pipeline_is_current(p))
        return; /* the log has the rest */
    atomic_store(&p->stop, false);
    (void)ax_pipeline_run_due(p);
    const struct ax_pipeline_options *o = &p->options;
    if (o->log && o->snapshots && ax_seglog_end(o->log) != p->snapshot.position)
        (void)ax_pipeline_snapshot(p);
}

void ax_pipeline_free(struct ax_pipeline *p)
{
    if (!p)
        return;
    end_thread(p);
    for (uint32_t i = 0; i < p->leaving_n; i++)
        ax_job_free(p->leaving[i], INT64_MIN);
    free(p->leaving);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        ax_job_free(p->jobs[i], INT64_MIN);
    free(p->jobs);
    for (uint32_t i = 0; i < p->configs_n; i++)
        ax_config_free(p->configs[i]);
    free((void *)p->configs);
    ax_pipeline_shown_free(p->shown, p->shown_n);
    ax_buf_done(&p->record);
    ax_snapshot_base_free(p->snapshot.base);
    ax_steady_done(&p->steady);
    (void)pthread_rwlock_destroy(&p->names);
    (void)pthread_mutex_destroy(&p->run);
    free(p);
}

void ax_pipeline_with_config(struct ax_pipeline *p, void (*use)(void *ctx, const struct ax_config *config),
                             void *ctx)
{
    (void)pthread_rwlock_rdlock(&p->names);
    if (p->configs_n)
        use(ctx, p->configs[p->configs_n - 1]);
    (void)pthread_rwlock_unlock(&p->names);
}

struct ax_config *ax_pipeline_keep_config(struct ax_pipeline *p)
{
    (void)pthread_rwlock_rdlock(&p->names);
    struct ax_config *config = p->configs_n ? p->configs[p->configs_n - 1] : NULL;
    if (config)
        ax_config_keep(config);
    (void)pthread_rwlock_unlock(&p->names);
    return config;
}

bool ax_pipeline_with_job(struct ax_pipeline *p, struct ax_str name,
                          bool (*use)(void *ctx, struct ax_job *job), void *ctx)
{
    (void)pthread_mutex_lock(&p->run);
    uint32_t i = ax_pipeline_is_current(p) ? ax_pipeline_find_job(p, name) : UINT32_MAX;
    if (i != UINT32_MAX && use(ctx, p->jobs[i])) {
        p->changes++;
        ax_job_note_untold(p->jobs[i], atomic_fetch_add(&p->snapshot.untold, 1) + 1);
        ax_pipeline_show_job(p, i);
        atomic_store(&p->snapshot.wanted, true);
    }
    (void)pthread_mutex_unlock(&p->run);
    return i != UINT32_MAX;
}

bool ax_pipeline_job_status(struct ax_pipeline *p, uint32_t i, char *name, size_t name_cap,
                            struct ax_job_status *out)
{
    (void)pthread_rwlock_rdlock(&p->names);
    bool found = i < p->shown_n;
    if (found) {
        (void)snprintf(name, name_cap, "%s", p->shown[i].name);
        *out = p->shown[i].status;
    }
    (void)pthread_rwlock_unlock(&p->names);
    return found;
}

bool ax_pipeline_each_series(struct ax_pipeline *p, struct ax_str job, ax_series_visit *visit, void *ctx)
{
    bool found = false;
    (void)pthread_mutex_lock(&p->run);
    for (uint32_t i = 0; i < p->jobs_n && !found; i++) {
        found = ax_str_eq(ax_job_config(p->jobs[i])->name, job);
        if (found)
            (void)ax_job_each_series(p->jobs[i], visit, ctx);
    }
    (void)pthread_mutex_unlock(&p->run);
    return found;
}

enum ax_err ax_pipeline_all_series(struct ax_pipeline *p, int64_t wait_ms, ax_series_visit *visit, void *ctx)
{
    if (!ax_lock_within(&p->run, wait_ms))
        return AX_BUSY;
    bool more = true;
    for (uint32_t i = 0; i < p->jobs_n && more; i++)
        more = ax_job_each_series(p->jobs[i], visit, ctx);
    (void)pthread_mutex_unlock(&p->run);
    return AX_OK;
}
