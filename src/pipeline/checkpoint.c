/* checkpoint.c: the pipeline and its series as a snapshot, and back from one. */
#include "base/log.h"
#include "pipeline/pipeline_priv.h"
#include "store/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* When was the snapshot of a position written (Unix ms), and how long is it? */
static bool look_at(const char *dir, uint64_t position, int64_t *written_ms, uint64_t *bytes)
{
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%020" PRIu64 ".snap", dir, position);
    if (stat(path, &st) != 0)
        return false;
    *written_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    *bytes = (uint64_t)st.st_size;
    return true;
}

static void show_snapshot(int64_t written_ms, uint64_t bytes)
{
    ax_metric_set(ax_metric(AX_M_SNAPSHOT_LAST, NULL, NULL), (double)written_ms / 1000);
    ax_metric_set(ax_metric(AX_M_SNAPSHOT_BYTES, NULL, NULL), (double)bytes);
}

/* Note what a start would need to take the steps behind the newest snapshot again. */
static void owe(struct ax_pipeline *p, int64_t ns)
{
    p->snapshot.owed_ns = ns;
    ax_metric_set(ax_metric(AX_M_REPLAY_OWED, NULL, NULL), (double)ns * 1e-9);
}

enum ax_err ax_pipeline_take(struct ax_pipeline *p, struct ax_job *job, struct ax_str record)
{
    const int64_t start_ns = ax_thread_cpu_ns();
    const enum ax_err err = ax_job_take(job, record);
    p->snapshot.step_ns = ax_thread_cpu_ns() - start_ns;
    if (p->options.log)
        owe(p, p->snapshot.owed_ns + p->snapshot.step_ns);
    return err;
}

/* Would a start have too much to do after one more step, and may another snapshot be written for that? */
static bool owes_too_much(const struct ax_pipeline *p, int64_t since_ms)
{
    const struct ax_pipeline_options *o = &p->options;
    if (!o->replay_max_ms || !p->snapshot.owed_ns ||
        (p->snapshot.owed_ns + p->snapshot.step_ns) / 1000000 < o->replay_max_ms)
        return false;
    return !o->snapshot_rate_max ||
           (double)since_ms / 1000 >= (double)p->snapshot.bytes / (double)o->snapshot_rate_max;
}

bool ax_pipeline_snapshot_due(struct ax_pipeline *p)
{
    const struct ax_pipeline_options *o = &p->options;
    if (!o->log || !o->snapshots || !ax_pipeline_is_current(p))
        return false;
    int64_t mono_ms = ax_clock_mono(&o->clock);
    uint64_t end = ax_seglog_end(o->log);
    bool wanted = atomic_load(&p->snapshot.wanted);
    if (mono_ms < p->snapshot.retry_ms || end == 0 || (end == p->snapshot.position && !wanted))
        return false;
    const int64_t since_ms = mono_ms - p->snapshot.taken_ms;
    return wanted || since_ms >= o->snapshot_interval_ms ||
           (o->snapshot_log_bytes && end - p->snapshot.position >= o->snapshot_log_bytes) ||
           owes_too_much(p, since_ms);
}

/* One that is being written. */
struct writing {
    struct ax_pipeline *p;
    struct ax_snapshot_writer *w;
    struct ax_buf scratch;
    uint64_t position, changes;
    bool at_once; /* everything in one go, with `run` held */
};

static void lock(const struct writing *s)
{
    if (!s->at_once)
        (void)pthread_mutex_lock(&s->p->run);
}

static void unlock(const struct writing *s)
{
    if (!s->at_once)
        (void)pthread_mutex_unlock(&s->p->run);
}

/* Where the log ends, and what is owed then; nothing waits for the sink. */
static enum ax_err begin(struct writing *s, struct ax_diag *diag)
{
    struct ax_pipeline *p = s->p;
    lock(s);
    enum ax_err err =
        ax_pipeline_settle(p) ? AX_OK : ax_fail(diag, AX_IO, "what job %s says cannot be queued", p->unit);
    s->position = ax_seglog_end(p->options.log);
    s->changes = p->changes;
    ax_pipeline_put_owed(p, &s->scratch);
    unlock(s);
    if (err == AX_OK)
        err = ax_snapshot_begin(p->options.snapshots, s->position, &s->w, diag);
    if (err == AX_OK)
        ax_snapshot_put(s->w, AX_SECTION_OWED, ax_buf_view(&s->scratch));
    return err;
}

/* Put a job as it is now. What its state is in memory is written when `run` has been let go. */
static enum ax_err put_job(struct writing *s, uint32_t i, struct ax_diag *diag)
{
    struct ax_pipeline *p = s->p;
    enum ax_err err = AX_OK;
    lock(s);
    if (s->changes != p->changes)
        err = AX_CONFLICT;
    else if (i < p->jobs_n) {
        if (!s->at_once)
            ax_snapshot_hold(s->w);
        err = ax_job_save(p->jobs[i], &s->scratch, s->w);
        if (err != AX_OK)
            (void)ax_fail(diag, err, "job " AX_STR_FMT ": %s", AX_STR_ARG(ax_job_config(p->jobs[i])->name),
                          ax_err_text(err));
    } else {
        err = AX_NOTFOUND;
    }
    unlock(s);
    return err == AX_OK && !s->at_once ? ax_snapshot_write(s->w, diag) : err;
}

