/* Records are changed where they stand: all others, and all positions, are what they were. */
#include "ax_test.h"
#include "base/clock.h"
#include "scratch.h"
#include "store/seglog_priv.h"

#include <stdio.h>
#include <string.h>

#define RECORDS 200
#define CHANGED 7 /* each so-manieth */

static struct ax_str body_of(uint32_t i, char out[64])
{
    (void)snprintf(out, 64, "record %u %.*s", i, (int)(i % 23), "abcdefghijklmnopqrstuvwxyz");
    return ax_str(out);
}

static enum ax_err cross_out(void *ctx, const struct ax_seglog_record *record, uint8_t *body, bool *changed)
{
    uint32_t *i = ctx;
    *changed = (*i)++ % CHANGED == 0;
    if (*changed)
        memset(body, 'x', record->body.n);
    return AX_OK;
}

static void require_read(struct ax_seglog *log, const uint64_t ends[RECORDS], bool crossed_out)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_seglog_reader_new(log, 0, &r), AX_OK);
    for (uint32_t i = 0; i < RECORDS; i++) {
        char text[64], crossed[64];
        const struct ax_str want = body_of(i, text);
        memset(crossed, 'x', sizeof crossed);
        if (ax_seglog_read(r, &record, &diag) != AX_OK)
            fail_msg("%s", diag.text);
        assert_true(record.end == ends[i]);
        assert_int_equal(record.type, 1 + i % 3);
        assert_int_equal(record.body.n, want.n);
        assert_memory_equal(record.body.p, crossed_out && i % CHANGED == 0 ? crossed : want.p, want.n);
    }
    assert_int_equal(ax_seglog_read(r, &record, &diag), AX_NOTREADY);
    ax_seglog_reader_free(r);
}

static void records_are_changed_in_place_over_segments_and_reopenings(void **state)
{
    char dir[SCRATCH_PATH], text[64];
    struct ax_seglog *log;
    struct ax_seglog_report report;
    uint64_t ends[RECORDS + 1];
    uint32_t seen = 0;
    struct ax_diag diag = {{0}};
    (void)state;
    scratch_make(dir, "log");
    const struct ax_seglog_options options = {.dir = dir, .segment_bytes = 1000};
    assert_int_equal(ax_seglog_open(&options, &log, &report, &diag), AX_OK);
    for (uint32_t i = 0; i < RECORDS; i++)
        assert_int_equal(ax_seglog_append(log, (uint8_t)(1 + i % 3), body_of(i, text), &ends[i], &diag),
                         AX_OK);
    assert_true(scratch_count(dir, ".log") > 5);
    require_read(log, ends, false);
    assert_int_equal(ax_seglog_edit(log, cross_out, &seen, &diag), AX_OK);
    assert_int_equal(seen, RECORDS);
    require_read(log, ends, true);
    assert_int_equal(scratch_count(dir, ".edit"), 0);
    assert_int_equal(ax_seglog_sync(log, &diag), AX_OK);
    ax_seglog_close(log);
    assert_int_equal(ax_seglog_open(&options, &log, &report, &diag), AX_OK);
    assert_int_equal(report.damaged + report.missing_segments + report.torn_bytes, 0);
    require_read(log, ends, true);
    assert_int_equal(ax_seglog_append(log, 1, ax_str("more"), &ends[RECORDS], &diag), AX_OK);
    assert_true(ends[RECORDS] > ends[RECORDS - 1]);
    ax_seglog_close(log);
    scratch_remove(dir);
}

/* Somebody who wants the log on the disk while it is edited. */
struct keeper {
    struct ax_seglog *log;
    pthread_t thread;
    bool began;
    atomic_bool synced;
};

static void *sync_log(void *ctx)
{
    struct keeper *k = ctx;
    if (ax_seglog_sync(k->log, NULL) == AX_OK)
        atomic_store(&k->synced, true);
    return NULL;
}

/* Begin the sync with the first record, and wait for it at the one in the last segment. */
static enum ax_err watch(void *ctx, const struct ax_seglog_record *record, uint8_t *body, bool *changed)
{
    struct keeper *k = ctx;
    const int64_t until_ns = ax_mono_ns() + INT64_C(20000000000);
    (void)body;
    *changed = false;
    if (!k->began) {
        assert_int_equal(pthread_create(&k->thread, NULL, sync_log, k), 0);
        while (atomic_load(&k->log->syncs) == 0 && ax_mono_ns() < until_ns)
            ax_sleep_ns(1000000);
        k->began = true;
    }
    while (record->end == ax_seglog_end(k->log) && !atomic_load(&k->synced) && ax_mono_ns() < until_ns)
        ax_sleep_ns(1000000);
    return AX_OK;
}

