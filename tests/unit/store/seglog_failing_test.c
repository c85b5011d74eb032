/* A log whose system calls and allocations fail, one by one and at random: it keeps exactly the records whose
 * append said so, for those who read on, for a process that starts anew at that moment, and afterwards. */
#include "ax_test.h"
#include "base/rng.h"
#include "failing.h"
#include "scratch.h"
#include "store/seglog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 4096
#define SEGMENT_BYTES 200

/* The log and what it must hold: record i has the body "record <name>" padded by its name. */
struct world {
    char dir[SCRATCH_PATH], copy[SCRATCH_PATH];
    struct ax_seglog *log;
    struct ax_seglog_report report;
    struct ax_diag diag;
    bool fsync_always;
    uint32_t next;              /* name of the next record */
    uint32_t kept[RECORDS_MAX]; /* names of those appended */
    uint64_t end[RECORDS_MAX];  /* and where they end */
    uint32_t n;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    scratch_make(w->dir, "wal");
    (void)snprintf(w->copy, sizeof w->copy, "%.240s-copy", w->dir);
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    ax_seglog_close(w->log);
    scratch_remove(w->copy);
    scratch_remove(w->dir);
    free(w);
    return 0;
}

static struct ax_str body_of(uint32_t name, char buf[256])
{
    int n = snprintf(buf, 256, "record %u %0*u", name, (int)(name % 90), name);
    return (struct ax_str){buf, (size_t)n};
}

static enum ax_err open_in(struct world *w, const char *dir, struct ax_seglog **log)
{
    struct ax_seglog_options o = {
        .dir = dir, .segment_bytes = SEGMENT_BYTES, .fsync_always = w->fsync_always};
    return ax_seglog_open(&o, log, &w->report, &w->diag);
}

static enum ax_err append(struct world *w)
{
    char buf[256];
    struct ax_str body = body_of(w->next, buf);
    uint64_t end = 0, before = ax_seglog_end(w->log);
    enum ax_err err = ax_seglog_append(w->log, (uint8_t)w->next, body, &end, &w->diag);
    if (err == AX_OK) {
        assert_true(w->n < RECORDS_MAX);
        w->kept[w->n] = w->next;
        w->end[w->n++] = end;
    } else {
        assert_int_equal(ax_seglog_end(w->log), before);
    }
    w->next++;
    return err;
}

/* A log holds exactly what was appended from its beginning on. */
static void assert_holds(const struct world *w, struct ax_seglog *log)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    char buf[256];
    uint32_t i = 0;
    enum ax_err err;
    while (i < w->n && w->end[i] <= ax_seglog_begin(log))
        i++;
    assert_int_equal(ax_seglog_reader_new(log, 0, &r), AX_OK);
    while ((err = ax_seglog_read(r, &record, &diag)) == AX_OK) {
        assert_true(i < w->n);
        struct ax_str body = body_of(w->kept[i], buf);
        assert_true(ax_str_eq(record.body, body));
        assert_int_equal(record.type, (uint8_t)w->kept[i]);
        assert_int_equal(record.end, w->end[i]);
        i++;
    }
    assert_int_equal(err, AX_NOTREADY);
    assert_int_equal(i, w->n);
    ax_seglog_reader_free(r);
}

/* The same for the one that is open, and for one opened from the files as they are now. */
static void assert_kept(struct world *w)
{
    struct ax_seglog *other = NULL;
    if (w->log)
        assert_holds(w, w->log);
    scratch_copy(w->dir, w->copy);
    assert_int_equal(open_in(w, w->copy, &other), AX_OK);
    assert_int_equal(w->report.damaged + w->report.missing_segments, 0);
    assert_holds(w, other);
    ax_seglog_close(other);
}

/* A fresh log of some segments, the last of which is full when `full` says so. */
static void prepare(struct world *w, bool full)
{
    ax_seglog_close(w->log);
    w->log = NULL;
    w->n = 0;
    scratch_copy(w->dir, w->dir); /* made when absent, else emptied */
    assert_int_equal(open_in(w, w->dir, &w->log), AX_OK);
    while (scratch_count(w->dir, ".log") < 4)
        assert_int_equal(append(w), AX_OK);
    while (full && ax_seglog_end(w->log) - ax_seglog_segment(w->log, UINT64_MAX) < SEGMENT_BYTES)
        assert_int_equal(append(w), AX_OK);
}

