/* lesson_record.h: what somebody says of the scores of a job, as a record of the log (AX_WAL_LESSON).
 *
 * Body: version (u8, 1), job's name (str), generation and identity of the job (u64 each), its newest step
 * (i64), id (u64), verdict (u8; 0: the lesson of that id is revoked), selector (str), from and to (i64).
 * Pure. */
#ifndef AX_PIPELINE_LESSON_RECORD_H
#define AX_PIPELINE_LESSON_RECORD_H

#include "base/bytes.h"
#include "pipeline/lesson.h"

/* Which job learns it after which of its steps. Texts are not owned. */
struct ax_lesson_record {
    struct ax_str job;
    uint64_t generation, identity; /* of the job */
    int64_t last_ms;               /* its newest step */
    struct ax_lesson lesson;
};

/* Append it. */
void ax_lesson_record_put(struct ax_buf *out, const struct ax_lesson_record *record);

/* Read it; texts point into the record. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_lesson_record_get(struct ax_str record, struct ax_lesson_record *out);

#endif
