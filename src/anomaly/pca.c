/* pca.c: eigenvectors of the covariance. */
#include "anomaly/pca.h"

#include "math/blas.h"
#include "math/eigen.h"

#include <stdlib.h>
#include <string.h>

void ax_pca_done(struct ax_pca *a)
{
    free(a->mean);
    memset(a, 0, sizeof *a);
}

/* Rows less their mean, as doubles. */
static void centre(uint32_t n, uint32_t p, const float *x, double *mean, double *centred)
{
    memset(mean, 0, p * sizeof *mean);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < p; i++)
            mean[i] += (double)x[(size_t)r * p + i];
    for (uint32_t i = 0; i < p; i++)
        mean[i] /= n;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < p; i++)
            centred[(size_t)r * p + i] = (double)x[(size_t)r * p + i] - mean[i];
}

enum ax_err ax_pca_fit(uint32_t n, uint32_t p, const float *x, struct ax_pca *out)
{
    size_t square = (size_t)p * p;
    double *block = malloc((2 * (size_t)p + square) * sizeof *block);
    double *work = calloc((size_t)n * p + square, sizeof *work);
    enum ax_err err = block && work ? AX_OK : AX_NOMEM;
    *out = (struct ax_pca){.p = p, .mean = block};
    if (err == AX_OK) {
        double *covariance = work + (size_t)n * p;
        out->variances = block + p;
        out->directions = block + 2 * (size_t)p;
        centre(n, p, x, out->mean, work);
        ax_blas_gram(n, p, work, covariance);
        for (size_t i = 0; i < p; i++)
            for (size_t k = 0; k < p; k++)
                covariance[i * p + k] = k <= i ? covariance[i * p + k] / (n > 1 ? n - 1 : 1) : 0;
        err = ax_eigen(p, covariance, out->variances, out->directions);
    }
    free(work);
    if (err != AX_OK)
        ax_pca_done(out);
    return err;
}

uint32_t ax_pca_components(const struct ax_pca *a, double share)
{
    double all = 0, sum = 0;
    uint32_t k = 0;
    for (uint32_t i = 0; i < a->p; i++)
        all += a->variances[i];
    while (k < a->p && sum < share * all)
        sum += a->variances[k++];
    return k;
}

struct ax_quadratic *ax_pca_residual(const struct ax_pca *a, uint32_t k)
{
    uint32_t p = a->p;
    double *m = calloc((size_t)p * p, sizeof *m);
    if (!m)
        return NULL;
    for (uint32_t i = 0; i < p; i++)
        m[(size_t)i * p + i] = 1;
    for (uint32_t c = 0; c < k; c++) {
        const double *v = a->directions + (size_t)c * p;
        for (uint32_t i = 0; i < p; i++)
            for (uint32_t j = 0; j < p; j++)
                m[(size_t)i * p + j] -= v[i] * v[j];
    }
    struct ax_quadratic *q = ax_quadratic_new(p, a->mean, m);
    free(m);
    return q;
}
