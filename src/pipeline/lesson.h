/* lesson.h: what people say of a job's scores, on its way into the job.
 *
 * A lesson says of a past range and some series (or entities) that what was scored there was normal, or was
 * missed, or that the range is no example of anything; anomaly/taught.h has what that does to thresholds,
 * anomaly/said.h what to the past that entities' models learn from. It is written to the log
 * (pipeline/lesson_record.h) with the step at which it took effect, between that step and the next, so that a
 * replay learns it at the same place; from then on it is part of the job's state. A series that comes up
 * later knows nothing of it, but for exclusions (pipeline/exclusions.h) in what a backfill brings. */
#ifndef AX_PIPELINE_LESSON_H
#define AX_PIPELINE_LESSON_H

#include "anomaly/taught.h"
#include "pipeline/pipeline.h"

#define AX_JOB_LESSONS_MAX 4096 /* in force of one job */

/* One lesson; views. */
struct ax_lesson {
    struct ax_lesson_range range; /* verdict 0: it is revoked, and only the id counts */
    struct ax_str selector;       /* of the job's series, as in PromQL; empty: all of them */
};

/* What it did to one series or entity: err is AX_OK, AX_NOTFOUND (no score, or value, of that range is
 * known), AX_NOTREADY (an exclusion, of which no value is known: it holds for what a backfill brings),
 * AX_LIMIT or AX_NOMEM; thresholds before and after. */
typedef void ax_lesson_visit(void *ctx, const struct ax_labels *labels, enum ax_err err, double before,
                             double after);

/* Can a selector (pipeline/chooser.h) be read within AX_CHOOSER_SAID_MEMORY? AX_INVALID with a text. */
AX_MUST_USE enum ax_err ax_lesson_check(struct ax_str selector, struct ax_diag *diag);

/* Could a job learn one more lesson now? AX_OK; AX_NOTFOUND, AX_NOTREADY or AX_LIMIT as below, with a text.
 * Waits for a step that is running. Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_teachable(struct ax_pipeline *p, struct ax_str job, struct ax_diag *diag);

/* Let a job learn a lesson now, or forget it, and write that down; visit may be NULL. AX_NOTFOUND: there is
 * no such job; AX_NOTREADY: it is still being restored; AX_CONFLICT: it knows the lesson, or, to be revoked,
 * does not; AX_LIMIT: it has AX_JOB_LESSONS_MAX; AX_IO: the log cannot be written; AX_INVALID, AX_NOMEM. Then
 * nothing has changed. Waits for a step that is running; the next one does not wait for
 * the selector (pipeline/choice.h). Thread-safe; visit must not call back. */
AX_MUST_USE enum ax_err ax_pipeline_teach(struct ax_pipeline *p, struct ax_str job,
                                          const struct ax_lesson *lesson, ax_lesson_visit *visit, void *ctx,
                                          struct ax_diag *diag);

/* The ids of the lessons that a job has in force, rising, into out, which has room for AX_JOB_LESSONS_MAX.
 * AX_NOTFOUND, AX_NOTREADY. Thread-safe. */
AX_MUST_USE enum ax_err ax_pipeline_lessons(struct ax_pipeline *p, struct ax_str job, uint64_t *out,
                                            uint32_t *n);

/* Let the job of a record from the log learn it again. AX_CORRUPT: the record makes no sense; AX_NOMEM with a
 * text: nothing has changed. */
AX_MUST_USE enum ax_err ax_lesson_replay(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag);

#endif
