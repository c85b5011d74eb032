/* csv.c: headers to series, rows to values, files merged by time. */
#include "ingest/csv.h"

#include "base/parse.h"
#include "ingest/csv_record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define NO_SERIES UINT32_MAX
#define LABELS_BYTES_MAX (256u << 20)

/* One file and its current row. */
struct file {
    struct ax_csv_record record;
    uint32_t columns_n;
    uint32_t label_column; /* 0: none */
    uint32_t *series;      /* of each column; NO_SERIES for timestamp and label */
    uint32_t column;       /* next one of the row to give out */
    int64_t t_ms;          /* of the row; INT64_MIN before the first */
    int label;
    bool ended;
};

/* Where the newest value of a series came from. */
struct newest {
    int64_t t_ms;
    const struct file *file;
};

struct ax_csv {
    struct file *files;
    uint32_t files_n;
    struct ax_labels *series;
    struct newest *newest; /* value of each series */
    uint32_t series_n, series_cap;
    struct ax_arena arena; /* labels */
};

/* Name of a path without folders and without what follows its last dot. */
static struct ax_str stem_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return (struct ax_str){name, dot && dot != name ? (size_t)(dot - name) : strlen(name)};
}

/* Labels of a header: as exposition text, else as a name with the file's stem. A bare name, without braces,
 * gets the stem too, so that files which call their only column alike are series of their own. */
static enum ax_err header_labels(struct ax_csv *csv, const struct file *f, struct ax_str header,
                                 struct ax_labels *out)
{
    /* The parsed views point into their text: it must be the arena's. */
    struct ax_str text = ax_arena_str(&csv->arena, header), stem = stem_of(f->record.path);
    if (!text.p)
        return AX_NOMEM;
    if (memchr(text.p, '{', text.n) && ax_labels_parse(text, &csv->arena, out, NULL) == AX_OK &&
        ax_labels_get(out, ax_str(AX_METRIC_NAME)).n > 0)
        return AX_OK;
    if (!ax_str_utf8(text) || !ax_str_utf8(stem))
        return AX_INVALID;
    uint32_t n = stem.n ? 2 : 1;
    struct ax_label *v = ax_arena_array(&csv->arena, 2, sizeof *v);
    stem = ax_arena_str(&csv->arena, stem);
    if (!v || !stem.p)
        return AX_NOMEM;
    v[0] = (struct ax_label){ax_str(AX_METRIC_NAME), text};
    v[1] = (struct ax_label){ax_str("instance"), stem};
    *out = (struct ax_labels){n, v};
    return AX_OK;
}

/* Index of a series, new or known from a file before; NO_SERIES when out of memory. */
static uint32_t series_index(struct ax_csv *csv, const struct ax_labels *ls)
{
    for (uint32_t i = 0; i < csv->series_n; i++)
        if (ax_labels_eq(&csv->series[i], ls))
            return i;
    if (csv->series_n == csv->series_cap) {
        uint32_t cap = csv->series_cap ? csv->series_cap * 2 : 64;
        struct ax_labels *series = realloc(csv->series, cap * sizeof *series);
        if (series)
            csv->series = series;
        struct newest *newest = series ? realloc(csv->newest, cap * sizeof *newest) : NULL;
        if (!newest)
            return NO_SERIES;
        csv->newest = newest;
        csv->series_cap = cap;
    }
    csv->series[csv->series_n] = *ls;
    csv->newest[csv->series_n] = (struct newest){INT64_MIN, NULL};
    return csv->series_n++;
}

