/* lock.c: an open file description lock on <folder>/lock. */
#include "store/lock.h"

#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum ax_err ax_storage_lock(const char *path, int *out_fd, struct ax_diag *diag)
{
    char file[PATH_MAX];
    struct ax_folder folder;
    const enum ax_err err = ax_folder_open(path, true, &folder, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "the storage folder (--storage.path)");
    ax_folder_close(&folder);
    if (snprintf(file, sizeof file, "%s/lock", path) >= (int)sizeof file)
        return ax_fail(diag, AX_INVALID, "--storage.path is too long");
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "make", path, "lock");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        (void)close(fd);
        if (why == EWOULDBLOCK)
            return ax_fail(diag, AX_BUSY,
                           "another auspex uses the storage folder %s: stop it, or choose another folder",
                           path);
        return ax_folder_fail(diag, why, "lock", path, "lock");
    }
    *out_fd = fd;
    return AX_OK;
}

void ax_storage_unlock(int fd)
{
    (void)close(fd);
}