/* The ways in which calls fail. */
static const struct failing plans[] = {
    {.kinds = FAILING_IO, .error = EIO},
    {.kinds = FAILING_IO, .error = EIO, .times = 2},
    {.kinds = FAILING_IO, .error = EIO, .times = 3},
    {.kinds = FAILING_IO & ~FAILING_REMOVE, .error = EROFS, .times = UINT32_MAX},
    {.kinds = FAILING_SPACE, .error = ENOSPC, .times = UINT32_MAX},
    {.kinds = FAILING_WRITE, .error = ENOSPC, .times = UINT32_MAX, .partial = true},
    {.kinds = FAILING_WRITE | FAILING_TRUNCATE, .error = EDQUOT, .times = UINT32_MAX, .partial = true},
    {.kinds = FAILING_OPEN, .error = EMFILE},
    {.kinds = FAILING_MEMORY},
    {.kinds = FAILING_MEMORY, .times = UINT32_MAX},
    {.kinds = FAILING_MEMORY | FAILING_IO, .error = EIO, .times = UINT32_MAX},
};

#define EACH_PLAN(p) (const struct failing *p = plans; p < plans + sizeof plans / sizeof *plans; p++)

static bool is_failure(enum ax_err err)
{
    return err == AX_IO || err == AX_NOMEM;
}

static void appends_that_fail_leave_nothing(struct world *w, bool full)
{
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                plan.nth = nth;
                prepare(w, full);
                w->diag.text[0] = '\0';
                failing_begin(&plan);
                enum ax_err err = append(w);
                failed = failing_end();
                if (err != AX_OK) {
                    assert_true(is_failure(err));
                    assert_true(strlen(w->diag.text) > 10);
                }
                if (failed == 0)
                    assert_int_equal(err, AX_OK);
                assert_kept(w);
                assert_int_equal(append(w), AX_OK);
                assert_int_equal(append(w), AX_OK);
                assert_kept(w);
            }
        }
}

static void an_append_that_fails_leaves_nothing_behind(void **state)
{
    appends_that_fail_leave_nothing(*state, false);
}

static void an_append_that_begins_a_segment_and_fails_leaves_nothing_behind(void **state)
{
    appends_that_fail_leave_nothing(*state, true);
}

static void an_append_whose_sync_fails_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    w->fsync_always = true;
    for (uint32_t times = 1; times <= 2; times++) /* with the cut that follows it, too */
        for (int full = 0; full < 2; full++) {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                prepare(w, full);
                failing_begin(&(struct failing){
                    .kinds = FAILING_SYNC | FAILING_TRUNCATE, .nth = nth, .times = times, .error = EIO});
                enum ax_err err = append(w);
                failed = failing_end();
                assert_int_equal(err, failed > 0 ? AX_IO : AX_OK);
                if (failed > 0)
                    assert_non_null(strstr(w->diag.text, "cannot sync"));
                assert_kept(w);
                assert_int_equal(append(w), AX_OK);
                assert_kept(w);
            }
        }
}

static void an_opening_that_fails_changes_nothing(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
    for (int torn = 0; torn < 3; torn++) { /* 0: not; 1: half a record; 2: half a file's head */
        uint32_t failed = 1;
        for (uint32_t nth = 1; failed > 0; nth++) {
            struct failing plan = *p;
            plan.nth = nth;
            prepare(w, torn == 2);
            if (torn > 0) {
                failing_begin(&(struct failing){.kinds = FAILING_WRITE | FAILING_TRUNCATE | FAILING_REMOVE,
                                                .nth = 1,
                                                .times = UINT32_MAX,
                                                .error = EIO,
                                                .partial = true});
                assert_int_equal(append(w), AX_IO);
                (void)failing_end();
            }
            ax_seglog_close(w->log);
            w->log = NULL;
            failing_begin(&plan);
            enum ax_err err = open_in(w, w->dir, &w->log);
            failed = failing_end();
            assert_int_equal(err == AX_OK, w->log != NULL);
            if (failed == 0)
                assert_int_equal(err, AX_OK);
            if (err == AX_OK)
                assert_int_equal(w->report.torn_bytes > 0, torn > 0);
            else
                assert_true(is_failure(err));
            assert_kept(w);
            if (!w->log)
                assert_int_equal(open_in(w, w->dir, &w->log), AX_OK);
            assert_int_equal(append(w), AX_OK);
            assert_kept(w);
        }
    }
}

static void a_sync_that_fails_is_made_good_by_the_next(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p, none = {.kinds = FAILING_WRITE, .nth = UINT32_MAX};
                plan.nth = nth;
                prepare(w, false);
                failing_begin(&plan);
                enum ax_err err = ax_seglog_sync(w->log, &w->diag);
                failed = failing_end();
                assert_int_equal(err == AX_OK, failed == 0);
                assert_kept(w);
                bool was_sync = err == AX_IO && strstr(w->diag.text, "cannot sync /") &&
                                !strstr(w->diag.text, "cannot sync the folder");
                /* The next one writes again what the kernel takes for written. */
                failing_begin(&none);
                assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
                assert_int_equal(failing_calls() > 0, was_sync);
                (void)failing_end();
                failing_begin(&none);
                assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
                assert_int_equal(failing_calls(), 0);
                (void)failing_end();
                assert_int_equal(append(w), AX_OK);
                assert_kept(w);
            }
        }
}

