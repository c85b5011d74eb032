/* What is appended is what is read, over segments, cuts and reopenings. */
#include "ax_test.h"
#include "base/hash.h"
#include "scratch.h"
#include "store/seglog.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct world {
    char dir[SCRATCH_PATH];
    struct ax_seglog *log;
    struct ax_seglog_report report;
    struct ax_diag diag;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    scratch_make(w->dir, "wal");
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    ax_seglog_close(w->log);
    scratch_remove(w->dir);
    free(w);
    return 0;
}

static void reopen(struct world *w, uint64_t segment_bytes, uint64_t check_from)
{
    struct ax_seglog_options o = {.dir = w->dir, .segment_bytes = segment_bytes, .check_from = check_from};
    ax_seglog_close(w->log);
    w->log = NULL;
    assert_int_equal(ax_seglog_open(&o, &w->log, &w->report, &w->diag), AX_OK);
}

/* Body of the i-th record: any length, any bytes, both of i alone. */
static struct ax_str body(uint32_t i, char buf[4096])
{
    size_t n = (size_t)(ax_hash64(&i, sizeof i, 1) % 300);
    for (size_t k = 0; k < n; k++)
        buf[k] = (char)ax_hash64(&k, sizeof k, i);
    return (struct ax_str){buf, n};
}

static uint64_t append(struct world *w, uint32_t i)
{
    char buf[4096];
    uint64_t end = 0;
    struct ax_str b = body(i, buf), head = {b.p, b.n / 3}, tail = {b.p + head.n, b.n - head.n};
    assert_int_equal(ax_seglog_append2(w->log, (uint8_t)(i % 255), head, tail, &end, &w->diag), AX_OK);
    assert_int_equal(end, ax_seglog_end(w->log));
    return end;
}

/* Read from a position to the end: it must be the records first, first + 1, ... */
static uint32_t read_on(struct ax_seglog_reader *r, uint32_t first)
{
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    char buf[4096];
    enum ax_err err;
    while ((err = ax_seglog_read(r, &record, &diag)) == AX_OK) {
        struct ax_str b = body(first, buf);
        assert_int_equal(record.type, first % 255);
        assert_int_equal(record.body.n, b.n);
        assert_memory_equal(record.body.p, b.p, b.n);
        assert_int_equal(record.end, ax_seglog_reader_at(r));
        first++;
    }
    assert_int_equal(err, AX_NOTREADY);
    return first;
}

static uint32_t read_from(struct world *w, uint64_t at, uint32_t first)
{
    struct ax_seglog_reader *r;
    assert_int_equal(ax_seglog_reader_new(w->log, at, &r), AX_OK);
    uint32_t next = read_on(r, first);
    ax_seglog_reader_free(r);
    return next;
}

static void what_is_appended_is_read_back_after_a_restart(void **state)
{
    struct world *w = *state;
    reopen(w, 1000, 0);
    for (uint32_t i = 0; i < 100; i++) {
        (void)append(w, i);
        if (i % 7 == 0)
            reopen(w, 1000, 0);
    }
    assert_true(scratch_count(w->dir, ".log") > 5);
    reopen(w, 1000, 0);
    assert_int_equal(read_from(w, 0, 0), 100);
    assert_int_equal(w->report.torn_bytes + w->report.damaged + w->report.missing_segments, 0);
    assert_string_equal(w->report.text, "");
}

static void a_reader_follows_a_log_that_grows(void **state)
{
    struct world *w = *state;
    struct ax_seglog_reader *r;
    reopen(w, 1000, 0);
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
    assert_int_equal(read_on(r, 0), 0);
    for (uint32_t i = 0; i < 50; i++) {
        (void)append(w, i);
        if (i % 3 == 0)
            assert_int_equal(read_on(r, (uint32_t)(i < 3 ? 0 : i - 2)), i + 1);
    }
    ax_seglog_reader_free(r);
}

static void every_position_that_an_append_gave_is_one_to_read_from(void **state)
{
    struct world *w = *state;
    uint64_t end[40];
    reopen(w, 1000, 0);
    for (uint32_t i = 0; i < 40; i++)
        end[i] = append(w, i);
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(read_from(w, end[i], i + 1), 40);
        reopen(w, 1000, end[i]);
        assert_int_equal(w->report.damaged + w->report.missing_segments + w->report.torn_bytes, 0);
    }
    assert_int_equal(read_from(w, UINT64_MAX, 40), 40);
}

