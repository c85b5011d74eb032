/* buf.h: a growing run of bytes, born with a ceiling and with a sticky error.
 *
 * After the first failure (ceiling or memory) every append is ignored and ax_buf_err() says why, so
 * that a writer checks once at the end. Not thread-safe. */
#ifndef AX_BASE_BUF_H
#define AX_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* bytes[0..n) is the content; owned by the buffer, moves when it grows. */
struct ax_buf {
    uint8_t *bytes;
    size_t n, cap, bytes_max;
    enum ax_err err;
};

/* An empty buffer that never holds more than bytes_max. Allocates nothing yet. */
void ax_buf_init(struct ax_buf *b, size_t bytes_max);

/* Room for n more bytes at bytes + n of the buffer; false (sticky error set) when it may not grow. */
bool ax_buf_reserve(struct ax_buf *b, size_t n);

/* Append n bytes. */
void ax_buf_put(struct ax_buf *b, const void *p, size_t n);

/* Append a view. */
void ax_buf_str(struct ax_buf *b, struct ax_str s);

/* Append one byte. */
void ax_buf_byte(struct ax_buf *b, uint8_t byte);

/* Append formatted text, not terminated. */
void ax_buf_printf(struct ax_buf *b, const char *fmt, ...) AX_PRINTF(2, 3);

/* Content as a view; valid until the next append. */
struct ax_str ax_buf_view(const struct ax_buf *b);

/* Empty it and clear the error; keeps the memory. */
void ax_buf_reset(struct ax_buf *b);

/* Give the memory back; the buffer may be used again. */
void ax_buf_done(struct ax_buf *b);

#endif
