/* robust.c: normal equations, twice. */
#include "forecast/robust.h"

#include "math/blas.h"
#include "math/stats.h"

#include <math.h>

bool ax_robust_alloc(struct ax_robust *d, uint32_t rows_max, uint32_t width, struct ax_arena *scratch)
{
    d->width = width;
    d->rows = 0;
    d->x = ax_arena_array(scratch, (size_t)rows_max * width, sizeof(double));
    d->xw = ax_arena_array(scratch, (size_t)rows_max * width, sizeof(double));
    d->y = ax_arena_array(scratch, rows_max, sizeof(double));
    d->yw = ax_arena_array(scratch, rows_max, sizeof(double));
    d->r = ax_arena_array(scratch, rows_max, sizeof(double));
    d->gram = ax_arena_array(scratch, (size_t)width * width, sizeof(double));
    d->w = ax_arena_array(scratch, width, sizeof(double));
    return d->x && d->xw && d->y && d->yw && d->r && d->gram && d->w;
}

double ax_robust_winsorise(struct ax_robust *d, double q)
{
    for (uint32_t i = 0; i < d->rows; i++)
        d->r[i] = fabs(d->y[i]);
    double bound = d->rows ? ax_quantile(d->r, d->rows, q) : 0;
    for (uint32_t i = 0; i < d->rows; i++)
        d->y[i] = d->y[i] > bound ? bound : d->y[i] < -bound ? -bound : d->y[i];
    return bound;
}

double ax_robust_answer(const struct ax_robust *d, const double *x)
{
    double y = 0;
    for (uint32_t k = 0; k < d->width; k++)
        y += d->w[k] * x[k];
    return y;
}

double ax_robust_held(const float *w, const double *x, uint32_t width, double clip)
{
    double y = 0;
    for (uint32_t k = 0; k < width; k++)
        y += (double)w[k] * x[k];
    return y > clip ? clip : y < -clip ? -clip : y;
}

double ax_robust_weight(double r, double mean)
{
    return mean / (fabs(r) + 0.3 * mean + 1e-12);
}

static void weigh(struct ax_robust *d, uint32_t n, bool again)
{
    double mean = 0;
    for (uint32_t i = 0; i < n && again; i++) {
        d->r[i] = d->y[i] - ax_robust_answer(d, d->x + (size_t)i * d->width);
        mean += fabs(d->r[i]) / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        double w = again ? sqrt(ax_robust_weight(d->r[i], mean)) : 1;
        for (uint32_t k = 0; k < d->width; k++)
            d->xw[(size_t)i * d->width + k] = w * d->x[(size_t)i * d->width + k];
        d->yw[i] = w * d->y[i];
    }
}

bool ax_robust_solve(struct ax_robust *d, uint32_t n, struct ax_robust_penalty penalty, bool again)
{
    uint32_t p = d->width;
    double energy = 0;
    weigh(d, n, again);
    ax_blas_gram(n, p, d->xw, d->gram);
    ax_blas_cross(n, p, 1, d->xw, d->yw, d->w);
    for (uint32_t k = 0; k < p; k++)
        energy += d->gram[(size_t)k * p + k] / p;
    for (uint32_t k = 0; k < p; k++)
        d->gram[(size_t)k * p + k] += penalty.own * d->gram[(size_t)k * p + k] + penalty.all * energy + 1e-9;
    if (ax_blas_cholesky_solve(p, 1, d->gram, d->w) != AX_OK)
        return false;
    for (uint32_t k = 0; k < p; k++)
        if (!isfinite(d->w[k]))
            return false;
    return true;
}