static void a_cut_removes_whole_segments_before_a_position(void **state)
{
    struct world *w = *state;
    uint64_t end[60];
    reopen(w, 1000, 0);
    for (uint32_t i = 0; i < 60; i++)
        end[i] = append(w, i);
    struct ax_seglog_reader *inside;
    struct ax_seglog_record record;
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &inside), AX_OK);
    assert_int_equal(ax_seglog_read(inside, &record, &w->diag), AX_OK);
    uint64_t second = ax_seglog_second(w->log);
    assert_int_equal(ax_seglog_cut(w->log, second - 1, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_begin(w->log), 0);
    assert_int_equal(ax_seglog_cut(w->log, second, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_begin(w->log), second);
    uint32_t first = 0;
    while (end[first] < second)
        first++;
    assert_int_equal(end[first], second);
    assert_int_equal(read_from(w, 0, first + 1), 60);
    assert_int_equal(read_on(inside, 1), 60); /* it stood in what was removed, and lost nothing */
    ax_seglog_reader_free(inside);
    reopen(w, 1000, 0);
    assert_int_equal(ax_seglog_begin(w->log), second);
    assert_int_equal(read_from(w, 0, first + 1), 60);
    assert_int_equal(ax_seglog_cut(w->log, UINT64_MAX, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_second(w->log), UINT64_MAX);
    assert_int_equal(scratch_count(w->dir, ".log"), 1);
    assert_int_equal(append(w, 60) > end[59], true);
}

static void a_reader_that_was_overtaken_by_a_cut_is_told(void **state)
{
    struct world *w = *state;
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    reopen(w, 1000, 0);
    for (uint32_t i = 0; i < 60; i++)
        (void)append(w, i);
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
    assert_int_equal(ax_seglog_cut(w->log, ax_seglog_second(w->log), &w->diag), AX_OK);
    assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_CORRUPT);
    assert_non_null(strstr(w->diag.text, "cut away"));
    assert_int_equal(ax_seglog_reader_at(r), ax_seglog_begin(w->log));
    assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_OK);
    assert_int_equal(record.at, ax_seglog_begin(w->log));
    ax_seglog_reader_free(r);
}

static void a_writer_says_where_a_segment_ends(void **state)
{
    struct world *w = *state;
    reopen(w, 0, 0);
    ax_seglog_roll(w->log);
    assert_int_equal(ax_seglog_segment(w->log, 7), 0);
    uint64_t a = append(w, 0);
    ax_seglog_roll(w->log);
    ax_seglog_roll(w->log);
    assert_int_equal(scratch_count(w->dir, ".log"), 1);
    uint64_t b = append(w, 1), c = append(w, 2);
    assert_int_equal(scratch_count(w->dir, ".log"), 2);
    assert_int_equal(ax_seglog_segment(w->log, 0), 0);
    assert_int_equal(ax_seglog_segment(w->log, a - 1), 0);
    assert_int_equal(ax_seglog_segment(w->log, a), a);
    assert_int_equal(ax_seglog_segment(w->log, b), a);
    assert_int_equal(ax_seglog_segment(w->log, c + 5), a);
    assert_int_equal(read_from(w, a, 1), 3);
}

static void positions_never_go_back_behind_what_a_snapshot_holds(void **state)
{
    struct world *w = *state;
    reopen(w, 0, 5000); /* an empty folder: all of it is gone, which is told */
    assert_int_equal(w->report.missing_segments, 1);
    assert_non_null(strstr(w->report.text, "missing"));
    assert_int_equal(ax_seglog_begin(w->log), 5000);
    uint64_t end = append(w, 0);
    assert_true(end > 5000);
    reopen(w, 0, 9000); /* and here its tail */
    assert_int_equal(w->report.missing_segments, 1);
    assert_int_equal(ax_seglog_end(w->log), 9000);
    (void)append(w, 1);
    assert_int_equal(read_from(w, 9000, 1), 2);
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
    assert_int_equal(read_from(w, 9000, 1), 2);
    assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_CORRUPT);
    assert_int_equal(read_on(r, 1), 2);
    ax_seglog_reader_free(r);
}

static void a_record_has_a_greatest_size(void **state)
{
    struct world *w = *state;
    reopen(w, 0, 0);
    struct ax_str huge = {"", AX_SEGLOG_RECORD_MAX}, more = {"", 1};
    assert_int_equal(ax_seglog_append2(w->log, 1, huge, more, NULL, &w->diag), AX_LIMIT);
    assert_int_equal(ax_seglog_append2(w->log, 1, (struct ax_str){"", SIZE_MAX}, more, NULL, &w->diag),
                     AX_LIMIT);
    assert_int_equal(ax_seglog_end(w->log), 0);
    size_t n = 3u << 20; /* larger than a reader's window */
    char *large = calloc(1, n);
    large[n - 1] = 'x';
    assert_int_equal(ax_seglog_append(w->log, 9, (struct ax_str){large, n}, NULL, &w->diag), AX_OK);
    (void)append(w, 1);
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
    assert_int_equal(ax_seglog_read(r, &record, &w->diag), AX_OK);
    assert_int_equal(record.body.n, n);
    assert_memory_equal(record.body.p, large, n);
    assert_int_equal(read_on(r, 1), 2);
    ax_seglog_reader_free(r);
    free(large);
}

