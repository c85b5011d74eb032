/* feedback_priv.h: what feedback.c and feedback_reconcile.c share. */
#ifndef AX_API_FEEDBACK_PRIV_H
#define AX_API_FEEDBACK_PRIV_H

#include "api/feedback.h"

#include <jansson.h>

/* Teach one job an event, or let it forget it; what became of it is added to `jobs`, what went wrong to
 * `warnings`. f->lock is held. */
void ax_feedback_teach(struct ax_feedback *f, struct ax_str job, const struct ax_event *e, bool revoked,
                       json_t *jobs, json_t *warnings);

#endif
