/* quadratic.c: one product of matrices for all rows, and sums of squares. */
#include "anomaly/quadratic.h"

#include "math/blas.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1

struct ax_quadratic {
    uint32_t p;
    float v[]; /* centre[p], then M */
};

static struct ax_quadratic *make(uint32_t p)
{
    size_t n = p + (size_t)p * p;
    struct ax_quadratic *q = malloc(sizeof *q + n * sizeof q->v[0]);
    if (q)
        q->p = p;
    return q;
}

struct ax_quadratic *ax_quadratic_new(uint32_t p, const double *centre, const double *m)
{
    struct ax_quadratic *q = make(p);
    if (!q)
        return NULL;
    for (uint32_t i = 0; i < p; i++)
        q->v[i] = (float)centre[i];
    for (size_t i = 0; i < (size_t)p * p; i++)
        q->v[p + i] = (float)m[i];
    return q;
}

void ax_quadratic_free(struct ax_quadratic *q)
{
    free(q);
}

size_t ax_quadratic_scratch(const struct ax_quadratic *q, uint32_t n)
{
    return 2 * (size_t)n * q->p;
}

void ax_quadratic_score(const struct ax_quadratic *q, uint32_t n, const float *x, float *scratch,
                        double *score)
{
    float *part = scratch, *centred = scratch + (size_t)n * q->p;
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < q->p; i++)
            centred[(size_t)r * q->p + i] = x[(size_t)r * q->p + i] - q->v[i];
    const struct ax_mat a = {.v = centred, .ld = q->p}, b = {.v = q->v + q->p, .ld = q->p, .turned = true};
    ax_blas_sgemm(n, q->p, q->p, a, b, false, part, q->p);
    for (uint32_t r = 0; r < n; r++) {
        score[r] = 0;
        for (uint32_t i = 0; i < q->p; i++) {
            double v = (double)part[(size_t)r * q->p + i];
            score[r] += v * v;
        }
    }
}

void ax_quadratic_save(const struct ax_quadratic *q, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, q->p);
    ax_put_f32s(out, q->v, q->p + q->p * q->p);
}

enum ax_err ax_quadratic_load(struct ax_bytes *in, uint32_t p, struct ax_quadratic **out)
{
    *out = NULL;
    ax_get_version(in, STATE_VERSION);
    if (ax_get_count(in, AX_QUADRATIC_FEATURES_MAX) != p || in->err != AX_OK)
        return ax_bytes_fail(in);
    struct ax_quadratic *q = make(p);
    if (!q)
        return AX_NOMEM;
    ax_get_f32s_in(in, q->v, p + p * p, -FLT_MAX, FLT_MAX, false);
    if (in->err != AX_OK) {
        free(q);
        return in->err;
    }
    *out = q;
    return AX_OK;
}
