/* baseline.c: against the data of which version the inputs of a champion are tested for drift.
 *
 * It is what the newest entry "baseline <number>" of that version in the audit log says, so that it is
 * chained as all else is, and comes back with its version after a rollback. */
#include "registry/registry_priv.h"

#include <stdio.h>

/* The version whose data a version's inputs are tested against, under the lock. AX_NOTFOUND (no
 * text): its own. */
static enum ax_err baseline_of(struct ax_registry *r, struct ax_str name, const struct ax_version_row *row,
                               struct ax_version_row *out, struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(
        r, diag,
        "SELECT substr(action, 10) FROM audit WHERE model = ? AND version = ? AND action LIKE 'baseline %'"
        " ORDER BY seq DESC LIMIT 1",
        "ss", name, ax_str(row->ref.version));
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    if (err == AX_OK)
        err = ax_str_eq(ax_sql_text(s, 0), ax_str(row->ref.version))
                  ? AX_NOTFOUND
                  : ax_version_find(r, name, ax_sql_text(s, 0), out, diag);
    (void)sqlite3_finalize(s);
    return err;
}

/* Does the champion have that baseline already? */
static enum ax_err has(struct ax_registry *r, struct ax_str name, const struct ax_version_row *champion,
                       const struct ax_version_row *row, bool *out, struct ax_diag *diag)
{
    struct ax_version_row now;
    const enum ax_err err = baseline_of(r, name, champion, &now, diag);
    *out = err == AX_NOTFOUND ? row->id == champion->id : err == AX_OK && now.id == row->id;
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* Have both learnt from the same features? */
static enum ax_err check(struct ax_registry *r, const struct ax_version_row *champion,
                         const struct ax_version_row *row, struct ax_diag *diag)
{
    if (!row->artifact)
        return ax_fail(diag, AX_CONFLICT,
                       "the artifact of version %s is not kept any more (models.keep): train it again",
                       row->ref.version);
    sqlite3_stmt *s = ax_sql_prepare(r, diag,
                                     "SELECT 1 FROM version a, version b WHERE a.id = ? AND b.id = ? AND"
                                     " a.features_hash = b.features_hash",
                                     "ii", champion->id, row->id);
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND
               ? ax_fail(diag, AX_CONFLICT, "version %s has learnt from other features than the champion, %s",
                         row->ref.version, champion->ref.version)
               : err;
}

static enum ax_err set(struct ax_registry *r, struct ax_str name, struct ax_str which,
                       const struct ax_registry_by *by, struct ax_model_ref *out, struct ax_diag *diag)
{
    struct ax_version_row champion, row;
    char action[48];
    bool there = false;
    enum ax_err err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = ax_version_find(r, name, ax_str("champion"), &champion, diag);
    if (err == AX_OK)
        err = check(r, &champion, &row, diag);
    if (err == AX_OK)
        err = has(r, name, &champion, &row, &there, diag);
    if (err != AX_OK)
        return err;
    *out = row.ref;
    (void)snprintf(action, sizeof action, "baseline %s", row.ref.version);
    return there ? AX_OK : ax_audit_append(r, by, action, name, ax_str(champion.ref.version), by->why, diag);
}

enum ax_err ax_registry_set_baseline(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                     const struct ax_registry_by *by, struct ax_model_ref *out,
                                     struct ax_diag *diag)
{
    enum ax_err err = ax_registry_begin(r, diag);
    if (err == AX_OK)
        err = ax_registry_end(r, set(r, name, which, by, out, diag), diag);
    if (err == AX_OK)
        (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return err;
}
