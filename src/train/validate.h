/* validate.h: are data fit to be learnt from? A report, and a refusal with its reasons.
 *
 *   completeness  share of steps with a value, over series that have any
 *   gaps          the longest run of steps without one
 *   consistency   times: series that end before the others do by more than a tenth of their length, samples
 *                 that came twice, samples that came in another order
 *   constant      share of series in which nothing ever changes
 *   outliers      share of values beyond 1.5 interquartile ranges of the quartiles of their series (J. W.
 * Tukey, "Exploratory Data Analysis", 1977; quartiles as numpy's), of series that vary balance       share of
 * the labelled points that are abnormal
 *
 * Pure; one owner. */
#ifndef AX_TRAIN_VALIDATE_H
#define AX_TRAIN_VALIDATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* From which on data are refused; zero-initialised fields take the defaults named. */
struct ax_validation_rule {
    double completeness_min; /* 0.5 */
    double constant_max;     /* 0.99: share of series */
    double outliers_max;     /* 0.3 */
    double late_max;         /* 0.5: share of series that end early */
    double disorder_max;     /* 0.01: share of samples that came twice or in another order */
    double abnormal_max;     /* 0.5: share of labelled points */
};

/* One series: v[i * stride] is its i-th step, oldest first, NaN where there is no value. */
struct ax_validation_series {
    const float *v;
    uint32_t n, stride;
    int64_t end_ms, step_ms; /* step_ms 0: times are not known */
};

/* What was found so far. Zero-initialise. */
struct ax_validation {
    uint64_t series, empty, constant;  /* empty: without any value, which counts nowhere else */
    uint64_t points, values;           /* of series that have any */
    uint64_t varying_values, outliers; /* of series that vary */
    uint32_t gap_steps;                /* the longest */
    int64_t from_ms, to_ms;            /* of what has times; 0 both without */
    uint64_t samples, twice, disorder; /* told by ax_validation_order() */
    uint64_t labelled, abnormal;       /* told by ax_validation_labels() */
    uint64_t timed, late;              /* series with times; those that end early */
};

/* What a look at it is called and says. */
enum ax_validation_check {
    AX_VALIDATION_COMPLETENESS,
    AX_VALIDATION_GAPS,
    AX_VALIDATION_CONSISTENCY,
    AX_VALIDATION_CONSTANT,
    AX_VALIDATION_OUTLIERS,
    AX_VALIDATION_BALANCE,
    AX_VALIDATION_CHECKS
};

/* "completeness", "gaps", ... */
const char *ax_validation_name(enum ax_validation_check check);

/* One look: what was measured, and from where on it is refused (NaN: never). */
struct ax_validation_finding {
    bool known; /* false: there was nothing to measure */
    bool refused;
    double value, limit;
    char text[160]; /* in words */
};

/* Take a series in. newest_ms: when the newest of all series ends (INT64_MIN: not known). AX_NOMEM. O(n). */
AX_MUST_USE enum ax_err ax_validation_add(struct ax_validation *v, const struct ax_validation_series *s,
                                          int64_t newest_ms);

/* Take in how samples came. */
void ax_validation_order(struct ax_validation *v, uint64_t samples, uint64_t twice, uint64_t disorder);

/* Take in labelled points. */
void ax_validation_labels(struct ax_validation *v, uint64_t labelled, uint64_t abnormal);

/* Judge: fills a finding for each check. AX_INVALID when one of them refuses, or there are no values at all,
 * with all reasons as the text. */
AX_MUST_USE enum ax_err ax_validation_judge(const struct ax_validation *v,
                                            const struct ax_validation_rule *rule,
                                            struct ax_validation_finding out[AX_VALIDATION_CHECKS],
                                            struct ax_diag *diag);

#endif