static void names_that_are_not_ours_are_left_alone(void **state)
{
    static const char *const others[] = {"notes.txt", "1.log", "00000000000000000007.log.bak",
                                         "99999999999999999999.log", "0000000000000000000x.log"};
    struct world *w = *state;
    char path[SCRATCH_PATH];
    reopen(w, 0, 0);
    (void)append(w, 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        scratch_in(path, w->dir, others[i]);
        scratch_write(path, "mine", 4);
    }
    reopen(w, 0, 0);
    (void)append(w, 1);
    assert_int_equal(read_from(w, 0, 0), 2);
    assert_int_equal(scratch_count(w->dir, ""), 6);
}

static void a_folder_that_cannot_be_used_is_explained(void **state)
{
    struct world *w = *state;
    struct ax_seglog_options o = {.dir = "/proc/nowhere"};
    assert_int_equal(ax_seglog_open(&o, &w->log, &w->report, &w->diag), AX_IO);
    assert_non_null(strstr(w->diag.text, "/proc/nowhere"));
    o.dir = "/dev/null";
    assert_int_equal(ax_seglog_open(&o, &w->log, &w->report, &w->diag), AX_IO);
    assert_null(w->log);
}

static void syncs_say_nothing_when_all_is_well(void **state)
{
    struct world *w = *state;
    reopen(w, 1000, 0);
    assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
    for (uint32_t i = 0; i < 60; i++) {
        (void)append(w, i);
        if (i % 9 == 0)
            assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
        if (i % 20 == 0)
            assert_int_equal(ax_seglog_cut(w->log, ax_seglog_end(w->log), &w->diag), AX_OK);
    }
    ax_seglog_close(w->log);
    struct ax_seglog_options o = {.dir = w->dir, .segment_bytes = 500, .fsync_always = true};
    assert_int_equal(ax_seglog_open(&o, &w->log, NULL, &w->diag), AX_OK);
    for (uint32_t i = 60; i < 80; i++)
        (void)append(w, i);
    assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
}

/* How many are open. */
static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    assert_int_equal(closedir(dir), 0);
    return n;
}

static void a_log_of_many_segments_has_few_descriptors(void **state)
{
    struct world *w = *state;
    reopen(w, 100, 0);
    int before = descriptors();
    for (uint32_t i = 0; i < 90; i++) {
        (void)append(w, i);
        if (i % 3 != 1) /* before a segment is full, when it is, and not at all */
            assert_int_equal(ax_seglog_sync(w->log, &w->diag), AX_OK);
        assert_in_range(descriptors(), before, before + 3);
    }
    assert_true(ax_seglog_second(w->log) != UINT64_MAX);
}

/* What an older auspex wrote is what this one reads. */
static void the_format_stays_what_it_is(void **state)
{
    struct world *w = *state;
    char path[SCRATCH_PATH], hex[512] = "";
    size_t n;
    reopen(w, 0, 1000);
    assert_int_equal(ax_seglog_append(w->log, 1, ax_str("one"), NULL, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_append(w->log, 2, ax_str(""), NULL, &w->diag), AX_OK);
    scratch_in(path, w->dir, "00000000000000001000.log");
    uint8_t *bytes = scratch_read(path, &n);
    for (size_t i = 0; i < n; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    free(bytes);
    assert_string_equal(hex, "4175737065784c4701000000e80300000000000078537dfb03000000ecf0d2df01ebacc5d66f6e6"
                             "500000000a62346b302e8010b08");
}

/* The kernel itself writes a part of a record, and then refuses, as on a full disk. */
static void a_limit_on_the_size_of_files_is_survived(void **state)
{
    struct world *w = *state;
    struct rlimit before, limit;
    uint32_t n = 0;
    char buf[4096];
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    reopen(w, 0, 0);
    for (rlim_t bytes = 5000; bytes < 5400; bytes += 7) {
        enum ax_err err = AX_OK;
        limit.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        while (err == AX_OK) {
            err = ax_seglog_append(w->log, (uint8_t)(n % 255), body(n, buf), NULL, &w->diag);
            n += err == AX_OK;
        }
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(err, AX_IO);
        assert_non_null(strstr(w->diag.text, "LimitFSIZE"));
        assert_int_equal(read_from(w, 0, 0), n);
        reopen(w, 0, 0);
        assert_int_equal(w->report.torn_bytes, 0);
        assert_int_equal(read_from(w, 0, 0), n);
    }
    (void)append(w, n++);
    assert_int_equal(read_from(w, 0, 0), n);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_appended_is_read_back_after_a_restart),
        TEST(a_reader_follows_a_log_that_grows),
        TEST(every_position_that_an_append_gave_is_one_to_read_from),
        TEST(a_cut_removes_whole_segments_before_a_position),
        TEST(a_reader_that_was_overtaken_by_a_cut_is_told),
        TEST(a_writer_says_where_a_segment_ends),
        TEST(positions_never_go_back_behind_what_a_snapshot_holds),
        TEST(a_record_has_a_greatest_size),
        TEST(names_that_are_not_ours_are_left_alone),
        TEST(a_folder_that_cannot_be_used_is_explained),
        TEST(syncs_say_nothing_when_all_is_well),
        TEST(a_log_of_many_segments_has_few_descriptors),
        TEST(the_format_stays_what_it_is),
        TEST(a_limit_on_the_size_of_files_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
