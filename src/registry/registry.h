/* registry.h: the versions of every model: what each was made of, which one serves, who decided so.
 *
 * A model is named <job>/<kind> ("bandwidth/lstm"). Its versions are numbered by themselves: the first
 * is 1.0.0; then major counts changes of the features, minor those of configuration or hyper-parameters,
 * patch trainings on newer data. A version is in one stage:
 *
 *     development -> staging -> production -> archived        archived -> staging, production
 *     development -> production, archived   staging -> development, archived
 *
 * The one in production is the model's champion, the one in staging its challenger: at most one each; another
 * that goes there archives it. The champion remembers whom it replaced, which is where a rollback goes.
 *
 * What is known is in <folder>/models.db (SQLite), the artifact of a version in <folder>/<SHA-256>.model.
 * Every call is one transaction: after a crash it has happened whole or not at all, and an artifact without a
 * version is removed at the next opening. Each change is an entry of the audit log, to which the database
 * only appends, chained by SHA-256 (ax_registry_verify()).
 *
 * One process at a time: the caller holds the lock of the storage folder (store/lock.h). Thread-safe; calls
 * wait for each other. Errors of all calls that take a diag: AX_IO (a full disk among them: nothing has
 * changed), AX_CORRUPT, AX_NOMEM, each with a text that says what to do. */
#ifndef AX_REGISTRY_REGISTRY_H
#define AX_REGISTRY_REGISTRY_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define AX_REGISTRY_NAME_MAX 192             /* bytes of a model's name */
#define AX_REGISTRY_TEXT_MAX 65536           /* bytes of any other text of a version */
#define AX_REGISTRY_ARTIFACT_MAX (64u << 20) /* bytes of an artifact */
#define AX_REGISTRY_KEEP 20                  /* default of ax_registry_options.keep */
#define AX_SHA256_TEXT 65                    /* 64 hexadecimal digits and a 0 byte */

/* Where a version stands; the first letter of its life to the last. */
enum ax_stage { AX_STAGE_DEVELOPMENT, AX_STAGE_STAGING, AX_STAGE_PRODUCTION, AX_STAGE_ARCHIVED, AX_STAGES };

/* "development", "staging", "production", "archived". */
const char *ax_stage_name(enum ax_stage stage);

/* The stage of a name; AX_INVALID. */
AX_MUST_USE enum ax_err ax_stage_parse(struct ax_str name, enum ax_stage *out);

/* May a version go from one stage to another in one move? */
bool ax_stage_may(enum ax_stage from, enum ax_stage to);

struct ax_registry;

/* How a registry is opened. */
struct ax_registry_options {
    const char *dir;       /* <storage.path>/models; made (0700, one level) when absent */
    struct ax_clock clock; /* of created and audit times */
    uint32_t approvals;    /* reviewers that must have approved of what goes to production; 0: none */
    uint32_t keep;         /* artifacts of a model beside those that are needed; 0: AX_REGISTRY_KEEP */
    bool limits_as_before; /* both are what the registry was last opened with */
};

/* Open or make. AX_UNSUPPORTED with a text when it was written by a later version. */
AX_MUST_USE enum ax_err ax_registry_open(const struct ax_registry_options *options, struct ax_registry **out,
                                         struct ax_diag *diag);

/* Close and free; NULL is fine. */
void ax_registry_close(struct ax_registry *r);

/* Other limits from now on (a reload of the configuration). */
AX_MUST_USE enum ax_err ax_registry_limits(struct ax_registry *r, uint32_t approvals, uint32_t keep,
                                           struct ax_diag *diag);

/* Who changes something, and why; either may be empty ("auspex" stands for an empty name). */
struct ax_registry_by {
    struct ax_str who, why;
};

/* A version that is to be registered. JSON texts may be empty, which is {}. Views. */
struct ax_model_draft {
    struct ax_str name;
    int64_t data_from_ms, data_to_ms; /* first and last sample that was learnt from */
    uint64_t samples;                 /* how many */
    struct ax_str features_hash;      /* of the features' definitions, in order */
    struct ax_str config_hash;        /* of the job's configuration */
    uint64_t seed;
    struct ax_str hyper_parameters; /* a JSON object */
    struct ax_str scores;           /* a JSON object of numbers, on data that was held out: {"wape": 0.12} */
    struct ax_str change; /* a line for the changelog; empty: made from what differs from the parent */
};

