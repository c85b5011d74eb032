/* backfill.c: the thread, and which job's turn it is. */
#include "ingest/backfill.h"

#include "base/log.h"
#include "base/parse.h"
#include "ingest/backfill_run.h"
#include "pipeline/erase.h"
#include "pipeline/rehearsal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 10
#define IDLE_MS 3600000    /* between looks without any job */
#define WAIT_MS 500        /* between looks at jobs that have nothing to do */
#define REPLAY_MS 200      /* a job that is not ready to be looked at */
#define RETRY_MIN_MS 15000 /* after a failure; doubles */
#define RETRY_MAX_MS 600000
#define LOOK_MS 300000       /* how often a job with history is looked at for new series */
#define AGAIN_MIN_MS 1800000 /* between two runs; doubles while they change nothing */
#define AGAIN_MAX_MS (24 * 3600000LL)
#define GATHER_MIN_MS                                                                                        \
    200 /* from a new series to a look, a step long, so that one look sees all that come together */
#define GATHER_MAX_MS 15000
#define PAUSE_MIN_MS 1000 /* between two runs for new series; doubles while they change nothing */
#define PAUSE_MAX_MS AGAIN_MIN_MS
#define PAUSE_SHARE 4     /* but so many times as long as the last run was reading, at least */
#define PROGRESS_MS 10000 /* between two lines in the log */
#define NAME_BYTES (AX_JOB_NAME_MAX + 1)

/* A job of the config. */
struct entry {
    char name[NAME_BYTES];
    const struct ax_job_config *block;
    struct ax_backfill_run *run;
    struct ax_map only, settled;          /* of the run; of all runs so far */
    int64_t due_ms;                       /* monotonic: when to go on */
    int64_t retry_ms, again_ms, pause_ms; /* the next intervals */
    int64_t free_ms;                      /* until when new series have to wait */
    int64_t read_ms;                      /* how long the run has been reading */
    uint64_t arrivals;                    /* of the job when it was last looked at */
    int64_t logged_ms, began_ms;
    struct ax_cell *progress;
    struct ax_backfill_status shown; /* under the lock */
};

struct ax_backfill {
    struct ax_backfill_options options;
    struct ax_backfill_env env;
    struct ax_config *config; /* kept */
    struct entry *entries;    /* as its jobs; none without an endpoint */
    uint32_t entries_n;
    pthread_t thread;
    pthread_mutex_t lock; /* of what is shown, the histories and the wish below */
    pthread_cond_t wake;
    bool reload, stop;
    atomic_bool cancel;
};

/* ---- the config ---- */

static void close_histories(struct ax_backfill *b)
{
    (void)pthread_mutex_lock(&b->lock);
    struct ax_history **histories = b->env.histories;
    uint32_t n = b->env.histories_n;
    b->env.histories = NULL;
    b->env.histories_n = 0;
    (void)pthread_mutex_unlock(&b->lock);
    for (uint32_t i = 0; i < n; i++)
        ax_history_close(histories[i]);
    free((void *)histories);
}

static void end_run(struct entry *e)
{
    ax_backfill_run_free(e->run);
    e->run = NULL;
    ax_map_done(&e->only);
}

static void free_entries(struct entry *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        end_run(&v[i]);
        ax_map_done(&v[i].settled);
    }
    free(v);
}

/* Clients of all endpoints that have history to give. */
static void open_histories(struct ax_backfill *b)
{
    uint32_t n = 0;
    struct ax_history **histories = calloc(b->config->remote_read_n + (size_t)1, sizeof(struct ax_history *));
    for (uint32_t i = 0; histories && i < b->config->remote_read_n; i++) {
        struct ax_diag diag = {{0}};
        if (b->config->remote_read[i].backfill_ms == 0)
            continue;
        if (ax_history_open(&b->config->remote_read[i], &histories[n], &diag) == AX_OK)
            n++;
        else
            ax_log(AX_LOG_ERROR, "remote_read_unusable", "no history is read from it: %s", diag.text);
    }
    (void)pthread_mutex_lock(&b->lock);
    b->env.histories = histories;
    b->env.histories_n = n;
    (void)pthread_mutex_unlock(&b->lock);
}

