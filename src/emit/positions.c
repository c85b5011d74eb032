/* positions.c: one file of 4 KiB for each endpoint, written in place so that a full disk does not matter. */
#include "emit/positions.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/parse.h"
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31534f5058415541) /* "AUAXPOS1" */
#define SUFFIX ".position"
#define NEW_SUFFIX ".new"
#define HEAD_BYTES ((size_t)2048)
#define LANE_BYTES ((size_t)16)
#define COPY_BYTES (AX_LANES * LANE_BYTES)
#define FILE_BYTES (HEAD_BYTES + 2 * COPY_BYTES)
#define NUMBER_MAX 1000000u

struct ax_positions {
    char *path;
    int fd;
    uint32_t number;
    uint64_t rules;
    uint8_t head[HEAD_BYTES]; /* as it stands in the file */
    uint64_t at[AX_LANES];
    uint8_t copy[AX_LANES]; /* where the next write of a lane goes */
    atomic_bool unsynced;
};

static enum ax_err fail(struct ax_diag *diag, const char *verb, const char *path)
{
    return ax_folder_fail(diag, errno, verb, path, NULL);
}

static enum ax_err path_of(const char *dir, uint32_t number, char **out, struct ax_diag *diag)
{
    if (asprintf(out, "%s/%u" SUFFIX, dir, number) >= 0)
        return AX_OK;
    *out = NULL;
    return ax_fail(diag, AX_NOMEM, "out of memory");
}

static enum ax_err write_at(const struct ax_positions *p, uint8_t *bytes, size_t n, size_t at,
                            struct ax_diag *diag)
{
    struct iovec part = {bytes, n};
    int error = ax_write_all(p->fd, &part, 1, (off_t)at);
    return error ? ax_folder_fail(diag, error, "write to", p->path, NULL) : AX_OK;
}

/* The lane with its checksum, which covers its place too. */
static void lane_put(uint8_t out[LANE_BYTES], uint32_t lane, uint64_t at)
{
    uint8_t checked[12];
    memcpy(checked, &lane, 4);
    memcpy(checked + 4, &at, 8);
    uint32_t crc = ax_crc32c(0, checked, sizeof checked);
    memset(out, 0, LANE_BYTES);
    memcpy(out, &at, 8);
    memcpy(out + 8, &crc, 4);
}

static bool lane_get(const uint8_t in[LANE_BYTES], uint32_t lane, uint64_t *at)
{
    uint8_t same[LANE_BYTES];
    memcpy(at, in, 8);
    lane_put(same, lane, *at);
    return memcmp(same, in, LANE_BYTES) == 0;
}

static void copy_put(uint8_t out[COPY_BYTES], const uint64_t at[AX_LANES])
{
    for (uint32_t i = 0; i < AX_LANES; i++)
        lane_put(out + i * LANE_BYTES, i, at[i]);
}

/* Head and both copies, into a file that nobody reads yet. */
static enum ax_err write_all(int fd, const struct ax_positions *p, struct ax_diag *diag)
{
    uint8_t bytes[FILE_BYTES];
    struct iovec part = {bytes, sizeof bytes};
    memcpy(bytes, p->head, HEAD_BYTES);
    copy_put(bytes + HEAD_BYTES, p->at);
    copy_put(bytes + HEAD_BYTES + COPY_BYTES, p->at);
    const int error = ax_write_all(fd, &part, 1, 0);
    if (error)
        return ax_folder_fail(diag, error, "write to", p->path, NULL);
    return fsync(fd) == 0 ? AX_OK : fail(diag, "sync", p->path);
}

static struct ax_str cut(struct ax_str s)
{
    return (struct ax_str){s.p, s.n < AX_POSITIONS_TEXT ? s.n : AX_POSITIONS_TEXT};
}

static void head_put(uint8_t out[HEAD_BYTES], const struct ax_positions_owner *owner)
{
    struct ax_buf b;
    ax_buf_init(&b, HEAD_BYTES);
    ax_put_u64(&b, MAGIC);
    ax_put_u64(&b, owner->rules);
    ax_put_str(&b, cut(owner->name));
    ax_put_str(&b, cut(owner->url));
    memset(out, 0, HEAD_BYTES);
    if (b.err == AX_OK) {
        uint32_t crc;
        memcpy(out, b.bytes, b.n);
        crc = ax_crc32c(0, out, HEAD_BYTES - 4);
        memcpy(out + HEAD_BYTES - 4, &crc, 4);
    }
    ax_buf_done(&b);
}

/* Views into the bytes; false when they are no head. */
static bool head_get(const uint8_t in[HEAD_BYTES], struct ax_positions_owner *out)
{
    uint32_t crc;
    memcpy(&crc, in + HEAD_BYTES - 4, 4);
    if (crc != ax_crc32c(0, in, HEAD_BYTES - 4))
        return false;
    struct ax_bytes r = ax_bytes_of((struct ax_str){(const char *)in, HEAD_BYTES - 4});
    uint64_t magic = ax_get_u64(&r);
    out->rules = ax_get_u64(&r);
    out->name = ax_get_str(&r);
    out->url = ax_get_str(&r);
    return r.err == AX_OK && magic == MAGIC;
}

