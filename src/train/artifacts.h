/* artifacts.h: where artifacts are kept: by the SHA-256 of their bytes, on the disk before anybody relies on
 * one, and who of a model is champion and who challenger.
 *
 * A table of functions, so that a backtest keeps none, and tests lose them. Thread-safe. */
#ifndef AX_TRAIN_ARTIFACTS_H
#define AX_TRAIN_ARTIFACTS_H

#include "base/buf.h"
#include "registry/registry.h"
#include "train/trial.h"

#define AX_ARTIFACT_MAX ((size_t)10 << 20) /* bytes of one */

/* What is known of an artifact that does not say it itself, as model files do. */
struct ax_artifact_lineage {
    int64_t from_ms, until_ms; /* of the samples that it learnt from */
    uint64_t samples, seed;
    uint64_t features; /* hash of what they are */
    char hyper[256];   /* a JSON object of what was chosen */
    char scores[256];  /* a JSON object of numbers, on data that it did not learn from; empty: none */
};

/* What an artifact is. */
struct ax_artifact_about {
    const char *job, *kind;
    const char *feature; /* of whose model it is; "" for the job's own expression, or its entities */
    bool tried; /* where there is a champion already it comes as its challenger; so it does when that is held
                 */
    uint64_t config; /* hash of the job's block of the configuration; 0: not known */
    const struct ax_artifact_lineage *lineage; /* NULL: the artifact says it */
    const char *scores; /* a JSON object of more numbers, of data that came later; NULL: none */
    const char *found;  /* the same of what was found of the data that it learnt from (train/check.h) */
};

#define AX_MODEL_NAME (AX_REGISTRY_NAME_MAX + 1) /* bytes of the name of a model */

/* The name of a model: "job/kind", with ":feature" behind it for that of a feature. False when it is longer
 * than a name may be: its beginning is there. */
bool ax_artifact_name(const struct ax_artifact_about *about, char out[AX_MODEL_NAME]);

/* How a model stands in the store; empty roles: nobody. */
struct ax_artifact_standing {
    struct ax_role champion, challenger;
    struct ax_role replaced; /* by the champion, which is where a rollback goes */
    struct ax_role baseline; /* whose data the champion's inputs are tested against; nobody: its own */
    bool held; /* the champion serves because somebody wants it to, or because another one was rolled back */
    int64_t newest_ms; /* time of the last sample that the newest one learnt from, whichever serves; 0:
                          not known */
    bool asked;        /* somebody asks for a fit of it, which is not over yet */
};

/* A move from one role to another. */
enum ax_artifact_move {
    AX_ARTIFACT_PROMOTE,   /* the challenger becomes champion */
    AX_ARTIFACT_RETIRE,    /* the challenger is wanted no more */
    AX_ARTIFACT_ROLL_BACK, /* the champion gives way to the one that it replaced */
    AX_ARTIFACT_BASELINE   /* the challenger's data are what the champion's inputs are tested against */
};

/* A store; all NULL: there is none. */
struct ax_artifacts {
    /* Keep an artifact: when it returns AX_OK the bytes are on the disk. The same bytes may be put again.
     * AX_IO, AX_LIMIT, AX_NOMEM, with a text. */
    enum ax_err (*put)(void *ctx, const struct ax_artifact_about *about, struct ax_str bytes,
                       struct ax_diag *diag);

    /* Append the artifact of that SHA-256. AX_NOTFOUND; AX_CORRUPT when its bytes have another one; AX_IO,
     * AX_NOMEM; with a text. */
    enum ax_err (*get)(void *ctx, const char *sha256, struct ax_buf *out, struct ax_diag *diag);

    /* How the model stands; AX_NOTFOUND: it has no version, only `asked` is known of it. NULL: the store
     * knows of no roles, which are then those that the learner gives. */
    enum ax_err (*standing)(void *ctx, const struct ax_artifact_about *about,
                            struct ax_artifact_standing *out, struct ax_diag *diag);

    /* A fit that was asked for is over. NULL together with standing(). */
    enum ax_err (*settle)(void *ctx, const struct ax_artifact_about *about, struct ax_diag *diag);

    /* Move the one of that SHA-256, which has the role that it is to leave; on the disk when it returns
     * AX_OK. AX_CONFLICT with a text: it has not, its reviewers have not approved, or there is nothing to
     * roll back to. NULL together with standing(). */
    enum ax_err (*move)(void *ctx, const struct ax_artifact_about *about, enum ax_artifact_move move,
                        const char *sha256, const char *why, struct ax_diag *diag);

    /* Write on the card of the champion, if it is the one of that SHA-256, that something was found of it: an
     * entry of the audit log. AX_CONFLICT with a text: it is not. NULL together with standing(). */
    enum ax_err (*note)(void *ctx, const struct ax_artifact_about *about, const char *sha256,
                        const char *action, const char *why, struct ax_diag *diag);

    /* May the challenger serve, all of the series or a share of them? AX_CONFLICT with a text: its reviewers
     * have not approved, or it is the challenger no more. NULL together with standing(). */
    enum ax_err (*may_serve)(void *ctx, const struct ax_artifact_about *about, const char *sha256,
                             struct ax_diag *diag);

    /* Counted up whenever standing() may say something else, or move() or may_serve() answer otherwise;
     * lock-free. NULL together with standing(). */
    uint64_t (*changes)(void *ctx);

    void *ctx;
};

/* Artifacts as files of a folder, which must be there and outlive it: <SHA-256>.model. */
struct ax_artifacts ax_artifact_files(const char *dir);

#endif