/* Does the job of an entry go on under the config? */
static bool goes_on(const struct entry *old, const struct ax_config *old_config, const struct entry *e,
                    const struct ax_config *config)
{
    return strcmp(old->name, e->name) == 0 && old->block->hash == e->block->hash &&
           ax_labels_eq(&old_config->external_labels, &config->external_labels);
}

/* Entries for the jobs of the config. What was asked already of a job that goes on is not asked again. */
static struct entry *make_entries(struct ax_backfill *b, const struct ax_config *old_config)
{
    uint32_t n = b->env.histories_n ? b->config->jobs_n : 0;
    struct entry *v = calloc(n + (size_t)1, sizeof *v);
    int64_t mono_ms = ax_clock_mono(&b->options.clock);
    for (uint32_t i = 0; v && i < n; i++) {
        struct entry *e = &v[i];
        e->block = &b->config->jobs[i];
        (void)snprintf(e->name, sizeof e->name, AX_STR_FMT, AX_STR_ARG(e->block->name));
        (void)snprintf(e->shown.text, sizeof e->shown.text, "waiting");
        e->progress = ax_metric(AX_M_BACKFILL_PROGRESS, e->name, NULL);
        e->retry_ms = RETRY_MIN_MS;
        e->again_ms = AGAIN_MIN_MS;
        e->pause_ms = PAUSE_MIN_MS;
        e->due_ms = e->free_ms = mono_ms;
        for (uint32_t k = 0; k < b->entries_n; k++) {
            struct entry *old = &b->entries[k];
            if (!goes_on(old, old_config, e, b->config))
                continue;
            e->settled = old->settled;
            old->settled = (struct ax_map){0};
        }
    }
    return v;
}

/* Take the config in force. */
static void take_config(struct ax_backfill *b)
{
    struct ax_config *old = b->config;
    for (uint32_t i = 0; i < b->entries_n; i++)
        end_run(&b->entries[i]);
    close_histories(b);
    b->config = ax_pipeline_keep_config(b->options.pipeline);
    if (b->config)
        open_histories(b);
    struct entry *entries = b->config ? make_entries(b, old) : NULL;
    (void)pthread_mutex_lock(&b->lock);
    atomic_store(&b->cancel, b->stop || b->reload);
    struct entry *gone = b->entries;
    uint32_t gone_n = b->entries_n;
    b->entries = entries;
    b->entries_n = entries && b->env.histories_n ? b->config->jobs_n : 0;
    (void)pthread_mutex_unlock(&b->lock);
    free_entries(gone, gone_n);
    ax_config_free(old);
}

/* ---- one job ---- */

static AX_PRINTF(4, 5) void show(struct ax_backfill *b, struct entry *e, double share, const char *fmt, ...)
{
    va_list args;
    (void)pthread_mutex_lock(&b->lock);
    va_start(args, fmt);
    (void)vsnprintf(e->shown.text, sizeof e->shown.text, fmt, args);
    va_end(args);
    e->shown.share = share;
    (void)pthread_mutex_unlock(&b->lock);
    ax_metric_set(e->progress, share);
}

static int64_t longest_backfill(const struct ax_backfill *b)
{
    int64_t most = 0;
    for (uint32_t i = 0; i < b->env.histories_n; i++) {
        int64_t one = ax_history_config(b->env.histories[i])->backfill_ms;
        most = one > most ? one : most;
    }
    return most;
}

/* What a look at a job in service sees. */
struct look {
    const struct ax_backfill *b;
    struct entry *e;
    uint32_t series, lacking;
};

