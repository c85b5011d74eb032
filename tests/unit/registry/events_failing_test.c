/* The table of events while SQLite's memory, or its writing, fails: a row is there when the call says so, and
 * not when it says otherwise, also after the file is opened again. */
#include "ax_test.h"
#include "failing_sqlite.h"
#include "registry/events.h"
#include "scratch.h"

#include <stdio.h>
#include <unistd.h>

struct counted {
    uint32_t n, revoked;
    int64_t last;
};

static bool count(void *ctx, const struct ax_event *e)
{
    struct counted *c = ctx;
    c->n++;
    c->revoked += e->revoked_ms > 0;
    c->last = e->id;
    return true;
}

static struct counted rows(struct ax_events *events)
{
    struct counted c = {0};
    const struct ax_event_query all = {.limit = 100000};
    assert_int_equal(ax_events_each(events, &all, count, &c, NULL), AX_OK);
    return c;
}

/* Do everything with each call of the kind that is on failing in turn. */
static void try_all(enum failing_sqlite what)
{
    char path[SCRATCH_PATH], folder[SCRATCH_PATH];
    struct ax_events *events = NULL;
    struct counted want = {0};
    uint32_t refused = 0;
    bool failed = true;
    scratch_make(path, "events.db");
    assert_int_equal(ax_events_open(path, 100000, &events, NULL), AX_OK);
    for (uint32_t i = 1; failed; i++) {
        const struct ax_event e = {
            .kind = AX_EVENT_EXCLUSION, .to_ms = 1, .author = ax_str("jo"), .created_ms = 1};
        struct ax_diag diag = {{0}};
        int64_t id = 0;
        failing_sqlite_begin(what, i);
        enum ax_err err = ax_events_add(events, &e, &id, &diag);
        want.n += err == AX_OK;
        if (err == AX_OK) {
            err = ax_events_revoke(events, id, 2, ax_str("jo"), &diag);
            want.revoked += err == AX_OK;
        }
        failed = failing_sqlite_end();
        refused += err != AX_OK;
        assert_true(err == AX_OK || err == AX_IO || err == AX_NOMEM);
        assert_true((err == AX_OK) == (diag.text[0] == '\0'));
        assert_true(err == AX_OK || failed);
        if (i % 8 == 0 || !failed) {
            ax_events_close(events);
            assert_int_equal(ax_events_open(path, 100000, &events, NULL), AX_OK);
        }
        struct counted c = rows(events);
        if (c.n != want.n || c.revoked != want.revoked)
            fail_msg("%s, failure %u (%s): %u rows of %u, %u revoked of %u",
                     what == FAILING_SQLITE_MEMORY ? "memory" : "writing", i, diag.text, c.n, want.n,
                     c.revoked, want.revoked);
    }
    assert_true(refused > 3);
    ax_events_close(events);
    bool again = true;
    for (uint32_t i = 1; again; i++) { /* a start */
        struct ax_diag diag = {{0}};
        events = NULL;
        failing_sqlite_begin(what, i);
        enum ax_err err = ax_events_open(path, 100000, &events, &diag);
        again = failing_sqlite_end();
        assert_true(err == AX_OK || (again && diag.text[0] && !events));
        if (err == AX_OK)
            assert_int_equal(rows(events).n, want.n);
        ax_events_close(events);
    }
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    scratch_empty(folder);
    scratch_remove(path);
}

static void a_row_is_there_when_the_call_says_so_whatever_memory_there_was(void **state)
{
    (void)state;
    try_all(FAILING_SQLITE_MEMORY);
}

static void a_row_is_there_when_the_call_says_so_on_a_disk_that_is_full(void **state)
{
    (void)state;
    failing_sqlite_writes(true);
    try_all(FAILING_SQLITE_WRITES);
    failing_sqlite_writes(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_there_when_the_call_says_so_whatever_memory_there_was),
        cmocka_unit_test(a_row_is_there_when_the_call_says_so_on_a_disk_that_is_full),
    };
    return cmocka_run_group_tests(tests, failing_sqlite_setup, NULL);
}
