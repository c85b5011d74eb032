/* csv_record.c: the quoting of RFC 4180, byte by byte. */
#include "ingest/csv_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

void ax_csv_record_init(struct ax_csv_record *r, FILE *stream, const char *path)
{
    *r = (struct ax_csv_record){.stream = stream, .path = path, .next_line = 1};
    ax_buf_init(&r->text, AX_CSV_RECORD_MAX);
    ax_buf_init(&r->ends, AX_CSV_CELLS_MAX * sizeof(size_t));
    ax_buf_init(&r->columns, AX_CSV_CELLS_MAX * sizeof(uint32_t));
}

struct ax_str ax_csv_record_cell(const struct ax_csv_record *r, uint32_t i)
{
    size_t from = 0, until;
    if (i > 0)
        memcpy(&from, r->ends.bytes + (i - 1) * sizeof from, sizeof from);
    memcpy(&until, r->ends.bytes + i * sizeof until, sizeof until);
    return until == from ? (struct ax_str){"", 0}
                         : (struct ax_str){(const char *)r->text.bytes + from, until - from};
}

enum ax_err ax_csv_record_fail(const struct ax_csv_record *r, uint32_t i, struct ax_diag *diag,
                               const char *fmt, ...)
{
    char text[400];
    uint32_t column = 1;
    va_list args;
    if (i < r->cells_n)
        memcpy(&column, r->columns.bytes + i * sizeof column, sizeof column);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ax_fail(diag, AX_INVALID, "%s:%" PRIu64 ":%" PRIu32 ": %s", r->path, r->line, column, text);
}

/* Where the reader is within a record. */
struct position {
    uint64_t line;
    uint32_t column; /* of the next byte, from 1 */
    bool quoted;     /* inside quotes */
    bool closed;     /* after the closing quote of a cell */
};

static enum ax_err fail_at(const struct ax_csv_record *r, const struct position *p, struct ax_diag *diag,
                           const char *text)
{
    return ax_fail(diag, AX_INVALID, "%s:%" PRIu64 ":%" PRIu32 ": %s", r->path, p->line, p->column, text);
}

static void end_cell(struct ax_csv_record *r)
{
    ax_buf_put(&r->ends, &r->text.n, sizeof r->text.n);
    r->cells_n++;
}

static void begin_cell(struct ax_csv_record *r, uint32_t column)
{
    ax_buf_put(&r->columns, &column, sizeof column);
}

/* Bytes in the cell that has begun. */
static size_t cell_bytes(const struct ax_csv_record *r)
{
    size_t from = 0;
    if (r->cells_n > 0)
        memcpy(&from, r->ends.bytes + (r->cells_n - 1) * sizeof from, sizeof from);
    return r->text.n - from;
}

/* A byte inside quotes: the end of them, a quote written twice, or itself. */
static void take_quoted(struct ax_csv_record *r, struct position *p, int c)
{
    if (c == '"') {
        int next = getc(r->stream);
        if (next == '"') {
            ax_buf_byte(&r->text, '"');
            p->column++;
            return;
        }
        (void)ungetc(next, r->stream);
        p->quoted = false;
        p->closed = true;
        return;
    }
    ax_buf_byte(&r->text, (uint8_t)c);
    if (c == '\n') {
        p->line++;
        p->column = 0;
    }
}

/* Is c the end of the line? Takes the LF of a CRLF. */
static bool ends_line(struct ax_csv_record *r, int c)
{
    if (c == '\r') {
        c = getc(r->stream);
        if (c != '\n' && c != EOF) {
            (void)ungetc(c, r->stream);
            return false;
        }
    }
    return c == '\n' || c == EOF;
}

/* One line, which may go on over line breaks inside quotes. */
static enum ax_err read_line(struct ax_csv_record *r, struct ax_diag *diag)
{
    struct position p = {r->next_line, 1, false, false};
    r->line = r->next_line;
    r->cells_n = 0;
    ax_buf_reset(&r->text);
    ax_buf_reset(&r->ends);
    ax_buf_reset(&r->columns);
    begin_cell(r, 1);
    for (int c = getc(r->stream);; c = getc(r->stream), p.column++) {
        if (r->text.err != AX_OK || r->ends.err != AX_OK || r->columns.err != AX_OK)
            return fail_at(r, &p, diag, "a record has at most 4 MiB and 65536 cells");
        if (c == EOF && p.quoted)
            return fail_at(r, &p, diag, "the file ends inside quotes");
        if (c == '\0')
            return fail_at(r, &p, diag, "a zero byte: this is no CSV text");
        if (p.quoted) {
            take_quoted(r, &p, c);
        } else if (c == ',') {
            end_cell(r);
            begin_cell(r, p.column + 1);
            p.closed = false;
        } else if (c == '\n' || c == '\r' || c == EOF) {
            if (!ends_line(r, c))
                return fail_at(r, &p, diag, "a carriage return that ends no line");
            end_cell(r);
            r->next_line = p.line + 1;
            return AX_OK;
        } else if (p.closed || (c == '"' && cell_bytes(r) > 0)) {
            return fail_at(r, &p, diag,
                           p.closed ? "text after the closing quote" : "a quote inside an unquoted cell");
        } else if (c == '"') {
            p.quoted = true;
        } else {
            ax_buf_byte(&r->text, (uint8_t)c);
        }
    }
}

enum ax_err ax_csv_record_read(struct ax_csv_record *r, struct ax_diag *diag)
{
    char why[128];
    do {
        int c = getc(r->stream);
        if (c == EOF) {
            r->cells_n = 0;
            if (ferror(r->stream))
                return ax_fail(diag, AX_IO, "%s: %s", r->path, strerror_r(errno, why, sizeof why));
            return AX_OK;
        }
        (void)ungetc(c, r->stream);
        enum ax_err err = read_line(r, diag);
        if (err != AX_OK)
            return err;
    } while (r->cells_n == 1 && r->text.n == 0);
    return AX_OK;
}

void ax_csv_record_done(struct ax_csv_record *r)
{
    if (r->stream)
        (void)fclose(r->stream);
    ax_buf_done(&r->text);
    ax_buf_done(&r->ends);
    ax_buf_done(&r->columns);
}
