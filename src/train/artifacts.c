/* artifacts.c: artifacts as files. */
#include "train/artifacts.h"

#include "registry/digest.h"
#include "store/whole_file.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX ".model"
#define NAME (AX_SHA256_TEXT + sizeof SUFFIX)

static enum ax_err put(void *ctx, const struct ax_artifact_about *about, struct ax_str bytes,
                       struct ax_diag *diag)
{
    char name[NAME], sha256[AX_SHA256_TEXT];
    (void)about;
    if (bytes.n > AX_ARTIFACT_MAX)
        return ax_fail(diag, AX_LIMIT, "a model of %zu bytes: at most %zu are kept", bytes.n,
                       AX_ARTIFACT_MAX);
    ax_sha256_text(bytes, sha256);
    (void)snprintf(name, sizeof name, "%s" SUFFIX, sha256);
    return ax_whole_file_write(ctx, name, bytes, diag);
}

static enum ax_err get(void *ctx, const char *sha256, struct ax_buf *out, struct ax_diag *diag)
{
    char name[NAME], found[AX_SHA256_TEXT];
    size_t before = out->n;
    (void)snprintf(name, sizeof name, "%.64s" SUFFIX, sha256);
    enum ax_err err = ax_whole_file_read(ctx, name, AX_ARTIFACT_MAX, out, diag);
    if (err != AX_OK)
        return err;
    ax_sha256_text((struct ax_str){(const char *)out->bytes + before, out->n - before}, found);
    if (strcmp(found, sha256) != 0)
        return ax_fail(diag, AX_CORRUPT, "the bytes of %s/%s have another SHA-256 than its name", (char *)ctx,
                       name);
    return AX_OK;
}

bool ax_artifact_name(const struct ax_artifact_about *about, char out[AX_MODEL_NAME])
{
    const int n = snprintf(out, AX_MODEL_NAME, "%s/%s%s%s", about->job, about->kind,
                           *about->feature ? ":" : "", about->feature);
    return n < AX_MODEL_NAME;
}

struct ax_artifacts ax_artifact_files(const char *dir)
{
    return (struct ax_artifacts){.put = put, .get = get, .ctx = (void *)(uintptr_t)dir};
}