static void a_sync_that_fails_again_and_again_ends_well(void **state)
{
    struct world *w = *state;
    uint32_t failed = 1;
    prepare(w, false);
    failing_begin(&(struct failing){.kinds = FAILING_SYNC, .nth = 1, .error = EIO});
    assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_IO);
    (void)failing_end();
    for (uint32_t nth = 1; failed > 0; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_IO | FAILING_MEMORY, .nth = nth, .error = EIO});
        enum ax_err err = ax_seglog_sync(w->log, &w->diag);
        failed = failing_end();
        assert_int_equal(err == AX_OK, failed == 0);
    }
    assert_kept(w);
    assert_int_equal(append(w), AX_OK);
    assert_kept(w);
}

static void a_cut_that_fails_leaves_what_it_could_not_remove(void **state)
{
    struct world *w = *state;
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                plan.nth = nth;
                prepare(w, false);
                failing_begin(&plan);
                enum ax_err err = ax_seglog_cut(w->log, UINT64_MAX, &w->diag);
                failed = failing_end();
                assert_int_equal(err, failed > 0 ? AX_IO : AX_OK);
                assert_kept(w);
                assert_int_equal(ax_seglog_cut(w->log, UINT64_MAX, &w->diag), AX_OK);
                assert_int_equal(scratch_count(w->dir, ".log"), 1);
                assert_kept(w);
            }
        }
}

static void a_read_that_fails_stands_where_it_stood(void **state)
{
    struct world *w = *state;
    char buf[256];
    prepare(w, false);
    for
        EACH_PLAN(p)
        {
            uint32_t failed = 1;
            for (uint32_t nth = 1; failed > 0; nth++) {
                struct failing plan = *p;
                struct ax_seglog_reader *r = NULL;
                struct ax_seglog_record record;
                plan.nth = nth;
                failing_begin(&plan);
                if (ax_seglog_reader_new(w->log, 0, &r) != AX_OK) {
                    assert_true(failing_end() > 0);
                    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
                }
                for (uint32_t i = 0; i < w->n; i++) {
                    uint64_t at = ax_seglog_reader_at(r);
                    enum ax_err err = ax_seglog_read(r, &record, &w->diag);
                    if (err != AX_OK) {
                        assert_true(is_failure(err));
                        assert_int_equal(ax_seglog_reader_at(r), at);
                        assert_true(failing_end() > 0);
                        assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_OK);
                    }
                    assert_true(ax_str_eq(record.body, body_of(w->kept[i], buf)));
                }
                failed = failing_end();
                assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_NOTREADY);
                ax_seglog_reader_free(r);
            }
        }
}

/* One random operation, with or without failures. */
static void operate(struct world *w, struct ax_rng *rng)
{
    bool failing = ax_rng_below(rng, 3) == 0;
    enum ax_err err = AX_OK;
    if (failing) {
        struct failing plan = plans[ax_rng_below(rng, sizeof plans / sizeof *plans)];
        plan.nth = 1 + (uint32_t)ax_rng_below(rng, 6);
        failing_begin(&plan);
    }
    switch (ax_rng_below(rng, 12)) {
    case 0:
        ax_seglog_roll(w->log);
        break;
    case 1:
        err = ax_seglog_sync(w->log, &w->diag);
        break;
    case 2:
        err = ax_seglog_cut(w->log, ax_rng_below(rng, 1 + ax_seglog_end(w->log)), &w->diag);
        break;
    case 3:
        ax_seglog_close(w->log);
        w->log = NULL;
        err = open_in(w, w->dir, &w->log);
        break;
    default:
        err = append(w);
    }
    uint32_t failed = failing ? failing_end() : 0;
    assert_true(failed > 0 || err == AX_OK);
    if (!w->log)
        assert_int_equal(open_in(w, w->dir, &w->log), AX_OK);
}

static void a_log_under_random_failures_keeps_exactly_what_it_said(void **state)
{
    struct world *w = *state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct ax_rng rng;
        ax_rng_seed(&rng, seed);
        prepare(w, false);
        for (uint32_t i = 0; i < 300; i++) {
            operate(w, &rng);
            if (i % 5 == 0)
                assert_kept(w);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_append_that_fails_leaves_nothing_behind),
        TEST(an_append_that_begins_a_segment_and_fails_leaves_nothing_behind),
        TEST(an_append_whose_sync_fails_leaves_nothing_behind),
        TEST(an_opening_that_fails_changes_nothing),
        TEST(a_sync_that_fails_is_made_good_by_the_next),
        TEST(a_sync_that_fails_again_and_again_ends_well),
        TEST(a_cut_that_fails_leaves_what_it_could_not_remove),
        TEST(a_read_that_fails_stands_where_it_stood),
        TEST(a_log_under_random_failures_keeps_exactly_what_it_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
