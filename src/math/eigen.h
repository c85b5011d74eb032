/* eigen.h: all eigenvalues and eigenvectors of a symmetric matrix, by cyclic Jacobi rotations (Golub and Van
 * Loan, "Matrix Computations", 8.5). Slow for large matrices, exact to the last bits for small ones. Pure. */
#ifndef AX_MATH_EIGEN_H
#define AX_MATH_EIGEN_H

#include "base/err.h"

#include <stdint.h>

/* values[p], falling, and vectors[p x p], a unit vector each row, of a[p x p] (lower triangle read, all of it
 * spoilt). The largest component of a vector is positive. AX_NUMERIC when a is not finite. O(p^3), about ten
 * sweeps. */
AX_MUST_USE enum ax_err ax_eigen(uint32_t p, double *a, double *values, double *vectors);

#endif