static bool look_at(void *ctx, struct ax_job *job)
{
    struct look *l = ctx;
    struct ax_job_status status;
    ax_job_status(job, &status);
    ax_job_forget_gone(job, &l->e->settled);
    l->e->arrivals = ax_job_arrivals(job);
    l->series = status.targets_n;
    l->lacking = ax_job_lacking(job, longest_backfill(l->b) / 2, &l->e->settled, &l->e->only);
    return false;
}

/* Begin a run, if the job needs one. */
static void begin(struct ax_backfill *b, struct entry *e)
{
    struct look l = {b, e, 0, 0};
    struct ax_diag diag = {{0}};
    int64_t mono_ms = ax_clock_mono(&b->options.clock);
    if (!ax_pipeline_with_job(b->options.pipeline, e->block->name, look_at, &l)) {
        e->due_ms = mono_ms + REPLAY_MS;
        return;
    }
    if (l.series && l.lacking == 0) {
        show(b, e, 1, "no series lacks history");
        ax_map_done(&e->only);
        e->due_ms = mono_ms + LOOK_MS;
        return;
    }
    /* A job that has none with history has perhaps not seen all of its series yet. */
    bool all = e->only.n * 2 >= l.series;
    if (all)
        ax_map_done(&e->only);
    enum ax_err err =
        ax_backfill_run_new(&b->env, b->config, e->block, all ? NULL : &e->only, &e->settled, &e->run, &diag);
    if (err != AX_OK) {
        ax_log_about(AX_LOG_WARN, "backfill_failed", ax_str(e->name),
                     "job %s: its history cannot be read: %s", e->name, diag.text);
        ax_map_done(&e->only);
        e->due_ms = mono_ms + RETRY_MAX_MS;
        return;
    }
    e->began_ms = e->logged_ms = mono_ms;
    e->due_ms = mono_ms;
    show(b, e, 0, "asking what there is");
}

