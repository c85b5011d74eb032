/* compress.h: decompression whose result is bounded before memory is taken, and snappy's other way.
 *
 * A body of a few bytes may declare gigabytes: the declared length is compared with the ceiling first, and
 * a stream that declares none is cut at it. Pure; any thread. */
#ifndef AX_NET_COMPRESS_H
#define AX_NET_COMPRESS_H

#include "base/buf.h"
#include "base/err.h"

/* Decompress a snappy block (not the framed format) into out, which is emptied first and keeps its memory;
 * its bytes_max is the ceiling. AX_LIMIT when it declares more, AX_INVALID when it is no snappy block (says
 * so when it is the framed format), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_snappy_decompress(struct ax_str in, struct ax_buf *out, struct ax_diag *diag);

/* Append in as a snappy block to out. AX_LIMIT when the most that it may need passes out's ceiling, AX_NOMEM;
 * out is then as before. */
AX_MUST_USE enum ax_err ax_snappy_compress(struct ax_str in, struct ax_buf *out);

/* Decompress zstd frames likewise. */
AX_MUST_USE enum ax_err ax_zstd_decompress(struct ax_str in, struct ax_buf *out, struct ax_diag *diag);

/* Free the calling thread's zstd context now instead of at the thread's end. */
void ax_compress_thread_done(void);

#endif
