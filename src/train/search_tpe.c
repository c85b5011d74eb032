/* search_tpe.c: the tree-structured Parzen estimator: two densities of each parameter, good trials and
 * others.
 *
 * A density is a mixture: a normal distribution, cut at the ends, about each trial, as wide as its farther
 * neighbour is away, and one as wide as the whole range (the prior); of choices, how often each was tried. */
#include "train/search_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES 24
#define GOOD_SHARE 0.1
#define GOOD_MAX 25
#define RECENT 25 /* trials that count whole; older ones less and less */
#define WIDTHS_MAX 100.0

/* Trials in the order of their numbers: the good ones, then the others. */
struct split {
    const struct ax_search_trial **v;
    uint32_t good, n;
};

/* A mixture over [low, high], in the parameter's own scale. */
struct mixture {
    enum ax_search_scale scale;
    double low, high;
    double *mu, *sigma, *weight; /* [n] */
    uint32_t n;
    double share[AX_SEARCH_CHOICES_MAX]; /* of choices */
};

/* ---- which trials are good ---- */

/* Done ones by value, then pruned ones (those that got far first), then failed ones. */
static int by_worth(const void *a, const void *b)
{
    const struct ax_search_trial *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    if (x->end == AX_SEARCH_PRUNED && x->steps_n != y->steps_n)
        return x->steps_n > y->steps_n ? -1 : 1;
    if (x->value < y->value || y->value < x->value)
        return x->value < y->value ? -1 : 1;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    const struct ax_search_trial *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static bool make_split(const struct ax_search *s, struct split *out)
{
    *out = (struct split){.v = malloc(s->n * sizeof *out->v), .n = s->n};
    if (!out->v)
        return false;
    for (uint32_t i = 0; i < s->n; i++)
        out->v[i] = &s->trials[i];
    qsort(out->v, s->n, sizeof *out->v, by_worth);
    const double good = ceil(GOOD_SHARE * s->n);
    out->good = good < GOOD_MAX ? (uint32_t)good : GOOD_MAX;
    qsort(out->v, out->good, sizeof *out->v, by_number);
    qsort(out->v + out->good, s->n - out->good, sizeof *out->v, by_number);
    return true;
}

/* ---- densities ---- */

/* The place of a value in the scale of the densities. */
static double placed(const struct mixture *m, double x)
{
    return m->scale == AX_SEARCH_LOG ? log(x) : x;
}

/* Weight of the i-th of n trials, oldest first. */
static double weight_of(uint32_t i, uint32_t n)
{
    if (n < RECENT || i >= n - RECENT)
        return 1;
    const uint32_t ramp = n - RECENT;
    return ramp == 1 ? 1.0 / n : 1.0 / n + (1 - 1.0 / n) * i / (ramp - 1);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How wide the part about mu is: as its farther neighbour among the sorted ones is away. */
static double width_of(const double *sorted, uint32_t n, double low, double high, double mu)
{
    uint32_t at = 0;
    while (at + 1 < n && sorted[at] < mu)
        at++;
    const double left = at > 0 ? mu - sorted[at - 1] : n > 1 ? 0 : mu - low;
    const double right = at + 1 < n ? sorted[at + 1] - mu : n > 1 ? 0 : high - mu;
    return fmax(left, right);
}

static void weigh(struct mixture *m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n; i++)
        sum += m->weight[i] = i + 1 < m->n ? weight_of(i, m->n - 1) : 1;
    for (uint32_t i = 0; i < m->n; i++)
        m->weight[i] /= sum;
}

/* Of choices: how often each was tried, the prior beside. */
static void count_choices(const struct ax_search_param *p, const struct ax_search_trial *const *v, uint32_t n,
                          uint32_t param, struct mixture *m)
{
    const uint32_t choices = (uint32_t)p->high;
    for (uint32_t c = 0; c < choices; c++)
        m->share[c] = 0;
    for (uint32_t i = 0; i < n + 1; i++) {
        const double prior = i < n ? 1.0 / (n + 1) : 1, sum = choices * prior + (i < n ? 1 : 0);
        for (uint32_t c = 0; c < choices; c++) {
            const double tried = i < n && (uint32_t)v[i]->x[param] == c ? 1 : 0;
            m->share[c] += m->weight[i] * (prior + tried) / sum;
        }
    }
}

static void widen(struct mixture *m, double *sorted)
{
    const double range = m->high - m->low, least = range / fmin(WIDTHS_MAX, 1.0 + m->n);
    memcpy(sorted, m->mu, m->n * sizeof *sorted);
    qsort(sorted, m->n, sizeof *sorted, by_size);
    for (uint32_t i = 0; i < m->n; i++) {
        const double width = width_of(sorted, m->n, m->low, m->high, m->mu[i]);
        m->sigma[i] = fmin(fmax(width, least), range);
    }
    m->sigma[m->n - 1] = range;
}

/* The density of one parameter over n trials; work has room for 4 (n + 1) numbers. */
static void make_mixture(const struct ax_search_param *p, const struct ax_search_trial *const *v, uint32_t n,
                         uint32_t param, double *work, struct mixture *m)
{
    *m = (struct mixture){.scale = p->scale,
                          .low = p->low,
                          .high = p->high,
                          .mu = work,
                          .sigma = work + n + 1,
                          .weight = work + 2 * ((size_t)n + 1),
                          .n = n + 1};
    weigh(m);
    if (p->scale == AX_SEARCH_CHOICE) {
        count_choices(p, v, n, param, m);
        return;
    }
    if (p->scale == AX_SEARCH_LOG) {
        m->low = log(p->low);
        m->high = log(p->high);
    } else if (p->scale == AX_SEARCH_WHOLE) {
        m->low -= 0.5;
        m->high += 0.5;
    }
    for (uint32_t i = 0; i < n; i++)
        m->mu[i] = placed(m, v[i]->x[param]);
    m->mu[n] = (m->low + m->high) / 2;
    widen(m, work + 3 * ((size_t)n + 1));
}

static double normal_below(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

/* Logarithm of the density, or of the probability, at a value. */
static double log_density(const struct mixture *m, double x)
{
    if (m->scale == AX_SEARCH_CHOICE)
        return log(m->share[(uint32_t)x]);
    const double at = placed(m, x);
    double sum = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const double mu = m->mu[i], sigma = m->sigma[i];
        const double inside = normal_below((m->high - mu) / sigma) - normal_below((m->low - mu) / sigma);
        const double z = (at - mu) / sigma;
        const double here = m->scale == AX_SEARCH_WHOLE ? normal_below((at + 0.5 - mu) / sigma) -
                                                              normal_below((at - 0.5 - mu) / sigma)
                                                        : exp(-0.5 * z * z) / (sigma * sqrt(2 * M_PI));
        sum += m->weight[i] * here / inside;
    }
    return log(sum > 1e-300 ? sum : 1e-300);
}

/* Which part of the mixture, or which choice. */
static uint32_t pick(const double *share, uint32_t n, struct ax_rng *rng)
{
    double left = ax_rng_double(rng);
    for (uint32_t i = 0; i + 1 < n; i++) {
        left -= share[i];
        if (left < 0)
            return i;
    }
    return n - 1;
}

/* A draw from it. Its parts have their middles within the range: a third of all normal draws is too. */
static double draw(const struct ax_search_param *p, const struct mixture *m, struct ax_rng *rng)
{
    if (m->scale == AX_SEARCH_CHOICE)
        return pick(m->share, (uint32_t)p->high, rng);
    const uint32_t i = pick(m->weight, m->n, rng);
    double x;
    do
        x = m->mu[i] + m->sigma[i] * ax_rng_normal(rng);
    while (!(x >= m->low && x <= m->high));
    if (m->scale == AX_SEARCH_LOG)
        x = exp(x);
    else if (m->scale == AX_SEARCH_WHOLE)
        x = nearbyint(x);
    return fmin(fmax(x, p->low), p->high);
}

enum ax_err ax_search_estimate(const struct ax_search *s, struct ax_rng *rng, double *x)
{
    struct split split;
    if (!make_split(s, &split))
        return AX_NOMEM;
    double *work = malloc(4 * ((size_t)s->n + 2) * sizeof *work);
    for (uint32_t i = 0; i < s->spec.params_n && work; i++) {
        const struct ax_search_param *p = &s->params[i];
        struct mixture good, other;
        double best = -(double)INFINITY;
        make_mixture(p, split.v, split.good, i, work, &good);
        make_mixture(p, split.v + split.good, s->n - split.good, i, work + 4 * ((size_t)split.good + 1),
                     &other);
        for (uint32_t k = 0; k < CANDIDATES; k++) {
            const double candidate = draw(p, &good, rng);
            const double gain = log_density(&good, candidate) - log_density(&other, candidate);
            if (gain > best) {
                best = gain;
                x[i] = candidate;
            }
        }
    }
    free(split.v);
    free(work);
    return work ? AX_OK : AX_NOMEM;
}