#define AX_MODEL_VERSION 36 /* bytes of a version's number as text, and a 0 byte */

/* Which version it became, and where its artifact is. */
struct ax_model_ref {
    uint32_t major, minor, patch;
    enum ax_stage stage;
    char version[AX_MODEL_VERSION]; /* "1.4.2" */
    char sha256[AX_SHA256_TEXT];
};

/* Register a version, in development. Artifact and version are on the disk when it returns. AX_INVALID with a
 * text: the name, a JSON text. AX_LIMIT: a text or the artifact is too long. Removes artifacts beyond
 * `keep`. Cost: two or three fsync; 10 ms on a disk of a server. */
AX_MUST_USE enum ax_err ax_registry_add(struct ax_registry *r, const struct ax_model_draft *draft,
                                        struct ax_str artifact, const struct ax_registry_by *by,
                                        struct ax_model_ref *out, struct ax_diag *diag);

/* Find a version: which is "champion", "challenger", "latest" or its number. AX_NOTFOUND with a text. */
AX_MUST_USE enum ax_err ax_registry_find(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                         struct ax_model_ref *out, struct ax_diag *diag);

/* Append the bytes of an artifact to out, checked against their SHA-256. AX_NOTFOUND when it is not kept any
 * more, or never was; AX_CORRUPT. */
AX_MUST_USE enum ax_err ax_registry_artifact(struct ax_registry *r, const char *sha256, struct ax_buf *out,
                                             struct ax_diag *diag);

/* Move a version to a stage. AX_CONFLICT with a text: not from where it is; it is there already; its artifact
 * is not kept any more; too few reviewers have approved. */
AX_MUST_USE enum ax_err ax_registry_move(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                         enum ax_stage to, const struct ax_registry_by *by,
                                         struct ax_model_ref *out, struct ax_diag *diag);

/* Put the version that the champion replaced back into production; the champion is archived. AX_CONFLICT with
 * a text when there is none, or its artifact is not kept any more. Asks for no approval: it served before. */
AX_MUST_USE enum ax_err ax_registry_rollback(struct ax_registry *r, struct ax_str name,
                                             const struct ax_registry_by *by, struct ax_model_ref *out,
                                             struct ax_diag *diag);

/* Did the champion come to serve by somebody's decision, or because another one was rolled back, by whomever?
 * As the audit log tells; false when nobody serves. */
AX_MUST_USE enum ax_err ax_registry_held(struct ax_registry *r, struct ax_str name, bool *out,
                                         struct ax_diag *diag);

/* What a comparison of two versions leads to. */
enum ax_decision { AX_DECIDE_PROMOTE, AX_DECIDE_RETIRE, AX_DECIDE_ROLL_BACK };

/* Move that version to production or the archive, or roll back if it is the champion, because of that: as
 * above, by "auspex", and with an entry `decision` before the others, which says what was decided and why. */
AX_MUST_USE enum ax_err ax_registry_decide(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                           enum ax_decision decision, struct ax_str why,
                                           struct ax_model_ref *out, struct ax_diag *diag);

/* Note that a reviewer (by->who, must be given) approves of a version; twice counts once. */
AX_MUST_USE enum ax_err ax_registry_approve(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                            const struct ax_registry_by *by, struct ax_diag *diag);

/* From now on the inputs of the champion are tested for drift against what that version learnt from, its own
 * data when it is the champion; an entry of the audit log, which stays with the champion when it is replaced
 * and comes back. AX_OK without one when it is so already. AX_CONFLICT with a text: other features, or the
 * artifact is not kept any more; AX_NOTFOUND: no champion, no such version. */
AX_MUST_USE enum ax_err ax_registry_set_baseline(struct ax_registry *r, struct ax_str name,
                                                 struct ax_str which, const struct ax_registry_by *by,
                                                 struct ax_model_ref *out, struct ax_diag *diag);

/* Have as many reviewers approved of a version as production needs? AX_CONFLICT with a text that says how
 * many are missing. */
AX_MUST_USE enum ax_err ax_registry_approved(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                             struct ax_diag *diag);