static void log_progress(struct ax_backfill *b, struct entry *e, const struct ax_backfill_standing *s)
{
    int64_t mono_ms = ax_clock_mono(&b->options.clock);
    if (s->phase == AX_BACKFILL_FOLLOWING) {
        show(b, e, 1, "read; %u series have taken over", s->taken);
        return;
    }
    show(b, e, s->share, "reading: %.0f %%, %llu samples of %u series", s->share * 100,
         (unsigned long long)s->samples, s->series);
    if (mono_ms - e->logged_ms < PROGRESS_MS)
        return;
    e->logged_ms = mono_ms;
    ax_log(AX_LOG_INFO, "backfill_progress", "job %s: %.0f %% of its history, %llu samples of %u series",
           e->name, s->share * 100, (unsigned long long)s->samples, s->series);
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* A run has ended well. Series that come from now on are read for after a pause: each run reads what all
 * series of the job's expressions have been, which costs the endpoint something. */
static void done(struct ax_backfill *b, struct entry *e, const struct ax_backfill_standing *s)
{
    int64_t mono_ms = ax_clock_mono(&b->options.clock);
    ax_log(AX_LOG_INFO, "backfill_done",
           "job %s: %u series have taken over what was learnt of their history, %llu samples in %.1f s",
           e->name, s->taken, (unsigned long long)s->samples, (double)(mono_ms - e->began_ms) / 1000);
    show(b, e, 1, "done: %u series have taken over", s->taken);
    e->pause_ms = s->taken ? PAUSE_MIN_MS : clamp(e->pause_ms * 2, PAUSE_MIN_MS, PAUSE_MAX_MS);
    e->free_ms = mono_ms + clamp(e->read_ms * PAUSE_SHARE, e->pause_ms, AGAIN_MAX_MS);
    if (s->taken)
        e->again_ms = AGAIN_MIN_MS;
    e->due_ms = mono_ms + e->again_ms;
    e->again_ms = e->again_ms * 2 < AGAIN_MAX_MS ? e->again_ms * 2 : AGAIN_MAX_MS;
    e->retry_ms = RETRY_MIN_MS;
}

/* One has not: the job goes on without. */
static void failed(struct ax_backfill *b, struct entry *e, const struct ax_backfill_standing *s,
                   const struct ax_diag *diag)
{
    char wait[32];
    ax_format_duration(e->retry_ms, wait, sizeof wait);
    ax_metric_count(AX_M_BACKFILL_FAILURES, e->name, s->reason);
    ax_log_about(AX_LOG_WARN, "backfill_failed", ax_str(e->name),
                 "job %s goes on without history, which is asked for again in %s: %s", e->name, wait,
                 diag->text);
    show(b, e, s->share, "failed, again in %s: %s", wait, diag->text);
    e->due_ms = e->free_ms = ax_clock_mono(&b->options.clock) + e->retry_ms;
    e->retry_ms = e->retry_ms * 2 < RETRY_MAX_MS ? e->retry_ms * 2 : RETRY_MAX_MS;
}

/* Something was erased while it ran: what it had read is gone, and history is asked for anew, as it is now.
 */
static void again(struct ax_backfill *b, struct entry *e)
{
    ax_log(AX_LOG_INFO, "backfill_again", "job %s: its history is read anew, because series were erased",
           e->name);
    show(b, e, 0, "waiting: series were erased");
    e->due_ms = ax_clock_mono(&b->options.clock);
}

static void advance(struct ax_backfill *b, struct entry *e)
{
    struct ax_diag diag = {{0}};
    const uint64_t began_at = ax_backfill_run_erasures(e->run);
    int64_t idle_ms = ax_backfill_advance(e->run, &diag);
    const struct ax_backfill_standing s = ax_backfill_run_standing(e->run);
    e->due_ms = ax_clock_mono(&b->options.clock) + idle_ms;
    if (s.phase < AX_BACKFILL_FOLLOWING)
        e->read_ms = ax_clock_mono(&b->options.clock) - e->began_ms;
    if (s.phase != AX_BACKFILL_DONE && s.phase != AX_BACKFILL_FAILED) {
        log_progress(b, e, &s);
        return;
    }
    end_run(e);
    if (s.phase == AX_BACKFILL_FAILED && ax_pipeline_erasures(b->options.pipeline) != began_at)
        again(b, e);
    else if (s.phase == AX_BACKFILL_DONE)
        done(b, e, &s);
    else if (!atomic_load(&b->cancel))
        failed(b, e, &s, &diag);
}

/* ---- all of them ---- */

static bool count_arrivals(void *arrivals, struct ax_job *job)
{
    *(uint64_t *)arrivals = ax_job_arrivals(job);
    return false;
}

/* A job that waits is looked at soon when series have come that it did not have. */
static void watch(struct ax_backfill *b, struct entry *e)
{
    uint64_t arrivals = e->arrivals;
    int64_t mono_ms = ax_clock_mono(&b->options.clock);
    int64_t soon_ms = mono_ms + clamp(e->block->step_ms, GATHER_MIN_MS, GATHER_MAX_MS);
    if (e->run || e->due_ms <= soon_ms || mono_ms < e->free_ms)
        return;
    (void)ax_pipeline_with_job(b->options.pipeline, e->block->name, count_arrivals, &arrivals);
    if (arrivals != e->arrivals)
        e->due_ms = soon_ms;
}

static bool is_reading(const struct entry *e)
{
    return e->run && ax_backfill_run_standing(e->run).phase < AX_BACKFILL_FOLLOWING;
}

/* Let every job go on whose time has come; one at a time reads. Returns how long there is nothing to do. */
static int64_t serve(struct ax_backfill *b)
{
    int64_t wait_ms = b->entries_n ? WAIT_MS : IDLE_MS;
    bool reading = false;
    for (uint32_t i = 0; i < b->entries_n; i++)
        reading |= is_reading(&b->entries[i]);
    for (uint32_t i = 0; i < b->entries_n && !atomic_load(&b->cancel); i++) {
        struct entry *e = &b->entries[i];
        watch(b, e);
        int64_t left_ms = e->due_ms - ax_clock_mono(&b->options.clock);
        if (left_ms <= 0 && e->run)
            advance(b, e);
        else if (left_ms <= 0 && !reading)
            begin(b, e);
        else if (left_ms <= 0)
            continue; /* it waits for its turn */
        reading |= is_reading(e);
        left_ms = e->due_ms - ax_clock_mono(&b->options.clock);
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    for (uint32_t i = 0; i < b->env.histories_n; i++) {
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof name, AX_STR_FMT,
                       AX_STR_ARG(ax_history_config(b->env.histories[i])->name));
        ax_metric_set(ax_metric(AX_M_BACKFILL_HISTOGRAMS, name, NULL),
                      (double)ax_history_skipped(b->env.histories[i]));
    }
    return wait_ms;
}

static void *work(void *arg)
{
    struct ax_backfill *b = arg;
    int64_t wait_ms = 0;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread alone */
    for (;;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + (wait_ms > 0 ? wait_ms : 0) * 1000000;
        until.tv_sec += ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        (void)pthread_mutex_lock(&b->lock);
        while (wait_ms > 0 && !b->stop && !b->reload)
            if (pthread_cond_timedwait(&b->wake, &b->lock, &until) != 0)
                break;
        bool stop = b->stop, reload = b->reload;
        b->reload = false;
        (void)pthread_mutex_unlock(&b->lock);
        if (stop)
            return NULL;
        if (reload)
            take_config(b);
        wait_ms = serve(b);
    }
}

enum ax_err ax_backfill_start(const struct ax_backfill_options *options, struct ax_backfill **out,
                              struct ax_diag *diag)
{
    struct ax_backfill *b = calloc(1, sizeof *b);
    if (!b)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    b->options = *options;
    b->env = (struct ax_backfill_env){.pipeline = options->pipeline,
                                      .clock = options->clock,
                                      .max_range_ms = options->max_range_ms,
                                      .db_seed = ax_db_seed(options->db),
                                      .model_seed = options->model_seed,
                                      .cancel = &b->cancel,
                                      .settle_ms = options->settle_ms};
    b->reload = true;
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&b->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&b->lock, NULL);
    if (pthread_create(&b->thread, NULL, work, b) != 0) {
        (void)pthread_cond_destroy(&b->wake);
        (void)pthread_mutex_destroy(&b->lock);
        free(b);
        return ax_fail(diag, AX_IO, "no thread for the backfill");
    }
    *out = b;
    return AX_OK;
}

