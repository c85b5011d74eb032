/* versions.c: rows of versions: found, visited, and added. */
#include "base/parse.h"
#include "registry/registry_priv.h"

#include <inttypes.h>
#include <stdio.h>

#define CHANGE_BYTES 65536
#define NAMED_MS 86400000
#define NUMBER "v.major || '.' || v.minor || '.' || v.patch"
#define BASELINE                                                                                             \
    "(SELECT substr(a.action, 10) FROM audit a WHERE a.model = v.model AND a.version = " NUMBER              \
    " AND a.action LIKE 'baseline %' ORDER BY a.seq DESC LIMIT 1)"
#define REF "v.id, v.major, v.minor, v.patch, v.stage, v.sha256, v.artifact, COALESCE(v.replaced, 0)"
#define REST                                                                                                 \
    ", v.model, v.created_ms, v.parent, v.bytes, v.data_from_ms, v.data_to_ms, v.samples, v.features_hash,"  \
    " v.config_hash, v.seed, v.build, v.hyper_parameters, v.scores, v.change,"                               \
    " (SELECT o.major || '.' || o.minor || '.' || o.patch FROM version o WHERE o.id = v.replaced),"          \
    " (SELECT group_concat(reviewer, ', ') FROM approval WHERE version = v.id),"                             \
    " NULLIF(" BASELINE ", " NUMBER ")"
#define NEWEST "v.major DESC, v.minor DESC, v.patch DESC"

static struct ax_version_row row_of(sqlite3_stmt *s)
{
    struct ax_version_row row = {.id = sqlite3_column_int64(s, 0),
                                 .replaced = sqlite3_column_int64(s, 7),
                                 .artifact = sqlite3_column_int(s, 6) != 0,
                                 .ref = {.major = (uint32_t)sqlite3_column_int64(s, 1),
                                         .minor = (uint32_t)sqlite3_column_int64(s, 2),
                                         .patch = (uint32_t)sqlite3_column_int64(s, 3),
                                         .stage = (enum ax_stage)(sqlite3_column_int(s, 4) & 3)}};
    (void)snprintf(row.ref.version, sizeof row.ref.version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, row.ref.major,
                   row.ref.minor, row.ref.patch);
    (void)snprintf(row.ref.sha256, sizeof row.ref.sha256, AX_STR_FMT, AX_STR_ARG(ax_sql_text(s, 5)));
    return row;
}

static struct ax_model_version version_of(sqlite3_stmt *s)
{
    const struct ax_version_row row = row_of(s);
    return (struct ax_model_version){.ref = row.ref,
                                     .artifact = row.artifact,
                                     .created_ms = sqlite3_column_int64(s, 9),
                                     .parent = ax_sql_text(s, 10),
                                     .bytes = (uint64_t)sqlite3_column_int64(s, 11),
                                     .build = ax_sql_text(s, 18),
                                     .replaced = ax_sql_text(s, 22),
                                     .reviewers = ax_sql_text(s, 23),
                                     .baseline = ax_sql_text(s, 24),
                                     .draft = {.name = ax_sql_text(s, 8),
                                               .data_from_ms = sqlite3_column_int64(s, 12),
                                               .data_to_ms = sqlite3_column_int64(s, 13),
                                               .samples = (uint64_t)sqlite3_column_int64(s, 14),
                                               .features_hash = ax_sql_text(s, 15),
                                               .config_hash = ax_sql_text(s, 16),
                                               .seed = (uint64_t)sqlite3_column_int64(s, 17),
                                               .hyper_parameters = ax_sql_text(s, 19),
                                               .scores = ax_sql_text(s, 20),
                                               .change = ax_sql_text(s, 21)}};
}

/* Visit the rows of a query over COLUMNS of versions.c; within the lock. */
static enum ax_err visit_all(struct ax_registry *r, sqlite3_stmt *s, ax_model_visit *visit, void *ctx,
                             struct ax_diag *diag)
{
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK) {
        err = ax_sql_step(r, s, diag);
        if (err != AX_OK)
            break;
        const struct ax_model_version v = version_of(s);
        if (!visit(ctx, &v))
            break;
    }
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* "1.4.2"; false when it is none. */
static bool parse_number(struct ax_str text, int64_t out[3])
{
    for (int i = 0; i < 3; i++) {
        size_t n = 0;
        while (n < text.n && text.p[n] != '.')
            n++;
        if (ax_parse_i64((struct ax_str){text.p, n}, &out[i]) != AX_OK || out[i] < 0 ||
            (i < 2 ? n == text.n : n != text.n))
            return false;
        text = (struct ax_str){text.p + n + (i < 2), text.n - n - (i < 2)};
    }
    return true;
}

