/* ridge.c: ridge regression by Cholesky on the normal equations. */
#include "math/ridge.h"

#include "math/blas.h"

#include <math.h>

enum ax_err ax_ridge(uint32_t n, uint32_t p, uint32_t m, const double *x, const double *y, double alpha,
                     double *w, double *gram)
{
    ax_blas_gram(n, p, x, gram);
    ax_blas_cross(n, p, m, x, y, w);
    for (uint32_t i = 0; i < p; i++)
        gram[(size_t)i * p + i] += alpha;
    enum ax_err err = ax_blas_cholesky_solve(p, m, gram, w);
    if (err)
        return err;
    for (uint32_t i = 0; i < p * m; i++)
        if (!isfinite(w[i]))
            return AX_NUMERIC;
    return AX_OK;
}

/* Mean of a column, which is taken out of it. */
static double centre(uint32_t n, uint32_t p, double *column)
{
    double mean = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += column[(size_t)i * p];
    mean /= n;
    for (uint32_t i = 0; i < n; i++)
        column[(size_t)i * p] -= mean;
    return mean;
}

enum ax_err ax_ridge_centred(uint32_t n, uint32_t p, double *x, double *y, double alpha, double *w,
                             double *constant, double *gram)
{
    double *means = gram + (size_t)p * p;
    *constant = centre(n, 1, y);
    for (uint32_t k = 0; k < p; k++)
        means[k] = centre(n, p, x + k);
    enum ax_err err = ax_ridge(n, p, 1, x, y, alpha, w, gram);
    for (uint32_t k = 0; k < p && err == AX_OK; k++)
        *constant -= means[k] * w[k];
    return err;
}
