/* labels.h: have the values of a label moved among the series of a job?
 *
 * Each series is one point, which has the value that the label has (a series without the label has the empty
 * one). What a model learnt from is kept as a reference like those of numbers (drift/reference.h), of codes
 * in the place of the values; values of less than 1 % of the series are put together, and so are those that
 * come up later. The test is chi-square on the counts (scipy.stats.chi2_contingency, correction=False), after
 * values of fewer than 10 series of both were put together too (W. G. Cochran, "Some methods for
 * strengthening the common chi-square tests", Biometrics 10, 1954); the effect is Cramer's V. Series that are
 * the same then and now make it cautious, for they are no independent draws. Pure. */
#ifndef AX_DRIFT_LABELS_H
#define AX_DRIFT_LABELS_H

#include "drift/reference.h"

#define AX_DRIFT_LABEL_SERIES_MIN 20 /* then, and now: fewer say nothing */
#define AX_DRIFT_LABEL_EFFECT 0.2    /* least V that counts as drift */

/* The code of a value: two values have the same with a probability of about 2^-52. */
double ax_drift_label_code(struct ax_str value);

/* Make a reference of the codes of n series, in any order, which are changed; again of these it is the same.
 * AX_NOTREADY: too few. Sorts faster with 32 bytes a series in the scratch. */
AX_MUST_USE enum ax_err ax_drift_labels_make(double *codes, uint32_t n, struct ax_arena *scratch,
                                             struct ax_drift_reference *out);

/* Test the codes of the n series that there are now, in any order, which are changed. Of the scores that of
 * chi-square alone is a number; not ready where there are too few, or one value and no other. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_drift_labels_test(const struct ax_drift_reference *r, double *codes, uint32_t n,
                                             struct ax_arena *scratch, struct ax_drift_result *out);

#endif
