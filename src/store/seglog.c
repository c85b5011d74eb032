/* seglog.c: opening, appending.
 *
 * An append is one pwritev() behind the newest record, and becomes visible by moving the segment's end and
 * the log's. When it fails the file is cut back to where it was, and when that fails too the head of what was
 * written is overwritten. What is left behind the end is a torn tail to a process that starts anew, and is
 * overwritten by the next append to this one. */
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_BYTES (64u << 20)

enum ax_err ax_seglog_open(const struct ax_seglog_options *options, struct ax_seglog **out,
                           struct ax_seglog_report *report, struct ax_diag *diag)
{
    struct ax_seglog_report unused = {0};
    report = report ? report : &unused;
    *report = (struct ax_seglog_report){0};
    *out = NULL;
    struct ax_seglog *log = calloc(1, sizeof *log);
    if (!log)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    log->segment_bytes = options->segment_bytes ? options->segment_bytes : SEGMENT_BYTES;
    log->fsync_always = options->fsync_always;
    log->names_dirty = true; /* what the process before left behind */
    (void)pthread_mutex_init(&log->append, NULL);
    (void)pthread_mutex_init(&log->cut, NULL);
    (void)pthread_mutex_init(&log->table, NULL);
    (void)pthread_mutex_init(&log->sync, NULL);
    enum ax_err err = ax_folder_open(options->dir, true, &log->folder, diag);
    if (err == AX_OK)
        err = ax_seglog_recover(log, options->check_from, report, diag);
    if (err != AX_OK) {
        ax_seglog_close(log);
        return err;
    }
    log->synced = atomic_load(&log->begin);
    *out = log;
    return AX_OK;
}

void ax_seglog_close(struct ax_seglog *log)
{
    if (!log)
        return;
    ax_segments_drop_from(log, 0);
    free(log->segs);
    ax_folder_close(&log->folder);
    (void)pthread_mutex_destroy(&log->append);
    (void)pthread_mutex_destroy(&log->cut);
    (void)pthread_mutex_destroy(&log->table);
    (void)pthread_mutex_destroy(&log->sync);
    free(log);
}

uint64_t ax_seglog_begin(const struct ax_seglog *log)
{
    return atomic_load(&log->begin);
}

uint64_t ax_seglog_end(const struct ax_seglog *log)
{
    return atomic_load(&log->end);
}

uint64_t ax_seglog_failures(const struct ax_seglog *log)
{
    return atomic_load(&log->failures);
}

static enum ax_err fail_segment(const struct ax_seglog *log, uint64_t start, int error, const char *verb,
                                struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, start, AX_SEGLOG_SUFFIX);
    return ax_folder_fail(diag, error, verb, log->folder.path, name);
}

static void seal(struct ax_seglog *log)
{
    atomic_store(&log->current->sealed, true);
    log->current = NULL;
}

/* Make the file of the next segment, which starts at the log's end. Its name is brought to the disk by the
 * next sync, not here, where every sender would wait for it. */
static enum ax_err begin_segment(struct ax_seglog *log, struct ax_diag *diag)
{
    uint64_t start = atomic_load(&log->end);
    uint8_t head[AX_FILE_HEAD];
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, start, AX_SEGLOG_SUFFIX);
    ax_file_head_put(head, AX_SEGLOG_MAGIC, AX_SEGLOG_VERSION, start);
    /* No record stands at the end: what is found under this name is left over from a failure. */
    int fd = openat(log->folder.fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "make", log->folder.path, name);
    atomic_store(&log->names_dirty, true);
    enum ax_err err = AX_OK;
    int error = ax_write_all(fd, &(struct iovec){head, sizeof head}, 1, 0);
    if (error)
        err = ax_folder_fail(diag, error, "write to", log->folder.path, name);
    if (err == AX_OK && log->fsync_always)
        err = ax_folder_sync(&log->folder, diag);
    if (err == AX_OK && !(log->current = ax_segments_add(log, start, start, fd)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err != AX_OK)
        (void)close(fd);
    return err;
}

/* Nothing of what was written behind the end may be read back, by a process that starts anew now. (By this
 * one it is not, and the next append overwrites it.) */
static void take_back(const struct ax_segment *s, uint64_t end)
{
    uint8_t zeros[AX_FRAME_HEAD] = {0};
    off_t place = ax_segment_place(s, end);
    if (ftruncate(s->fd, place) != 0)
        (void)ax_write_all(s->fd, &(struct iovec){zeros, sizeof zeros}, 1, place);
}

static enum ax_err write_record(struct ax_seglog *log, struct ax_frame f, struct ax_str head,
                                struct ax_str tail, struct ax_diag *diag)
{
    struct ax_segment *s = log->current;
    uint64_t at = atomic_load(&log->end), end = at + AX_FRAME_HEAD + f.n;
    uint8_t bytes[AX_FRAME_HEAD];
    ax_frame_put(bytes, f, at);
    struct iovec parts[3] = {
        {bytes, sizeof bytes}, {(void *)(uintptr_t)head.p, head.n}, {(void *)(uintptr_t)tail.p, tail.n}};
    const char *verb = "write to";
    int error = ax_write_all(s->fd, parts, 3, ax_segment_place(s, at));
    if (!error && log->fsync_always && fdatasync(s->fd) != 0) {
        error = errno;
        verb = "sync";
    }
    if (error) {
        take_back(s, at);
        return fail_segment(log, s->start, error, verb, diag);
    }
    atomic_store(&log->end, end); /* first, so that no reader is ever ahead of it */
    atomic_store(&s->end, end);
    return AX_OK;
}

enum ax_err ax_seglog_append2(struct ax_seglog *log, uint8_t type, struct ax_str head, struct ax_str tail,
                              uint64_t *out_end, struct ax_diag *diag)
{
    if (head.n > AX_SEGLOG_RECORD_MAX || tail.n > AX_SEGLOG_RECORD_MAX - head.n)
        return ax_fail(diag, AX_LIMIT, "a record of more than %u bytes cannot be kept in %s",
                       AX_SEGLOG_RECORD_MAX, log->folder.path);
    struct ax_frame f = {
        .n = (uint32_t)(head.n + tail.n), .crc = ax_frame_crc(type, head, tail), .type = type};
    enum ax_err err = AX_OK;
    (void)pthread_mutex_lock(&log->append);
    if (log->current && atomic_load(&log->end) - log->current->start >= log->segment_bytes)
        seal(log);
    if (!log->current)
        err = begin_segment(log, diag);
    if (err == AX_OK)
        err = write_record(log, f, head, tail, diag);
    if (err == AX_OK && out_end)
        *out_end = atomic_load(&log->end);
    if (err == AX_IO)
        (void)atomic_fetch_add(&log->failures, 1);
    (void)pthread_mutex_unlock(&log->append);
    return err;
}

enum ax_err ax_seglog_append(struct ax_seglog *log, uint8_t type, struct ax_str body, uint64_t *out_end,
                             struct ax_diag *diag)
{
    return ax_seglog_append2(log, type, body, (struct ax_str){NULL, 0}, out_end, diag);
}

void ax_seglog_roll(struct ax_seglog *log)
{
    (void)pthread_mutex_lock(&log->append);
    if (log->current && atomic_load(&log->end) > log->current->start)
        seal(log);
    (void)pthread_mutex_unlock(&log->append);
}
