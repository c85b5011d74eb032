/* refer.h: what an artifact says of the data that it learnt from, for tests of drift: made where it is
 * fitted. */
#ifndef AX_TRAIN_REFER_H
#define AX_TRAIN_REFER_H

#include "drift/pasts.h"
#include "train/kind.h"

/* Begin out with the bytes of the references (drift/reference.h) that are made of copies; empty without any.
 * AX_NOMEM, AX_BUSY (nobody wants the model any more), with a text. About 2 ms a feature; asks between them
 * whether the fit goes on. */
AX_MUST_USE enum ax_err ax_fit_refer(const struct ax_drift_pasts *pasts,
                                     const struct ax_fit_progress *progress, struct ax_buf *out,
                                     struct ax_diag *diag);

#endif
