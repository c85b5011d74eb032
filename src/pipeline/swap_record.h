/* swap_record.h: the roles of a model's generations change (which serves, which is compared with it), as a
 * record of the log (AX_WAL_SWAP).
 *
 * It stands between the last step under the old roles and the first under the new ones, so that a replay
 * changes them at the very same place; the artifacts are on the disk before it.
 *
 * Body: version (u8, 3), job's name (str), generation and identity of the job (u64 each), its newest step
 * (i64), kind of the model (str), feature (str, empty for the job's own expression and for entities), roles
 * (train/trial.h). Pure. */
#ifndef AX_PIPELINE_SWAP_RECORD_H
#define AX_PIPELINE_SWAP_RECORD_H

#include "train/trial.h"

/* Which model of which job, and who has which role from then on. */
struct ax_swap {
    struct ax_str job;
    uint64_t generation, identity; /* of the job */
    int64_t last_ms;               /* its newest step; INT64_MIN before the first */
    struct ax_str kind, feature;
    struct ax_roles roles;
};

/* Append it. */
void ax_swap_put(struct ax_buf *out, const struct ax_swap *swap);

/* Read it; texts point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_swap_get(struct ax_str record, struct ax_swap *out);

#endif
