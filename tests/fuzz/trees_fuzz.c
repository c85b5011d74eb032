/* trees_fuzz.c: any bytes as the body of an artifact of boosted trees, which gets a head with the right
 * length and checksums.
 *
 * Refused with a reason, or it serves: every row of numbers and of none has an answer, and the scores of the
 * fit are no nonsense. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "train/trees.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* That of the artifacts in the corpus. */
static const struct ax_speaker_spec spec = {.sequence = 1,
                                            .step_ms = 60000,
                                            .leads = {1, 4},
                                            .leads_n = 2,
                                            .epochs = 4,
                                            .patience = 2,
                                            .depth = 2,
                                            .rows_max = 400,
                                            .features = {"a", 1}};

static void ask(const void *model)
{
    const size_t width = ax_trees_speaker.row(&spec, model);
    float *row = malloc(width * sizeof *row), out[2];
    AX_ASSERT(row && width == ax_trees_width(&spec));
    for (int k = -2; k < 3; k++) {
        for (size_t i = 0; i < width; i++)
            row[i] = k < 2 ? (float)k * (float)(i % 7) : (float)NAN;
        ax_trees_speaker.run(model, NULL, row, 1, out);
    }
    free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ax_buf b;
    struct ax_fit_scores scores;
    struct ax_diag diag = {{0}};
    struct ax_drift_references *refs = NULL;
    void *model = NULL;
    if (n > 65536)
        return 0;
    ax_buf_init(&b, n + 28);
    ax_buf_put(&b, "AUSPEXNN", 8);
    ax_put_u32(&b, 0x01020304);
    ax_put_u32(&b, 1);
    ax_put_u32(&b, (uint32_t)n);
    ax_put_u32(&b, ax_crc32c(0, data, n));
    ax_put_u32(&b, ax_crc32c(0, b.bytes, 24));
    ax_buf_put(&b, data, n);
    enum ax_err err = ax_trees_kind.build(&spec, ax_buf_view(&b), &model, &scores, &diag);
    AX_ASSERT((err == AX_OK) == (model != NULL) && (err == AX_OK || diag.text[0]));
    if (model) {
        AX_ASSERT(scores.from_ms <= scores.until_ms && isfinite(scores.loss) && scores.samples >= 0);
        ask(model);
    }
    ax_trees_kind.free_model(model);
    err = ax_trees_kind.references(ax_buf_view(&b), &refs, &diag);
    AX_ASSERT(err == AX_OK || !refs);
    ax_drift_references_free(refs);
    ax_buf_done(&b);
    return 0;
}
