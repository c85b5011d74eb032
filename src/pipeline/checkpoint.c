/* checkpoint.c: the pipeline and its series as a snapshot, and back from one. */
#include "base/log.h"
#include "pipeline/pipeline_priv.h"
#include "store/records.h"

#include <inttypes.h>

#define LOOK_NS 50000000   /* how often it is seen whether one is due */
#define WHOLE_INTERVALS 12 /* a whole one comes at least every so many intervals */
#define ATTEMPTS 3         /* to copy the jobs one by one, between their steps */

static void show_snapshot(int64_t written_ms, uint64_t bytes)
{
    ax_metric_set(ax_metric(AX_M_SNAPSHOT_LAST, NULL, NULL), (double)written_ms / 1000);
    ax_metric_set(ax_metric(AX_M_SNAPSHOT_BYTES, NULL, NULL), (double)bytes);
}

/* Note what a start needs more to take the steps behind the newest snapshot again, or less. */
static void owe(struct ax_pipeline *p, int64_t ns)
{
    const int64_t owed_ns = atomic_fetch_add(&p->snapshot.owed_ns, ns) + ns;
    ax_metric_set(ax_metric(AX_M_REPLAY_OWED, NULL, NULL), (double)owed_ns * 1e-9);
}

enum ax_err ax_pipeline_take(struct ax_pipeline *p, struct ax_job *job, struct ax_str record)
{
    const int64_t start_ns = ax_thread_cpu_ns();
    const enum ax_err err = ax_job_take(job, record);
    const int64_t step_ns = ax_thread_cpu_ns() - start_ns;
    atomic_store(&p->snapshot.step_ns, step_ns);
    if (p->options.log)
        owe(p, step_ns);
    return err;
}

/* Must the snapshot of a position be a whole one? What was erased is still in the one that others are told
 * by; and without that one a start would need all of the log from the one before it on. */
static bool must_be_whole(const struct ax_pipeline *p, int64_t mono_ms, uint64_t position)
{
    const struct ax_pipeline_options *o = &p->options;
    const struct ax_snapshots *s = &p->snapshot;
    return atomic_load(&s->scrub) > 0 || !s->base || ax_snapshot_base_position(s->base) == position ||
           (o->snapshot_log_bytes && position - s->whole >= o->snapshot_log_bytes) ||
           (mono_ms - s->plan.whole_ms) / WHOLE_INTERVALS >= o->snapshot_interval_ms;
}

/* Would a start have too much to do after one more step, and may another snapshot be written for that? */
static bool owes_too_much(const struct ax_pipeline *p, int64_t mono_ms, uint64_t end)
{
    const struct ax_pipeline_options *o = &p->options;
    const int64_t owed_ns = atomic_load(&p->snapshot.owed_ns);
    return o->replay_max_ms && owed_ns &&
           (owed_ns + atomic_load(&p->snapshot.step_ns)) / 1000000 >= o->replay_max_ms &&
           ax_snapshot_plan_early(&p->snapshot.plan, mono_ms, o->snapshot_rate_max,
                                  must_be_whole(p, mono_ms, end));
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
    return wanted || mono_ms - p->snapshot.plan.taken_ms >= o->snapshot_interval_ms ||
           (o->snapshot_log_bytes && end - p->snapshot.position >= o->snapshot_log_bytes) ||
           owes_too_much(p, mono_ms, end);
}

bool ax_pipeline_is_told(const struct ax_pipeline *p, uint64_t untold)
{
    const struct ax_pipeline_options *o = &p->options;
    return untold <= atomic_load(&p->snapshot.told) || atomic_load(&p->snapshot.off) || !o->log ||
           !o->snapshots;
}

void ax_pipeline_put_off(struct ax_pipeline *p)
{
    p->snapshot.retry_ms = ax_clock_mono(&p->options.clock) + AX_SNAPSHOT_RETRY_MS;
    atomic_store(&p->snapshot.off, true);
}

void *ax_pipeline_keep(void *pipeline)
{
    struct ax_pipeline *p = pipeline;
    while (!atomic_load(&p->stop)) {
        if (ax_pipeline_snapshot_due(p))
            (void)ax_pipeline_snapshot(p);
        ax_pipeline_scrub(p);
        ax_sleep_ns(LOOK_NS);
    }
    return NULL;
}