static enum ax_err read_header(struct ax_csv *csv, struct file *f, struct ax_str label_column,
                               struct ax_diag *diag)
{
    struct ax_csv_record *r = &f->record;
    enum ax_err err = ax_csv_record_read(r, diag);
    if (err != AX_OK)
        return err;
    if (r->cells_n == 0)
        return ax_fail(diag, AX_INVALID, "%s: the file is empty; a header line is needed", r->path);
    struct ax_str first = ax_csv_record_cell(r, 0);
    if (first.n >= 3 && memcmp(first.p, "\xEF\xBB\xBF", 3) == 0)
        first = (struct ax_str){first.p + 3, first.n - 3};
    if (!ax_str_eq(first, ax_str("timestamp")))
        return ax_csv_record_fail(
            r, 0, diag, "the first column must be called timestamp (Unix seconds or RFC 3339), not \"%.*s\"",
            (int)(first.n < 64 ? first.n : 64), first.p);
    if (r->cells_n == 1)
        return ax_csv_record_fail(r, 0, diag, "there is no column but timestamp");
    f->columns_n = f->column = r->cells_n;
    f->series = malloc(f->columns_n * sizeof *f->series);
    if (!f->series)
        return AX_NOMEM;
    f->series[0] = NO_SERIES;
    for (uint32_t i = 1; i < f->columns_n; i++) {
        struct ax_str header = ax_csv_record_cell(r, i);
        struct ax_labels ls;
        f->series[i] = NO_SERIES;
        if (header.n == 0)
            return ax_csv_record_fail(r, i, diag, "column %" PRIu32 " has no name", i + 1);
        if (label_column.n && ax_str_eq(header, label_column)) {
            if (f->label_column)
                return ax_csv_record_fail(r, i, diag, "a second label column");
            f->label_column = i;
            continue;
        }
        err = header_labels(csv, f, header, &ls);
        if (err == AX_INVALID)
            return ax_csv_record_fail(r, i, diag, "the name of column %" PRIu32 " is not UTF-8", i + 1);
        f->series[i] = err == AX_OK ? series_index(csv, &ls) : NO_SERIES;
        if (f->series[i] == NO_SERIES)
            return AX_NOMEM;
    }
    return AX_OK;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Two columns of one file must not be one series. */
static enum ax_err check_columns(const struct file *f, struct ax_diag *diag)
{
    uint32_t *sorted = malloc(f->columns_n * sizeof *sorted);
    enum ax_err err = AX_OK;
    if (!sorted)
        return AX_NOMEM;
    memcpy(sorted, f->series, f->columns_n * sizeof *sorted);
    qsort(sorted, f->columns_n, sizeof *sorted, by_index);
    for (uint32_t i = 1; i < f->columns_n && err == AX_OK; i++) {
        uint32_t column = f->columns_n - 1;
        while (sorted[i] == sorted[i - 1] && sorted[i] != NO_SERIES && f->series[column] != sorted[i])
            column--;
        if (sorted[i] == sorted[i - 1] && sorted[i] != NO_SERIES)
            err = ax_csv_record_fail(&f->record, column, diag,
                                     "column %" PRIu32 " is a series that another column is too", column + 1);
    }
    free(sorted);
    return err;
}

/* Unix seconds, or RFC 3339, to milliseconds. */
static enum ax_err read_time(struct file *f, struct ax_diag *diag)
{
    struct ax_str cell = ax_csv_record_cell(&f->record, 0);
    int cell_n = (int)(cell.n < 64 ? cell.n : 64);
    double seconds = 0;
    int64_t t_ms = 0;
    const bool number = ax_parse_double(cell, &seconds) == AX_OK;
    if (number && isfinite(seconds) && (seconds < 0 || seconds > 1e11))
        return ax_csv_record_fail(&f->record, 0, diag, "%.*s is no time in Unix seconds%s", cell_n, cell.p,
                                  seconds > 1e11 ? " (milliseconds? divide by 1000)" : "");
    if (number ? !isfinite(seconds) : ax_parse_time(cell, &t_ms) != AX_OK || t_ms < 0)
        return ax_csv_record_fail(&f->record, 0, diag,
                                  "\"%.*s\" is no time in Unix seconds, nor one like 2026-01-02T03:04:05Z",
                                  cell_n, cell.p);
    if (number)
        t_ms = (int64_t)llround(seconds * 1000);
    if (t_ms < f->t_ms)
        return ax_csv_record_fail(&f->record, 0, diag, "time goes back to %.*s; sort the file by timestamp",
                                  cell_n, cell.p);
    f->t_ms = t_ms;
    return AX_OK;
}

/* The row's truth: 0 or 1 in any number's spelling, true or false, or nothing. */
static enum ax_err read_label(struct file *f, struct ax_diag *diag)
{
    f->label = -1;
    if (!f->label_column)
        return AX_OK;
    struct ax_str cell = ax_csv_record_cell(&f->record, f->label_column);
    double v;
    if (cell.n == 0)
        return AX_OK;
    if (ax_str_eq(cell, ax_str("true")) || ax_str_eq(cell, ax_str("True")))
        f->label = 1;
    else if (ax_str_eq(cell, ax_str("false")) || ax_str_eq(cell, ax_str("False")))
        f->label = 0;
    else if (ax_parse_double(cell, &v) == AX_OK && (v == 0 || v == 1))
        f->label = v == 1;
    else
        return ax_csv_record_fail(&f->record, f->label_column, diag, "a label is 0 or 1, not \"%.*s\"",
                                  (int)(cell.n < 64 ? cell.n : 64), cell.p);
    return AX_OK;
}

/* Make the next row the current one. */
static enum ax_err read_row(struct file *f, struct ax_diag *diag)
{
    enum ax_err err = ax_csv_record_read(&f->record, diag);
    if (err != AX_OK)
        return err;
    f->ended = f->record.cells_n == 0;
    f->column = f->ended ? f->columns_n : 1;
    if (f->ended)
        return AX_OK;
    if (f->record.cells_n != f->columns_n)
        return ax_csv_record_fail(&f->record, 0, diag, "%" PRIu32 " cells, but the header has %" PRIu32,
                                  f->record.cells_n, f->columns_n);
    err = read_time(f, diag);
    return err == AX_OK ? read_label(f, diag) : err;
}

/* Headers of all files, and their first rows. */
static enum ax_err read_starts(struct ax_csv *csv, struct ax_str label_column, struct ax_diag *diag)
{
    bool labelled = label_column.n == 0;
    for (uint32_t i = 0; i < csv->files_n; i++) {
        struct file *f = &csv->files[i];
        enum ax_err err = read_header(csv, f, label_column, diag);
        if (err == AX_OK)
            err = check_columns(f, diag);
        if (err == AX_OK)
            err = read_row(f, diag);
        if (err == AX_NOMEM)
            return ax_fail(diag, AX_NOMEM, "%s: out of memory", f->record.path);
        if (err != AX_OK)
            return err;
        labelled |= f->label_column > 0;
    }
    if (!labelled)
        return ax_fail(diag, AX_INVALID, "no file has the label column \"%.*s\"", (int)label_column.n,
                       label_column.p);
    return AX_OK;
}

enum ax_err ax_csv_open_streams(FILE *const *streams, const char *const *paths, uint32_t paths_n,
                                struct ax_str label_column, struct ax_csv **out, struct ax_diag *diag)
{
    struct ax_csv *csv = calloc(1, sizeof *csv);
    struct file *files = calloc(paths_n ? paths_n : 1, sizeof *files);
    *out = NULL;
    if (!csv || !files) {
        free(csv);
        free(files);
        for (uint32_t i = 0; i < paths_n; i++)
            (void)fclose(streams[i]);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    csv->files = files;
    csv->files_n = paths_n;
    ax_arena_init(&csv->arena, LABELS_BYTES_MAX);
    for (uint32_t i = 0; i < paths_n; i++) {
        ax_csv_record_init(&files[i].record, streams[i], paths[i]);
        files[i].t_ms = INT64_MIN;
    }
    enum ax_err err = read_starts(csv, label_column, diag);
    if (err == AX_OK)
        *out = csv;
    else
        ax_csv_close(csv);
    return err;
}

enum ax_err ax_csv_open(const char *const *paths, uint32_t paths_n, struct ax_str label_column,
                        struct ax_csv **out, struct ax_diag *diag)
{
    char why[128];
    FILE **streams = calloc(paths_n ? paths_n : 1, sizeof(FILE *));
    enum ax_err err = streams ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    uint32_t opened = 0;
    *out = NULL;
    for (; streams && err == AX_OK && opened < paths_n; opened++) {
        streams[opened] = fopen(paths[opened], "re");
        if (!streams[opened]) {
            err = ax_fail(diag, AX_IO, "%s: %s", paths[opened], strerror_r(errno, why, sizeof why));
            break;
        }
    }
    if (err == AX_OK)
        err = ax_csv_open_streams(streams, paths, paths_n, label_column, out, diag);
    else
        while (streams && opened > 0)
            (void)fclose(streams[--opened]);
    free(streams);
    return err;
}

uint32_t ax_csv_series_n(const struct ax_csv *csv)
{
    return csv->series_n;
}

const struct ax_labels *ax_csv_labels(const struct ax_csv *csv, uint32_t series)
{
    return &csv->series[series];
}

/* The next filled cell of a file's current row into *out; false when the row has none left. */
static enum ax_err take_cell(struct ax_csv *csv, struct file *f, struct ax_csv_value *out, bool *taken,
                             struct ax_diag *diag)
{
    *taken = false;
    for (; f->column < f->columns_n && !*taken; f->column++) {
        uint32_t s = f->series[f->column];
        struct ax_str cell =
            s == NO_SERIES ? (struct ax_str){NULL, 0} : ax_csv_record_cell(&f->record, f->column);
        if (cell.n == 0)
            continue;
        if (ax_parse_double(cell, &out->value) != AX_OK)
            return ax_csv_record_fail(&f->record, f->column, diag, "\"%.*s\" is no number",
                                      (int)(cell.n < 64 ? cell.n : 64), cell.p);
        if (csv->newest[s].t_ms == f->t_ms && csv->newest[s].file != f)
            return ax_csv_record_fail(
                &f->record, f->column, diag,
                "another file has a value of this series at this time; give its header labels "
                "of its own, as in name{file=\"b\"}");
        out->t_ms = f->t_ms;
        csv->newest[s] = (struct newest){f->t_ms, f};
        out->series = s;
        out->label = f->label;
        *taken = true;
    }
    return AX_OK;
}

enum ax_err ax_csv_next(struct ax_csv *csv, struct ax_csv_value *out, bool *out_end, struct ax_diag *diag)
{
    *out_end = false;
    for (;;) {
        struct file *f = NULL;
        for (uint32_t i = 0; i < csv->files_n; i++)
            if (!csv->files[i].ended && (!f || csv->files[i].t_ms < f->t_ms))
                f = &csv->files[i];
        if (!f) {
            *out_end = true;
            return AX_OK;
        }
        bool taken = false;
        enum ax_err err = take_cell(csv, f, out, &taken, diag);
        if (err != AX_OK || taken)
            return err;
        err = read_row(f, diag);
        if (err != AX_OK)
            return err;
    }
}

void ax_csv_close(struct ax_csv *csv)
{
    if (!csv)
        return;
    for (uint32_t i = 0; i < csv->files_n; i++) {
        ax_csv_record_done(&csv->files[i].record);
        free(csv->files[i].series);
    }
    free(csv->files);
    free(csv->series);
    free(csv->newest);
    ax_arena_done(&csv->arena);
    free(csv);
}
