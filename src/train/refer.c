/* refer.c: one feature after the other. */
#include "train/refer.h"

#define BYTES_MAX (2u << 20) /* 73 features (drift/reference_state.c) of at most 15 KiB */

enum ax_err ax_fit_refer(const struct ax_drift_pasts *pasts, const struct ax_fit_progress *progress,
                         struct ax_buf *out, struct ax_diag *diag)
{
    struct ax_arena scratch;
    enum ax_err err = AX_OK;
    ax_buf_init(out, BYTES_MAX);
    ax_arena_init(&scratch, SIZE_MAX);
    for (uint32_t i = 0; pasts && i < ax_drift_pasts_n(pasts) && err == AX_OK; i++) {
        if (!ax_fit_goes_on(progress, 0))
            err = ax_fail(diag, AX_BUSY, "called off");
        else if ((err = ax_drift_pasts_make(pasts, i, &scratch, out)) != AX_OK)
            err = ax_fail(diag, err, "what inputs are tested against: %s", ax_err_text(err));
    }
    ax_arena_done(&scratch);
    return err;
}
