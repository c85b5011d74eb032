/* artifacts.h: where artifacts are kept: by the SHA-256 of their bytes, on the disk before anybody relies on
 * one.
 *
 * A table of functions, so that a backtest keeps none, and tests lose them. Thread-safe. */
#ifndef AX_TRAIN_ARTIFACTS_H
#define AX_TRAIN_ARTIFACTS_H

#include "base/buf.h"
#include "registry/registry.h"

#define AX_ARTIFACT_MAX ((size_t)10 << 20) /* bytes of one */

/* What an artifact is. */
struct ax_artifact_about {
    const char *job, *kind;
    const char *feature; /* of whose model it is; "" for the job's own expression, or its entities */
};

/* Which artifact of a model is to serve. */
struct ax_artifact_champion {
    char sha256[AX_SHA256_TEXT];
    int64_t newest_ms; /* time of the last sample that the newest one learnt from, whichever serves; 0: not
                          known */
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

    /* Which one is to serve; AX_NOTFOUND: none of that model. NULL: the newest one always is. */
    enum ax_err (*champion)(void *ctx, const struct ax_artifact_about *about,
                            struct ax_artifact_champion *out, struct ax_diag *diag);

    /* Counted up whenever champion() may say something else; lock-free. NULL together with champion(). */
    uint64_t (*changes)(void *ctx);

    void *ctx;
};

/* Artifacts as files of a folder, which must be there and outlive it: <SHA-256>.model. */
struct ax_artifacts ax_artifact_files(const char *dir);

#endif
