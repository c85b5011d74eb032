/* compare.c: Diebold and Mariano, and the rule. */
#include "train/compare.h"

#include "math/special.h"

#include <math.h>

#define PAIRS_MIN 8
#define PAIRS_A_LAG 20 /* with fewer the variance comes out too small */
#define INTERVAL 0.95
#define SAMPLES_MIN 240
#define EFFECT_MIN 0.02
#define ALPHA 0.05

/* t with P(T > t) = tail, by bisection. */
static double student_quantile(double tail, double df)
{
    double low = 0, high = 1;
    while (ax_student_sf(high, df) > tail && high < 1e9)
        high *= 2;
    for (int i = 0; i < 44; i++) { /* 1e-13 of it */
        const double middle = (low + high) / 2;
        if (ax_student_sf(middle, df) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Autocovariance of the differences about their mean, over n. */
static double autocovariance(const double *a, const double *b, uint32_t n, double mean, uint32_t lag)
{
    double sum = 0;
    for (uint32_t i = lag; i < n; i++)
        sum += (a[i] - b[i] - mean) * (a[i - lag] - b[i - lag] - mean);
    return sum / n;
}

/* Variance of the mean difference: all lags with weight 1, as the paper has it; when that comes out negative,
 * which it can, with Bartlett's weights, with which it cannot. */
static double variance_of_mean(const double *a, const double *b, uint32_t n, double mean, uint32_t lags)
{
    double plain = autocovariance(a, b, n, mean, 0), tapered = plain;
    for (uint32_t k = 1; k <= lags; k++) {
        const double gamma = autocovariance(a, b, n, mean, k);
        plain += 2 * gamma;
        tapered += 2 * gamma * (1 - (double)k / (lags + 1.0));
    }
    return (plain > 0 ? plain : tapered) / n;
}

struct ax_comparison ax_compare_forecasts(const double *champion, const double *challenger, uint32_t n,
                                          uint32_t lags)
{
    struct ax_comparison c = {
        .n = n, .p_value = (double)NAN, .p_worse = (double)NAN, .low = (double)NAN, .high = (double)NAN};
    const double h = lags + 1.0, size = n;
    for (uint32_t i = 0; i < n; i++) {
        c.champion += champion[i] / size;
        c.challenger += challenger[i] / size;
    }
    const double mean = c.champion - c.challenger;
    c.effect = c.champion > 0 ? mean / c.champion : mean < 0 ? -(double)INFINITY : 0;
    if (n < PAIRS_MIN || lags > n / PAIRS_A_LAG)
        return c;
    const double variance = variance_of_mean(champion, challenger, n, mean, lags);
    const double correction = sqrt((size + 1 - 2 * h + h * (h - 1) / size) / size);
    if (!(variance > 0)) { /* every difference is the same */
        c.p_value = mean > 0 ? 0 : 1;
        c.p_worse = mean < 0 ? 0 : 1;
        c.low = c.high = c.effect;
        return c;
    }
    c.p_value = ax_student_sf(correction * mean / sqrt(variance), size - 1);
    c.p_worse = 1 - c.p_value;
    const double reach = student_quantile((1 - INTERVAL) / 2, size - 1) * sqrt(variance) / correction;
    c.low = c.champion > 0 ? (mean - reach) / c.champion : c.effect;
    c.high = c.champion > 0 ? (mean + reach) / c.champion : c.effect;
    return c;
}

/* ---- the rule ---- */

static struct ax_promotion_rule complete(const struct ax_promotion_rule *rule)
{
    struct ax_promotion_rule r = *rule;
    r.samples_min = r.samples_min ? r.samples_min : SAMPLES_MIN;
    r.effect_min = r.effect_min > 0 ? r.effect_min : EFFECT_MIN;
    r.alpha = r.alpha > 0 ? r.alpha : ALPHA;
    return r;
}

bool ax_promotion_looks(const struct ax_promotion_rule *rule, uint32_t n)
{
    const struct ax_promotion_rule r = complete(rule);
    for (uint32_t look = 0; look < AX_PROMOTION_LOOKS; look++)
        if ((uint64_t)r.samples_min << look == n)
            return true;
    return false;
}

static double level_of(const struct ax_promotion_rule *r)
{
    return r->alpha / 2 / AX_PROMOTION_LOOKS;
}

double ax_promotion_level(const struct ax_promotion_rule *rule)
{
    const struct ax_promotion_rule r = complete(rule);
    return level_of(&r);
}

bool ax_promotion_is_worse(const struct ax_promotion_rule *rule, const struct ax_comparison *c)
{
    const struct ax_promotion_rule r = complete(rule);
    return c->p_worse <= level_of(&r) && c->effect <= -r.effect_min;
}

enum ax_promotion ax_promotion_judge(const struct ax_promotion_rule *rule, const struct ax_comparison *c)
{
    const struct ax_promotion_rule r = complete(rule);
    const bool last = c->n >= (uint64_t)r.samples_min << (AX_PROMOTION_LOOKS - 1);
    if (c->p_value <= level_of(&r) && c->effect >= r.effect_min)
        return AX_PROMOTION_PROMOTED;
    return last || ax_promotion_is_worse(rule, c) ? AX_PROMOTION_RETIRED : AX_PROMOTION_WAITS;
}
