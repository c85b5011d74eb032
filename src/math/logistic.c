/* logistic.c: Newton's steps, halved while they do not descend. */
#include "math/logistic.h"

#include "math/blas.h"

#include <math.h>
#include <string.h>

#define ROUNDS 100
#define HALVINGS 40
#define CLOSE 1e-12 /* of the decrement, by which the rounds end */
#define RIDGE 1e-10 /* of the intercept: the system stays one that can be solved */
#define COLUMNS (AX_LOGISTIC_MAX + 1)

/* The task. */
struct task {
    uint32_t n, p;
    const double *x, *weight;
    const bool *y;
    double c;
};

static double linear(const struct task *t, const double *w, uint32_t i)
{
    double sum = w[t->p];
    for (uint32_t k = 0; k < t->p; k++)
        sum += w[k] * t->x[(size_t)i * t->p + k];
    return sum;
}

static double weight_of(const struct task *t, uint32_t i)
{
    return t->c * (t->weight ? t->weight[i] : 1);
}

/* ln(1 + exp(-z)), without overflow. */
static double softplus(double z)
{
    return z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

static double objective(const struct task *t, const double *w)
{
    double sum = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        double z = linear(t, w, i);
        sum += weight_of(t, i) * softplus(t->y[i] ? z : -z);
    }
    for (uint32_t k = 0; k < t->p; k++)
        sum += 0.5 * w[k] * w[k];
    return sum;
}

/* Gradient g[p + 1] and Hessian h[p + 1][p + 1] at w. */
static void slopes(const struct task *t, const double *w, double *g, double *h)
{
    const uint32_t all = t->p + 1;
    memset(g, 0, all * sizeof *g);
    memset(h, 0, (size_t)all * all * sizeof *h);
    for (uint32_t i = 0; i < t->n; i++) {
        const double *x = t->x + (size_t)i * t->p;
        double probability = 1 / (1 + exp(-linear(t, w, i))), weight = weight_of(t, i);
        double by_z = weight * (probability - (t->y[i] ? 1 : 0));
        double curve = weight * probability * (1 - probability);
        for (uint32_t a = 0; a < all; a++) {
            double xa = a < t->p ? x[a] : 1;
            g[a] += by_z * xa;
            for (uint32_t b = 0; b < all; b++)
                h[a * all + b] += curve * xa * (b < t->p ? x[b] : 1);
        }
    }
    for (uint32_t k = 0; k < t->p; k++) {
        g[k] += w[k];
        h[k * all + k] += 1;
    }
    h[(size_t)all * all - 1] += RIDGE;
}

/* Go down from w; false when there is nothing more to gain. */
static bool descend(const struct task *t, double *w, double *value, enum ax_err *err)
{
    double g[COLUMNS], step[COLUMNS], h[COLUMNS * COLUMNS], decrement = 0, next[COLUMNS];
    const uint32_t all = t->p + 1;
    slopes(t, w, g, h);
    memcpy(step, g, all * sizeof *g);
    *err = ax_blas_cholesky_solve(all, 1, h, step);
    if (*err != AX_OK)
        return false;
    for (uint32_t k = 0; k < all; k++)
        decrement += g[k] * step[k];
    if (!(decrement > CLOSE * (1 + fabs(*value))))
        return false;
    double share = 1;
    for (uint32_t i = 0; i < HALVINGS; i++) {
        for (uint32_t k = 0; k < all; k++)
            next[k] = w[k] - share * step[k];
        double there = objective(t, next);
        if (there < *value) {
            memcpy(w, next, all * sizeof *w);
            *value = there;
            return true;
        }
        share /= 2;
    }
    return false;
}

enum ax_err ax_logistic_fit(uint32_t n, uint32_t p, const double *x, const bool *y, const double *weight,
                            double c, double *w)
{
    const struct task t = {n, p, x, weight, y, c};
    double of_class[2] = {0, 0};
    if (p == 0 || p > AX_LOGISTIC_MAX || !(c > 0))
        return AX_INVALID;
    for (uint32_t i = 0; i < n; i++)
        of_class[y[i]] += weight ? weight[i] : 1;
    if (!(of_class[0] > 0) || !(of_class[1] > 0))
        return AX_INVALID;
    memset(w, 0, (p + 1) * sizeof *w);
    double value = objective(&t, w);
    for (uint32_t i = 0; i < n * p; i++)
        if (!isfinite(x[i]))
            return AX_NUMERIC;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < ROUNDS && descend(&t, w, &value, &err); i++)
        ;
    return err;
}
