/* folder.h: a folder of files whose names are numbers, and what is said when the system refuses.
 *
 * Files are named by a log position: 20 digits and a suffix. Other names are left alone. */
#ifndef AX_STORE_FOLDER_H
#define AX_STORE_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define AX_FOLDER_NAME 40                     /* room for a name with any suffix of this folder of the tree */
#define AX_FOLDER_NUMBER_MAX (UINT64_MAX / 2) /* names above are not ours */

/* An open folder; owns both. */
struct ax_folder {
    int fd;
    char *path;
};

/* Numbers in ascending order; v is owned by whoever asked. */
struct ax_numbers {
    uint64_t *v;
    size_t n;
};

/* Write "cannot <verb> <path>[/<name>]: <reason>", and what to do about it. name may be NULL. Returns AX_IO,
 * or AX_NOMEM when the reason is ENOMEM. */
enum ax_err ax_folder_fail(struct ax_diag *diag, int error, const char *verb, const char *path,
                           const char *name);

/* Open a folder; make it (0700, one level) when `make` says so and it is absent. AX_NOTFOUND when it is
 * absent otherwise; AX_IO with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_folder_open(const char *path, bool make, struct ax_folder *out,
                                       struct ax_diag *diag);

/* Close; {-1, NULL} is fine. */
void ax_folder_close(struct ax_folder *f);

/* Bring names made, changed or removed to the disk. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_folder_sync(const struct ax_folder *f, struct ax_diag *diag);

/* The name of a file: 20 digits and the suffix. */
void ax_folder_name(char out[AX_FOLDER_NAME], uint64_t number, const char *suffix);

/* The numbers of the files that have this suffix. AX_IO with a text, AX_NOMEM: out is empty. */
AX_MUST_USE enum ax_err ax_folder_list(const struct ax_folder *f, const char *suffix, struct ax_numbers *out,
                                       struct ax_diag *diag);

/* Write all parts to a file from a place on; v is changed. 0, or an errno: some of it may be there. After a
 * short write the rest is tried, which gives the reason. */
int ax_write_all(int fd, struct iovec *v, int n, off_t place);

#endif
