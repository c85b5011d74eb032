/* sync.c: bringing the log to the disk, while others append to it.
 *
 * When a sync fails the kernel reports it once, and then takes the pages for written although they are not:
 * the next sync would succeed and mean nothing. So what was appended since the last good one is written again
 * first, from the page cache. */
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static enum ax_err fail(const struct ax_seglog *log, const struct ax_segment *s, int error, const char *verb,
                        struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, s->start, AX_SEGLOG_SUFFIX);
    return ax_folder_fail(diag, error, verb, log->folder.path, name);
}

/* Write a record over itself. */
static enum ax_err write_again(struct ax_seglog *log, const struct ax_segment *s,
                               const struct ax_seglog_record *record, struct ax_diag *diag)
{
    struct iovec bytes = {(void *)(uintptr_t)(record->body.p - AX_FRAME_HEAD),
                          AX_FRAME_HEAD + record->body.n};
    int fd = ax_segment_open(log, s, O_WRONLY);
    if (fd < 0)
        return fail(log, s, errno, "open", diag);
    int error = ax_write_all(fd, &bytes, 1, ax_segment_place(s, record->at));
    (void)close(fd);
    return error ? fail(log, s, error, "write to", diag) : AX_OK;
}

/* Write again what was appended since the last sync that succeeded. What cannot be read any more is left to
 * those who read it to complain of. */
static enum ax_err rewrite(struct ax_seglog *log, uint64_t to, struct ax_diag *diag)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_lost lost;
    enum ax_err err = ax_seglog_reader_new(log, log->synced, &r);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    while (err == AX_OK && ax_seglog_reader_at(r) < to) {
        enum ax_step step = ax_seglog_step(r, &record, &lost, diag);
        if (step == AX_STEP_RECORD)
            err = write_again(log, r->seg, &record, diag);
        else if (step == AX_STEP_ERROR)
            err = lost.err;
        else if (step == AX_STEP_END)
            break;
    }
    ax_seglog_reader_free(r);
    return err;
}

/* Sync one segment; *pos moves to the end of what is now on the disk. */
static enum ax_err sync_segment(struct ax_seglog *log, struct ax_segment *s, uint64_t *pos,
                                struct ax_diag *diag)
{
    uint64_t end = atomic_load(&s->end);
    int fd = s->fd >= 0 ? s->fd : ax_segment_open(log, s, O_RDONLY);
    if (fd < 0 && errno == ENOENT) { /* cut away meanwhile */
        *pos = end;
        return AX_OK;
    }
    if (fd < 0)
        return fail(log, s, errno, "open", diag);
    enum ax_err err = AX_OK;
    if (fdatasync(fd) != 0) {
        log->sync_failed = true;
        err = fail(log, s, errno, "sync", diag);
    }
    if (fd != s->fd)
        (void)close(fd);
    if (err == AX_OK)
        *pos = end;
    return err;
}

/* Close the segments that are no longer written to and are on the disk: also those whose last record was
 * synced before they were sealed. They are closed oldest first, so behind a closed one there are no others.
 */
static void close_synced(struct ax_seglog *log)
{
    (void)pthread_mutex_lock(&log->table);
    for (uint32_t i = log->n; i > 0; i--) {
        struct ax_segment *s = log->segs[i - 1];
        if (!atomic_load(&s->sealed) || atomic_load(&s->end) > log->synced)
            continue;
        if (s->fd < 0)
            break;
        (void)close(s->fd);
        s->fd = -1;
    }
    (void)pthread_mutex_unlock(&log->table);
}

enum ax_err ax_seglog_sync(struct ax_seglog *log, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    (void)atomic_fetch_add(&log->syncs, 1);
    (void)pthread_mutex_lock(&log->sync);
    uint64_t end = atomic_load(&log->end);
    if (log->sync_failed)
        err = rewrite(log, end, diag);
    while (err == AX_OK && log->synced < end) {
        struct ax_segment *s = ax_segments_hold(log, log->synced);
        if (!s)
            break;
        err = sync_segment(log, s, &log->synced, diag);
        ax_segments_release(log, s);
    }
    close_synced(log);
    if (err == AX_OK && atomic_exchange(&log->names_dirty, false)) {
        err = ax_folder_sync(&log->folder, diag);
        if (err != AX_OK)
            atomic_store(&log->names_dirty, true);
    }
    if (err == AX_OK)
        log->sync_failed = false;
    (void)pthread_mutex_unlock(&log->sync);
    (void)atomic_fetch_sub(&log->syncs, 1);
    return err;
}
