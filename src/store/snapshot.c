/* snapshot.c: writing a snapshot: a buffer over a temporary file that gets its name last. */
#include "base/buf.h"
#include "store/snapshot_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)

/* place is behind everything put, of which the last n bytes are still in buf. */
struct ax_snapshot_writer {
    struct ax_folder folder;
    int fd;
    char name[AX_FOLDER_NAME], temporary[AX_FOLDER_NAME];
    uint64_t place, written;
    uint32_t sections;
    enum ax_err err; /* the first failure, with its text */
    struct ax_diag diag;
    bool holds;
    struct ax_buf held; /* frames and bodies that belong behind buf */
    size_t n;
    uint8_t buf[BUFFER_BYTES];
};

/* Write the buffer and a body behind it; the buffer is empty then. */
static void flush(struct ax_snapshot_writer *w, struct ax_str body)
{
    struct iovec parts[2] = {{w->buf, w->n}, {(void *)(uintptr_t)body.p, body.n}};
    int error = ax_write_all(w->fd, parts, 2, (off_t)w->written);
    if (error)
        w->err = ax_folder_fail(&w->diag, error, "write to", w->folder.path, w->temporary);
    w->written += w->n + body.n;
    w->n = 0;
}

static void put(struct ax_snapshot_writer *w, const void *p, size_t n)
{
    if (w->holds) {
        ax_buf_put(&w->held, p, n);
        if (w->held.err != AX_OK)
            w->err = ax_fail(&w->diag, w->held.err, "no memory to take a snapshot");
        return;
    }
    if (n > sizeof w->buf - w->n) {
        flush(w, (struct ax_str){p, n});
        return;
    }
    memcpy(w->buf + w->n, p, n);
    w->n += n;
}

