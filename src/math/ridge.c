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