static void who_syncs_waits_for_one_segment_and_not_for_the_log(void **state)
{
    char dir[SCRATCH_PATH], text[64];
    struct keeper k = {0};
    uint64_t end;
    struct ax_diag diag = {{0}};
    (void)state;
    scratch_make(dir, "log");
    const struct ax_seglog_options options = {.dir = dir, .segment_bytes = 1000};
    assert_int_equal(ax_seglog_open(&options, &k.log, NULL, &diag), AX_OK);
    for (uint32_t i = 0; i < RECORDS; i++)
        assert_int_equal(ax_seglog_append(k.log, 1, body_of(i, text), &end, &diag), AX_OK);
    assert_true(scratch_count(dir, ".log") > 2);
    assert_int_equal(ax_seglog_edit(k.log, watch, &k, &diag), AX_OK);
    assert_true(atomic_load(&k.synced));
    assert_int_equal(pthread_join(k.thread, NULL), 0);
    ax_seglog_close(k.log);
    scratch_remove(dir);
}

static enum ax_err leave(void *ctx, const struct ax_seglog_record *record, uint8_t *body, bool *changed)
{
    (void)record;
    (void)body;
    (void)changed;
    ++*(uint32_t *)ctx;
    return AX_OK;
}

static void of_nothing_nothing_is_written(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_seglog *log;
    struct ax_diag diag = {{0}};
    uint32_t seen = 0;
    (void)state;
    scratch_make(dir, "log");
    const struct ax_seglog_options options = {.dir = dir};
    assert_int_equal(ax_seglog_open(&options, &log, NULL, &diag), AX_OK);
    assert_int_equal(ax_seglog_edit(log, leave, &seen, &diag), AX_OK);
    assert_int_equal(ax_seglog_append(log, 1, ax_str("a"), NULL, &diag), AX_OK);
    assert_int_equal(ax_seglog_edit(log, leave, &seen, &diag), AX_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(scratch_count(dir, ""), 1);
    ax_seglog_close(log);
    scratch_remove(dir);
}

/* Changes one record, and cannot go on at the next. */
static enum ax_err give_up(void *ctx, const struct ax_seglog_record *record, uint8_t *body, bool *changed)
{
    memset(body, 'x', record->body.n);
    *changed = true;
    return (*(uint32_t *)ctx)++ ? AX_NOMEM : AX_OK;
}

static void a_segment_in_which_one_cannot_be_changed_stays_as_it_was(void **state)
{
    char dir[SCRATCH_PATH], text[64];
    struct ax_seglog *log;
    struct ax_diag diag = {{0}};
    uint64_t ends[RECORDS];
    uint32_t seen = 0;
    (void)state;
    scratch_make(dir, "log");
    const struct ax_seglog_options options = {.dir = dir};
    assert_int_equal(ax_seglog_open(&options, &log, NULL, &diag), AX_OK);
    for (uint32_t i = 0; i < RECORDS; i++)
        assert_int_equal(ax_seglog_append(log, (uint8_t)(1 + i % 3), body_of(i, text), &ends[i], &diag),
                         AX_OK);
    assert_int_equal(ax_seglog_edit(log, give_up, &seen, &diag), AX_NOMEM);
    assert_non_null(strstr(diag.text, "cannot be changed"));
    assert_int_equal(seen, 2);
    require_read(log, ends, false);
    assert_int_equal(scratch_count(dir, ".edit"), 0);
    ax_seglog_close(log);
    scratch_remove(dir);
}

static void what_a_kill_has_left_of_a_copy_goes_when_the_log_is_opened(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    struct ax_seglog *log;
    struct ax_diag diag = {{0}};
    (void)state;
    scratch_make(dir, "log");
    const struct ax_seglog_options options = {.dir = dir};
    assert_int_equal(ax_seglog_open(&options, &log, NULL, &diag), AX_OK);
    ax_seglog_close(log);
    scratch_in(path, dir, "00000000000000000000.log.edit");
    scratch_write(path, "secret", 6);
    assert_int_equal(ax_seglog_open(&options, &log, NULL, &diag), AX_OK);
    assert_int_equal(scratch_count(dir, ".edit"), 0);
    ax_seglog_close(log);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_changed_in_place_over_segments_and_reopenings),
        cmocka_unit_test(of_nothing_nothing_is_written),
        cmocka_unit_test(a_segment_in_which_one_cannot_be_changed_stays_as_it_was),
        cmocka_unit_test(who_syncs_waits_for_one_segment_and_not_for_the_log),
        cmocka_unit_test(what_a_kill_has_left_of_a_copy_goes_when_the_log_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
