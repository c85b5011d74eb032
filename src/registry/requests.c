/* requests.c: fits that somebody asks for, until they are over. */
#include "registry/registry_priv.h"

/* Append an entry about a model as a whole; it stands in the history of its newest version, if there is one.
 */
static enum ax_err note(struct ax_registry *r, struct ax_str name, const char *action,
                        const struct ax_registry_by *by, struct ax_diag *diag)
{
    struct ax_version_row row = {0};
    const enum ax_err err = ax_version_find(r, name, ax_str("latest"), &row, diag);
    return err == AX_OK || err == AX_NOTFOUND
               ? ax_audit_append(r, by, action, name, ax_str(row.ref.version), by->why, diag)
               : err;
}

static enum ax_err forget(struct ax_registry *r, struct ax_str name, struct ax_diag *diag)
{
    return ax_sql_run(r, diag, "DELETE FROM request WHERE model = ?", "s", name);
}

enum ax_err ax_registry_ask(struct ax_registry *r, struct ax_str name, const struct ax_registry_by *by,
                            struct ax_diag *diag)
{
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_sql_run(r, diag, "INSERT INTO request(model, at_ms) VALUES(?, ?) ON CONFLICT DO NOTHING", "si",
                     name, ax_clock_now(&r->clock));
    if (err == AX_OK)
        err = note(r, name, "retrain", by, diag);
    err = ax_registry_end(r, err, diag);
    if (err == AX_OK)
        (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return err;
}

enum ax_err ax_registry_asked(struct ax_registry *r, struct ax_str name, bool *out, struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT 1 FROM request WHERE model = ?", "s", name);
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    (void)sqlite3_finalize(s);
    (void)pthread_mutex_unlock(&r->lock);
    *out = err == AX_OK;
    return err == AX_NOTFOUND ? AX_OK : err;
}

enum ax_err ax_registry_fitted(struct ax_registry *r, struct ax_str name, struct ax_diag *diag)
{
    const enum ax_err err = ax_registry_begin(r, diag);
    return err == AX_OK ? ax_registry_end(r, forget(r, name, diag), diag) : err;
}

enum ax_err ax_registry_cancel(struct ax_registry *r, struct ax_str name, const struct ax_registry_by *by,
                               struct ax_diag *diag)
{
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = forget(r, name, diag);
    if (err == AX_OK)
        err = note(r, name, "cancel", by, diag);
    return ax_registry_end(r, err, diag);
}
