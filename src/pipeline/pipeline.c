/* pipeline.c: the set of jobs behind one lock, and the thread that steps them.
 *
 * Locks: `run` is held while steps run and while the set of jobs changes; `names` guards only what the
 * loop guard and the status pages read, so that neither ingest nor a page waits for a step. Order: run before
 * names. */
#include "pipeline/pipeline.h"

#include "base/log.h"
#include "pipeline/outlet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_NS 50000000 /* how often due steps are looked for */
#define EVICT_EVERY_MS 60000
#define SERIES_RETENTION_MS                                                                                  \
    3600000 /* a raw series without samples for so long (and 3 steps) is forgotten                           \
             */

#define BUILT UINT32_MAX /* a job that is not kept but new */

/* What the status of a job was at the end of its newest step. */
struct shown {
    char name[128];
    struct ax_job_status status;
};

struct ax_pipeline {
    struct ax_pipeline_options options;
    pthread_mutex_t run;
    pthread_rwlock_t names; /* of configs and shown */
    struct ax_job **jobs;   /* in the order of the config */
    uint32_t jobs_n;
    struct ax_config **configs; /* the one in force is the last; older ones while a job uses them */
    uint32_t configs_n;
    struct shown *shown; /* as jobs */
    uint32_t shown_n;
    int64_t evicted_ms;
    struct ax_cell *series; /* the gauge of input series */
    pthread_t thread;
    bool started;
    atomic_bool stop;
};

struct ax_pipeline *ax_pipeline_new(const struct ax_pipeline_options *options)
{
    struct ax_pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->options = *options;
    p->series = ax_metric(AX_M_SERIES, NULL, NULL);
    (void)pthread_mutex_init(&p->run, NULL);
    (void)pthread_rwlock_init(&p->names, NULL);
    return p;
}

/* Same output labels for everything that is not in the job's own block? */
static bool same_globals(const struct ax_config *a, const struct ax_config *b)
{
    return ax_labels_eq(&a->external_labels, &b->external_labels);
}

/* The running job that may go on under the new config, or NULL. Its place, told in *from, is emptied. */
static struct ax_job *keep_job(struct ax_pipeline *p, const struct ax_config *config,
                               const struct ax_job_config *block, uint32_t *from)
{
    *from = BUILT;
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        struct ax_job *job = p->jobs[i];
        if (!job || ax_job_config(job)->hash != block->hash ||
            !ax_str_eq(ax_job_config(job)->name, block->name) || !same_globals(ax_job_root(job), config))
            continue;
        p->jobs[i] = NULL;
        *from = i;
        return job;
    }
    return NULL;
}

/* Free the configs, all but the last, that no job was built from. */
static void drop_configs(struct ax_pipeline *p)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->configs_n; i++) {
        bool used = i + 1 == p->configs_n;
        for (uint32_t k = 0; k < p->jobs_n && !used; k++)
            used = ax_job_root(p->jobs[k]) == p->configs[i];
        if (used)
            p->configs[kept++] = p->configs[i];
        else
            ax_config_free(p->configs[i]);
    }
    p->configs_n = kept;
}

/* Keep what did not change, with its place until now in from, and build the rest. */
static enum ax_err build_jobs(struct ax_pipeline *p, struct ax_config *config, struct ax_job **jobs,
                              uint32_t *from, struct ax_diag *diag)
{
    const struct ax_job_env env = {.db = p->options.db,
                                   .sink = p->options.sink,
                                   .observer = p->options.observer,
                                   .max_range_ms = p->options.max_range_ms,
                                   .zero_delay = p->options.zero_delay,
                                   .seed = p->options.seed};
    enum ax_err err = AX_OK;
    uint32_t i = 0;
    for (; i < config->jobs_n && err == AX_OK; i++) {
        jobs[i] = keep_job(p, config, &config->jobs[i], &from[i]);
        if (from[i] == BUILT)
            err = ax_job_new(&env, config, &config->jobs[i], &jobs[i], diag);
    }
    if (err == AX_OK)
        return AX_OK;
    /* Put everything back as it was. */
    for (uint32_t k = 0; k < i; k++) {
        if (from[k] == BUILT)
            ax_job_free(jobs[k], INT64_MIN);
        else
            p->jobs[from[k]] = jobs[k];
    }
    return err;
}

/* Show how job i stands. */
static void show_job(struct ax_pipeline *p, uint32_t i)
{
    struct ax_str name = ax_job_config(p->jobs[i])->name;
    struct ax_job_status status;
    ax_job_status(p->jobs[i], &status);
    (void)pthread_rwlock_wrlock(&p->names);
    (void)snprintf(p->shown[i].name, sizeof p->shown[i].name, AX_STR_FMT, AX_STR_ARG(name));
    p->shown[i].status = status;
    (void)pthread_rwlock_unlock(&p->names);
}

/* End a job of before right after what it said last, and not now: one that comes back soon has its first step
 * before now, and would be out of order. A changed block of the same name goes on where it stopped. */