/* The first row of a statement, which is freed. */
static enum ax_err first_row(struct ax_registry *r, sqlite3_stmt *s, struct ax_version_row *out,
                             struct ax_diag *diag)
{
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    if (err == AX_OK)
        *out = row_of(s);
    (void)sqlite3_finalize(s);
    return err;
}

static enum ax_err by_stage(struct ax_registry *r, struct ax_str name, enum ax_stage stage,
                            struct ax_version_row *out, struct ax_diag *diag)
{
    return first_row(r,
                     ax_sql_prepare(r, diag,
                                    "SELECT " REF " FROM version v WHERE v.model = ? AND v.stage = ?", "si",
                                    name, (int64_t)stage),
                     out, diag);
}

static enum ax_err newest(struct ax_registry *r, struct ax_str name, struct ax_version_row *out,
                          struct ax_diag *diag)
{
    return first_row(
        r,
        ax_sql_prepare(r, diag, "SELECT " REF " FROM version v WHERE v.model = ? ORDER BY " NEWEST " LIMIT 1",
                       "s", name),
        out, diag);
}

/* Say that there is none, and what there is. */
static enum ax_err not_found(struct ax_registry *r, struct ax_str name, struct ax_str which,
                             struct ax_diag *diag)
{
    struct ax_version_row row;
    const enum ax_err err = newest(r, name, &row, diag);
    if (err == AX_OK)
        return ax_fail(
            diag, AX_NOTFOUND, "model %.*s has no %s%.*s: its newest version is %s", (int)name.n, name.p,
            ax_str_eq(which, ax_str("champion")) || ax_str_eq(which, ax_str("challenger")) ? "" : "version ",
            (int)(which.n < 40 ? which.n : 40), which.p, row.ref.version);
    if (err == AX_NOTFOUND)
        return ax_fail(diag, err, "there is no model '%.*s': `auspex models list` shows them",
                       (int)(name.n < 200 ? name.n : 200), name.p);
    return err;
}

enum ax_err ax_version_find(struct ax_registry *r, struct ax_str name, struct ax_str which,
                            struct ax_version_row *out, struct ax_diag *diag)
{
    int64_t n[3];
    enum ax_err err = AX_NOTFOUND;
    if (ax_str_eq(which, ax_str("champion")))
        err = by_stage(r, name, AX_STAGE_PRODUCTION, out, diag);
    else if (ax_str_eq(which, ax_str("challenger")))
        err = by_stage(r, name, AX_STAGE_STAGING, out, diag);
    else if (ax_str_eq(which, ax_str("latest")))
        err = newest(r, name, out, diag);
    else if (parse_number(which, n))
        err = first_row(r,
                        ax_sql_prepare(r, diag,
                                       "SELECT " REF " FROM version v WHERE v.model = ? AND v.major = ? AND "
                                       "v.minor = ? AND v.patch = ?",
                                       "siii", name, n[0], n[1], n[2]),
                        out, diag);
    else
        return ax_fail(diag, AX_INVALID,
                       "'%.*s' is no version: give a number such as 1.4.2, champion, challenger or latest",
                       (int)(which.n < 40 ? which.n : 40), which.p);
    return err == AX_NOTFOUND ? not_found(r, name, which, diag) : err;
}

enum ax_err ax_version_by_id(struct ax_registry *r, int64_t id, struct ax_version_row *out,
                             struct ax_diag *diag)
{
    const enum ax_err err = first_row(
        r, ax_sql_prepare(r, diag, "SELECT " REF " FROM version v WHERE v.id = ?", "i", id), out, diag);
    return err == AX_NOTFOUND ? ax_fail(diag, AX_CORRUPT, "models.db: a version is missing") : err;
}

enum ax_err ax_registry_find(struct ax_registry *r, struct ax_str name, struct ax_str which,
                             struct ax_model_ref *out, struct ax_diag *diag)
{
    struct ax_version_row row;
    (void)pthread_mutex_lock(&r->lock);
    const enum ax_err err = ax_version_find(r, name, which, &row, diag);
    (void)pthread_mutex_unlock(&r->lock);
    if (err == AX_OK)
        *out = row.ref;
    return err;
}

