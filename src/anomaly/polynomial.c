/* polynomial.c: least squares by orthogonal polynomials on the points that are there (Forsythe, SIAM 5,
 * 1957). */
#include "anomaly/polynomial.h"

#include <math.h>

/* The points of a fit: where they are, from 0 to 1, and what is still to be explained of them. */
struct points {
    uint32_t n;
    double x[AX_POLYNOMIAL_WINDOW], rest[AX_POLYNOMIAL_WINDOW];
};

static void gather(const float *v, uint32_t n, struct points *p)
{
    p->n = 0;
    for (uint32_t i = n > AX_POLYNOMIAL_WINDOW ? n - AX_POLYNOMIAL_WINDOW : 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        p->x[p->n] = 1 - (double)(n - 1 - i) / AX_POLYNOMIAL_WINDOW;
        p->rest[p->n++] = (double)v[i];
    }
}

/* Take the best multiple of a polynomial out of the rest; returns its squared norm. */
static double take_out(struct points *p, const double *q)
{
    double norm = 0, dot = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        norm += q[i] * q[i];
        dot += q[i] * p->rest[i];
    }
    for (uint32_t i = 0; i < p->n; i++)
        p->rest[i] -= q[i] * (dot / norm);
    return norm;
}

double ax_polynomial_distance(const float *v, uint32_t n)
{
    struct points p;
    double before[AX_POLYNOMIAL_WINDOW] = {0}, q[AX_POLYNOMIAL_WINDOW], norm_before = 1;
    if (n == 0 || isnan(v[n - 1]))
        return (double)NAN;
    gather(v, n, &p);
    if (p.n < AX_POLYNOMIAL_WINDOW / 2)
        return (double)NAN;
    for (uint32_t i = 0; i < p.n; i++)
        q[i] = 1;
    for (int degree = 0; degree <= AX_POLYNOMIAL_DEGREE; degree++) {
        double norm = take_out(&p, q), at = 0;
        for (uint32_t i = 0; i < p.n; i++)
            at += p.x[i] * q[i] * q[i] / norm;
        double back = degree ? norm / norm_before : 0;
        for (uint32_t i = 0; i < p.n; i++) {
            double next = (p.x[i] - at) * q[i] - back * before[i];
            before[i] = q[i];
            q[i] = next;
        }
        norm_before = norm;
    }
    return fabs(p.rest[p.n - 1]);
}
