/* parity.c: the largest and the smallest of the groups. */
#include "train/parity.h"

#include <math.h>
#include <stdio.h>

#define IMPACT_MIN 0.8
#define DIFFERENCE_MAX 0.1
#define ERROR_RATIO_MAX 1.25
#define CHANCE 2.576 /* standard deviations: 1 %, two-sided */

/* The range of a rate over the groups that have one. */
struct range {
    double low, high;
    double low_n, high_n; /* points behind them */
    uint32_t n;
};

static void widen(struct range *r, double rate, double points)
{
    if (isnan(rate))
        return;
    if (r->n == 0 || rate < r->low) {
        r->low = rate;
        r->low_n = points;
    }
    if (r->n == 0 || rate > r->high) {
        r->high = rate;
        r->high_n = points;
    }
    r->n++;
}

static void count(struct range *r, uint64_t part, uint64_t whole)
{
    widen(r, whole ? (double)part / (double)whole : (double)NAN, (double)whole);
}

/* Is the width of a range of rates more than chance makes it (the test of two proportions)? */
static bool is_no_chance(const struct range *r)
{
    const double both = (r->low * r->low_n + r->high * r->high_n) / (r->low_n + r->high_n);
    return r->n > 1 && r->high - r->low > CHANCE * sqrt(both * (1 - both) * (1 / r->low_n + 1 / r->high_n));
}

static double width(const struct range *r)
{
    return r->n > 1 ? r->high - r->low : (double)NAN;
}

double ax_parity_error(const struct ax_parity_group *g)
{
    return g->actual > 0 ? g->error / g->actual : (double)NAN;
}

struct ax_parity ax_parity_of(const struct ax_parity_group *groups, uint32_t n)
{
    struct range alarms = {0}, hits = {0}, misses = {0}, errors = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_parity_group *g = &groups[i];
        count(&alarms, g->alarms, g->points);
        count(&hits, g->true_positive, g->abnormal);
        count(&misses, g->false_positive, g->labelled - g->abnormal);
        widen(&errors, ax_parity_error(g), 1);
    }
    struct ax_parity p = {.statistical_parity = width(&alarms),
                          .disparate_impact = alarms.n > 1 && alarms.high > 0 ? alarms.low / alarms.high
                                              : alarms.n > 1                  ? 1
                                                                              : (double)NAN,
                          .equal_opportunity = width(&hits),
                          .equalized_odds = fmax(width(&hits), width(&misses)),
                          .error_ratio =
                              errors.n > 1 && errors.low > 0 ? errors.high / errors.low : (double)NAN};
    p.flagged = (p.disparate_impact < IMPACT_MIN && is_no_chance(&alarms)) ||
                (width(&hits) > DIFFERENCE_MAX && is_no_chance(&hits)) ||
                (width(&misses) > DIFFERENCE_MAX && is_no_chance(&misses)) || p.error_ratio > ERROR_RATIO_MAX;
    return p;
}

void ax_parity_describe(const struct ax_parity *p, struct ax_str label, char *out, size_t out_n)
{
    (void)snprintf(out, out_n,
                   "groups of `%.*s` are not served alike: disparate impact %.3g, equal opportunity %.3g, "
                   "equalized odds %.3g, error ratio %.3g",
                   (int)(label.n < 64 ? label.n : 64), label.p, p->disparate_impact, p->equal_opportunity,
                   p->equalized_odds, p->error_ratio);
}
