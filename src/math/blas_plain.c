/* blas_plain.c: the kernels of blas.h in portable C. */
#include "math/blas.h"

#include <math.h>
#include <string.h>

enum ax_err ax_blas_setup(struct ax_diag *diag)
{
    (void)diag;
    return AX_OK;
}

const char *ax_blas_name(void)
{
    return "plain";
}

void ax_blas_gram(uint32_t n, uint32_t p, const double *x, double *c)
{
    memset(c, 0, (size_t)p * p * sizeof *c);
    for (uint32_t r = 0; r < n; r++, x += p)
        for (uint32_t i = 0; i < p; i++)
            for (uint32_t j = 0; j <= i; j++)
                c[(size_t)i * p + j] += x[i] * x[j];
}

void ax_blas_cross(uint32_t n, uint32_t p, uint32_t m, const double *x, const double *y, double *c)
{
    memset(c, 0, (size_t)p * m * sizeof *c);
    for (uint32_t r = 0; r < n; r++, x += p, y += m)
        for (uint32_t i = 0; i < p; i++)
            for (uint32_t j = 0; j < m; j++)
                c[(size_t)i * m + j] += x[i] * y[j];
}

static enum ax_err factor(uint32_t p, double *a)
{
    for (uint32_t j = 0; j < p; j++) {
        double *aj = a + (size_t)j * p;
        double d = aj[j];
        for (uint32_t k = 0; k < j; k++)
            d -= aj[k] * aj[k];
        if (!(d > 0))
            return AX_NUMERIC;
        aj[j] = sqrt(d);
        for (uint32_t i = j + 1; i < p; i++) {
            double *ai = a + (size_t)i * p;
            double s = ai[j];
            for (uint32_t k = 0; k < j; k++)
                s -= ai[k] * aj[k];
            ai[j] = s / aj[j];
        }
    }
    return AX_OK;
}

enum ax_err ax_blas_cholesky_solve(uint32_t p, uint32_t m, double *a, double *b)
{
    if (factor(p, a))
        return AX_NUMERIC;
    for (uint32_t col = 0; col < m; col++) {
        for (uint32_t i = 0; i < p; i++) {
            double s = b[(size_t)i * m + col];
            for (uint32_t k = 0; k < i; k++)
                s -= a[(size_t)i * p + k] * b[(size_t)k * m + col];
            b[(size_t)i * m + col] = s / a[(size_t)i * p + i];
        }
        for (uint32_t i = p; i-- > 0;) {
            double s = b[(size_t)i * m + col];
            for (uint32_t k = i + 1; k < p; k++)
                s -= a[(size_t)k * p + i] * b[(size_t)k * m + col];
            b[(size_t)i * m + col] = s / a[(size_t)i * p + i];
        }
    }
    return AX_OK;
}

void ax_blas_sgemm(uint32_t m, uint32_t n, uint32_t k, struct ax_mat a, struct ax_mat b, bool add, float *c,
                   size_t ldc)
{
    for (uint32_t i = 0; i < m; i++) {
        float *row = c + i * ldc;
        if (!add)
            memset(row, 0, n * sizeof *row);
        for (uint32_t l = 0; l < k; l++) {
            float x = a.turned ? a.v[l * a.ld + i] : a.v[i * a.ld + l];
            const float *from = b.turned ? b.v + l : b.v + l * b.ld;
            size_t stride = b.turned ? b.ld : 1;
            for (uint32_t j = 0; j < n; j++)
                row[j] += x * from[j * stride];
        }
    }
}
