/* verify.c: is everything as it was written? What versions say of themselves, their stages, approvals and
 * limits are held against the audit log, which is chained; artifacts against their SHA-256. */
#include "base/bytes.h"
#include "registry/registry_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMES_BYTES (64u << 20)
#define ROW_BYTES (4u << 20)

/* What is found wrong with versions, by a query that gives their names: "%s of model %s". */
static enum ax_err none_of(struct ax_registry *r, const char *sql, const char *text, struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(r, diag, sql, "");
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    if (err == AX_OK)
        err = ax_fail(diag, AX_CORRUPT, "version %s of model %s %s", (const char *)sqlite3_column_text(s, 0),
                      (const char *)sqlite3_column_text(s, 1), text);
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

#define NUMBER "v.major || '.' || v.minor || '.' || v.patch"

/* What was said of a version when it was registered, in the order of the fields; each behind its length. */
static enum ax_err row_hash(const struct ax_model_version *v, char out[AX_SHA256_TEXT])
{
    const struct ax_model_draft *d = &v->draft;
    const struct ax_str texts[] = {d->name,          ax_str(v->ref.version), v->parent,           v->build,
                                   d->features_hash, d->config_hash,         d->hyper_parameters, d->scores,
                                   d->change,        ax_str(v->ref.sha256)};
    const int64_t numbers[] = {v->created_ms, (int64_t)v->bytes,   d->data_from_ms,
                               d->data_to_ms, (int64_t)d->samples, (int64_t)d->seed};
    struct ax_buf b;
    ax_buf_init(&b, ROW_BYTES);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ax_put_str(&b, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ax_put_i64(&b, numbers[i]);
    const enum ax_err err = b.err;
    if (err == AX_OK)
        ax_sha256_text(ax_buf_view(&b), out);
    ax_buf_done(&b);
    return err;
}

enum ax_err ax_version_entry(const struct ax_model_version *v, char out[AX_VERSION_ENTRY])
{
    char hash[AX_SHA256_TEXT];
    const enum ax_err err = row_hash(v, hash);
    if (err == AX_OK)
        (void)snprintf(out, AX_VERSION_ENTRY, "%s, card %s", v->ref.sha256, hash);
    return err;
}

/* Versions that are held against their entries. */
struct comparing {
    struct ax_registry *r;
    struct ax_diag *diag;
    enum ax_err err;
    uint32_t n;
};

/* Is it the one of its entry? Entries of format 1 have the SHA-256 of the artifact alone. */
static enum ax_err compare_entry(struct ax_registry *r, const struct ax_model_version *v,
                                 struct ax_diag *diag)
{
    char entry[AX_VERSION_ENTRY];
    enum ax_err err = ax_version_entry(v, entry);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    sqlite3_stmt *s =
        ax_sql_prepare(r, diag,
                       "SELECT 1 FROM audit WHERE model = ? AND version = ? AND action ="
                       " 'register' AND detail IN (?, ?)",
                       "ssss", v->draft.name, ax_str(v->ref.version), ax_str(entry), ax_str(v->ref.sha256));
    err = s ? ax_sql_step(r, s, diag) : AX_IO;
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND
               ? ax_fail(diag, AX_CORRUPT, "version %s of model " AX_STR_FMT " %s", v->ref.version,
                         AX_STR_ARG(v->draft.name), "is not the one that was registered")
               : err;
}

/* Did the champion replace whom the log says? */
static enum ax_err compare_replaced(struct ax_registry *r, const struct ax_model_version *v,
                                    struct ax_diag *diag)
{
    char before[AX_MODEL_VERSION];
    if (v->ref.stage != AX_STAGE_PRODUCTION)
        return AX_OK;
    const enum ax_err err = ax_succession(r, v->draft.name, before, diag);
    return err == AX_OK && !ax_str_eq(v->replaced, ax_str(before))
               ? ax_fail(diag, AX_CORRUPT, "version %s of model " AX_STR_FMT " %s", v->ref.version,
                         AX_STR_ARG(v->draft.name), "has not replaced the one that it says")
               : err;
}

static bool compare(void *ctx, const struct ax_model_version *v)
{
    struct comparing *c = ctx;
    c->n++;
    c->err = compare_entry(c->r, v, c->diag);
    if (c->err == AX_OK)
        c->err = compare_replaced(c->r, v, c->diag);
    return c->err == AX_OK;
}

static enum ax_err verify_cards(struct ax_registry *r, struct ax_registry_report *out, struct ax_diag *diag)
{
    struct comparing c = {.r = r, .diag = diag};
    const enum ax_err err = ax_versions_all(r, compare, &c, diag);
    out->versions = c.n;
    return err == AX_OK ? c.err : err;
}

static enum ax_err verify_versions(struct ax_registry *r, struct ax_diag *diag)
{
    enum ax_err err = none_of(
        r,
        "SELECT a.version, a.model FROM audit a WHERE a.action = 'register' AND NOT EXISTS (SELECT 1 FROM"
        " version v WHERE v.model = a.model AND a.version = " NUMBER ")",
        "was registered and is missing", diag);
    if (err == AX_OK)
        err = none_of(
            r,
            "SELECT " NUMBER ", v.model FROM version v WHERE 'to ' || CASE v.stage WHEN 0 THEN 'development'"
            " WHEN 1 THEN 'staging' WHEN 2 THEN 'production' ELSE 'archived' END <> COALESCE((SELECT"
            " a.action FROM audit a WHERE a.model = v.model AND a.version = " NUMBER " AND a.action LIKE"
            " 'to %' ORDER BY a.seq DESC LIMIT 1), 'to development')",
            "is not in the stage that it was moved to", diag);
    if (err == AX_OK)
        err = none_of(r,
                      "SELECT " NUMBER ", v.model FROM approval p JOIN version v ON v.id = p.version WHERE"
                      " NOT EXISTS (SELECT 1 FROM audit a WHERE a.model = v.model AND a.version = " NUMBER
                      " AND a.action = 'approve' AND a.who = p.reviewer AND a.detail = p.note)",
                      "has an approval that nobody gave", diag);
    if (err == AX_OK)
        err = none_of(r,
                      "SELECT a.version, a.model FROM audit a WHERE a.action = 'approve' AND NOT EXISTS"
                      " (SELECT 1 FROM approval p JOIN version v ON v.id = p.version WHERE v.model = a.model"
                      " AND a.version = " NUMBER " AND p.reviewer = a.who)",
                      "has lost an approval", diag);
    return err;
}

/* Are the limits those that were last set? Of a registry of format 1 that is not known. */
static enum ax_err verify_limits(struct ax_registry *r, struct ax_diag *diag)
{
    char now[AX_LIMITS_TEXT], noted[AX_LIMITS_TEXT];
    enum ax_err err = ax_limits_stored(r, now, diag);
    if (err == AX_OK)
        err = ax_limits_noted(r, noted, diag);
    return err == AX_OK && *noted && strcmp(now, noted) != 0
               ? ax_fail(diag, AX_CORRUPT, "the limits are %s, and were set to %s", now, noted)
               : err;
}

/* The names of all artifacts that are kept, one after the other. */
static enum ax_err list_artifacts(struct ax_registry *r, struct ax_buf *out, struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT DISTINCT sha256 FROM version WHERE artifact", "");
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK && (err = ax_sql_step(r, s, diag)) == AX_OK) {
        ax_buf_str(out, ax_sql_text(s, 0));
        ax_buf_byte(out, 0);
    }
    (void)sqlite3_finalize(s);
    if (err == AX_NOTFOUND)
        err = out->err == AX_OK ? AX_OK : ax_fail(diag, out->err, "out of memory");
    return err;
}

/* Does a version still keep it? */
static bool is_kept(struct ax_registry *r, const char *sha256)
{
    struct ax_diag ignored;
    (void)pthread_mutex_lock(&r->lock);
    sqlite3_stmt *s = ax_sql_prepare(r, &ignored, "SELECT 1 FROM version WHERE artifact AND sha256 = ?", "s",
                                     ax_str(sha256));
    const bool kept = !s || ax_sql_step(r, s, &ignored) == AX_OK;
    (void)sqlite3_finalize(s);
    (void)pthread_mutex_unlock(&r->lock);
    return kept;
}

/* Read them all, without the lock: nobody has to wait for it. One may be given up meanwhile. */
static enum ax_err verify_artifacts(struct ax_registry *r, const struct ax_buf *names,
                                    struct ax_registry_report *out, struct ax_diag *diag)
{
    struct ax_buf bytes;
    enum ax_err err = AX_OK;
    ax_buf_init(&bytes, AX_REGISTRY_ARTIFACT_MAX);
    for (size_t at = 0; at < names->n && err == AX_OK;) {
        const char *sha256 = (const char *)names->bytes + at;
        at += strlen(sha256) + 1;
        ax_buf_reset(&bytes);
        err = ax_artifact_read(r, sha256, &bytes, diag);
        out->artifacts += err == AX_OK;
        if (err == AX_NOTFOUND)
            err = is_kept(r, sha256) ? AX_CORRUPT : AX_OK;
    }
    ax_buf_done(&bytes);
    return err;
}

enum ax_err ax_registry_verify(struct ax_registry *r, struct ax_registry_report *out, struct ax_diag *diag)
{
    struct ax_buf names;
    *out = (struct ax_registry_report){0};
    ax_buf_init(&names, NAMES_BYTES);
    const struct timespec pause = {.tv_nsec = 500000};
    enum ax_err err = AX_OK;
    for (bool more = true; more && err == AX_OK;) { /* nobody has to wait for the whole log */
        (void)pthread_mutex_lock(&r->lock);
        more = false;
        err = ax_audit_verify(r, out, &more, diag);
        if (more) {
            (void)pthread_mutex_unlock(&r->lock);
            (void)nanosleep(&pause, NULL); /* who unlocks and locks at once is first again */
        }
    }
    if (err == AX_OK)
        err = verify_versions(r, diag);
    if (err == AX_OK)
        err = verify_cards(r, out, diag);
    if (err == AX_OK)
        err = verify_limits(r, diag);
    if (err == AX_OK)
        err = list_artifacts(r, &names, diag);
    (void)pthread_mutex_unlock(&r->lock);
    if (err == AX_OK)
        err = verify_artifacts(r, &names, out, diag);
    ax_buf_done(&names);
    return err;
}