/* Read a whole file; what is missing of it is zeros, which no checksum fits. */
static enum ax_err read_all(int fd, uint8_t out[FILE_BYTES], const char *path, struct ax_diag *diag)
{
    memset(out, 0, FILE_BYTES);
    for (size_t done = 0; done < FILE_BYTES;) {
        ssize_t k = pread(fd, out + done, FILE_BYTES - done, (off_t)done);
        if (k == 0)
            return AX_OK;
        if (k < 0 && errno != EINTR)
            return fail(diag, "read", path);
        done += k > 0 ? (size_t)k : 0;
    }
    return AX_OK;
}

/* The number in "<number>.position"; false for another name. */
static bool number_of(const char *name, uint32_t *out)
{
    struct ax_str s = ax_str(name);
    size_t suffix = sizeof SUFFIX - 1;
    int64_t n;
    if (s.n <= suffix || strcmp(name + s.n - suffix, SUFFIX) != 0 || name[0] < '0' || name[0] > '9' ||
        ax_parse_i64((struct ax_str){name, s.n - suffix}, &n) != AX_OK || n < 0 || n > NUMBER_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

static char *text_of(struct ax_str s, bool *ok)
{
    char *z = strndup(s.n ? s.p : "", s.n);
    *ok = *ok && z;
    return z;
}

static enum ax_err list_file(const char *dir, uint32_t number, struct ax_positions_list *list,
                             struct ax_diag *diag)
{
    char *path = NULL;
    uint8_t bytes[FILE_BYTES];
    struct ax_positions_owner owner;
    struct ax_positions_file f = {.number = number};
    enum ax_err err = path_of(dir, number, &path, diag);
    int fd = err == AX_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (err == AX_OK)
        err = fd >= 0 ? read_all(fd, bytes, path, diag) : fail(diag, "open", path);
    bool ok = true;
    if (err == AX_OK && head_get(bytes, &owner)) {
        f.name = text_of(owner.name, &ok);
        f.url = text_of(owner.url, &ok);
    }
    struct ax_positions_file *v =
        err == AX_OK && ok ? realloc(list->v, (list->n + (size_t)1) * sizeof *v) : NULL;
    if (v) {
        list->v = v;
        list->v[list->n++] = f;
    } else {
        free(f.name);
        free(f.url);
        err = err == AX_OK ? ax_fail(diag, AX_NOMEM, "out of memory") : err;
    }
    if (fd >= 0)
        (void)close(fd);
    free(path);
    return err;
}

enum ax_err ax_positions_list(const char *dir, struct ax_positions_list *out, struct ax_diag *diag)
{
    *out = (struct ax_positions_list){0};
    DIR *d = opendir(dir);
    if (!d)
        return fail(diag, "read", dir);
    enum ax_err err = AX_OK;
    uint32_t number;
    const struct dirent *entry;
    for (errno = 0; err == AX_OK && (entry = readdir(d)); errno = 0)
        if (number_of(entry->d_name, &number))
            err = list_file(dir, number, out, diag);
    if (err == AX_OK && errno != 0) /* who is not found would begin anew, behind what waits */
        err = fail(diag, "read", dir);
    (void)closedir(d);
    if (err != AX_OK)
        ax_positions_list_free(out);
    return err;
}

void ax_positions_list_free(struct ax_positions_list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        free(list->v[i].name);
        free(list->v[i].url);
    }
    free(list->v);
    *list = (struct ax_positions_list){0};
}

static enum ax_err new_positions(const char *dir, uint32_t number, int flags, struct ax_positions **out,
                                 struct ax_diag *diag)
{
    struct ax_positions *p = calloc(1, sizeof *p);
    if (!p)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    p->number = number;
    p->fd = -1;
    enum ax_err err = path_of(dir, number, &p->path, diag);
    if (err == AX_OK) {
        p->fd = open(p->path, O_RDWR | O_CLOEXEC | flags, 0600);
        if (p->fd < 0)
            err = errno == EEXIST ? AX_CONFLICT : fail(diag, "open", p->path);
    }
    if (err == AX_OK) {
        *out = p;
        return AX_OK;
    }
    ax_positions_close(p);
    return err;
}

static enum ax_err sync_folder(const char *dir, struct ax_diag *diag)
{
    struct ax_folder folder;
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err != AX_OK)
        return err;
    err = ax_folder_sync(&folder, diag);
    ax_folder_close(&folder);
    return err;
}

enum ax_err ax_positions_create(const char *dir, const struct ax_positions_owner *owner, uint64_t at,
                                struct ax_positions **out, struct ax_diag *diag)
{
    struct ax_positions *p = NULL;
    enum ax_err err = AX_CONFLICT;
    for (uint32_t number = 1; err == AX_CONFLICT && number <= NUMBER_MAX; number++)
        err = new_positions(dir, number, O_CREAT | O_EXCL, &p, diag);
    if (err != AX_OK)
        return err;
    p->rules = owner->rules;
    for (uint32_t i = 0; i < AX_LANES; i++)
        p->at[i] = at;
    head_put(p->head, owner);
    err = write_all(p->fd, p, diag);
    if (err == AX_OK)
        err = sync_folder(dir, diag);
    if (err == AX_OK) {
        *out = p;
        return AX_OK;
    }
    (void)unlink(p->path);
    ax_positions_close(p);
    return err;
}

