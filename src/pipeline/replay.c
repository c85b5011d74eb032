/* replay.c: the steps that the log has of the time after the snapshot, taken again by the jobs.
 *
 * A record holds what the models were given, so nothing is evaluated. Records are read in slices, each under
 * `run`, so that others get their turn. Of each job only steps after its newest one are taken, and only those
 * of its own generation: when the log tells of one that began anew, so does the job, and when what that was
 * built from is not what the job is built from, its steps are passed over; they are done and said all the
 * same. */
#include "base/log.h"
#include "pipeline/erase.h"
#include "pipeline/lesson.h"
#include "pipeline/pipeline_priv.h"
#include "pipeline/step_record.h"
#include "store/unread.h"

#define SLICE_NS 100000000
#define PROGRESS_NS 5000000000

uint32_t ax_pipeline_find_job(const struct ax_pipeline *p, struct ax_str name)
{
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (ax_str_eq(ax_job_config(p->jobs[i])->name, name))
            return i;
    return UINT32_MAX;
}

enum ax_err ax_pipeline_renew_job(struct ax_pipeline *p, uint32_t i, uint64_t generation,
                                  struct ax_diag *diag)
{
    struct ax_job *old = p->jobs[i], *job = NULL;
    struct ax_job_env env = ax_pipeline_job_env(p);
    env.generation = generation;
    enum ax_err err = ax_job_new(&env, ax_job_root(old), ax_job_config(old), &job, diag);
    if (err != AX_OK)
        return err;
    ax_job_succeed(job, old);
    ax_job_free(old, INT64_MIN);
    p->jobs[i] = job;
    return AX_OK;
}

enum ax_err ax_pipeline_reach_generation(struct ax_pipeline *p, uint32_t i, uint64_t generation,
                                         struct ax_diag *diag)
{
    if (generation <= ax_job_generation(p->jobs[i]))
        return AX_OK;
    if (!ax_job_is_blank(p->jobs[i]))
        return ax_pipeline_renew_job(p, i, generation, diag);
    ax_job_begin(p->jobs[i], generation);
    return AX_OK;
}

/* Take a recorded step, or know that it is done. AX_NOMEM: it is to be tried again; AX_CORRUPT: it makes no
 * sense, and its job, if it can be told, goes on behind it. */
static enum ax_err take_step(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(record);
    struct ax_step_head head;
    if (ax_step_get_head(&in, &head) != AX_OK)
        return AX_CORRUPT;
    uint32_t i = ax_pipeline_find_job(p, head.job);
    if (i == UINT32_MAX || head.t_ms <= ax_job_stepped_ms(p->jobs[i]))
        return AX_OK;
    enum ax_err err = ax_pipeline_reach_generation(p, i, head.generation, diag);
    if (err != AX_OK)
        return err;
    struct ax_job *job = p->jobs[i];
    bool own = head.generation >= ax_job_generation(job) && head.identity == ax_job_identity(job);
    err = own ? ax_pipeline_take(p, job, record) : AX_NOTFOUND;
    if (err != AX_OK) {
        ax_job_pass(job, head.t_ms);
        return own ? err : AX_OK;
    }
    p->replay.steps++;
    ax_metric_count(AX_M_REPLAY_STEPS, NULL, NULL);
    ax_pipeline_commit(p, head.job, head.t_ms);
    return AX_OK;
}

/* Take a record, if it is of the jobs; errors to try it again for. */
static enum ax_err take(struct ax_pipeline *p, const struct ax_seglog_record *record, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    if (record->type == AX_WAL_STEP)
        err = take_step(p, record->body, diag);
    else if (record->type == AX_WAL_LESSON)
        err = ax_lesson_replay(p, record->body, diag);
    else if (record->type == AX_WAL_ERASE)
        err = ax_erase_replay(p, record->body, diag);
    else if (record->type == AX_WAL_SWAP)
        err = ax_pipeline_swap_again(p, record->body, diag);
    else if (record->type == AX_WAL_FITS)
        err = ax_pipeline_fits_again(p, record->body, diag);
    if (err != AX_CORRUPT)
        return err;
    ax_wal_unread((enum ax_wal_record)record->type);
    return AX_OK;
}

