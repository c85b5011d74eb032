/* nelder_mead.c: a simplex that walks downhill. */
#include "math/nelder_mead.h"

#include <math.h>
#include <string.h>

#define CLOSE 0.1 /* of its first size, within which a simplex may be done */
#define CORNERS (AX_NELDER_MEAD_MAX + 1)

struct simplex {
    double (*f)(void *ctx, const double *x);
    void *ctx;
    uint32_t n, evaluations;
    double x[CORNERS][AX_NELDER_MEAD_MAX], y[CORNERS]; /* best first */
    double middle[AX_NELDER_MEAD_MAX];                 /* of all but the worst */
};

/* Put a corner where it belongs among those before it. */
static void sort_in(struct simplex *s, uint32_t i)
{
    double x[AX_NELDER_MEAD_MAX], y = s->y[i];
    memcpy(x, s->x[i], sizeof x);
    for (; i > 0 && s->y[i - 1] > y; i--) {
        memcpy(s->x[i], s->x[i - 1], sizeof x);
        s->y[i] = s->y[i - 1];
    }
    memcpy(s->x[i], x, sizeof x);
    s->y[i] = y;
}

/* The point at middle + share * (middle - worst), and its value. */
static double along(struct simplex *s, double share, double *x)
{
    for (uint32_t k = 0; k < s->n; k++)
        x[k] = s->middle[k] + share * (s->middle[k] - s->x[s->n][k]);
    s->evaluations++;
    return s->f(s->ctx, x);
}

static void replace_worst(struct simplex *s, const double *x, double y)
{
    memcpy(s->x[s->n], x, s->n * sizeof *x);
    s->y[s->n] = y;
    sort_in(s, s->n);
}

static void shrink(struct simplex *s)
{
    for (uint32_t i = 1; i <= s->n; i++) {
        for (uint32_t k = 0; k < s->n; k++)
            s->x[i][k] = (s->x[i][k] + s->x[0][k]) / 2;
        s->y[i] = s->f(s->ctx, s->x[i]);
        s->evaluations++;
    }
    for (uint32_t i = 1; i <= s->n; i++)
        sort_in(s, i);
}

static void step(struct simplex *s)
{
    double a[AX_NELDER_MEAD_MAX] = {0}, b[AX_NELDER_MEAD_MAX] = {0};
    for (uint32_t k = 0; k < s->n; k++) {
        s->middle[k] = 0;
        for (uint32_t i = 0; i < s->n; i++)
            s->middle[k] += s->x[i][k] / s->n;
    }
    double worst = s->y[s->n], reflected = along(s, 1, a), other;
    if (reflected < s->y[0]) {
        other = along(s, 2, b);
        if (other < reflected)
            replace_worst(s, b, other);
        else
            replace_worst(s, a, reflected);
    } else if (reflected < s->y[s->n - 1]) {
        replace_worst(s, a, reflected);
    } else {
        bool outside = reflected < worst;
        other = along(s, outside ? 0.5 : -0.5, b);
        if (outside ? other <= reflected : other < worst)
            replace_worst(s, b, other);
        else
            shrink(s);
    }
}

static bool done(const struct simplex *s, double size, double tolerance)
{
    double far = 0;
    for (uint32_t i = 1; i <= s->n; i++)
        for (uint32_t k = 0; k < s->n; k++)
            far = fmax(far, fabs(s->x[i][k] - s->x[0][k]));
    return far <= CLOSE * size && s->y[s->n] - s->y[0] <= tolerance;
}

double ax_nelder_mead(double (*f)(void *ctx, const double *x), void *ctx, uint32_t n, double *x, double size,
                      double tolerance, uint32_t evaluations)
{
    struct simplex s = {.f = f, .ctx = ctx, .n = n};
    for (uint32_t i = 0; i <= n; i++) {
        memcpy(s.x[i], x, n * sizeof *x);
        if (i > 0)
            s.x[i][i - 1] += size;
        s.y[i] = f(ctx, s.x[i]);
        s.evaluations++;
        sort_in(&s, i);
    }
    while (s.evaluations < evaluations && !done(&s, size, tolerance))
        step(&s);
    memcpy(x, s.x[0], n * sizeof *x);
    return s.y[0];
}
