/* parity.h: does a model serve all groups alike? Groups are the values of a label (regions, tenants).
 *
 * Of alarms (a score above 1): statistical parity is the largest difference of the groups' shares of alarms,
 * disparate impact the ratio of the smallest and the largest share (below 0.8 is the four-fifths rule of the
 * EEOC's Uniform Guidelines, 29 CFR 1607.4, 1978); where the truth is known, equal opportunity is the largest
 * difference of true positive rates, equalized odds that of true and of false positive rates, whichever is
 * more (M. Hardt, E. Price and N. Srebro, "Equality of Opportunity in Supervised Learning", NIPS 2016). With
 * the numbers of Fairlearn 0.11. Of forecasts: the ratio of the largest and the smallest relative error.
 * Pure. */
#ifndef AX_TRAIN_PARITY_H
#define AX_TRAIN_PARITY_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What is known of one group. */
struct ax_parity_group {
    struct ax_str name;
    uint64_t points, alarms;                                    /* of scores */
    uint64_t labelled, abnormal, true_positive, false_positive; /* of those of which the truth is known */
    double error, actual; /* sums of |error| and |actual| of forecasts */
};

/* The numbers; NaN where fewer than two groups have what they need. */
struct ax_parity {
    double statistical_parity, disparate_impact;
    double equal_opportunity, equalized_odds;
    double error_ratio;
    bool flagged; /* disparate impact below 0.8 or a difference of rates above 0.1, and neither is chance at 1
                     % (points taken as independent); or an error ratio above 1.25 */
};

/* Compare n groups. */
struct ax_parity ax_parity_of(const struct ax_parity_group *groups, uint32_t n);

/* Say in words that groups are not served alike. */
void ax_parity_describe(const struct ax_parity *p, struct ax_str label, char *out, size_t out_n);

/* The relative error of a group's forecasts; NaN without any. */
double ax_parity_error(const struct ax_parity_group *g);

#endif