/* Note that somebody asks for a fit of a model (`retrain` in the audit log), which is asked for until
 * ax_registry_fitted() says that it is over, or somebody calls it off; asking twice counts once. */
AX_MUST_USE enum ax_err ax_registry_ask(struct ax_registry *r, struct ax_str name,
                                        const struct ax_registry_by *by, struct ax_diag *diag);

/* Does somebody ask for one? */
AX_MUST_USE enum ax_err ax_registry_asked(struct ax_registry *r, struct ax_str name, bool *out,
                                          struct ax_diag *diag);

/* What was asked for is over; nothing is fine. */
AX_MUST_USE enum ax_err ax_registry_fitted(struct ax_registry *r, struct ax_str name, struct ax_diag *diag);

/* Note that somebody has called a fit off (`cancel`), and that none is asked for any more. */
AX_MUST_USE enum ax_err ax_registry_cancel(struct ax_registry *r, struct ax_str name,
                                           const struct ax_registry_by *by, struct ax_diag *diag);

/* Counted up by each move, rollback, approval, request and baseline: who serves a champion asks again when it
 * has changed. Lock-free. */
uint64_t ax_registry_changes(const struct ax_registry *r);

/* A version as it stands. Views, valid while the visitor runs. */
struct ax_model_version {
    struct ax_model_ref ref;
    struct ax_model_draft draft;
    struct ax_str parent;   /* number of the version that it was compared with; empty: none */
    struct ax_str build;    /* version of Auspex */
    struct ax_str replaced; /* number of the champion that it replaced; empty: none */
    struct ax_str
        baseline; /* number of the version whose data its inputs are tested against; empty: its own */
    struct ax_str reviewers; /* who approved, joined by ", " */
    int64_t created_ms;
    uint64_t bytes; /* of the artifact */
    bool artifact;  /* it is still kept */
};

/* Takes one version; false ends the visit. Must not call the registry. */
typedef bool ax_model_visit(void *ctx, const struct ax_model_version *v);

/* Visit the versions of a model, newest first; those of all models, by name, when name is empty. */
AX_MUST_USE enum ax_err ax_registry_each(struct ax_registry *r, struct ax_str name, ax_model_visit *visit,
                                         void *ctx, struct ax_diag *diag);

/* Visit the one version that ax_registry_find() would find. */
AX_MUST_USE enum ax_err ax_registry_see(struct ax_registry *r, struct ax_str name, struct ax_str which,
                                        ax_model_visit *visit, void *ctx, struct ax_diag *diag);

/* One entry of the audit log; views. hash is that of all other fields and of the entry before. */
struct ax_audit_entry {
    int64_t seq, at_ms;
    struct ax_str who, action, model, version, detail, previous, hash;
};

/* Takes one entry; false ends the visit. Must not call the registry. */
typedef bool ax_audit_visit(void *ctx, const struct ax_audit_entry *e);

/* Append an entry of the caller's own (a watch that began, a comparison that was decided). */
AX_MUST_USE enum ax_err ax_registry_note(struct ax_registry *r, struct ax_str name, struct ax_str version,
                                         struct ax_str action, const struct ax_registry_by *by,
                                         struct ax_diag *diag);

/* Which entries: those of one model, version or action, unless it is empty; behind entry `after`; oldest
 * first, or newest first. */
struct ax_audit_query {
    struct ax_str name, version, action;
    int64_t after;
    bool newest;
};

/* Visit entries of the audit log. */
AX_MUST_USE enum ax_err ax_registry_audit(struct ax_registry *r, const struct ax_audit_query *q,
                                          ax_audit_visit *visit, void *ctx, struct ax_diag *diag);

/* What ax_registry_verify() found right. head is the hash of the newest entry: kept elsewhere, it also shows
 * a log that was replaced whole. */
struct ax_registry_report {
    int64_t entries;
    uint32_t versions, artifacts;
    char head[AX_SHA256_TEXT];
};

/* Check everything: each entry's hash and its link to the one before, that none is missing, that each version
 * is the one that was registered and in the stage that it was last moved to, and each artifact's SHA-256.
 * AX_CORRUPT with a text that names the first place. Reads all artifacts. */
AX_MUST_USE enum ax_err ax_registry_verify(struct ax_registry *r, struct ax_registry_report *out,
                                           struct ax_diag *diag);

#endif
