/* load.c: another config: jobs whose block did not change go on, others are built and the rest leave.
 *
 * A job that leaves ends its series; when the sink cannot take their ends they stay until it can, and the
 * steps of all jobs wait for that (ax_pipeline_settle()). */
#include "pipeline/outlet.h"
#include "pipeline/pipeline_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define BUILT UINT32_MAX /* a job that is not kept but new */

uint64_t ax_pipeline_next_generation(struct ax_pipeline *p)
{
    uint64_t end = p->options.log ? ax_seglog_end(p->options.log) : 0;
    p->generation = (end > p->generation ? end : p->generation) + 1;
    return p->generation;
}

/* Same output labels and same days for everything that is not in the job's own block? */
static bool same_globals(const struct ax_config *a, const struct ax_config *b)
{
    return ax_labels_eq(&a->external_labels, &b->external_labels) && ax_str_eq(a->time_zone, b->time_zone);
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

void ax_pipeline_drop_configs(struct ax_pipeline *p)
{
    uint32_t kept = 0;
    (void)pthread_rwlock_wrlock(&p->names);
    for (uint32_t i = 0; i < p->configs_n; i++) {
        bool used = i + 1 == p->configs_n;
        for (uint32_t k = 0; k < p->jobs_n && !used; k++)
            used = ax_job_root(p->jobs[k]) == p->configs[i];
        for (uint32_t k = 0; k < p->leaving_n && !used; k++)
            used = ax_job_root(p->leaving[k]) == p->configs[i];
        if (used)
            p->configs[kept++] = p->configs[i];
        else
            ax_config_free(p->configs[i]);
    }
    p->configs_n = kept;
    (void)pthread_rwlock_unlock(&p->names);
}

struct ax_job_env ax_pipeline_job_env(const struct ax_pipeline *p)
{
    return (struct ax_job_env){.db = p->options.db,
                               .sink = p->options.sink,
                               .observer = p->options.observer,
                               .paths = p->options.paths,
                               .training = p->options.training,
                               .artifacts = &p->options.artifacts,
                               .max_range_ms = p->options.max_range_ms,
                               .zero_delay = p->options.zero_delay,
                               .seed = p->options.seed};
}

/* Room for what a load needs, so that it can no longer fail once the jobs are built. */
struct plan {
    struct ax_job **jobs, **leaving;
    uint32_t *from;
    struct ax_config **configs;
    struct ax_shown *shown;
    struct ax_skips **skips; /* of those that are kept: their calendars may be other ones now */
};

/* Everything as it was, of the first n jobs to be. */
static void put_back(struct ax_pipeline *p, struct plan *plan, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (plan->from[i] == BUILT)
            ax_job_free(plan->jobs[i], INT64_MIN);
        else
            p->jobs[plan->from[i]] = plan->jobs[i];
    }
}

/* Keep what did not change, with its place until now in from, and build the rest. */
static enum ax_err build_jobs(struct ax_pipeline *p, struct ax_config *config, struct plan *plan,
                              struct ax_diag *diag)
{
    struct ax_job **jobs = plan->jobs;
    uint32_t *from = plan->from;
    struct ax_job_env env = ax_pipeline_job_env(p);
    enum ax_err err = AX_OK;
    uint32_t i = 0;
    for (; i < config->jobs_n && err == AX_OK; i++) {
        jobs[i] = keep_job(p, config, &config->jobs[i], &from[i]);
        env.generation = ax_pipeline_next_generation(p);
        if (from[i] == BUILT)
            err = ax_job_new(&env, config, &config->jobs[i], &jobs[i], diag);
        else
            err = ax_skips_new(config, &config->jobs[i], &plan->skips[i], diag);
    }
    if (err != AX_OK)
        put_back(p, plan, i);
    return err;
}

static bool plan_init(struct plan *plan, const struct ax_pipeline *p, const struct ax_config *config)
{
    size_t n = config->jobs_n ? config->jobs_n : 1;
    plan->jobs = calloc(n, sizeof(struct ax_job *));
    plan->leaving = calloc(p->jobs_n + p->leaving_n + (size_t)1, sizeof(struct ax_job *));
    plan->from = calloc(n, sizeof *plan->from);
    plan->configs = calloc(p->configs_n + (size_t)1, sizeof(struct ax_config *));
    plan->shown = calloc(n, sizeof *plan->shown);
    plan->skips = calloc(n, sizeof(struct ax_skips *));
    return plan->skips && plan->jobs && plan->leaving && plan->from && plan->configs && plan->shown;
}

static void plan_drop(struct plan *plan, uint32_t jobs_n)
{
    for (uint32_t i = 0; plan->skips && i < jobs_n; i++)
        ax_skips_free(plan->skips[i]);
    free((void *)plan->skips);
    free(plan->jobs);
    free(plan->leaving);
    free(plan->from);
    free((void *)plan->configs);
    free(plan->shown);
}

