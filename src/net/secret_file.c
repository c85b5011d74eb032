/* secret_file.c: one allocation for the whole content, so that growing leaves no copy behind. */
#include "net/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static enum ax_err unreadable(struct ax_diag *diag, const char *path, int error)
{
    char why[128];
    return ax_fail(diag, AX_IO, "%s cannot be read: %s", path, strerror_r(error, why, sizeof why));
}

enum ax_err ax_secret_file_read(struct ax_str path, size_t bytes_max, struct ax_buf *out,
                                struct ax_diag *diag)
{
    char name[PATH_BYTES];
    struct stat st;
    if (path.n >= sizeof name)
        return ax_fail(diag, AX_IO, "a file's name is too long");
    memcpy(name, path.p, path.n);
    name[path.n] = '\0';
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return unreadable(diag, name, errno);
    int error = fstat(fd, &st) != 0 ? errno : 0;
    if (error || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return error ? unreadable(diag, name, error)
                     : ax_fail(diag, AX_IO, "%s cannot be read: it is no file", name);
    }
    ax_buf_init(out, bytes_max + 1);
    ssize_t got = -1;
    bool room = (uint64_t)st.st_size <= bytes_max && ax_buf_reserve(out, (size_t)st.st_size + 1);
    while (room && (got = read(fd, out->bytes + out->n, (size_t)st.st_size + 1 - out->n)) > 0)
        out->n += (size_t)got;
    if (room && got < 0)
        error = errno;
    (void)close(fd);
    if (room && !error)
        return AX_OK;
    ax_secret_file_done(out);
    if (error)
        return unreadable(diag, name, error);
    return (uint64_t)st.st_size > bytes_max
               ? ax_fail(diag, AX_LIMIT, "%s is larger than %zu bytes", name, bytes_max)
               : ax_fail(diag, AX_NOMEM, "out of memory");
}

void ax_secret_file_done(struct ax_buf *b)
{
    if (b->bytes)
        explicit_bzero(b->bytes, b->cap);
    ax_buf_done(b);
}