/* Put the series and the jobs: the log tells what comes to them from the position on. AX_CONFLICT: somebody
 * else has changed a job since the position was taken, which the log would tell a second time. */
static enum ax_err put_all(struct writing *s, struct ax_diag *diag)
{
    enum ax_err err = begin(s, diag);
    if (err == AX_OK)
        err = ax_db_save(s->p->options.db, s->w, diag);
    for (uint32_t i = 0; err == AX_OK; i++)
        err = put_job(s, i, diag);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* What a snapshot relies on must not be younger than it after a power loss: the log before its position, and
 * in the sink's queue what its jobs have said. */
static enum ax_err sync_before(struct ax_pipeline *p, struct ax_diag *diag)
{
    enum ax_err err = ax_seglog_sync(p->options.log, diag);
    if (err == AX_OK && p->options.sync)
        err = p->options.sync(p->options.sync_ctx, diag);
    return err;
}

/* Write a snapshot; it appears whole or not at all. Nobody waits for the disk meanwhile but the thread that
 * steps the jobs: `run` is held while one job is copied, which takes as much memory as its state is long.
 * Where that makes no snapshot, because somebody has changed a job between or there is no memory for a copy,
 * it is written with `run` held, section by section. */
static enum ax_err write_snapshot(struct ax_pipeline *p, uint64_t *position, struct ax_diag *diag)
{
    struct writing s = {.p = p};
    ax_buf_init(&s.scratch, AX_SNAPSHOT_SECTION_MAX);
    enum ax_err err = put_all(&s, diag);
    if (err == AX_CONFLICT || err == AX_NOMEM) {
        ax_snapshot_abandon(s.w);
        s.w = NULL;
        s.at_once = true;
        (void)pthread_mutex_lock(&p->run);
        err = put_all(&s, diag);
        (void)pthread_mutex_unlock(&p->run);
    }
    ax_buf_done(&s.scratch);
    *position = s.position;
    if (err == AX_OK)
        err = sync_before(p, diag);
    if (err == AX_OK)
        return ax_snapshot_commit(s.w, diag);
    ax_snapshot_abandon(s.w);
    return err;
}

/* Remove what the two newest snapshots make needless: should one be damaged there is another, and the log
 * behind it. They are those that were written or read here: one that was found damaged is none of them. False
 * when something stays. */
static bool tidy(struct ax_pipeline *p)
{
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_snapshot_prune(p->options.snapshots, p->snapshot.before, &diag);
    if (err == AX_OK)
        err = ax_seglog_cut(p->options.log, p->snapshot.before, &diag);
    if (err != AX_OK)
        ax_log(AX_LOG_WARN, "tidy_failed", "old snapshots or segments stay where they are: %s", diag.text);
    return err == AX_OK;
}

/* Tell of a snapshot that was not taken. */
static bool fail(struct ax_pipeline *p, const struct ax_diag *diag)
{
    p->snapshot.retry_ms = ax_clock_mono(&p->options.clock) + AX_SNAPSHOT_RETRY_MS;
    atomic_store(&p->snapshot.wanted, true);
    ax_metric_count(AX_M_SNAPSHOT_FAILURES, NULL, NULL);
    ax_log(AX_LOG_WARN, "snapshot_failed",
           "no snapshot could be taken; the old ones and the log stay, and it is tried again: %s",
           diag->text);
    return false;
}

bool ax_pipeline_snapshot(struct ax_pipeline *p)
{
    int64_t start_ns = ax_mono_ns(), mono_ms = ax_clock_mono(&p->options.clock), written_ms;
    uint64_t position, bytes;
    struct ax_diag diag = {{0}};
    if (!ax_pipeline_is_current(p)) {
        (void)ax_fail(&diag, AX_NOTREADY, "the state is still being restored");
        return fail(p, &diag);
    }
    atomic_store(&p->snapshot.wanted, false);
    if (write_snapshot(p, &position, &diag) != AX_OK)
        return fail(p, &diag);
    if (position != p->snapshot.position)
        p->snapshot.before = p->snapshot.position;
    p->snapshot.position = position;
    p->snapshot.taken_ms = mono_ms;
    owe(p, 0);
    p->snapshot.tidy = tidy(p);
    double seconds = (double)(ax_mono_ns() - start_ns) * 1e-9;
    ax_metric_observe(ax_metric(AX_M_SNAPSHOT_SECONDS, NULL, NULL), seconds);
    if (look_at(p->options.snapshots, position, &written_ms, &bytes)) {
        p->snapshot.bytes = bytes;
        ax_metric_add(ax_metric(AX_M_SNAPSHOT_WRITTEN, NULL, NULL), (double)bytes);
        show_snapshot(written_ms, bytes);
        ax_log(AX_LOG_DEBUG, "snapshot_taken", "%" PRIu64 " bytes in %.3f s", bytes, seconds);
    }
    return true;
}

static void tell_loss(struct ax_str job, const struct ax_diag *diag)
{
    ax_metric_count(AX_M_SNAPSHOT_FAILURES, NULL, NULL);
    ax_log_about(AX_LOG_ERROR, "job_not_restored", job, "%s", diag->text);
}

/* Nothing can be read of a job, but for its name, perhaps. */
static enum ax_err lose(struct ax_str name, struct ax_diag *diag)
{
    const enum ax_err err =
        ax_fail(diag, AX_CORRUPT,
                "job " AX_STR_FMT
                " begins anew: what a snapshot has of it cannot be read, for another version of auspex "
                "has written it, or it is damaged",
                AX_STR_ARG(name.n ? name : ax_str("(unknown)")));
    tell_loss(name, diag);
    return err;
}

/* Begin to read the sections of a job: *i is the job that takes them, UINT32_MAX when none does. */
static enum ax_err restore_job(struct ax_pipeline *p, struct ax_str body, uint32_t *i, struct ax_diag *diag)
{
    struct ax_job_saved saved;
    *i = UINT32_MAX;
    if (ax_job_peek(body, &saved) != AX_OK)
        return lose(saved.name, diag);
    *i = ax_pipeline_find_job(p, saved.name);
    if (*i == UINT32_MAX) {
        ax_log_about(AX_LOG_INFO, "job_not_restored", saved.name,
                     "job " AX_STR_FMT " is not in the configuration any more", AX_STR_ARG(saved.name));
        return AX_OK;
    }
    /* Should it not be able to go on with what was saved, the next one does with its schedule. */
    ax_job_pass(p->jobs[*i], saved.newest_ms);
    ax_job_begin(p->jobs[*i], saved.generation + 1);
    enum ax_err err = ax_job_load(p->jobs[*i], AX_SECTION_JOB, body, diag);
    if (err != AX_CONFLICT)
        return err;
    ax_log_about(AX_LOG_INFO, "job_changed", saved.name,
                 "job " AX_STR_FMT " begins anew: its configuration has changed", AX_STR_ARG(saved.name));
    *i = UINT32_MAX;
    return AX_OK;
}

/* A job that cannot read what was saved of it begins anew. */
static enum ax_err give_up(struct ax_pipeline *p, uint32_t i, struct ax_diag *diag)
{
    tell_loss(ax_job_config(p->jobs[i])->name, diag);
    return ax_pipeline_renew_job(p, i, ax_job_generation(p->jobs[i]) + 1, diag);
}

/* The newest snapshot stands for what was before it: the next one is due when it has become old. */
static void note_snapshot(struct ax_pipeline *p, const struct ax_snapshot *s)
{
    int64_t written_ms, age_ms;
    uint64_t bytes;
    p->snapshot.position = ax_snapshot_position(s);
    if (!p->options.snapshots || !look_at(p->options.snapshots, p->snapshot.position, &written_ms, &bytes))
        return;
    p->snapshot.bytes = bytes;
    show_snapshot(written_ms, bytes);
    age_ms = ax_clock_now(&p->options.clock) - written_ms;
    p->snapshot.taken_ms = ax_clock_mono(&p->options.clock) - (age_ms > 0 ? age_ms : 0);
}

enum ax_err ax_pipeline_restore(struct ax_pipeline *p, struct ax_snapshot *s, struct ax_restore *series,
                                struct ax_diag *diag)
{
    uint8_t type;
    struct ax_str body;
    uint32_t i = UINT32_MAX;
    enum ax_err err = AX_OK;
    (void)pthread_mutex_lock(&p->run);
    note_snapshot(p, s);
    while (err != AX_NOMEM && ax_snapshot_next(s, &type, &body)) {
        if (type == AX_SECTION_SERIES)
            err = ax_restore_section(series, body, diag);
        else if (type == AX_SECTION_ELECTIONS)
            err = ax_restore_elections(series, body, diag);
        else if (type == AX_SECTION_OWED)
            ax_pipeline_owe(p, body);
        else if (type == AX_SECTION_JOB)
            err = restore_job(p, body, &i, diag);
        else if (i != UINT32_MAX)
            err = ax_job_load(p->jobs[i], type, body, diag);
        if (err != AX_CORRUPT)
            continue;
        if (type == AX_SECTION_SERIES || type == AX_SECTION_ELECTIONS)
            continue;
        if (i != UINT32_MAX)
            err = give_up(p, i, diag);
        i = UINT32_MAX;
    }
    for (uint32_t k = 0; k < p->jobs_n; k++)
        ax_pipeline_show_job(p, k);
    (void)pthread_mutex_unlock(&p->run);
    return err == AX_NOMEM ? err : AX_OK;
}