/* The jobs that were not kept leave. Those of the same name that were built go on where they stopped. */
static void dismiss(struct ax_pipeline *p, struct ax_job **old, uint32_t old_n, struct ax_job **leaving)
{
    for (uint32_t i = 0; i < p->leaving_n; i++)
        leaving[i] = p->leaving[i];
    for (uint32_t i = 0; i < old_n; i++)
        if (old[i])
            leaving[p->leaving_n++] = old[i];
    free(p->leaving);
    p->leaving = leaving;
    for (uint32_t i = 0; i < p->jobs_n; i++)
        for (uint32_t k = 0; k < p->leaving_n; k++)
            if (ax_str_eq(ax_job_config(p->jobs[i])->name, ax_job_config(leaving[k])->name))
                ax_job_succeed(p->jobs[i], leaving[k]);
}

/* Swap the sets. */
static void adopt(struct ax_pipeline *p, struct ax_config *config, struct plan *plan)
{
    struct ax_job **old = p->jobs;
    uint32_t old_n = p->jobs_n;
    (void)pthread_rwlock_wrlock(&p->names);
    for (uint32_t i = 0; i < p->configs_n; i++)
        plan->configs[i] = p->configs[i];
    free((void *)p->configs);
    ax_pipeline_shown_free(p->shown, p->shown_n);
    p->configs = plan->configs;
    p->configs[p->configs_n++] = config;
    p->jobs = plan->jobs;
    p->shown = plan->shown;
    p->jobs_n = p->shown_n = config->jobs_n;
    (void)pthread_rwlock_unlock(&p->names);
    dismiss(p, old, old_n, plan->leaving);
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (plan->from[i] != BUILT)
            ax_job_set_skips(p->jobs[i], plan->skips[i]);
    free((void *)plan->skips);
    free(old);
    free(plan->from);
    (void)ax_pipeline_settle(p);
    ax_pipeline_drop_configs(p);
    (void)ax_db_evict(p->options.db, INT64_MIN); /* what nobody wants any more */
    for (uint32_t i = 0; i < p->jobs_n; i++)
        ax_pipeline_show_job(p, i);
    atomic_store(&p->snapshot.wanted, true);
}

/* End after what the job said last, and not now: one that comes back soon has its first step before now, and
 * would be out of order. A changed block of the same name goes on where it stopped. */
int64_t ax_pipeline_end_job(struct ax_pipeline *p, struct ax_job *old)
{
    bool succeeded = false;
    char name[AX_JOB_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, AX_STR_FMT, AX_STR_ARG(ax_job_config(old)->name));
    for (uint32_t i = 0; i < p->jobs_n; i++)
        succeeded |= ax_str_eq(ax_job_config(p->jobs[i])->name, ax_job_config(old)->name);
    int64_t last_ms = ax_job_newest_ms(old), end_ms = last_ms == INT64_MIN ? INT64_MIN : last_ms + 1;
    ax_job_free(old, end_ms);
    if (!succeeded)
        ax_metrics_forget("for", name);
    return end_ms;
}

/* The jobs are built: put in force what else the config says, or put the jobs back. */
static enum ax_err enact_rest(struct ax_pipeline *p, struct ax_config *config, struct plan *plan,
                              ax_pipeline_enact *enact, void *ctx, struct ax_diag *diag)
{
    enum ax_err err =
        enact ? enact(ctx, p->configs_n ? p->configs[p->configs_n - 1] : NULL, config, diag) : AX_OK;
    if (err != AX_OK)
        put_back(p, plan, config->jobs_n);
    return err;
}

enum ax_err ax_pipeline_load(struct ax_pipeline *p, struct ax_config *config, struct ax_diag *diag)
{
    return ax_pipeline_load_with(p, config, NULL, NULL, diag);
}

enum ax_err ax_pipeline_load_with(struct ax_pipeline *p, struct ax_config *config, ax_pipeline_enact *enact,
                                  void *ctx, struct ax_diag *diag)
{
    struct plan plan = {0};
    (void)pthread_mutex_lock(&p->run);
    p->changes++;
    enum ax_err err = AX_OK;
    if (!ax_pipeline_is_current(p))
        err = ax_fail(diag, AX_BUSY, "the state is still being restored: ask again when /-/ready says so");
    if (err == AX_OK && !plan_init(&plan, p, config))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = build_jobs(p, config, &plan, diag);
    if (err == AX_OK)
        err = enact_rest(p, config, &plan, enact, ctx, diag);
    if (err == AX_OK)
        adopt(p, config, &plan);
    else
        plan_drop(&plan, config->jobs_n);
    (void)pthread_mutex_unlock(&p->run);
    return err;
}
