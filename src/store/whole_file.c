/* whole_file.c: write, sync, rename; open, read all. */
#include "store/whole_file.h"

#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ax_err write_in(const struct ax_folder *dir, const char *name, struct ax_str bytes,
                            struct ax_diag *diag)
{
    char temporary[AX_WHOLE_FILE_NAME + 8];
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = openat(dir->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "make", dir->path, temporary);
    struct iovec part = {(void *)(uintptr_t)bytes.p, bytes.n};
    enum ax_err err = AX_OK;
    int error = ax_write_all(fd, &part, 1, 0);
    if (error)
        err = ax_folder_fail(diag, error, "write to", dir->path, temporary);
    else if (fsync(fd) != 0)
        err = ax_folder_fail(diag, errno, "sync", dir->path, temporary);
    (void)close(fd);
    if (err == AX_OK && renameat(dir->fd, temporary, dir->fd, name) != 0)
        err = ax_folder_fail(diag, errno, "rename", dir->path, temporary);
    if (err != AX_OK) {
        (void)unlinkat(dir->fd, temporary, 0);
        return err;
    }
    return ax_folder_sync(dir, diag);
}

enum ax_err ax_whole_file_write(const char *dir, const char *name, struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_folder folder = {-1, NULL};
    if (strlen(name) > AX_WHOLE_FILE_NAME)
        return ax_fail(diag, AX_LIMIT, "the name of a file has at most %d bytes", AX_WHOLE_FILE_NAME);
    enum ax_err err = ax_folder_open(dir, 0, &folder, diag);
    if (err == AX_OK)
        err = write_in(&folder, name, bytes, diag);
    ax_folder_close(&folder);
    return err;
}

/* Append n bytes of an open file. 0, or an errno. */
static int read_all(int fd, size_t n, struct ax_buf *out)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, out->bytes + out->n, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        out->n += (size_t)got;
        done += (size_t)got;
    }
    return 0;
}

enum ax_err ax_whole_file_read(const char *dir, const char *name, size_t bytes_max, struct ax_buf *out,
                               struct ax_diag *diag)
{
    struct ax_folder folder;
    struct stat st = {0};
    enum ax_err err = ax_folder_open(dir, 0, &folder, diag);
    if (err != AX_OK)
        return err;
    int fd = openat(folder.fd, name, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 || fstat(fd, &st) != 0 ? errno : 0;
    if (!error && (st.st_size < 0 || (size_t)st.st_size > bytes_max))
        error = EFBIG;
    if (!error && !ax_buf_reserve(out, (size_t)st.st_size))
        error = ENOMEM;
    if (!error)
        error = read_all(fd, (size_t)st.st_size, out);
    if (fd >= 0)
        (void)close(fd);
    ax_folder_close(&folder);
    if (error == ENOENT)
        return ax_fail(diag, AX_NOTFOUND, "there is no file %s/%s", dir, name);
    if (error == EFBIG)
        return ax_fail(diag, AX_LIMIT, "%s/%s: has more than %zu bytes", dir, name, bytes_max);
    return error ? ax_folder_fail(diag, error, "read", dir, name) : AX_OK;
}
