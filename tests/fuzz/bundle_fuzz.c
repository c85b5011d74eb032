/* bundle_fuzz.c: any bytes as a file of `auspex models export` that is to be imported: refused with a text,
 * or a version with the artifact that it says.
 *
 * First byte odd: what can be read is registered; else it is looked at, and refused then. */
#include "base/assert.h"
#include "folder.h"
#include "registry/digest.h"
#include "registry/shown.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum ax_err refuse(void *ctx, struct ax_str name, struct ax_str artifact, struct ax_diag *diag)
{
    (void)name;
    *(bool *)ctx = true;
    AX_ASSERT(artifact.n == 0 || artifact.p);
    return ax_fail(diag, AX_CONFLICT, "no job wants it");
}

static void import(struct ax_registry *r, struct ax_str json, bool takes)
{
    const struct ax_registry_by by = {ax_str("fuzz"), ax_str("")};
    char name[AX_REGISTRY_NAME_MAX + 1];
    struct ax_model_ref ref;
    struct ax_diag diag = {{0}};
    bool seen = false;
    const enum ax_err err = ax_model_import(r, json, &by, takes ? NULL : refuse, &seen, name, &ref, &diag);
    AX_ASSERT(err == AX_OK || diag.text[0]);
    AX_ASSERT(err != AX_OK || takes);
    if (err != AX_OK)
        return;
    struct ax_buf bytes;
    char sha256[AX_SHA256_TEXT];
    json_t *card = NULL;
    ax_buf_init(&bytes, AX_REGISTRY_ARTIFACT_MAX);
    AX_ASSERT(ax_registry_artifact(r, ref.sha256, &bytes, &diag) == AX_OK);
    ax_sha256_text(ax_buf_view(&bytes), sha256);
    AX_ASSERT(strcmp(sha256, ref.sha256) == 0);
    ax_buf_reset(&bytes);
    AX_ASSERT(ax_model_card(r, ax_str(name), ax_str("latest"), &card, &diag) == AX_OK);
    ax_model_card_markdown(card, &bytes);
    AX_ASSERT(bytes.n > 0);
    json_decref(card);
    ax_buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ax_registry *r;
    struct ax_diag diag = {{0}};
    if (n == 0)
        return 0;
    if (!r) {
        const struct ax_registry_options options = {
            .dir = fuzz_folder(), .clock = ax_clock_wall(), .keep = 4};
        AX_ASSERT(ax_registry_open(&options, &r, &diag) == AX_OK);
    }
    import(r, (struct ax_str){(const char *)data + 1, n - 1}, data[0] % 2);
    return 0;
}
