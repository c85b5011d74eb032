/* table.h: a recording as the benchmarks read it: a CSV with a column of times and one for each series. An
 * empty cell is NaN. One thread. */
#ifndef AX_BENCH_TABLE_H
#define AX_BENCH_TABLE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS_MAX 256
#define TABLE_ROWS_MAX 200000
#define TABLE_LINE_BYTES 65536

/* Its columns. */
struct table {
    char *names[TABLE_COLUMNS_MAX];
    uint32_t columns, rows;
    double *t, *v[TABLE_COLUMNS_MAX];
    const double *label; /* the column of that name; NULL without */
};

/* Read a file, at most so many columns of it. False when it cannot be. Free with free_table(). */
static inline bool read_table(const char *path, uint32_t columns_max, struct table *out)
{
    FILE *in = fopen(path, "r");
    static char line[TABLE_LINE_BYTES];
    if (!in || !fgets(line, sizeof line, in))
        return false;
    memset(out, 0, sizeof *out);
    char *rest = line, *cell = strsep(&rest, ",\r\n");
    out->t = malloc(TABLE_ROWS_MAX * sizeof *out->t);
    while ((cell = strsep(&rest, ",\r\n")) && *cell && out->columns < columns_max) {
        out->names[out->columns] = strdup(cell);
        out->v[out->columns++] = malloc(TABLE_ROWS_MAX * sizeof **out->v);
    }
    while (fgets(line, sizeof line, in) && out->rows < TABLE_ROWS_MAX) {
        rest = line;
        out->t[out->rows] = strtod(strsep(&rest, ",\r\n"), NULL);
        for (uint32_t c = 0; c < out->columns; c++) {
            cell = rest ? strsep(&rest, ",\r\n") : NULL;
            out->v[c][out->rows] = cell && *cell ? strtod(cell, NULL) : (double)NAN;
        }
        out->rows++;
    }
    (void)fclose(in);
    for (uint32_t c = 0; c < out->columns; c++) {
        const double *v = out->v[c];
        const char *name = out->names[c];
        out->label = strcmp(name, "label") == 0 ? v : out->label;
    }
    return true;
}

/* Free what was read. */
static inline void free_table(struct table *t)
{
    free(t->t);
    for (uint32_t c = 0; c < t->columns; c++) {
        free(t->names[c]);
        free(t->v[c]);
    }
}

#endif
