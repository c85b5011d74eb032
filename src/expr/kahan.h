/* kahan.h: compensated summation, as Prometheus sums: what one addition rounds away is carried along.
 * Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54, 1974. */
#ifndef AX_EXPR_KAHAN_H
#define AX_EXPR_KAHAN_H

#include <math.h>
#include <stdbool.h>

/* A running sum and what was rounded away from it. */
struct ax_kahan {
    double sum, rest;
};

/* Add one term. */
static inline void ax_kahan_add(struct ax_kahan *k, double term)
{
    double t = k->sum + term;
    if (isinf(t))
        k->rest = 0;
    else if (fabs(k->sum) >= fabs(term))
        k->rest += (k->sum - t) + term;
    else
        k->rest += (term - t) + k->sum;
    k->sum = t;
}

/* The sum. */
static inline double ax_kahan_sum(const struct ax_kahan *k)
{
    return k->sum + k->rest;
}

/* An average that survives a sum above the largest double: from there on it is updated as a mean. */
struct ax_mean {
    struct ax_kahan k; /* the sum, or the mean itself once `scaled` */
    double n;
    bool scaled;
};

/* Add one term. */
static inline void ax_mean_add(struct ax_mean *m, double term)
{
    m->n++;
    if (!m->scaled) {
        struct ax_kahan next = m->k;
        ax_kahan_add(&next, term);
        if (m->n == 1 || !isinf(next.sum) || isinf(m->k.sum) || isinf(term)) {
            m->k = next;
            return;
        }
        m->scaled = true;
        m->k.sum /= m->n - 1;
        m->k.rest /= m->n - 1;
    }
    double share = (m->n - 1) / m->n;
    m->k.sum *= share;
    m->k.rest *= share;
    ax_kahan_add(&m->k, term / m->n);
}

/* The average; NaN of nothing. */
static inline double ax_mean_value(const struct ax_mean *m)
{
    return m->scaled ? ax_kahan_sum(&m->k) : m->k.sum / m->n + m->k.rest / m->n;
}

#endif
