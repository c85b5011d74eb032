/* stages.c: moves between stages, the way back, and approvals. */
#include "registry/registry_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DECISION_BYTES 512

/* Put a version into a stage, and say so in the log. */
static enum ax_err put(struct ax_registry *r, struct ax_str name, const struct ax_version_row *row,
                       enum ax_stage stage, const struct ax_registry_by *by, struct ax_diag *diag)
{
    char action[32];
    (void)snprintf(action, sizeof action, "to %s", ax_stage_name(stage));
    const enum ax_err err =
        ax_sql_run(r, diag, "UPDATE version SET stage = ? WHERE id = ?", "ii", (int64_t)stage, row->id);
    return err == AX_OK ? ax_audit_append(r, by, action, name, ax_str(row->ref.version), by->why, diag) : err;
}

/* Archive whoever holds a place that is for one; *out_id is 0 when nobody did. */
static enum ax_err make_place(struct ax_registry *r, struct ax_str name, enum ax_stage stage,
                              const struct ax_version_row *next, int64_t *out_id, struct ax_diag *diag)
{
    struct ax_version_row row;
    char why[96];
    *out_id = 0;
    const char *alias = stage == AX_STAGE_PRODUCTION ? "champion" : "challenger";
    struct ax_diag none;
    const enum ax_err err = ax_version_find(r, name, ax_str(alias), &row, &none);
    if (err == AX_NOTFOUND)
        return AX_OK;
    if (err != AX_OK)
        return ax_fail(diag, err, "%s", none.text);
    *out_id = row.id;
    (void)snprintf(why, sizeof why, "%s is the %s", next->ref.version, alias);
    const struct ax_registry_by by = {ax_str(""), ax_str(why)};
    return put(r, name, &row, AX_STAGE_ARCHIVED, &by, diag);
}

static enum ax_err check_approvals(struct ax_registry *r, struct ax_str name,
                                   const struct ax_version_row *row, struct ax_diag *diag)
{
    sqlite3_stmt *s =
        ax_sql_prepare(r, diag, "SELECT count(*) FROM approval WHERE version = ?", "i", row->id);
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    const int64_t given = err == AX_OK ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_finalize(s);
    if (err == AX_OK && given < r->approvals)
        err = ax_fail(diag, AX_CONFLICT,
                      "version %s has %" PRId64 " of the %" PRIu32
                      " approvals that production needs: auspex models approve %.*s %s",
                      row->ref.version, given, r->approvals, (int)name.n, name.p, row->ref.version);
    return err;
}

static enum ax_err check_move(struct ax_registry *r, struct ax_str name, const struct ax_version_row *row,
                              enum ax_stage to, struct ax_diag *diag)
{
    const enum ax_stage from = row->ref.stage;
    const bool serves = to == AX_STAGE_PRODUCTION || to == AX_STAGE_STAGING;
    if (from == to)
        return ax_fail(diag, AX_CONFLICT, "version %s is in %s already", row->ref.version, ax_stage_name(to));
    if (!ax_stage_may(from, to))
        return ax_fail(diag, AX_CONFLICT, "version %s cannot go from %s to %s%s", row->ref.version,
                       ax_stage_name(from), ax_stage_name(to),
                       from == AX_STAGE_PRODUCTION ? ": promote another one, or roll back" : "");
    if (serves && !row->artifact)
        return ax_fail(diag, AX_CONFLICT,
                       "the artifact of version %s is not kept any more (models.keep): train it again",
                       row->ref.version);
    return to == AX_STAGE_PRODUCTION ? check_approvals(r, name, row, diag) : AX_OK;
}

static enum ax_err move(struct ax_registry *r, struct ax_str name, const struct ax_version_row *row,
                        enum ax_stage to, const struct ax_registry_by *by, struct ax_diag *diag)
{
    int64_t before = 0;
    enum ax_err err = AX_OK;
    if (to == AX_STAGE_PRODUCTION || to == AX_STAGE_STAGING)
        err = make_place(r, name, to, row, &before, diag);
    if (err == AX_OK)
        err = put(r, name, row, to, by, diag);
    if (err == AX_OK && to == AX_STAGE_PRODUCTION)
        err = ax_succession_follow(r, name, row->id, diag);
    return err;
}

