/* Files that are cut short, overwritten, missing or of another version: what is sound is read, what is lost
 * is said, and nothing that was not appended is ever given to a reader. */
#include "ax_test.h"
#include "scratch.h"
#include "store/frame.h"
#include "store/seglog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 12
#define SEGMENTS 4 /* of three records each */

struct world {
    char good[SCRATCH_PATH], dir[SCRATCH_PATH]; /* sound files; those that a test damages */
    struct ax_seglog *log;
    struct ax_seglog_report report;
    struct ax_diag diag;
    uint64_t end[RECORDS];
    char path[SCRATCH_PATH]; /* of the last segment in dir */
};

static const char *const bodies[RECORDS] = {"the first",
                                            "",
                                            "a third one, somewhat longer",
                                            "4",
                                            "five, six, seven",
                                            "eight",
                                            "nine and a half",
                                            "ten",
                                            "eleven, and no more than that",
                                            "",
                                            "x",
                                            "the very last of them"};

static void close_log(struct world *w)
{
    ax_seglog_close(w->log);
    w->log = NULL;
}

static enum ax_err open_log(struct world *w, const char *dir)
{
    struct ax_seglog_options o = {.dir = dir};
    close_log(w);
    return ax_seglog_open(&o, &w->log, &w->report, &w->diag);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    scratch_make(w->good, "good");
    (void)snprintf(w->dir, sizeof w->dir, "%.200s-damaged", w->good);
    assert_int_equal(open_log(w, w->good), AX_OK);
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct ax_str body = ax_str(bodies[i]);
        if (i % (RECORDS / SEGMENTS) == 0)
            ax_seglog_roll(w->log);
        assert_int_equal(ax_seglog_append(w->log, (uint8_t)(i + 1), body, &w->end[i], &w->diag), AX_OK);
    }
    close_log(w);
    scratch_copy(w->good, w->dir);
    char name[SCRATCH_PATH];
    assert_int_equal(scratch_count(w->dir, ".log"), SEGMENTS);
    scratch_name(name, w->dir, ".log", SEGMENTS - 1);
    scratch_in(w->path, w->dir, name);
    *state = w;
    return 0;
}

static int end_world(void **state)
{
    struct world *w = *state;
    close_log(w);
    scratch_remove(w->dir);
    scratch_remove(w->good);
    free(w);
    return 0;
}

/* Read all that there is: records of ours, in order; says which (bit i: record i) and how often something was
 * lost. */
static uint32_t read_all(struct world *w, uint32_t *lost)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    uint32_t seen = 0;
    *lost = 0;
    assert_int_equal(ax_seglog_reader_new(w->log, 0, &r), AX_OK);
    for (;;) {
        w->diag.text[0] = '\0';
        enum ax_err err = ax_seglog_read(r, &record, &w->diag);
        if (err == AX_NOTREADY)
            break;
        if (err == AX_CORRUPT) {
            assert_true(strlen(w->diag.text) > 20);
            ++*lost;
            continue;
        }
        assert_int_equal(err, AX_OK);
        assert_in_range(record.type, 1, RECORDS);
        uint32_t i = record.type - 1u;
        assert_true(ax_str_eq(record.body, ax_str(bodies[i])));
        assert_true(seen >> i == 0); /* in order, and once */
        seen |= 1u << i;
    }
    assert_int_equal(ax_seglog_reader_at(r), ax_seglog_end(w->log));
    ax_seglog_reader_free(r);
    return seen;
}

#define ALL ((1u << RECORDS) - 1)
#define LAST (1u << (RECORDS - 1))

/* Open what is damaged, read it; then append, open and read again: the new record is there and nothing more
 * lost. */
static uint32_t open_and_read(struct world *w, uint32_t *lost)
{
    assert_int_equal(open_log(w, w->dir), AX_OK);
    struct ax_seglog_report report = w->report;
    uint32_t seen = read_all(w, lost), again;
    assert_true(*lost == 0 || report.text[0] != '\0');
    assert_true(*lost > 0 || report.text[0] == '\0' || strstr(report.text, "the head of"));
    if (!(seen & LAST)) {
        assert_int_equal(ax_seglog_append(w->log, RECORDS, ax_str(bodies[RECORDS - 1]), NULL, &w->diag),
                         AX_OK);
        assert_int_equal(read_all(w, &again), seen | LAST);
        assert_int_equal(open_log(w, w->dir), AX_OK);
        assert_int_equal(read_all(w, &again), seen | LAST);
        assert_int_equal(again, *lost);
        assert_int_equal(w->report.torn_bytes, 0);
    }
    w->report = report;
    return seen;
}

