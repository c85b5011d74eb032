/* folder.h: a folder of this process for a fuzz target, in memory if possible; it goes at the exit, with the
 * files that are left in it. */
#ifndef AX_FUZZ_FOLDER_H
#define AX_FUZZ_FOLDER_H

#include "base/assert.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static const char *fuzz_folder_made;

/* Remove the files in it. */
static void fuzz_folder_empty(void)
{
    DIR *d = opendir(fuzz_folder_made);
    for (const struct dirent *file = d ? readdir(d) : NULL; file; file = readdir(d))
        (void)unlinkat(dirfd(d), file->d_name, 0); /* "." and ".." are refused */
    if (d)
        (void)closedir(d);
}

static void fuzz_folder_remove(void)
{
    fuzz_folder_empty();
    (void)rmdir(fuzz_folder_made);
}

/* Its path; it is made by the first call. */
static const char *fuzz_folder(void)
{
    static char in_memory[] = "/dev/shm/ax_fuzz_XXXXXX", elsewhere[] = "/tmp/ax_fuzz_XXXXXX";
    if (!fuzz_folder_made) {
        fuzz_folder_made = mkdtemp(in_memory) ? in_memory : mkdtemp(elsewhere);
        AX_ASSERT(fuzz_folder_made && atexit(fuzz_folder_remove) == 0);
    }
    return fuzz_folder_made;
}

#endif