enum ax_err ax_positions_open(const char *dir, uint32_t number, struct ax_positions **out,
                              struct ax_diag *diag)
{
    struct ax_positions *p = NULL;
    struct ax_positions_owner owner;
    uint8_t bytes[FILE_BYTES];
    enum ax_err err = new_positions(dir, number, 0, &p, diag);
    if (err == AX_OK)
        err = read_all(p->fd, bytes, p->path, diag);
    if (err == AX_OK && !head_get(bytes, &owner))
        err = ax_fail(diag, AX_CORRUPT, "%s is damaged", p->path);
    if (err != AX_OK) {
        ax_positions_close(p);
        return err;
    }
    p->rules = owner.rules;
    memcpy(p->head, bytes, HEAD_BYTES);
    for (uint32_t i = 0; i < 2 * AX_LANES; i++) {
        uint64_t at;
        if (lane_get(bytes + HEAD_BYTES + i * LANE_BYTES, i % AX_LANES, &at) && at > p->at[i % AX_LANES])
            p->at[i % AX_LANES] = at;
    }
    *out = p;
    return AX_OK;
}

/* Put what is to stand in the file into a new one that takes its name: nothing can be torn. */
static enum ax_err replace(struct ax_positions *p, struct ax_diag *diag)
{
    char *path = NULL;
    if (asprintf(&path, "%s" NEW_SUFFIX, p->path) < 0)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum ax_err err = fd < 0 ? fail(diag, "make", path) : write_all(fd, p, diag);
    if (err == AX_OK && rename(path, p->path) != 0)
        err = fail(diag, "rename", path);
    if (err == AX_OK) {
        (void)close(p->fd);
        p->fd = fd;
    } else if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    free(path);
    return err;
}

enum ax_err ax_positions_give(struct ax_positions *p, const struct ax_positions_owner *owner, uint64_t end,
                              struct ax_diag *diag)
{
    uint8_t head[HEAD_BYTES];
    uint64_t least = UINT64_MAX;
    head_put(head, owner);
    bool changed = memcmp(head, p->head, HEAD_BYTES) != 0;
    for (uint32_t i = 0; i < AX_LANES; i++)
        least = p->at[i] < least ? p->at[i] : least;
    for (uint32_t i = 0; i < AX_LANES; i++) {
        uint64_t at = p->rules == owner->rules ? p->at[i] : least;
        at = at < end ? at : end;
        changed |= at != p->at[i];
        p->at[i] = at;
    }
    if (!changed)
        return AX_OK;
    p->rules = owner->rules;
    memcpy(p->head, head, HEAD_BYTES);
    return replace(p, diag) == AX_OK ? AX_OK : write_all(p->fd, p, diag); /* a full disk has room in place */
}

void ax_positions_get(const struct ax_positions *p, uint32_t first, uint32_t n, uint64_t *out)
{
    AX_ASSERT(first + n <= AX_LANES);
    memcpy(out, p->at + first, n * sizeof *out);
}

enum ax_err ax_positions_put(struct ax_positions *p, uint32_t first, uint32_t n, uint64_t at,
                             struct ax_diag *diag)
{
    uint8_t bytes[COPY_BYTES];
    AX_ASSERT(n > 0 && first + n <= AX_LANES);
    for (uint32_t i = 0; i < n; i++) {
        if (at > p->at[first + i])
            p->at[first + i] = at;
        lane_put(bytes + i * LANE_BYTES, first + i, p->at[first + i]);
    }
    size_t copy = p->copy[first];
    enum ax_err err =
        write_at(p, bytes, n * LANE_BYTES, HEAD_BYTES + copy * COPY_BYTES + first * LANE_BYTES, diag);
    if (err == AX_OK)
        for (uint32_t i = 0; i < n; i++)
            p->copy[first + i] = !copy;
    atomic_store(&p->unsynced, true);
    return err;
}

int ax_positions_unsynced(struct ax_positions *p)
{
    if (!atomic_exchange(&p->unsynced, false))
        return -1;
    int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        atomic_store(&p->unsynced, true); /* no descriptor is left: another time */
    return fd;
}

uint32_t ax_positions_number(const struct ax_positions *p)
{
    return p->number;
}

void ax_positions_close(struct ax_positions *p)
{
    if (!p)
        return;
    if (p->fd >= 0)
        (void)close(p->fd);
    free(p->path);
    free(p);
}

enum ax_err ax_positions_remove(const char *dir, uint32_t number, struct ax_diag *diag)
{
    char *path = NULL;
    enum ax_err err = path_of(dir, number, &path, diag);
    if (err == AX_OK && unlink(path) != 0 && errno != ENOENT)
        err = fail(diag, "remove", path);
    free(path);
    return err;
}
