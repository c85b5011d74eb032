/* edit.c: records changed in place: a segment that changes is copied, changed, brought to the disk, and takes
 * its name back. */
#include "base/clock.h"
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)1 << 20)
#define NAP_NS 1000000
#define LET_NS INT64_C(1000000000)

/* A segment that is looked through; fd: its copy, -1 while nothing has changed. */
struct editing {
    struct ax_seglog *log;
    struct ax_segment *s;
    char name[AX_FOLDER_NAME], temporary[AX_FOLDER_NAME];
    int fd;
};

static enum ax_err fail(const struct editing *e, int error, const char *verb, struct ax_diag *diag)
{
    return ax_folder_fail(diag, error, verb, e->log->folder.path, e->temporary);
}

/* Copy what a segment holds. 0, or an errno. */
static int copy_all(int from, int to)
{
    uint8_t *bytes = malloc(COPY_BYTES);
    off_t at = 0;
    int error = bytes ? 0 : ENOMEM;
    while (!error) {
        const ssize_t n = pread(from, bytes, COPY_BYTES, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = errno;
        if (n <= 0)
            break;
        error = ax_write_all(to, &(struct iovec){bytes, (size_t)n}, 1, at);
        at += n;
    }
    free(bytes);
    return error;
}

static enum ax_err begin_copy(struct editing *e, struct ax_diag *diag)
{
    const int from = ax_segment_open(e->log, e->s, O_RDONLY);
    if (from < 0)
        return ax_folder_fail(diag, errno, "open", e->log->folder.path, e->name);
    e->fd = openat(e->log->folder.fd, e->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const int error = e->fd < 0 ? errno : copy_all(from, e->fd);
    (void)close(from);
    return error ? fail(e, error, "write to", diag) : AX_OK;
}

/* Write a record that has changed to where it stands. */
static enum ax_err put(struct editing *e, const struct ax_seglog_record *r, struct ax_diag *diag)
{
    uint8_t head[AX_FRAME_HEAD];
    const struct ax_str none = {NULL, 0};
    enum ax_err err = e->fd < 0 ? begin_copy(e, diag) : AX_OK;
    if (err != AX_OK)
        return err;
    ax_frame_put(head,
                 (struct ax_frame){
                     .n = (uint32_t)r->body.n, .crc = ax_frame_crc(r->type, r->body, none), .type = r->type},
                 r->at);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)(uintptr_t)r->body.p, r->body.n}};
    const int error = ax_write_all(e->fd, parts, 2, ax_segment_place(e->s, r->at));
    return error ? fail(e, error, "write to", diag) : AX_OK;
}

/* Let the copy, if there is one, take the segment's name; or be gone. */
static enum ax_err end_copy(struct editing *e, enum ax_err err, struct ax_diag *diag)
{
    if (e->fd >= 0) {
        if (err == AX_OK && fsync(e->fd) != 0)
            err = fail(e, errno, "sync", diag);
        (void)close(e->fd);
        if (err == AX_OK && renameat(e->log->folder.fd, e->temporary, e->log->folder.fd, e->name) != 0)
            err = fail(e, errno, "rename", diag);
        if (err != AX_OK)
            (void)unlinkat(e->log->folder.fd, e->temporary, 0);
        atomic_store(&e->log->names_dirty, true);
    }
    return err;
}

/* Have a record changed, and put it down if it was. */
static enum ax_err edit_record(struct editing *e, const struct ax_seglog_record *r, ax_seglog_edit_fn *edit,
                               void *ctx, struct ax_diag *diag)
{
    bool changed = false;
    const enum ax_err err = edit(ctx, r, (uint8_t *)(uintptr_t)r->body.p, &changed);
    if (err != AX_OK)
        return ax_fail(diag, err, "%s/%s cannot be changed: %s", e->log->folder.path, e->name,
                       ax_err_text(err));
    return changed ? put(e, r, diag) : AX_OK;
}

static enum ax_err edit_segment(struct ax_seglog *log, struct ax_segment *s, ax_seglog_edit_fn *edit,
                                void *ctx, struct ax_diag *diag)
{
    struct editing e = {.log = log, .s = s, .fd = -1};
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_lost lost;
    ax_folder_name(e.name, s->start, AX_SEGLOG_SUFFIX);
    ax_folder_name(e.temporary, s->start, AX_SEGLOG_COPY_SUFFIX);
    enum ax_err err = ax_seglog_reader_new(log, s->start, &r);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    while (err == AX_OK && ax_seglog_reader_at(r) < atomic_load(&s->end)) {
        const enum ax_step step = ax_seglog_step(r, &record, &lost, diag);
        if (step == AX_STEP_ERROR)
            err = lost.err;
        if (step == AX_STEP_END || step == AX_STEP_ERROR)
            break;
        if (step == AX_STEP_RECORD)
            err = edit_record(&e, &record, edit, ctx, diag);
    }
    ax_seglog_reader_free(r);
    return end_copy(&e, err, diag);
}

/* Let those who want to bring the log to the disk do so before the next segment: they have waited for one.
 * Not for longer than a second: the lock is theirs in turn, and a disk that hangs hangs for all. */
static void let_sync(struct ax_seglog *log)
{
    for (int64_t waited_ns = 0; atomic_load(&log->syncs) && waited_ns < LET_NS; waited_ns += NAP_NS)
        ax_sleep_ns(NAP_NS);
}

/* Edit the segment at a position, or the first one behind it; *at moves behind it, or to UINT64_MAX. */
static enum ax_err edit_at(struct ax_seglog *log, uint64_t *at, ax_seglog_edit_fn *edit, void *ctx,
                           struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    let_sync(log);
    (void)pthread_mutex_lock(&log->sync); /* which may write records again, as they were */
    (void)pthread_mutex_lock(&log->cut);
    struct ax_segment *s = ax_segments_hold(log, *at);
    if (s) {
        *at = atomic_load(&s->end) > *at ? atomic_load(&s->end) : *at + 1;
        err = edit_segment(log, s, edit, ctx, diag);
        ax_segments_release(log, s);
    } else {
        *at = UINT64_MAX;
    }
    (void)pthread_mutex_unlock(&log->cut);
    (void)pthread_mutex_unlock(&log->sync);
    return err;
}

enum ax_err ax_seglog_edit(struct ax_seglog *log, ax_seglog_edit_fn *edit, void *ctx, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    ax_seglog_roll(log);
    const uint64_t end = ax_seglog_end(log);
    for (uint64_t at = ax_seglog_begin(log); at < end && err == AX_OK;)
        err = edit_at(log, &at, edit, ctx, diag);
    if (err == AX_OK)
        err = ax_folder_sync(&log->folder, diag);
    return err;
}