enum ax_err ax_snapshot_begin(const char *dir, uint64_t position, struct ax_snapshot_writer **out,
                              struct ax_diag *diag)
{
    *out = NULL;
    struct ax_snapshot_writer *w = malloc(sizeof *w);
    if (!w)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    w->fd = -1;
    w->n = 0;
    w->written = 0;
    w->sections = 0;
    w->err = AX_OK;
    w->holds = false;
    ax_buf_init(&w->held, SIZE_MAX);
    w->place = AX_FILE_HEAD;
    enum ax_err err = ax_folder_open(dir, true, &w->folder, diag);
    if (err != AX_OK) {
        free(w);
        return err;
    }
    ax_folder_name(w->name, position, AX_SNAPSHOT_SUFFIX);
    ax_folder_name(w->temporary, position, AX_SNAPSHOT_TEMPORARY);
    w->fd = openat(w->folder.fd, w->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (w->fd < 0) {
        err = ax_folder_fail(diag, errno, "make", dir, w->temporary);
        ax_snapshot_abandon(w);
        return err;
    }
    ax_file_head_put(w->buf, AX_SNAPSHOT_MAGIC, AX_SNAPSHOT_VERSION, position);
    w->n = AX_FILE_HEAD;
    *out = w;
    return AX_OK;
}

static void put_section(struct ax_snapshot_writer *w, uint8_t type, struct ax_str body)
{
    if (w->err == AX_OK && body.n > AX_SNAPSHOT_SECTION_MAX)
        w->err = ax_fail(&w->diag, AX_LIMIT, "a section of more than %u bytes cannot be kept in %s",
                         AX_SNAPSHOT_SECTION_MAX, w->folder.path);
    if (w->err != AX_OK)
        return;
    uint8_t head[AX_FRAME_HEAD];
    struct ax_frame f = {
        .n = (uint32_t)body.n, .crc = ax_frame_crc(type, body, (struct ax_str){NULL, 0}), .type = type};
    ax_frame_put(head, f, w->place);
    put(w, head, sizeof head);
    if (w->err == AX_OK && body.n > 0)
        put(w, body.p, body.n);
    w->place += AX_FRAME_HEAD + body.n;
    w->sections++;
}

void ax_snapshot_put(struct ax_snapshot_writer *w, uint8_t type, struct ax_str body)
{
    AX_ASSERT(type != AX_SNAPSHOT_END);
    put_section(w, type, body);
}

void ax_snapshot_hold(struct ax_snapshot_writer *w)
{
    w->holds = true;
}

enum ax_err ax_snapshot_write(struct ax_snapshot_writer *w, struct ax_diag *diag)
{
    w->holds = false;
    if (w->err == AX_OK && w->held.n)
        put(w, w->held.bytes, w->held.n);
    ax_buf_done(&w->held);
    ax_buf_init(&w->held, SIZE_MAX);
    return w->err == AX_OK ? AX_OK : ax_fail(diag, w->err, "%s", w->diag.text);
}

/* Write the end, and see that all of it is on the disk before the name says so. */
static void finish(struct ax_snapshot_writer *w)
{
    uint8_t count[4];
    for (int i = 0; i < 4; i++)
        count[i] = (uint8_t)(w->sections >> 8 * i);
    put_section(w, AX_SNAPSHOT_END, (struct ax_str){(const char *)count, sizeof count});
    if (w->err == AX_OK)
        flush(w, (struct ax_str){NULL, 0});
    if (w->err == AX_OK && fsync(w->fd) != 0)
        w->err = ax_folder_fail(&w->diag, errno, "sync", w->folder.path, w->temporary);
}

enum ax_err ax_snapshot_commit(struct ax_snapshot_writer *w, struct ax_diag *diag)
{
    finish(w);
    /* One of the same position gives way to this one, which is as good, whatever comes then. */
    bool replaces = faccessat(w->folder.fd, w->name, F_OK, 0) == 0;
    if (w->err == AX_OK && renameat(w->folder.fd, w->temporary, w->folder.fd, w->name) != 0)
        w->err = ax_folder_fail(&w->diag, errno, "rename", w->folder.path, w->temporary);
    else if (w->err == AX_OK && (w->err = ax_folder_sync(&w->folder, &w->diag)) != AX_OK && !replaces)
        (void)unlinkat(w->folder.fd, w->name, 0);
    enum ax_err err = w->err == AX_OK ? AX_OK : ax_fail(diag, w->err, "%s", w->diag.text);
    ax_snapshot_abandon(w);
    return err;
}

void ax_snapshot_abandon(struct ax_snapshot_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        (void)close(w->fd);
        (void)unlinkat(w->folder.fd, w->temporary, 0); /* not there any more after a commit */
    }
    ax_folder_close(&w->folder);
    ax_buf_done(&w->held);
    free(w);
}

/* Remove the files of numbers below one. */
static enum ax_err remove_before(const struct ax_folder *folder, const char *suffix, uint64_t before,
                                 struct ax_diag *diag)
{
    struct ax_numbers numbers;
    enum ax_err err = ax_folder_list(folder, suffix, &numbers, diag);
    for (size_t i = 0; err == AX_OK && i < numbers.n && numbers.v[i] < before; i++) {
        char name[AX_FOLDER_NAME];
        ax_folder_name(name, numbers.v[i], suffix);
        if (unlinkat(folder->fd, name, 0) != 0 && errno != ENOENT)
            err = ax_folder_fail(diag, errno, "remove", folder->path, name);
    }
    free(numbers.v);
    return err;
}

enum ax_err ax_snapshot_prune(const char *dir, uint64_t before, struct ax_diag *diag)
{
    struct ax_folder folder;
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err == AX_NOTFOUND)
        return AX_OK;
    if (err != AX_OK)
        return err;
    err = remove_before(&folder, AX_SNAPSHOT_TEMPORARY, UINT64_MAX, diag);
    if (err == AX_OK)
        err = remove_before(&folder, AX_SNAPSHOT_SUFFIX, before, diag);
    ax_folder_close(&folder);
    return err;
}
