/* reference_fuzz.c: any bytes as the references of a model (drift/reference.h).
 *
 * Refused, or each feature's can be tested against, and what is said is a number or nothing. */
#include "base/assert.h"
#include "drift/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_reference(const struct ax_drift_reference *r)
{
    static struct ax_arena scratch;
    static const struct ax_drift_spec spec = {.current_n = 40};
    struct ax_drift_pool pool = {.n = 0};
    struct ax_drift_result out;
    float v[40];
    if (r->sketch.n > 100000) /* what is made of one takes 8 bytes a value */
        return;
    for (uint32_t i = 0; i < 40; i++)
        v[i] = (float)(i % 7);
    for (uint32_t i = 0; i < r->seen_n; i++)
        ax_drift_pool_offer(&pool, &(struct ax_drift_member){.id = r->seen[i].id, .v = v, .n = 40});
    ax_arena_init(&scratch, 8u << 20);
    const enum ax_err err = ax_drift_reference_test(&spec, r, &pool, &scratch, &out);
    AX_ASSERT(err == AX_OK || err == AX_NOTFOUND || err == AX_NOMEM);
    if (err == AX_OK && out.ready) {
        AX_ASSERT(out.p_value >= 0 && out.p_value <= 1);
        AX_ASSERT(out.score[AX_DRIFT_KS] >= 0 && out.score[AX_DRIFT_KS] <= 1);
        (void)ax_drift_verdict(&spec, &out, 1);
    }
    ax_arena_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ax_drift_references *refs = NULL;
    if (n > 65536)
        return 0;
    const enum ax_err err = ax_drift_references_read((struct ax_str){(const char *)data, n}, &refs);
    AX_ASSERT(err == AX_OK || (err == AX_CORRUPT && !refs));
    const struct ax_drift_reference *a = ax_drift_references_find(refs, ax_str("a"));
    if (a)
        try_reference(a);
    ax_drift_references_free(refs);
    return 0;
}