static void show_progress(struct ax_pipeline *p)
{
    if (ax_mono_ns() - p->replay.shown_ns < PROGRESS_NS)
        return;
    p->replay.shown_ns = ax_mono_ns();
    ax_log(AX_LOG_INFO, "replay_progress", "%.0f %% of the log behind the snapshot, %llu steps",
           100 * (double)(p->replay.at - p->replay.from) / (double)(p->replay.until - p->replay.from),
           (unsigned long long)p->replay.steps);
}

static void end_replay(struct ax_pipeline *p)
{
    double seconds = (double)(ax_mono_ns() - p->replay.start_ns) * 1e-9;
    ax_metric_add(ax_metric(AX_M_REPLAY_SECONDS, NULL, NULL), seconds);
    if (p->replay.steps)
        ax_log(AX_LOG_INFO, "replayed", "%llu steps in %.3f s", (unsigned long long)p->replay.steps, seconds);
    for (uint32_t i = 0; i < p->jobs_n; i++) {
        if (ax_job_is_blank(p->jobs[i])) /* nothing recorded is of this one */
            ax_job_begin(p->jobs[i], ax_pipeline_next_generation(p));
        ax_pipeline_show_job(p, i);
        if (ax_job_stepped_ms(p->jobs[i]) != INT64_MIN)
            ax_job_train(p->jobs[i]); /* what it had begun at that step was lost */
    }
    atomic_store(&p->current, true);
}

/* Read and take records for a while. True when it can go on at once. */
static bool replay_slice(struct ax_pipeline *p, struct ax_seglog_reader *reader)
{
    int64_t start_ns = ax_mono_ns();
    struct ax_diag diag = {{0}};
    struct ax_seglog_record record;
    enum ax_err err = AX_OK;
    while (ax_seglog_reader_at(reader) < p->replay.until && ax_mono_ns() - start_ns < SLICE_NS) {
        if (!ax_pipeline_settle(p))
            return false;
        err = ax_seglog_read(reader, &record, &diag);
        if (err == AX_NOTREADY)
            break;
        if (err == AX_OK)
            err = take(p, &record, &diag);
        if (err != AX_OK && err != AX_CORRUPT) { /* what was lost was told when the log was opened */
            ax_log(AX_LOG_ERROR, "replay_failed", "the replay is tried again: %s", diag.text);
            ax_pipeline_hold_off(p);
            return false;
        }
        p->replay.at = ax_seglog_reader_at(reader);
    }
    if (err == AX_NOTREADY || p->replay.at >= p->replay.until)
        end_replay(p);
    return true;
}

bool ax_pipeline_replay_some(struct ax_pipeline *p)
{
    struct ax_seglog_reader *reader = NULL;
    bool more = false;
    (void)pthread_mutex_lock(&p->run);
    if (ax_clock_mono(&p->options.clock) >= p->retry_ms) {
        if (ax_seglog_reader_new(p->options.log, p->replay.at, &reader) == AX_OK)
            more = replay_slice(p, reader);
        else
            ax_pipeline_hold_off(p);
    }
    ax_seglog_reader_free(reader);
    show_progress(p);
    (void)pthread_mutex_unlock(&p->run);
    return more;
}

void ax_pipeline_replay_from(struct ax_pipeline *p, uint64_t from)
{
    (void)pthread_mutex_lock(&p->run);
    uint64_t begin = ax_seglog_begin(p->options.log);
    p->replay.from = p->replay.at = from > begin ? from : begin;
    p->replay.until = ax_seglog_end(p->options.log);
    p->replay.start_ns = p->replay.shown_ns = ax_mono_ns();
    for (uint32_t i = 0; i < p->jobs_n; i++)
        if (ax_job_is_blank(p->jobs[i]) && ax_job_stepped_ms(p->jobs[i]) == INT64_MIN)
            ax_job_begin(p->jobs[i], 0); /* whatever the log has of it is newer than what it knows */
    atomic_store(&p->current, false);
    (void)pthread_mutex_unlock(&p->run);
}

bool ax_pipeline_is_current(struct ax_pipeline *p)
{
    return atomic_load(&p->current);
}
