/* folder.c: numbered files of a folder, by its descriptor: a path of any length will do. */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS 20

/* What to do about an errno; "" when there is nothing to be said. */
static const char *advice(int error)
{
    switch (error) {
    case ENOSPC:
        return ": free some space there";
    case EDQUOT:
        return ": free some space there, or raise the quota";
    case EROFS:
        return ": mount it for writing";
    case EACCES:
    case EPERM:
        return ": give the user that auspex runs as the right to read and write there";
    case ENOTDIR:
        return ": what should be a folder is a file";
    case EMFILE:
        return ": raise the limit of open files (LimitNOFILE=, ulimit -n)";
    case ENFILE:
        return ": raise the system's limit of open files (fs.file-max)";
    case EFBIG:
        return ": raise the limit of a file's size (LimitFSIZE=, ulimit -f)";
    case EIO:
        return ": the disk fails; the kernel's log says more";
    default:
        return "";
    }
}

enum ax_err ax_folder_fail(struct ax_diag *diag, int error, const char *verb, const char *path,
                           const char *name)
{
    return ax_fail(diag, error == ENOMEM ? AX_NOMEM : AX_IO, "cannot %s %s%s%s: %s%s", verb, path,
                   name ? "/" : "", name ? name : "", strerror(error), advice(error));
}

enum ax_err ax_folder_open(const char *path, bool make, struct ax_folder *out, struct ax_diag *diag)
{
    *out = (struct ax_folder){-1, NULL};
    bool made = make && mkdir(path, 0700) == 0;
    if (make && !made && errno != EEXIST)
        return ax_folder_fail(diag, errno, "make the folder", path, NULL);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return ax_fail(diag, AX_NOTFOUND, "there is no folder %s", path);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "open the folder", path, NULL);
    *out = (struct ax_folder){fd, strdup(path)};
    enum ax_err err = out->path ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && made) { /* so that a power loss does not take the folder with all that is in it */
        struct ax_folder parent = {openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), out->path};
        err = parent.fd < 0 ? ax_folder_fail(diag, errno, "open the folder above", path, NULL)
                            : ax_folder_sync(&parent, diag);
        if (parent.fd >= 0)
            (void)close(parent.fd);
    }
    if (err != AX_OK)
        ax_folder_close(out);
    return err;
}

void ax_folder_close(struct ax_folder *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->path);
    *f = (struct ax_folder){-1, NULL};
}

enum ax_err ax_folder_sync(const struct ax_folder *f, struct ax_diag *diag)
{
    /* EINVAL: a file system that keeps no folders to be synced. */
    if (fsync(f->fd) != 0 && errno != EINVAL)
        return ax_folder_fail(diag, errno, "sync the folder", f->path, NULL);
    return AX_OK;
}

void ax_folder_name(char out[AX_FOLDER_NAME], uint64_t number, const char *suffix)
{
    (void)snprintf(out, AX_FOLDER_NAME, "%020" PRIu64 "%s", number, suffix);
}

static bool number_of(const char *name, const char *suffix, uint64_t *out)
{
    uint64_t v = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' || v > AX_FOLDER_NUMBER_MAX / 10)
            return false;
        v = v * 10 + (uint64_t)(name[i] - '0');
    }
    *out = v;
    return v <= AX_FOLDER_NUMBER_MAX && strcmp(name + DIGITS, suffix) == 0;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool add(struct ax_numbers *out, size_t *cap, uint64_t number)
{
    if (out->n == *cap) {
        size_t more = *cap ? *cap * 2 : 64;
        uint64_t *v = realloc(out->v, more * sizeof *v);
        if (!v)
            return false;
        out->v = v;
        *cap = more;
    }
    out->v[out->n++] = number;
    return true;
}

enum ax_err ax_folder_list(const struct ax_folder *f, const char *suffix, struct ax_numbers *out,
                           struct ax_diag *diag)
{
    *out = (struct ax_numbers){NULL, 0};
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        return ax_folder_fail(diag, error, "read the folder", f->path, NULL);
    }
    size_t cap = 0;
    uint64_t number;
    enum ax_err err = AX_OK;
    struct dirent *e;
    for (errno = 0; (e = readdir(dir)) != NULL; errno = 0)
        if (number_of(e->d_name, suffix, &number) && !add(out, &cap, number)) {
            err = ax_fail(diag, AX_NOMEM, "out of memory");
            break;
        }
    if (err == AX_OK && errno != 0)
        err = ax_folder_fail(diag, errno, "read the folder", f->path, NULL);
    (void)closedir(dir);
    if (err != AX_OK) {
        free(out->v);
        *out = (struct ax_numbers){NULL, 0};
    } else if (out->n > 1) {
        qsort(out->v, out->n, sizeof *out->v, ascending);
    }
    return err;
}

int ax_write_all(int fd, struct iovec *v, int n, off_t place)
{
    for (;;) {
        for (; n > 0 && v->iov_len == 0; v++)
            n--;
        if (n == 0)
            return 0;
        ssize_t written = pwritev(fd, v, n, place);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        place += written;
        size_t left = (size_t)written;
        for (struct iovec *part = v; left > 0; part++) {
            size_t done = left < part->iov_len ? left : part->iov_len;
            part->iov_base = (char *)part->iov_base + done;
            part->iov_len -= done;
            left -= done;
        }
    }
}
