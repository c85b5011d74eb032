/* events.c: the table of events in SQLite. */
#include "registry/events.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#define FORMAT 1 /* PRAGMA user_version */
#define BUSY_MS 1000

struct ax_events {
    sqlite3 *db;
    char *path;
    uint32_t most;
    uint64_t in_force, revoked; /* rows of feedback; rows of any kind */
    pthread_mutex_t lock;
};

static const char *const kind_names[] = {
    [AX_EVENT_NOT_ANOMALY] = "not_anomaly", [AX_EVENT_MISSED] = "missed",
    [AX_EVENT_EXCLUSION] = "exclusion",     [AX_EVENT_INCIDENT] = "incident",
    [AX_EVENT_PROMOTION] = "promotion",
};

const char *ax_event_kind_name(enum ax_event_kind kind)
{
    return kind_names[kind];
}

enum ax_err ax_event_kind_parse(struct ax_str name, enum ax_event_kind *out)
{
    for (enum ax_event_kind k = AX_EVENT_NOT_ANOMALY; k <= AX_EVENT_PROMOTION; k++) {
        if (ax_str_eq(name, ax_str(kind_names[k]))) {
            *out = k;
            return AX_OK;
        }
    }
    return AX_INVALID;
}

/* What went wrong with the database, in words. */
static enum ax_err fail(const struct ax_events *e, struct ax_diag *diag)
{
    switch (sqlite3_errcode(e->db) & 0xff) {
    case SQLITE_FULL:
        return ax_fail(diag, AX_IO, "%s: the disk is full, nothing has changed: make room, and try again",
                       e->path);
    case SQLITE_NOMEM:
        return ax_fail(diag, AX_NOMEM, "out of memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ax_fail(diag, AX_CORRUPT, "%s is damaged (%s): restore it, or move it away to begin with none",
                       e->path, sqlite3_errmsg(e->db));
    case SQLITE_BUSY:
        return ax_fail(diag, AX_BUSY, "%s is held by another program: close it, and try again", e->path);
    default:
        return ax_fail(diag, AX_IO, "%s: %s", e->path, sqlite3_errmsg(e->db));
    }
}

static enum ax_err run(struct ax_events *e, const char *sql, struct ax_diag *diag)
{
    return sqlite3_exec(e->db, sql, NULL, NULL, NULL) == SQLITE_OK ? AX_OK : fail(e, diag);
}

static void bind_text(sqlite3_stmt *s, int i, struct ax_str text)
{
    (void)sqlite3_bind_text(s, i, text.n ? text.p : "", (int)text.n, SQLITE_STATIC);
}

static struct ax_str column_text(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return (struct ax_str){text, text ? (size_t)sqlite3_column_bytes(s, i) : 0};
}

