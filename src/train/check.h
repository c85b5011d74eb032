/* check.h: are the data of a fit worth it? Asked before each one. */
#ifndef AX_TRAIN_CHECK_H
#define AX_TRAIN_CHECK_H

#include "train/kind.h"

/* Validate the data of a kind (train/validate.h); out may be NULL. AX_INVALID with the reasons as text,
 * AX_NOMEM. A kind that shows no series is let through. Any thread. */
AX_MUST_USE enum ax_err ax_train_check(const struct ax_train_kind *kind, const void *data,
                                       const struct ax_validation_rule *rule,
                                       struct ax_validation_finding *out, struct ax_diag *diag);

/* The same of what was counted before: more may be told of it first. */
AX_MUST_USE enum ax_err ax_train_count(const struct ax_train_kind *kind, const void *data,
                                       struct ax_validation *v);

#endif
