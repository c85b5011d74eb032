/* audit.c: the log of who did what, each entry bound to the one before. */
#include "base/bytes.h"
#include "registry/registry_priv.h"

#include <inttypes.h>

#define ENTRY_BYTES_MAX (4u << 20)
#define VERIFIED_AT_ONCE 64 /* entries, while others wait */
#define REST "seq > ? AND (? = '' OR version = ?) AND (? = '' OR action = ?)"
#define COLUMNS "seq, at_ms, who, action, model, version, detail, previous, hash"

/* The hash of an entry: of its fields, each behind its length, and of the hash before. */
static enum ax_err entry_hash(const struct ax_audit_entry *e, char out[AX_SHA256_TEXT])
{
    struct ax_buf b;
    ax_buf_init(&b, ENTRY_BYTES_MAX);
    ax_put_i64(&b, e->seq);
    ax_put_i64(&b, e->at_ms);
    const struct ax_str fields[] = {e->who, e->action, e->model, e->version, e->detail, e->previous};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        ax_put_str(&b, fields[i]);
    const enum ax_err err = b.err;
    if (err == AX_OK)
        ax_sha256_text(ax_buf_view(&b), out);
    ax_buf_done(&b);
    return err;
}

static struct ax_audit_entry entry_of(sqlite3_stmt *s)
{
    return (struct ax_audit_entry){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), ax_sql_text(s, 2),
                                   ax_sql_text(s, 3),          ax_sql_text(s, 4),          ax_sql_text(s, 5),
                                   ax_sql_text(s, 6),          ax_sql_text(s, 7),          ax_sql_text(s, 8)};
}

enum ax_err ax_audit_append(struct ax_registry *r, const struct ax_registry_by *by, const char *action,
                            struct ax_str model, struct ax_str version, struct ax_str detail,
                            struct ax_diag *diag)
{
    struct ax_audit_entry e = {.seq = 1,
                               .at_ms = ax_clock_now(&r->clock),
                               .who = by->who.n ? by->who : ax_str("auspex"),
                               .action = ax_str(action),
                               .model = model,
                               .version = version,
                               .detail = detail,
                               .previous = ax_str("")};
    char hash[AX_SHA256_TEXT];
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", "");
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    if (err == AX_OK) {
        e.seq = sqlite3_column_int64(s, 0) + 1;
        e.previous = ax_sql_text(s, 1);
    }
    if (err == AX_OK || err == AX_NOTFOUND) {
        err = entry_hash(&e, hash);
        if (err != AX_OK)
            (void)ax_fail(diag, err, "an entry of the audit log: %s", ax_err_text(err));
    }
    if (err == AX_OK)
        err = ax_sql_run(r, diag, "INSERT INTO audit(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                         "iisssssss", e.seq, e.at_ms, e.who, e.action, e.model, e.version, e.detail,
                         e.previous, ax_str(hash));
    (void)sqlite3_finalize(s);
    return err;
}

enum ax_err ax_registry_note(struct ax_registry *r, struct ax_str name, struct ax_str version,
                             struct ax_str action, const struct ax_registry_by *by, struct ax_diag *diag)
{
    char text[64];
    if (action.n >= sizeof text)
        return ax_fail(diag, AX_LIMIT, "an action of the audit log has at most %zu bytes", sizeof text - 1);
    memcpy(text, action.p, action.n);
    text[action.n] = '\0';
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    return ax_registry_end(r, ax_audit_append(r, by, text, name, version, by->why, diag), diag);
}

/* Of a model by its index; the rest is few then. */
static sqlite3_stmt *select_entries(struct ax_registry *r, const struct ax_audit_query *q,
                                    struct ax_diag *diag)
{
    static const char *const texts[2][2] = {
        {"SELECT " COLUMNS " FROM audit WHERE ? = '' AND " REST " ORDER BY seq",
         "SELECT " COLUMNS " FROM audit WHERE ? = '' AND " REST " ORDER BY seq DESC"},
        {"SELECT " COLUMNS " FROM audit WHERE model = ? AND " REST " ORDER BY seq",
         "SELECT " COLUMNS " FROM audit WHERE model = ? AND " REST " ORDER BY seq DESC"}};
    return ax_sql_prepare(r, diag, texts[q->name.n > 0][q->newest], "sissss", q->name, q->after, q->version,
                          q->version, q->action, q->action);
}

enum ax_err ax_registry_audit(struct ax_registry *r, const struct ax_audit_query *q, ax_audit_visit *visit,
                              void *ctx, struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    sqlite3_stmt *s = select_entries(r, q, diag);
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK) {
        err = ax_sql_step(r, s, diag);
        if (err != AX_OK)
            break;
        const struct ax_audit_entry e = entry_of(s);
        if (!visit(ctx, &e))
            break;
    }
    (void)sqlite3_finalize(s);
    (void)pthread_mutex_unlock(&r->lock);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* How many entries there must be: the database counts those that it ever gave a number. */
static enum ax_err expected_entries(struct ax_registry *r, int64_t *out, struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", "");
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    *out = err == AX_OK ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* Check one entry against the one before, whose hash is in head. */
static enum ax_err check_entry(const struct ax_audit_entry *e, struct ax_registry_report *out,
                               struct ax_diag *diag)
{
    char hash[AX_SHA256_TEXT];
    if (e->seq != out->entries + 1)
        return ax_fail(diag, AX_CORRUPT, "audit log: entry %" PRId64 " is missing", out->entries + 1);
    const enum ax_err err = entry_hash(e, hash);
    if (err != AX_OK)
        return ax_fail(diag, err, "audit log: entry %" PRId64 ": %s", e->seq, ax_err_text(err));
    if (!ax_str_eq(e->previous, ax_str(out->head)))
        return ax_fail(diag, AX_CORRUPT, "audit log: entry %" PRId64 " does not follow the one before it",
                       e->seq);
    if (!ax_str_eq(e->hash, ax_str(hash)))
        return ax_fail(diag, AX_CORRUPT, "audit log: entry %" PRId64 " was changed after it was written",
                       e->seq);
    memcpy(out->head, hash, sizeof hash);
    out->entries = e->seq;
    return AX_OK;
}

enum ax_err ax_audit_verify(struct ax_registry *r, struct ax_registry_report *out, bool *more,
                            struct ax_diag *diag)
{
    int64_t expected = 0;
    const int64_t from = out->entries;
    enum ax_err err = expected_entries(r, &expected, diag);
    if (err != AX_OK)
        return err;
    sqlite3_stmt *s =
        ax_sql_prepare(r, diag, "SELECT " COLUMNS " FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", "ii",
                       from, (int64_t)VERIFIED_AT_ONCE);
    err = s ? AX_OK : AX_IO;
    while (err == AX_OK) {
        err = ax_sql_step(r, s, diag);
        if (err != AX_OK)
            break;
        const struct ax_audit_entry e = entry_of(s);
        err = check_entry(&e, out, diag);
    }
    (void)sqlite3_finalize(s);
    *more = err == AX_NOTFOUND && out->entries - from == VERIFIED_AT_ONCE;
    if (err == AX_NOTFOUND && !*more && out->entries < expected)
        return ax_fail(diag, AX_CORRUPT, "audit log: entry %" PRId64 " is missing", out->entries + 1);
    return err == AX_NOTFOUND ? AX_OK : err;
}