static enum ax_err make_table(struct ax_events *e, struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(e->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW) {
        (void)sqlite3_finalize(s);
        return fail(e, diag);
    }
    int format = sqlite3_column_int(s, 0);
    (void)sqlite3_finalize(s);
    if (format > FORMAT)
        return ax_fail(diag, AX_UNSUPPORTED, "%s was written by a later version of Auspex (format %d)",
                       e->path, format);
    enum ax_err err = run(e, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", diag);
    if (err == AX_OK && format == 0)
        err = run(e,
                  "BEGIN;"
                  "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
                  " job TEXT NOT NULL, selector TEXT NOT NULL, from_ms INTEGER NOT NULL,"
                  " to_ms INTEGER NOT NULL, author TEXT NOT NULL, comment TEXT NOT NULL,"
                  " created_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL DEFAULT 0,"
                  " revoked_by TEXT NOT NULL DEFAULT '') STRICT;"
                  "PRAGMA user_version=1; COMMIT;",
                  diag);
    return err;
}

/* A number that the table answers with. */
static enum ax_err ask(struct ax_events *e, const char *sql, uint64_t *out, struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    enum ax_err err = AX_OK;
    if (sqlite3_prepare_v2(e->db, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        err = fail(e, diag);
    else
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    return err;
}

static enum ax_err count_rows(struct ax_events *e, struct ax_diag *diag)
{
    enum ax_err err =
        ask(e, "SELECT count(*) FROM events WHERE revoked_ms=0 AND kind<=3", &e->in_force, diag);
    return err == AX_OK ? ask(e, "SELECT count(*) FROM events WHERE revoked_ms<>0", &e->revoked, diag) : err;
}

enum ax_err ax_events_open(const char *path, uint32_t most, struct ax_events **out, struct ax_diag *diag)
{
    struct ax_events *e = calloc(1, sizeof *e);
    if (!e || !(e->path = strdup(path))) {
        free(e);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    e->most = most;
    (void)pthread_mutex_init(&e->lock, NULL);
    enum ax_err err = AX_OK;
    if (sqlite3_open_v2(path, &e->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        err = e->db ? fail(e, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        (void)sqlite3_busy_timeout(e->db, BUSY_MS);
        err = make_table(e, diag);
    }
    if (err == AX_OK)
        err = count_rows(e, diag);
    if (err != AX_OK) {
        ax_events_close(e);
        return err;
    }
    *out = e;
    return AX_OK;
}

void ax_events_close(struct ax_events *e)
{
    if (!e)
        return;
    (void)sqlite3_close(e->db);
    (void)pthread_mutex_destroy(&e->lock);
    free(e->path);
    free(e);
}

static enum ax_err add(struct ax_events *e, const struct ax_event *event, struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    const bool feedback = event->kind <= AX_EVENT_EXCLUSION;
    if (feedback && e->in_force >= e->most)
        return ax_fail(diag, AX_LIMIT,
                       "%llu are in force, and %u can be (--feedback.max-events): revoke old ones",
                       (unsigned long long)e->in_force, e->most);
    if (sqlite3_prepare_v2(e->db,
                           "INSERT INTO events(kind, job, selector, from_ms, to_ms, author, comment,"
                           " created_ms) VALUES(?,?,?,?,?,?,?,?)",
                           -1, &s, NULL) != SQLITE_OK)
        return fail(e, diag);
    (void)sqlite3_bind_int(s, 1, (int)event->kind);
    bind_text(s, 2, event->job);
    bind_text(s, 3, event->selector);
    (void)sqlite3_bind_int64(s, 4, event->from_ms);
    (void)sqlite3_bind_int64(s, 5, event->to_ms);
    bind_text(s, 6, event->author);
    bind_text(s, 7, event->comment);
    (void)sqlite3_bind_int64(s, 8, event->created_ms);
    enum ax_err err = sqlite3_step(s) == SQLITE_DONE ? AX_OK : fail(e, diag);
    (void)sqlite3_finalize(s);
    e->in_force += err == AX_OK && feedback;
    return err;
}

enum ax_err ax_events_add(struct ax_events *e, const struct ax_event *event, int64_t *out_id,
                          struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = add(e, event, diag);
    if (err == AX_OK)
        *out_id = sqlite3_last_insert_rowid(e->db);
    (void)pthread_mutex_unlock(&e->lock);
    return err;
}

/* Is there such a row at all? Why a revocation changed nothing. */
static enum ax_err why_not(struct ax_events *e, int64_t id, struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(e->db, "SELECT 1 FROM events WHERE id=?", -1, &s, NULL) != SQLITE_OK)
        return fail(e, diag);
    (void)sqlite3_bind_int64(s, 1, id);
    int found = sqlite3_step(s);
    (void)sqlite3_finalize(s);
    if (found == SQLITE_ROW)
        return ax_fail(diag, AX_CONFLICT, "event %lld was revoked before", (long long)id);
    return found == SQLITE_DONE ? ax_fail(diag, AX_NOTFOUND, "there is no event %lld", (long long)id)
                                : fail(e, diag);
}

/* Let go of what was revoked first, beyond the room for it. Should that fail, it is tried again with the next
 * revocation. */
static void trim(struct ax_events *e)
{
    sqlite3_stmt *s = NULL;
    if (e->revoked <= e->most ||
        sqlite3_prepare_v2(e->db,
                           "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE revoked_ms<>0"
                           " ORDER BY revoked_ms, id LIMIT ?)",
                           -1, &s, NULL) != SQLITE_OK)
        return;
    (void)sqlite3_bind_int64(s, 1, (int64_t)(e->revoked - e->most));
    if (sqlite3_step(s) == SQLITE_DONE)
        e->revoked -= (uint64_t)sqlite3_changes(e->db);
    (void)sqlite3_finalize(s);
}

static enum ax_err revoke(struct ax_events *e, int64_t id, int64_t now_ms, struct ax_str by,
                          struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(e->db,
                           "UPDATE events SET revoked_ms=?, revoked_by=? WHERE id=? AND revoked_ms=0"
                           " RETURNING kind",
                           -1, &s, NULL) != SQLITE_OK)
        return fail(e, diag);
    (void)sqlite3_bind_int64(s, 1, now_ms);
    bind_text(s, 2, by);
    (void)sqlite3_bind_int64(s, 3, id);
    int step = sqlite3_step(s);
    const bool found = step == SQLITE_ROW, feedback = found && sqlite3_column_int(s, 0) <= AX_EVENT_EXCLUSION;
    if (found)
        step = sqlite3_step(s);
    enum ax_err err = step == SQLITE_DONE ? AX_OK : fail(e, diag);
    (void)sqlite3_finalize(s);
    if (err != AX_OK || !found)
        return err != AX_OK ? err : why_not(e, id, diag);
    e->in_force -= feedback;
    e->revoked++;
    trim(e);
    return AX_OK;
}

enum ax_err ax_events_revoke(struct ax_events *e, int64_t id, int64_t now_ms, struct ax_str by,
                             struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = revoke(e, id, now_ms, by, diag);
    (void)pthread_mutex_unlock(&e->lock);
    return err;
}

static enum ax_err each(struct ax_events *e, const struct ax_event_query *query, ax_event_visit *visit,
                        void *ctx, struct ax_diag *diag)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(e->db,
                           "SELECT id, kind, job, selector, from_ms, to_ms, author, comment, created_ms,"
                           " revoked_ms, revoked_by FROM events WHERE id > ?1 AND (?2='' OR job='' OR job=?2)"
                           " AND (?3=0 OR revoked_ms=0) AND (?4=0 OR kind<=3) ORDER BY id LIMIT ?5",
                           -1, &s, NULL) != SQLITE_OK)
        return fail(e, diag);
    (void)sqlite3_bind_int64(s, 1, query->after);
    bind_text(s, 2, query->job);
    (void)sqlite3_bind_int(s, 3, query->in_force);
    (void)sqlite3_bind_int(s, 4, query->feedback);
    (void)sqlite3_bind_int64(s, 5, query->limit);
    int step;
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        const struct ax_event event = {.id = sqlite3_column_int64(s, 0),
                                       .kind = (enum ax_event_kind)sqlite3_column_int(s, 1),
                                       .job = column_text(s, 2),
                                       .selector = column_text(s, 3),
                                       .from_ms = sqlite3_column_int64(s, 4),
                                       .to_ms = sqlite3_column_int64(s, 5),
                                       .author = column_text(s, 6),
                                       .comment = column_text(s, 7),
                                       .created_ms = sqlite3_column_int64(s, 8),
                                       .revoked_ms = sqlite3_column_int64(s, 9),
                                       .revoked_by = column_text(s, 10)};
        if (event.kind < AX_EVENT_NOT_ANOMALY || event.kind > AX_EVENT_PROMOTION)
            continue; /* a later version knows what it is */
        if (!visit(ctx, &event))
            break;
    }
    enum ax_err err = step == SQLITE_ROW || step == SQLITE_DONE ? AX_OK : fail(e, diag);
    (void)sqlite3_finalize(s);
    return err;
}

enum ax_err ax_events_each(struct ax_events *e, const struct ax_event_query *query, ax_event_visit *visit,
                           void *ctx, struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = each(e, query, visit, ctx, diag);
    (void)pthread_mutex_unlock(&e->lock);
    return err;
}
