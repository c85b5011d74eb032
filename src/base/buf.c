/* buf.c: doubling growth below a ceiling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ax_buf_init(struct ax_buf *b, size_t bytes_max)
{
    *b = (struct ax_buf){.bytes_max = bytes_max};
}

bool ax_buf_reserve(struct ax_buf *b, size_t n)
{
    if (b->err != AX_OK)
        return false;
    if (n <= b->cap - b->n)
        return true;
    if (n > b->bytes_max - b->n) {
        b->err = AX_LIMIT;
        return false;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->n < n)
        cap = cap > b->bytes_max / 2 ? b->bytes_max : cap * 2;
    uint8_t *bytes = realloc(b->bytes, cap);
    if (!bytes) {
        b->err = AX_NOMEM;
        return false;
    }
    b->bytes = bytes;
    b->cap = cap;
    return true;
}

void ax_buf_put(struct ax_buf *b, const void *p, size_t n)
{
    if (n == 0 || !ax_buf_reserve(b, n))
        return;
    memcpy(b->bytes + b->n, p, n);
    b->n += n;
}

void ax_buf_str(struct ax_buf *b, struct ax_str s)
{
    ax_buf_put(b, s.p, s.n);
}

void ax_buf_byte(struct ax_buf *b, uint8_t byte)
{
    ax_buf_put(b, &byte, 1);
}

void ax_buf_printf(struct ax_buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0 && ax_buf_reserve(b, (size_t)n + 1)) {
        (void)vsnprintf((char *)b->bytes + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

struct ax_str ax_buf_view(const struct ax_buf *b)
{
    return (struct ax_str){(const char *)b->bytes, b->n};
}

void ax_buf_reset(struct ax_buf *b)
{
    b->n = 0;
    b->err = AX_OK;
}

void ax_buf_done(struct ax_buf *b)
{
    free(b->bytes);
    ax_buf_init(b, b->bytes_max);
}
