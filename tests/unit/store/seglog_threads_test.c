/* Many threads at one log: appenders, readers that follow, one that syncs and one that cuts. */
#include "ax_test.h"
#include "scratch.h"
#include "store/seglog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPENDERS 3
#define EACH 400

struct world {
    char dir[SCRATCH_PATH];
    struct ax_seglog *log;
    atomic_uint appending; /* appenders that are not done */
    bool cutting;
    _Atomic uint64_t read_to[2]; /* where the readers stand; a cut stays behind them */
};

struct appender {
    struct world *w;
    uint8_t who;
    uint32_t failed;
};

static void *append_all(void *arg)
{
    struct appender *a = arg;
    uint64_t last = 0, end;
    for (uint32_t i = 0; i < EACH; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%u by %u %0*u", i, a->who, (int)(i % 40), i);
        a->failed += ax_seglog_append2(a->w->log, a->who, ax_str(text), ax_str("!"), &end, NULL) != AX_OK;
        a->failed += end <= last;
        last = end;
        if (i % 50 == 49)
            ax_seglog_roll(a->w->log);
    }
    atomic_fetch_sub(&a->w->appending, 1);
    return NULL;
}

/* Follows the log until all is there; counts what is not as appended. */
struct follower {
    struct world *w;
    uint32_t which, wrong, seen[APPENDERS];
};

static void look_at(struct follower *f, const struct ax_seglog_record *record)
{
    char text[64];
    if (record->type >= APPENDERS) {
        f->wrong++;
        return;
    }
    uint32_t i = f->seen[record->type]++;
    (void)snprintf(text, sizeof text, "%u by %u %0*u!", i, record->type, (int)(i % 40), i);
    f->wrong += !ax_str_eq(record->body, ax_str(text));
}

static void *follow(void *arg)
{
    struct follower *f = arg;
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    f->wrong += ax_seglog_reader_new(f->w->log, 0, &r) != AX_OK;
    for (bool done = false;;) {
        enum ax_err err = ax_seglog_read(r, &record, NULL);
        if (err == AX_OK) {
            look_at(f, &record);
            f->wrong += record.end > ax_seglog_end(f->w->log);
        } else if (err != AX_NOTREADY) {
            f->wrong++;
            break;
        } else if (done) {
            break;
        } else {
            done = atomic_load(&f->w->appending) == 0; /* then once more to the end */
        }
        atomic_store(&f->w->read_to[f->which], ax_seglog_reader_at(r));
    }
    atomic_store(&f->w->read_to[f->which], UINT64_MAX);
    ax_seglog_reader_free(r);
    return NULL;
}

static void *sync_and_cut(void *arg)
{
    struct world *w = arg;
    uintptr_t failed = 0;
    while (atomic_load(&w->appending) > 0) {
        failed += ax_seglog_sync(w->log, NULL) != AX_OK;
        uint64_t a = atomic_load(&w->read_to[0]), b = atomic_load(&w->read_to[1]);
        if (w->cutting)
            failed += ax_seglog_cut(w->log, a < b ? a : b, NULL) != AX_OK;
        /* The end last, for it moves. */
        uint64_t begin = ax_seglog_begin(w->log), segment = ax_seglog_segment(w->log, ax_seglog_end(w->log));
        uint64_t end = ax_seglog_end(w->log);
        failed += begin > end;
        failed += segment > end;
    }
    return (void *)failed;
}

static void everyone_at_once(bool cutting)
{
    struct world w = {.cutting = cutting};
    struct ax_diag diag;
    struct appender appenders[APPENDERS];
    struct follower followers[2];
    pthread_t appending[APPENDERS], following[2], tending;
    void *failed;
    scratch_make(w.dir, "wal");
    struct ax_seglog_options o = {.dir = w.dir, .segment_bytes = 2000};
    assert_int_equal(ax_seglog_open(&o, &w.log, NULL, &diag), AX_OK);
    atomic_store(&w.appending, APPENDERS);
    for (uint32_t i = 0; i < 2; i++) {
        followers[i] = (struct follower){.w = &w, .which = i};
        assert_int_equal(pthread_create(&following[i], NULL, follow, &followers[i]), 0);
    }
    for (uint32_t i = 0; i < APPENDERS; i++) {
        appenders[i] = (struct appender){.w = &w, .who = (uint8_t)i};
        assert_int_equal(pthread_create(&appending[i], NULL, append_all, &appenders[i]), 0);
    }
    assert_int_equal(pthread_create(&tending, NULL, sync_and_cut, &w), 0);
    for (uint32_t i = 0; i < APPENDERS; i++) {
        assert_int_equal(pthread_join(appending[i], NULL), 0);
        assert_int_equal(appenders[i].failed, 0);
    }
    assert_int_equal(pthread_join(tending, &failed), 0);
    assert_null(failed);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(following[i], NULL), 0);
        assert_int_equal(followers[i].wrong, 0);
        for (uint32_t k = 0; k < APPENDERS; k++)
            assert_int_equal(followers[i].seen[k], EACH);
    }
    ax_seglog_close(w.log);
    scratch_remove(w.dir);
}

static void readers_follow_while_others_append_and_sync(void **state)
{
    (void)state;
    everyone_at_once(false);
}

static void nothing_is_lost_when_a_cut_follows_the_readers(void **state)
{
    (void)state;
    everyone_at_once(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_follow_while_others_append_and_sync),
        cmocka_unit_test(nothing_is_lost_when_a_cut_follows_the_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
