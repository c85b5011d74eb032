/* snapshot.c: writing a snapshot: a buffer over a temporary file that gets its name last. */
#include "base/bytes.h"
#include "base/hash.h"
#include "store/snapshot_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES (256u << 10)

/* place is behind everything put, of which the last n bytes are still in buf. */
struct ax_snapshot_writer {
    struct ax_folder folder;
    int fd;
    char name[AX_FOLDER_NAME], temporary[AX_FOLDER_NAME];
    uint64_t position, place, written;
    uint32_t sections, sum;
    enum ax_err err; /* the first failure, with its text */
    struct ax_diag diag;
    bool holds;
    struct ax_buf held;                /* a struct held and a body each */
    struct ax_snapshot_base *made;     /* of a whole one: its sections so far; NULL: there was no memory */
    const struct ax_snapshot_base *by; /* what it is told by; NULL: it is a whole one */
    struct ax_changes *changes;        /* and then what tells it, */
    struct ax_buf before, told;        /* a body of that one, and how a section is told */
    size_t n;
    uint8_t buf[BUFFER_BYTES];
};

/* What goes before a body that is held. */
struct held {
    uint64_t key, n;
    uint8_t type;
    bool keyed;
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
    memset(w, 0, offsetof(struct ax_snapshot_writer, buf));
    w->fd = -1;
    ax_buf_init(&w->held, SIZE_MAX);
    ax_buf_init(&w->before, AX_CHANGES_MAX);
    ax_buf_init(&w->told, AX_CHANGES_MAX);
    w->position = position;
    w->place = AX_FILE_HEAD;
    enum ax_err err = ax_folder_open(dir, true, &w->folder, diag);
    if (err != AX_OK) {
        free(w);
        return err;
    }
    ax_folder_name(w->name, position, AX_SNAPSHOT_SUFFIX);
    ax_folder_name(w->temporary, position, AX_SNAPSHOT_TEMPORARY);
    w->fd = openat(w->folder.fd, w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (w->fd < 0) {
        err = ax_folder_fail(diag, errno, "make", dir, w->temporary);
        ax_snapshot_abandon(w);
        return err;
    }
    ax_file_head_put(w->buf, AX_SNAPSHOT_MAGIC, AX_SNAPSHOT_VERSION, position);
    w->n = AX_FILE_HEAD;
    w->made = ax_snapshot_base_new();
    *out = w;
    return AX_OK;
}

enum ax_err ax_snapshot_tell_by(struct ax_snapshot_writer *w, const struct ax_snapshot_base *base)
{
    AX_ASSERT(w->sections == 0 && !w->by && base->position != w->position);
    const enum ax_err err = ax_changes_new(&w->changes);
    if (err != AX_OK)
        return err;
    w->by = base;
    ax_folder_name(w->name, w->position, AX_SNAPSHOT_CHANGES);
    ax_snapshot_base_free(w->made);
    w->made = NULL;
    return AX_OK;
}

/* A section whose body is in two parts; returns the place of the second. */
static uint64_t put_frame(struct ax_snapshot_writer *w, uint8_t type, struct ax_str begin, struct ax_str rest)
{
    uint8_t head[AX_FRAME_HEAD];
    const struct ax_frame f = {
        .n = (uint32_t)(begin.n + rest.n), .crc = ax_frame_crc(type, begin, rest), .type = type};
    ax_frame_put(head, f, w->place);
    if (type != AX_SNAPSHOT_END)
        w->sum = ax_crc32c(w->sum, head, sizeof head);
    put(w, head, sizeof head);
    if (w->err == AX_OK && begin.n > 0)
        put(w, begin.p, begin.n);
    if (w->err == AX_OK && rest.n > 0)
        put(w, rest.p, rest.n);
    const uint64_t place = w->place + AX_FRAME_HEAD + begin.n;
    w->place = place + rest.n;
    w->sections++;
    return place;
}

/* Tell a section by the one that has its key in the other snapshot, if there is one and it is shorter so. */
static bool put_changes(struct ax_snapshot_writer *w, uint8_t type, uint64_t key, struct ax_str body)
{
    const struct ax_snapshot_key *at = ax_snapshot_base_read(w->by, key, &w->before);
    if (!at || !ax_changes_tell(w->changes, ax_buf_view(&w->before), body, &w->told))
        return false;
    uint8_t bytes[32];
    struct ax_buf head = {.bytes = bytes, .cap = sizeof bytes, .bytes_max = sizeof bytes};
    ax_put_u8(&head, AX_SNAPSHOT_CHANGED);
    ax_put_u64(&head, at->place);
    ax_put_u32(&head, at->n);
    ax_put_u32(&head, (uint32_t)body.n);
    (void)put_frame(w, type, ax_buf_view(&head), ax_buf_view(&w->told));
    return true;
}

static void put_section(struct ax_snapshot_writer *w, const struct held *what, struct ax_str body)
{
    static const char whole[] = {AX_SNAPSHOT_WHOLE};
    if (w->err == AX_OK && body.n > AX_SNAPSHOT_SECTION_MAX)
        w->err = ax_fail(&w->diag, AX_LIMIT, "a section of more than %u bytes cannot be kept in %s",
                         AX_SNAPSHOT_SECTION_MAX, w->folder.path);
    if (w->err != AX_OK || (w->by && what->keyed && put_changes(w, what->type, what->key, body)))
        return;
    const uint64_t place = put_frame(w, what->type, (struct ax_str){whole, w->by ? 1 : 0}, body);
    if (w->made && what->keyed && !ax_snapshot_base_add(w->made, what->key, place, (uint32_t)body.n)) {
        ax_snapshot_base_free(w->made);
        w->made = NULL;
    }
}

static void put_or_hold(struct ax_snapshot_writer *w, const struct held *what, struct ax_str body)
{
    AX_ASSERT(what->type != AX_SNAPSHOT_END);
    if (!w->holds) {
        put_section(w, what, body);
        return;
    }
    ax_buf_put(&w->held, what, sizeof *what);
    ax_buf_str(&w->held, body);
    if (w->held.err != AX_OK && w->err == AX_OK)
        w->err = ax_fail(&w->diag, w->held.err, "no memory to take a snapshot");
}

void ax_snapshot_put(struct ax_snapshot_writer *w, uint8_t type, struct ax_str body)
{
    const struct held what = {.type = type, .n = body.n};
    put_or_hold(w, &what, body);
}

void ax_snapshot_put_keyed(struct ax_snapshot_writer *w, uint8_t type, uint64_t key, struct ax_str body)
{
    const struct held what = {.type = type, .n = body.n, .key = key, .keyed = true};
    put_or_hold(w, &what, body);
}

void ax_snapshot_hold(struct ax_snapshot_writer *w)
{
    w->holds = true;
}

enum ax_err ax_snapshot_write(struct ax_snapshot_writer *w, struct ax_diag *diag)
{
    struct held what;
    w->holds = false;
    for (size_t at = 0; w->err == AX_OK && at < w->held.n; at += what.n) {
        memcpy(&what, w->held.bytes + at, sizeof what);
        at += sizeof what;
        put_section(w, &what, (struct ax_str){(const char *)w->held.bytes + at, what.n});
    }
    ax_buf_done(&w->held);
    ax_buf_init(&w->held, SIZE_MAX);
    return w->err == AX_OK ? AX_OK : ax_fail(diag, w->err, "%s", w->diag.text);
}

/* What is said at the end, beside how many sections there are; there may be no memory for the keys. */
static void put_end(struct ax_snapshot_writer *w)
{
    uint8_t bytes[32];
    struct ax_buf how = {.bytes = bytes, .cap = sizeof bytes, .bytes_max = sizeof bytes}, keys;
    ax_buf_init(&keys, SIZE_MAX);
    ax_put_u32(&how, w->sections);
    if (w->by) {
        ax_put_u64(&how, w->by->position);
        ax_put_u64(&how, w->by->bytes);
        ax_put_u32(&how, w->by->sum);
    }
    for (size_t i = 0; w->made && i < w->made->keys_n; i++) {
        ax_put_u64(&keys, w->made->keys[i].key);
        ax_put_u64(&keys, w->made->keys[i].place);
        ax_put_u32(&keys, w->made->keys[i].n);
    }
    if (keys.err != AX_OK) {
        ax_snapshot_base_free(w->made);
        w->made = NULL;
    }
    if (w->err == AX_OK)
        (void)put_frame(w, AX_SNAPSHOT_END, ax_buf_view(&how),
                        keys.err == AX_OK ? ax_buf_view(&keys) : (struct ax_str){NULL, 0});
    ax_buf_done(&keys);
}

/* Write the end, and see that all of it is on the disk before the name says so. */
static void finish(struct ax_snapshot_writer *w)
{
    put_end(w);
    if (w->err == AX_OK)
        flush(w, (struct ax_str){NULL, 0});
    if (w->err == AX_OK && fsync(w->fd) != 0)
        w->err = ax_folder_fail(&w->diag, errno, "sync", w->folder.path, w->temporary);
}

/* Hand over what others may be told by; the file stays open for it. */
static struct ax_snapshot_base *give_base(struct ax_snapshot_writer *w)
{
    struct ax_snapshot_base *b = w->made;
    if (!b || b->keys_n == 0)
        return NULL;
    b->fd = w->fd;
    b->position = w->position;
    b->bytes = w->place;
    b->sum = w->sum;
    ax_snapshot_base_sort(b);
    w->made = NULL;
    w->fd = -1;
    return b;
}

enum ax_err ax_snapshot_commit(struct ax_snapshot_writer *w, struct ax_diag *diag)
{
    struct ax_snapshot_base *base;
    uint64_t bytes;
    const enum ax_err err = ax_snapshot_commit_base(w, &base, &bytes, diag);
    ax_snapshot_base_free(base);
    return err;
}

enum ax_err ax_snapshot_commit_base(struct ax_snapshot_writer *w, struct ax_snapshot_base **base,
                                    uint64_t *bytes, struct ax_diag *diag)
{
    finish(w);
    *bytes = w->place;
    /* One of the same position gives way to this one, which is as good, whatever comes then. */
    bool replaces = faccessat(w->folder.fd, w->name, F_OK, 0) == 0;
    if (w->err == AX_OK && renameat(w->folder.fd, w->temporary, w->folder.fd, w->name) != 0)
        w->err = ax_folder_fail(&w->diag, errno, "rename", w->folder.path, w->temporary);
    else if (w->err == AX_OK && (w->err = ax_folder_sync(&w->folder, &w->diag)) != AX_OK && !replaces)
        (void)unlinkat(w->folder.fd, w->name, 0);
    enum ax_err err = w->err == AX_OK ? AX_OK : ax_fail(diag, w->err, "%s", w->diag.text);
    *base = err == AX_OK ? give_base(w) : NULL;
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
    ax_snapshot_base_free(w->made);
    ax_changes_free(w->changes);
    ax_buf_done(&w->held);
    ax_buf_done(&w->before);
    ax_buf_done(&w->told);
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

enum ax_err ax_snapshot_prune(const char *dir, uint64_t before, uint64_t changes_before, struct ax_diag *diag)
{
    struct ax_folder folder;
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err == AX_NOTFOUND)
        return AX_OK;
    if (err != AX_OK)
        return err;
    err = remove_before(&folder, AX_SNAPSHOT_TEMPORARY, UINT64_MAX, diag);
    if (err == AX_OK)
        err = remove_before(&folder, AX_SNAPSHOT_CHANGES, changes_before,
                            diag); /* before what they are told by */
    if (err == AX_OK)
        err = remove_before(&folder, AX_SNAPSHOT_SUFFIX, before, diag);
    ax_folder_close(&folder);
    return err;
}
