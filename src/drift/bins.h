/* bins.h: two windows counted into the same bins, by Evidently's rule: a bin for each distinct value while
 * the reference has at most 20 of them, else bins of equal width over both windows, as many as Sturges' rule
 * gives (numpy.histogram_bin_edges(..., "sturges")); and the tests on such counts. Arrays ascend, n, m > 0;
 * values are finite. Pure; nothing is allocated. */
#ifndef AX_DRIFT_BINS_H
#define AX_DRIFT_BINS_H

#include <stdbool.h>
#include <stdint.h>

#define AX_DRIFT_DISTINCT_MAX 20  /* distinct values of a reference that are bins of their own */
#define AX_DRIFT_CATEGORIES_MAX 5 /* distinct values of both windows of what counts as categorical */

/* Distinct values of both windows, counted up to most + 1. O(n + m), less when there are more. */
uint32_t ax_drift_distinct(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t most);

/* Jensen-Shannon distance over these bins, natural logarithm (scipy.spatial.distance.jensenshannon). O(n +
 * m). */
double ax_drift_js_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m);

/* What a chi-square test says. */
struct ax_drift_chi {
    double statistic, p_value;
    double v;    /* Cramer's V: the effect size, 0 to 1 */
    uint32_t df; /* degrees of freedom; 0: one category, and nothing to say */
};

/* Chi-square test that both windows have the same shares of each distinct value
 * (scipy.stats.chi2_contingency(correction=False)). Evidently takes the reference for the truth instead,
 * which is significant too often by its own noise, and cannot judge a value that the reference lacks. thin:
 * how many points one independent point is (1 or more), by which the statistic is reduced before the p-value.
 * O(n + m). */
struct ax_drift_chi ax_drift_chi_square(const double *ref, uint32_t n, const double *cur, uint32_t m,
                                        double thin);

#endif
