/* swap_record.h: the roles of a model's generations change (which serves, which is compared with it), as a
 * record of the log (AX_WAL_SWAP).
 *
 * It stands between the last step under the old roles and the first under the new ones, so that a replay
 * changes them at the very same place; the artifacts are on the disk before it.
 *
 * Body: version (u8, 4), what pipeline/learner_at.h appends, roles (train/trial.h). Pure. */
#ifndef AX_PIPELINE_SWAP_RECORD_H
#define AX_PIPELINE_SWAP_RECORD_H

#include "pipeline/learner_at.h"
#include "train/trial.h"

/* Which model of which job, and who has which role from then on. */
struct ax_swap {
    struct ax_learner_at at;
    struct ax_roles roles;
};

/* Append it. */
void ax_swap_put(struct ax_buf *out, const struct ax_swap *swap);

/* Read it; texts point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_swap_get(struct ax_str record, struct ax_swap *out);

#endif
