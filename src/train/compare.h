/* compare.h: is a challenger better than the champion? Paired tests, and the rule by which one is promoted.
 *
 * Forecasts: the test of F. X. Diebold and R. S. Mariano, "Comparing Predictive Accuracy", JBES 13 (1995),
 * with the small-sample correction and Student's t of D. Harvey, S. Leybourne and P. Newbold, "Testing the
 * equality of prediction mean squared errors", Int. J. of Forecasting 13 (1997). Detectors:
 * train/precision.h. Pure. */
#ifndef AX_TRAIN_COMPARE_H
#define AX_TRAIN_COMPARE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What a test says of a challenger against a champion. */
struct ax_comparison {
    uint32_t n;
    double champion, challenger; /* mean loss, or average precision */
    double effect;    /* share by which the challenger is better: 0.05 is 5 % less loss (more precision) */
    double low, high; /* interval of the effect that holds with 95 % */
    double p_value;   /* that the challenger is no better, one-sided, */
    double p_worse;   /* and that it is no worse: more than the rest where some draws are as good */
};

/* Compare losses (not negative) of n forecasts of the same actuals, oldest first; lags: up to which
 * differences of losses are correlated, at least the horizon in steps less 1. p is NaN with fewer than 8
 * pairs, or 20 for each lag; both are 1 when all losses are the same. O(n lags). */
struct ax_comparison ax_compare_forecasts(const double *champion, const double *challenger, uint32_t n,
                                          uint32_t lags);

/* When a challenger is promoted; zero-initialised fields take the defaults named. */
struct ax_promotion_rule {
    uint32_t samples_min; /* 240: pairs before the first look */
    double effect_min;    /* 0.02 */
    double alpha;         /* 0.05, over all looks and both ways together */
};

/* What becomes of a challenger. */
enum ax_promotion { AX_PROMOTION_WAITS, AX_PROMOTION_PROMOTED, AX_PROMOTION_RETIRED };

#define AX_PROMOTION_LOOKS 5 /* at samples_min times 1, 2, 4, 8 and 16 */

/* Is there a look at n pairs? Only then may the losses be judged: who looks at each step finds something
 * sooner or later. */
bool ax_promotion_looks(const struct ax_promotion_rule *rule, uint32_t n);

/* The p below which a look says something, to either side: a tenth of alpha. */
double ax_promotion_level(const struct ax_promotion_rule *rule);

/* Judge at a look: promoted when it is better by the least effect, and significantly so, two-sided, at a
 * fifth of alpha (Bonferroni over the looks); retired when it is that much worse in the same sense, or not
 * promoted at the last look. */
enum ax_promotion ax_promotion_judge(const struct ax_promotion_rule *rule, const struct ax_comparison *c);

/* Is the challenger worse by the least effect, and significantly so in the same sense? */
bool ax_promotion_is_worse(const struct ax_promotion_rule *rule, const struct ax_comparison *c);

#endif
