/* backtest_feedback.h: what people said of a recording, told to the jobs of a backtest when they said it.
 *
 * A file is what `GET /api/v1/feedback` answers, whole, or the list in it (docs/feedback.md): of each entry
 * verdict, job, series, from, to, created and revoked count. One thread. */
#ifndef AX_APP_BACKTEST_FEEDBACK_H
#define AX_APP_BACKTEST_FEEDBACK_H

#include "app/recording.h"

struct ax_backtest_feedback;

/* Read a file. AX_NOTFOUND, AX_INVALID with the entry that cannot be read, AX_LIMIT, AX_NOMEM; with a text.
 */
AX_MUST_USE enum ax_err ax_backtest_feedback_open(const char *path, struct ax_backtest_feedback **out,
                                                  struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_backtest_feedback_free(struct ax_backtest_feedback *f);

/* Run a recording to its end, and tell each entry when its time has come; f may be NULL. An entry of which
 * nothing comes, because no series matches, nothing of that time is remembered, or it was said before the
 * first sample or not before the last, is told on standard error.
 * Errors as ax_recording_run(). */
AX_MUST_USE enum ax_err ax_backtest_feedback_run(const struct ax_backtest_feedback *f, struct ax_recording *r,
                                                 struct ax_diag *diag);

#endif
