/* csv_record.h: one record of a CSV file (RFC 4180), read from a stream. Used by csv.c. */
#ifndef AX_INGEST_CSV_RECORD_H
#define AX_INGEST_CSV_RECORD_H

#include "base/buf.h"

#include <stdio.h>

#define AX_CSV_RECORD_MAX (4u << 20)
#define AX_CSV_CELLS_MAX 65536u

/* A reader of records, and the last record it read. */
struct ax_csv_record {
    FILE *stream;
    const char *path; /* for messages */
    uint64_t line;    /* where the record began, from 1; 0 before the first */
    uint64_t next_line;
    struct ax_buf text;    /* cells, unquoted, one after the other */
    struct ax_buf ends;    /* size_t: end of each cell in text */
    struct ax_buf columns; /* uint32_t: column (in bytes, from 1) where each cell begins */
    uint32_t cells_n;
};

/* Begin to read a stream. */
void ax_csv_record_init(struct ax_csv_record *r, FILE *stream, const char *path);

/* Read the next record that is not an empty line; cells_n is 0 at the end of the file. AX_INVALID with
 * "file:line:column: ..." for quotes out of place, AX_LIMIT, AX_IO, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_csv_record_read(struct ax_csv_record *r, struct ax_diag *diag);

/* Cell i of the last record; valid until the next read. */
struct ax_str ax_csv_record_cell(const struct ax_csv_record *r, uint32_t i);

/* Fail with "file:line:column: text" at cell i. */
enum ax_err ax_csv_record_fail(const struct ax_csv_record *r, uint32_t i, struct ax_diag *diag,
                               const char *fmt, ...) AX_PRINTF(4, 5);

/* Close the stream, free the buffers. */
void ax_csv_record_done(struct ax_csv_record *r);

#endif