static void a_tail_torn_at_any_byte_is_cut_off_and_counted(void **state)
{
    struct world *w = *state;
    size_t n, whole = AX_FRAME_HEAD + strlen(bodies[RECORDS - 1]);
    uint8_t *bytes = scratch_read(w->path, &n);
    uint8_t zeros[5000] = {0};
    for (size_t cut = 0; cut < whole; cut++)
        for (size_t padded = 0; padded < 3; padded++) { /* with nothing behind it, or with zeros */
            size_t pad = padded == 0 ? 0 : padded == 1 ? whole - cut : sizeof zeros - n;
            uint32_t lost;
            memcpy(zeros, bytes, n - whole + cut);
            memset(zeros + n - whole + cut, 0, sizeof zeros - (n - whole + cut));
            scratch_copy(w->good, w->dir);
            scratch_write(w->path, zeros, n - whole + cut + pad);
            assert_int_equal(open_and_read(w, &lost), ALL & ~LAST);
            assert_int_equal(lost, 0);
            assert_int_equal(w->report.torn_bytes, cut + pad);
        }
    free(bytes);
}

static void a_file_torn_before_its_first_record_is_begun_anew(void **state)
{
    struct world *w = *state;
    size_t n;
    char path[SCRATCH_PATH];
    uint8_t *bytes = scratch_read(w->path, &n);
    char name[AX_FRAME_HEAD + 40];
    (void)snprintf(name, sizeof name, "%020llu.log", (unsigned long long)w->end[RECORDS - 1]);
    scratch_in(path, w->dir, name);
    for (size_t cut = 0; cut < AX_FILE_HEAD; cut++)
        for (size_t padded = 0; padded < 2; padded++) {
            uint8_t head[4096] = {0};
            uint32_t lost;
            ax_file_head_put(head, "AuspexLG", 1, w->end[RECORDS - 1]);
            memset(head + cut, 0, AX_FILE_HEAD - cut);
            scratch_copy(w->good, w->dir);
            scratch_write(path, head, padded ? sizeof head : cut);
            assert_int_equal(open_and_read(w, &lost), ALL);
            assert_int_equal(lost, 0);
            assert_int_equal(w->report.torn_bytes, padded ? sizeof head : cut);
            assert_int_equal(ax_seglog_append(w->log, 1, ax_str("x"), NULL, &w->diag), AX_OK);
        }
    free(bytes);
}

static void a_wrong_byte_anywhere_loses_one_record_at_most_and_is_reported(void **state)
{
    struct world *w = *state;
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    for (size_t f = 0; f < SEGMENTS; f++) {
        size_t n;
        scratch_name(name, w->good, ".log", f);
        scratch_in(path, w->dir, name);
        uint8_t *bytes = scratch_read(path, &n);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 2; k++) {
                uint8_t wrong = (uint8_t)(k == 0 ? 1u << i % 8 : 0xffu);
                uint32_t lost;
                scratch_copy(w->good, w->dir);
                bytes[i] ^= wrong;
                scratch_write(path, bytes, n);
                bytes[i] ^= wrong;
                uint32_t missing = ALL & ~open_and_read(w, &lost);
                assert_int_equal(missing & (missing - 1), 0);
                assert_int_equal(missing == 0, i < AX_FILE_HEAD);
                if (missing == LAST) /* what no sound record follows is a torn tail */
                    assert_true(w->report.torn_bytes > 0 && lost == 0);
                else
                    assert_true(w->report.damaged == 1 && lost == (missing != 0));
                assert_true(missing == LAST || strlen(w->report.text) > 20);
            }
        free(bytes);
    }
}

static void a_segment_that_is_missing_or_cut_short_is_reported(void **state)
{
    struct world *w = *state;
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    uint32_t lost;
    for (size_t f = 1; f + 1 < SEGMENTS; f++) {
        size_t n;
        scratch_copy(w->good, w->dir);
        scratch_name(name, w->dir, ".log", f);
        scratch_in(path, w->dir, name);
        uint8_t *bytes = scratch_read(path, &n);
        assert_int_equal(unlink(path), 0);
        uint32_t seen = open_and_read(w, &lost), missing = ALL & ~seen;
        assert_int_equal(__builtin_popcount(missing), 3);
        assert_int_equal(lost, 1);
        assert_int_equal(w->report.missing_segments, 1);
        assert_non_null(strstr(w->report.text, "are missing in"));
        for (size_t cut = 0; cut < n; cut++) {
            scratch_copy(w->good, w->dir);
            scratch_write(path, bytes, cut);
            seen = open_and_read(w, &lost);
            assert_int_equal(seen & ~missing, ALL & ~missing);
            assert_true(seen != ALL && lost >= 1);
            assert_true(w->report.missing_segments == 1);
        }
        free(bytes);
    }
}

static void without_its_oldest_segment_a_log_begins_later(void **state)
{
    struct world *w = *state;
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    uint32_t lost;
    scratch_name(name, w->dir, ".log", 0);
    scratch_in(path, w->dir, name);
    assert_int_equal(unlink(path), 0);
    uint32_t seen = open_and_read(w, &lost);
    assert_int_equal(lost, 0);
    assert_int_equal(seen & 1, 0);
    assert_true(ax_seglog_begin(w->log) > 0);
}

