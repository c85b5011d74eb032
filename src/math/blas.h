/* blas.h: the few dense kernels that the models use, over OpenBLAS or in plain C (CMake: AX_BLAS).
 *
 * Row-major, double but for the one call of src/nn. The plain version is the oracle of the tests and the way
 * out where OpenBLAS is not to be had; both give the same numbers but for rounding. Thread-safe: each caller
 * runs on its own thread. */
#ifndef AX_MATH_BLAS_H
#define AX_MATH_BLAS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be called once at start, before any thread: one BLAS thread per caller. AX_UNSUPPORTED, with what to
 * do about it, when the library will not have that. */
AX_MUST_USE enum ax_err ax_blas_setup(struct ax_diag *diag);

/* "openblas" or "plain", with the version. */
const char *ax_blas_name(void);

/* c[p x p] = X' X for x[n x p]; only the lower triangle and the diagonal are written. */
void ax_blas_gram(uint32_t n, uint32_t p, const double *x, double *c);

/* c[p x m] = X' Y for x[n x p], y[n x m]. */
void ax_blas_cross(uint32_t n, uint32_t p, uint32_t m, const double *x, const double *y, double *c);

/* Solve A B = C for symmetric positive definite a[p x p] (lower triangle read; overwritten by its factor);
 * b[p x m] holds C and becomes B. AX_NUMERIC when A is not positive definite; a and b are then spoilt. */
AX_MUST_USE enum ax_err ax_blas_cholesky_solve(uint32_t p, uint32_t m, double *a, double *b);

/* A matrix of floats for ax_blas_sgemm(): rows ld floats apart; with `turned` its transpose is meant. */
struct ax_mat {
    const float *v;
    size_t ld;
    bool turned;
};

/* c[m x n] = a[m x k] b[k x n], added to what is there when `add`; rows of c are ldc apart. The same shapes,
 * numbers and library give the same bits. m, n and k may be 0. */
void ax_blas_sgemm(uint32_t m, uint32_t n, uint32_t k, struct ax_mat a, struct ax_mat b, bool add, float *c,
                   size_t ldc);

#endif