/* Give up what is under way, and wake the thread. */
static void interrupt(struct ax_backfill *b, bool *wish)
{
    (void)pthread_mutex_lock(&b->lock);
    *wish = true;
    atomic_store(&b->cancel, true);
    for (uint32_t i = 0; i < b->env.histories_n; i++)
        ax_history_abort(b->env.histories[i]);
    (void)pthread_cond_signal(&b->wake);
    (void)pthread_mutex_unlock(&b->lock);
}

void ax_backfill_reload(struct ax_backfill *b)
{
    interrupt(b, &b->reload);
}

void ax_backfill_stop(struct ax_backfill *b)
{
    if (!b)
        return;
    interrupt(b, &b->stop);
    (void)pthread_join(b->thread, NULL);
    free_entries(b->entries, b->entries_n);
    close_histories(b);
    ax_config_free(b->config);
    (void)pthread_cond_destroy(&b->wake);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

bool ax_backfill_job(struct ax_backfill *b, const char *job, struct ax_backfill_status *out)
{
    bool found = false;
    (void)pthread_mutex_lock(&b->lock);
    for (uint32_t i = 0; i < b->entries_n && !found; i++) {
        found = strcmp(b->entries[i].name, job) == 0;
        if (found)
            *out = b->entries[i].shown;
    }
    (void)pthread_mutex_unlock(&b->lock);
    return found;
}