enum ax_err ax_registry_artifact(struct ax_registry *r, const char *sha256, struct ax_buf *out,
                                 struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    const enum ax_err err = ax_artifact_read(r, sha256, out, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}

static enum ax_err each(struct ax_registry *r, struct ax_str name, ax_model_visit *visit, void *ctx,
                        struct ax_diag *diag)
{
    return visit_all(r,
                     ax_sql_prepare(r, diag,
                                    "SELECT " REF REST
                                    " FROM version v WHERE ? = '' OR v.model = ? ORDER BY v.model, " NEWEST,
                                    "ss", name, name),
                     visit, ctx, diag);
}

enum ax_err ax_versions_all(struct ax_registry *r, ax_model_visit *visit, void *ctx, struct ax_diag *diag)
{
    return each(r, ax_str(""), visit, ctx, diag);
}

enum ax_err ax_registry_each(struct ax_registry *r, struct ax_str name, ax_model_visit *visit, void *ctx,
                             struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&r->lock);
    const enum ax_err err = each(r, name, visit, ctx, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}

static enum ax_err see(struct ax_registry *r, int64_t id, ax_model_visit *visit, void *ctx,
                       struct ax_diag *diag)
{
    return visit_all(r, ax_sql_prepare(r, diag, "SELECT " REF REST " FROM version v WHERE v.id = ?", "i", id),
                     visit, ctx, diag);
}

enum ax_err ax_registry_see(struct ax_registry *r, struct ax_str name, struct ax_str which,
                            ax_model_visit *visit, void *ctx, struct ax_diag *diag)
{
    struct ax_version_row row;
    (void)pthread_mutex_lock(&r->lock);
    enum ax_err err = ax_version_find(r, name, which, &row, diag);
    if (err == AX_OK)
        err = see(r, row.id, visit, ctx, diag);
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}

/* ---- adding ---- */

/* A draft on its way into the table. */
struct adding {
    const struct ax_model_draft *draft;
    enum ax_difference difference;
    char parent[sizeof((struct ax_model_ref *)0)->version];
    struct ax_buf change;
};

static bool compare_with_parent(void *ctx, const struct ax_model_version *parent)
{
    struct adding *a = ctx;
    a->difference = ax_draft_difference(a->draft, &parent->draft);
    memcpy(a->parent, parent->ref.version, sizeof a->parent);
    ax_draft_change(a->draft, &parent->draft, &a->change);
    return true;
}

/* Find what the draft is compared with (the champion, else the newest version), and its number. */
static enum ax_err number_it(struct ax_registry *r, struct adding *a, struct ax_model_ref *out,
                             struct ax_diag *diag)
{
    struct ax_version_row last = {0}, parent = {0};
    *out = (struct ax_model_ref){.stage = AX_STAGE_DEVELOPMENT};
    a->difference = AX_DIFFERS_ALL;
    enum ax_err err = newest(r, a->draft->name, &last, diag);
    if (err == AX_OK) {
        *out = last.ref;
        out->stage = AX_STAGE_DEVELOPMENT;
        err = by_stage(r, a->draft->name, AX_STAGE_PRODUCTION, &parent, diag);
        if (err == AX_OK || err == AX_NOTFOUND)
            err = see(r, err == AX_OK ? parent.id : last.id, compare_with_parent, a, diag);
    } else if (err == AX_NOTFOUND) {
        ax_draft_change(a->draft, NULL, &a->change);
        err = AX_OK;
    }
    if (a->difference >= AX_DIFFERS_FEATURES)
        *out = (struct ax_model_ref){.major = out->major + 1};
    else if (a->difference == AX_DIFFERS_SETTINGS)
        *out = (struct ax_model_ref){.major = out->major, .minor = out->minor + 1};
    else
        out->patch++;
    (void)snprintf(out->version, sizeof out->version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, out->major,
                   out->minor, out->patch);
    if (err == AX_OK && a->change.err != AX_OK)
        err = ax_fail(diag, a->change.err, "a line of the changelog: %s", ax_err_text(a->change.err));
    return err;
}

static enum ax_err insert(struct ax_registry *r, const struct adding *a, const struct ax_model_ref *ref,
                          size_t bytes, struct ax_diag *diag)
{
    const struct ax_model_draft *d = a->draft;
    const struct ax_str none = ax_str("{}");
    return ax_sql_run(
        r, diag,
        "INSERT INTO version(model, major, minor, patch, stage, created_ms, parent, sha256, bytes, artifact,"
        " data_from_ms, data_to_ms, samples, features_hash, config_hash, seed, build, hyper_parameters, "
        "scores,"
        " change) VALUES(?, ?, ?, ?, 0, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "siiiissiiiississss", d->name, (int64_t)ref->major, (int64_t)ref->minor, (int64_t)ref->patch,
        ax_clock_now(&r->clock), ax_str(a->parent), ax_str(ref->sha256), (int64_t)bytes, d->data_from_ms,
        d->data_to_ms, (int64_t)d->samples, d->features_hash, d->config_hash, (int64_t)d->seed,
        ax_str(AX_VERSION), d->hyper_parameters.n ? d->hyper_parameters : none,
        d->scores.n ? d->scores : none, ax_buf_view(&a->change));
}

/* Give up the artifacts of versions that are neither new nor needed: by the champion and whom it replaced, or
 * because their inputs are tested against what these learnt from. One that had a role within a day may
 * still be named by what lasts of a running job (a snapshot, and the log behind it). */
static enum ax_err retain(struct ax_registry *r, struct ax_str name, bool *any, struct ax_diag *diag)
{
    const enum ax_err err = ax_sql_run(
        r, diag,
        "UPDATE version SET artifact = 0 WHERE model = ? AND artifact AND stage IN (0, 3) AND id NOT IN"
        " (SELECT id FROM version WHERE model = ? ORDER BY id DESC LIMIT ?) AND id <> COALESCE("
        "(SELECT replaced FROM version WHERE model = ? AND stage = 2), 0)"
        " AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.model = version.model AND a.at_ms > ? AND a.action IN"
        " ('to staging', 'to production', 'to archived') AND a.version ="
        " version.major || '.' || version.minor || '.' || version.patch)"
        " AND NOT EXISTS (SELECT 1 FROM version v WHERE v.model = version.model AND (v.stage = 2 OR v.id ="
        " (SELECT replaced FROM version WHERE model = v.model AND stage = 2)) AND " BASELINE
        " = version.major || '.' || version.minor || '.' || version.patch)",
        "ssisi", name, name, (int64_t)r->keep, name, ax_clock_now(&r->clock) - NAMED_MS);
    *any = err == AX_OK && sqlite3_changes(r->db) > 0;
    return err;
}

static bool write_entry(void *ctx, const struct ax_model_version *v)
{
    char *entry = ctx;
    return ax_version_entry(v, entry) == AX_OK;
}

/* Note that a version was registered, with the hash of all that is said of it. */
static enum ax_err note_registered(struct ax_registry *r, struct ax_str name, const struct ax_model_ref *ref,
                                   const struct ax_registry_by *by, struct ax_diag *diag)
{
    char entry[AX_VERSION_ENTRY] = "";
    enum ax_err err = see(r, sqlite3_last_insert_rowid(r->db), write_entry, entry, diag);
    if (err == AX_OK && !*entry)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    return err == AX_OK ? ax_audit_append(r, by, "register", name, ax_str(ref->version), ax_str(entry), diag)
                        : err;
}

enum ax_err ax_registry_add(struct ax_registry *r, const struct ax_model_draft *draft, struct ax_str artifact,
                            const struct ax_registry_by *by, struct ax_model_ref *out, struct ax_diag *diag)
{
    struct adding a = {.draft = draft};
    char sha256[AX_SHA256_TEXT];
    bool gave_up = false;
    enum ax_err err = ax_draft_check(draft, artifact, diag);
    if (err != AX_OK)
        return err;
    ax_sha256_text(artifact, sha256);
    ax_buf_init(&a.change, CHANGE_BYTES);
    err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_artifact_write(r, sha256, artifact, diag);
    if (err == AX_OK)
        err = number_it(r, &a, out, diag);
    if (err == AX_OK) {
        memcpy(out->sha256, sha256, sizeof sha256);
        err = insert(r, &a, out, artifact.n, diag);
    }
    if (err == AX_OK)
        err = note_registered(r, draft->name, out, by, diag);
    if (err == AX_OK)
        err = retain(r, draft->name, &gave_up, diag);
    err = ax_registry_end(r, err, diag);
    ax_buf_done(&a.change);
    if (err != AX_OK || gave_up) {
        struct ax_diag ignored;
        (void)pthread_mutex_lock(&r->lock);
        (void)ax_artifacts_sweep(r, &ignored);
        (void)pthread_mutex_unlock(&r->lock);
    }
    return err;
}
