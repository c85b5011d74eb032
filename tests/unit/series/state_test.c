/* The series come back from a snapshot and the log after it as they were: refs, order, samples. */
#include "ax_test.h"
#include "scratch.h"
#include "series_world.h"
#include "store/records.h"

#include <pthread.h>
#include <stdio.h>

static void save(struct series_world *w, uint64_t position)
{
    struct ax_snapshot_writer *writer;
    struct ax_diag diag = {{0}};
    char dir[SCRATCH_PATH + 64];
    (void)snprintf(dir, sizeof dir, "%s/snapshots", scratch_folder);
    assert_int_equal(ax_snapshot_begin(dir, position, &writer, &diag), AX_OK);
    assert_int_equal(ax_db_save(w->db, writer, &diag), AX_OK);
    if (ax_snapshot_commit(writer, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

/* Restore the snapshot, and the log behind it unless there is none. Returns the number of sections. */
static uint32_t restore(struct series_world *w, struct ax_seglog *log, struct ax_restore_report *out)
{
    struct ax_snapshot *snapshot;
    struct ax_restore *r;
    struct ax_diag diag = {{0}};
    char dir[SCRATCH_PATH + 64];
    uint32_t n = 0;
    (void)snprintf(dir, sizeof dir, "%s/snapshots", scratch_folder);
    assert_int_equal(ax_snapshot_open(dir, &snapshot, NULL, &diag), AX_OK);
    assert_int_equal(ax_restore_new(w->db, &r), AX_OK);
    uint8_t type;
    for (struct ax_str body; ax_snapshot_next(snapshot, &type, &body); n++) {
        assert_int_equal(type, AX_SECTION_SERIES);
        if (ax_restore_section(r, body, &diag) != AX_OK)
            fail_msg("%s", diag.text);
    }
    if (log)
        (void)test_replay(log, ax_snapshot_position(snapshot), r);
    ax_snapshot_close(snapshot);
    ax_restore_end(r, out);
    return n;
}

static void write_log(struct series_world *w, struct ax_seglog *log)
{
    struct ax_diag diag = {{0}};
    if (ax_journal_append(&w->journal, w->db, log, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void a_snapshot_keeps_refs_order_and_samples_under_another_seed(void **state)
{
    (void)state;
    struct series_world w, again;
    series_world_open(&w, 1, "up|load");
    for (int i = 0; i < 3000; i++) {
        char series[64];
        (void)snprintf(series, sizeof series, "load{instance=\"%d\"}", (i * 1009) % 3000);
        for (int64_t t = 0; t < 40; t++)
            series_world_add(&w, series, 1700000000000 + t * 15000 + i % 7 * t, (double)t / (i + 1));
    }
    series_world_add(&w, "up", 1700000000000, ax_stale());
    save(&w, 77);
    series_world_open(&again, 2, "up|load");
    struct ax_restore_report report;
    assert_true(restore(&again, NULL, &report) > 1);
    assert_int_equal(report.series, 3001);
    assert_int_equal(report.samples, 120001);
    series_world_assert_same(&w, &again);
    /* A selector that comes now has the same order in both. */
    for (int i = 0; i < 2; i++) {
        struct series_world *one = i ? &again : &w;
        one->selector = ax_db_add_selector(one->db, ax_str(""), &one->matcher, 1, 60000, NULL);
        series_world_add(one, "up{job=\"new\"}", 1700000000000, 1);
    }
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
}

static void a_snapshot_keeps_native_histograms(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up|latency");
    for (int64_t t = 0; t < 40; t++) {
        char message[64];
        (void)snprintf(message, sizeof message, "%*d", (int)(t + 1), (int)t);
        series_world_add_histogram(&w, "latency", 1700000000000 - t * 1500, ax_str(message), false);
        series_world_add(&w, t % 2 ? "latency" : "up", 1700000000000 + t, 1);
        if (t == 20)
            save(&w, 0);
        write_log(&w, log);
    }
    series_world_open(&again, 2, "up|latency");
    struct ax_restore_report report;
    (void)restore(&again, log, &report); /* the log from its beginning: what is there already is no trouble */
    assert_int_equal(report.samples, 80);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void an_empty_database_lasts_with_its_next_ref(void **state)
{
    (void)state;
    struct series_world w, again;
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 1000, 1);
    assert_int_equal(ax_db_evict(w.db, 2000), 2);
    save(&w, 0);
    series_world_open(&again, 2, "up");
    assert_int_equal(restore(&again, NULL, NULL), 1);
    for (int i = 0; i < 2; i++)
        series_world_add(i ? &again : &w, "up", 3000, 3);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
}

static void what_nobody_wants_any_more_is_passed_over(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up|load");
    series_world_add(&w, "load", 1000, 1);
    series_world_add(&w, "up", 1000, 1);
    write_log(&w, log);
    save(&w, ax_seglog_end(log));
    series_world_add(&w, "load", 2000, 2);
    series_world_add(&w, "up", 2000, 2);
    series_world_add(&w, "load{instance=\"new\"}", 2000, 2);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    struct ax_restore_report report;
    restore(&again, log, &report);
    assert_int_equal(report.series, 1);
    assert_int_equal(report.unwanted_series, 2);
    assert_int_equal(report.samples, 2);
    assert_int_equal(report.unknown_samples, 0);
    assert_int_equal(ax_db_series_n(again.db), 1);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void labels_that_went_and_came_back_have_their_new_ref_and_no_old_samples(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 5000, 1);
    write_log(&w, log);
    save(&w, ax_seglog_end(log));
    assert_int_equal(ax_db_evict(w.db, 2000), 1);
    series_world_add(&w, "up{instance=\"a\"}", 6000, 6);
    write_log(&w, log);
    series_world_open(&again, 2, "up");
    restore(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    /* The same when the snapshot is newer than the records that are read: they end as they began. */
    save(&w, 0);
    series_world_open(&again, 2, "up");
    restore(&again, log, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void labels_that_are_dropped_now_are_dropped_from_what_was_saved(void **state)
{
    (void)state;
    struct series_world w, again;
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{replica=\"1\"}", 1000, 1);
    save(&w, 0);
    const struct ax_str drop = ax_str("replica");
    series_world_open_with(
        &again, &(struct ax_db_options){.seed = 2, .drop_labels = &drop, .drop_labels_n = 1}, "up");
    restore(&again, NULL, NULL);
    series_world_add(&again, "up{replica=\"2\"}", 2000, 2);
    assert_int_equal(ax_db_series_n(again.db), 1);
    series_world_close(&again);
    series_world_close(&w);
}

static void a_restore_counts_no_sample_as_late(void **state)
{
    (void)state;
    struct series_world w, again;
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up", 1000, 1);
    save(&w, 0);
    series_world_open(&again, 2, "up");
    again.watch.late = ax_metric(AX_M_LATE_SAMPLES, "state_test", NULL);
    atomic_store(&again.watch.evaluated_ms, 5000);
    restore(&again, NULL, NULL);
    assert_true(ax_metric_get(again.watch.late) == 0);
    assert_true(atomic_load(&again.watch.newest_ms) == 1000);
    series_world_close(&again);
    series_world_close(&w);
}

static void more_series_than_the_ceiling_come_back_and_new_ones_wait(void **state)
{
    (void)state;
    struct series_world w, again;
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 9000, 1);
    save(&w, 0);
    series_world_open_with(&again, &(struct ax_db_options){.seed = 2, .series_max = 1}, "up");
    restore(&again, NULL, NULL);
    series_world_assert_same(&w, &again);
    assert_int_equal(series_world_add(&again, "up{instance=\"c\"}", 9000, 1), AX_FATE_FULL);
    assert_int_equal(series_world_add(&again, "up{instance=\"b\"}", 9001, 1), AX_FATE_WANTED);
    assert_int_equal(ax_db_evict(again.db, 9500), 2);
    assert_int_equal(series_world_add(&again, "up{instance=\"c\"}", 9000, 1), AX_FATE_WANTED);
    series_world_close(&again);
    series_world_close(&w);
}

#define FEEDERS 2
#define FED_SERIES 400
#define FED_STEPS 60

struct feeder {
    struct series_world *w;
    struct ax_seglog *log;
    int number;
};

/* Feeds its series step by step, a record each; new series keep coming. */
static void *feed(void *arg)
{
    struct feeder *f = arg;
    struct ax_journal journal;
    struct ax_diag diag = {{0}};
    ax_journal_init(&journal);
    for (int step = 0; step < FED_STEPS; step++) {
        ax_journal_reset(&journal);
        for (int i = 0; i < FED_SERIES * (step + 1) / FED_STEPS; i++) {
            char series[64];
            struct ax_buf buf;
            const struct ax_sample s = {1700000000000 + step * 1000, i + step / 100.0};
            (void)snprintf(series, sizeof series, "up{instance=\"%d-%d\"}", f->number, i);
            struct ax_append a = {.key = series_world_key(&buf, series), .samples = &s, .n = 1};
            ax_db_append_one(f->w->db, ax_str(""), &a, &journal, NULL);
            ax_buf_done(&buf);
            if (a.fate != AX_FATE_WANTED)
                return NULL;
        }
        if (ax_journal_append(&journal, f->w->db, f->log, &diag) != AX_OK)
            return NULL;
    }
    ax_journal_done(&journal);
    return arg;
}

static void a_snapshot_taken_while_samples_come_in_is_made_whole_by_the_log(void **state)
{
    (void)state;
    struct series_world w, again;
    struct ax_seglog *log = test_log(scratch_folder);
    struct feeder feeders[FEEDERS];
    pthread_t threads[FEEDERS];
    void *done;
    series_world_open(&w, 1, "up");
    for (int i = 0; i < FEEDERS; i++) {
        feeders[i] = (struct feeder){&w, log, i};
        assert_int_equal(pthread_create(&threads[i], NULL, feed, &feeders[i]), 0);
    }
    /* Some snapshots on the way, so that the last one lies amid the records. */
    for (int i = 0; i < 4; i++) {
        uint64_t before = ax_seglog_end(log);
        save(&w, before);
        while (ax_seglog_end(log) < before + 20000 && ax_seglog_end(log) < 200000)
            sched_yield();
    }
    for (int i = 0; i < FEEDERS; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
    series_world_open(&again, 2, "up");
    struct ax_restore_report report;
    restore(&again, log, &report);
    assert_int_equal(report.unknown_samples, 0);
    assert_int_equal(ax_db_series_n(again.db), FEEDERS * FED_SERIES);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

#define STAYING 600 /* series, of several sections */
#define LEAVING 200
#define KEPT_SAMPLES 400
#define SAVES 12
#define AGE_MS INT64_C(3600000)

/* A series of many samples, the last one at newest_ms; their values are its number. */
static void put_series(struct series_world *w, const char *name, int number, int64_t newest_ms)
{
    char series[64];
    struct ax_buf buf;
    struct ax_sample samples[KEPT_SAMPLES];
    (void)snprintf(series, sizeof series, "%s{instance=\"%d\"}", name, number);
    for (int i = 0; i < KEPT_SAMPLES; i++)
        samples[i] = (struct ax_sample){newest_ms - (KEPT_SAMPLES - 1 - i) * INT64_C(100), number};
    assert_int_equal(
        ax_db_append(w->db, ax_str(""), series_world_key(&buf, series), samples, KEPT_SAMPLES, NULL, NULL),
        AX_FATE_WANTED);
    ax_buf_done(&buf);
}

struct leaver {
    struct series_world *w;
    atomic_bool stop;
    uint32_t evicted;
};

/* Series come, and go at once, again and again. */
static void *come_and_go(void *arg)
{
    struct leaver *l = arg;
    while (!atomic_load(&l->stop)) {
        for (int i = 0; i < LEAVING; i++)
            put_series(l->w, "load", i, AGE_MS);
        l->evicted += ax_db_evict(l->w->db, 2 * AGE_MS);
    }
    return NULL;
}

static void series_that_are_evicted_in_the_midst_of_a_save_leave_it_sound(void **state)
{
    (void)state;
    struct series_world w;
    series_world_open(&w, 1, "up|load");
    for (int i = 0; i < STAYING; i++)
        put_series(&w, "up", i, 3 * AGE_MS);
    struct leaver leaver = {.w = &w};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, come_and_go, &leaver), 0);
    for (uint64_t at = 1; at <= SAVES; at++) {
        struct series_world again;
        save(&w, at);
        series_world_open(&again, 2, "up");
        assert_true(restore(&again, NULL, NULL) > 1);
        uint32_t n;
        uint64_t epoch;
        struct ax_series *const *members = ax_db_members(again.db, again.selector, &n, &epoch);
        assert_int_equal(n, STAYING);
        for (uint32_t i = 0; i < n; i++) {
            struct ax_sample samples[KEPT_SAMPLES + 1];
            assert_int_equal(
                ax_db_read(again.db, members[i], INT64_MIN, INT64_MAX, samples, KEPT_SAMPLES + 1),
                KEPT_SAMPLES);
            assert_true(samples[0].value == i && samples[KEPT_SAMPLES - 1].value == i);
        }
        series_world_close(&again);
    }
    atomic_store(&leaver.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(leaver.evicted > 0);
    series_world_close(&w);
}

static void a_section_that_makes_no_sense_is_refused_with_a_text(void **state)
{
    (void)state;
    struct series_world w;
    struct ax_snapshot *snapshot;
    struct ax_diag diag = {{0}};
    char dir[SCRATCH_PATH + 64];
    series_world_open(&w, 1, "up");
    series_world_add(&w, "up{instance=\"a\"}", 1000, 1);
    series_world_add(&w, "up{instance=\"b\"}", 1000, 1);
    save(&w, 0);
    (void)snprintf(dir, sizeof dir, "%s/snapshots", scratch_folder);
    assert_int_equal(ax_snapshot_open(dir, &snapshot, NULL, &diag), AX_OK);
    uint8_t type;
    struct ax_str body;
    assert_true(ax_snapshot_next(snapshot, &type, &body));
    uint32_t told = 0;
    for (size_t n = 0; n < body.n; n++) {
        struct series_world again;
        struct ax_restore *r;
        struct ax_diag why = {{0}};
        series_world_open(&again, 2, "up");
        assert_int_equal(ax_restore_new(again.db, &r), AX_OK);
        enum ax_err err = ax_restore_section(r, (struct ax_str){body.p, n}, &why);
        assert_true(err == AX_OK || err == AX_CORRUPT);
        assert_true((err == AX_OK) == (why.text[0] == 0));
        told += err == AX_CORRUPT;
        ax_restore_end(r, NULL);
        series_world_close(&again);
    }
    assert_int_equal(told, body.n - 2); /* without series, and behind the first one, it is a section */
    ax_snapshot_close(snapshot);
    series_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)
        T(a_snapshot_keeps_refs_order_and_samples_under_another_seed),
        T(a_snapshot_keeps_native_histograms),
        T(an_empty_database_lasts_with_its_next_ref),
        T(what_nobody_wants_any_more_is_passed_over),
        T(labels_that_went_and_came_back_have_their_new_ref_and_no_old_samples),
        T(labels_that_are_dropped_now_are_dropped_from_what_was_saved),
        T(a_restore_counts_no_sample_as_late),
        T(more_series_than_the_ceiling_come_back_and_new_ones_wait),
        T(a_snapshot_taken_while_samples_come_in_is_made_whole_by_the_log),
        T(series_that_are_evicted_in_the_midst_of_a_save_leave_it_sound),
        T(a_section_that_makes_no_sense_is_refused_with_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
