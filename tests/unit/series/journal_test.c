/* A request's samples become one record of the log, and the record becomes the same series again. */
#include "ax_test.h"
#include "scratch.h"
#include "series_world.h"
#include "store/records.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static void write_log(struct series_world *w, struct ax_seglog *log)
{
    struct ax_diag diag = {{0}};
    if (ax_journal_append(&w->journal, w->db, log, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ax_journal_bytes(&w->journal), 0);
}

static void a_log_makes_the_same_series_under_another_seed(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up|load.*");
    for (int64_t t = 0; t < 50; t++) {
        for (int i = 0; i < 40; i++) {
            char series[64];
            (void)snprintf(series, sizeof series, "load{instance=\"%d\"}", (i * 7 + (int)t) % 40);
            series_world_add(&w, series, 1700000000000 + t * 15000 + i, (double)i / 3 - (double)t);
        }
        series_world_add(&w, "not_wanted", t, 1);
        write_log(&w, log);
    }
    series_world_add(&w, "up", -5, 1);
    series_world_add(&w, "up", INT64_MAX, ax_stale());
    series_world_add(&w, "load{instance=\"3\"}", 1700000000000 + 50 * 15000, -0.0);
    write_log(&w, log);
    struct ax_restore_report report;
    series_world_open(&again, 2, "up|load.*");
    series_world_replay(&again, log, &report);
    series_world_assert_same(&w, &again);
    assert_int_equal(report.series, 41);
    assert_int_equal(report.samples, 2003);
    assert_int_equal(report.unknown_samples, 0);
    assert_true(atomic_load(&again.watch.newest_ms) == INT64_MAX);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void native_histograms_stand_behind_the_samples_of_a_record(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up|latency");
    for (int64_t t = 0; t < 20; t++) {
        char message[32];
        (void)snprintf(message, sizeof message, "message %d of latency", (int)t);
        if (t % 3)
            series_world_add(&w, "up", 1700000000000 + t * 15000, (double)t);
        if (t % 5)
            series_world_add_histogram(&w, "latency", 1700000000000 + t * 15000 % 77777, ax_str(message),
                                       false);
        if (t > 10)
            series_world_add_histogram(&w, "latency{le=\"x\"}", -t, ax_str(""), t == 15);
        write_log(&w, log);
    }
    struct ax_restore_report report;
    series_world_open(&again, 2, "up|latency");
    series_world_replay(&again, log, &report);
    series_world_assert_same(&w, &again);
    assert_int_equal(report.series, 3);
    assert_int_equal(report.samples, 13 + 16 + 9);
    series_world_replay(&again, log, &report); /* and once more changes nothing */
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void a_new_series_comes_after_those_of_the_log(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"z\"}", 1, 1);
    series_world_add(&w, "up{instance=\"m\"}", 1, 1);
    write_log(&w, log);
    series_world_open(&again, 9, "up");
    series_world_replay(&again, log, NULL);
    for (int i = 0; i < 2; i++) {
        struct series_world *one = i ? &again : &w;
        series_world_add(one, "up{instance=\"a\"}", 2, 2);
        series_world_add(one, "up{instance=\"m\"}", 2, 2);
    }
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void a_series_is_defined_once(void **state)
{
    (void)state;
    struct series_world w;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a name that is not short\"}", 1700000000000, 1);
    size_t first = ax_journal_bytes(&w.journal);
    write_log(&w, log);
    series_world_add(&w, "up{instance=\"a name that is not short\"}", 1700000015000, 1);
    assert_true(ax_journal_bytes(&w.journal) + 40 < first);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void duplicates_are_written_as_the_ring_has_them(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up", 1000, 1);
    ax_journal_reset(&w.journal); /* its record did not get into the log */
    series_world_add(&w, "up", 1000, 2);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    series_world_replay(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void what_is_refused_as_too_late_is_not_written(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open_with(&w, &(struct ax_db_options){.seed = 1, .out_of_order_ms = 5000}, "up");
    for (int64_t t = 100000; t > 80000; t -= 4000)
        series_world_add(&w, "up", t, (double)t);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    series_world_replay(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    /* What was taken in another order of requests is taken again. */
    series_world_open_with(&again, &(struct ax_db_options){.seed = 1, .out_of_order_ms = -1}, "up");
    series_world_replay(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void add_counter(struct series_world *w, int64_t start_ms, int64_t t_ms, double value)
{
    struct ax_buf buf;
    const struct ax_sample sample = {t_ms, value};
    struct ax_append a = {
        .key = series_world_key(&buf, "up"), .samples = &sample, .starts = &start_ms, .n = 1};
    ax_db_append_one(w->db, ax_str(""), &a, &w->journal, NULL);
    ax_buf_done(&buf);
}

static void the_zero_of_a_counter_that_begins_is_written_even_at_the_second_try(void **state)
{
    (void)state;
    for (int tries = 1; tries <= 2; tries++) {
        struct series_world w, again;
        char dir[SCRATCH_PATH + 64];
        (void)snprintf(dir, sizeof dir, "%s/%d", scratch_folder, tries);
        struct ax_seglog *log = test_log(dir);
        series_world_open(&w, 1, "up");
        for (int i = 0; i < tries; i++) {
            ax_journal_reset(&w.journal);
            add_counter(&w, 500, 1000, 7);
        }
        write_log(&w, log);
        add_counter(&w, 500, 2000, 8);
        write_log(&w, log);
        series_world_open(&again, 2, "up");
        struct ax_restore_report report;
        series_world_replay(&again, log, &report);
        assert_int_equal(report.samples, 3);
        series_world_assert_same(&w, &again);
        series_world_close(&again);
        series_world_close(&w);
        ax_seglog_close(log);
    }
}

static void a_log_that_fails_leaves_the_series_to_be_defined_by_the_next_record(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_diag diag = {{0}};
    struct ax_seglog *log = test_log(scratch_folder);
    struct rlimit before;
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up", 1000, 1);
    /* A limit on the size of files is as good as a full disk. */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit tiny = {16, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    assert_int_equal(ax_journal_append(&w.journal, w.db, log, &diag), AX_IO);
    assert_true(diag.text[0] != 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(ax_journal_bytes(&w.journal), 0);
    series_world_add(&w, "up", 1000, 1); /* the same request again */
    write_log(&w, log);
    series_world_add(&w, "up", 2000, 1);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    series_world_replay(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void a_series_that_went_meanwhile_is_not_marked_as_defined(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up", 1000, 1);
    assert_int_equal(ax_db_evict(w.db, 2000), 1);
    write_log(&w, log);
    series_world_add(&w, "up", 3000, 3);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    series_world_replay(&again, log, NULL);
    series_world_assert_same(&w, &again); /* ref 2, without the sample of before */
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void samples_without_a_definition_are_counted_and_their_ref_is_not_given_again(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder), *rest;
    char dir[SCRATCH_PATH + 64];
    (void)snprintf(dir, sizeof dir, "%s/rest", scratch_folder);
    rest = test_log(dir);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 1000, 1);
    write_log(&w, log);
    series_world_add(&w, "up{instance=\"b\"}", 2000, 1);
    write_log(&w, rest);
    series_world_open(&again, 2, "up");
    struct ax_restore_report report;
    series_world_replay(&again, rest, &report);
    assert_int_equal(report.unknown_samples, 1);
    assert_int_equal(ax_db_series_n(again.db), 0);
    series_world_add(&again, "up{instance=\"c\"}", 3000, 1);
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(again.db, again.selector, &n, &epoch);
    assert_int_equal(n, 1);
    assert_int_equal(ax_series_ref(members[0]), 3);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(rest);
    ax_seglog_close(log);
}

/* Give a changed body to a fresh world. */
static enum ax_err read_body(const uint8_t *bytes, size_t n)
{
    struct series_world w;
    struct ax_restore *r;
    struct ax_diag diag = {{0}};
    series_world_open(&w, 3, "up");
    assert_int_equal(ax_restore_new(w.db, &r), AX_OK);
    enum ax_err err = ax_restore_samples(r, (struct ax_str){(const char *)bytes, n}, &diag);
    assert_true((err == AX_OK) == (diag.text[0] == 0));
    ax_restore_end(r, NULL);
    series_world_close(&w);
    return err;
}

static void a_record_that_makes_no_sense_is_refused_with_a_text(void **state)
{
    (void)state;
    struct series_world w;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 2000, 2);
    write_log(&w, log);
    struct ax_seglog_reader *reader;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_seglog_reader_new(log, 0, &reader), AX_OK);
    assert_int_equal(ax_seglog_read(reader, &record, &diag), AX_OK);
    uint8_t body[256];
    size_t n = record.body.n;
    assert_true(n < sizeof body);
    memcpy(body, record.body.p, n);
    assert_int_equal(read_body(body, n), AX_OK);
    assert_int_equal(read_body(body, 0), AX_CORRUPT);
    uint32_t cut_is_told = 0;
    for (size_t i = 1; i < n; i++)
        cut_is_told += read_body(body, i) == AX_CORRUPT;
    assert_true(cut_is_told >= n - 3); /* a cut between two runs leaves a record */
    body[0] = AX_JOURNAL_HISTOGRAMS + 1;
    assert_int_equal(read_body(body, n), AX_CORRUPT);
    ax_seglog_reader_free(reader);
    series_world_close(&w);
    ax_seglog_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)
        T(a_log_makes_the_same_series_under_another_seed),
        T(native_histograms_stand_behind_the_samples_of_a_record),
        T(a_new_series_comes_after_those_of_the_log),
        T(a_series_is_defined_once),
        T(duplicates_are_written_as_the_ring_has_them),
        T(what_is_refused_as_too_late_is_not_written),
        T(the_zero_of_a_counter_that_begins_is_written_even_at_the_second_try),
        T(a_log_that_fails_leaves_the_series_to_be_defined_by_the_next_record),
        T(a_series_that_went_meanwhile_is_not_marked_as_defined),
        T(samples_without_a_definition_are_counted_and_their_ref_is_not_given_again),
        T(a_record_that_makes_no_sense_is_refused_with_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
