/* A process that appends is killed at any moment: what it was told is kept is there for the next. */
#include "ax_test.h"
#include "base/rng.h"
#include "scratch.h"
#include "store/seglog.h"
#include "store/snapshot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 30

static struct ax_str body_of(uint32_t i, char buf[8192])
{
    int n = snprintf(buf, 8192, "%0*u", 1 + (int)(i * 37 % 5000), i);
    return (struct ax_str){buf, (size_t)n};
}

/* The process that is killed: appends records from `next` on, says so after each, and now and then takes a
 * snapshot and cuts the log before it. */
static void append_for_ever(const char *dir, const char *snapshots, uint32_t next, int said)
{
    struct ax_seglog *log;
    struct ax_snapshot_writer *w;
    char buf[8192];
    uint64_t end = 0, before = 0; /* before: of the snapshot before */
    enum ax_err err =
        ax_seglog_open(&(struct ax_seglog_options){.dir = dir, .segment_bytes = 20000}, &log, NULL, NULL);
    for (uint32_t i = next; err == AX_OK; i++) {
        err = ax_seglog_append(log, 1, body_of(i, buf), &end, NULL);
        if (err == AX_OK && write(said, &i, sizeof i) != sizeof i)
            break;
        if (i % 50 == 0 && ax_snapshot_begin(snapshots, end, &w, NULL) == AX_OK) {
            uint32_t count = i + 1;
            ax_snapshot_put(w, 1, (struct ax_str){(const char *)&count, sizeof count});
            if (ax_snapshot_commit(w, NULL) == AX_OK &&
                ax_snapshot_prune(snapshots, before, before, NULL) == AX_OK)
                err = ax_seglog_cut(log, before, NULL);
            before = end;
        }
    }
    _exit(1);
}

/* Kill it after some records; returns how many it said it had kept, from `next` on. */
static uint32_t run_and_kill(const char *dir, const char *snapshots, uint32_t next, uint32_t records,
                             uint64_t spin)
{
    int said[2];
    uint32_t i;
    assert_int_equal(pipe(said), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(said[0]);
        append_for_ever(dir, snapshots, next, said[1]);
    }
    (void)close(said[1]);
    uint32_t n = 0;
    while (n < records && read(said[0], &i, sizeof i) == sizeof i)
        n++;
    for (volatile uint64_t k = 0; k < spin; k++) {
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(said[0], &i, sizeof i) == sizeof i)
        n++;
    (void)close(said[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return n;
}

static void what_was_kept_before_a_kill_is_there_after_it(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], snapshots[SCRATCH_PATH], buf[8192];
    struct ax_rng rng;
    uint32_t next = 0;
    scratch_make(dir, "wal");
    (void)snprintf(snapshots, sizeof snapshots, "%.240s-snap", dir);
    ax_rng_seed(&rng, 1);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t said = run_and_kill(dir, snapshots, next, 1 + (uint32_t)ax_rng_below(&rng, 100),
                                     ax_rng_below(&rng, 200000));
        struct ax_diag diag = {{0}}, passed;
        struct ax_snapshot *s = NULL;
        struct ax_str body;
        uint8_t type;
        uint64_t from = 0;
        uint32_t i = 0;
        if (ax_snapshot_open(snapshots, &s, &passed, &diag) == AX_OK) {
            assert_true(ax_snapshot_next(s, &type, &body));
            memcpy(&i, body.p, sizeof i);
            from = ax_snapshot_position(s);
            assert_string_equal(passed.text, "");
        }
        ax_snapshot_close(s);
        struct ax_seglog *log;
        struct ax_seglog_reader *r;
        struct ax_seglog_record record;
        struct ax_seglog_report report;
        struct ax_seglog_options o = {.dir = dir, .check_from = from};
        assert_int_equal(ax_seglog_open(&o, &log, &report, &diag), AX_OK);
        assert_int_equal(report.damaged + report.missing_segments, 0);
        assert_int_equal(ax_seglog_reader_new(log, from, &r), AX_OK);
        enum ax_err err;
        while ((err = ax_seglog_read(r, &record, &diag)) == AX_OK)
            assert_true(ax_str_eq(record.body, body_of(i++, buf)));
        assert_int_equal(err, AX_NOTREADY);
        assert_true(i >= next + said);     /* all that it said, */
        assert_true(i <= next + said + 1); /* and perhaps the one that it could not say any more */
        next = i;
        ax_seglog_reader_free(r);
        ax_seglog_close(log);
    }
    assert_true(next > ROUNDS * 10);
    scratch_remove(snapshots);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_before_a_kill_is_there_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
