/* registry.c: opening and closing, the tables, and what is asked of all of it. */
#include "base/assert.h"
#include "registry/registry_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 2
#define PATH_BYTES 4096

/* The log of what was done is only appended to; a stage holds one champion and one challenger. */
static const char schema[] =
    "CREATE TABLE version(id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, major INTEGER NOT NULL,"
    " minor INTEGER NOT NULL, patch INTEGER NOT NULL, stage INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " parent TEXT NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, artifact INTEGER NOT NULL,"
    " data_from_ms INTEGER NOT NULL, data_to_ms INTEGER NOT NULL, samples INTEGER NOT NULL,"
    " features_hash TEXT NOT NULL, config_hash TEXT NOT NULL, seed INTEGER NOT NULL, build TEXT NOT NULL,"
    " hyper_parameters TEXT NOT NULL, scores TEXT NOT NULL, change TEXT NOT NULL,"
    " replaced INTEGER REFERENCES version(id), UNIQUE(model, major, minor, patch)) STRICT;"
    "CREATE UNIQUE INDEX champion ON version(model) WHERE stage = 2;"
    "CREATE UNIQUE INDEX challenger ON version(model) WHERE stage = 1;"
    "CREATE INDEX artifacts ON version(sha256);"
    "CREATE TABLE approval(version INTEGER NOT NULL REFERENCES version(id), reviewer TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY(version, reviewer)) STRICT;"
    "CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, model TEXT NOT NULL, version TEXT NOT NULL, detail TEXT NOT NULL,"
    " previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT;"
    "CREATE INDEX audit_of ON audit(model, version);"
    "CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only"
    " appended to'); END;"
    "CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only"
    " appended to'); END;"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;";

/* What came with format 2. */
static const char since_2[] = "CREATE TABLE request(model TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;"
                              "PRAGMA user_version = 2;";

static const char *const stage_names[AX_STAGES] = {"development", "staging", "production", "archived"};

const char *ax_stage_name(enum ax_stage stage)
{
    AX_ASSERT(stage < AX_STAGES);
    return stage_names[stage];
}

enum ax_err ax_stage_parse(struct ax_str name, enum ax_stage *out)
{
    for (enum ax_stage s = 0; s < AX_STAGES; s++) {
        if (ax_str_eq(name, ax_str(stage_names[s]))) {
            *out = s;
            return AX_OK;
        }
    }
    return AX_INVALID;
}

bool ax_stage_may(enum ax_stage from, enum ax_stage to)
{
    static const bool may[AX_STAGES][AX_STAGES] = {
        [AX_STAGE_DEVELOPMENT] =
            {[AX_STAGE_STAGING] = true, [AX_STAGE_PRODUCTION] = true, [AX_STAGE_ARCHIVED] = true},
        [AX_STAGE_STAGING] =
            {[AX_STAGE_DEVELOPMENT] = true, [AX_STAGE_PRODUCTION] = true, [AX_STAGE_ARCHIVED] = true},
        [AX_STAGE_PRODUCTION] = {[AX_STAGE_ARCHIVED] = true},
        [AX_STAGE_ARCHIVED] = {[AX_STAGE_STAGING] = true, [AX_STAGE_PRODUCTION] = true},
    };
    AX_ASSERT(from < AX_STAGES && to < AX_STAGES);
    return may[from][to];
}

/* Make the tables, or check that they are ours. */
static enum ax_err prepare_tables(struct ax_registry *r, struct ax_diag *diag)
{
    int64_t version = 0;
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "PRAGMA user_version", "");
    enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    if (err == AX_OK)
        version = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    if (err != AX_OK || version == SCHEMA_VERSION)
        return err;
    if (version < 0 || version > SCHEMA_VERSION)
        return ax_fail(
            diag, AX_UNSUPPORTED,
            "%s/models.db is of format %lld, this auspex reads format %d: start the auspex that wrote it",
            r->folder.path, (long long)version, SCHEMA_VERSION);
    err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = version == 0 ? ax_sql_script(r, schema, diag) : AX_OK;
    if (err == AX_OK)
        err = ax_succession_follow_all(r, diag);
    if (err == AX_OK)
        err = ax_sql_script(r, since_2, diag);
    return ax_registry_end(r, err, diag);
}

static enum ax_err open_database(struct ax_registry *r, struct ax_diag *diag)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/models.db", r->folder.path) >= (int)sizeof path)
        return ax_fail(diag, AX_INVALID, "--storage.path is too long");
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &r->db, flags, NULL) != SQLITE_OK)
        return r->db ? ax_sql_fail(r, diag) : ax_fail(diag, AX_NOMEM, "out of memory");
    /* One writer, so no shared memory; each commit is on the disk before it is reported. */
    enum ax_err err =
        ax_sql_script(r,
                      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA "
                      "synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
                      diag);
    return err == AX_OK ? prepare_tables(r, diag) : err;
}