/* One that is being written. */
struct writing {
    struct ax_pipeline *p;
    struct ax_snapshot_writer *w;
    struct ax_buf scratch;
    uint64_t position, changes, untold;
    int64_t owed_ns; /* at the position */
    bool at_once;    /* everything in one go, with `run` held */
    bool whole;
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

/* Nothing may be put of a job before what it has said is committed: a start takes no step again that the job
 * has taken, and then nobody would say it. */
static enum ax_err settle(struct ax_pipeline *p, struct ax_diag *diag)
{
    return ax_pipeline_settle(p) ? AX_OK : ax_fail(diag, AX_IO, "what job %s says cannot be queued", p->unit);
}

/* Where the log ends, and what is owed then; nothing waits for the sink. */
static enum ax_err begin(struct writing *s, struct ax_diag *diag)
{
    struct ax_pipeline *p = s->p;
    lock(s);
    enum ax_err err = settle(p, diag);
    s->position = ax_seglog_end(p->options.log);
    s->changes = p->changes;
    s->untold = atomic_load(&p->snapshot.untold);
    s->owed_ns = atomic_load(&p->snapshot.owed_ns);
    ax_pipeline_put_owed(p, &s->scratch);
    unlock(s);
    const int64_t mono_ms = ax_clock_mono(&p->options.clock);
    s->whole = must_be_whole(p, mono_ms, s->position) ||
               ax_snapshot_plan_whole(&p->snapshot.plan, mono_ms, p->options.snapshot_rate_max);
    if (err == AX_OK)
        err = ax_snapshot_begin(p->options.snapshots, s->position, &s->w, diag);
    if (err == AX_OK && !s->whole && ax_snapshot_tell_by(s->w, p->snapshot.base) != AX_OK)
        s->whole = true; /* that takes less memory */
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
    else if (i >= p->jobs_n)
        err = AX_NOTFOUND;
    else
        err = settle(p, diag);
    if (err == AX_OK) {
        if (!s->at_once)
            ax_snapshot_hold(s->w);
        err = ax_job_save(p->jobs[i], &s->scratch, s->w);
        if (err != AX_OK)
            (void)ax_fail(diag, err, "job " AX_STR_FMT ": %s", AX_STR_ARG(ax_job_config(p->jobs[i])->name),
                          ax_err_text(err));
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

/* Put everything, as often as it takes. */
static enum ax_err put_somehow(struct writing *s, struct ax_diag *diag)
{
    enum ax_err err = AX_CONFLICT;
    for (unsigned i = 0; err == AX_CONFLICT && i < ATTEMPTS; i++) {
        ax_snapshot_abandon(s->w);
        s->w = NULL;
        err = put_all(s, diag);
    }
    if (err != AX_CONFLICT && err != AX_NOMEM)
        return err;
    ax_snapshot_abandon(s->w);
    s->w = NULL;
    s->at_once = true;
    (void)pthread_mutex_lock(&s->p->run);
    err = put_all(s, diag);
    (void)pthread_mutex_unlock(&s->p->run);
    return err;
}

/* The snapshot is there. */
static void note_written(const struct writing *s, struct ax_snapshot_base *base, uint64_t bytes,
                         int64_t mono_ms, int64_t took_ms)
{
    struct ax_snapshots *now = &s->p->snapshot;
    if (s->position != now->position)
        now->previous = now->position;
    now->position = s->position;
    if (s->whole) {
        if (s->position != now->whole)
            now->whole_before = now->whole;
        now->whole = s->position;
        ax_snapshot_base_free(now->base);
        now->base = base;
    }
    ax_snapshot_plan_note(&now->plan, s->whole, bytes, mono_ms, took_ms);
    owe(s->p, -s->owed_ns);
    atomic_store(&now->told, s->untold);
    atomic_store(&now->off, false);
}

/* A snapshot of a position could not be finished: it may have taken the place of the one that others were to
 * be told by. */
static void forget_base(struct ax_pipeline *p, uint64_t position)
{
    if (!p->snapshot.base || ax_snapshot_base_position(p->snapshot.base) != position)
        return;
    ax_snapshot_base_free(p->snapshot.base);
    p->snapshot.base = NULL;
}

/* Write a snapshot; it appears whole or not at all. Nobody waits for the disk meanwhile but the thread that
 * does it: `run` is held while one job is copied, which takes as much memory as its state is long. Where that
 * makes no snapshot, because somebody has changed a job between again and again or there is no memory for a
 * copy, it is written with `run` held, section by section. */
static enum ax_err write_snapshot(struct ax_pipeline *p, struct ax_diag *diag)
{
    const int64_t mono_ms = ax_clock_mono(&p->options.clock), start_ns = ax_thread_cpu_ns();
    struct ax_snapshot_base *base = NULL;
    uint64_t bytes = 0;
    struct writing s = {.p = p};
    ax_buf_init(&s.scratch, AX_SNAPSHOT_SECTION_MAX);
    enum ax_err err = put_somehow(&s, diag);
    ax_buf_done(&s.scratch);
    if (err == AX_OK)
        err = sync_before(p, diag);
    if (err != AX_OK) {
        ax_snapshot_abandon(s.w);
        return err;
    }
    err = ax_snapshot_commit_base(s.w, &base, &bytes, diag);
    if (err == AX_OK)
        note_written(&s, base, bytes, mono_ms, (ax_thread_cpu_ns() - start_ns) / 1000000);
    else
        forget_base(p, s.position);
    return err;
}

/* Remove what is needless: should the newest snapshot be damaged there is another, and should the whole one
 * be damaged that both are told by, there is the whole one before it and the log behind that. They are those
 * that were written or read here: one that was found damaged is none of them. False when something stays. */
static bool tidy(struct ax_pipeline *p)
{
    struct ax_diag diag = {{0}};
    const uint64_t before = p->snapshot.whole_before, previous = p->snapshot.previous;
    enum ax_err err =
        ax_snapshot_prune(p->options.snapshots, before, previous > before ? previous : before, &diag);
    if (err == AX_OK)
        err = ax_seglog_cut(p->options.log, before, &diag);
    if (err != AX_OK)
        ax_log(AX_LOG_WARN, "tidy_failed", "old snapshots or segments stay where they are: %s", diag.text);
    return err == AX_OK;
}

/* Tell of a snapshot that was not taken. */
static bool fail(struct ax_pipeline *p, const struct ax_diag *diag)
{
    ax_pipeline_put_off(p);
    atomic_store(&p->snapshot.wanted, true);
    ax_metric_count(AX_M_SNAPSHOT_FAILURES, NULL, NULL);
    ax_log(AX_LOG_WARN, "snapshot_failed",
           "no snapshot could be taken; the old ones and the log stay, and it is tried again: %s",
           diag->text);
    return false;
}

bool ax_pipeline_snapshot(struct ax_pipeline *p)
{
    const int64_t start_ns = ax_mono_ns();
    const struct ax_snapshot_plan *plan = &p->snapshot.plan;
    struct ax_diag diag = {{0}};
    if (!ax_pipeline_is_current(p)) {
        (void)ax_fail(&diag, AX_NOTREADY, "the state is still being restored");
        return fail(p, &diag);
    }
    atomic_store(&p->snapshot.wanted, false);
    if (write_snapshot(p, &diag) != AX_OK)
        return fail(p, &diag);
    p->snapshot.tidy = tidy(p);
    const bool whole = plan->n == 1;
    const uint64_t bytes = whole ? plan->whole_bytes : plan->changes_bytes;
    const double seconds = (double)(ax_mono_ns() - start_ns) * 1e-9;
    ax_metric_observe(ax_metric(AX_M_SNAPSHOT_SECONDS, NULL, NULL), seconds);
    ax_metric_add(ax_metric(AX_M_SNAPSHOT_WRITTEN, NULL, NULL), (double)bytes);
    show_snapshot(ax_clock_now(&p->options.clock), bytes);
    ax_log(AX_LOG_DEBUG, "snapshot_taken", "%" PRIu64 " bytes%s in %.3f s", bytes, whole ? "" : " of changes",
           seconds);
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

/* How long ago, on the monotonic clock, a file was written. */
static int64_t mono_of(const struct ax_pipeline *p, const struct ax_snapshot_file *file)
{
    const int64_t age_ms = ax_clock_now(&p->options.clock) - file->written_ms;
    return ax_clock_mono(&p->options.clock) - (age_ms > 0 ? age_ms : 0);
}

/* The newest snapshot stands for what was before it: the next one is due when it has become old. */
static void note_snapshot(struct ax_pipeline *p, struct ax_snapshot *s)
{
    const struct ax_snapshot_file own = ax_snapshot_own(s), whole = ax_snapshot_whole(s);
    p->snapshot.position = own.position;
    p->snapshot.whole = whole.position;
    if (!p->options.snapshots)
        return;
    ax_snapshot_plan_note(&p->snapshot.plan, true, whole.bytes, mono_of(p, &whole), 0);
    if (own.position != whole.position)
        ax_snapshot_plan_note(&p->snapshot.plan, false, own.bytes, mono_of(p, &own), 0);
    p->snapshot.base = ax_snapshot_take_base(s);
    show_snapshot(own.written_ms, own.bytes);
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
    if (err != AX_NOMEM && (err = ax_snapshot_error(s)) != AX_OK)
        (void)ax_fail(diag, err,
                      "a section of the newest snapshot cannot be made of its changes: %s; nothing has been "
                      "written, start it again",
                      ax_err_text(err));
    return err;
}
