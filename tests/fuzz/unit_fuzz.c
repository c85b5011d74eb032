/* Records of the outgoing log from any bytes: reading ends, says what is malformed, and what is sound is the
 * same when it is written and read again; and a log that holds the record is opened with it. */
#include "emit/outgoing.h"
#include "emit/unit.h"
#include "folder.h"
#include "store/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write what is left of a unit anew; false when it turns out to be malformed. */
static bool copy(struct ax_unit u, struct ax_buf *out)
{
    struct ax_str text;
    int64_t t_ms;
    uint32_t number, marks = u.marks_n, keys = u.keys_n, samples = u.samples_n;
    double value;
    ax_unit_write(out, &u);
    for (; ax_unit_next_mark(&u, &text, &t_ms); marks--)
        ax_unit_write_mark(out, text, t_ms);
    for (; ax_unit_next_key(&u, &text); keys--)
        ax_unit_write_key(out, text);
    for (; ax_unit_next_sample(&u, &number, &t_ms, &value); samples--)
        ax_unit_write_sample(out, &u, number, t_ms, value);
    AX_ASSERT(u.rest.err == AX_OK || u.rest.err == AX_CORRUPT);
    if (u.rest.err == AX_OK)
        AX_ASSERT(marks == 0 && keys == 0 && samples == 0);
    return u.rest.err == AX_OK;
}

static void read_twice(struct ax_str body)
{
    struct ax_unit u, again;
    struct ax_buf one, two;
    enum ax_err err = ax_unit_read(body, &u);
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT || err == AX_UNSUPPORTED);
    if (err != AX_OK)
        return;
    ax_buf_init(&one, SIZE_MAX);
    ax_buf_init(&two, SIZE_MAX);
    if (copy(u, &one)) {
        AX_ASSERT(ax_unit_read(ax_buf_view(&one), &again) == AX_OK && copy(again, &two));
        AX_ASSERT(ax_str_eq(ax_buf_view(&one), ax_buf_view(&two)));
    }
    ax_buf_done(&one);
    ax_buf_done(&two);
}

/* The log reads it when it is opened, and takes the next one. */
static void open_with(struct ax_str body)
{
    struct ax_diag diag = {{0}};
    struct ax_seglog *log = NULL;
    struct ax_outgoing *o = NULL;
    AX_ASSERT(ax_seglog_open(&(struct ax_seglog_options){.dir = fuzz_folder()}, &log, NULL, &diag) == AX_OK);
    AX_ASSERT(ax_seglog_append(log, AX_OUTGOING_UNIT, body, NULL, &diag) == AX_OK);
    ax_seglog_close(log);
    struct ax_outs outs;
    AX_ASSERT(ax_outs_init(&outs, 1) == AX_OK);
    const struct ax_outgoing_options options = {.dir = fuzz_folder(), .max_bytes = 1u << 20};
    AX_ASSERT(ax_outgoing_open(&options, &outs, &o, &diag) == AX_OK);
    ax_outgoing_close(o);
    ax_outs_done(&outs);
    fuzz_folder_empty();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ax_str body = {(const char *)data, size};
    if (size > 65536)
        return 0;
    read_twice(body);
    if (size % 4 == 0) /* files are slow */
        open_with(body);
    return 0;
}
