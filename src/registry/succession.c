/* succession.c: who served before whom, as the audit log tells.
 *
 * A version that goes to production follows the one that it replaced; a rollback takes the newest one off. So
 * a way back never turns in a circle, however often an old version was promoted again. */
#include "registry/registry_priv.h"

#include <stdio.h>

#define SUCCESSION_BYTES (16u << 20)

/* Versions that served, the newest last. */
struct line {
    struct ax_buf versions; /* of AX_MODEL_VERSION bytes each */
    bool rolled;            /* the newest one was taken off, and the one before it returns */
    bool handed;            /* the newest one has given way to another one */
};

/* The one so far from the end; "" when there is none. */
static const char *nth(const struct line *l, size_t back)
{
    const size_t n = l->versions.n / AX_MODEL_VERSION;
    return back < n ? (const char *)l->versions.bytes + (n - 1 - back) * AX_MODEL_VERSION : "";
}

static void serve(struct line *l, struct ax_str version)
{
    char text[AX_MODEL_VERSION] = "";
    if (l->rolled) {
        l->rolled = false;
        return;
    }
    if (!l->handed) /* nobody served */
        ax_buf_reset(&l->versions);
    l->handed = false;
    (void)snprintf(text, sizeof text, AX_STR_FMT, AX_STR_ARG(version));
    ax_buf_put(&l->versions, text, sizeof text);
}

static void take(struct line *l, sqlite3_stmt *s)
{
    const struct ax_str action = ax_sql_text(s, 0), version = ax_sql_text(s, 1);
    if (ax_str_eq(action, ax_str("rollback"))) {
        l->rolled = true;
        l->versions.n -= l->versions.n ? AX_MODEL_VERSION : 0;
    } else if (ax_str_eq(action, ax_str("to production"))) {
        serve(l, version);
    } else if (sqlite3_column_int(s, 2) && ax_str_eq(version, ax_str(nth(l, 0)))) {
        l->handed = true;
    }
}

enum ax_err ax_succession(struct ax_registry *r, struct ax_str name, char out[AX_MODEL_VERSION],
                          struct ax_diag *diag)
{
    struct line l = {.rolled = false};
    ax_buf_init(&l.versions, SUCCESSION_BYTES);
    sqlite3_stmt *s =
        ax_sql_prepare(r, diag,
                       "SELECT action, version, who = 'auspex' AND detail LIKE '% is the champion'"
                       " FROM audit WHERE model = ? AND action IN ('rollback', 'to production',"
                       " 'to archived') ORDER BY seq",
                       "s", name);
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK && (err = ax_sql_step(r, s, diag)) == AX_OK)
        take(&l, s);
    (void)sqlite3_finalize(s);
    if (err == AX_NOTFOUND)
        err = l.versions.err == AX_OK ? AX_OK : ax_fail(diag, l.versions.err, "out of memory");
    (void)snprintf(out, AX_MODEL_VERSION, "%s", nth(&l, 1));
    ax_buf_done(&l.versions);
    return err;
}

enum ax_err ax_succession_follow(struct ax_registry *r, struct ax_str name, int64_t champion,
                                 struct ax_diag *diag)
{
    struct ax_version_row row = {0};
    char version[AX_MODEL_VERSION];
    enum ax_err err = ax_succession(r, name, version, diag);
    if (err == AX_OK && *version)
        err = ax_version_find(r, name, ax_str(version), &row, diag);
    return err == AX_OK ? ax_sql_run(r, diag, "UPDATE version SET replaced = NULLIF(?, 0) WHERE id = ?", "ii",
                                     row.id, champion)
                        : err;
}

enum ax_err ax_succession_follow_all(struct ax_registry *r, struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT model, id FROM version WHERE stage = 2", "");
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK && (err = ax_sql_step(r, s, diag)) == AX_OK)
        err = ax_succession_follow(r, ax_sql_text(s, 0), sqlite3_column_int64(s, 1), diag);
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* The newest two entries of the kinds that bring one to serve: a rollback stands before what it brings back.
 */
enum ax_err ax_registry_held(struct ax_registry *r, struct ax_str name, bool *out, struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    sqlite3_stmt *s = ax_sql_prepare(r, diag,
                                     "SELECT action, who <> 'auspex' FROM audit WHERE model = ? AND action IN"
                                     " ('rollback', 'to production') ORDER BY seq DESC LIMIT 2",
                                     "s", name);
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    *out = err == AX_OK && sqlite3_column_int(s, 1);
    if (err == AX_OK && !*out) {
        err = ax_sql_step(r, s, diag);
        *out = err == AX_OK && ax_str_eq(ax_sql_text(s, 0), ax_str("rollback"));
    }
    (void)sqlite3_finalize(s);
    (void)pthread_mutex_unlock(&r->lock);
    return err == AX_NOTFOUND ? AX_OK : err;
}
