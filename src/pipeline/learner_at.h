/* learner_at.h: which model of which job a record of the log speaks of, and after which of its steps: what
 * the records of swaps (pipeline/swap_record.h) and of fits (pipeline/fits_record.h) begin with, behind their
 * version.
 *
 * Job's name (str), generation and identity of the job (u64 each), its newest step (i64), kind of the model
 * (str), feature (str, empty for the job's own expression and for entities). Pure. */
#ifndef AX_PIPELINE_LEARNER_AT_H
#define AX_PIPELINE_LEARNER_AT_H

#include "base/bytes.h"

/* See above. Texts are not owned. */
struct ax_learner_at {
    struct ax_str job;
    uint64_t generation, identity; /* of the job */
    int64_t last_ms;               /* its newest step; INT64_MIN before the first */
    struct ax_str kind, feature;
};

/* Append it. */
void ax_learner_at_put(struct ax_buf *out, const struct ax_learner_at *at);

/* Read it; texts point into the record. What cannot be is a failure of in. */
void ax_learner_at_get(struct ax_bytes *in, struct ax_learner_at *out);

#endif
