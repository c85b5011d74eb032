/* csv_sink.c: the series' text is made and quoted once, when it is opened. */
#include "app/csv_sink.h"

#include "base/parse.h"
#include "prom/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES_BYTES_MAX (1u << 20)

struct ax_out {
    char *quoted; /* the CSV field */
};

struct ax_csv_sink {
    FILE *file;
    char *path;
    bool failed;
};

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    struct ax_out *out = calloc(1, sizeof *out);
    struct ax_buf text, quoted;
    ax_buf_init(&text, SERIES_BYTES_MAX);
    ax_buf_init(&quoted, 2 * (size_t)SERIES_BYTES_MAX);
    ax_labels_write(labels, &text);
    ax_buf_byte(&quoted, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.bytes[i] == '"')
            ax_buf_byte(&quoted, '"');
        ax_buf_byte(&quoted, text.bytes[i]);
    }
    ax_buf_put(&quoted, "\"", 2);
    ax_buf_done(&text);
    if (!out || quoted.err != AX_OK) {
        free(out);
        ax_buf_done(&quoted);
        return NULL;
    }
    out->quoted = (char *)quoted.bytes;
    return out;
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    struct ax_csv_sink *s = ctx;
    if (!s->file)
        return;
    char number[40], fraction[8] = "";
    ax_format_double(value, number, sizeof number);
    if (t_ms % 1000)
        (void)snprintf(fraction, sizeof fraction, ".%03d", (int)(t_ms % 1000));
    if (fprintf(s->file, "%" PRId64 "%s,%s,%s\n", t_ms / 1000, fraction, out->quoted, number) < 0)
        s->failed = true;
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    if (t_ms != INT64_MIN)
        sink_put(ctx, out, t_ms, ax_stale());
    free(out->quoted);
    free(out);
}

enum ax_err ax_csv_sink_open(const char *path, struct ax_csv_sink **out, struct ax_diag *diag)
{
    struct ax_csv_sink *s = calloc(1, sizeof *s);
    if (!s)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    if (path) {
        s->path = strdup(path);
        s->file = fopen(path, "w");
        if (!s->path || !s->file || fputs("timestamp,series,value\n", s->file) < 0) {
            enum ax_err err = ax_fail(diag, AX_IO, "cannot write %s: %s", path, strerror(errno));
            (void)ax_csv_sink_close(s, NULL);
            return err;
        }
    }
    *out = s;
    return AX_OK;
}

struct ax_sink ax_csv_sink_sink(struct ax_csv_sink *s)
{
    return (struct ax_sink){.ctx = s, .open = sink_open, .put = sink_put, .close = sink_close};
}

enum ax_err ax_csv_sink_close(struct ax_csv_sink *s, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    if (!s)
        return AX_OK;
    if (s->file && (fclose(s->file) != 0 || s->failed))
        err = ax_fail(diag, AX_IO, "not everything could be written to %s: %s", s->path, strerror(errno));
    free(s->path);
    free(s);
    return err;
}
