/* whole_file.h: small files that appear whole or not at all, and are read whole.
 *
 * A file is written under a temporary name, brought to the disk, and then gets its name; a reader never sees
 * half of one. Two writers of one name at a time are for the caller to prevent. */
#ifndef AX_STORE_WHOLE_FILE_H
#define AX_STORE_WHOLE_FILE_H

#include "base/buf.h"

#define AX_WHOLE_FILE_NAME 128 /* most bytes of a name */

/* Write <dir>/<name>, replacing it; dir must be there. AX_NOTFOUND, AX_LIMIT, AX_IO, AX_NOMEM, with a text:
 * the file is what it was. */
AX_MUST_USE enum ax_err ax_whole_file_write(const char *dir, const char *name, struct ax_str bytes,
                                            struct ax_diag *diag);

/* Append the bytes of <dir>/<name> to out. AX_NOTFOUND; AX_LIMIT when there are more than bytes_max; AX_IO,
 * AX_NOMEM; with a text. */
AX_MUST_USE enum ax_err ax_whole_file_read(const char *dir, const char *name, size_t bytes_max,
                                           struct ax_buf *out, struct ax_diag *diag);

#endif
