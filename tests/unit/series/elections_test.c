/* After a restart the same replica of a cluster is listened to, by the log and by a snapshot. */
#include "ax_test.h"
#include "scratch.h"
#include "series/journal.h"
#include "series/state.h"
#include "series_world.h"
#include "store/records.h"

#include <stdio.h>

static int64_t now_ms = 1000000;
static struct ax_matcher *matcher;

static int start(void **state)
{
    (void)state;
    return ax_matcher_new(AX_MATCH_EQ, ax_str("__name__"), ax_str("m"), &matcher, NULL) != AX_OK;
}

static int stop(void **state)
{
    (void)state;
    ax_matcher_free(matcher);
    return 0;
}

/* One life of the process: its seed is another one each time. */
static struct ax_db *life(uint64_t seed)
{
    const struct ax_ha_options ha = {.cluster_label = ax_str("cluster"),
                                     .replica_label = ax_str("__replica__"),
                                     .failover_ms = 30000,
                                     .clusters_max = 20,
                                     .clock = ax_clock_virtual(&now_ms)};
    struct ax_db *db =
        ax_db_new(&(struct ax_db_options){.seed = seed, .series_max = 100, .negative_max = 64, .ha = &ha});
    assert_non_null(db);
    assert_true(ax_db_add_selector(db, ax_str(""), &matcher, 1, 3600000, NULL) >= 0);
    return db;
}

static enum ax_fate say(struct ax_db *db, const char *replica, struct ax_journal *journal)
{
    char text[80];
    struct ax_buf key;
    struct ax_diag diag;
    const struct ax_sample sample = {now_ms, 1};
    (void)snprintf(text, sizeof text, "m{cluster=\"eu\",__replica__=\"%s\"}", replica);
    struct ax_append a = {.key = series_world_key(&key, text), .samples = &sample, .n = 1};
    ax_db_append_one(db, ax_str(""), &a, journal, &diag);
    ax_buf_done(&key);
    now_ms += 1000;
    return a.fate;
}

/* Replica b is listened to, because a fell silent. */
static void elect_b(struct ax_db *db, struct ax_seglog *log)
{
    struct ax_journal journal;
    struct ax_diag diag = {{0}};
    ax_journal_init(&journal);
    const char *const who[] = {"a", "b"};
    for (int i = 0; i < 2; i++) {
        ax_journal_reset(&journal);
        assert_int_equal(say(db, who[i], &journal), AX_FATE_WANTED);
        if (log)
            assert_int_equal(ax_journal_append(&journal, db, log, &diag), AX_OK);
        now_ms += 30000;
    }
    ax_journal_done(&journal);
    now_ms -= 30000;
}

static void assert_b_is_listened_to(struct ax_db *db)
{
    assert_int_equal(say(db, "a", NULL), AX_FATE_REPLICA);
    assert_int_equal(say(db, "b", NULL), AX_FATE_WANTED);
    assert_int_equal(say(db, "a", NULL), AX_FATE_REPLICA);
}

static void by_the_log(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    struct ax_seglog *log = NULL;
    struct ax_seglog_reader *reader = NULL;
    struct ax_seglog_record record;
    struct ax_restore *restore;
    struct ax_diag diag = {{0}};
    scratch_make(folder, NULL);
    assert_int_equal(ax_seglog_open(&(struct ax_seglog_options){.dir = folder}, &log, NULL, &diag), AX_OK);
    struct ax_db *db = life(1);
    elect_b(db, log);
    ax_db_free(db);
    db = life(2);
    uint32_t elections = 0;
    assert_int_equal(ax_restore_new(db, &restore), AX_OK);
    assert_int_equal(ax_seglog_reader_new(log, 0, &reader), AX_OK);
    while (ax_seglog_read(reader, &record, &diag) == AX_OK) {
        elections += record.type == AX_WAL_ELECTIONS;
        assert_int_equal(record.type == AX_WAL_ELECTIONS ? ax_restore_elections(restore, record.body, &diag)
                                                         : ax_restore_samples(restore, record.body, &diag),
                         AX_OK);
    }
    assert_int_equal(elections, 2);
    assert_int_equal(ax_restore_elections(restore, ax_str("\x02what"), &diag), AX_CORRUPT);
    ax_restore_end(restore, NULL);
    assert_b_is_listened_to(db);
    ax_seglog_reader_free(reader);
    ax_seglog_close(log);
    ax_db_free(db);
    scratch_remove(folder);
}

static void by_a_snapshot(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    struct ax_snapshot_writer *w = NULL;
    struct ax_snapshot *snapshot = NULL;
    struct ax_restore *restore;
    struct ax_diag diag = {{0}};
    scratch_make(folder, NULL);
    struct ax_db *db = life(1);
    elect_b(db, NULL);
    assert_int_equal(ax_snapshot_begin(folder, 7, &w, &diag), AX_OK);
    assert_int_equal(ax_db_save(db, w, &diag), AX_OK);
    assert_int_equal(ax_snapshot_commit(w, &diag), AX_OK);
    ax_db_free(db);
    db = life(2);
    uint8_t type;
    struct ax_str body;
    assert_int_equal(ax_restore_new(db, &restore), AX_OK);
    assert_int_equal(ax_snapshot_open(folder, &snapshot, NULL, &diag), AX_OK);
    while (ax_snapshot_next(snapshot, &type, &body))
        assert_int_equal(type == AX_SECTION_ELECTIONS ? ax_restore_elections(restore, body, &diag)
                                                      : ax_restore_section(restore, body, &diag),
                         AX_OK);
    ax_snapshot_close(snapshot);
    ax_restore_end(restore, NULL);
    assert_b_is_listened_to(db);
    ax_db_free(db);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_log),
        cmocka_unit_test(by_a_snapshot),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