static void what_lies_before_the_position_to_check_from_is_not_complained_of(void **state)
{
    struct world *w = *state;
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n;
    scratch_name(name, w->dir, ".log", 0);
    scratch_in(path, w->dir, name);
    uint8_t *bytes = scratch_read(path, &n);
    bytes[n - 1] ^= 1;
    scratch_write(path, bytes, n);
    free(bytes);
    scratch_name(name, w->dir, ".log", 1);
    scratch_in(path, w->dir, name);
    assert_int_equal(unlink(path), 0);
    struct ax_seglog_options o = {.dir = w->dir, .check_from = w->end[5]};
    assert_int_equal(ax_seglog_open(&o, &w->log, &w->report, &w->diag), AX_OK);
    assert_int_equal(w->report.damaged + w->report.missing_segments, 0);
    uint32_t lost;
    (void)read_all(w, &lost);
    assert_int_equal(lost, 2);
}

static void a_file_of_another_version_is_not_touched(void **state)
{
    struct world *w = *state;
    size_t n, m;
    uint8_t *bytes = scratch_read(w->path, &n);
    char name[SCRATCH_PATH];
    scratch_name(name, w->dir, ".log", SEGMENTS - 1);
    ax_file_head_put(bytes, "AuspexLG", 7, strtoull(name, NULL, 10));
    scratch_write(w->path, bytes, n);
    assert_int_equal(open_log(w, w->dir), AX_UNSUPPORTED);
    assert_null(w->log);
    assert_non_null(strstr(w->diag.text, "format 7"));
    uint8_t *after = scratch_read(w->path, &m);
    assert_int_equal(n, m);
    assert_memory_equal(bytes, after, n);
    free(bytes);
    free(after);
}

static void what_looks_like_a_record_inside_another_is_none(void **state)
{
    struct world *w = *state;
    size_t n;
    uint8_t *inner = scratch_read(w->path, &n), *bytes;
    close_log(w);
    scratch_empty(w->dir);
    struct ax_seglog_options o = {.dir = w->dir};
    assert_int_equal(ax_seglog_open(&o, &w->log, NULL, &w->diag), AX_OK);
    struct ax_str body = {(const char *)inner, n};
    assert_int_equal(ax_seglog_append(w->log, 1, body, NULL, &w->diag), AX_OK);
    assert_int_equal(ax_seglog_append(w->log, 2, ax_str(bodies[1]), NULL, &w->diag), AX_OK);
    close_log(w);
    free(inner);
    char path[SCRATCH_PATH];
    scratch_in(path, w->dir, "00000000000000000000.log");
    bytes = scratch_read(path, &n);
    bytes[AX_FILE_HEAD] ^= 1; /* the length: what is inside is now looked through for records */
    scratch_write(path, bytes, n);
    free(bytes);
    uint32_t lost;
    assert_int_equal(open_log(w, w->dir), AX_OK);
    assert_int_equal(read_all(w, &lost), 2);
    assert_int_equal(lost, 1);
    assert_int_equal(ax_seglog_append(w->log, 12, ax_str(bodies[11]), NULL, &w->diag), AX_OK);
    assert_int_equal(scratch_count(w->dir, ".log"), 2); /* what has damage in it is not written on */
    assert_int_equal(read_all(w, &lost), 2 | LAST);
}

static void damage_done_to_a_log_that_is_open_is_passed_over_too(void **state)
{
    struct world *w = *state;
    uint32_t lost;
    size_t n;
    assert_int_equal(open_log(w, w->dir), AX_OK);
    uint8_t *bytes = scratch_read(w->path, &n);
    bytes[n - 1] ^= 1;
    FILE *f = fopen(w->path, "r+b");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(read_all(w, &lost), ALL & ~LAST);
    assert_int_equal(lost, 1);
    assert_int_equal(ax_seglog_append(w->log, RECORDS, ax_str(bodies[RECORDS - 1]), NULL, &w->diag), AX_OK);
    assert_int_equal(read_all(w, &lost), ALL);
    assert_int_equal(lost, 1);
    assert_int_equal(truncate(w->path, 30), 0); /* and cut short under a reader's feet */
    (void)read_all(w, &lost);
    assert_true(lost >= 1);
    free(bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tail_torn_at_any_byte_is_cut_off_and_counted),
        TEST(a_file_torn_before_its_first_record_is_begun_anew),
        TEST(a_wrong_byte_anywhere_loses_one_record_at_most_and_is_reported),
        TEST(a_segment_that_is_missing_or_cut_short_is_reported),
        TEST(without_its_oldest_segment_a_log_begins_later),
        TEST(what_lies_before_the_position_to_check_from_is_not_complained_of),
        TEST(a_file_of_another_version_is_not_touched),
        TEST(what_looks_like_a_record_inside_another_is_none),
        TEST(damage_done_to_a_log_that_is_open_is_passed_over_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