enum ax_err ax_registry_move(struct ax_registry *r, struct ax_str name, struct ax_str which, enum ax_stage to,
                             const struct ax_registry_by *by, struct ax_model_ref *out, struct ax_diag *diag)
{
    struct ax_version_row row;
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = check_move(r, name, &row, to, diag);
    if (err == AX_OK)
        err = move(r, name, &row, to, by, diag);
    err = ax_registry_end(r, err, diag);
    if (err != AX_OK)
        return err;
    *out = row.ref;
    out->stage = to;
    (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return AX_OK;
}

static enum ax_err roll_back(struct ax_registry *r, struct ax_str name, const struct ax_registry_by *by,
                             struct ax_model_ref *out, struct ax_diag *diag)
{
    struct ax_version_row champion, before;
    enum ax_err err = ax_version_find(r, name, ax_str("champion"), &champion, diag);
    if (err != AX_OK)
        return err;
    if (!champion.replaced)
        return ax_fail(diag, AX_CONFLICT, "version %s replaced no other: there is nothing to roll back to",
                       champion.ref.version);
    err = ax_version_by_id(r, champion.replaced, &before, diag);
    if (err != AX_OK)
        return err;
    if (!before.artifact)
        return ax_fail(diag, AX_CONFLICT,
                       "the artifact of version %s is not kept any more: promote another version",
                       before.ref.version);
    err = ax_audit_append(r, by, "rollback", name, ax_str(champion.ref.version), by->why, diag);
    if (err == AX_OK)
        err = put(r, name, &champion, AX_STAGE_ARCHIVED, by, diag);
    if (err == AX_OK)
        err = put(r, name, &before, AX_STAGE_PRODUCTION, by, diag);
    if (err == AX_OK)
        err = ax_succession_follow(r, name, before.id, diag);
    *out = before.ref;
    out->stage = AX_STAGE_PRODUCTION;
    return err;
}

enum ax_err ax_registry_rollback(struct ax_registry *r, struct ax_str name, const struct ax_registry_by *by,
                                 struct ax_model_ref *out, struct ax_diag *diag)
{
    enum ax_err err = ax_registry_begin(r, diag);
    if (err == AX_OK)
        err = ax_registry_end(r, roll_back(r, name, by, out, diag), diag);
    if (err == AX_OK)
        (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return err;
}

static enum ax_err decide(struct ax_registry *r, struct ax_str name, const struct ax_version_row *row,
                          enum ax_decision decision, struct ax_str why, struct ax_model_ref *out,
                          struct ax_diag *diag)
{
    static const char *const texts[] = {"promoted", "retired", "rolled back"};
    char text[DECISION_BYTES];
    const struct ax_registry_by by = {ax_str(""), why};
    const enum ax_stage to = decision == AX_DECIDE_PROMOTE ? AX_STAGE_PRODUCTION : AX_STAGE_ARCHIVED;
    (void)snprintf(text, sizeof text, "%s: " AX_STR_FMT, texts[decision], AX_STR_ARG(why));
    enum ax_err err = ax_audit_append(r, &by, "decision", name, ax_str(row->ref.version), ax_str(text), diag);
    if (err == AX_OK && decision == AX_DECIDE_ROLL_BACK)
        return roll_back(r, name, &by, out, diag);
    if (err == AX_OK)
        err = check_move(r, name, row, to, diag);
    if (err == AX_OK)
        err = move(r, name, row, to, &by, diag);
    *out = row->ref;
    out->stage = to;
    return err;
}

enum ax_err ax_registry_decide(struct ax_registry *r, struct ax_str name, struct ax_str which,
                               enum ax_decision decision, struct ax_str why, struct ax_model_ref *out,
                               struct ax_diag *diag)
{
    struct ax_version_row row;
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = decide(r, name, &row, decision, why, out, diag);
    err = ax_registry_end(r, err, diag);
    if (err == AX_OK)
        (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return err;
}

enum ax_err ax_registry_approve(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                const struct ax_registry_by *by, struct ax_diag *diag)
{
    struct ax_version_row row;
    if (!by->who.n)
        return ax_fail(diag, AX_INVALID, "an approval needs the name of its reviewer: --by=NAME");
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = ax_sql_run(
            r, diag,
            "INSERT INTO approval(version, reviewer, at_ms, note) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
            "isis", row.id, by->who, ax_clock_now(&r->clock), by->why);
    if (err == AX_OK && sqlite3_changes(r->db) > 0)
        err = ax_audit_append(r, by, "approve", name, ax_str(row.ref.version), by->why, diag);
    err = ax_registry_end(r, err, diag);
    if (err == AX_OK) /* what waits for it may go on */
        (void)atomic_fetch_add_explicit(&r->changes, 1, memory_order_release);
    return err;
}

enum ax_err ax_registry_approved(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                 struct ax_diag *diag)
{
    struct ax_version_row row;
    (void)pthread_mutex_lock(&r->lock);
    enum ax_err err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = check_approvals(r, name, &row, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}
