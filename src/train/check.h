/* check.h: are the data of a fit worth it? Asked before each one; what was found goes with the version. */
#ifndef AX_TRAIN_CHECK_H
#define AX_TRAIN_CHECK_H

#include "train/kind.h"

/* Validate the data of a kind (train/validate.h). told: what is known of them beside, such as how samples
 * came; may be NULL. out may be NULL; what is not known is not in it. AX_INVALID with the reasons as text,
 * AX_NOMEM. A kind that shows no series is let through. Any thread. */
AX_MUST_USE enum ax_err ax_train_check(const struct ax_train_kind *kind, const void *data,
                                       const struct ax_validation_rule *rule,
                                       const struct ax_validation *told, struct ax_validation_finding *out,
                                       struct ax_diag *diag);

/* The same of what was counted before: more may be told of it first. Labels that were told go before those of
 * the data. */
AX_MUST_USE enum ax_err ax_train_count(const struct ax_train_kind *kind, const void *data,
                                       struct ax_validation *v);

#define AX_FINDINGS_TEXT 320

/* What was found, as a JSON object of numbers for a version's scores: {"data_completeness": 0.98, ...}, or of
 * words for a log; "" when nothing was. */
void ax_findings_scores(const struct ax_validation_finding *f, char out[AX_FINDINGS_TEXT]);
/* As above. */
void ax_findings_words(const struct ax_validation_finding *f, char *out, size_t n);

#endif
