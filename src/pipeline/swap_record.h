/* swap_record.h: another generation of a model begins to serve, as a record of the log (AX_WAL_SWAP).
 *
 * It stands between the last step that the old one served and the first of the new one, so that a replay
 * swaps at the very same place; the artifact is on the disk before it.
 *
 * Body: version (u8, 1), job's name (str), generation and identity of the job (u64 each), its newest step
 * (i64), kind of the model (str), feature (str, empty for the job's own expression and for entities), SHA-256
 * of the artifact (str, hexadecimal). Pure. */
#ifndef AX_PIPELINE_SWAP_RECORD_H
#define AX_PIPELINE_SWAP_RECORD_H

#include "base/bytes.h"

/* Which model of which job, and by what it is made. */
struct ax_swap {
    struct ax_str job;
    uint64_t generation, identity; /* of the job */
    int64_t last_ms;               /* its newest step; INT64_MIN before the first */
    struct ax_str kind, feature, sha256;
};

/* Append it. */
void ax_swap_put(struct ax_buf *out, const struct ax_swap *swap);

/* Read it; views point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_swap_get(struct ax_str record, struct ax_swap *out);

#endif
