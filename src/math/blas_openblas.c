/* blas_openblas.c: the kernels of blas.h over OpenBLAS (pthread build). */
#include "math/blas.h"

#include <cblas.h>
#include <f77blas.h>

enum ax_err ax_blas_setup(struct ax_diag *diag)
{
    /* An OpenMP build keeps a pool for each calling thread and ignores a limit set elsewhere. */
    if (openblas_get_parallel() == OPENBLAS_OPENMP)
        return ax_fail(diag, AX_UNSUPPORTED,
                       "the OpenBLAS in use is built with OpenMP (%s), which starts threads of its own; "
                       "install libopenblas0-pthread, or build with -DAX_BLAS=plain",
                       openblas_get_config());
    openblas_set_num_threads(1);
    if (openblas_get_num_threads() != 1)
        return ax_fail(diag, AX_UNSUPPORTED,
                       "OpenBLAS (%s) keeps %d threads for each caller although one was asked for; "
                       "set OPENBLAS_NUM_THREADS=1, or build with -DAX_BLAS=plain",
                       openblas_get_config(), openblas_get_num_threads());
    return AX_OK;
}

const char *ax_blas_name(void)
{
    return openblas_get_config();
}

void ax_blas_gram(uint32_t n, uint32_t p, const double *x, double *c)
{
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)p, (int)n, 1, x, (int)p, 0, c, (int)p);
}

void ax_blas_cross(uint32_t n, uint32_t p, uint32_t m, const double *x, const double *y, double *c)
{
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)p, (int)m, (int)n, 1, x, (int)p, y, (int)m, 0,
                c, (int)m);
}

enum ax_err ax_blas_cholesky_solve(uint32_t p, uint32_t m, double *a, double *b)
{
    /* Row-major lower is LAPACK's column-major upper. */
    char upper[] = "U";
    int n = (int)p, info = 0;
    dpotrf_(upper, &n, a, &n, &info);
    if (info != 0)
        return AX_NUMERIC;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, n, (int)m, 1, a, n, b,
                (int)m);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, n, (int)m, 1, a, n, b,
                (int)m);
    return AX_OK;
}

void ax_blas_sgemm(uint32_t m, uint32_t n, uint32_t k, struct ax_mat a, struct ax_mat b, bool add, float *c,
                   size_t ldc)
{
    if (m == 0 || n == 0)
        return;
    cblas_sgemm(CblasRowMajor, a.turned ? CblasTrans : CblasNoTrans, b.turned ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, 1.0f, a.v, (int)a.ld, b.v, (int)b.ld, add ? 1.0f : 0.0f, c, (int)ldc);
}
