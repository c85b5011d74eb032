/* secret_file.h: small files whose content is to be wiped from memory after use. */
#ifndef AX_NET_SECRET_FILE_H
#define AX_NET_SECRET_FILE_H

#include "base/buf.h"

/* Read the file into a buffer initialised here. After an error there is nothing to end. AX_IO with the
 * reason, AX_LIMIT when it is larger than bytes_max, AX_NOMEM; the text names the file. */
AX_MUST_USE enum ax_err ax_secret_file_read(struct ax_str path, size_t bytes_max, struct ax_buf *out,
                                            struct ax_diag *diag);

/* Overwrite and free. */
void ax_secret_file_done(struct ax_buf *b);

#endif