/* The limits that were last set. */
static enum ax_err read_limits(struct ax_registry *r, uint32_t *approvals, uint32_t *keep,
                               struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(r, diag, "SELECT name, value FROM setting", "");
    enum ax_err err = s ? AX_OK : AX_IO;
    while (err == AX_OK) {
        err = ax_sql_step(r, s, diag);
        if (err == AX_OK && ax_str_eq(ax_sql_text(s, 0), ax_str("approvals")))
            *approvals = (uint32_t)sqlite3_column_int64(s, 1);
        else if (err == AX_OK && ax_str_eq(ax_sql_text(s, 0), ax_str("keep")))
            *keep = (uint32_t)sqlite3_column_int64(s, 1);
    }
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

enum ax_err ax_registry_open(const struct ax_registry_options *options, struct ax_registry **out,
                             struct ax_diag *diag)
{
    struct ax_registry *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    r->folder.fd = -1;
    r->clock = options->clock;
    r->keep = AX_REGISTRY_KEEP;
    (void)pthread_mutex_init(&r->lock, NULL);
    enum ax_err err = ax_folder_open(options->dir, true, &r->folder, diag);
    if (err == AX_OK)
        err = open_database(r, diag);
    if (err == AX_OK)
        err = options->limits_as_before ? read_limits(r, &r->approvals, &r->keep, diag)
                                        : ax_registry_limits(r, options->approvals, options->keep, diag);
    if (err == AX_OK)
        err = ax_artifacts_sweep(r, diag);
    if (err != AX_OK) {
        ax_registry_close(r);
        return err;
    }
    *out = r;
    return AX_OK;
}

void ax_registry_close(struct ax_registry *r)
{
    if (!r)
        return;
    (void)sqlite3_close(r->db);
    ax_folder_close(&r->folder);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

static void limits_text(uint32_t approvals, uint32_t keep, char out[AX_LIMITS_TEXT])
{
    (void)snprintf(out, AX_LIMITS_TEXT, "approvals %" PRIu32 ", keep %" PRIu32, approvals, keep);
}

enum ax_err ax_limits_stored(struct ax_registry *r, char out[AX_LIMITS_TEXT], struct ax_diag *diag)
{
    uint32_t approvals = 0, keep = AX_REGISTRY_KEEP;
    const enum ax_err err = read_limits(r, &approvals, &keep, diag);
    limits_text(approvals, keep, out);
    return err;
}

enum ax_err ax_limits_noted(struct ax_registry *r, char out[AX_LIMITS_TEXT], struct ax_diag *diag)
{
    sqlite3_stmt *s = ax_sql_prepare(
        r, diag, "SELECT detail FROM audit WHERE action = 'limits' ORDER BY seq DESC LIMIT 1", "");
    const enum ax_err err = s ? ax_sql_step(r, s, diag) : AX_IO;
    (void)snprintf(out, AX_LIMITS_TEXT, AX_STR_FMT,
                   AX_STR_ARG(err == AX_OK ? ax_sql_text(s, 0) : ax_str("")));
    (void)sqlite3_finalize(s);
    return err == AX_NOTFOUND ? AX_OK : err;
}

/* Note limits in the audit log that are not those that it has. */
static enum ax_err note_limits(struct ax_registry *r, uint32_t approvals, uint32_t keep, struct ax_diag *diag)
{
    char text[AX_LIMITS_TEXT], noted[AX_LIMITS_TEXT];
    limits_text(approvals, keep, text);
    enum ax_err err = ax_limits_noted(r, noted, diag);
    if (err == AX_OK && !*noted) /* what holds until something else is said */
        limits_text(0, AX_REGISTRY_KEEP, noted);
    return err == AX_OK && strcmp(text, noted) != 0
               ? ax_audit_append(r, &(struct ax_registry_by){ax_str(""), ax_str("")}, "limits", ax_str(""),
                                 ax_str(""), ax_str(text), diag)
               : err;
}

enum ax_err ax_registry_limits(struct ax_registry *r, uint32_t approvals, uint32_t keep, struct ax_diag *diag)
{
    static const char sql[] = "INSERT OR REPLACE INTO setting(name, value) VALUES(?, ?)";
    keep = keep ? keep : AX_REGISTRY_KEEP;
    enum ax_err err = ax_registry_begin(r, diag);
    if (err != AX_OK)
        return err;
    err = ax_sql_run(r, diag, sql, "si", ax_str("approvals"), (int64_t)approvals);
    if (err == AX_OK)
        err = ax_sql_run(r, diag, sql, "si", ax_str("keep"), (int64_t)keep);
    if (err == AX_OK)
        err = note_limits(r, approvals, keep, diag);
    err = ax_registry_settle(r, err, diag);
    if (err == AX_OK) {
        r->approvals = approvals;
        r->keep = keep;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return err;
}

uint64_t ax_registry_changes(const struct ax_registry *r)
{
    return atomic_load_explicit(&r->changes, memory_order_acquire);
}
