/* compare.c: Diebold and Mariano, average precision, and the rule. */
#include "train/compare.h"

#include "base/rng.h"
#include "math/special.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    struct ax_comparison c = {.n = n, .p_value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
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
        c.low = c.high = c.effect;
        return c;
    }
    c.p_value = ax_student_sf(correction * mean / sqrt(variance), size - 1);
    const double reach = student_quantile((1 - INTERVAL) / 2, size - 1) * sqrt(variance) / correction;
    c.low = c.champion > 0 ? (mean - reach) / c.champion : c.effect;
    c.high = c.champion > 0 ? (mean + reach) / c.champion : c.effect;
    return c;
}

/* A score with its label. */
struct scored {
    double score;
    uint64_t label;
};

static int falling(const void *pa, const void *pb)
{
    const struct scored *a = pa, *b = pb;
    return (a->score < b->score) - (a->score > b->score);
}

/* Average precision of points in any order, which are sorted. */
static double average_precision(struct scored *v, uint32_t n)
{
    uint32_t all = 0, hits = 0;
    double area = 0;
    qsort(v, n, sizeof *v, falling);
    for (uint32_t i = 0; i < n; i++)
        all += v[i].label != 0;
    if (all == 0)
        return (double)NAN;
    for (uint32_t i = 0, end; i < n; i = end) {
        const uint32_t before = hits;
        for (end = i; end < n && v[end].score >= v[i].score; end++)
            hits += v[end].label != 0;
        area += (double)(hits - before) / all * hits / end;
    }
    return area;
}

double ax_average_precision(const double *scores, const uint8_t *labels, uint32_t n, struct ax_arena *scratch)
{
    struct scored *v = ax_arena_array(scratch, n, sizeof *v);
    for (uint32_t i = 0; v && i < n; i++)
        v[i] = (struct scored){scores[i], labels[i]};
    return v ? average_precision(v, n) : (double)NAN;
}

static int ascending(const void *pa, const void *pb)
{
    double a, b;
    memcpy(&a, pa, sizeof a);
    memcpy(&b, pb, sizeof b);
    return (a > b) - (a < b);
}

/* One draw of blocks with both scores: the share by which the challenger is better; NaN without an anomaly.
 */
static double draw(const double *champion, const double *challenger, const uint8_t *labels, uint32_t n,
                   uint32_t block, struct ax_rng *rng, struct scored *a, struct scored *b)
{
    for (uint32_t i = 0; i < n; i += block) {
        const uint32_t from = (uint32_t)ax_rng_below(rng, n - block + 1);
        for (uint32_t k = 0; k < block && i + k < n; k++) {
            a[i + k] = (struct scored){champion[from + k], labels[from + k]};
            b[i + k] = (struct scored){challenger[from + k], labels[from + k]};
        }
    }
    const double of_champion = average_precision(a, n);
    return average_precision(b, n) / of_champion - 1;
}

enum ax_err ax_compare_detectors(const double *champion, const double *challenger, const uint8_t *labels,
                                 uint32_t n, uint32_t block, uint32_t draws, uint64_t seed,
                                 struct ax_arena *scratch, struct ax_comparison *out)
{
    struct ax_rng rng;
    uint32_t found = 0, no_better = 0;
    *out = (struct ax_comparison){.n = n};
    if (block == 0 || block > n || draws == 0)
        return AX_INVALID;
    struct scored *a = ax_arena_array(scratch, n, sizeof *a), *b = ax_arena_array(scratch, n, sizeof *b);
    double *effects = ax_arena_array(scratch, draws, sizeof *effects);
    if (!a || !b || !effects)
        return AX_NOMEM;
    out->champion = ax_average_precision(champion, labels, n, scratch);
    out->challenger = ax_average_precision(challenger, labels, n, scratch);
    if (isnan(out->champion) || isnan(out->challenger))
        return AX_INVALID;
    out->effect = out->challenger / out->champion - 1;
    ax_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < draws; i++) {
        const double effect = draw(champion, challenger, labels, n, block, &rng, a, b);
        if (isnan(effect))
            continue;
        effects[found++] = effect;
        no_better += effect <= 0;
    }
    if (found == 0)
        return AX_INVALID;
    qsort(effects, found, sizeof *effects, ascending);
    out->p_value = (no_better + 1.0) / (found + 1.0);
    out->low = effects[(uint32_t)((1 - INTERVAL) / 2 * (found - 1))];
    out->high = effects[(uint32_t)((1 + INTERVAL) / 2 * (found - 1))];
    return AX_OK;
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

bool ax_promotion_is_worse(const struct ax_promotion_rule *rule, const struct ax_comparison *c)
{
    const struct ax_promotion_rule r = complete(rule);
    return 1 - c->p_value <= level_of(&r) && c->effect <= -r.effect_min;
}

enum ax_promotion ax_promotion_judge(const struct ax_promotion_rule *rule, const struct ax_comparison *c)
{
    const struct ax_promotion_rule r = complete(rule);
    const bool last = c->n >= (uint64_t)r.samples_min << (AX_PROMOTION_LOOKS - 1);
    if (c->p_value <= level_of(&r) && c->effect >= r.effect_min)
        return AX_PROMOTION_PROMOTED;
    return last || ax_promotion_is_worse(rule, c) ? AX_PROMOTION_RETIRED : AX_PROMOTION_WAITS;
}
