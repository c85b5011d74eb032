/* registry_priv.h: what the files of the registry share: the database, its statements, transactions. */
#ifndef AX_REGISTRY_REGISTRY_PRIV_H
#define AX_REGISTRY_REGISTRY_PRIV_H

#include "registry/digest.h"
#include "registry/registry.h"
#include "store/folder.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* The registry; lock guards all but changes. */
struct ax_registry {
    pthread_mutex_t lock;
    struct ax_folder folder;
    sqlite3 *db;
    struct ax_clock clock;
    uint32_t approvals, keep;
    _Atomic uint64_t changes;
};

/* sql.c: put the database's own error into words. Returns AX_IO, AX_CORRUPT, AX_BUSY, AX_NOMEM. */
enum ax_err ax_sql_fail(const struct ax_registry *r, struct ax_diag *diag);

/* A statement with its values bound, in the order of types: 's' struct ax_str, 'i' int64_t. NULL with a text;
 * free with sqlite3_finalize(). */
sqlite3_stmt *ax_sql_prepare(const struct ax_registry *r, struct ax_diag *diag, const char *sql,
                             const char *types, ...);

/* The next row: AX_OK, AX_NOTFOUND (no more, no text), or an error with a text. */
AX_MUST_USE enum ax_err ax_sql_step(const struct ax_registry *r, sqlite3_stmt *s, struct ax_diag *diag);

/* Prepare, run to the end, free. */
AX_MUST_USE enum ax_err ax_sql_run(const struct ax_registry *r, struct ax_diag *diag, const char *sql,
                                   const char *types, ...);

/* Statements without values. */
AX_MUST_USE enum ax_err ax_sql_script(const struct ax_registry *r, const char *sql, struct ax_diag *diag);

/* A column of the current row as a view; "" for NULL. */
struct ax_str ax_sql_text(sqlite3_stmt *s, int column);

/* Take the lock and begin a transaction; on failure the lock is not held. */
AX_MUST_USE enum ax_err ax_registry_begin(struct ax_registry *r, struct ax_diag *diag);

/* End it under the lock: commit when err is AX_OK, else undo. Returns err, or why it could not be committed.
 */
AX_MUST_USE enum ax_err ax_registry_settle(struct ax_registry *r, enum ax_err err, struct ax_diag *diag);

/* The same, and give the lock back. */
AX_MUST_USE enum ax_err ax_registry_end(struct ax_registry *r, enum ax_err err, struct ax_diag *diag);

/* artifact.c: write an artifact to the disk by its name. */
AX_MUST_USE enum ax_err ax_artifact_write(struct ax_registry *r, const char *sha256, struct ax_str bytes,
                                          struct ax_diag *diag);

/* Append its bytes to out and check them. AX_NOTFOUND, AX_CORRUPT, AX_IO. */
AX_MUST_USE enum ax_err ax_artifact_read(const struct ax_registry *r, const char *sha256, struct ax_buf *out,
                                         struct ax_diag *diag);

/* Remove those that no version keeps; outside a transaction, under the lock. What cannot be removed is tried
 * again at the next opening. */
enum ax_err ax_artifacts_sweep(struct ax_registry *r, struct ax_diag *diag);

/* audit.c: append an entry, within a transaction. */
AX_MUST_USE enum ax_err ax_audit_append(struct ax_registry *r, const struct ax_registry_by *by,
                                        const char *action, struct ax_str model, struct ax_str version,
                                        struct ax_str detail, struct ax_diag *diag);

/* Check the next part of the chain, behind out->entries; fills these and head. more: there may be another
 * one.
 */
AX_MUST_USE enum ax_err ax_audit_verify(struct ax_registry *r, struct ax_registry_report *out, bool *more,
                                        struct ax_diag *diag);

/* versions.c: a version with its row of the database. */
struct ax_version_row {
    int64_t id, replaced; /* 0: none */
    struct ax_model_ref ref;
    bool artifact;
};

/* Find a row under the lock, as ax_registry_find(). */
AX_MUST_USE enum ax_err ax_version_find(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                        struct ax_version_row *out, struct ax_diag *diag);

/* The same by its id. */
AX_MUST_USE enum ax_err ax_version_by_id(struct ax_registry *r, int64_t id, struct ax_version_row *out,
                                         struct ax_diag *diag);

/* Visit all rows; within the lock. */
AX_MUST_USE enum ax_err ax_versions_all(struct ax_registry *r, ax_model_visit *visit, void *ctx,
                                        struct ax_diag *diag);

#define AX_VERSION_ENTRY (2 * AX_SHA256_TEXT + 8)

/* verify.c: the detail of the entry `register` of a version: the SHA-256 of its artifact, and that of all
 * that was said of it then. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_version_entry(const struct ax_model_version *v, char out[AX_VERSION_ENTRY]);

/* succession.c: the number of the version that served before the one that serves now, "" when there was none:
 * where a rollback goes. */
AX_MUST_USE enum ax_err ax_succession(struct ax_registry *r, struct ax_str name, char out[AX_MODEL_VERSION],
                                      struct ax_diag *diag);

/* Let a champion have replaced that one. */
AX_MUST_USE enum ax_err ax_succession_follow(struct ax_registry *r, struct ax_str name, int64_t champion,
                                             struct ax_diag *diag);

/* The same for all champions; format 1 did not see to it. */
AX_MUST_USE enum ax_err ax_succession_follow_all(struct ax_registry *r, struct ax_diag *diag);

#define AX_LIMITS_TEXT 64

/* registry.c: the limits that are stored, as text. AX_IO, AX_NOMEM with a text. */
AX_MUST_USE enum ax_err ax_limits_stored(struct ax_registry *r, char out[AX_LIMITS_TEXT],
                                         struct ax_diag *diag);

/* registry.c: the newest limits that the audit log has, "" for none. Errors as above. */
AX_MUST_USE enum ax_err ax_limits_noted(struct ax_registry *r, char out[AX_LIMITS_TEXT],
                                        struct ax_diag *diag);

/* draft.c: is it fit to be registered? AX_INVALID, AX_LIMIT with a text. */
AX_MUST_USE enum ax_err ax_draft_check(const struct ax_model_draft *d, struct ax_str artifact,
                                       struct ax_diag *diag);

/* What differs between a draft and the version that it is compared with (NULL: there is none). */
enum ax_difference { AX_DIFFERS_DATA, AX_DIFFERS_SETTINGS, AX_DIFFERS_FEATURES, AX_DIFFERS_ALL };

/* The largest of the differences. */
enum ax_difference ax_draft_difference(const struct ax_model_draft *d, const struct ax_model_draft *parent);

/* The draft's line for the changelog: its own, or what differs and how the scores moved. */
void ax_draft_change(const struct ax_model_draft *d, const struct ax_model_draft *parent, struct ax_buf *out);

#endif
