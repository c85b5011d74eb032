/* The table of events keeps what was said, tells what is in force, and opens nothing that it cannot read. */
#include "ax_test.h"
#include "registry/events.h"
#include "scratch.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 5

struct world {
    char path[SCRATCH_PATH];
    struct ax_events *events;
};

static void world_init(struct world *w)
{
    scratch_make(w->path, "events.db");
    assert_int_equal(ax_events_open(w->path, MOST, &w->events, NULL), AX_OK);
}

static void world_done(struct world *w)
{
    char folder[SCRATCH_PATH];
    ax_events_close(w->events);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(w->path, '/') - w->path), w->path);
    scratch_empty(folder);
    scratch_remove(w->path);
}

static int64_t add(struct world *w, enum ax_event_kind kind, const char *job, const char *selector)
{
    const struct ax_event e = {.kind = kind,
                               .job = ax_str(job),
                               .selector = ax_str(selector),
                               .from_ms = 1000,
                               .to_ms = 2000,
                               .author = ax_str("jo"),
                               .comment = ax_str("it's a \"backup\""),
                               .created_ms = 3000};
    int64_t id = 0;
    assert_int_equal(ax_events_add(w->events, &e, &id, NULL), AX_OK);
    return id;
}

struct seen {
    uint32_t n, most;
    int64_t ids[16];
    char texts[16][256];
};

static bool see(void *ctx, const struct ax_event *e)
{
    struct seen *s = ctx;
    s->ids[s->n] = e->id;
    (void)snprintf(s->texts[s->n++], sizeof s->texts[0],
                   "%s " AX_STR_FMT " " AX_STR_FMT " %lld-%lld " AX_STR_FMT ": " AX_STR_FMT
                   " %lld %lld " AX_STR_FMT,
                   ax_event_kind_name(e->kind), AX_STR_ARG(e->job), AX_STR_ARG(e->selector),
                   (long long)e->from_ms, (long long)e->to_ms, AX_STR_ARG(e->author), AX_STR_ARG(e->comment),
                   (long long)e->created_ms, (long long)e->revoked_ms, AX_STR_ARG(e->revoked_by));
    return s->n < (s->most ? s->most : 16);
}

static struct seen read_all(struct world *w, const struct ax_event_query *q)
{
    struct seen s = {0};
    assert_int_equal(ax_events_each(w->events, q, see, &s, NULL), AX_OK);
    return s;
}

static void what_was_said_is_there_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    int64_t id = add(&w, AX_EVENT_NOT_ANOMALY, "flow", "{instance=\"a\"}");
    ax_events_close(w.events);
    assert_int_equal(ax_events_open(w.path, MOST, &w.events, NULL), AX_OK);
    struct seen s = read_all(&w, &(struct ax_event_query){.limit = 9});
    assert_int_equal(s.n, 1);
    assert_true(s.ids[0] == id);
    assert_string_equal(s.texts[0],
                        "not_anomaly flow {instance=\"a\"} 1000-2000 jo: it's a \"backup\" 3000 0 ");
    world_done(&w);
}

static void what_was_revoked_is_history_and_no_more_in_force(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    int64_t a = add(&w, AX_EVENT_MISSED, "flow", ""), b = add(&w, AX_EVENT_MISSED, "flow", "");
    assert_int_equal(ax_events_revoke(w.events, a, 4000, ax_str("bo"), NULL), AX_OK);
    assert_int_equal(ax_events_revoke(w.events, a, 5000, ax_str("bo"), NULL), AX_CONFLICT);
    assert_int_equal(ax_events_revoke(w.events, 77, 5000, ax_str("bo"), NULL), AX_NOTFOUND);
    struct seen s = read_all(&w, &(struct ax_event_query){.limit = 9, .in_force = true});
    assert_int_equal(s.n, 1);
    assert_true(s.ids[0] == b);
    s = read_all(&w, &(struct ax_event_query){.limit = 9});
    assert_int_equal(s.n, 2);
    assert_non_null(strstr(s.texts[0], "3000 4000 bo"));
    world_done(&w);
}

static void a_job_is_told_what_is_said_of_it_and_of_all(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    int64_t mine = add(&w, AX_EVENT_MISSED, "flow", ""), all = add(&w, AX_EVENT_MISSED, "", "");
    (void)add(&w, AX_EVENT_MISSED, "other", "");
    int64_t promotion = add(&w, AX_EVENT_PROMOTION, "flow", "");
    struct seen s = read_all(&w, &(struct ax_event_query){.job = ax_str("flow"), .limit = 9});
    assert_int_equal(s.n, 3);
    assert_true(s.ids[0] == mine && s.ids[1] == all && s.ids[2] == promotion);
    s = read_all(&w, &(struct ax_event_query){.job = ax_str("flow"), .limit = 9, .feedback = true});
    assert_int_equal(s.n, 2);
    s = read_all(&w, &(struct ax_event_query){.job = ax_str("flow"), .after = mine, .limit = 1});
    assert_int_equal(s.n, 1);
    assert_true(s.ids[0] == all);
    world_done(&w);
}