static void end_job(struct ax_pipeline *p, struct ax_job *old)
{
    if (!old)
        return;
    bool succeeded = false;
    char name[128];
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(ax_job_config(old)->name));
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (ax_str_eq(ax_job_config(p->jobs[i])->name, ax_job_config(old)->name)) {
            ax_job_succeed(p->jobs[i], old);
            succeeded = true;
        }
    int64_t last_ms = ax_job_newest_ms(old);
    ax_job_free(old, last_ms == INT64_MIN ? INT64_MIN : last_ms + 1);
    if (!succeeded)
        ax_metrics_forget("for", name);
}

/* Room for what a load needs, so that it can no longer fail once the jobs are built. */
struct plan {
    struct ax_job **jobs;
    uint32_t *from;
    struct ax_config **configs;
    struct shown *shown;
};

static bool plan_init(struct plan *plan, const struct ax_pipeline *p, const struct ax_config *config)
{
    size_t n = config->jobs_n ? config->jobs_n : 1;
    plan->jobs = calloc(n, sizeof *plan->jobs);
    plan->from = calloc(n, sizeof *plan->from);
    plan->configs = calloc(p->configs_n + (size_t)1, sizeof *plan->configs);
    plan->shown = calloc(n, sizeof *plan->shown);
    return plan->jobs && plan->from && plan->configs && plan->shown;
}

/* Swap the sets. The jobs still in the old one are gone, or give way to one of the same name. */
static void adopt(struct ax_pipeline *p, struct ax_config *config, const struct plan *plan)
{
    struct ax_job **old = p->jobs;
    uint32_t old_n = p->jobs_n;
    (void)pthread_rwlock_wrlock(&p->names);
    for (uint32_t i = 0; i < p->configs_n; i++)
        plan->configs[i] = p->configs[i];
    free(p->configs);
    free(p->shown);
    p->configs = plan->configs;
    p->configs[p->configs_n++] = config;
    p->jobs = plan->jobs;
    p->shown = plan->shown;
    p->jobs_n = p->shown_n = config->jobs_n;
    (void)pthread_rwlock_unlock(&p->names);
    for (uint32_t i = 0; i < old_n; i++)
        end_job(p, old[i]);
    free(old);
    (void)pthread_rwlock_wrlock(&p->names);
    drop_configs(p);
    (void)pthread_rwlock_unlock(&p->names);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        show_job(p, i);
}

enum ax_err ax_pipeline_load(struct ax_pipeline *p, struct ax_config *config, struct ax_diag *diag)
{
    struct plan plan = {0};
    (void)pthread_mutex_lock(&p->run);
    enum ax_err err = plan_init(&plan, p, config) ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = build_jobs(p, config, plan.jobs, plan.from, diag);
    if (err == AX_OK)
        adopt(p, config, &plan);
    (void)pthread_mutex_unlock(&p->run);
    free(plan.from);
    if (err != AX_OK) {
        free(plan.jobs);
        free((void *)plan.configs);
        free(plan.shown);
    }
    return err;
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

static void evict_now_and_then(struct ax_pipeline *p, int64_t now_ms)
{
    if (now_ms - p->evicted_ms < EVICT_EVERY_MS)
        return;
    p->evicted_ms = now_ms;
    int64_t retention_ms = SERIES_RETENTION_MS;
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (3 * ax_job_config(p->jobs[i])->step_ms > retention_ms)
            retention_ms = 3 * ax_job_config(p->jobs[i])->step_ms;
    uint32_t n = ax_db_evict(p->options.db, now_ms - retention_ms);
    ax_metric_add(ax_metric(AX_M_SERIES_EVICTED, NULL, NULL), n);
}

uint32_t ax_pipeline_run_due(struct ax_pipeline *p)
{
    uint32_t ran = 0;
    (void)pthread_mutex_lock(&p->run);
    int64_t now_ms = ax_clock_now(&p->options.clock);
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        uint32_t before = ran;
        while (ax_job_run_due(p->jobs[i], now_ms))
            ran++;
        if (ran > before)
            show_job(p, i);
    }
    evict_now_and_then(p, now_ms);
    if (ran)
        ax_metric_set(p->series, ax_db_series_n(p->options.db));
    (void)pthread_mutex_unlock(&p->run);
    return ran;
}

void ax_pipeline_repeat(struct ax_pipeline *p)
{
    (void)pthread_mutex_lock(&p->run);
    int64_t now_ms = ax_clock_now(&p->options.clock);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        ax_job_repeat(p->jobs[i], now_ms);
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
    if (pthread_create(&p->thread, NULL, run, p) != 0)
        return AX_IO;
    p->started = true;
    return AX_OK;
}

void ax_pipeline_free(struct ax_pipeline *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    if (p->started)
        (void)pthread_join(p->thread, NULL);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        ax_job_free(p->jobs[i], INT64_MIN);
    free(p->jobs);
    for (uint32_t i = 0; i < p->configs_n; i++)
        ax_config_free(p->configs[i]);
    free(p->configs);
    free(p->shown);
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
            ax_job_each_series(p->jobs[i], visit, ctx);
    }
    (void)pthread_mutex_unlock(&p->run);
    return found;
}
