/* negotiate.h: which message and which compression a remote-write request's headers announce.
 *
 * Content-Type alone decides the version (remote-write 2.0, "Required Headers"); it is read as RFC 9110
 * defines it: blanks around ';' and '=', case of names and quotes do not matter. */
#ifndef AX_INGEST_NEGOTIATE_H
#define AX_INGEST_NEGOTIATE_H

#include "base/err.h"
#include "base/str.h"

/* How the body is compressed. */
enum ax_rw_encoding { AX_RW_SNAPPY, AX_RW_ZSTD };

/* Version (1 or 2) of a Content-Type. Absent or empty, and without `proto`, is 1, as senders of 1.0 may
 * leave it out. AX_UNSUPPORTED, with a text that names what is taken. */
AX_MUST_USE enum ax_err ax_rw_version(struct ax_str content_type, int *out, struct ax_diag *diag);

/* Compression of a Content-Encoding; absent or empty is snappy. AX_UNSUPPORTED with a text. */
AX_MUST_USE enum ax_err ax_rw_encoding(struct ax_str content_encoding, enum ax_rw_encoding *out,
                                       struct ax_diag *diag);

#endif
