/* pipeline.c: the set of jobs behind one lock, and the thread that steps them.
 *
 * Locks: `run` is held while steps run and while the set of jobs changes; `names` guards only the list that
 * the loop guard reads, so that ingest never waits for a step. Order: run before names. */
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

struct ax_pipeline {
    struct ax_pipeline_options options;
    pthread_mutex_t run;
    pthread_rwlock_t names;
    struct ax_job **jobs; /* in the order of the config */
    uint32_t jobs_n;
    struct ax_config **configs; /* the one in force is the last; older ones while a job uses them */
    uint32_t configs_n;
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

/* The running job that may go on under the new config, or NULL. Its place is emptied. */
static struct ax_job *keep_job(struct ax_pipeline *p, const struct ax_config *config,
                               const struct ax_job_config *block)
{
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        struct ax_job *job = p->jobs[i];
        if (!job || ax_job_config(job)->hash != block->hash ||
            !ax_str_eq(ax_job_config(job)->name, block->name) || !same_globals(ax_job_root(job), config))
            continue;
        p->jobs[i] = NULL;
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

/* Build what the new config has and the running one has not; NULL entries are to be kept ones. */
static enum ax_err build_jobs(struct ax_pipeline *p, struct ax_config *config, struct ax_job **jobs,
                              bool *built, struct ax_diag *diag)
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
        jobs[i] = keep_job(p, config, &config->jobs[i]);
        built[i] = !jobs[i];
        if (built[i])
            err = ax_job_new(&env, config, &config->jobs[i], &jobs[i], diag);
    }
    if (err == AX_OK)
        return AX_OK;
    /* Put everything back as it was. */
    for (uint32_t k = 0; k < i; k++) {
        if (built[k]) {
            ax_job_free(jobs[k], INT64_MIN);
            continue;
        }
        for (uint32_t s = 0; s < p->jobs_n; s++)
            if (!p->jobs[s]) {
                p->jobs[s] = jobs[k];
                break;
            }
    }
    return err;
}

/* End a job of before right after what it said last, and not now: one that comes back soon has its first step
 * before now, and would be out of order. A changed block of the same name goes on where it stopped. */
static void end_job(struct ax_pipeline *p, struct ax_job *old)
{
    if (!old)
        return;
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (ax_str_eq(ax_job_config(p->jobs[i])->name, ax_job_config(old)->name))
            ax_job_succeed(p->jobs[i], old);
    int64_t last_ms = ax_job_newest_ms(old);
    ax_job_free(old, last_ms == INT64_MIN ? INT64_MIN : last_ms + 1);
}

/* Swap the sets. The jobs still in the old one are gone, or give way to one of the same name. */
static void adopt(struct ax_pipeline *p, struct ax_config *config, struct ax_job **jobs,
                  struct ax_config **configs)
{
    struct ax_job **old = p->jobs;
    uint32_t old_n = p->jobs_n;
    (void)pthread_rwlock_wrlock(&p->names);
    for (uint32_t i = 0; i < p->configs_n; i++)
        configs[i] = p->configs[i];
    free(p->configs);
    p->configs = configs;
    p->configs[p->configs_n++] = config;
    p->jobs = jobs;
    p->jobs_n = config->jobs_n;
    (void)pthread_rwlock_unlock(&p->names);
    for (uint32_t i = 0; i < old_n; i++)
        end_job(p, old[i]);
    free(old);
    drop_configs(p);
}

enum ax_err ax_pipeline_load(struct ax_pipeline *p, struct ax_config *config, struct ax_diag *diag)
{
    struct ax_job **jobs = calloc(config->jobs_n ? config->jobs_n : 1, sizeof *jobs);
    bool *built = calloc(config->jobs_n ? config->jobs_n : 1, sizeof *built);
    enum ax_err err = jobs && built ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    (void)pthread_mutex_lock(&p->run);
    struct ax_config **configs = calloc(p->configs_n + 1, sizeof *configs);
    if (!configs)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && jobs && built)
        err = build_jobs(p, config, jobs, built, diag);
    if (err == AX_OK)
        adopt(p, config, jobs, configs);
    (void)pthread_mutex_unlock(&p->run);
    free(built);
    if (err != AX_OK) {
        free(jobs);
        free((void *)configs);
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
    for (uint32_t i = 0; i < p->jobs_n; i++)
        while (ax_job_run_due(p->jobs[i], now_ms))
            ran++;
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
    (void)pthread_mutex_lock(&p->run);
    bool found = i < p->jobs_n;
    if (found) {
        struct ax_str s = ax_job_config(p->jobs[i])->name;
        (void)snprintf(name, name_cap, AX_STR_FMT, AX_STR_ARG(s));
        ax_job_status(p->jobs[i], out);
    }
    (void)pthread_mutex_unlock(&p->run);
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
