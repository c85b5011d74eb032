/* Whatever fails while records are changed, each segment is as it was or as it is to be, no copy stays, and
 * the same again goes on. */
#include "ax_test.h"
#include "failing.h"
#include "scratch.h"
#include "store/seglog.h"

#include <errno.h>
#include <string.h>

#define RECORDS 30
#define SEGMENT_BYTES 300

static enum ax_err cross_out(void *ctx, const struct ax_seglog_record *record, uint8_t *body, bool *changed)
{
    (void)ctx;
    *changed = body[0] != 'x';
    memset(body, 'x', record->body.n);
    return AX_OK;
}

/* How many records are crossed out; each one is, or is as it was appended. */
static uint32_t crossed_out(struct ax_seglog *log)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    uint32_t n = 0, all = 0;
    assert_int_equal(ax_seglog_reader_new(log, 0, &r), AX_OK);
    for (enum ax_err err; (err = ax_seglog_read(r, &record, &diag)) != AX_NOTREADY; all++) {
        if (err != AX_OK)
            fail_msg("%s", diag.text);
        const bool x = record.body.p[0] == 'x';
        assert_memory_equal(record.body.p, x ? "xxxxxxxxxxxx" : "what is kept", 12);
        n += x;
    }
    ax_seglog_reader_free(r);
    assert_int_equal(all, RECORDS);
    return n;
}

static void run(unsigned kinds, int error, bool partial)
{
    uint32_t failed = 1, halves = 0;
    for (uint32_t nth = 1; failed; nth++) {
        char dir[SCRATCH_PATH];
        struct ax_seglog *log;
        struct ax_diag diag = {{0}};
        scratch_make(dir, "log");
        const struct ax_seglog_options options = {.dir = dir, .segment_bytes = SEGMENT_BYTES};
        assert_int_equal(ax_seglog_open(&options, &log, NULL, &diag), AX_OK);
        for (uint32_t i = 0; i < RECORDS; i++)
            assert_int_equal(ax_seglog_append(log, 1, ax_str("what is kept"), NULL, &diag), AX_OK);
        failing_begin(&(struct failing){.kinds = kinds,
                                        .nth = nth,
                                        .times = partial ? UINT32_MAX : 1,
                                        .error = error,
                                        .partial = partial});
        const enum ax_err err = ax_seglog_edit(log, cross_out, NULL, &diag);
        failed = failing_end();
        assert_true(err == AX_OK || (failed && diag.text[0]));
        const uint32_t n = crossed_out(log);
        assert_true(err != AX_OK || n == RECORDS);
        halves += n > 0 && n < RECORDS;
        assert_int_equal(scratch_count(dir, ".edit"), 0);
        assert_int_equal(ax_seglog_edit(log, cross_out, NULL, &diag), AX_OK);
        assert_int_equal(crossed_out(log), RECORDS);
        ax_seglog_close(log);
        scratch_remove(dir);
    }
    assert_true(halves > 0);
}

static void a_full_disk_or_a_broken_one_leaves_each_segment_whole(void **state)
{
    (void)state;
    run(FAILING_SPACE, ENOSPC, false);
    run(FAILING_WRITE, ENOSPC, true);
    run(FAILING_OPEN | FAILING_READ, EIO, false);
}

static void without_memory_too(void **state)
{
    (void)state;
    run(FAILING_MEMORY, ENOMEM, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_or_a_broken_one_leaves_each_segment_whole),
        cmocka_unit_test(without_memory_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
