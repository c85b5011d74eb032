/* durable.c: opens and reads back what lasts, tells what was lost of it, and keeps it on the disk. */
#include "app/durable.h"

#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/erase.h"
#include "store/unread.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEEP_S 1
#define PROGRESS_NS 5000000000

struct ax_durable {
    char *wal, *snapshots; /* folders */
    struct ax_seglog *log;
    struct ax_snapshot *snapshot; /* until the recovery; NULL: there is none */
    pthread_t thread;
    pthread_mutex_t lock; /* of stop, with its condition */
    pthread_cond_t stopped;
    bool started, stop;
    enum ax_err (*sync)(void *ctx, struct ax_diag *diag);
    void *sync_ctx;
};

static void count(enum ax_metric metric, double n)
{
    ax_metric_add(ax_metric(metric, NULL, NULL), n);
}

/* A name in the storage folder. */
static char *join(const char *path, const char *name)
{
    size_t n = strlen(path) + strlen(name) + 2;
    char *joined = malloc(n);
    if (joined)
        (void)snprintf(joined, n, "%s/%s", path, name);
    return joined;
}

static enum ax_err open_snapshot(struct ax_durable *d, struct ax_diag *diag)
{
    struct ax_diag passed = {{0}};
    enum ax_err err = ax_snapshot_open(d->snapshots, &d->snapshot, &passed, diag);
    if (passed.text[0]) {
        count(AX_M_SNAPSHOT_FAILURES, 1);
        ax_log(AX_LOG_ERROR, "snapshot_damaged", "passed over: %s", passed.text);
    }
    return err == AX_NOTFOUND ? AX_OK : err;
}

static enum ax_err open_log(struct ax_durable *d, const struct ax_durable_options *o, struct ax_diag *diag)
{
    struct ax_seglog_report report;
    const struct ax_seglog_options options = {.dir = d->wal,
                                              .segment_bytes = o->segment_bytes,
                                              .check_from =
                                                  d->snapshot ? ax_snapshot_position(d->snapshot) : 0,
                                              .fsync_always = o->fsync_always};
    enum ax_err err = ax_seglog_open(&options, &d->log, &report, diag);
    if (err != AX_OK)
        return err;
    count(AX_M_WAL_TORN, (double)report.torn_bytes);
    count(AX_M_WAL_CORRUPTIONS, report.damaged + report.missing_segments);
    if (report.torn_bytes)
        ax_log(AX_LOG_WARN, "log_torn",
               "%s ended in a torn record, which was never answered for: cut off %" PRIu64 " bytes", d->wal,
               report.torn_bytes);
    if (report.damaged + report.missing_segments)
        ax_log(AX_LOG_ERROR, "log_damaged",
               "records were lost, and what is sound is used: %u damaged places, %u missing segments; the "
               "first: %s",
               report.damaged, report.missing_segments, report.text);
    return AX_OK;
}

enum ax_err ax_durable_open(const struct ax_durable_options *options, struct ax_durable **out,
                            struct ax_diag *diag)
{
    struct ax_durable *d = calloc(1, sizeof *d);
    if (!d)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    (void)pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->stopped, &attr);
    (void)pthread_condattr_destroy(&attr);
    d->wal = join(options->path, "wal");
    d->snapshots = join(options->path, "snapshots");
    enum ax_err err = d->wal && d->snapshots ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK)
        err = open_snapshot(d, diag);
    if (err == AX_OK)
        err = open_log(d, options, diag);
    if (err != AX_OK) {
        ax_durable_close(d);
        return err;
    }
    *out = d;
    return AX_OK;
}

struct ax_seglog *ax_durable_log(struct ax_durable *d)
{
    return d->log;
}

const char *ax_durable_snapshots(const struct ax_durable *d)
{
    return d->snapshots;
}

/* Take a record, if it is of the samples. AX_NOMEM. */
static enum ax_err take(struct ax_db *db, struct ax_restore *restore, const struct ax_seglog_record *record,
                        struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    if (record->type == AX_WAL_SAMPLES)
        err = ax_restore_samples(restore, record->body, diag);
    else if (record->type == AX_WAL_ELECTIONS)
        err = ax_restore_elections(restore, record->body, diag);
    else if (record->type == AX_WAL_ERASE)
        err = ax_erase_replay_samples(db, record->body);
    if (err != AX_CORRUPT)
        return err;
    ax_wal_unread((enum ax_wal_record)record->type);
    return AX_OK;
}

/* Read the samples of the log from where the reader stands to its end. */
static enum ax_err read_samples(struct ax_durable *d, struct ax_seglog_reader *reader, struct ax_db *db,
                                struct ax_restore *restore, struct ax_diag *diag)
{
    struct ax_seglog_record record;
    uint64_t from = ax_seglog_reader_at(reader), until = ax_seglog_end(d->log);
    int64_t shown_ns = ax_mono_ns();
    for (;;) {
        enum ax_err err = ax_seglog_read(reader, &record, diag);
        if (err == AX_NOTREADY)
            return AX_OK;
        if (err == AX_CORRUPT)
            ax_log(AX_LOG_ERROR, "log_damaged", "passed over: %s", diag->text);
        else if (err != AX_OK)
            return err;
        if (err == AX_OK)
            err = take(db, restore, &record, diag);
        if (err == AX_NOMEM)
            return err;
        if (ax_mono_ns() - shown_ns < PROGRESS_NS)
            continue;
        shown_ns = ax_mono_ns();
        ax_log(AX_LOG_INFO, "restore_progress", "%.0f %% of %.0f MiB of the log are read",
               100 * (double)(ax_seglog_reader_at(reader) - from) / (double)(until - from),
               (double)(until - from) / (1 << 20));
    }
}

