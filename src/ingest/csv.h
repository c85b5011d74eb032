/* csv.h: recorded series from CSV files, merged by time: the source of a backtest.
 *
 * First column `timestamp`: Unix seconds, fractions allowed, or RFC 3339, from 1970 on, never falling from
 * row to row (recordings repeat a time now and then; a receiver keeps the first value of it). Every other
 * column is a series: its header in exposition text with braces (`node_load1{instance="a"}`, quoted as CSV
 * asks) or, failing that, taken whole as a UTF-8 metric name with instance="<file's stem>". An empty cell is
 * a missing sample. Quoting is that of RFC 4180; lines end in LF or CRLF. Files are read as they are needed,
 * one row of each in memory. Several files may hold the same series, at different times. One owner; not
 * thread-safe. */
#ifndef AX_INGEST_CSV_H
#define AX_INGEST_CSV_H

#include "prom/labels.h"

#include <stdio.h>

struct ax_csv;

/* One cell of a file, in time order over all files. */
struct ax_csv_value {
    int64_t t_ms;
    uint32_t series; /* index, see ax_csv_labels() */
    double value;
    int label; /* of its row: 1 abnormal, 0 normal, -1 when the file has no label column or an empty cell */
};

/* Open files and read their headers. label_column: header of the column that holds truth (0 or 1, true or
 * false), which is then no series; "" for none. AX_IO, AX_INVALID (with "file:line:column: ..."), AX_LIMIT,
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_csv_open(const char *const *paths, uint32_t paths_n, struct ax_str label_column,
                                    struct ax_csv **out, struct ax_diag *diag);

/* The same from open streams, called as paths say; they are closed with it, and on failure too. */
AX_MUST_USE enum ax_err ax_csv_open_streams(FILE *const *streams, const char *const *paths, uint32_t paths_n,
                                            struct ax_str label_column, struct ax_csv **out,
                                            struct ax_diag *diag);

/* How many series there are. */
uint32_t ax_csv_series_n(const struct ax_csv *csv);

/* Labels of a series; live as long as csv. */
const struct ax_labels *ax_csv_labels(const struct ax_csv *csv, uint32_t series);

/* The next value; *out_end says that there is none. After an error (AX_INVALID with its place, AX_IO) the
 * rest is unusable. Cost: amortised over a row, linear in its length. */
AX_MUST_USE enum ax_err ax_csv_next(struct ax_csv *csv, struct ax_csv_value *out, bool *out_end,
                                    struct ax_diag *diag);

/* Close the files and free; NULL is fine. */
void ax_csv_close(struct ax_csv *csv);

#endif
