/* search_file.c: the bytes of a search as a whole file. */
#include "train/search_file.h"

#include "store/whole_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES_MAX (16u << 20)

enum ax_err ax_search_file_read(const char *dir, const char *name, struct ax_search *s, struct ax_diag *diag)
{
    struct ax_buf saved;
    ax_buf_init(&saved, STATE_BYTES_MAX);
    enum ax_err err = ax_whole_file_read(dir, name, STATE_BYTES_MAX, &saved, diag);
    if (err == AX_OK)
        err = ax_search_load(s, ax_buf_view(&saved), diag);
    ax_buf_done(&saved);
    return err;
}

enum ax_err ax_search_file_write(const char *dir, const char *name, const struct ax_search *s,
                                 struct ax_diag *diag)
{
    struct ax_buf bytes;
    ax_buf_init(&bytes, STATE_BYTES_MAX);
    ax_search_save(s, &bytes);
    const enum ax_err err = bytes.err == AX_OK ? ax_whole_file_write(dir, name, ax_buf_view(&bytes), diag)
                                               : ax_fail(diag, bytes.err, "%s", ax_err_text(bytes.err));
    ax_buf_done(&bytes);
    return err;
}

void ax_search_file_remove(const char *dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return;
    (void)unlink(path);
    free(path);
}

void ax_search_files_sweep(const char *dir, int64_t before_ms)
{
    DIR *d = opendir(dir);
    for (const struct dirent *file = d ? readdir(d) : NULL; file; file = readdir(d)) {
        const char *end = strrchr(file->d_name, '.');
        struct stat st;
        if (end && strcmp(end, ".search") == 0 && fstatat(dirfd(d), file->d_name, &st, 0) == 0 &&
            (int64_t)st.st_mtime * 1000 < before_ms)
            (void)unlinkat(dirfd(d), file->d_name, 0);
    }
    if (d)
        (void)closedir(d);
}