static void a_visitor_may_have_seen_enough(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int i = 0; i < 5; i++)
        (void)add(&w, AX_EVENT_INCIDENT, "flow", "");
    struct seen s = {.most = 2};
    assert_int_equal(ax_events_each(w.events, &(struct ax_event_query){.limit = 9}, see, &s, NULL), AX_OK);
    assert_int_equal(s.n, 2);
    world_done(&w);
}

static void as_much_is_in_force_as_there_is_room_for_also_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    struct ax_diag diag = {{0}};
    const struct ax_event e = {.kind = AX_EVENT_EXCLUSION};
    int64_t id = 0, first = 0;
    world_init(&w);
    for (int i = 0; i < MOST; i++)
        id = add(&w, AX_EVENT_MISSED, "", "");
    first = id - MOST + 1;
    assert_int_equal(ax_events_add(w.events, &e, &id, &diag), AX_LIMIT);
    assert_non_null(strstr(diag.text, "revoke old ones"));
    ax_events_close(w.events);
    assert_int_equal(ax_events_open(w.path, MOST, &w.events, NULL), AX_OK);
    assert_int_equal(ax_events_add(w.events, &e, &id, NULL), AX_LIMIT);
    (void)add(&w, AX_EVENT_INCIDENT, "", ""); /* is no feedback */
    assert_int_equal(ax_events_revoke(w.events, first, 1, ax_str("jo"), NULL), AX_OK);
    assert_int_equal(ax_events_add(w.events, &e, &id, NULL), AX_OK);
    assert_int_equal(ax_events_add(w.events, &e, &id, NULL), AX_LIMIT);
    world_done(&w);
}

static void what_was_revoked_first_is_forgotten_first(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    for (int64_t i = 1; i <= 3L * MOST; i++) {
        const int64_t id = add(&w, AX_EVENT_MISSED, "", "");
        assert_true(id == i);
        assert_int_equal(ax_events_revoke(w.events, id, 1000 + i, ax_str("jo"), NULL), AX_OK);
        assert_int_equal(ax_events_revoke(w.events, id, 1000 + i, ax_str("jo"), NULL), AX_CONFLICT);
    }
    const struct seen s = read_all(&w, &(struct ax_event_query){.limit = 99});
    assert_int_equal(s.n, MOST);
    assert_true(s.ids[0] == 2L * MOST + 1 && s.ids[MOST - 1] == 3L * MOST);
    assert_int_equal(ax_events_revoke(w.events, 1, 9, ax_str("jo"), NULL), AX_NOTFOUND);
    world_done(&w);
}

static void files_that_are_none_are_refused_with_a_text(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    struct ax_events *events = NULL;
    struct ax_diag diag = {{0}};
    sqlite3 *db;
    scratch_make(path, "events.db");
    static const char text[] = "this is a text that is no database, and long enough to be looked at .......";
    scratch_write(path, text, sizeof text);
    assert_int_equal(ax_events_open(path, MOST, &events, &diag), AX_CORRUPT);
    assert_non_null(strstr(diag.text, "move it away"));
    scratch_write(path, "", 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=9", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(ax_events_open(path, MOST, &events, &diag), AX_UNSUPPORTED);
    assert_int_equal(ax_events_open("/proc/no/such/events.db", MOST, &events, &diag), AX_IO);
    scratch_remove(path);
}

static void kinds_have_names(void **state)
{
    (void)state;
    enum ax_event_kind kind;
    for (enum ax_event_kind k = AX_EVENT_NOT_ANOMALY; k <= AX_EVENT_PROMOTION; k++) {
        assert_int_equal(ax_event_kind_parse(ax_str(ax_event_kind_name(k)), &kind), AX_OK);
        assert_int_equal(kind, k);
    }
    assert_int_equal(ax_event_kind_parse(ax_str("Missed"), &kind), AX_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_there_after_a_restart),
        cmocka_unit_test(what_was_revoked_is_history_and_no_more_in_force),
        cmocka_unit_test(a_job_is_told_what_is_said_of_it_and_of_all),
        cmocka_unit_test(a_visitor_may_have_seen_enough),
        cmocka_unit_test(as_much_is_in_force_as_there_is_room_for_also_after_a_restart),
        cmocka_unit_test(what_was_revoked_first_is_forgotten_first),
        cmocka_unit_test(files_that_are_none_are_refused_with_a_text),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