static void tell(const struct ax_restore_report *report, double seconds)
{
    count(AX_M_REPLAY_SAMPLES, (double)report->samples);
    count(AX_M_REPLAY_SECONDS, seconds);
    if (report->series)
        ax_log(AX_LOG_INFO, "restored", "%" PRIu64 " series with %" PRIu64 " samples in %.3f s",
               report->series, report->samples, seconds);
    if (report->beyond)
        ax_log(AX_LOG_INFO, "restore_beyond",
               "%" PRIu64 " samples of the log are older than is kept, or above a ceiling, and are left out",
               report->beyond);
    if (report->unknown_samples)
        ax_log(AX_LOG_WARN, "samples_lost",
               "%" PRIu64 " samples of the log are of series whose definition was lost with other records",
               report->unknown_samples);
}

enum ax_err ax_durable_recover(struct ax_durable *d, struct ax_db *db, struct ax_pipeline *pipeline,
                               struct ax_diag *diag)
{
    int64_t start_ns = ax_mono_ns();
    uint64_t position = d->snapshot ? ax_snapshot_position(d->snapshot) : 0;
    struct ax_restore *restore = NULL;
    struct ax_restore_report report = {0};
    struct ax_seglog_reader *reader = NULL;
    enum ax_err err = ax_restore_new(db, &restore);
    if (err == AX_OK)
        err = ax_seglog_reader_new(d->log, position, &reader);
    if (err != AX_OK)
        (void)ax_fail(diag, err, "%s", ax_err_text(err));
    if (err == AX_OK && d->snapshot)
        err = ax_pipeline_restore(pipeline, d->snapshot, restore, diag);
    if (err == AX_OK)
        err = read_samples(d, reader, db, restore, diag);
    ax_seglog_reader_free(reader);
    ax_restore_end(restore, &report);
    ax_snapshot_close(d->snapshot);
    d->snapshot = NULL;
    if (err != AX_OK)
        return ax_wrap(diag, err, "%s cannot be read back", d->wal);
    tell(&report, (double)(ax_mono_ns() - start_ns) * 1e-9);
    ax_pipeline_replay_from(pipeline, position);
    return AX_OK;
}

/* Bring everything to the disk. */
static void sync_all(struct ax_durable *d)
{
    struct ax_diag diag = {{0}};
    int64_t start_ns = ax_mono_ns();
    enum ax_err err = ax_seglog_sync(d->log, &diag);
    ax_metric_observe(ax_metric(AX_M_WAL_FSYNC_SECONDS, NULL, NULL),
                      (double)(ax_mono_ns() - start_ns) * 1e-9);
    if (err == AX_OK && d->sync)
        err = d->sync(d->sync_ctx, &diag);
    if (err != AX_OK) {
        count(AX_M_WAL_FSYNC_FAILURES, 1);
        ax_log(AX_LOG_ERROR, "sync_failed", "a power loss would take what is not on the disk: %s", diag.text);
    }
    ax_metric_set(ax_metric(AX_M_WAL_BYTES, NULL, NULL),
                  (double)(ax_seglog_end(d->log) - ax_seglog_begin(d->log)));
}

static void *keep(void *arg)
{
    struct ax_durable *d = arg;
    struct timespec until;
    bool stop = false;
    while (!stop) {
        sync_all(d);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += KEEP_S;
        (void)pthread_mutex_lock(&d->lock);
        while (!d->stop && pthread_cond_timedwait(&d->stopped, &d->lock, &until) != ETIMEDOUT)
            continue;
        stop = d->stop;
        (void)pthread_mutex_unlock(&d->lock);
    }
    return NULL;
}

enum ax_err ax_durable_keep(struct ax_durable *d, enum ax_err (*sync)(void *ctx, struct ax_diag *diag),
                            void *ctx, struct ax_diag *diag)
{
    d->sync = sync;
    d->sync_ctx = ctx;
    d->started = pthread_create(&d->thread, NULL, keep, d) == 0;
    return d->started ? AX_OK : ax_fail(diag, AX_IO, "no thread that brings the log to the disk");
}

void ax_durable_let_go(struct ax_durable *d)
{
    if (!d || !d->started)
        return;
    (void)pthread_mutex_lock(&d->lock);
    d->stop = true;
    (void)pthread_cond_signal(&d->stopped);
    (void)pthread_mutex_unlock(&d->lock);
    (void)pthread_join(d->thread, NULL);
    d->started = false;
    d->sync = NULL;
}

void ax_durable_close(struct ax_durable *d)
{
    if (!d)
        return;
    ax_durable_let_go(d);
    if (d->log)
        sync_all(d);
    ax_seglog_close(d->log);
    ax_snapshot_close(d->snapshot);
    free(d->wal);
    free(d->snapshots);
    (void)pthread_cond_destroy(&d->stopped);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}
