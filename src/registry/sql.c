/* sql.c: SQLite's calls with this house's errors. */
#include "base/assert.h"
#include "registry/registry_priv.h"

#include <stdarg.h>

enum ax_err ax_sql_fail(const struct ax_registry *r, struct ax_diag *diag)
{
    const char *file = r->folder.path;
    switch (sqlite3_errcode(r->db) & 0xff) {
    case SQLITE_FULL:
        return ax_fail(diag, AX_IO,
                       "%s/models.db: the disk is full, nothing has changed: make room, and try again", file);
    case SQLITE_NOMEM:
        return ax_fail(diag, AX_NOMEM, "out of memory");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ax_fail(diag, AX_CORRUPT,
                       "%s/models.db is damaged (%s): restore it, or move it away to begin with none", file,
                       sqlite3_errmsg(r->db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ax_fail(diag, AX_BUSY, "%s/models.db is held by another program: close it, and try again",
                       file);
    default:
        return ax_fail(diag, AX_IO, "%s/models.db: %s", file, sqlite3_errmsg(r->db));
    }
}

static sqlite3_stmt *prepare(const struct ax_registry *r, struct ax_diag *diag, const char *sql,
                             const char *types, va_list values)
{
    sqlite3_stmt *s = NULL;
    int failed = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
    for (int i = 0; !failed && types[i]; i++) {
        AX_ASSERT(types[i] == 's' || types[i] == 'i');
        if (types[i] == 'i') {
            failed = sqlite3_bind_int64(s, i + 1, va_arg(values, int64_t));
        } else {
            const struct ax_str text = va_arg(values, struct ax_str);
            failed = sqlite3_bind_text(s, i + 1, text.n ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
        }
    }
    if (!failed)
        return s;
    (void)ax_sql_fail(r, diag);
    (void)sqlite3_finalize(s);
    return NULL;
}

sqlite3_stmt *ax_sql_prepare(const struct ax_registry *r, struct ax_diag *diag, const char *sql,
                             const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *s = prepare(r, diag, sql, types, values);
    va_end(values);
    return s;
}

enum ax_err ax_sql_step(const struct ax_registry *r, sqlite3_stmt *s, struct ax_diag *diag)
{
    const int result = sqlite3_step(s);
    return result == SQLITE_ROW ? AX_OK : result == SQLITE_DONE ? AX_NOTFOUND : ax_sql_fail(r, diag);
}

enum ax_err ax_sql_run(const struct ax_registry *r, struct ax_diag *diag, const char *sql, const char *types,
                       ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *s = prepare(r, diag, sql, types, values);
    va_end(values);
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK)
        err = ax_sql_step(r, s, diag);
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

enum ax_err ax_sql_script(const struct ax_registry *r, const char *sql, struct ax_diag *diag)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK ? AX_OK : ax_sql_fail(r, diag);
}

struct ax_str ax_sql_text(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return (struct ax_str){text ? text : "", text ? (size_t)sqlite3_column_bytes(s, column) : 0};
}

enum ax_err ax_registry_begin(struct ax_registry *r, struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    const enum ax_err err = ax_sql_script(r, "BEGIN IMMEDIATE", diag);
    if (err != AX_OK)
        (void)pthread_mutex_unlock(&r->lock);
    return err;
}

enum ax_err ax_registry_settle(struct ax_registry *r, enum ax_err err, struct ax_diag *diag)
{
    if (err == AX_OK)
        err = ax_sql_script(r, "COMMIT", diag);
    if (err != AX_OK && !sqlite3_get_autocommit(r->db))
        (void)sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

enum ax_err ax_registry_end(struct ax_registry *r, enum ax_err err, struct ax_diag *diag)
{
    err = ax_registry_settle(r, err, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}
