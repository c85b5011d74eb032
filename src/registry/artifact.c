/* artifact.c: files named by what they hold. */
#include "registry/registry_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".model"
#define TEMPORARY "new.tmp"
#define NAME_BYTES (AX_SHA256_TEXT + sizeof SUFFIX)

static void name_of(const char *sha256, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%s%s", sha256, SUFFIX);
}

enum ax_err ax_artifact_write(struct ax_registry *r, const char *sha256, struct ax_str bytes,
                              struct ax_diag *diag)
{
    char name[NAME_BYTES];
    name_of(sha256, name);
    const int fd = openat(r->folder.fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "make", r->folder.path, TEMPORARY);
    struct iovec part = {(void *)(uintptr_t)bytes.p, bytes.n};
    enum ax_err err = AX_OK;
    const int error = ax_write_all(fd, &part, 1, 0);
    if (error)
        err = ax_folder_fail(diag, error, "write to", r->folder.path, TEMPORARY);
    else if (fsync(fd) != 0)
        err = ax_folder_fail(diag, errno, "sync", r->folder.path, TEMPORARY);
    (void)close(fd);
    if (err == AX_OK && renameat(r->folder.fd, TEMPORARY, r->folder.fd, name) != 0)
        err = ax_folder_fail(diag, errno, "rename", r->folder.path, TEMPORARY);
    if (err == AX_OK)
        return ax_folder_sync(&r->folder, diag);
    (void)unlinkat(r->folder.fd, TEMPORARY, 0);
    return err;
}

/* Append the whole file to out. */
static enum ax_err read_file(const struct ax_registry *r, const char *name, int fd, struct ax_buf *out,
                             struct ax_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ax_folder_fail(diag, errno, "read", r->folder.path, name);
    if (st.st_size > (off_t)AX_REGISTRY_ARTIFACT_MAX)
        return ax_fail(diag, AX_CORRUPT, "%s/%s is longer than any artifact", r->folder.path, name);
    size_t left = (size_t)st.st_size;
    if (!ax_buf_reserve(out, left))
        return ax_fail(diag, out->err, "%s: an artifact of %zu bytes", ax_err_text(out->err), left);
    while (left) {
        const ssize_t n = read(fd, out->bytes + out->n, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ax_folder_fail(diag, errno, "read", r->folder.path, name);
        if (n == 0)
            break; /* the digest will tell */
        out->n += (size_t)n;
        left -= (size_t)n;
    }
    return AX_OK;
}

enum ax_err ax_artifact_read(const struct ax_registry *r, const char *sha256, struct ax_buf *out,
                             struct ax_diag *diag)
{
    char name[NAME_BYTES], found[AX_SHA256_TEXT];
    if (!ax_sha256_is_text(ax_str(sha256)))
        return ax_fail(diag, AX_NOTFOUND, "'%.80s' is not the SHA-256 of an artifact", sha256);
    name_of(sha256, name);
    const int fd = openat(r->folder.fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ax_fail(diag, AX_NOTFOUND,
                       "there is no artifact %s (any more): models.keep says how many are kept", sha256);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "open", r->folder.path, name);
    const size_t begin = out->n;
    enum ax_err err = read_file(r, name, fd, out, diag);
    (void)close(fd);
    if (err != AX_OK)
        return err;
    ax_sha256_text((struct ax_str){(const char *)out->bytes + begin, out->n - begin}, found);
    if (strcmp(found, sha256) == 0)
        return AX_OK;
    out->n = begin;
    return ax_fail(diag, AX_CORRUPT,
                   "%s/%s is damaged: restore it from a copy, or archive its version and train again",
                   r->folder.path, name);
}

/* Does any version keep it? */
static enum ax_err is_kept(const struct ax_registry *r, struct ax_str sha256, bool *out, struct ax_diag *diag)
{
    sqlite3_stmt *s =
        ax_sql_prepare(r, diag, "SELECT 1 FROM version WHERE sha256 = ? AND artifact", "s", sha256);
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    (void)sqlite3_finalize(s);
    *out = err == AX_OK;
    return err == AX_NOTFOUND ? AX_OK : err;
}

enum ax_err ax_artifacts_sweep(struct ax_registry *r, struct ax_diag *diag)
{
    const size_t digits = AX_SHA256_TEXT - 1;
    const int fd = openat(r->folder.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        const int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return ax_folder_fail(diag, why, "list", r->folder.path, NULL);
    }
    enum ax_err err = AX_OK;
    for (const struct dirent *d; err == AX_OK && (d = readdir(dir));) {
        const struct ax_str name = ax_str(d->d_name);
        bool kept = false;
        if (ax_str_eq(name, ax_str(TEMPORARY))) {
            (void)unlinkat(r->folder.fd, TEMPORARY, 0);
            continue;
        }
        if (name.n != digits + sizeof SUFFIX - 1 || strcmp(name.p + digits, SUFFIX) != 0)
            continue;
        err = is_kept(r, (struct ax_str){name.p, digits}, &kept, diag);
        if (err == AX_OK && !kept)
            (void)unlinkat(r->folder.fd, d->d_name, 0);
    }
    (void)closedir(dir);
    return err;
}
